// Rewrites written as formulas: `log(1 + x) → log1p(x)` is both the text that users read and the rule that runs. Letters stand for any
// value, the same letter for the same value; sums, products and comparisons match in either order.
import { internal } from '../../core/errors.ts'
import type { Op } from '../../ops/op.ts'
import { pointwiseOps } from '../../ops/pointwise-record.ts'
import { logSoftmaxOp, softmaxOp } from '../../ops/softmax.ts'
import type { Value } from '../graph.ts'
import { pointwise, type LiveNode, type Rewriter } from './rewriter.ts'
import type { Phase, Rewrite } from './rewrite.ts'

type Term =
  | { readonly kind: 'number'; readonly value: number }
  | { readonly kind: 'letter'; readonly at: number }
  | { readonly kind: 'op'; readonly op: Op; readonly args: readonly Term[]; readonly turns: boolean }

const withParams: Readonly<Record<string, Op>> = { softmax: softmaxOp as Op, logSoftmax: logSoftmaxOp as Op }
const infix: Readonly<Record<string, string>> = { '+': 'add', '-': 'sub', '*': 'mul', '/': 'div' }
/** Ops whose operands may stand in either order. */
export const commutes: ReadonlySet<string> = new Set(['add', 'mul', 'maximum', 'minimum', 'logaddexp', 'eq', 'ne', 'logicalAnd', 'logicalOr'])

/** `letters` gathers the names of the letters; a term holds their places in it. */
function parse(text: string, letters: string[]): Term {
  const tokens = text.match(/\d+(\.\d+)?|[a-zA-Z]\w*|[-+*/(),]/g) ?? []
  let i = 0
  const op = (name: string, args: Term[]): Term => {
    const record = withParams[name] ?? pointwiseOps.get(name) ?? internal(`no op ${name} in the rule ${text}`)
    return { kind: 'op', op: record, args, turns: commutes.has(name) }
  }
  const chain = (next: () => Term, signs: string): Term => {
    let left = next()
    while (i < tokens.length && signs.includes(tokens[i])) left = op(infix[tokens[i++]], [left, next()])
    return left
  }
  const sum = (): Term => chain(product, '+-')
  const product = (): Term => chain(single, '*/')
  const single = (): Term => {
    const t = tokens[i++]
    if (t === '-') {
      const x = single()
      return x.kind === 'number' ? { kind: 'number', value: -x.value } : op('neg', [x])
    }
    if (t === '(') {
      const x = sum()
      i++
      return x
    }
    if (/^\d/.test(t)) return { kind: 'number', value: Number(t) }
    if (tokens[i] !== '(') {
      if (t === 'inf') return { kind: 'number', value: Infinity }
      if (!letters.includes(t)) letters.push(t)
      return { kind: 'letter', at: letters.indexOf(t) }
    }
    const args: Term[] = []
    do {
      i++
      args.push(sum())
    } while (tokens[i] === ',')
    i++
    return op(t, args)
  }
  return sum()
}

/** What the letters of a rule stand for. */
interface Bound {
  letters: (Value | undefined)[]
  params: unknown
}

export interface PatternOptions {
  /** Ops of integers and bools match too. */
  readonly any?: boolean
  readonly when?: string
  readonly check?: (letters: Readonly<Record<string, Value>>, t: Rewriter) => boolean
  /** The result may differ in rounding. */
  readonly rounds?: boolean
}

const isWide = (v: Value): boolean => v.dtype === 'float32' || v.dtype === 'float64'

function matches(p: Term, v: Value, root: Value, b: Bound, t: Rewriter, o: PatternOptions): boolean {
  if (p.kind === 'number') return t.literal(v) === p.value
  if (p.kind === 'letter') {
    const known = b.letters[p.at]
    if (known) return known === v || (known.constant !== undefined && known.constant === v.constant)
    b.letters[p.at] = v
    return true
  }
  const n = v.node
  if (!n || n.op !== p.op) return false
  if (v !== root && v.dtype !== root.dtype && !(o.any && v.dtype === 'bool')) return false
  if (n.params !== null) b.params = n.params
  const { args } = p
  if (!p.turns) {
    for (let i = 0; i < args.length; i++) if (!matches(args[i], n.inputs[i], root, b, t, o)) return false
    return true
  }
  const before = b.letters.slice()
  const [x, y] = n.inputs
  if (matches(args[0], x, root, b, t, o) && matches(args[1], y, root, b, t, o)) return true
  b.letters = before
  return matches(args[0], y, root, b, t, o) && matches(args[1], x, root, b, t, o)
}

const build = (p: Term, b: Bound, t: Rewriter): Value =>
  p.kind === 'number' ? t.number(p.value) : p.kind === 'letter' ? b.letters[p.at]! : t.make(p.op, p.args.map(a => build(a, b, t)), p.op === withParams.softmax || p.op === withParams.logSoftmax ? b.params : null)

/** A rewrite of pointwise formulas. Several rules stand in lines of their own. */
export function formula(phase: Phase, name: string, rules: string, options: PatternOptions = {}): Rewrite {
  const parsed = rules.split('\n').map(line => {
    const letters: string[] = []
    const [from, to] = line.split('→').map(side => parse(side, letters))
    return { from, to, letters }
  })
  const roots = parsed.map(r => (r.from.kind === 'op' ? r.from.op : internal(`the rule ${rules} begins with no op`)))
  const apply = (node: LiveNode, t: Rewriter): Value | null => {
    const [root] = node.outputs
    if (root.dtype === 'complex64' || !(options.any || isWide(root))) return null
    for (const { from, to, letters } of parsed) {
      if (from.kind !== 'op' || from.op !== node.op) continue
      const bound: Bound = { letters: [], params: null }
      if (!matches(from, root, root, bound, t, options)) continue
      const named = (): Record<string, Value> => Object.fromEntries(bound.letters.flatMap((v, i) => (v ? [[letters[i], v]] : [])))
      if (options.check?.(named(), t) ?? true) return build(to, bound, t)
    }
    return null
  }
  const when = options.when ?? (options.any ? 'always' : 'float32 and float64')
  return { name, phase, rule: rules.replaceAll('\n', '; '), when, rounds: options.rounds ?? false, ops: [...new Set(roots)], apply }
}

export { isWide, pointwise }
