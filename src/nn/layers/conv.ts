// Convolution layers. Weights are PyTorch's: [out, in / groups, …kernel], transposed ones [in, out / groups, …kernel].
import { fail } from '../../core/errors.ts'
import { needWhole, withDefaults } from '../../core/options.ts'
import { formatShape, type Shape } from '../../core/shape.ts'
import { perAxis, type Size } from '../../ops/spatial.ts'
import { conv1d, conv2d, conv3d, convTranspose1d, convTranspose2d, convTranspose3d, empty, pad, type Tensor } from '../../ops/index.ts'
import { Module } from '../module.ts'
import { Parameter } from '../parameter.ts'
import { resetUniform } from './linear.ts'

/** What stands around the image: zeros, or values of the image as `pad` has them. */
export type PaddingMode = 'zeros' | 'reflect' | 'replicate' | 'circular'
export interface ConvLayerOptions {
  stride?: Size
  /** Values on both sides of each spatial dimension; 'same' keeps sizes, 'valid' adds none. */
  padding?: Size | 'same' | 'valid'
  dilation?: Size
  /** Channels are cut in this many groups that do not see each other. */
  groups?: number
  bias?: boolean
  paddingMode?: PaddingMode
}
const convDefaults: Required<ConvLayerOptions> = { stride: 1, padding: 0, dilation: 1, groups: 1, bias: true, paddingMode: 'zeros' }

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

abstract class Conv extends ConvBase<Required<ConvLayerOptions>> {
  constructor(op: string, private readonly spatial: number, inChannels: number, outChannels: number, kernelSize: Size, options: ConvLayerOptions) {
    const given = withDefaults(op, options, convDefaults)
    if (!['zeros', 'reflect', 'replicate', 'circular'].includes(given.paddingMode)) fail(op, `there is no paddingMode '${String(given.paddingMode)}'`, "'zeros', 'reflect', 'replicate' or 'circular'")
    super(inChannels, outChannels, kernelSize, given, convDefaults, spatial, false)
  }

  protected run(conv: typeof conv1d, x: Tensor): Tensor {
    const { stride, padding, dilation, groups, paddingMode } = this.options
    if (paddingMode === 'zeros' || padding === 'valid') return conv(x, this.weight, this.bias, { stride, padding, dilation, groups })
    return conv(pad(x, this.around(), { mode: paddingMode }), this.weight, this.bias, { stride, dilation, groups })
  }

  /** (low, high) of each spatial dimension, the last first. */
  private around(): number[] {
    const { padding, dilation } = this.options
    const total = (): number[] => perAxis(this.constructor.name, 'dilation', dilation, this.spatial, 1).map((d, i) => d * (this.kernelSize[i] - 1))
    const sides = padding === 'same' ? total().map(t => [Math.floor(t / 2), Math.ceil(t / 2)]) : perAxis(this.constructor.name, 'padding', padding as Size, this.spatial).map(p => [p, p])
    return sides.reverse().flat()
  }
}

/** Cross-correlation of [N, C, L] with a trained kernel. Start values uniform in ±1/√(C·K / groups). As `torch.nn.Conv1d`. */
export class Conv1d extends Conv {
  constructor(inChannels: number, outChannels: number, kernelSize: Size, options: ConvLayerOptions = {}) {
    super('Conv1d', 1, inChannels, outChannels, kernelSize, options)
  }

  override forward(x: Tensor): Tensor {
    return this.run(conv1d, x)
  }
}

/**
 * Cross-correlation of images [N, C, H, W] with a trained kernel → [N, O, H', W']. Start values uniform in ±1/√(C·KH·KW / groups).
 * As `torch.nn.Conv2d`.
 *
 * @example
 * const conv = new nn.Conv2d(1, 16, 3, { padding: 1 })
 * conv.forward(randn(2, 1, 8, 8)).shape // → [ 2, 16, 8, 8 ]
 */
