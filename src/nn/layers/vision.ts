// Layers that change the size of images or the order of their elements.
import { withDefaults } from '../../core/options.ts'
import type { Tensor } from '../../ops/index.ts'
import type { Size } from '../../ops/spatial.ts'
import { interpolate, type InterpolateMode, type InterpolateOptions } from '../functional/interpolate.ts'
import { channelShuffle, fold, pixelShuffle, pixelUnshuffle, unfold, type PatchOptions } from '../functional/rearrange.ts'
import { Module } from '../module.ts'
import { sizeRepr } from './pool-base.ts'

/** Channels become pixels: [N, C·r², H, W] → [N, C, H·r, W·r]. As `torch.nn.PixelShuffle`. */
export class PixelShuffle extends Module {
  constructor(readonly upscaleFactor: number) {
    super()
  }

  override forward(x: Tensor): Tensor {
    return pixelShuffle(x, this.upscaleFactor)
  }

  override extraRepr(): string {
    return `upscaleFactor=${this.upscaleFactor}`
  }
}
/** Pixels become channels: [N, C, H·r, W·r] → [N, C·r², H, W]. As `torch.nn.PixelUnshuffle`. */
export class PixelUnshuffle extends Module {
  constructor(readonly downscaleFactor: number) {
    super()
  }

  override forward(x: Tensor): Tensor {
    return pixelUnshuffle(x, this.downscaleFactor)
  }

  override extraRepr(): string {
    return `downscaleFactor=${this.downscaleFactor}`
  }
}
/** Deals the channels of [N, C, …] from `groups` piles. As `torch.nn.ChannelShuffle`. */
export class ChannelShuffle extends Module {
  constructor(readonly groups: number) {
    super()
  }

  override forward(x: Tensor): Tensor {
    return channelShuffle(x, this.groups)
  }

  override extraRepr(): string {
    return `groups=${this.groups}`
  }
}

export type UpsampleOptions = Pick<InterpolateOptions, 'size' | 'scaleFactor' | 'mode' | 'alignCorners' | 'recomputeScaleFactor'>
/**
 * Images of another size; see `nn.functional.interpolate`. As `torch.nn.Upsample`.
 *
 * @example
 * const twice = new nn.Upsample({ scaleFactor: 2, mode: 'bilinear' })
 * twice.forward(randn(2, 3, 4, 5)).shape // → [ 2, 3, 8, 10 ]
 */
export class Upsample extends Module {
  private readonly options: Required<UpsampleOptions>

  constructor(options: UpsampleOptions) {
    super()
    this.options = withDefaults<Required<UpsampleOptions>>(this.constructor.name, options, { size: null, scaleFactor: null, mode: 'nearest', alignCorners: null, recomputeScaleFactor: null })
  }

  override forward(x: Tensor): Tensor {
    return interpolate(x, this.options)
  }

  override extraRepr(): string {
    const { size, scaleFactor, mode } = this.options
    return `${size === null ? `scaleFactor=${String(scaleFactor)}` : `size=${String(size)}`}, mode='${mode}'`
  }
}

type Sizes = Pick<UpsampleOptions, 'size' | 'scaleFactor'>
abstract class Upsampling2d extends Upsample {
  constructor(options: Sizes, mode: InterpolateMode, alignCorners: boolean | null) {
    super({ ...options, mode, alignCorners })
  }
}
/** Larger images by repeated pixels. As `torch.nn.UpsamplingNearest2d`. */
export class UpsamplingNearest2d extends Upsampling2d {
  constructor(options: Sizes) {
    super(options, 'nearest', null)
  }
}
/** Larger images by lines between pixels, corners aligned. As `torch.nn.UpsamplingBilinear2d`. */
export class UpsamplingBilinear2d extends Upsampling2d {
  constructor(options: Sizes) {
    super(options, 'bilinear', true)
  }
}

const patchDefaults: Required<PatchOptions> = { dilation: 1, padding: 0, stride: 1 }
/** All patches of an image as columns: [N, C, H, W] → [N, C·KH·KW, patches]. As `torch.nn.Unfold`. */
export class Unfold extends Module {
  private readonly options: Required<PatchOptions>

  constructor(
    readonly kernelSize: Size,
    options: PatchOptions = {},
  ) {
    super()
    this.options = withDefaults('Unfold', options, patchDefaults)
  }

  override forward(x: Tensor): Tensor {
    return unfold(x, this.kernelSize, this.options)
  }

  override extraRepr(): string {
    return sizeRepr(this.kernelSize)
  }
}
/** Patches as columns added up at their places: [N, C·KH·KW, patches] → [N, C, …outputSize]. As `torch.nn.Fold`. */
export class Fold extends Module {
  private readonly options: Required<PatchOptions>

  constructor(
    readonly outputSize: Size,
    readonly kernelSize: Size,
    options: PatchOptions = {},
  ) {
    super()
    this.options = withDefaults('Fold', options, patchDefaults)
  }

  override forward(x: Tensor): Tensor {
    return fold(x, this.outputSize, this.kernelSize, this.options)
  }

  override extraRepr(): string {
    return `${sizeRepr(this.outputSize)}, ${sizeRepr(this.kernelSize)}`
  }
}
