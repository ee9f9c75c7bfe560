// Loops over sequences and carried state, after Theano's scan. A step is written once; in expressions it is traced once, and what it does
// not compute from its arguments is computed outside. In compiled code a loop is one node, or its steps stand in a row: nothing is read back.
import { fail, needFunction } from '../core/errors.ts'
import { needKnown } from '../core/options.ts'
import { dtypeOfNumber, resultType } from '../core/dtype.ts'
import { sameShape } from '../core/shape.ts'
import { noGrad } from '../autograd/mode.ts'
import { eager } from '../eager/world.ts'
import { Trace } from '../graph/trace.ts'
import { arange, cat, flip, full, indexSelect, logicalAnd, minimum, narrow, ones, select, stack, Tensor, where, zeros, zerosLike } from '../ops/index.ts'
import { ruled } from '../ops/linalg/tools.ts'
import { world } from '../ops/world.ts'
import { either, known } from './branch.ts'
import { blank, call, Expression, mentions, type AnyFunction, type Example } from './expression.ts'
import { Inner } from './inner.ts'
import { Lambda } from './lambda.ts'
import { piece } from './pieces.ts'
import { repeated } from './repeat.ts'

/** A condition that ends the loop after the step that gave it: `return [values, until(x.gt(3))]`. */
export class Until {
  constructor(readonly condition: Tensor) {}
}
export const until = (condition: Tensor): Until => new Until(condition)

export interface Sequence {
  input: Tensor
  /** Which entries a step gets, counted from its own. Default [0]. */
  taps?: readonly number[]
}
export interface State {
  /** The value before the first step; with taps the values before, oldest first, on a dimension in front. A number takes its dtype from the arguments of the step. */
  initial: Tensor | number
  /** Which earlier values a step gets: [-1] is the last one. */
  taps?: readonly number[]
}
export type Many<T> = T | readonly T[]

export interface ScanOptions {
  /** Tensors whose entries along the first dimension go to the steps one by one. */
  sequences?: Many<Tensor | Sequence>
  /** For each result of a step its value before the first one, or null where no step asks for the earlier one. */
  outputsInfo?: Many<Tensor | number | State | null>
  /** Further arguments, the same in each step. */
  nonSequences?: Many<Tensor | number>
  /** How many steps; default: as long as the sequences last. */
  nSteps?: number | Tensor
  /** From the last entry of the sequences to the first. */
  goBackwards?: boolean
  /** Gradients flow through this many steps from the end; −1: all. */
  truncateGradient?: number
  /**
   * The gradient keeps the states before every so many steps alone, and computes the steps between again: 'sqrt' takes √n, which needs the
   * least memory.
   */
  checkpoints?: number | 'sqrt'
}
/** What a step gives: one value, a list, and perhaps the end. */
export type StepResult = Tensor | number | Until | readonly (Tensor | number | Until | readonly (Tensor | number)[])[]
export type Step = (...args: Tensor[]) => StepResult

interface Taken {
  readonly values: readonly (Tensor | number)[]
  readonly until: Tensor | null
  readonly single: boolean
}
interface Plan {
  readonly sequences: readonly { readonly input: Tensor; readonly taps: readonly number[] }[]
  readonly states: readonly ({ readonly initial: Tensor | number; readonly taps: readonly number[] | null } | null)[]
  readonly fixed: readonly (Tensor | number)[]
  readonly steps: number | Tensor | null
  readonly backwards: boolean
  readonly truncate: number
  /** Only the last values are wanted. */
  readonly last: boolean
  /** How many steps are computed again as one piece. */
  readonly every: number | 'sqrt' | null
  /** In compiled code the loop must be one node. */
  readonly whole?: boolean
}

function taken(result: StepResult): Taken {
  const parts = Array.isArray(result) ? (result as readonly (Tensor | number | Until | readonly (Tensor | number)[])[]) : [result as Tensor]
  const end = parts.find(p => p instanceof Until) ?? null
  const values = parts.filter(p => !(p instanceof Until))
  const nested = values.length === 1 && Array.isArray(values[0])
  const list = (nested ? values[0] : values) as readonly (Tensor | number)[]
  for (const v of list) if (!(v instanceof Tensor) && typeof v !== 'number') fail('scan', `a step gave ${String(v)}`, 'return a tensor, or a list of tensors, and until(condition) behind them')
  return { values: list, until: end && end.condition, single: !nested && !(Array.isArray(result) && end === null) && list.length === 1 }
}

