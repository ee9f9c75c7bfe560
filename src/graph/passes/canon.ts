// Sums and products in one form: (a + b + …) − (c + …) and (a·b·…)/(c·…), in which equal parts meet, and numbers are one. Whole numbers wrap
// around, so nothing is lost; floats round otherwise, and a NaN or ∞ that cancels is gone, so for them it is done only where it is asked for.
import { dtypes } from '../../core/dtype.ts'
import type { Value } from '../graph.ts'
import { isWide } from './pattern.ts'
import type { Rewrite } from './rewrite.ts'
import { pointwise, type LiveNode, type Rewriter } from './rewriter.ts'

const [add, sub, neg, mul, div, reciprocal, square] = ['add', 'sub', 'neg', 'mul', 'div', 'reciprocal', 'square'].map(pointwise)

/** More parts than any formula that people write. */
const MOST = 32

/** What a value is made of: how often each part is there, and a number. */
class Form {
  readonly parts = new Map<Value, number>()
  number: number
  /** What is not needed once the form is there. */
  private readonly spared = new Set<Value>()

  constructor(readonly root: Value, readonly t: Rewriter, readonly whole: boolean, neutral: number) {
    this.number = neutral
  }

  /** Numbers of whole dtypes as they lie in a word. */
  wrap(x: number): number {
    return !this.whole ? x : this.root.dtype === 'uint8' ? (x << 24) >> 24 : x | 0
  }
  times(a: number, b: number): number {
    return this.whole ? Math.imul(a, b) : a * b
  }
  literal(v: Value): number | null {
    const known = this.t.literal(v)
    return known !== null && Number.isFinite(known) && (!this.whole || Number.isInteger(known)) ? known : null
  }

  /** A node may be taken apart when all that it computes with is of the dtype of the root. */
  opens(v: Value): LiveNode | null {
    const n = v.node as LiveNode | null
    const same = (x: Value): boolean => (x.constant === undefined ? x.dtype === this.root.dtype : this.literal(x) !== null)
    return n && this.parts.size < MOST && same(v) && n.inputs.every(same) ? n : null
  }
  /** Counts a node that was taken apart; tells whether it goes away with the one that reads it. */
  spare(v: Value, readerGoes: boolean): boolean {
    const goes = v === this.root || (readerGoes && this.t.isPrivate(v))
    if (goes) this.spared.add(v)
    return goes
  }
  part(v: Value, count: number): void {
    this.parts.set(v, this.wrap((this.parts.get(v) ?? 0) + count))
  }

  /** What the sides make, if it takes fewer nodes than were there. */
  better(nodes: number, make: () => Value): Value | null {
    const fits = (c: number): boolean => (this.whole ? Math.abs(c) <= 2 ** 30 : Number.isFinite(Math.fround(c)))
    return nodes < this.spared.size && fits(this.number) && [...this.parts.values()].every(fits) ? make() : null
  }
}

/** Parts with their counts: those above 0, and those below. */
const sides = ({ parts }: Form): readonly [Value, number][][] => {
  const list = [...parts].filter(([, c]) => c !== 0)
  return [list.filter(([, c]) => c > 0), list.filter(([, c]) => c < 0).map(([v, c]) => [v, -c])]
}

function sumOf(node: LiveNode, t: Rewriter, whole: boolean): Value | null {
  const [root] = node.outputs
  const form = new Form(root, t, whole, 0)
  const gather = (v: Value, count: number, readerGoes: boolean): void => {
    const known = form.literal(v)
    if (known !== null) return void (form.number = form.wrap(form.number + form.times(count, known)))
    const n = form.opens(v)
    const [a, b] = n?.inputs ?? []
    const scale = n?.op === mul ? (form.literal(a) ?? form.literal(b)) : null
    if (!n || (n.op !== add && n.op !== sub && n.op !== neg && scale === null)) return form.part(v, count)
    const goes = form.spare(v, readerGoes)
    if (scale !== null) return gather(form.literal(a) === null ? a : b, form.times(count, scale), goes)
    gather(a, n.op === neg ? -count : count, goes)
    if (n.op !== neg) gather(b, n.op === sub ? -count : count, goes)
  }
  gather(root, 1, true)
  const [plus, minus] = sides(form)
  const { number } = form
  const all = [...plus, ...minus]
  const scaled = all.filter(([, c]) => c !== 1).length
  const joints = Math.max(0, all.length - 1 + (number === 0 ? 0 : 1)) + (plus.length === 0 && minus.length > 0 && number === 0 ? 1 : 0)
  const added = (list: readonly [Value, number][]): Value => list.map(([v, c]) => (c === 1 ? v : t.pointwise('mul', v, c))).reduce((x, y) => t.pointwise('add', x, y))
  return form.better(scaled + joints, () => {
    if (all.length === 0) return t.number(number)
    if (plus.length === 0) return number === 0 ? t.pointwise('neg', added(minus)) : t.pointwise('sub', number, added(minus))
    const sum = minus.length > 0 ? t.pointwise('sub', added(plus), added(minus)) : added(plus)
    return number === 0 ? sum : t.pointwise(number > 0 ? 'add' : 'sub', sum, Math.abs(number))
  })
}