export class Conv2d extends Conv {
  constructor(inChannels: number, outChannels: number, kernelSize: Size, options: ConvLayerOptions = {}) {
    super('Conv2d', 2, inChannels, outChannels, kernelSize, options)
  }

  override forward(x: Tensor): Tensor {
    return this.run(conv2d, x)
  }
}

/** Cross-correlation of volumes [N, C, D, H, W] with a trained kernel. As `torch.nn.Conv3d`. */
export class Conv3d extends Conv {
  constructor(inChannels: number, outChannels: number, kernelSize: Size, options: ConvLayerOptions = {}) {
    super('Conv3d', 3, inChannels, outChannels, kernelSize, options)
  }

  override forward(x: Tensor): Tensor {
    return this.run(conv3d, x)
  }
}

abstract class ConvTranspose extends ConvBase<Required<ConvTransposeLayerOptions>> {
  constructor(op: string, private readonly spatial: number, inChannels: number, outChannels: number, kernelSize: Size, options: ConvTransposeLayerOptions) {
    super(inChannels, outChannels, kernelSize, withDefaults(op, options, transposeDefaults), transposeDefaults, spatial, true)
  }

  protected run(conv: typeof convTranspose1d, x: Tensor, outputSize?: Shape): Tensor {
    const { stride, padding, outputPadding, groups, dilation } = this.options
    return conv(x, this.weight, this.bias, { stride, padding, outputPadding: outputSize ? this.extra(x, outputSize) : outputPadding, groups, dilation })
  }

  /** The output padding that gives these sizes. */
  private extra(x: Tensor, outputSize: Shape): number[] {
    const op = this.constructor.name
    const n = this.spatial
    const [stride, padding, dilation] = (['stride', 'padding', 'dilation'] as const).map(name => perAxis(op, name, this.options[name], n))
    const least = this.kernelSize.map((k, i) => (x.shape[x.ndim - n + i] - 1) * stride[i] - 2 * padding[i] + dilation[i] * (k - 1) + 1)
    const wanted = outputSize.slice(-n)
    if (wanted.length !== n || wanted.some((s, i) => s < least[i] || s >= least[i] + stride[i])) fail(op, `outputSize ${formatShape(outputSize)} is not within reach of ${x}`, `${formatShape(least)} … ${formatShape(least.map((s, i) => s + stride[i] - 1))}`)
    return wanted.map((s, i) => s - least[i])
  }
}

/** The transpose of a convolution: enlarges [N, C, L]; `outputSize` chooses among the sizes that a stride allows. As `torch.nn.ConvTranspose1d`. */
export class ConvTranspose1d extends ConvTranspose {
  constructor(inChannels: number, outChannels: number, kernelSize: Size, options: ConvTransposeLayerOptions = {}) {
    super('ConvTranspose1d', 1, inChannels, outChannels, kernelSize, options)
  }

  override forward(x: Tensor, outputSize?: Shape): Tensor {
    return this.run(convTranspose1d, x, outputSize)
  }
}
/** The transpose of a convolution: enlarges [N, C, H, W]; `outputSize` chooses among the sizes that a stride allows. As `torch.nn.ConvTranspose2d`. */
export class ConvTranspose2d extends ConvTranspose {
  constructor(inChannels: number, outChannels: number, kernelSize: Size, options: ConvTransposeLayerOptions = {}) {
    super('ConvTranspose2d', 2, inChannels, outChannels, kernelSize, options)
  }

  override forward(x: Tensor, outputSize?: Shape): Tensor {
    return this.run(convTranspose2d, x, outputSize)
  }
}
/** The transpose of a convolution: enlarges [N, C, D, H, W]. As `torch.nn.ConvTranspose3d`. */
export class ConvTranspose3d extends ConvTranspose {
  constructor(inChannels: number, outChannels: number, kernelSize: Size, options: ConvTransposeLayerOptions = {}) {
    super('ConvTranspose3d', 3, inChannels, outChannels, kernelSize, options)
  }

  override forward(x: Tensor, outputSize?: Shape): Tensor {
    return this.run(convTranspose3d, x, outputSize)
  }
}