export const listOf = <T>(v: Many<T> | undefined): readonly T[] => (v === undefined ? [] : Array.isArray(v) ? (v as readonly T[]) : [v as T])
const isState = (v: unknown): v is State => typeof v === 'object' && v !== null && 'initial' in v

function planOf(o: ScanOptions, last: boolean): Plan {
  needKnown('scan', o, ['sequences', 'outputsInfo', 'nonSequences', 'nSteps', 'goBackwards', 'truncateGradient', 'checkpoints'])
  const sequences = listOf(o.sequences).map(s => (s instanceof Tensor ? { input: s, taps: [0] } : { input: s.input, taps: s.taps ?? [0] }))
  const states = listOf(o.outputsInfo).map(s => (s === null ? null : isState(s) && !(s instanceof Tensor) ? { initial: s.initial, taps: s.taps ?? null } : { initial: s, taps: null }))
  for (const s of states) if (s?.taps?.some(t => !Number.isInteger(t) || t >= 0)) fail('scan', `taps ${String(s.taps)} of a result`, 'steps get earlier results only: [-1], [-2, -1]')
  if (sequences.length === 0 && o.nSteps === undefined) fail('scan', 'there are neither sequences nor nSteps', 'say how many steps there are')
  const every = o.checkpoints ?? null
  if (every !== null && every !== 'sqrt' && !(Number.isInteger(every) && every > 0)) fail('scan', `checkpoints ${String(every)}`, "'sqrt', or after how many steps the states are kept")
  return { sequences, states, fixed: listOf(o.nonSequences), steps: o.nSteps ?? null, backwards: o.goBackwards ?? false, truncate: o.truncateGradient ?? -1, last, every }
}

export const asTensor = (v: Tensor | number): Tensor => (v instanceof Tensor && v.source.world !== null ? v : full([], v instanceof Tensor ? v.constant! : v))

type StepOnValues = (args: Tensor[], captured: readonly unknown[]) => Taken
interface Looped {
  readonly results: Tensor[]
  readonly single: boolean
}
/** A sequence in the order in which steps read it. */
interface Ordered {
  readonly input: Tensor
  readonly taps: readonly number[]
  /** The earliest tap. */
  readonly from: number
}

