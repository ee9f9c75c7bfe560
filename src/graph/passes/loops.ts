// Loops that do less in each step: what is the same in every step is done before, products of sequences are one product over all steps,
// sums over the steps come after, and only those values are kept that somebody reads. After Theano's scan optimisations.
import { numel, sameShape, type Shape } from '../../core/shape.ts'
import { castOp } from '../../ops/cast.ts'
import { matmulOp } from '../../ops/matmul.ts'
import { expandOp, flipOp, permuteOp, reshapeOp, selectOp, sliceOp } from '../../ops/movement-ops.ts'
import type { Op } from '../../ops/op.ts'
import { pointwiseOps } from '../../ops/pointwise-record.ts'
import { maxOp, minOp, prodOp, sumOp } from '../../ops/reduce.ts'
import { logSoftmaxOp, softmaxOp } from '../../ops/softmax.ts'
import { liveNodes, type GraphNode, type Value } from '../graph.ts'
import { Body, loopOp, type LoopParams } from '../loop.ts'
import { provideRewrites } from './index.ts'
import { isWide } from './pattern.ts'
import type { Replacement, Rewrite } from './rewrite.ts'
import { pointwise, type LiveNode, type Rewriter } from './rewriter.ts'

/** An operand of the loop, and what stands for it in a step. */
interface Operand {
  readonly outer: Value
  readonly inner: Value
}
interface Entry extends Operand {
  readonly offset: number
}
interface Result {
  readonly inner: Value
  readonly keep: number
  /** The state that it becomes. */
  readonly state: Operand | null
  /** Of the loop as it was. */
  readonly was: Value | null
}
/** A loop taken apart. */
interface Loop {
  readonly steps: number
  readonly entries: readonly Entry[]
  readonly states: readonly Operand[]
  readonly rest: readonly Operand[]
  readonly nodes: readonly GraphNode[]
  readonly results: readonly Result[]
  readonly body: Body
  /** What says whether a step runs. */
  readonly guard: Value | null
}

function apart(node: LiveNode): Loop {
  const { steps, offsets, states: count, stateOf, keep, body, guard } = node.params as LoopParams
  const operands = node.inputs.map((outer, i): Operand => ({ outer, inner: body.graph.externals[i] }))
  const n = offsets.length
  const states = operands.slice(n, n + count)
  return {
    steps,
    entries: operands.slice(0, n).map((x, i) => ({ ...x, offset: offsets[i] })),
    states,
    rest: operands.slice(n + count),
    nodes: body.graph.nodes,
    results: body.graph.outputs.map((inner, i) => ({ inner, keep: keep[i], state: states[stateOf[i]] ?? null, was: node.outputs[i] })),
    body,
    guard: guard < 0 ? null : body.graph.externals[guard],
  }
}

/** The results of the loop put together again. */
function together({ steps, entries, states, rest, nodes, results, body, guard }: Loop, t: Rewriter): readonly Value[] {
  if (results.length === 0) return []
  const all = [...entries, ...states, ...rest]
  const graph = { nodes, externals: all.map(x => x.inner), outputs: results.map(r => r.inner), updates: [] }
  const params: LoopParams = {
    steps,
    offsets: entries.map(e => e.offset),
    states: states.length,
    stateOf: results.map(r => (r.state ? states.indexOf(r.state) : -1)),
    keep: results.map(r => r.keep),
    guard: all.findIndex(x => x.inner === guard),
    body: new Body({ ...graph, nodes: liveNodes(graph) }, body.derivative, body.lean),
  }
  return t.make(loopOp, all.map(x => x.outer), params).node!.outputs
}

/** What takes the place of the old results. */
const replaced = (l: Loop, t: Rewriter): Replacement => {
  const made = together(l, t)
  return l.results.flatMap(({ was }, i) => (was ? [[was, made[i]] as const] : []))
}

