// Views of views, and views that can be taken earlier, where there is less to compute. All give the same bits.
import { numel, sameShape, type Shape } from '../../core/shape.ts'
import { sameGeometry } from '../../core/view.ts'
import { catOp, expandOp, flipOp, permuteOp, reshapeOp, selectOp, sliceOp } from '../../ops/movement-ops.ts'
import type { Op } from '../../ops/op.ts'
import { pointwiseOps } from '../../ops/pointwise-record.ts'
import { scatterAddOp } from '../../ops/gather.ts'
import { asStridedOp, overlapsItself, writeStridedOp } from '../../ops/strided.ts'
import type { GraphNode, Value } from '../graph.ts'
import type { Rewrite } from './rewrite.ts'
import { pointwise, type LiveNode, type Rewriter } from './rewriter.ts'

const isOp = <P>(v: Value, op: Op<P>): boolean => v.node?.op === (op as Op)
const paramsOf = <P>(n: { readonly params: unknown }, _op: Op<P>): P => n.params as P

const movement = <P>(name: string, rule: string, when: string, op: Op<P>, apply: (x: Value, p: P, t: Rewriter, node: LiveNode) => Value | null): Rewrite =>
  ({ name, phase: 'canonicalise', rule, when, rounds: false, ops: [op as Op], apply: (node, t) => apply(node.inputs[0], node.params as P, t, node) })

/** The axis of an operand that broadcasting lays under `axis` of the result; -1 when there is none, or it has size 1 there. */
function axisIn(x: Shape, y: Shape, axis: number): number {
  const own = axis - (y.length - x.length)
  return own >= 0 && x[own] === y[axis] ? own : -1
}

/** A cut of a pointwise result, made from cuts of the operands. */
function cutInputs(y: Value, axis: number, t: Rewriter, cut: (x: Value, axis: number) => Value, drops: boolean): Value | null {
  const n = y.node
  if (!n || pointwiseOps.get(n.op.name) !== n.op || !t.isPrivate(y) || y.shape[axis] === 1 || (drops && y.shape.length === 1)) return null
  const inputs: Value[] = []
  for (const x of n.inputs) {
    const own = axisIn(x.shape, y.shape, axis)
    if (own >= 0) inputs.push(cut(x, own))
    // An operand of size 1 there loses the axis too.
    else if (drops && x.shape.length > y.shape.length - axis - 1 && x.constant === undefined) inputs.push(t.reshape(x, x.shape.toSpliced(axis - (y.shape.length - x.shape.length), 1)))
    else inputs.push(x)
  }
  return t.make(n.op, inputs, n.params)
}

