// Products and quotients in which something cancels. A derivative of a naive formula is full of e/(1 + e) and y/y, which are right until e
// overflows or y underflows. Seen as one list of factors above and below a line, these meet and go away: e^u over 1 + e^u is σ(u), e^u over
// the sum of e^u is a softmax, and what is positive by nature cancels against itself.
import { sameShape, type Shape } from '../../core/shape.ts'
import { expandOp, reshapeOp } from '../../ops/movement-ops.ts'
import { gatherOp, scatterAddOp } from '../../ops/gather.ts'
import type { Op } from '../../ops/op.ts'
import { sumOp } from '../../ops/reduce.ts'
import { softmaxOp } from '../../ops/softmax.ts'
import type { GraphNode, Value } from '../graph.ts'
import { isPositive } from './algebra.ts'
import { isWide } from './pattern.ts'
import type { Rewrite } from './rewrite.ts'
import { broadcasts, pointwise, type LiveNode, type Rewriter } from './rewriter.ts'

const [mul, div, neg, square, reciprocal, add, sub, exp] = ['mul', 'div', 'neg', 'square', 'reciprocal', 'add', 'sub', 'exp'].map(pointwise)

/** Above and below the line; `negative` when the sign is turned. */
interface Product {
  above: Value[]
  below: Value[]
  negative: boolean
}

/** More factors than any naive formula has. */
const MOST = 16
const DEPTH = 8

/** The factors of v. Broadcasts are looked through: the factors are then broadcast one by one. */
function factorsOf(v: Value, t: Rewriter, depth = DEPTH): Product {
  const whole: Product = { above: [v], below: [], negative: false }
  const n = v.node
  if (!n || depth === 0 || !isWide(v)) return whole
  const of = (x: Value): Product => factorsOf(x, t, depth - 1)
  const times = (a: Product, b: Product, flip = false): Product => ({
    above: [...a.above, ...(flip ? b.below : b.above)], below: [...a.below, ...(flip ? b.above : b.below)], negative: a.negative !== b.negative,
  })
  const [a, b] = n.inputs
  if (n.op !== (scatterAddOp as Op) && n.inputs.some(x => x.constant === undefined && x.dtype !== v.dtype)) return whole
  let found = whole
  if (n.op === mul) found = times(of(a), of(b))
  else if (n.op === div) found = times(of(a), of(b), true)
  else if (n.op === reciprocal) found = times({ above: [], below: [], negative: false }, of(a), true)
  else if (n.op === square) found = times(of(a), of(a))
  else if (n.op === neg) {
    const inner = of(a)
    found = { ...inner, negative: !inner.negative }
  } else if (n.op === (reshapeOp as Op) || n.op === (expandOp as Op)) {
    const inner = of(a)
    if (inner.above.length + inner.below.length === 1) return inner.negative ? { ...whole, above: [moved(n, inner.above[0] ?? inner.below[0], t) ?? v], negative: true } : whole
    const all = [...inner.above, ...inner.below].map(x => moved(n, x, t))
    if (all.some(x => x === null)) return whole
    const list = all as Value[]
    found = { above: list.slice(0, inner.above.length), below: list.slice(inner.above.length), negative: inner.negative }
  } else if (n.op === (sumOp as Op)) found = outOfSum(n, t, of)
  else if ((n.op === (scatterAddOp as Op) && t.literal(a) === 0) || cuts.has(n.op.name)) found = outOfScatter(n, t, of)
  return found.above.length + found.below.length > MOST ? whole : found
}

/** A factor under the reshape or expand that its product stands under. */
function moved(n: GraphNode, x: Value, t: Rewriter): Value | null {
  if (x.constant !== undefined) return x
  const before = n.inputs[0].shape
  const after = n.outputs[0].shape
  if (!broadcasts(x.shape, before)) return null
  return n.op === (expandOp as Op) ? t.expand(x, after) : t.reshape(t.expand(x, before), after)
}

