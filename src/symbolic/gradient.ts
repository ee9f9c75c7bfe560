// Derivatives, of expressions and of eager tensors alike: the work is autograd's, on values.
import { gradcheck, type Differentiable, type GradcheckOptions } from '../autograd/gradcheck.ts'
import { grad as pullBack } from '../autograd/engine.ts'
import { enableGrad } from '../autograd/mode.ts'
import { isDifferentiable } from '../core/dtype.ts'
import { DisconnectedInputError, fail, NoGradientError } from '../core/errors.ts'
import { needKnown } from '../core/options.ts'
import { numel, sameShape } from '../core/shape.ts'
import { Trace } from '../graph/trace.ts'
import { apply1, describe, type Described } from '../ops/define.ts'
import { eye, mul, onesLike, reshape, select, stack, Tensor, zeros, zerosLike } from '../ops/index.ts'
import { expandOp } from '../ops/movement-ops.ts'
import { world } from '../ops/world.ts'
import { ruled } from '../ops/linalg/tools.ts'
import { call, Call, Expression, mentions, type Example } from './expression.ts'
import { dependsOn, replace, type Pairs } from './graph.ts'
import { repeated } from './repeat.ts'
import { shared } from './shared.ts'

export type Disconnected = 'raise' | 'warn' | 'ignore'

export interface DerivativeOptions {
  /** Expressions whose own dependence on anything is passed over. */
  considerConstant?: readonly Tensor[]
  /** What to do where the cost does not depend on an input: throw, or give zeros with or without a warning. Default 'raise'. */
  disconnectedInputs?: Disconnected
}
export interface GradOptions extends DerivativeOptions {
  /** Cotangents that are known: pairs of an expression and the gradient of the cost with respect to it. The cost may then be null. */
  knownGrads?: Pairs
  /** What stands for the gradient of an input that the cost does not depend on: zeros (the default), or null. Then it is no error. */
  returnDisconnected?: 'zero' | 'null'
  /** What to do about an input whose dtype has no derivative: throw (the default), or give null for it. */
  nullGradients?: 'raise' | 'return'
}

export interface SubgraphOptions extends DerivativeOptions {
  /** Parameters of the piece. */
  wrt?: readonly Tensor[]
  /** Where the piece begins, seen from the inputs: its gradients are what the piece below starts from. */
  end: readonly Tensor[]
  /** Pairs of a result of the piece and its gradient. */
  start?: Pairs
  /** A cost of the piece, whose gradient is added. */
  cost?: Tensor | null
}

function needDerivative(op: string, x: Tensor, i: number): void {
  if (!isDifferentiable(x.dtype)) throw new NoGradientError(op, `input ${i} (${x}) has no derivative`, 'only float and complex tensors have')
}

/** Cotangents of xs from those of ys. */
function pull(op: string, ys: readonly Tensor[], gs: readonly Tensor[], xs: readonly Tensor[], missing: Disconnected): Tensor[] {
  const from = [...ys.keys()].filter(i => ys[i].requiresGrad)
  const to = [...xs.keys()].filter(i => xs[i].requiresGrad)
  const how = { gradOutputs: from.map(i => gs[i]), createGraph: true, allowUnused: true }
  const found = from.length && to.length ? pullBack(from.map(i => ys[i]), to.map(i => xs[i]), how) : []
  return xs.map((x, i) => {
    needDerivative(op, x, i)
    const g = to.includes(i) ? found[to.indexOf(i)] : null
    if (g) return g
    const problem = `the cost does not depend on input ${i} (${x})`
    if (missing === 'raise') throw new DisconnectedInputError(op, problem, "pass {disconnectedInputs: 'ignore'} to get zeros for it")
    if (missing === 'warn') console.warn(`[${op}] ${problem}`)
    return zerosLike(x)
  })
}

/** With more rows than this, compiled code has a loop over them. */
const FEW_ROWS = 8