function productOf(node: LiveNode, t: Rewriter, whole: boolean): Value | null {
  const [root] = node.outputs
  const form = new Form(root, t, whole, 1)
  const gather = (v: Value, count: number, readerGoes: boolean): void => {
    const known = form.literal(v)
    const power = known === null ? 0 : known ** count
    if (power !== 0 && Number.isFinite(power) && (!whole || Number.isSafeInteger(power))) return void (form.number = form.wrap(form.times(form.number, power)))
    const n = form.opens(v)
    const [a, b] = n?.inputs ?? []
    const counts = n?.op === mul ? [count, count] : n?.op === div ? [count, -count] : n?.op === reciprocal ? [-count] : n?.op === square ? [2 * count] : n?.op === neg ? [count] : null
    if (!n || !counts) return form.part(v, count)
    const goes = form.spare(v, readerGoes)
    if (n.op === neg && count % 2 !== 0) form.number = form.wrap(-form.number)
    counts.forEach((c, i) => gather([a, b][i], c, goes))
  }
  gather(root, 1, true)
  const [above, below] = sides(form)
  const { number } = form
  if (Math.fround(number) === 0) return null
  const nodes = (list: readonly [Value, number][]): number => Math.max(0, list.reduce((n, [, c]) => n + c, 0) - 1)
  const joints = above.length === 0 ? (below.length > 0 ? 1 : 0) : (below.length > 0 ? 1 : 0) + (number === 1 ? 0 : 1)
  const multiplied = (list: readonly [Value, number][]): Value => list.flatMap(([v, c]) => Array<Value>(c).fill(v)).reduce((x, y) => t.pointwise('mul', x, y))
  return form.better(nodes(above) + nodes(below) + joints, () => {
    if (above.length === 0) return below.length > 0 ? t.pointwise('div', number, multiplied(below)) : t.number(number)
    const product = below.length > 0 ? t.pointwise('div', multiplied(above), multiplied(below)) : multiplied(above)
    return number === 1 ? product : t.pointwise('mul', product, number)
  })
}

const isWhole = (v: Value): boolean => dtypes[v.dtype].kind === 'int'

/** `make` for whole numbers, and for floats where it is asked for. */
const both = (name: string, rules: readonly [whole: string, floats: string], ops: Rewrite['ops'], make: typeof sumOf): readonly Rewrite[] => [
  {
    name, phase: 'canonicalise', rule: rules[0], when: 'whole numbers, which wrap around; less is left than was there', rounds: false, ops,
    apply: (node, t) => (isWhole(node.outputs[0]) ? make(node, t, true) : null),
  },
  {
    name: `${name}-of-floats`, phase: 'canonicalise', rule: rules[1], when: 'only if included by name: digits, NaN and infinities may be lost; float32 and float64', rounds: true, optional: true, ops,
    apply: (node, t) => (isWide(node.outputs[0]) ? make(node, t, false) : null),
  },
]

export const canonical: readonly Rewrite[] = [
  ...both('collect-terms', ['(a + b) - (a + c) → b - c; 2 · a + 3 · a → 5 · a; (a + 2) + 3 → a + 5', '(a + b) - (a + c) → b - c; 2 · a + 3 · a → 5 · a; (a + 2) + 3 → a + 5'], [add, sub, neg], sumOf),
  ...both('collect-factors', ['(a · 2) · 3 → a · 6; -a · -2 → a · 2', '(a · b) / (a · c) → b / c; (a · 2) / (b · 3) → a / b · 0.667; a / (a · b) → 1 / b'], [mul, div, neg, reciprocal, square], productOf),
]
