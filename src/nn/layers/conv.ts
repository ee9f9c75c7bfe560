// Convolution layers. Weights are PyTorch's: [out, in / groups, …kernel], transposed ones [in, out / groups, …kernel].
import { fail } from '../../core/errors.ts'
import { needWhole, withDefaults } from '../../core/options.ts'
import { formatShape, type Shape } from '../../core/shape.ts'
import { perAxis } from '../../ops/spatial.ts'
import { conv1d, conv2d, convTranspose2d, empty, type Tensor } from '../../ops/index.ts'
import { Module } from '../module.ts'
import { Parameter } from '../parameter.ts'
import { resetUniform } from './linear.ts'

type Size = number | Shape
export interface ConvLayerOptions {
  stride?: Size
  /** Zeros on both sides of each spatial dimension; 'same' keeps sizes, 'valid' adds none. */
  padding?: Size | 'same' | 'valid'
  dilation?: Size
  /** Channels are cut in this many groups that do not see each other. */
  groups?: number
  bias?: boolean
}
const convDefaults: Required<ConvLayerOptions> = { stride: 1, padding: 0, dilation: 1, groups: 1, bias: true }

export interface ConvTransposeLayerOptions {
  stride?: Size
  padding?: Size
  /** Extra size at the high end of each spatial dimension. */
  outputPadding?: Size
  groups?: number
  bias?: boolean
  dilation?: Size
}
const transposeDefaults: Required<ConvTransposeLayerOptions> = { stride: 1, padding: 0, outputPadding: 0, groups: 1, bias: true, dilation: 1 }

abstract class ConvBase<O extends { bias: boolean; groups: number }> extends Module {
  readonly weight: Parameter
  readonly bias: Parameter | null
  readonly kernelSize: Shape

  constructor(
    readonly inChannels: number,
    readonly outChannels: number,
    kernelSize: Size,
    protected readonly options: O,
    private readonly defaults: O,
    spatial: number,
    transposed: boolean,
  ) {
    super()
    const op = this.constructor.name
    const { groups } = options
    needWhole(op, { inChannels, outChannels, groups })
    this.kernelSize = perAxis(op, 'kernelSize', kernelSize, spatial, 1)
    if (inChannels % groups || outChannels % groups) fail(op, `${inChannels} and ${outChannels} channels do not divide into ${groups} groups`, 'groups must divide both')
    const [first, second] = transposed ? [inChannels, outChannels / groups] : [outChannels, inChannels / groups]
    this.weight = new Parameter(empty([first, second, ...this.kernelSize]))
    this.bias = options.bias ? new Parameter(empty(outChannels)) : null
    resetUniform(this.weight, this.bias)
  }

  override extraRepr(): string {
    const size = (v: unknown): string => (Array.isArray(v) ? (v.every(n => n === v[0]) ? String(v[0]) : formatShape(v)) : String(v))
    const shown = (Object.keys(this.defaults) as (keyof O)[]).filter(k => size(this.options[k]) !== size(this.defaults[k]))
    return [this.inChannels, this.outChannels, size(this.kernelSize), ...shown.map(k => `${String(k)}=${size(this.options[k])}`)].join(', ')
  }
}

/** Cross-correlation of [N, C, L] with a trained kernel. Start values uniform in ±1/√(C·K / groups). As `torch.nn.Conv1d`. */
export class Conv1d extends ConvBase<Required<ConvLayerOptions>> {
  constructor(inChannels: number, outChannels: number, kernelSize: Size, options: ConvLayerOptions = {}) {
    super(inChannels, outChannels, kernelSize, withDefaults('Conv1d', options, convDefaults), convDefaults, 1, false)
  }

  override forward(x: Tensor): Tensor {
    const { stride, padding, dilation, groups } = this.options
    return conv1d(x, this.weight, this.bias, { stride, padding, dilation, groups })
  }
}

/**
 * Cross-correlation of images [N, C, H, W] with a trained kernel → [N, O, H', W']. Start values uniform in ±1/√(C·KH·KW / groups).
 * As `torch.nn.Conv2d`.
 *
 * @example
 * const conv = new nn.Conv2d(1, 16, 3, { padding: 1 })
 */
export class Conv2d extends ConvBase<Required<ConvLayerOptions>> {
  constructor(inChannels: number, outChannels: number, kernelSize: Size, options: ConvLayerOptions = {}) {
    super(inChannels, outChannels, kernelSize, withDefaults('Conv2d', options, convDefaults), convDefaults, 2, false)
  }

  override forward(x: Tensor): Tensor {
    const { stride, padding, dilation, groups } = this.options
    return conv2d(x, this.weight, this.bias, { stride, padding, dilation, groups })
  }
}

/** The transpose of a convolution: enlarges [N, C, H, W]. As `torch.nn.ConvTranspose2d`. */
export class ConvTranspose2d extends ConvBase<Required<ConvTransposeLayerOptions>> {
  constructor(inChannels: number, outChannels: number, kernelSize: Size, options: ConvTransposeLayerOptions = {}) {
    super(inChannels, outChannels, kernelSize, withDefaults('ConvTranspose2d', options, transposeDefaults), transposeDefaults, 2, true)
  }

  override forward(x: Tensor): Tensor {
    const { stride, padding, outputPadding, groups, dilation } = this.options
    return convTranspose2d(x, this.weight, this.bias, { stride, padding, outputPadding, groups, dilation })
  }
}
