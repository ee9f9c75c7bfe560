// Walking and rewriting expressions.
import { fail } from '../core/errors.ts'
import { isPlain } from '../graph/arguments.ts'
import { ancestors as above } from './run.ts'
import { call, Call, expressionsIn, mapExpressions, recorded, type AnyFunction, Expression, mentions } from './expression.ts'
import { Lambda } from './lambda.ts'
import { Variable } from './variables.ts'
import { Shared } from './shared.ts'
import { customOp, type CustomDerivative } from './custom.ts'
import { Tensor } from '../ops/index.ts'

export type Pairs = Iterable<readonly [Tensor, Tensor | number]>

/** Expressions (one, or nested in lists and objects) in which some are others: the rest is made anew where it depends on them. */
export function replace<T>(value: T, pairs: Pairs): T {
  const made = new Map<unknown, unknown>(pairs)
  for (const e of above([...expressionsIn(value)]))
    if (!made.has(e) && e instanceof Call && e.inputs.some(i => made.has(i))) made.set(e, e.over(i => (made.has(i) ? made.get(i) : i)))
  return mapExpressions(value, e => (made.has(e) ? made.get(e) : e)) as T
}

/** A copy of an expression, with replacements. As `theano.clone`. */
export const clone = <T>(value: T, pairs: Pairs = []): T => replace(value, pairs)

const listed = (value: Tensor | readonly Tensor[]): Expression[] => [...expressionsIn(value)]

/** The variables that expressions are made of. */
export const variablesOf = (value: Tensor | readonly Tensor[]): Variable[] => above(listed(value)).filter(e => e instanceof Variable)
/** The shared variables that expressions are made of. */
export const sharedOf = (value: Tensor | readonly Tensor[]): Shared[] => above(listed(value)).filter(e => e instanceof Shared)
/** All expressions that some are made of, themselves included, each behind its operands. As `theano.gof.graph.ancestors`. */
export const ancestors = (value: Tensor | readonly Tensor[]): Expression[] => above(listed(value))
/** The variables and shared variables that expressions are made of. As `theano.gof.graph.inputs`. */
export const inputsOf = (value: Tensor | readonly Tensor[]): Expression[] => ancestors(value).filter(e => !(e instanceof Call))

const sameFunction = (x: Call, y: Call): boolean => x.fn === y.fn || (x.options.key !== undefined && x.options.key === y.options.key)

/**
 * Whether two expressions say the same: the same ops of the same parameters, down to the same variables. With `given`, pairs of variables that
 * stand for each other. Loops, layers and calls of functions of one's own are the same only as one and the same expression. As `theano.gof.graph.is_same_graph`.
 *
 * @example
 * const [x, y] = symbolic.scalars('x', 'y')
 * symbolic.isSameGraph(x.add(1).exp(), x.add(1).exp()) // → true
 * symbolic.isSameGraph(x.exp(), y.exp()) // → false
 * symbolic.isSameGraph(x.exp(), y.exp(), [[x, y]]) // → true
 */
export function isSameGraph(a: Tensor, b: Tensor, given: Iterable<readonly [Tensor, Tensor]> = []): boolean {
  const twins = new Map<unknown, unknown>(given)
  const same = (x: unknown, y: unknown): boolean => {
    if (x instanceof Expression) return (twins.has(x) ? twins.get(x) : x) === y
    if (x instanceof Tensor && y instanceof Tensor) return x === y || (x.source.world === null && y.source.world === null && Object.is(x.constant, y.constant))
    if (Array.isArray(x)) return Array.isArray(y) && x.length === y.length && x.every((v, i) => same(v, y[i]))
    if (isPlain(x)) return isPlain(y) && Object.keys(x).length === Object.keys(y).length && Object.keys(x).every(k => same(x[k], y[k]))
    return Object.is(x, y)
  }
  const [left, right] = [ancestors(a), ancestors(b)]
  // Both are in the order of a walk from the result, which equal graphs share.
  for (const [i, x] of left.entries()) {
    const y = right[i]
    if (twins.has(x)) {
      if (twins.get(x) !== y) return false
    } else if (x instanceof Call) {
      if (!(y instanceof Call) || x.op !== y.op || !sameFunction(x, y) || x.options.generator !== y.options.generator || !same(x.args, y.args)) return false
      twins.set(x, y)
    } else if (x !== y) return false
  }
  return left.length === right.length && same(a, b)
}

/** Whether the expression is made of the other one. */
export const dependsOn = (value: Tensor, other: Tensor): boolean => above(listed(value)).some(e => e === other)

/**
 * Records a function of any kind, a whole layer or model too, as one call: it runs with values, so it may look at sizes as it likes.
 *
 * @example
 * const x = symbolic.matrix('x')
 * const half = symbolic.call(v => v.at(`:${v.shape[0] / 2}`), x)
 * symbolic.evaluate(half, { x: [[1, 2], [3, 4]] }) // → tensor([[1., 2.]])
 */
const callFunction = (fn: (...args: never[]) => unknown, ...args: unknown[]): Tensor => call(fn.name || 'function', fn as unknown as AnyFunction, args, { open: true })
export { callFunction as call }

export interface GraphOpOptions {
  name?: string
  /** Cotangents of the inputs, in place of what follows from the expression. */
  vjp?: CustomDerivative
}

/**
 * An op made of an expression: a function that puts its arguments in the place of the inputs. With `vjp` it has a derivative of its own. As
 * `theano.OpFromGraph`.
 *
 * @example
 * const [x, y] = symbolic.scalars('x', 'y')
 * const f = symbolic.opFromGraph([x, y], x.mul(y).add(1))
 * f(tensor(2), tensor(3)) // → tensor(7.)
 */
export function opFromGraph(inputs: readonly Tensor[], output: Tensor, options: GraphOpOptions = {}): (...args: Tensor[]) => Tensor {
  const { name = 'opFromGraph', vjp } = options
  const lambda = new Lambda(inputs as readonly Expression[], output)
  const run = (...args: unknown[]): unknown => lambda.apply(args.slice(0, inputs.length), args.slice(inputs.length))
  const rule: CustomDerivative | undefined = vjp && ((g, saved) => [...vjp(g, { ...saved, inputs: saved.inputs.slice(0, inputs.length) }), ...lambda.captured.map(() => null)])
  const own = rule ? customOp({ name, value: run as (...args: Tensor[]) => Tensor, vjp: rule }) : run
  return (...args) => {
    if (args.length !== inputs.length) fail(name, `${args.length} arguments were given`, `it takes ${inputs.length}: ${inputs.join(', ')}`)
    const all = [...args, ...lambda.captured]
    return (!mentions(all) ? own(...(all as Tensor[])) : recorded(name, own as AnyFunction, all)) as Tensor
  }
}
