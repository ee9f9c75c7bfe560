// Repeating while a condition holds. In compiled code the loop is one node, of which the steps behind the end do not run.
import { fail } from '../core/errors.ts'
import { needKnown } from '../core/options.ts'
import { sameShape } from '../core/shape.ts'
import { Trace } from '../graph/trace.ts'
import { full, logicalAnd, Tensor } from '../ops/index.ts'
import { world } from '../ops/world.ts'
import { chosen, either, known } from './branch.ts'
import { call, mentions } from './expression.ts'
import { Lambda } from './lambda.ts'
import { asTensor, exampleOf, listOf, type Many } from './loops.ts'
import { repeated } from './repeat.ts'

export interface WhileOptions {
  /** The most steps there can be. Needed in compiled code, where those behind the end do not run, and on webgpu, where they run in vain. */
  maxSteps?: number
}

/**
 * Repeats `body` on a state (one tensor or several) while `condition` holds, and gives the last state.
 *
 * @example
 * symbolic.whileLoop(x => x.lt(100), x => x.mul(2), tensor(3), { maxSteps: 10 }) // → tensor(192.)
 */
export function whileLoop<T extends Tensor | readonly Tensor[]>(
  condition: (...state: Tensor[]) => Tensor,
  body: (...state: Tensor[]) => T,
  initial: T,
  options: WhileOptions = {},
): T extends readonly unknown[] ? Tensor[] : Tensor {
  needKnown('whileLoop', options, ['maxSteps'])
  type R = T extends readonly unknown[] ? Tensor[] : Tensor
  const start = listOf(initial as Many<Tensor>)
  const { maxSteps } = options
  const after = (state: readonly Tensor[]): readonly Tensor[] => {
    const next = listOf(body(...state) as Many<Tensor>)
    if (next.length !== start.length) fail('whileLoop', `the body gave ${next.length} results for ${start.length} states`, 'return the next value of each state, in their order')
    return next
  }
  const both = (...state: Tensor[]): { go: Tensor; next: readonly Tensor[] } => ({ go: condition(...state), next: after(state) })
  const give = (state: readonly Tensor[]): R => (Array.isArray(initial) ? [...state] : state[0]) as R
  if (!mentions(start)) {
    const go = condition(...start)
    if (!mentions(go)) return give(repeat(state => ({ go: condition(...state), next: () => after(state) }), start, maxSteps))
  }
  const lambda = Lambda.of(start.map(x => exampleOf(x, false)), both)
  const e = call('whileLoop', (state, captured) => repeat(now => {
    const { go, next } = lambda.apply(now, captured as unknown[]) as { go: Tensor; next: Tensor[] }
    return { go, next: () => next }
  }, state as Tensor[], maxSteps), [start, lambda.captured], { draws: lambda.draws })
  return give(start.map((_, i) => e.part(i)))
}

type Turn = (state: readonly Tensor[]) => { go: Tensor; next: () => readonly Tensor[] }

/** The loop in a graph, where it is one node if its steps can stand alone: a step runs if the condition holds for what the one before it gave. */
function turnsInGraph(turn: Turn, start: readonly Tensor[], most: number): readonly Tensor[] {
  const holds = (go: Tensor): Tensor => {
    const k = known('whileLoop', go)
    return k instanceof Tensor ? k.reshape([]).ne(0) : full([], k)
  }
  const first = start.map(asTensor)
  let states = [holds(turn(first).go), ...first]
  const body = ([, ...state]: readonly Tensor[]): Tensor[] => {
    const next = turn(state).next().map(asTensor)
    next.forEach((x, i) => sameShape(x.shape, first[i]?.shape ?? []) || fail('whileLoop', `a step makes ${x} of a state that begins as ${first[i]}`, 'states keep their shapes in compiled code'))
    return [holds(turn(next).go), ...next]
  }
  const layout = { stateOf: [...states.keys()], keep: states.map(() => 0) }
  const node = most > 1 ? repeated(body, states, { steps: most, offsets: [], states: states.length, guard: 0, layout: results => (results === states.length ? layout : null) }) : null
  if (node) return node.slice(1)
  for (let i = 0; i < most; i++) {
    const now = states
    states = either(now[0], () => body(now), () => [full([], false), ...now.slice(1)])
  }
  return states.slice(1)
}

function repeat(turn: Turn, start: readonly Tensor[], maxSteps: number | undefined): readonly Tensor[] {
  if (world() instanceof Trace && maxSteps !== undefined) return turnsInGraph(turn, start, maxSteps)
  let state = start
  let active: Tensor | null = null
  const most = maxSteps ?? Infinity
  for (let i = 0; i < most; i++) {
    const { go, next } = turn(state)
    const k = known('whileLoop', go)
    if (k === false) break
    if (k === true) state = next()
    else {
      if (maxSteps === undefined) fail('whileLoop', 'how often the body runs cannot be read here', 'pass {maxSteps}: that many steps are computed, those after the end are passed over')
      const on: Tensor = k.reshape([]).ne(0)
      active = active ? logicalAnd(active, on) : on
      state = chosen('whileLoop', active, next(), state) as Tensor[]
    }
  }
  return state
}

