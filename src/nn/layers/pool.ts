// Pooling layers.
import { formatShape, type Shape } from '../../core/shape.ts'
import { withDefaults } from '../../core/options.ts'
import { avgPool1d, avgPool2d, maxPool1d, maxPool2d, type AvgPoolOptions, type MaxPoolOptions, type Tensor } from '../../ops/index.ts'
import { adaptiveAvgPool1d, adaptiveAvgPool2d } from '../functional/index.ts'
import { Module } from '../module.ts'

type Size = number | Shape
const size = (v: Size | null): string => (v === null || typeof v === 'number' ? String(v) : formatShape(v))

abstract class Pool<O extends object> extends Module {
  protected readonly options: O & { stride: Size }

  constructor(
    readonly kernelSize: Size,
    options: O & { stride?: Size },
    defaults: O,
  ) {
    super()
    this.options = withDefaults<O & { stride: Size }>(this.constructor.name, options as Partial<O & { stride: Size }>, { ...defaults, stride: kernelSize })
  }

  override extraRepr(): string {
    return `${size(this.kernelSize)}${size(this.options.stride) === size(this.kernelSize) ? '' : `, stride=${size(this.options.stride)}`}`
  }
}

const maxDefaults = { padding: 0 as Size, dilation: 1 as Size, ceilMode: false }
abstract class MaxPool extends Pool<Partial<typeof maxDefaults>> {
  constructor(kernelSize: Size, options: MaxPoolOptions = {}) {
    super(kernelSize, options, maxDefaults)
  }
}
/** Largest value of each window of [N, C, L]. As `torch.nn.MaxPool1d`. */
export class MaxPool1d extends MaxPool {
  override forward(x: Tensor): Tensor {
    return maxPool1d(x, this.kernelSize, this.options)
  }
}
/** Largest value of each window of [N, C, H, W]; the stride is the kernel's size unless given. As `torch.nn.MaxPool2d`. */
export class MaxPool2d extends MaxPool {
  override forward(x: Tensor): Tensor {
    return maxPool2d(x, this.kernelSize, this.options)
  }
}

const avgDefaults = { padding: 0 as Size, ceilMode: false, countIncludePad: true }
abstract class AvgPool extends Pool<Partial<typeof avgDefaults>> {
  constructor(kernelSize: Size, options: AvgPoolOptions = {}) {
    super(kernelSize, options, avgDefaults)
  }
}
/** Mean of each window of [N, C, L]. As `torch.nn.AvgPool1d`. */
export class AvgPool1d extends AvgPool {
  override forward(x: Tensor): Tensor {
    return avgPool1d(x, this.kernelSize, this.options)
  }
}
/** Mean of each window of [N, C, H, W]. As `torch.nn.AvgPool2d`. */
export class AvgPool2d extends AvgPool {
  override forward(x: Tensor): Tensor {
    return avgPool2d(x, this.kernelSize, this.options)
  }
}

type OutputSize = number | null | readonly (number | null)[]
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
