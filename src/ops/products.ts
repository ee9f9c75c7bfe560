// What the derivatives of products need, made of multiplications alone: no division, so zeros are nothing special and derivatives
// of any order are right.
import { numel } from '../core/shape.ts'
import { flipView as flip, narrow, pad, permute, reshape, select, unsqueeze } from './movement.ts'
import { add, mul, onesLike } from './pointwise.ts'
import type { Tensor } from './tensor.ts'

/** For each element the product of all others over the axes, by a tree: up the products of pairs, down the product outside of each pair. */
export function productOfOthers(x: Tensor, axes: readonly number[]): Tensor {
  const { order, shape, outer, n, leaves } = leavesOf(x, axes)
  const levels: Tensor[] = []
  let others = onesLike(climb(leaves, levels))
  for (const pairs of levels.reverse()) others = reshape(mul(unsqueeze(others, -1), flip(pairs, -1)), [...outer, 2 * others.shape.at(-1)!])
  return permute(reshape(narrow(others, -1, 0, n), shape), order.map((_, i) => order.indexOf(i)))
}

/** Product over the axes, by the same tree: for numbers that no kernel multiplies. */
export function productByPairs(x: Tensor, axes: readonly number[]): Tensor {
  return select(climb(leavesOf(x, axes).leaves, []), -1, 0)
}

/** Multiplies pairs along the last dimension until one element is left; `levels` gets the pairs. */
function climb(level: Tensor, levels: Tensor[]): Tensor {
  if (level.shape.at(-1) === 1) return level
  const pairs = reshape(level, [...level.shape.slice(0, -1), level.shape.at(-1)! / 2, 2])
  levels.push(pairs)
  return climb(mul(select(pairs, -1, 0), select(pairs, -1, 1)), levels)
}

/** The axes joined behind the others, and filled up with ones to a power of two. */
function leavesOf(x: Tensor, axes: readonly number[]) {
  const kept = [...x.shape.keys()].filter(i => !axes.includes(i))
  const order = [...kept, ...axes]
  const shape = order.map(i => x.shape[i])
  const outer = shape.slice(0, kept.length)
  const n = numel(shape.slice(kept.length))
  const width = 2 ** Math.ceil(Math.log2(Math.max(n, 1)))
  return { order, shape, outer, n, leaves: pad(reshape(permute(x, order), [...outer, n]), [0, width - n], { value: 1 }) }
}

/** x moved towards the start of the last dimension, zeros behind. */
const shifted = (x: Tensor, by: number): Tensor => pad(narrow(x, -1, by, x.shape.at(-1)! - by), [0, by])

/**
 * Along the last dimension Rᵢ = gᵢ + aᵢ Rᵢ₊₁, solved by doubling (Kogge & Stone 1973): after a step of s, each b covers 2s terms and each a carries
 * what follows them. The last a is not used.
 */
export function recurrence(g: Tensor, a: Tensor): Tensor {
  const n = g.shape.at(-1)!
  let b = g
  for (let s = 1; s < n; s *= 2) {
    b = add(b, mul(a, shifted(b, s)))
    a = mul(a, shifted(a, s))
  }
  return b
}

/** Along the last dimension dxᵢ = Π_{k<i} xₖ · Rᵢ with Rᵢ = Σ_{j≥i} gⱼ Π_{i<k≤j} xₖ, that is Rᵢ = gᵢ + xᵢ₊₁ Rᵢ₊₁. */
export function cumprodBackward(g: Tensor, x: Tensor, cumprod: (x: Tensor) => Tensor): Tensor {
  const n = x.shape.at(-1)!
  if (n === 0) return g
  const before = pad(narrow(cumprod(x), -1, 0, n - 1), [1, 0], { value: 1 })
  return mul(before, recurrence(g, shifted(x, 1)))
}

/** Running product along the last dimension by doubling: after a step of s, each element covers 2s factors. */
export function productsSoFar(x: Tensor): Tensor {
  const n = x.shape.at(-1)!
  let y = x
  for (let s = 1; s < n; s *= 2) y = mul(y, pad(narrow(y, -1, 0, n - s), [s, 0], { value: 1 }))
  return y
}
