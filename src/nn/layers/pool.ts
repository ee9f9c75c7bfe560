// Pooling layers.
import { avgPool1d, avgPool2d, avgPool3d, maxPool1d, maxPool2d, maxPool3d, type AvgPoolOptions, type MaxPoolOptions, type Tensor } from '../../ops/index.ts'
import { adaptiveAvgPool1d, adaptiveAvgPool2d, adaptiveAvgPool3d, type OutputSize } from '../functional/pool.ts'
import type { Size } from '../../ops/spatial.ts'
import { Module } from '../module.ts'
import { Pool } from './pool-base.ts'

const maxDefaults = { padding: 0 as Size, dilation: 1 as Size, ceilMode: false, returnIndices: false }
/** What a max pool gives: values, or values and their positions. */
export type MaxPooled<I extends boolean> = I extends true ? [values: Tensor, indices: Tensor] : Tensor
abstract class MaxPool<I extends boolean> extends Pool<typeof maxDefaults> {
  constructor(kernelSize: Size, options: MaxPoolOptions & { returnIndices?: I } = {}) {
    super(kernelSize, options, maxDefaults)
  }

  protected pooled(x: Tensor, pool: typeof maxPool1d): MaxPooled<I> {
    return pool(x, this.kernelSize, this.options as MaxPoolOptions & { returnIndices?: false }) as MaxPooled<I>
  }
}
/** Largest value of each window of [N, C, L]; with `returnIndices` also where it was. As `torch.nn.MaxPool1d`. */
export class MaxPool1d<I extends boolean = false> extends MaxPool<I> {
  override forward(x: Tensor): MaxPooled<I> {
    return this.pooled(x, maxPool1d)
  }
}
/** Largest value of each window of [N, C, H, W]; the stride is the kernel's size unless given. As `torch.nn.MaxPool2d`. */
export class MaxPool2d<I extends boolean = false> extends MaxPool<I> {
  override forward(x: Tensor): MaxPooled<I> {
    return this.pooled(x, maxPool2d)
  }
}
/** Largest value of each window of [N, C, D, H, W]. As `torch.nn.MaxPool3d`. */
export class MaxPool3d<I extends boolean = false> extends MaxPool<I> {
  override forward(x: Tensor): MaxPooled<I> {
    return this.pooled(x, maxPool3d)
  }
}

const avgDefaults = { padding: 0 as Size, ceilMode: false, countIncludePad: true, divisorOverride: null as number | null }
abstract class AvgPool extends Pool<typeof avgDefaults> {
  constructor(kernelSize: Size, options: AvgPoolOptions = {}) {
    super(kernelSize, options, avgDefaults)
  }
}
/** Mean of each window of [N, C, L]. As `torch.nn.AvgPool1d`. */
export class AvgPool1d extends AvgPool {
  override forward(x: Tensor): Tensor {
    const { divisorOverride: _, ...options } = this.options
    return avgPool1d(x, this.kernelSize, options)
  }
}
/** Mean of each window of [N, C, H, W]. As `torch.nn.AvgPool2d`. */
export class AvgPool2d extends AvgPool {
  override forward(x: Tensor): Tensor {
    return avgPool2d(x, this.kernelSize, this.options)
  }
}
/** Mean of each window of [N, C, D, H, W]. As `torch.nn.AvgPool3d`. */
export class AvgPool3d extends AvgPool {
  override forward(x: Tensor): Tensor {
    return avgPool3d(x, this.kernelSize, this.options)
  }
}

abstract class AdaptivePool extends Module {
  constructor(readonly outputSize: OutputSize) {
    super()
  }

  override extraRepr(): string {
    return Array.isArray(this.outputSize) ? `[${this.outputSize.map(String)}]` : String(this.outputSize)
  }
}
/** Means of `outputSize` windows of [N, C, L]. As `torch.nn.AdaptiveAvgPool1d`. */
export class AdaptiveAvgPool1d extends AdaptivePool {
  override forward(x: Tensor): Tensor {
    return adaptiveAvgPool1d(x, this.outputSize)
  }
}
/** Means of as many windows as asked, of [N, C, H, W]; null keeps a size. As `torch.nn.AdaptiveAvgPool2d`. */
export class AdaptiveAvgPool2d extends AdaptivePool {
  override forward(x: Tensor): Tensor {
    return adaptiveAvgPool2d(x, this.outputSize)
  }
}
/** Means of as many windows as asked, of [N, C, D, H, W]; null keeps a size. As `torch.nn.AdaptiveAvgPool3d`. */
export class AdaptiveAvgPool3d extends AdaptivePool {
  override forward(x: Tensor): Tensor {
    return adaptiveAvgPool3d(x, this.outputSize)
  }
}