function rowsOf(op: string, y: Tensor, xs: readonly Tensor[], missing: Disconnected): Tensor[] {
  const n = numel(y.shape)
  if (world() instanceof Trace && n > FEW_ROWS) {
    const units = reshape(eye(n, { dtype: y.dtype }), n, ...y.shape)
    const layout = { stateOf: xs.map(() => -1), keep: xs.map(() => n) }
    const rows = repeated(([u]) => pull(op, [y], [u], xs, missing), [units], { steps: n, offsets: [0], states: 0, guard: -1, layout: () => layout })
    if (rows) return rows.map((r, k) => reshape(r, ...y.shape, ...xs[k].shape))
  }
  if (n === 0) return xs.map(x => zeros([...y.shape, ...x.shape], { dtype: x.dtype }))
  const flat = reshape(y, -1)
  const rows = Array.from({ length: n }, (_, i) => {
    const entry = select(flat, 0, i)
    return pull(op, [entry], [onesLike(entry)], xs, i === 0 ? missing : 'ignore')
  })
  return xs.map((x, k) => reshape(stack(rows.map(r => r[k])), ...y.shape, ...x.shape))
}

type Rule = (y: readonly Tensor[], xs: readonly Tensor[], more: readonly Tensor[]) => Tensor[]
type Wrt = Tensor | readonly Tensor[]
type Like<W extends Wrt, T = Tensor> = W extends readonly Tensor[] ? T[] : T
type Cost = Tensor | ((...inputs: Tensor[]) => Tensor)

const isList = (x: Wrt): x is readonly Tensor[] => Array.isArray(x)
const exampleList = (list: readonly Tensor[]): Example =>
  list.every(e => !(e instanceof Expression) || e.example !== null) ? { value: list.map(e => (e instanceof Expression ? e.example!.value : e)) } : null

/** Applies a rule to eager tensors or a function now, to expressions when they are computed. */
function derive<W extends Wrt>(
  op: string,
  rule: Rule,
  ys: readonly (Cost | null)[],
  wrt: W,
  more: readonly Tensor[],
  o: DerivativeOptions,
  results: (xs: readonly Tensor[]) => Example = exampleList,
): Like<W> {
  needKnown(op, o, ['considerConstant', 'disconnectedInputs', 'knownGrads'])
  if (!['raise', 'warn', 'ignore'].includes(o.disconnectedInputs ?? 'raise')) fail(op, `disconnectedInputs is '${String(o.disconnectedInputs)}'`, "'raise', 'warn' or 'ignore'")
  const list: readonly Tensor[] = isList(wrt) ? wrt : [wrt as Tensor]
  for (const x of list) if (!(x instanceof Tensor)) fail(op, `expected tensors or expressions to differentiate by, got ${String(x)}`, `${op}(cost, [w, b])`)
  const costs = ys.filter(y => y !== null)
  const given = (found: readonly Tensor[]): Like<W> => (isList(wrt) ? [...found] : found[0]) as Like<W>
  if (!mentions([...costs, ...list, ...more])) {
    list.forEach((x, i) => needDerivative(op, x, i))
    if (o.considerConstant) fail(op, 'considerConstant needs expressions: eager values are connected already', 'use stopGradient(x) where x is used')
    const made = costs.map(y => (typeof y === 'function' ? called(y, list) : { y, xs: list }))
    return given(rule(made.map(m => m.y), made.find(m => m.xs !== list)?.xs ?? list, more))
  }
  const xs = list.map(x => (x instanceof Expression ? x : shared(x)))
  const written = costs.map(y => (typeof y === 'function' ? y(...xs) : y))
  const fixed = replace<[Tensor[], Expression[]]>([written, xs], (o.considerConstant ?? []).map(c => [c, stopGradient(c)]))
  const e = call(op, (y, x, m) => rule(y as Tensor[], x as Tensor[], m as Tensor[]), [...fixed, more], { wrt: fixed[1], key: o.disconnectedInputs ?? '', example: () => results(xs) })
  const [cost] = costs
  return given(xs.map((x, i) => {
    const part = e.part(i)
    if (op === 'grad' && part instanceof Call && cost instanceof Expression && cost.name !== null && x.name !== null) part.name = `d${cost.name}/d${x.name}`
    return part
  }))
}

function called(fn: (...inputs: Tensor[]) => Tensor, list: readonly Tensor[]): { y: Tensor; xs: readonly Tensor[] } {
  const xs = list.map(x => (x.requiresGrad ? apply1(expandOp, [x], { shape: x.shape }) : x.detach().requiresGrad_()))
  return { y: enableGrad(() => fn(...xs)), xs }
}

/**
 * The gradient of a cost of one element with respect to expressions, shared variables or parameters: as expressions, which can be
 * differentiated again. With eager tensors or a function in the place of the cost it is computed at once. That of a cost with a name with respect to
 * what has one is called `dcost/dx`. As `theano.grad`.
 *
 * @example
 * const x = symbolic.scalar('x')
 * symbolic.evaluate(symbolic.grad(x.square(), x), { x: 4 }) // → tensor(8.)
 * symbolic.grad(v => v.square().sum(), tensor([1, 2])).detach() // → tensor([2., 4.])
 */
