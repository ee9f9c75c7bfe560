// One evaluation of expressions: each is computed once, in an order without recursion, however deep they are nested.
import { isDifferentiable } from '../core/dtype.ts'
import { expandOp } from '../ops/movement-ops.ts'
import { apply1 } from '../ops/define.ts'
import { Tensor } from '../ops/index.ts'
import { Call, expressionsIn, mapExpressions, type Expression } from './expression.ts'
import { Shared } from './shared.ts'

/** All expressions that some are made of, themselves included, inputs first. */
export function ancestors(roots: readonly Expression[]): Expression[] {
  const seen = new Set<Expression>()
  const order: Expression[] = []
  const stack: { e: Expression; next: number }[] = []
  const enter = (e: Expression): void => {
    if (seen.has(e)) return
    seen.add(e)
    stack.push({ e, next: 0 })
  }
  for (const root of roots) {
    enter(root)
    while (stack.length) {
      const top = stack[stack.length - 1]
      if (top.next < top.e.inputs.length) enter(top.e.inputs[top.next++])
      else {
        order.push(top.e)
        stack.pop()
      }
    }
  }
  return order
}

/** The expressions that are computed whichever branches are taken. */
export function unconditional(roots: readonly Expression[]): Set<Expression> {
  const seen = new Set<Expression>()
  const stack = [...roots]
  while (stack.length) {
    const e = stack.pop()!
    if (seen.has(e)) continue
    seen.add(e)
    stack.push(...(e instanceof Call ? e.needed : e.inputs))
  }
  return seen
}

/** A value that is computed when it is asked for. */
export interface Later {
  (): unknown
  /** The same for a trace inside of the present one, which may run it more than once. */
  alone(): () => unknown
}

/** The expressions with respect to which calls among `all` differentiate. */
export const differentiated = (all: readonly Expression[]): Set<Expression> => new Set(all.flatMap(e => (e instanceof Call ? (e.options.wrt ?? []) : [])))

export class Run {
  private readonly values = new Map<Expression, unknown>()

  constructor(
    given: Iterable<readonly [Expression, unknown]>,
    /** Expressions whose values are nodes of their own on the tape. */
    private readonly wrt: ReadonlySet<Expression>,
    /** Expressions that are computed outside of branches, also where branches use them. */
    private readonly outside: ReadonlySet<Expression> = new Set(),
  ) {
    for (const [e, v] of given) this.values.set(e, this.settled(e, v))
  }

  get(root: Expression): unknown {
    const stack = [root]
    while (stack.length) {
      const e = stack[stack.length - 1]
      if (this.values.has(e)) {
        stack.pop()
        continue
      }
      const missing = (e instanceof Call ? e.needed : e.inputs).filter(i => !this.values.has(i))
      if (missing.length) stack.push(...missing)
      else {
        stack.pop()
        this.values.set(e, this.settled(e, e.compute(this)))
      }
    }
    return this.values.get(root)
  }

  later(v: unknown): Later {
    const alone = (): (() => unknown) => {
      for (const e of ancestors([...expressionsIn(v)])) if (this.outside.has(e) || this.wrt.has(e)) this.get(e)
      const now = [...this.values]
      return () => {
        const run = new Run([], this.wrt)
        for (const [e, x] of now) run.values.set(e, x)
        return mapExpressions(v, e => run.get(e))
      }
    }
    return Object.assign(() => mapExpressions(v, e => this.get(e)), { alone })
  }

  tensor(e: Expression): Tensor {
    return this.get(e) as Tensor
  }

  /** A value that can be differentiated with respect to, if anybody wants that. Ops may give their operand back, so it becomes a tensor of its own. */
  private settled(e: Expression, v: unknown): unknown {
    if (!this.wrt.has(e) || !(v instanceof Tensor) || !isDifferentiable(v.dtype) || (e instanceof Shared && v.requiresGrad)) return v
    return v.requiresGrad ? apply1(expandOp, [v], { shape: v.shape }) : v.detach().requiresGrad_()
  }
}
