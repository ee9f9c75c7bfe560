// Normalisation layers.
import { fail } from '../../core/errors.ts'
import { needWhole, withDefaults } from '../../core/options.ts'
import { formatShape, type Shape } from '../../core/shape.ts'
import { noGrad } from '../../autograd/mode.ts'
import { ones, zeros, type Tensor } from '../../ops/index.ts'
import { batchNorm, groupNorm, layerNorm, rmsNorm } from '../functional/norm.ts'
import { Module } from '../module.ts'
import { Parameter } from '../parameter.ts'

export interface BatchNormLayerOptions {
  eps?: number
  /** How far running statistics move to the batch's; null: they are the mean over all batches. */
  momentum?: number | null
  /** Trained weight and bias. */
  affine?: boolean
  /** Keep running statistics for evaluation. */
  trackRunningStats?: boolean
}
const batchNormDefaults: Required<BatchNormLayerOptions> = { eps: 1e-5, momentum: 0.1, affine: true, trackRunningStats: true }

abstract class BatchNorm extends Module {
  readonly weight: Parameter | null
  readonly bias: Parameter | null
  readonly runningMean: Tensor | null
  readonly runningVar: Tensor | null
  /** int32: how many batches the running statistics have seen. */
  readonly numBatchesTracked: Tensor | null
  readonly eps: number
  readonly momentum: number | null
  protected abstract readonly ranks: readonly number[]

  constructor(
    readonly numFeatures: number,
    options: BatchNormLayerOptions = {},
  ) {
    super()
    needWhole(this.constructor.name, { numFeatures })
    const { eps, momentum, affine, trackRunningStats } = withDefaults(this.constructor.name, options, batchNormDefaults)
    this.eps = eps
    this.momentum = momentum
    this.weight = affine ? new Parameter(ones(numFeatures)) : null
    this.bias = affine ? new Parameter(zeros(numFeatures)) : null
    this.runningMean = this.registerBuffer('runningMean', trackRunningStats ? zeros(numFeatures) : null)
    this.runningVar = this.registerBuffer('runningVar', trackRunningStats ? ones(numFeatures) : null)
    this.numBatchesTracked = this.registerBuffer('numBatchesTracked', trackRunningStats ? zeros([], { dtype: 'int32' }) : null)
  }

  override forward(x: Tensor): Tensor {
    if (!this.ranks.includes(x.ndim)) fail(this.constructor.name, `expected ${this.ranks.join(' or ')} dimensions, got ${x}`, '[batch, channels, …]')
    const { runningMean, runningVar, numBatchesTracked: seen, weight, bias, eps } = this
    const training = this.training || !runningMean
    if (training) noGrad(() => seen?.add_(1))
    const momentum = this.momentum ?? (training && seen ? seen.to('float32').reciprocal() : 0)
    return batchNorm(x, runningMean, runningVar, { weight, bias, training, momentum, eps })
  }

  override extraRepr(): string {
    return `${this.numFeatures}${this.eps === 1e-5 ? '' : `, eps=${this.eps}`}${this.momentum === 0.1 ? '' : `, momentum=${this.momentum}`}${this.weight ? '' : ', affine=false'}${this.runningMean ? '' : ', trackRunningStats=false'}`
  }
}

/**
 * Batch normalisation of [N, C] or [N, C, L] (Ioffe & Szegedy 2015). In training by the batch's statistics, in evaluation by running ones.
 * As `torch.nn.BatchNorm1d`.
 */
export class BatchNorm1d extends BatchNorm {
  protected override readonly ranks = [2, 3]
}
/** Batch normalisation of images [N, C, H, W]. In training by the batch's statistics, in evaluation by running ones. As `torch.nn.BatchNorm2d`. */
export class BatchNorm2d extends BatchNorm {
  protected override readonly ranks = [4]
}
/** Batch normalisation of volumes [N, C, D, H, W]. As `torch.nn.BatchNorm3d`. */
export class BatchNorm3d extends BatchNorm {
  protected override readonly ranks = [5]
}

