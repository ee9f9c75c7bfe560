// Normalisation layers for images and volumes beyond batch norm.
import { fail } from '../../core/errors.ts'
import { needWhole, withDefaults } from '../../core/options.ts'
import { ones, zeros, type Tensor } from '../../ops/index.ts'
import { instanceNorm, localResponseNorm, type LocalResponseNormOptions } from '../functional/norm-more.ts'
import { Module } from '../module.ts'
import { Parameter } from '../parameter.ts'

export interface InstanceNormLayerOptions {
  eps?: number
  /** How far running statistics move to the mean of the batch's. */
  momentum?: number
  /** Trained weight and bias. */
  affine?: boolean
  /** Keep running statistics for evaluation. */
  trackRunningStats?: boolean
}

abstract class InstanceNorm extends Module {
  readonly weight: Parameter | null
  readonly bias: Parameter | null
  readonly runningMean: Tensor | null
  readonly runningVar: Tensor | null
  /** Kept for checkpoints; nothing counts in it. */
  readonly numBatchesTracked: Tensor | null
  readonly eps: number
  readonly momentum: number

  constructor(
    private readonly rank: number,
    readonly numFeatures: number,
    options: InstanceNormLayerOptions,
  ) {
    super()
    needWhole(this.constructor.name, { numFeatures })
    const o = withDefaults<Required<InstanceNormLayerOptions>>(this.constructor.name, options, { eps: 1e-5, momentum: 0.1, affine: false, trackRunningStats: false })
    this.eps = o.eps
    this.momentum = o.momentum
    this.weight = o.affine ? new Parameter(ones(numFeatures)) : null
    this.bias = o.affine ? new Parameter(zeros(numFeatures)) : null
    this.runningMean = this.registerBuffer('runningMean', o.trackRunningStats ? zeros(numFeatures) : null)
    this.runningVar = this.registerBuffer('runningVar', o.trackRunningStats ? ones(numFeatures) : null)
    this.numBatchesTracked = this.registerBuffer('numBatchesTracked', o.trackRunningStats ? zeros([], { dtype: 'int32' }) : null)
  }

  override forward(x: Tensor): Tensor {
    const { rank, runningMean, runningVar, weight, bias, eps, momentum } = this
    if (x.ndim !== rank && x.ndim !== rank - 1) fail(this.constructor.name, `expected ${rank - 1} or ${rank} dimensions, got ${x}`, '[batch, channels, …]')
    const single = x.ndim < rank
    const y = instanceNorm(single ? x.unsqueeze(0) : x, { runningMean, runningVar, weight, bias, useInputStats: this.training || !runningMean, momentum, eps })
    return single ? y.squeeze(0) : y
  }

  override extraRepr(): string {
    return `${this.numFeatures}${this.weight ? ', affine=true' : ''}${this.runningMean ? ', trackRunningStats=true' : ''}`
  }
}
/** Normalises each channel of each row of [N, C, L] by itself (Ulyanov et al. 2016). As `torch.nn.InstanceNorm1d`. */
export class InstanceNorm1d extends InstanceNorm {
  constructor(numFeatures: number, options: InstanceNormLayerOptions = {}) {
    super(3, numFeatures, options)
  }
}
/** Normalises each channel of each image of [N, C, H, W] by itself (Ulyanov et al. 2016). As `torch.nn.InstanceNorm2d`. */
export class InstanceNorm2d extends InstanceNorm {
  constructor(numFeatures: number, options: InstanceNormLayerOptions = {}) {
    super(4, numFeatures, options)
  }
}
/** Normalises each channel of each volume of [N, C, D, H, W] by itself. As `torch.nn.InstanceNorm3d`. */
export class InstanceNorm3d extends InstanceNorm {
  constructor(numFeatures: number, options: InstanceNormLayerOptions = {}) {
    super(5, numFeatures, options)
  }
}

/** x/(k + α·mean of x² over `size` neighbouring channels)^β (Krizhevsky et al. 2012). As `torch.nn.LocalResponseNorm`. */
export class LocalResponseNorm extends Module {
  private readonly options: Required<LocalResponseNormOptions>

  constructor(
    readonly size: number,
    options: LocalResponseNormOptions = {},
  ) {
    super()
    needWhole('LocalResponseNorm', { size })
    this.options = withDefaults<Required<LocalResponseNormOptions>>('LocalResponseNorm', options, { alpha: 1e-4, beta: 0.75, k: 1 })
  }

  override forward(x: Tensor): Tensor {
    return localResponseNorm(x, this.size, this.options)
  }

  override extraRepr(): string {
    const { alpha, beta, k } = this.options
    return `${this.size}, alpha=${alpha}, beta=${beta}, k=${k}`
  }
}
