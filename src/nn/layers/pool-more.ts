// Pooling layers beyond the common ones.
import { withDefaults } from '../../core/options.ts'
import type { Shape } from '../../core/shape.ts'
import type { Tensor } from '../../ops/index.ts'
import type { Size } from '../../ops/spatial.ts'
import { adaptiveMaxPool1d, adaptiveMaxPool2d, adaptiveMaxPool3d, lpPool1d, lpPool2d, lpPool3d, maxUnpool1d, maxUnpool2d, maxUnpool3d, type LpPoolOptions } from '../functional/pool-more.ts'
import type { OutputSize } from '../functional/pool.ts'
import { Module } from '../module.ts'
import { Pool, sizeRepr } from './pool-base.ts'
import type { MaxPooled } from './pool.ts'

abstract class AdaptiveMaxPool<I extends boolean> extends Module {
  private readonly returnIndices: boolean

  constructor(
    readonly outputSize: OutputSize,
    options: { returnIndices?: I } = {},
  ) {
    super()
    this.returnIndices = withDefaults<{ returnIndices: boolean }>(this.constructor.name, options, { returnIndices: false }).returnIndices
  }

  protected pooled(x: Tensor, pool: typeof adaptiveMaxPool1d): MaxPooled<I> {
    return (this.returnIndices ? pool(x, this.outputSize, { returnIndices: true }) : pool(x, this.outputSize)) as MaxPooled<I>
  }

  override extraRepr(): string {
    return Array.isArray(this.outputSize) ? `[${this.outputSize.map(String)}]` : String(this.outputSize)
  }
}
/** Largest values of `outputSize` windows of [N, C, L]. As `torch.nn.AdaptiveMaxPool1d`. */
export class AdaptiveMaxPool1d<I extends boolean = false> extends AdaptiveMaxPool<I> {
  override forward(x: Tensor): MaxPooled<I> {
    return this.pooled(x, adaptiveMaxPool1d)
  }
}
/** Largest values of as many windows as asked, of [N, C, H, W]; null keeps a size. As `torch.nn.AdaptiveMaxPool2d`. */
export class AdaptiveMaxPool2d<I extends boolean = false> extends AdaptiveMaxPool<I> {
  override forward(x: Tensor): MaxPooled<I> {
    return this.pooled(x, adaptiveMaxPool2d)
  }
}
/** Largest values of as many windows as asked, of [N, C, D, H, W]; null keeps a size. As `torch.nn.AdaptiveMaxPool3d`. */
export class AdaptiveMaxPool3d<I extends boolean = false> extends AdaptiveMaxPool<I> {
  override forward(x: Tensor): MaxPooled<I> {
    return this.pooled(x, adaptiveMaxPool3d)
  }
}

export interface UnpoolLayerOptions {
  /** Default: the kernel size. */
  stride?: Size
  padding?: Size
}
abstract class MaxUnpool extends Pool<{ padding: Size }> {
  constructor(kernelSize: Size, options: UnpoolLayerOptions = {}) {
    super(kernelSize, options, { padding: 0 })
  }

  protected unpooled(unpool: typeof maxUnpool1d, x: Tensor, indices: Tensor, outputSize?: Shape): Tensor {
    return unpool(x, indices, this.kernelSize, { ...this.options, outputSize })
  }
}
/** The way back from `MaxPool1d`: values at their positions, zeros elsewhere. As `torch.nn.MaxUnpool1d`. */
export class MaxUnpool1d extends MaxUnpool {
  override forward(x: Tensor, indices: Tensor, outputSize?: Shape): Tensor {
    return this.unpooled(maxUnpool1d, x, indices, outputSize)
  }
}
/** The way back from `MaxPool2d`: values at their positions, zeros elsewhere. As `torch.nn.MaxUnpool2d`. */
export class MaxUnpool2d extends MaxUnpool {
  override forward(x: Tensor, indices: Tensor, outputSize?: Shape): Tensor {
    return this.unpooled(maxUnpool2d, x, indices, outputSize)
  }
}
/** The way back from `MaxPool3d`: values at their positions, zeros elsewhere. As `torch.nn.MaxUnpool3d`. */
export class MaxUnpool3d extends MaxUnpool {
  override forward(x: Tensor, indices: Tensor, outputSize?: Shape): Tensor {
    return this.unpooled(maxUnpool3d, x, indices, outputSize)
  }
}

abstract class LpPool extends Pool<{ ceilMode: boolean }> {
  constructor(
    readonly normType: number,
    kernelSize: Size,
    options: LpPoolOptions = {},
  ) {
    super(kernelSize, options, { ceilMode: false })
  }

  override extraRepr(): string {
    return `${this.normType}, ${sizeRepr(this.kernelSize)}`
  }
}
/** (Σ xᵖ)^(1/p) of each window of [N, C, L]. As `torch.nn.LPPool1d`. */
export class LPPool1d extends LpPool {
  override forward(x: Tensor): Tensor {
    return lpPool1d(x, this.normType, this.kernelSize, this.options)
  }
}
/** (Σ xᵖ)^(1/p) of each window of [N, C, H, W]. As `torch.nn.LPPool2d`. */
export class LPPool2d extends LpPool {
  override forward(x: Tensor): Tensor {
    return lpPool2d(x, this.normType, this.kernelSize, this.options)
  }
}
/** (Σ xᵖ)^(1/p) of each window of [N, C, D, H, W]. As `torch.nn.LPPool3d`. */
export class LPPool3d extends LpPool {
  override forward(x: Tensor): Tensor {
    return lpPool3d(x, this.normType, this.kernelSize, this.options)
  }
}
