// Reductions of reductions, over axes of size 1, of what is the same along an axis, and of what has a number as a factor.
import { numel, sameShape, type Shape } from '../../core/shape.ts'
import { catOp, expandOp, reshapeOp } from '../../ops/movement-ops.ts'
import type { Op } from '../../ops/op.ts'
import { maxOp, minOp, prodOp, sumOp } from '../../ops/reduce.ts'
import type { Value } from '../graph.ts'
import { isPowerOfTwo, scaleOf } from './algebra.ts'
import { isWide } from './pattern.ts'
import type { Rewrite } from './rewrite.ts'
import { pointwise, type Rewriter } from './rewriter.ts'

type Reduction = Op<{ readonly axes: readonly number[] }>

/** What a rule sees of a reduction. */
interface Reduced {
  readonly op: Reduction
  readonly x: Value
  readonly axes: readonly number[]
  readonly y: Value
}

function reduction(name: string, rule: string, when: string, rounds: boolean, ops: readonly Reduction[], apply: (r: Reduced, t: Rewriter) => Value | null): Rewrite {
  return {
    name, phase: 'canonicalise', rule, when, rounds, ops: ops as readonly Op[],
    apply: ({ op, inputs: [x], params, outputs: [y] }, t) => apply({ op: op as Reduction, x, axes: (params as { axes: readonly number[] }).axes, y }, t),
  }
}

function nested({ op, x, axes }: Reduced, t: Rewriter): Value | null {
  if (x.node?.op !== (op as Op) || !t.isPrivate(x)) return null
  const [inner] = x.node.inputs
  const taken = (x.node.params as { axes: readonly number[] }).axes
  const left = [...inner.shape.keys()].filter(i => !taken.includes(i))
  return t.make(op, [inner], { axes: [...taken, ...axes.map(a => left[a])].sort((a, b) => a - b) })
}

/** The value before it was expanded, with as many axes, and how often each of its elements comes along `axes`. */
function unexpanded(x: Value, axes: readonly number[], t: Rewriter): { small: Value; times: number; axes: number[] } | null {
  if (x.node?.op !== (expandOp as Op)) return null
  const [from] = x.node.inputs
  const kept: Shape = [...Array<number>(x.shape.length - from.shape.length).fill(1), ...from.shape]
  const along = axes.filter(a => kept[a] === 1 && x.shape[a] > 1)
  if (along.length === 0 || numel(x.shape) === 0) return null
  const shape = x.shape.map((n, i) => (along.includes(i) ? 1 : n))
  return { small: t.expand(t.reshape(from, kept), shape), times: numel(along.map(a => x.shape[a])), axes: along }
}

const extremes = [maxOp, minOp]
const combining = new Map<Op, string>([[sumOp as Op, 'add'], [prodOp as Op, 'mul'], [maxOp as Op, 'maximum'], [minOp as Op, 'minimum']])
/** Of more parts the reductions would be too many kernels. */
const MOST_PARTS = 4

/** A reduction of parts that were joined only for it. */
function ofParts({ op, x, axes, y }: Reduced, t: Rewriter): Value | null {
  if (x.node?.op !== (catOp as Op) || !t.isPrivate(x) || x.node.inputs.length > MOST_PARTS || x.node.inputs.some(v => numel(v.shape) === 0)) return null
  const { axis } = x.node.params as { axis: number }
  const parts = x.node.inputs.map(v => t.make(op, [v], { axes }))
  if (axes.includes(axis)) return y.dtype === 'bool' ? null : parts.reduce((a, b) => t.pointwise(combining.get(op as Op)!, a, b))
  return t.make(catOp, parts, { axis: axis - axes.filter(a => a < axis).length })
}