export interface LayerNormLayerOptions {
  eps?: number
  elementwiseAffine?: boolean
  bias?: boolean
}
/** Normalises over the last dimensions, of sizes `normalizedShape` (Ba et al. 2016). As `torch.nn.LayerNorm`. */
export class LayerNorm extends Module {
  readonly normalizedShape: Shape
  readonly weight: Parameter | null
  readonly bias: Parameter | null
  readonly eps: number

  constructor(normalizedShape: number | Shape, options: LayerNormLayerOptions = {}) {
    super()
    const { eps, elementwiseAffine, bias } = withDefaults('LayerNorm', options, { eps: 1e-5, elementwiseAffine: true, bias: true })
    this.eps = eps
    this.normalizedShape = typeof normalizedShape === 'number' ? [normalizedShape] : [...normalizedShape]
    this.weight = elementwiseAffine ? new Parameter(ones(this.normalizedShape)) : null
    this.bias = elementwiseAffine && bias ? new Parameter(zeros(this.normalizedShape)) : null
  }

  override forward(x: Tensor): Tensor {
    return layerNorm(x, this.normalizedShape, { weight: this.weight, bias: this.bias, eps: this.eps })
  }

  override extraRepr(): string {
    return shapeRepr(this.normalizedShape)
  }
}

export interface RmsNormLayerOptions {
  /** Default: the distance from 1 to the next float32. */
  eps?: number
  elementwiseAffine?: boolean
}
/** x/√(mean x² + ε) over the last dimensions (Zhang & Sennrich 2019). As `torch.nn.RMSNorm`. */
export class RMSNorm extends Module {
  readonly normalizedShape: Shape
  readonly weight: Parameter | null
  readonly eps: number

  constructor(normalizedShape: number | Shape, options: RmsNormLayerOptions = {}) {
    super()
    const { eps, elementwiseAffine } = withDefaults('RMSNorm', options, { eps: 2 ** -23, elementwiseAffine: true })
    this.eps = eps
    this.normalizedShape = typeof normalizedShape === 'number' ? [normalizedShape] : [...normalizedShape]
    this.weight = elementwiseAffine ? new Parameter(ones(this.normalizedShape)) : null
  }

  override forward(x: Tensor): Tensor {
    return rmsNorm(x, this.normalizedShape, { weight: this.weight, eps: this.eps })
  }

  override extraRepr(): string {
    return shapeRepr(this.normalizedShape)
  }
}

export interface GroupNormLayerOptions {
  eps?: number
  affine?: boolean
}
/** Normalises groups of channels of [N, C, …], each sample by itself (Wu & He 2018). As `torch.nn.GroupNorm`. */
export class GroupNorm extends Module {
  readonly weight: Parameter | null
  readonly bias: Parameter | null
  readonly eps: number

  constructor(
    readonly numGroups: number,
    readonly numChannels: number,
    options: GroupNormLayerOptions = {},
  ) {
    super()
    needWhole('GroupNorm', { numGroups, numChannels })
    if (numChannels % numGroups) fail('GroupNorm', `${numChannels} channels do not divide into ${numGroups} groups`, 'numGroups must divide numChannels')
    const { eps, affine } = withDefaults('GroupNorm', options, { eps: 1e-5, affine: true })
    this.eps = eps
    this.weight = affine ? new Parameter(ones(numChannels)) : null
    this.bias = affine ? new Parameter(zeros(numChannels)) : null
  }

  override forward(x: Tensor): Tensor {
    return groupNorm(x, this.numGroups, { weight: this.weight, bias: this.bias, eps: this.eps })
  }

  override extraRepr(): string {
    return `${this.numGroups}, ${this.numChannels}`
  }
}

const shapeRepr = (shape: Shape): string => (shape.length === 1 ? String(shape[0]) : formatShape(shape))