/** The step with other values in place of some. */
function substituted(l: Loop, values: ReadonlyMap<Value, Value>): Loop {
  const map = new Map(values)
  const of = (v: Value): Value => map.get(v) ?? v
  const nodes = l.nodes.map(n => {
    if (!n.inputs.some(v => map.has(v))) return n
    const outputs: Value[] = []
    const node: GraphNode = { ...n, inputs: n.inputs.map(of), outputs }
    n.outputs.forEach((v, index) => {
      outputs.push({ ...v, node, index })
      if (!map.has(v)) map.set(v, outputs[index])
    })
    return node
  })
  return { ...l, nodes, results: l.results.map(r => ({ ...r, inner: of(r.inner) })) }
}

const standIn = ({ dtype, shape }: Value): Value => ({ dtype, shape, node: null, index: 0 })

/** What a value of a step depends on: nothing that changes, entries of the sequences, states. */
type Level = 0 | 1 | 2
const [FIXED, ENTRY, STATE] = [0, 1, 2] as const
function levelsOf({ entries, states, nodes }: Loop): (v: Value) => Level {
  const levels = new Map<Value, Level>()
  for (const e of entries) levels.set(e.inner, ENTRY)
  for (const s of states) levels.set(s.inner, STATE)
  const of = (v: Value): Level => levels.get(v) ?? FIXED
  for (const n of nodes) {
    const level = n.inputs.reduce<Level>((top, v) => (of(v) > top ? of(v) : top), FIXED)
    for (const v of n.outputs) levels.set(v, level)
  }
  return of
}

/** A value that is the same in every step, outside of the loop. */
function outside(l: Loop, t: Rewriter): (v: Value) => Value {
  const known = new Map(l.rest.map(r => [r.inner, r.outer]))
  const of = (v: Value): Value => {
    const found = known.get(v)
    if (found || !v.node) return found ?? v
    const made = t.make(v.node.op, v.node.inputs.map(of), v.node.params).node!.outputs
    v.node.outputs.forEach((y, i) => known.set(y, made[i]))
    return made[v.index]
  }
  return of
}

/** Values that nodes of a set make, and that others read. */
function frontier(l: Loop, inside: (n: GraphNode) => boolean): Value[] {
  const found = new Set<Value>()
  const read = (v: Value): void => void (v.node && inside(v.node) && found.add(v))
  for (const n of l.nodes) if (!inside(n)) n.inputs.forEach(read)
  for (const r of l.results) read(r.inner)
  return [...found]
}

const loopRewrite = (name: string, rule: string, when: string, rounds: boolean, apply: (l: Loop, t: Rewriter) => Replacement | null): Rewrite =>
  ({ name, phase: 'specialise', rule, when, rounds, ops: [loopOp as Op], apply: (node, t) => apply(apart(node), t) })

/** Results and operands that nobody reads are left out. */
function unused(l: Loop, t: Rewriter): Replacement | null {
  const wanted = (r: Result): boolean => t.readersOf(r.was!).size > 0 || t.isRoot(r.was!)
  const kept = new Set<Result>(l.results.filter(wanted))
  const reached = new Set<Value>()
  const reach = (from: Value): void => {
    const stack = [from]
    for (let v = stack.pop(); v; v = stack.pop()) {
      if (reached.has(v)) continue
      reached.add(v)
      const carrier = l.states.find(s => s.inner === v)
      const source = carrier && l.results.find(x => x.state === carrier)
      if (source) kept.add(source)
      if (v.node) stack.push(...v.node.inputs)
    }
  }
  if (l.guard && kept.size > 0) reach(l.guard)
  // A set hands out what is added while it is walked.
  for (const r of kept) {
    reach(r.inner)
    // Where the last step may not run, the value in the end is that of the state.
    if (l.guard && r.keep === 0 && r.state) reach(r.state.inner)
  }
  const read = (x: Operand): boolean => reached.has(x.inner)
  const results = l.results.filter(r => kept.has(r)).map(r => ({ ...r, keep: wanted(r) ? r.keep : 0, state: r.state && read(r.state) ? r.state : null }))
  const changed = results.length < l.results.length || results.some((r, i) => r.keep !== l.results[i].keep) || ![...l.entries, ...l.states, ...l.rest].every(read)
  if (!changed || results.length === 0) return null
  return replaced({ ...l, entries: l.entries.filter(read), states: l.states.filter(read), rest: l.rest.filter(read), results }, t)
}