/** Σ a/c = (Σ a)/c where c is the same along the summed axes. */
function outOfSum(n: GraphNode, t: Rewriter, of: (x: Value) => Product): Product {
  const [x] = n.inputs
  const { axes } = n.params as { axes: readonly number[] }
  const whole: Product = { above: [n.outputs[0]], below: [], negative: false }
  const inner = simplified(of(x), t).product
  const constant = inner.below.map(c => alongConstant(c, x.shape, axes, t))
  if (!constant.some(c => c !== null)) return whole
  const rest = quotient({ above: inner.above, below: inner.below.filter((_, i) => constant[i] === null), negative: inner.negative }, x, t)
  return { above: rest ? [t.make(sumOp, [rest], { axes })] : [n.outputs[0]], below: rest ? constant.filter(c => c !== null) : [], negative: false }
}

/** c without the axes along which it is the same; null when it is not. */
function alongConstant(c: Value, shape: Shape, axes: readonly number[], t: Rewriter): Value | null {
  const out = shape.filter((_, i) => !axes.includes(i))
  let v = c
  while (v.node?.op === (expandOp as Op)) [v] = v.node.inputs
  const kept = [...Array<number>(Math.max(0, shape.length - v.shape.length)).fill(1), ...v.shape]
  return kept.length === shape.length && axes.every(a => kept[a] === 1) && broadcasts(v.shape, shape) ? t.reshape(t.expand(t.reshape(v, kept), shape.map((n, i) => (axes.includes(i) ? 1 : n))), out) : null
}

/** Gradients of parts: the part among zeros. */
const cuts: ReadonlySet<string> = new Set(['sliceTranspose', 'selectTranspose'])

/** What is scattered over zeros has the factors of what is scattered: 1/gather(y, i) scattered by i is 1/y, where anything is; and so for y[i]. */
function outOfScatter(n: GraphNode, t: Rewriter, of: (x: Value) => Product): Product {
  const v = n.inputs.at(-1)!
  const whole: Product = { above: [n.outputs[0]], below: [], negative: false }
  const inner = of(v)
  const back = inner.below.map(c => gathered(c, n, t))
  if (!back.some(y => y !== null)) return whole
  const rest = quotient({ ...inner, below: inner.below.filter((_, i) => back[i] === null) }, v, t)
  return rest ? { above: [t.make(n.op, [...n.inputs.slice(0, -1), rest], n.params)], below: back.filter(y => y !== null), negative: false } : whole
}
/** y where c is gather(y, i) of the positions that `scatter` writes to, or the cut y[i], and y is positive by nature. */
function gathered(c: Value, scatter: GraphNode, t: Rewriter): Value | null {
  let v = c
  while (v.node?.op === (reshapeOp as Op) || v.node?.op === (expandOp as Op)) {
    if (v.node.op === (expandOp as Op)) return null
    ;[v] = v.node.inputs
  }
  const g = v.node
  if (!g) return null
  const fits = g.op === (gatherOp as Op)
    ? g.inputs[1] === scatter.inputs[1] && (g.params as { axis: number }).axis === (scatter.params as { axis: number }).axis
    : `${g.op.name}Transpose` === scatter.op.name && JSON.stringify(g.params) === JSON.stringify((scatter.params as { params: unknown }).params)
  return fits && sameShape(g.inputs[0].shape, scatter.outputs[0].shape) && sameShape(c.shape, scatter.inputs.at(-1)!.shape) && isPositive(g.inputs[0], t) ? g.inputs[0] : null
}

/** u where v is e^u (broadcasts looked through). */
function exponent(v: Value, t: Rewriter): Value | null {
  const n = v.node
  if (n?.op === exp) return n.inputs[0]
  if (n?.op !== (expandOp as Op) && n?.op !== (reshapeOp as Op)) return null
  const u = exponent(n.inputs[0], t)
  return u && moved(n, u, t)
}