export function grad<W extends Wrt>(cost: Cost | null, wrt: W, options: GradOptions & ({ returnDisconnected: 'null' } | { nullGradients: 'return' })): Like<W, Tensor | null>
export function grad<W extends Wrt>(cost: Cost | null, wrt: W, options?: GradOptions): Like<W>
export function grad(cost: Cost | null, wrt: Wrt, options: GradOptions = {}): (Tensor | null)[] | Tensor | null {
  const { returnDisconnected = 'zero', nullGradients = 'raise', ...rest } = options
  if (returnDisconnected === 'zero' && nullGradients === 'raise') return gradient(cost, wrt, rest)
  const list = listOf(wrt)
  const typed = (x: Tensor): boolean => !(x instanceof Call) || x.example !== null
  const has = list.map(x => (nullGradients === 'raise' || !typed(x) || isDifferentiable(x.dtype)) && (returnDisconnected === 'zero' || reaches(cost, x, rest)))
  // What is there behind a stopGradient is zeros.
  const found = gradient(cost, list.filter((_, i) => has[i]), returnDisconnected === 'zero' ? rest : { ...rest, disconnectedInputs: 'ignore' })
  const all = has.map(h => (h ? found.shift()! : null))
  return isList(wrt) ? all : all[0]
}

/** Whether a cost, or what has a known gradient, depends on x. */
function reaches(cost: Cost | null, x: Tensor, { knownGrads = [], considerConstant = [] }: GradOptions): boolean {
  if (typeof cost === 'function') return true
  const ends = [...(cost ? [cost] : []), ...[...knownGrads].map(([y]) => y)]
  if (!mentions(ends)) return ends.some(y => y.requiresGrad && x.requiresGrad && pullBack(y, [x], { gradOutputs: [onesLike(y)], retainGraph: true, allowUnused: true })[0] !== null)
  const target = x instanceof Expression ? x : shared(x)
  return !considerConstant.includes(target) && replace(ends, [...considerConstant].map(c => [c, 0] as const)).some(y => dependsOn(y, target))
}

function needOne(op: string, cost: Tensor): void {
  if (cost.numel !== 1) fail(op, `the cost ${cost} has ${cost.numel} elements`, 'reduce it: cost.sum(); or use jacobian, or Lop with a cotangent')
}

function gradient<W extends Wrt>(cost: Cost | null, wrt: W, options: GradOptions): Like<W> {
  const known = [...(options.knownGrads ?? [])]
  if (cost === null && known.length === 0) fail('grad', 'there is no cost', 'give one, or knownGrads')
  const gs = known.map(([y, g]) => (typeof g === 'number' ? onesLike(y).mul(g) : g))
  return derive('grad', (ys, xs, more) => {
    const own = cost === null ? [] : ys.slice(0, 1)
    for (const y of own) needOne('grad', y)
    return pull('grad', ys, [...own.map(y => onesLike(y)), ...more], xs, options.disconnectedInputs ?? 'raise')
  }, [cost, ...known.map(([y]) => y)], wrt, gs, options)
}

/**
 * Gradients of a piece of a computation: from expressions `end` whose gradients are known (`start`, pairs of an expression and its gradient; and a
 * cost of this piece, which adds its own) back to `wrt` and to `end`. So a net is differentiated layer by layer, or around a part that has no
 * derivative. As `theano.gradient.subgraph_grad`, with results by name.
 *
 * @example
 * const [x, w] = symbolic.scalars('x', 'w')
 * const hidden = x.mul(w)
 * const upper = symbolic.subgraphGrad({ cost: hidden.square(), end: [hidden] })
 * const lower = symbolic.subgraphGrad({ wrt: [w], end: [x], start: [[hidden, upper.end[0]]] })
 * symbolic.evaluate(lower.wrt[0], { x: 2, w: 3 }) // → tensor(24.)
 */
export function subgraphGrad({ wrt = [], end, start = [], cost = null, ...options }: SubgraphOptions): { wrt: Tensor[]; end: Tensor[] } {
  const xs = [...wrt, ...end]
  const found = grad(cost, xs, { ...options, knownGrads: start })
  return { wrt: found.slice(0, wrt.length), end: found.slice(wrt.length) }
}

