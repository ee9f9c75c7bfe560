// Where only a part of a result is picked, only what that part needs is computed: positions of extremes do not change under what grows,
// rows and columns of products are products of rows and columns, transposed ones products of transposes, and a sum over ones and zeros is what
// stands at the one.
import { sameShape } from '../../core/shape.ts'
import { castOp } from '../../ops/cast.ts'
import { gatherOp, scatterSetOp } from '../../ops/gather.ts'
import { matmulOp } from '../../ops/matmul.ts'
import { permuteOp, reshapeOp, selectOp, sliceOp } from '../../ops/movement-ops.ts'
import type { Op } from '../../ops/op.ts'
import { pointwiseOps } from '../../ops/pointwise-record.ts'
import { argmaxOp, argminOp, maxOp, minOp, sumOp } from '../../ops/reduce.ts'
import { logSoftmaxOp, softmaxOp } from '../../ops/softmax.ts'
import type { Value } from '../graph.ts'
import { scaleOf } from './algebra.ts'
import { isWide } from './pattern.ts'
import type { Rewrite } from './rewrite.ts'
import { isCopy, pointwise, type LiveNode, type Rewriter } from './rewriter.ts'

const grows = new Set(['exp', 'sigmoid', 'tanh', 'softplus'].map(pointwise))
const bySoftmax: readonly Op[] = [softmaxOp as Op, logSoftmaxOp as Op]

const extremes: Rewrite = {
  name: 'argmax-of-growing', phase: 'specialise', rule: 'argmax(softmax(x)) → argmax(x); argmin(exp(x)) → argmin(x)', rounds: true, ops: [argmaxOp as Op, argminOp as Op],
  when: 'exp, sigmoid, tanh, softplus; softmax and logSoftmax along the same axis. Where these round different x to one value, or give NaN, the position is that in x',
  apply({ op, inputs: [x], params }, t) {
    const { axes } = params as { axes: readonly number[] }
    const n = x.node
    const along = n && bySoftmax.includes(n.op) && axes.length === 1 && axes[0] === (n.params as { axis: number }).axis
    return n && isWide(x) && (along || grows.has(n.op)) && n.inputs[0].dtype === x.dtype ? t.make(op, [n.inputs[0]], params) : null
  },
}

const largest: Rewrite = {
  name: 'pick-of-extreme', phase: 'canonicalise', rule: 'gather(x, argmax(x)) → amax(x); gather(x, argmin(x)) → amin(x)', when: 'nothing else reads the positions', rounds: false, ops: [gatherOp as Op],
  apply({ inputs: [x, at], params, outputs: [y] }, t) {
    const { axis } = params as { axis: number }
    const place = at.node?.op === (reshapeOp as Op) && t.isPrivate(at) ? at.node.inputs[0] : at
    const n = place.node
    const op = n?.op === (argmaxOp as Op) ? maxOp : n?.op === (argminOp as Op) ? minOp : null
    if (!n || !op || n.inputs[0] !== x || !t.isPrivate(place) || !sameShape(at.shape, x.shape.with(axis, 1))) return null
    return (n.params as { axes: readonly number[] }).axes.join() === String(axis) ? t.reshape(t.make(op, [x], { axes: [axis] }), y.shape) : null
  },
}

/** A cut of a matrix product, along an axis of one of its operands or of both. */
function cutProduct(x: Value, axis: number, cut: (v: Value) => Value, t: Rewriter): Value | null {
  if (x.node?.op !== (matmulOp as Op) || !t.isPrivate(x)) return null
  const [a, b] = x.node.inputs
  const last = x.shape.length - 1
  return t.make(matmulOp, [axis === last ? a : cut(a), axis === last - 1 ? b : cut(b)], null)
}
const slices: Rewrite = {
  name: 'slice-of-product', phase: 'specialise', rule: 'matmul(x, y)[a:b] → matmul(x[a:b], y); matmul(x, y)[i] → matmul(x[i], y)', rounds: true, ops: [sliceOp as Op, selectOp as Op],
  when: 'nothing else reads the product; rows, columns, and products of a stack',
  apply({ op, inputs: [x], params, outputs: [y] }: LiveNode, t) {
    if (op === (sliceOp as Op)) {
      const p = params as { axis: number; start: number; step: number; length: number }
      return p.length < x.shape[p.axis] ? cutProduct(x, p.axis, v => t.make(sliceOp, [v], p), t) : null
    }
    const { axis, index } = params as { axis: number; index: number }
    if (x.shape[axis] === 1) return null
    const made = cutProduct(x, axis, v => t.make(sliceOp, [v], { axis, start: index, step: 1, length: 1 }), t)
    return made && t.reshape(made, y.shape)
  },
}