/** Terms of a sum under broadcasts: those of 1 + e^u. */
function termsOf(v: Value, t: Rewriter): [Value, Value] | null {
  const n = v.node
  if (n?.op === add) return [n.inputs[0], n.inputs[1]]
  if (n?.op !== (expandOp as Op) && n?.op !== (reshapeOp as Op)) return null
  const inner = termsOf(n.inputs[0], t)
  const list = inner?.map(x => moved(n, x, t))
  return list && list[0] && list[1] ? [list[0], list[1]] : null
}

/** Whether v is `sum` over `axes` with these kept as 1, and perhaps broadcast back. */
function sumSpread(v: Value, shape: Shape): { x: Value; axis: number } | null {
  let s = v
  while (s.node?.op === (expandOp as Op)) [s] = s.node.inputs
  const kept = s.shape
  if (s.node?.op === (reshapeOp as Op)) [s] = s.node.inputs
  const n = s.node
  if (n?.op !== (sumOp as Op)) return null
  const [x] = n.inputs
  const { axes } = n.params as { axes: readonly number[] }
  const lead = x.shape.length - kept.length
  const spread = x.shape.map((size, i) => (axes.includes(i) ? 1 : size))
  return axes.length === 1 && sameShape(x.shape, shape) && lead >= 0 && sameShape(spread.slice(lead), kept) && spread.slice(0, lead).every(size => size === 1) ? { x, axis: axes[0] } : null
}

/** True when u has its own maximum taken off already. */
export function isShifted(u: Value): boolean {
  let m = u.node?.op === sub ? u.node.inputs[1] : null
  while (m?.node && (m.node.op === (reshapeOp as Op) || m.node.op === (expandOp as Op))) [m] = m.node.inputs
  return m?.node?.op.name === 'amax' || m?.node?.op.name === 'max' || m?.node?.op.name === 'where'
}

/** e^u over 1 + e^u, e^u + e^w or Σ e^u. */
function ratio(u: Value | null, below: Value, t: Rewriter): Value | null {
  const terms = termsOf(below, t)
  if (terms) {
    for (const [a, b] of [terms, [terms[1], terms[0]] as const]) {
      const w = exponent(b, t)
      if (t.literal(a) === 1 && w && (!u || u === w)) return t.pointwise('sigmoid', u ?? t.pointwise('neg', w))
      const own = u && exponent(a, t)
      if (w && own && own === u) return t.pointwise('sigmoid', t.pointwise('sub', u, w))
    }
    return null
  }
  const total = u && sumSpread(below, u.shape)
  return total && total.x.node?.op === exp && total.x.node.inputs[0] === u && !isShifted(u) ? t.make(softmaxOp, [u], { axis: total.axis }) : null
}

const isOne = (v: Value, t: Rewriter): boolean => t.literal(v) === 1

/** What is left when all that meets has cancelled, and how often something did. */
function simplified(p: Product, t: Rewriter): { product: Product; fired: number } {
  const above = p.above.filter(v => !isOne(v, t))
  const below = p.below.filter(v => !isOne(v, t))
  let fired = 0
  const once = (): boolean => {
    for (const [j, b] of below.entries()) {
      const i = above.findIndex(a => a === b || (a.constant !== undefined && a.constant === b.constant))
      if (i >= 0 && isPositive(b, t)) {
        above.splice(i, 1)
        below.splice(j, 1)
        return true
      }
      for (const [k, a] of above.entries()) {
        const u = exponent(a, t)
        const y = u && ratio(u, b, t)
        if (y) {
          above[k] = y
          below.splice(j, 1)
          return true
        }
      }
    }
    // Only when nothing above meets it is 1/(1 + e^w) by itself.
    for (const [j, b] of below.entries()) {
      const y = ratio(null, b, t)
      if (y) {
        above.push(y)
        below.splice(j, 1)
        return true
      }
    }
    return false
  }
  while (fired < 2 * MOST && once()) fired++
  return { product: { above, below, negative: p.negative }, fired }
}