/** Runs the loop on values. */
function loop(step: StepOnValues, plan: Plan, captured: readonly unknown[] = []): Looped {
  const p = typed(plan)
  const ordered = p.sequences.map(({ input, taps }) => ({ input: p.backwards ? flip(input, 0) : input, taps, from: Math.min(0, ...taps), to: Math.max(0, ...taps) }))
  for (const { input } of ordered) if (input.ndim === 0) fail('scan', `the sequence ${input} has no dimension to go along`)
  const lasting = ordered.map(({ input, from, to }) => input.shape[0] - to + from)
  const wanted = p.steps
  if (wanted instanceof Tensor && wanted.source.world !== null) fail('scan', `the number of steps is ${wanted}, which is not known when the loop is compiled`, 'pass a plain number')
  const n = wanted === null ? Math.min(...lasting) : Number(wanted instanceof Tensor ? wanted.constant : wanted)
  if (!Number.isInteger(n) || n < 0) fail('scan', `${n} steps`, 'a loop has none or more; sequences last as long as the furthest tap finds an entry')
  const short = lasting.findIndex(m => m < n)
  if (short >= 0) fail('scan', `${n} steps, but sequence ${short} (${ordered[short].input}) lasts for ${lasting[short]}`)
  if (n === 0) return nothing(step, p, ordered, captured)

  if (p.every !== null) {
    const every = p.every === 'sqrt' ? Math.ceil(Math.sqrt(n)) : p.every
    if (every < n) return inPieces(step, p, n, every, ordered, captured)
  }
  if (world() !== eager && p.truncate < 0 && n > 1) {
    const node = asNode(step, p, n, ordered, captured) ?? (p.states.some((s, i) => s && s !== plan.states[i] && (s.initial as Tensor).dtype !== 'float32') ? asNode(step, plan, n, ordered, captured) : null)
    if (node) return node
    if (p.whole) fail('scan', 'a loop with checkpoints is one node of compiled code, but its steps cannot stand alone', 'draw random numbers before the loop, change no memory in a step, and pass values from outside as nonSequences')
  }
  const histories = p.states.map(s => s && (s.taps === null ? [asTensor(s.initial)] : before(s)))
  const outputs: Tensor[][] = []
  let active: Tensor | null = null
  let single = true
  let ends = false
  /** Of each step that was begun whether it runs; null: it does. */
  const begun: (Tensor | null)[] = []
  for (let t = 0; t < n; t++) {
    const args = [
      ...ordered.flatMap(({ input, taps, from }) => taps.map(tap => select(input, 0, t - from + tap))),
      ...histories.flatMap((h, i) => (h ? (p.states[i]!.taps ?? [-1]).map(tap => h[h.length + tap]) : [])),
      ...p.fixed.map(asTensor),
    ]
    const early = p.truncate >= 0 && t < n - p.truncate
    begun.push(active)
    const turn = (): { readonly until: Tensor | null; readonly values: readonly Tensor[] } => {
      const run = (): Taken => step(args, captured)
      const result = early && t > 0 && !ends ? noGrad(run) : run()
      single = result.single
      ends ||= result.until !== null
      if (p.states.length > 0 && result.values.length !== p.states.length)
        fail('scan', `a step gave ${result.values.length} results, outputsInfo has ${p.states.length}`, 'give null for a result that no step asks for')
      return { until: result.until, values: result.values.map(asTensor) }
    }
    const put = (values: readonly Tensor[]): void => values.forEach((value, i) => {
      const v = !early || !value.requiresGrad ? value : ends ? closed(value, () => begun[t + p.truncate]) : value.detach()
      const first = outputs[i]?.[0]
      if (!p.last && first && !sameShape(v.shape, first.shape)) fail('scan', `result ${i} of step ${t} is ${v}, that of the first step ${first}`, 'results are stacked, so all steps give one shape')
      if (p.last) outputs[i] = [v]
      else (outputs[i] ??= []).push(v)
      histories[i]?.push(v)
    })
    const past = outputs.map(list => list.at(-1)!)
    if (active && world() instanceof Trace) {
      const goes = ({ until: end, values }: ReturnType<typeof turn>): Tensor[] => [end ? end.reshape([]).eq(0) : full([], true), ...values]
      const [on, ...values] = either(active, () => goes(turn()), () => [full([], false), ...past])
      active = on
      put(values)
      continue
    }
    const result = turn()
    put(result.values.map((v, i) => (active ? where(active, v, past[i]) : v)))
    if (result.until) {
      const ended = known('until', result.until)
      if (ended === true) break
      if (ended !== false) {
        const on: Tensor = ended.reshape([]).eq(0)
        active = active ? logicalAnd(active, on) : on
      }
    }
  }
  return { results: outputs.map(list => (p.last ? list[0] : stack(list))), single }
}

/** With tensors in the place of numbers that states begin with. A number has the dtype that it takes on in an op with what steps get besides. */
function typed(p: Plan): Plan {
  if (!p.states.some(s => typeof s?.initial === 'number')) return p
  const states = p.states.map(s => s?.initial)
  const known = [...p.sequences.map(s => ({ x: s.input, lost: 1 })), ...[...states, ...p.fixed].map(x => ({ x, lost: 0 }))]
    .flatMap(({ x, lost }) => (x instanceof Tensor ? [{ dtype: x.dtype, rank: x.ndim - lost }] : []))
  const start = (v: number): Tensor => full([], v, { dtype: known.length ? resultType(known, [dtypeOfNumber(v)]) : 'float32' })
  return { ...p, states: p.states.map(s => (s && typeof s.initial === 'number' ? { ...s, initial: start(s.initial) } : s)) }
}

