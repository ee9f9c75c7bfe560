// Layers that learn their input's size from the first input. With it they turn into the layer that they stand for, as PyTorch's do.
import { beside } from '../../ops/define.ts'
import type { Tensor } from '../../ops/index.ts'
import type { Size } from '../../ops/spatial.ts'
import { world } from '../../ops/world.ts'
import { Module, type Layer } from '../module.ts'
import { Conv1d, Conv2d, Conv3d, ConvTranspose1d, ConvTranspose2d, ConvTranspose3d, type ConvLayerOptions, type ConvTransposeLayerOptions } from './conv.ts'
import { Linear, type LinearOptions } from './linear.ts'
import { InstanceNorm1d, InstanceNorm2d, InstanceNorm3d, type InstanceNormLayerOptions } from './norm-more.ts'
import { BatchNorm1d, BatchNorm2d, BatchNorm3d, type BatchNormLayerOptions } from './norm.ts'

abstract class Lazy extends Module {
  readonly #make: (x: Tensor) => Layer
  readonly #shown: string

  constructor(make: (x: Tensor) => Layer, shown: string) {
    super()
    this.#make = make
    this.#shown = shown
  }

  override get unready(): string | null {
    return `${this.constructor.name} does not know the size of its input yet`
  }

  /** Takes on the fields and the class of the layer for this input. Parameters outlive a trace in which that happens. */
  override forward(x: Tensor): Tensor {
    const made = world().outside(() => beside(x, () => this.#make(x)))
    Object.assign(this, made)
    for (const [name, value, options] of made.ownBuffers()) this.registerBuffer(name, value, options)
    Object.setPrototypeOf(this, Object.getPrototypeOf(made) as object)
    return this.forward(x)
  }

  override extraRepr(): string {
    return `?, ${this.#shown}`
  }
}

/** `Linear` whose inFeatures is the last size of the first input. As `torch.nn.LazyLinear`. */
export class LazyLinear extends Lazy {
  constructor(outFeatures: number, options: LinearOptions = {}) {
    super(x => new Linear(x.shape[x.ndim - 1], outFeatures, options), String(outFeatures))
  }
}

/** The channels of [N, C, …n spatial] or [C, …]. */
const channels = (x: Tensor, n: number): number => x.shape[x.ndim - n - 1]

/** `Conv1d` whose inChannels are those of the first input. As `torch.nn.LazyConv1d`. */
export class LazyConv1d extends Lazy {
  constructor(outChannels: number, kernelSize: Size, options: ConvLayerOptions = {}) {
    super(x => new Conv1d(channels(x, 1), outChannels, kernelSize, options), String(outChannels))
  }
}
/**
 * `Conv2d` whose inChannels are those of the first input. As `torch.nn.LazyConv2d`.
 *
 * @example
 * const model = new nn.Sequential(new nn.LazyConv2d(8, 3), new nn.ReLU(), new nn.Flatten(), new nn.LazyLinear(10))
 * model.forward(randn(2, 3, 6, 6)).shape // → [ 2, 10 ]
 * model.at(0).weight.shape // → [ 8, 3, 3, 3 ]
 */
export class LazyConv2d extends Lazy {
  constructor(outChannels: number, kernelSize: Size, options: ConvLayerOptions = {}) {
    super(x => new Conv2d(channels(x, 2), outChannels, kernelSize, options), String(outChannels))
  }
}
/** `Conv3d` whose inChannels are those of the first input. As `torch.nn.LazyConv3d`. */
export class LazyConv3d extends Lazy {
  constructor(outChannels: number, kernelSize: Size, options: ConvLayerOptions = {}) {
    super(x => new Conv3d(channels(x, 3), outChannels, kernelSize, options), String(outChannels))
  }
}
/** `ConvTranspose1d` whose inChannels are those of the first input. As `torch.nn.LazyConvTranspose1d`. */
export class LazyConvTranspose1d extends Lazy {
  constructor(outChannels: number, kernelSize: Size, options: ConvTransposeLayerOptions = {}) {
    super(x => new ConvTranspose1d(channels(x, 1), outChannels, kernelSize, options), String(outChannels))
  }
}
/** `ConvTranspose2d` whose inChannels are those of the first input. As `torch.nn.LazyConvTranspose2d`. */
export class LazyConvTranspose2d extends Lazy {
  constructor(outChannels: number, kernelSize: Size, options: ConvTransposeLayerOptions = {}) {
    super(x => new ConvTranspose2d(channels(x, 2), outChannels, kernelSize, options), String(outChannels))
  }
}
/** `ConvTranspose3d` whose inChannels are those of the first input. As `torch.nn.LazyConvTranspose3d`. */
export class LazyConvTranspose3d extends Lazy {
  constructor(outChannels: number, kernelSize: Size, options: ConvTransposeLayerOptions = {}) {
    super(x => new ConvTranspose3d(channels(x, 3), outChannels, kernelSize, options), String(outChannels))
  }
}

const norms = (options: object): string => Object.entries(options).map(([k, v]) => `${k}=${String(v)}`).join(', ')
/** `BatchNorm1d` whose numFeatures are the channels of the first input. As `torch.nn.LazyBatchNorm1d`. */
export class LazyBatchNorm1d extends Lazy {
  constructor(options: BatchNormLayerOptions = {}) {
    super(x => new BatchNorm1d(x.shape[1], options), norms(options))
  }
}
/** `BatchNorm2d` whose numFeatures are the channels of the first input. As `torch.nn.LazyBatchNorm2d`. */
export class LazyBatchNorm2d extends Lazy {
  constructor(options: BatchNormLayerOptions = {}) {
    super(x => new BatchNorm2d(x.shape[1], options), norms(options))
  }
}
/** `BatchNorm3d` whose numFeatures are the channels of the first input. As `torch.nn.LazyBatchNorm3d`. */
export class LazyBatchNorm3d extends Lazy {
  constructor(options: BatchNormLayerOptions = {}) {
    super(x => new BatchNorm3d(x.shape[1], options), norms(options))
  }
}
/** `InstanceNorm1d` whose numFeatures are the channels of the first input. As `torch.nn.LazyInstanceNorm1d`. */
export class LazyInstanceNorm1d extends Lazy {
  constructor(options: InstanceNormLayerOptions = {}) {
    super(x => new InstanceNorm1d(channels(x, 1), options), norms(options))
  }
}
/** `InstanceNorm2d` whose numFeatures are the channels of the first input. As `torch.nn.LazyInstanceNorm2d`. */
export class LazyInstanceNorm2d extends Lazy {
  constructor(options: InstanceNormLayerOptions = {}) {
    super(x => new InstanceNorm2d(channels(x, 2), options), norms(options))
  }
}
/** `InstanceNorm3d` whose numFeatures are the channels of the first input. As `torch.nn.LazyInstanceNorm3d`. */
export class LazyInstanceNorm3d extends Lazy {
  constructor(options: InstanceNormLayerOptions = {}) {
    super(x => new InstanceNorm3d(channels(x, 3), options), norms(options))
  }
}
