// Linear maps and shapes.
import { needWhole, withDefaults } from '../../core/options.ts'
import { formatShape, type Shape } from '../../core/shape.ts'
import { empty, flatten, linear, unflatten, type Tensor } from '../../ops/index.ts'
import { fans, kaimingUniform_, uniform_ } from '../init.ts'
import { Module } from '../module.ts'
import { Parameter } from '../parameter.ts'

/** Gives its input back. As `torch.nn.Identity`. */
export class Identity extends Module {
  override forward(x: Tensor): Tensor {
    return x
  }
}

/** Uniform in ±1/√fanIn: PyTorch's default for weights (as kaiming uniform with a = √5) and biases of linear and convolution layers. */
export function resetUniform(weight: Tensor, bias: Tensor | null): void {
  kaimingUniform_(weight, { a: Math.sqrt(5) })
  const bound = 1 / Math.sqrt(Math.max(1, fans(weight).fanIn))
  if (bias) uniform_(bias, -bound, bound)
}

export interface LinearOptions {
  /** Default true. */
  bias?: boolean
}
/**
 * x·Wᵀ + b over the last dimension: […, inFeatures] → […, outFeatures]. `weight` [out, in] and `bias` [out] start uniform in ±1/√in.
 * As `torch.nn.Linear`.
 */
export class Linear extends Module {
  readonly weight: Parameter
  readonly bias: Parameter | null

  constructor(
    readonly inFeatures: number,
    readonly outFeatures: number,
    options: LinearOptions = {},
  ) {
    super()
    needWhole('Linear', { inFeatures, outFeatures })
    const { bias } = withDefaults('Linear', options, { bias: true })
    this.weight = new Parameter(empty(outFeatures, inFeatures))
    this.bias = bias ? new Parameter(empty(outFeatures)) : null
    resetUniform(this.weight, this.bias)
  }

  override forward(x: Tensor): Tensor {
    return linear(x, this.weight, this.bias)
  }

  override extraRepr(): string {
    return `${this.inFeatures}, ${this.outFeatures}${this.bias ? '' : ', bias=false'}`
  }
}

/** Joins dimensions startDim … endDim; by default all but the first. As `torch.nn.Flatten`. */
export class Flatten extends Module {
  constructor(
    readonly startDim = 1,
    readonly endDim = -1,
  ) {
    super()
  }

  override forward(x: Tensor): Tensor {
    return flatten(x, this.startDim, this.endDim)
  }

  override extraRepr(): string {
    return this.startDim === 1 && this.endDim === -1 ? '' : `${this.startDim}, ${this.endDim}`
  }
}

/** Splits a dimension into several sizes. As `torch.nn.Unflatten`. */
export class Unflatten extends Module {
  constructor(
    readonly dim: number,
    readonly sizes: Shape,
  ) {
    super()
  }

  override forward(x: Tensor): Tensor {
    return unflatten(x, this.dim, this.sizes)
  }

  override extraRepr(): string {
    return `${this.dim}, ${formatShape(this.sizes)}`
  }
}