/** What no steps give: the states as they begin, or stacks without entries, of the shapes that a step would give. */
function nothing(step: StepOnValues, p: Plan, ordered: readonly Ordered[], captured: readonly unknown[]): Looped {
  const blanks = [
    ...ordered.flatMap(({ input, taps }) => taps.map(() => blank(input.dtype, input.shape.slice(1)))),
    ...p.states.flatMap(s => (s ? (s.taps ?? [-1]).map(() => blank(asTensor(s.initial).dtype, asTensor(s.initial).shape.slice(s.taps ? 1 : 0))) : [])),
  ]
  const trace = new Inner([], blanks.length)
  const { result } = trace.run(() => noGrad(() => step([...blanks.map((x, i) => trace.argument(x, i)), ...p.fixed.map(asTensor)], captured)), () => [])
  const results = p.last ? p.states.map(s => asTensor(s!.initial).clone()) : result.values.map(asTensor).map(y => zeros([0, ...y.shape], { dtype: y.dtype }))
  return { results, single: result.single }
}

const cut = ruled<() => Tensor | null | undefined>('scan', (g, _, __, { params: later }) => {
  const runs = later()
  return [runs === undefined ? g : runs === null ? null : where(runs, zerosLike(g), g)]
})
/** What gradients do not enter if a later step, of which is known at the end whether it runs, does. */
const closed = (x: Tensor, later: () => Tensor | null | undefined): Tensor => cut(x.detach().clone(), [x], later)

/** The loop as a loop over pieces, each of `every` steps, which keep nothing but what they begin with; steps that are left over come last. */
function inPieces(step: StepOnValues, p: Plan, n: number, every: number, ordered: readonly Ordered[], captured: readonly unknown[]): Looped {
  if (p.truncate >= 0 || p.states.some(s => s?.taps)) fail('scan', 'checkpoints do not go with truncateGradient or taps of results', 'leave one of them out; earlier results can be carried as states of their own')
  const entries = ordered.flatMap(({ input, taps, from }) => taps.map(tap => narrow(input, 0, tap - from, n)))
  const pieces = Math.floor(n / every)
  const done = pieces * every
  const carried = p.states.flatMap((s, i) => (s ? [i] : []))
  let single = true
  const plan: Plan = { ...p, backwards: false, every: null }
  /** So many steps over entries, from states. */
  const stretch = (steps: number, inputs: readonly Tensor[], states: readonly (Tensor | number)[], fixed: readonly (Tensor | number)[], outside: readonly unknown[]): Tensor[] => {
    const plainStep: StepOnValues = (args, values) => {
      const result = step(args, values)
      if (result.until) fail('scan', 'checkpoints do not go with until(condition)', 'leave one of them out')
      return result
    }
    const found = loop(plainStep, { ...plan, steps, fixed, sequences: inputs.map(input => ({ input, taps: [0] })), states: p.states.map((s, i) => s && { initial: states[carried.indexOf(i)], taps: null }) }, outside)
    single = found.single
    return found.results
  }
  const last = (x: Tensor): Tensor => select(x, 0, -1)
  /** What a piece gives: its results and, where these are stacked, the states that it ends with. */
  const one = (args: readonly Tensor[], outside: readonly unknown[]): Tensor[] => {
    const [inputs, states, fixed] = [args.slice(0, entries.length), args.slice(entries.length, entries.length + carried.length), args.slice(entries.length + carried.length)]
    const results = stretch(every, inputs, states, fixed, outside)
    return p.last ? results : [...results, ...carried.map(i => last(results[i]))]
  }
  const over: StepOnValues = (args, outside) => {
    const tensors = outside.filter(c => c instanceof Tensor)
    const run = (xs: readonly Tensor[]): Tensor[] => {
      let at = args.length
      return one(xs.slice(0, at), outside.map(c => (c instanceof Tensor ? xs[at++] : c)))
    }
    return { values: world() === eager ? piece(run, [...args, ...tensors]) : run([...args, ...tensors]), until: null, single: false }
  }
  const first = entries.map(e => narrow(e, 0, 0, done).reshape([pieces, every, ...e.shape.slice(1)]))
  const starts = p.states.map(s => s && { initial: s.initial, taps: null })
  const outer = loop(over, {
    ...plan, steps: pieces, last: false, whole: true,
    sequences: first.map(input => ({ input, taps: [0] })),
    states: p.last ? starts : p.states.length ? [...p.states.map(() => null), ...starts.filter(s => s !== null)] : [],
  }, captured).results
  const ended = p.last ? carried.map(i => last(outer[i])) : outer.slice(outer.length - carried.length).map(last)
  const whole = p.last ? outer.map(last) : outer.slice(0, outer.length - carried.length).map(x => x.reshape([done, ...x.shape.slice(2)]))
  if (done === n) return { results: whole, single }
  const rest = stretch(n - done, entries.map(e => narrow(e, 0, done, n - done)), ended, p.fixed, captured)
  return { results: p.last ? rest : whole.map((x, i) => cat([x, rest[i]])), single }
}