const turned: Rewrite = {
  name: 'transpose-of-product', phase: 'specialise', rule: 'matmul(x, y)ᵀ → matmul(yᵀ, xᵀ)', rounds: true, ops: [permuteOp as Op],
  when: 'nothing else reads the product: it is computed as it is read, so a gradient goes straight to its place',
  apply({ inputs: [x], params }, t) {
    const { order } = params as { order: readonly number[] }
    const last = order.length - 1
    const swaps = order.every((d, i) => d === (i === last ? last - 1 : i === last - 1 ? last : i))
    if (!swaps || x.node?.op !== (matmulOp as Op) || !t.isPrivate(x)) return null
    const [a, b] = x.node.inputs.map(v => t.make(permuteOp, [v], { order }))
    return t.make(matmulOp, [b, a], null)
  },
}

/** x, with how it is turned, and c where v is x·c with a number c, and that is read by products alone. */
function scaledFactor(v: Value, t: Rewriter): { x: Value; factor: number } | null {
  const feedsProducts = (y: Value): boolean => !t.isRoot(y) && [...t.readersOf(y)].every(n => n.op === (matmulOp as Op) || (n.op === (permuteOp as Op) && feedsProducts(n.outputs[0])))
  const n = v.node
  if (!n || v.dtype !== 'float32' || !feedsProducts(v)) return null
  if (n.op === (permuteOp as Op)) {
    const inner = scaledFactor(n.inputs[0], t)
    return inner && { ...inner, x: t.make(permuteOp, [inner.x], n.params as { order: readonly number[] }) }
  }
  const found = scaleOf(n.op, n.inputs)
  // A kernel of one element after the other takes the number in for nothing.
  if (found?.x.node && pointwiseOps.has(found.x.node.op.name)) return null
  return found && found.x.dtype === 'float32' && sameShape(found.x.shape, v.shape) && Math.abs(found.factor) >= 1 / WIDE && Math.abs(found.factor) <= WIDE ? found : null
}
const WIDE = 1e6
const scaled: Rewrite = {
  name: 'product-of-scaled', phase: 'specialise', rule: 'matmul(x * c, y) → matmul(x, y) * c', rounds: true, ops: [matmulOp as Op],
  when: 'c is a number of size 1e-6 to 1e6; only products read x·c, and x is not made element by element; float32. Sums that come so near to the largest number may overflow',
  apply({ inputs: [x, y] }, t) {
    for (const [i, v] of [x, y].entries()) {
      const found = scaledFactor(v, t)
      if (found) return t.pointwise('mul', t.make(matmulOp, i === 0 ? [found.x, y] : [x, found.x], null), found.factor)
    }
    return null
  },
}

/** The class numbers, with size 1 along the axis, where v is ones at these places among zeros. */
function oneHot(v: Value, t: Rewriter): { index: Value; axis: number } | null {
  let s = v
  while (s.node && (s.node.op === (castOp as Op) || isCopy(s.node.op))) [s] = s.node.inputs
  if (s.node?.op !== (scatterSetOp as Op)) return null
  const [base, index, ones] = s.node.inputs
  const { axis } = s.node.params as { axis: number }
  const covers = index.shape[axis] === 1 && index.shape.every((n, i) => i === axis || n === s.shape[i])
  return covers && t.literal(base) === 0 && t.literal(ones) === 1 ? { index, axis } : null
}
const picked: Rewrite = {
  name: 'sum-of-one-hot', phase: 'stabilise', rule: 'sum(oneHot(i) * x) → gather(x, i)', rounds: true, ops: [sumOp as Op],
  when: 'along the axis of the classes; of a shape; float32 and float64. Infinities and NaN beside the class do not count: cross-entropy of dense targets becomes that of class numbers',
  apply({ inputs: [x], params, outputs: [y] }, t) {
    const { axes } = params as { axes: readonly number[] }
    let v = x
    let turned = false
    if (v.node?.op === pointwise('neg')) {
      turned = true
      ;[v] = v.node.inputs
    }
    if (v.node?.op !== pointwise('mul') || !isWide(y)) return null
    for (const [hot, other] of [v.node.inputs, [v.node.inputs[1], v.node.inputs[0]]]) {
      const found = oneHot(hot, t)
      if (!found || !axes.includes(found.axis) || other.dtype !== y.dtype || !sameShape(other.shape, x.shape) || !sameShape(hot.shape, x.shape)) continue
      const at = t.make(gatherOp, [other, found.index], { axis: found.axis })
      const rest = axes.filter(a => a !== found.axis)
      const sum = t.reshape(rest.length ? t.make(sumOp, [at], { axes: rest }) : at, y.shape)
      return turned ? t.pointwise('neg', sum) : sum
    }
    return null
  },
}

export const picking: readonly Rewrite[] = [largest, picked, extremes, slices, turned, scaled]
