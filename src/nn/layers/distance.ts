// Distances and directions of vectors, as modules.
import type { Tensor } from '../../ops/index.ts'
import { pairwiseDistance } from '../functional/distance.ts'
import { cosineSimilarity } from '../functional/norm.ts'
import { Module } from '../module.ts'

/** x1·x2 / (‖x1‖·‖x2‖) along a dimension. As `torch.nn.CosineSimilarity`. */
export class CosineSimilarity extends Module {
  constructor(
    readonly dim = 1,
    readonly eps = 1e-8,
  ) {
    super()
  }

  override forward(x1: Tensor, x2: Tensor): Tensor {
    return cosineSimilarity(x1, x2, { dim: this.dim, eps: this.eps })
  }

  override extraRepr(): string {
    return `dim=${this.dim}`
  }
}
/** ‖x1 − x2 + eps‖ of rows. As `torch.nn.PairwiseDistance`. */
export class PairwiseDistance extends Module {
  constructor(
    readonly p = 2,
    readonly eps = 1e-6,
    readonly keepdim = false,
  ) {
    super()
  }

  override forward(x1: Tensor, x2: Tensor): Tensor {
    return pairwiseDistance(x1, x2, { p: this.p, eps: this.eps, keepdim: this.keepdim })
  }

  override extraRepr(): string {
    return `p=${this.p}`
  }
}