/** The product as a value like `like`, with its numbers as one; null when its shape or dtype would be another. */
function quotient(p: Product, like: Value, t: Rewriter): Value | null {
  const numbers = (list: readonly Value[]): number => list.reduce((n, v) => n * Number(v.constant ?? 1), 1)
  const product = (list: readonly Value[]): Value | null => list.reduce<Value | null>((a, b) => (a ? t.pointwise('mul', a, b) : b), null)
  const others = (list: readonly Value[]): Value[] => list.filter(v => v.constant === undefined)
  const number = numbers(p.above) / numbers(p.below)
  const [above, below] = [others(p.above), others(p.below)]
  if (!Number.isFinite(Math.fround(number))) return null
  if (above.length + below.length === 0) return t.filled(p.negative ? -number : number, like)
  const top = product(number === 1 && above.length > 0 ? above : [t.number(number), ...above])!
  const y = below.length > 0 ? t.pointwise('div', top, product(below)!) : top
  return t.fit(p.negative ? t.pointwise('neg', y) : y, like)
}

/** f·(a ± b) where f cancels against both terms. */
function distributed(p: Product, like: Value, t: Rewriter): Value | null {
  for (const [i, v] of p.above.entries()) {
    let s = v
    while (s.node?.op === (expandOp as Op)) [s] = s.node.inputs
    const n = s.node
    if (s !== v || !n || (n.op !== add && n.op !== sub) || n.inputs.some(x => x.dtype !== like.dtype || x.constant !== undefined)) continue
    const others = p.above.filter((_, k) => k !== i)
    if (!others.some(x => isPositive(x, t))) continue
    const parts = n.inputs.map(term => {
      const f = factorsOf(term, t)
      const joined: Product = { above: [...f.above, ...others], below: [...f.below, ...p.below], negative: f.negative }
      const { product, fired } = simplified(joined, t)
      return fired > 0 && !isOne(term, t) ? quotient(product, like, t) : null
    })
    if (!parts[0] || !parts[1]) continue
    const y = t.make(n.op, [parts[0], parts[1]], null)
    return p.negative ? t.pointwise('neg', y) : y
  }
  return null
}

export const products: readonly Rewrite[] = [
  {
    name: 'cancel', phase: 'stabilise', rounds: true, ops: [mul, div, neg, reciprocal].filter(op => op !== neg),
    rule: 'g/y * y → g; exp(x)/(1 + exp(x)) → sigmoid(x); 1/(1 + exp(x)) → sigmoid(-x); exp(x)/(exp(x) + exp(y)) → sigmoid(x - y); exp(x)/sum(exp(x)) → softmax(x); y * (a/y + b/y) → a + b',
    when: 'y is made by exp, sigmoid, softmax, …, which are 0 only by underflow; float32 and float64; also through broadcasts, sums and scatters',
    apply(node: LiveNode, t) {
      const [root] = node.outputs
      if (!isWide(root) || !mayCancel(node)) return null
      const p = factorsOf(root, t)
      const { product, fired } = simplified(p, t)
      const spread = distributed(product, root, t)
      if (spread) return spread
      return fired > 0 ? quotient(product, root, t) : null
    },
  },
]

/** Cheap test before the search: something is divided, or may be further down. */
function mayCancel(node: LiveNode): boolean {
  let left = 60
  const look = (n: GraphNode | null, depth: number): boolean => {
    if (!n || depth === 0 || left-- < 0) return false
    if (n.op === div || n.op === reciprocal) return true
    const through = n.op === mul || n.op === neg || n.op === square || n.op === add || n.op === sub || n.op === (expandOp as Op) || n.op === (reshapeOp as Op) || n.op === (sumOp as Op) || n.op === (scatterAddOp as Op) || cuts.has(n.op.name)
    return through && n.inputs.some(v => look(v.node, depth - 1))
  }
  return look(node, DEPTH)
}