/** Only the last values are kept where only these are read. */
function lastValues(l: Loop, t: Rewriter): Replacement | null {
  if (l.guard) return null
  const pairs: { reader: LiveNode; result: number; from: number }[] = []
  const results = l.results.map((r, i) => {
    const y = r.was!
    const readers = [...t.readersOf(y)]
    if (r.keep === 0 || t.isRoot(y) || readers.length === 0) return r
    const first = readers.map(({ op, params }) => {
      if (op === (selectOp as Op)) return (params as { axis: number }).axis === 0 ? (params as { index: number }).index : 0
      if (op !== (sliceOp as Op)) return 0
      const { axis, start, step, length } = params as { axis: number; start: number; step: number; length: number }
      return axis === 0 ? Math.min(start, start + (length - 1) * step) : 0
    })
    const from = Math.min(...first)
    if (from === 0) return r
    for (const reader of readers) pairs.push({ reader, result: i, from })
    return { ...r, keep: from === r.keep - 1 ? 0 : r.keep - from }
  })
  if (pairs.length === 0) return null
  const made = together({ ...l, results }, t)
  const others = results.flatMap((r, i) => (r === l.results[i] ? [[r.was!, made[i]] as const] : []))
  return [...others, ...pairs.map(({ reader, result, from }) => {
    const y = made[result]
    const p = reader.params as { index: number; start: number }
    if (results[result].keep === 0) return [reader.outputs[0], t.reshape(y, reader.outputs[0].shape)] as const
    return [reader.outputs[0], t.make(reader.op, [y], reader.op === (selectOp as Op) ? { ...p, index: p.index - from } : { ...p, start: p.start - from })] as const
  })]
}

/** What no entry and no state changes is computed once; where perhaps no step runs, only what cannot fail. */
function invariants(l: Loop, t: Rewriter): Replacement | null {
  const level = levelsOf(l)
  const works = new Map<GraphNode, boolean>()
  for (const n of l.nodes) works.set(n, level(n.outputs[0]) === FIXED && (!l.guard || !!batchedOf(n.op)) && (!n.op.view || n.inputs.some(v => v.node && works.get(v.node))))
  const found = frontier(l, n => works.get(n)!)
  if (found.length === 0) return null
  const of = outside(l, t)
  const more = found.map((v): Operand => ({ outer: of(v), inner: standIn(v) }))
  return replaced(substituted({ ...l, rest: [...l.rest, ...more] }, new Map(found.map((v, i) => [v, more[i].inner]))), t)
}

/** Elements that values of all steps may have together. */
const MOST = 2 ** 24

/** How an op works on the values of all steps at once: on operands with a dimension for the steps in front, or without where they are fixed. */
type Batched = (n: GraphNode, xs: readonly { readonly v: Value; readonly all: boolean }[], steps: number, t: Rewriter) => Value

const padded = (v: Value, ndim: number, t: Rewriter): Value => t.reshape(v, [v.shape[0], ...Array<number>(ndim + 1 - v.shape.length).fill(1), ...v.shape.slice(1)])
const moved = (params: (p: never, shape: Shape, steps: number) => unknown): Batched => (n, [x], steps, t) => t.make(n.op, [x.v], params(n.params as never, n.outputs[0].shape, steps))
const broadcast: Batched = (n, xs, _, t) => t.make(n.op, xs.map(x => (x.all ? padded(x.v, n.outputs[0].shape.length, t) : x.v)), n.params)
const reduced = moved(({ axes }: { axes: readonly number[] }) => ({ axes: axes.map(a => a + 1) }))
const alongAxis = moved((p: { axis: number }) => ({ ...p, axis: p.axis + 1 }))