/** The loop as one node of the graph that is being traced, where its steps can stand alone. */
function asNode(step: StepOnValues, p: Plan, n: number, ordered: readonly Ordered[], captured: readonly unknown[]): Looped | null {
  if (p.states.some(s => s?.taps)) return null
  const entries = ordered.flatMap(({ input, taps, from }) => taps.map(tap => ({ input, offset: tap - from })))
  const initial = p.states.flatMap(s => (s ? [asTensor(s.initial)] : []))
  const stateOf = (i: number): number => (p.states[i] ? p.states.slice(0, i).filter(s => s !== null).length : -1)
  const keepOf = (i: number): number => (p.last && p.states[i] ? 0 : n)
  let single = true
  let ends = false
  /** With an end, whether a step runs is a state in front of the others, and a result. */
  const node = (guarded: boolean): Tensor[] | null => {
    const flags = guarded ? [ones([], { dtype: 'bool' })] : []
    const body = (args: readonly Tensor[]): Tensor[] => {
      const { values, until: end, single: one } = step(args.toSpliced(entries.length, flags.length), captured)
      single = one
      ends = end !== null
      return [...(guarded && end ? [end.reshape([]).eq(0)] : []), ...values.map(asTensor)]
    }
    return repeated(body, [...entries.map(e => e.input), ...flags, ...initial, ...p.fixed.map(asTensor)], {
      steps: n,
      offsets: entries.map(e => e.offset),
      states: flags.length + initial.length,
      guard: guarded ? entries.length : -1,
      lean: p.whole ?? false,
      layout: results => {
        const own = [...Array(results - flags.length).keys()]
        if (ends !== guarded || (p.states.length > 0 && own.length !== p.states.length)) return null
        return {
          stateOf: [...flags.map(() => 0), ...own.map(i => (stateOf(i) < 0 ? -1 : flags.length + stateOf(i)))],
          keep: [...flags.map(() => n), ...own.map(keepOf)],
        }
      },
    })
  }
  const plain = node(false)
  if (plain) return { results: plain.map((y, i) => (p.last && keepOf(i) > 0 ? select(y, 0, -1) : y)), single }
  const found = ends ? node(true) : null
  if (!found) return null
  const [going, ...results] = found
  const last = narrow(going, 0, 0, n - 1).sum(0, true)
  const rows = p.last ? last : minimum(arange(n, { dtype: 'int32' }), last)
  return { results: results.map((y, i) => (keepOf(i) === 0 ? y : p.last ? select(indexSelect(y, 0, rows), 0, 0) : indexSelect(y, 0, rows))), single }
}

function before({ initial, taps }: { initial: Tensor | number; taps: readonly number[] | null }): Tensor[] {
  const depth = -Math.min(...taps!)
  if (!(initial instanceof Tensor) || initial.ndim === 0 || initial.shape[0] < depth) fail('scan', `taps ${String(taps)} need ${depth} values before the first step, given is ${String(initial)}`, 'stack them on a dimension in front')
  return Array.from({ length: initial.shape[0] }, (_, i) => select(initial, 0, i))
}

export const exampleOf = (x: Tensor, drop: boolean): Example => {
  const value = x instanceof Expression ? x.example?.value : x
  if (!(value instanceof Tensor)) return (x as Expression).example
  return { value: drop ? blank(value.dtype, value.shape.slice(1)) : value }
}