export const reductions: readonly Rewrite[] = [
  reduction('reduce-size-one', 'sum(x, axes of size 1) → reshape(x)', 'every such axis has size 1; −0 stays −0', false, [sumOp, prodOp, ...extremes], ({ op, x, axes, y }, t) => {
    const real = axes.filter(a => x.shape[a] !== 1)
    if (real.length === axes.length || numel(x.shape) === 0) return null
    return real.length === 0 ? t.reshape(x, y.shape) : t.reshape(t.make(op, [x], { axes: real }), y.shape)
  }),
  reduction('extreme-of-extreme', 'amax(amax(x)) → amax(x)', 'nothing else reads the inner one', false, extremes, nested),
  reduction('sum-of-sum', 'sum(sum(x)) → sum(x); prod(prod(x)) → prod(x)', 'nothing else reads the inner one; float32 and float64', true, [sumOp, prodOp], (r, t) => (isWide(r.y) ? nested(r, t) : null)),
  reduction('extreme-of-cat', 'amax(cat(x, y)) → maximum(amax(x), amax(y)); amax(cat(x, y)) → cat(amax(x), amax(y))', 'nothing else reads the parts joined, of which there are at most four', false, extremes, ofParts),
  reduction('sum-of-cat', 'sum(cat(x, y)) → sum(x) + sum(y); sum(cat(x, y)) → cat(sum(x), sum(y))', 'nothing else reads the parts joined, of which there are at most four; float32 and float64', true, [sumOp, prodOp], (r, t) => (isWide(r.y) ? ofParts(r, t) : null)),
  reduction('sum-of-neg', 'sum(-x) → -sum(x)', 'nothing else reads −x; float32 and float64; of zeros it is −0', false, [sumOp], ({ x, axes, y }, t) =>
    isWide(y) && x.node?.op === pointwise('neg') && t.isPrivate(x) ? t.pointwise('neg', t.make(sumOp, [x.node.inputs[0]], { axes })) : null),
  reduction('extreme-of-neg', 'amax(-x) → -amin(x); amin(-x) → -amax(x)', 'nothing else reads −x; float32 and float64', false, extremes, ({ op, x, axes, y }, t) =>
    isWide(y) && x.node?.op === pointwise('neg') && t.isPrivate(x) ? t.pointwise('neg', t.make(op === maxOp ? minOp : maxOp, [x.node.inputs[0]], { axes })) : null),
  reduction('sum-of-scaled', 'sum(x * c) → sum(x) * c', 'c is a power of two from 1 up, so that rounding stays and no sum overflows that did not; nothing else reads x·c', false, [sumOp], ({ x, axes, y }, t) => {
    const scaled = isWide(y) && x.node && t.isPrivate(x) ? scaleOf(x.node.op, x.node.inputs) : null
    if (!scaled || scaled.x.dtype !== y.dtype || !sameShape(scaled.x.shape, x.shape) || Math.abs(scaled.factor) < 1 || !isPowerOfTwo(scaled.factor)) return null
    return t.pointwise('mul', t.make(sumOp, [scaled.x], { axes }), scaled.factor)
  }),
  reduction('sum-of-expanded', 'sum(expand(x)) → x * n', 'x is the same along the axis; float32', true, [sumOp], ({ x, axes, y }, t) => {
    const found = y.dtype === 'float32' ? unexpanded(x, axes, t) : null
    return found && t.pointwise('mul', t.make(sumOp, [found.small], { axes }), found.times)
  }),
  reduction('extreme-of-expanded', 'amax(expand(x)) → amax(x)', 'x is the same along the axis', false, extremes, ({ op, x, axes }, t) => {
    const found = unexpanded(x, axes, t)
    return found && t.make(op, [found.small], { axes })
  }),
  {
    name: 'sum-then-reshape', phase: 'canonicalise', rule: 'sum(reshape(x)) → sum(x)', when: 'the reshape only adds or drops axes of size 1', rounds: false, ops: [sumOp as Op, maxOp as Op, minOp as Op],
    apply({ op, inputs: [x], params, outputs: [y] }, t) {
      if (x.node?.op !== (reshapeOp as Op)) return null
      const [from] = x.node.inputs
      const wide = (s: Shape): number[] => [...s.keys()].filter(i => s[i] !== 1)
      const [a, b] = [wide(from.shape), wide(x.shape)]
      if (a.length === x.shape.length || a.map(i => from.shape[i]).join() !== b.map(i => x.shape[i]).join()) return null
      const { axes } = params as { axes: readonly number[] }
      const inner = axes.filter(i => x.shape[i] !== 1).map(i => a[b.indexOf(i)])
      if (inner.length === 0) return null
      return t.reshape(t.make(op as Reduction, [from], { axes: inner }), y.shape)
    },
  },
]