export const movements: readonly Rewrite[] = [
  movement('permute-of-permute', 'permute(permute(x)) → permute(x); permute(x) → x', 'the second order undoes or follows the first', permuteOp, (x, { order }, t) => {
    if (order.every((d, i) => d === i)) return x
    if (!isOp(x, permuteOp)) return null
    const inner = paramsOf(x.node!, permuteOp).order
    const both = order.map(d => inner[d])
    return both.every((d, i) => d === i) ? x.node!.inputs[0] : t.make(permuteOp, [x.node!.inputs[0]], { order: both })
  }),
  movement('permute-of-cat', 'permute(cat(x, y)) → cat(permute(x), permute(y))', 'nothing else reads cat(x, y): the parts are written as they will be read', permuteOp, (x, { order }, t) => {
    if (!isOp(x, catOp) || !t.isPrivate(x)) return null
    const axis = order.indexOf(paramsOf(x.node!, catOp).axis)
    return t.make(catOp, x.node!.inputs.map(part => t.make(permuteOp, [part], { order })), { axis })
  }),
  movement('reshape-of-reshape', 'reshape(reshape(x)) → reshape(x); reshape(x) → x', 'the shape stays', reshapeOp, (x, { shape }, t) =>
    sameShape(x.shape, shape) ? x : isOp(x, reshapeOp) ? t.reshape(x.node!.inputs[0], shape) : null),
  movement('expand-of-expand', 'expand(expand(x)) → expand(x); expand(x) → x', 'the shape stays', expandOp, (x, { shape }, t) =>
    sameShape(x.shape, shape) ? x : isOp(x, expandOp) ? t.expand(x.node!.inputs[0], shape) : null),
  movement('flip-of-flip', 'flip(flip(x)) → x', 'the same axes', flipOp, (x, { axes }) =>
    isOp(x, flipOp) && axes.join() === paramsOf(x.node!, flipOp).axes.join() ? x.node!.inputs[0] : null),
  movement('slice-of-slice', 'x[a:b][c:d] → x[e:f]; x[:] → x', 'the same axis', sliceOp, (x, p, t) => {
    if (p.start === 0 && p.step === 1 && p.length === x.shape[p.axis]) return x
    if (!isOp(x, sliceOp)) return null
    const inner = paramsOf(x.node!, sliceOp)
    return inner.axis === p.axis ? t.make(sliceOp, [x.node!.inputs[0]], { axis: p.axis, start: inner.start + p.start * inner.step, step: inner.step * p.step, length: p.length }) : null
  }),
  movement('select-of-slice', 'x[a:b][i] → x[a + i]', 'the same axis', selectOp, (x, p, t) => {
    if (!isOp(x, sliceOp)) return null
    const inner = paramsOf(x.node!, sliceOp)
    return inner.axis === p.axis ? t.make(selectOp, [x.node!.inputs[0]], { axis: p.axis, index: inner.start + p.index * inner.step }) : null
  }),
  movement('slice-of-cat', 'cat(x, y)[a:b] → x[a:b]', 'the slice lies in one part', sliceOp, (x, p, t) => {
    if (!isOp(x, catOp) || paramsOf(x.node!, catOp).axis !== p.axis || p.length === 0) return null
    const ends = [p.start, p.start + (p.length - 1) * p.step]
    let at = 0
    for (const part of x.node!.inputs) {
      const n = part.shape[p.axis]
      if (ends.every(e => e >= at && e < at + n)) return t.make(sliceOp, [part], { ...p, start: p.start - at })
      at += n
    }
    return null
  }),
  movement('select-of-cat', 'cat(x, y)[i] → x[i]', 'the same axis', selectOp, (x, p, t) => {
    if (!isOp(x, catOp) || paramsOf(x.node!, catOp).axis !== p.axis) return null
    let at = 0
    for (const part of x.node!.inputs) {
      if (p.index < at + part.shape[p.axis]) return t.make(selectOp, [part], { axis: p.axis, index: p.index - at })
      at += part.shape[p.axis]
    }
    return null
  }),
  movement('slice-of-pointwise', 'f(x, y)[a:b] → f(x[a:b], y[a:b])', 'nothing else reads f(x, y)', sliceOp, (x, p, t) =>
    p.length < x.shape[p.axis] ? cutInputs(x, p.axis, t, (v, axis) => t.make(sliceOp, [v], { ...p, axis }), false) : null),
  movement('select-of-pointwise', 'f(x, y)[i] → f(x[i], y[i])', 'nothing else reads f(x, y)', selectOp, (x, p, t) =>
    cutInputs(x, p.axis, t, (v, axis) => t.make(selectOp, [v], { ...p, axis }), true)),
  movement('cat-of-one', 'cat(x) → x; cat(x, empty) → x', 'one part has elements', catOp, (_, { axis }, t, node) => {
    const parts = node.inputs.filter(v => v.shape[axis] > 0)
    return parts.length === node.inputs.length || parts.length === 0 ? (node.inputs.length === 1 ? node.inputs[0] : null) : parts.length === 1 ? parts[0] : t.make(catOp, parts, { axis })
  }),
  {
    name: 'read-what-was-written', phase: 'canonicalise', rule: 'read(write(x, v)) → v; write(x, v)[a:b] → v; write(x, v)[i] → v', when: 'the same part of the same memory, in which no element appears twice', rounds: false, ops: [asStridedOp, sliceOp, selectOp] as readonly Op[],
    apply(node) {
      const cuts: GraphNode[] = node.op === (asStridedOp as Op) ? [] : [node]
      let [x] = node.inputs
      while (cuts.length > 0 && (isOp(x, sliceOp) || isOp(x, selectOp))) {
        cuts.push(x.node!)
        ;[x] = x.node!.inputs
      }
      if (!isOp(x, writeStridedOp)) return null
      const { view, home } = paramsOf(x.node!, writeStridedOp)
      const read = cuts.length === 0 ? same(x.node!.params, node.params) : sameGeometry(cuts.reduceRight((v, { op, params }) => op.view!(v, params)!, home), view)
      return read && !overlapsItself(view) && node.outputs[0].dtype === view.dtype ? x.node!.inputs[1] : null
    },
  },
  movement('write-over-write', 'write(write(x, v), w) → write(x, w)', 'the same part', writeStridedOp, (x, p, t, node) =>
    isOp(x, writeStridedOp) && same(x.node!.params, p) ? t.make(writeStridedOp, [x.node!.inputs[0], node.inputs[1]], p) : null),
  {
    name: 'add-scatter', phase: 'canonicalise', rule: 'x + scatterAdd(0, i, v) → scatterAdd(x, i, v)', when: 'nothing else reads the scattered values; float32 and float64', rounds: true, ops: [pointwise('add')],
    apply({ inputs, outputs: [y] }, t) {
      for (const [x, s] of [inputs, [inputs[1], inputs[0]]]) {
        if (!isOp(s, scatterAddOp) || !t.isPrivate(s) || t.literal(s.node!.inputs[0]) !== 0 || x.dtype !== y.dtype || s.dtype !== y.dtype) continue
        if (sameShape(x.shape, y.shape) && sameShape(s.shape, y.shape) && t.literal(x) === null) return t.make(scatterAddOp, [x, ...s.node!.inputs.slice(1)], paramsOf(s.node!, scatterAddOp))
      }
      return null
    },
  },
  movement('scatter-of-zeros', 'scatterAdd(x, i, 0) → x', '−0 stays −0', scatterAddOp, (x, _, t, node) => (t.literal(node.inputs[2]) === 0 ? (t.literal(x) === null ? x : t.fit(x, node.outputs[0])) : null)),
  {
    name: 'view-of-number', phase: 'canonicalise', rule: 'reshape(full(…)) → full(…); permute(full(…)) → full(…); full(…)[a:b] → full(…)', when: 'more than one element', rounds: false, ops: [reshapeOp, permuteOp, sliceOp, selectOp, flipOp] as readonly Op[],
    apply({ inputs: [x], outputs: [y] }, t) {
      const known = numel(x.shape) > 1 ? t.literal(x) : null
      return known === null ? null : t.filled(known, y)
    },
  },
]

const same = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b)