/** The loop as one expression. */
function written(fn: Step, p: Plan): Looped {
  const examples = [
    ...p.sequences.flatMap(({ input, taps }) => taps.map(() => (input instanceof Expression && !input.example ? null : exampleOf(input, true)))),
    ...p.states.flatMap(s => (s ? (s.taps ?? [-1]).map(() => (typeof s.initial === 'number' ? null : exampleOf(s.initial, s.taps !== null))) : [])),
    ...p.fixed.map(v => (typeof v === 'number' ? null : exampleOf(v, false))),
  ].map(e => (e && e.value instanceof Tensor ? e : null))
  let single = true
  let count = 0
  const lambda = Lambda.of(examples, (...params) => {
    const { single: one, ...result } = taken(fn(...params))
    single = one
    count = result.values.length
    return result
  })
  const args = [p.sequences.map(s => s.input), p.states.map(s => s && s.initial), p.fixed, p.steps, lambda.captured]
  const run: AnyFunction = (...given) => {
    const [inputs, initials, fixed, steps, captured] = given as [Tensor[], (Tensor | number | null)[], (Tensor | number)[], number | null, unknown[]]
    return loop((xs, outside) => ({ ...(lambda.apply(xs, outside) as Omit<Taken, 'single'>), single }), {
      ...p, fixed, steps,
      sequences: p.sequences.map((s, i) => ({ ...s, input: inputs[i] })),
      states: p.states.map((s, i) => s && { ...s, initial: initials[i]! }),
    }, captured).results
  }
  const e = call('scan', run, args, { plain: p.steps instanceof Expression ? [p.steps] : [], draws: lambda.draws })
  return { results: Array.from({ length: count }, (_, i) => e.part(i)), single }
}

function run(fn: Step, o: ScanOptions, last: boolean): Looped {
  needFunction('scan', fn)
  const p = planOf(o, last)
  const mentioned = [p.sequences.map(s => s.input), p.states.map(s => s && s.initial), p.fixed, p.steps]
  if (mentions(mentioned)) return written(fn, p)
  try {
    return loop(args => {
      const result = taken(fn(...args))
      if (mentions(result)) throw new Mentions()
      return result
    }, p)
  } catch (error) {
    if (error instanceof Mentions) return written(fn, p)
    throw error
  }
}
/** A step of plain tensors gave an expression: it mentions one from outside. */
class Mentions extends Error {}

/**
 * Calls `fn` once for each entry of the sequences, or `nSteps` times, with entries, earlier results and further arguments, in this order, and
 * stacks what it gives; of no steps stacks without entries. One result comes as it is, several as a list. The number of steps must be known from sizes or be a plain number.
 * `until(condition)` behind the results ends the loop; where nothing can be read at once (compiled code, webgpu) the steps after it
 * repeat the last results, since sizes are fixed there. Gradients flow through. As `theano.scan`.
 *
 * @example
 * symbolic.scan((x, total) => total.add(x), { sequences: tensor([1, 2, 3]), outputsInfo: 0 }) // → tensor([1., 3., 6.])
 */
export function scan(fn: Step, options: ScanOptions): Tensor & Tensor[] {
  const { results, single } = run(fn, options, false)
  return (single ? results[0] : results) as Tensor & Tensor[]
}

type Fold = (fn: Step, sequences: Many<Tensor>, initial?: Many<Tensor | number>, nonSequences?: Many<Tensor | number>, options?: Pick<ScanOptions, 'checkpoints'>) => Tensor & Tensor[]
const folding = (goBackwards: boolean): Fold => (fn, sequences, initial = 0, nonSequences = [], options = {}) => {
  const { results, single } = run(fn, { sequences, outputsInfo: initial, nonSequences, goBackwards, ...options }, true)
  return (single ? results[0] : results) as Tensor & Tensor[]
}

/** The results of `fn` on each entry of the sequences, stacked. As `theano.map`. */
export const map = (fn: Step, sequences: Many<Tensor>, nonSequences: Many<Tensor | number> = [], options: { goBackwards?: boolean } = {}): Tensor & Tensor[] => scan(fn, { sequences, nonSequences, ...options })
/** `fn(entry, so far)` from the first entry to the last; the final value, of no entries the initial one. As `theano.foldl`. */
export const foldl: Fold = folding(false)
/** As `foldl`, from the last entry to the first. As `theano.foldr`. */
export const foldr: Fold = folding(true)
/** As `foldl`. As `theano.reduce`. */
export const reduce: Fold = foldl
