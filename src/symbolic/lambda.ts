// A function written in expressions, as the body of a loop or an op: parameters, what it makes of them, and the expressions from outside
// that it mentions. What does not depend on its parameters is computed once, outside.
import type { Generator } from '../ops/random.ts'
import { ancestors, differentiated, Run } from './run.ts'
import { Call, expressionsIn, mapExpressions, type Example, type Expression } from './expression.ts'
import { Variable } from './variables.ts'

export class Lambda {
  /** What it mentions of the outside. */
  readonly captured: readonly Expression[]
  /** What it draws random numbers from. */
  readonly draws: readonly Generator[]
  private readonly wrt: ReadonlySet<Expression>

  constructor(
    readonly params: readonly Expression[],
    /** Expressions, nested in lists and objects. */
    readonly body: unknown,
    /** Calls made before do not belong to it, unless they depend on its parameters; of those made since, what draws does, so that each run draws anew. */
    since = Infinity,
  ) {
    const roots = [...expressionsIn(body)]
    const all = ancestors(roots)
    const inner = new Set<Expression>(params)
    const draws = (e: Expression): boolean => e instanceof Call && e.options.generator !== undefined && e.order >= since
    for (const e of all) if (draws(e) || e.inputs.some(i => inner.has(i))) inner.add(e)
    const used = [...roots, ...all.filter(e => inner.has(e) && !params.includes(e)).flatMap(e => e.inputs)]
    this.captured = [...new Set(used)].filter(e => !inner.has(e))
    this.draws = [...inner].flatMap(e => (e instanceof Call ? e.generators : []))
    this.wrt = differentiated(all.filter(e => inner.has(e)))
  }

  /** Writes down what `fn` does with parameters like the examples. */
  static of(examples: readonly Example[], fn: (...params: Variable[]) => unknown): Lambda {
    const params = examples.map((example, i) => new Variable(`parameter ${i}`, { dtype: null, ndim: null }, example))
    const since = Call.made
    return new Lambda(params, fn(...params), since)
  }

  apply(args: readonly unknown[], captured: readonly unknown[]): unknown {
    const run = new Run([...this.params.map((p, i) => [p, args[i]] as const), ...this.captured.map((e, i) => [e, captured[i]] as const)], this.wrt)
    return mapExpressions(this.body, e => run.get(e))
  }
}