const product: Batched = (n, [a, b], steps, t) => {
  const { shape } = n.outputs[0]
  if (a.all && !b.all && b.v.shape.length === 2) return t.reshape(t.make(matmulOp, [t.reshape(a.v, [steps * a.v.shape[1], a.v.shape[2]]), b.v], null), [steps, ...shape])
  const whole = ({ v, all }: { v: Value; all: boolean }): Value => (all ? v : t.expand(v, [steps, ...v.shape]))
  return t.make(matmulOp, [whole(a), whole(b)], null)
}
const batched = new Map<Op, Batched>([
  [matmulOp as Op, product],
  [castOp as Op, moved(p => p)],
  [permuteOp as Op, moved(({ order }: { order: readonly number[] }) => ({ order: [0, ...order.map(d => d + 1)] }))],
  [reshapeOp as Op, (n, [x], steps, t) => t.reshape(x.v, [steps, ...n.outputs[0].shape])],
  [expandOp as Op, (n, [x], steps, t) => t.expand(padded(x.v, n.outputs[0].shape.length, t), [steps, ...n.outputs[0].shape])],
  [flipOp as Op, reduced],
  ...[sumOp, prodOp, maxOp, minOp].map((op): [Op, Batched] => [op as Op, reduced]),
  ...[softmaxOp, logSoftmaxOp, sliceOp, selectOp].map((op): [Op, Batched] => [op as Op, alongAxis]),
])
const batchedOf = (op: Op): Batched | undefined => batched.get(op) ?? (pointwiseOps.get(op.name) === op ? broadcast : undefined)

/** All values of a sequence that steps get. */
const entriesOf = ({ outer, offset }: Entry, steps: number, t: Rewriter): Value =>
  outer.shape[0] === steps ? outer : t.make(sliceOp, [outer], { axis: 0, start: offset, step: 1, length: steps })

/** Products of sequences, what they are made of and what follows from them alone, for all steps at once. */
function products(l: Loop, t: Rewriter): Replacement | null {
  if (l.body.lean || l.guard) return null
  const level = levelsOf(l)
  const able = new Set<GraphNode>()
  for (const n of l.nodes)
    if (level(n.outputs[0]) === ENTRY && batchedOf(n.op) && n.inputs.every(v => !v.node || able.has(v.node) || level(v) === FIXED)) able.add(n)
  const chosen = new Set<GraphNode>()
  const choose = (n: GraphNode | null): void => {
    if (!n || !able.has(n) || chosen.has(n)) return
    chosen.add(n)
    for (const v of n.inputs) choose(v.node)
  }
  for (const n of able) {
    const follows = n.inputs.some(v => v.node && chosen.has(v.node)) && n.inputs.some(v => level(v) === ENTRY && numel(v.shape) >= numel(n.outputs[0].shape))
    if (n.op === (matmulOp as Op) || follows) choose(n)
  }
  const found = frontier(l, n => chosen.has(n))
  if (found.length === 0 || l.steps * found.reduce((sum, v) => sum + numel(v.shape), 0) > MOST) return null
  const fixed = outside(l, t)
  const all = new Map<Value, Value>()
  for (const e of l.entries) all.set(e.inner, entriesOf(e, l.steps, t))
  for (const n of l.nodes) if (chosen.has(n)) all.set(n.outputs[0], batchedOf(n.op)!(n, n.inputs.map(v => ({ v: all.get(v) ?? fixed(v), all: all.has(v) })), l.steps, t))
  // A result that is a value of this kind needs no loop.
  const done = l.results.filter(r => !r.state && found.includes(r.inner))
  const more = found.map((v): Entry => ({ outer: all.get(v)!, inner: standIn(v), offset: 0 }))
  const rest = substituted({ ...l, entries: [...l.entries, ...more], results: l.results.filter(r => !done.includes(r)) }, new Map(found.map((v, i) => [v, more[i].inner])))
  return [
    ...replaced(rest, t),
    ...done.map(({ was, inner, keep }) => {
      const y = all.get(inner)!
      const start = l.steps - keep
      return [was!, keep === 0 ? t.make(selectOp, [y], { axis: 0, index: l.steps - 1 }) : start === 0 ? y : t.make(sliceOp, [y], { axis: 0, start, step: 1, length: keep })] as const
    }),
  ]
}