/** The rows of derivatives of every element of y: shape of y, then shape of the input. As `theano.gradient.jacobian`. */
export const jacobian = <W extends Wrt>(y: Cost, wrt: W, options: DerivativeOptions = {}): Like<W> =>
  derive('jacobian', ([v], xs) => rowsOf('jacobian', v, xs, options.disconnectedInputs ?? 'raise'), [y], wrt, [], options, () => null)

/** Second derivatives of a cost: for each input its shape twice. As `theano.gradient.hessian`. */
export const hessian = <W extends Wrt>(cost: Cost, wrt: W, options: DerivativeOptions = {}): Like<W> =>
  derive('hessian', ([y], xs) => {
    needOne('hessian', y)
    const missing = options.disconnectedInputs ?? 'raise'
    return pull('hessian', [y], [onesLike(y)], xs, missing).map((g, i) => rowsOf('hessian', g, [xs[i]], missing === 'raise' ? 'ignore' : missing)[0])
  }, [cost], wrt, [], options, () => null)

const listOf = (v: Wrt): readonly Tensor[] => (isList(v) ? v : [v])

/** Jacobian of f times vectors, one for each input, without the Jacobian: the directional derivative. As `theano.gradient.Rop`. */
export const Rop = (f: Cost, wrt: Wrt, points: Wrt, options: DerivativeOptions = {}): Tensor =>
  derive('Rop', ([y], xs, vs) => {
    // The cotangents of x are linear in the cotangent u of y; the derivative by u, with cotangents v, is J·v.
    xs.forEach((x, i) => sameShape(x.shape, vs[i]?.shape ?? []) || fail('Rop', `the vector for input ${i} (${x}) is ${String(vs[i])}`, 'give one of the same shape for each input'))
    const u = zerosLike(y).detach().requiresGrad_()
    const gs = pull('Rop', [y], [u], xs, options.disconnectedInputs ?? 'raise')
    return pull('Rop', gs, vs, [u], 'ignore')
  }, [f], listOf(wrt), listOf(points), options, () => null)[0]

/** A cotangent of f times its Jacobian: the gradient of Σ f·v. As `theano.gradient.Lop`. */
export const Lop = <W extends Wrt>(f: Cost, wrt: W, point: Tensor, options: DerivativeOptions = {}): Like<W> =>
  derive('Lop', ([y], xs, [v]) => {
    if (!sameShape(y.shape, v.shape)) fail('Lop', `the vector ${v} must have the shape of ${y}`)
    return pull('Lop', [y], [v], xs, options.disconnectedInputs ?? 'raise')
  }, [f], wrt, [point], options)

const clipRule = ruled<{ low: number; high: number }>('gradClip', (g, _, __, { params: { low, high } }) => [g.clamp(low, high)])
const scaleRule = ruled<{ factor: number }>('gradScale', (g, _, __, { params: { factor } }) => [mul(g, factor)])

/** x, whose gradient is clipped to low … high on its way back. As `theano.gradient.grad_clip`. */
export const gradClip: ((x: Tensor, low: number, high: number) => Tensor) & Described = describe((x: Tensor, low: number, high: number) => {
  if (!(low <= high)) fail('gradClip', `the range is ${low} … ${high}`, 'give low ≤ high')
  return clipRule(x.detach().clone(), [x], { low, high })
}, 'gradClip', ['x', 'low', 'high'])

/** x, whose gradient is multiplied by a number on its way back. As `theano.gradient.grad_scale`. */
export const gradScale: ((x: Tensor, factor: number) => Tensor) & Described = describe((x: Tensor, factor: number) => scaleRule(x.detach().clone(), [x], { factor }), 'gradScale', ['x', 'factor'])

/** x as a constant: no gradient flows through it. As `theano.gradient.disconnected_grad`. */
export const stopGradient: ((x: Tensor) => Tensor) & Described = describe((x: Tensor) => x.detach(), 'stopGradient', ['x'])

/** Compares the gradients of a function with finite differences at given points. As `theano.gradient.verify_grad`. */
export const verifyGrad = (fn: Differentiable, points: readonly Tensor[], options: GradcheckOptions = {}): Promise<true> =>
  gradcheck(fn, points.map(x => (isDifferentiable(x.dtype) && !x.requiresGrad ? x.detach().requiresGrad_() : x)), options)
