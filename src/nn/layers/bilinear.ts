// A layer that is linear in each of two inputs.
import { needWhole, withDefaults } from '../../core/options.ts'
import { empty, type Tensor } from '../../ops/index.ts'
import { bilinear } from '../functional/bilinear.ts'
import { uniform_ } from '../init.ts'
import { Module } from '../module.ts'
import { Parameter } from '../parameter.ts'
import type { LinearOptions } from './linear.ts'

/**
 * yₒ = Σ x1ᵢ·Wₒᵢⱼ·x2ⱼ + bₒ: […, in1] and […, in2] → […, out]. `weight` [out, in1, in2] and `bias` start uniform in ±1/√in1. As `torch.nn.Bilinear`.
 */
export class Bilinear extends Module {
  readonly weight: Parameter
  readonly bias: Parameter | null

  constructor(
    readonly in1Features: number,
    readonly in2Features: number,
    readonly outFeatures: number,
    options: LinearOptions = {},
  ) {
    super()
    needWhole('Bilinear', { in1Features, in2Features, outFeatures })
    const { bias } = withDefaults('Bilinear', options, { bias: true })
    this.weight = new Parameter(empty(outFeatures, in1Features, in2Features))
    this.bias = bias ? new Parameter(empty(outFeatures)) : null
    const bound = 1 / Math.sqrt(in1Features)
    for (const p of [this.weight, this.bias]) if (p) uniform_(p, -bound, bound)
  }

  override forward(x1: Tensor, x2: Tensor): Tensor {
    return bilinear(x1, x2, this.weight, this.bias)
  }

  override extraRepr(): string {
    return `${this.in1Features}, ${this.in2Features}, ${this.outFeatures}${this.bias ? '' : ', bias=false'}`
  }
}