/** Totals that steps only add to: the terms are kept, and summed after the loop; Σ aₜ·bₜ is one product of what was kept. */
function sumsAfter(l: Loop, t: Rewriter): Replacement | null {
  if (l.body.lean || l.guard) return null
  const level = levelsOf(l)
  const readers = (v: Value): number => l.nodes.reduce((n, x) => n + x.inputs.filter(y => y === v).length, 0) + l.results.filter(r => r.inner === v).length
  const termOf = ({ inner, state, keep }: Result): Value | null => {
    const n = inner.node
    if (!state || keep > 0 || n?.op !== pointwise('add') || !isWide(inner) || readers(state.inner) !== 1 || readers(inner) !== 1) return null
    const term = n.inputs.find(v => v !== state.inner)
    const fits = n.inputs.includes(state.inner) && term && sameShape(term.shape, inner.shape) && term.dtype === inner.dtype
    const summed = term?.node?.op === (sumOp as Op) || (term?.node?.op === (matmulOp as Op) && term.shape.length === 2)
    return fits && summed ? term : null
  }
  const totals = l.results.flatMap(r => {
    const term = termOf(r)
    return term ? [{ r, term }] : []
  })
  if (totals.length === 0) return null
  const extra: Result[] = []
  const left = l.results.filter(r => !totals.some(x => x.r === r))
  const readLater: (() => readonly [Value, Value])[] = []
  let made: readonly Value[] = []
  const fixed = outside(l, t)
  /** The values of all steps; to be called when the loop is put together. */
  const kept = (v: Value): (() => Value) => {
    const entry = l.entries.find(e => e.inner === v)
    if (entry) return () => entriesOf(entry, l.steps, t)
    if (level(v) === FIXED) return () => t.expand(fixed(v), [l.steps, ...v.shape])
    const able = v.node?.op === (permuteOp as Op) || v.node?.op === (reshapeOp as Op) ? v.node : null
    if (able) {
      const inner = kept(able.inputs[0])
      return () => batchedOf(able.op)!(able, [{ v: inner(), all: true }], l.steps, t)
    }
    const all = [...left, ...extra]
    let at = all.findIndex(r => r.inner === v && r.keep === l.steps)
    if (at < 0) {
      at = all.length
      extra.push({ inner: v, keep: l.steps, state: null, was: null })
    }
    return () => made[at]
  }
  for (const { r, term } of totals) {
    const n = term.node!
    const parts = n.inputs.map(kept)
    readLater.push(() => {
      const values = parts.map(p => p())
      return [r.was!, t.pointwise('add', r.state!.outer, n.op === (sumOp as Op) ? t.make(sumOp, values, { axes: [0, ...(n.params as { axes: readonly number[] }).axes.map(a => a + 1)] }) : tall(values[0], values[1], t))]
    })
  }
  if (l.steps * extra.reduce((sum, r) => sum + numel(r.inner.shape), 0) > MOST) return null
  made = together({ ...l, states: l.states.filter(s => !totals.some(x => x.r.state === s)), results: [...left, ...extra] }, t)
  return [...left.map((r, i) => [r.was!, made[i]] as const), ...readLater.map(read => read())]
}

/** Σ aₜ·bₜ over the first dimension, as one product. */
function tall(a: Value, b: Value, t: Rewriter): Value {
  const [steps, n, k] = a.shape
  return t.make(matmulOp, [t.reshape(t.make(permuteOp, [a], { order: [1, 0, 2] }), [n, steps * k]), t.reshape(b, [steps * k, b.shape[2]])], null)
}

provideRewrites([
  loopRewrite('scan-unused', 'scan(…).a, .b → scan(…).a', 'nobody reads b; also operands that no step reads, and states that no result needs', false, unused),
  loopRewrite('scan-last', 'scan(…)[-1] → the last value alone', 'nothing else is read of the values; also of the last k', false, lastValues),
  loopRewrite('scan-invariant', 'scan(s → s + f(w)) → v = f(w), scan(s → s + v)', 'f(w) is the same in every step', false, invariants),
  loopRewrite('scan-sum-after', 'scan(s → s + aₜ·bₜ) → s + a·b; scan(s → s + sum(aₜ)) → s + sum(a)', 'only the last s is read; float32 and float64; at most 2²⁴ elements are kept', true, sumsAfter),
  loopRewrite('scan-product-before', 'scan(xₜ → … xₜ·w …) → y = x·w, scan(yₜ → … yₜ …)', 'the product depends on no state, nor what follows it; values of all steps have at most 2²⁴ elements', true, products),
])
