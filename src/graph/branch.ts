// A branch as one op: both sides are graphs of their own, and the kernels of each run only if the condition says so, on the device. The
// derivative is a branch of the same kind.
import type { Arg, Lowering, Op } from '../ops/op.ts'
import { pointwiseOps } from '../ops/pointwise-record.ts'
import { liveNodes } from './graph.ts'
import { lowerBody, type Body } from './loop.ts'
import { opposite } from './when.ts'

export interface BranchParams {
  /** What is computed if the condition holds, and if not. */
  readonly sides: readonly [Body<BranchParams>, Body<BranchParams>]
  /** Of each side the inputs of the op behind the condition that are its own. */
  readonly uses: readonly [readonly number[], readonly number[]]
}

/** Kernels that `make` writes down run if the condition holds; where that cannot be said, always. */
function under(k: Lowering, condition: Arg, make: () => void): void {
  if (k.when) k.when(condition, make)
  else make()
}

/** The first input is the condition, one bool; the results are those of the side that it picks. */
export const branchOp: Op<BranchParams> = {
  name: 'ifelse',
  infer: (_, { sides: [{ graph }] }) => graph.outputs.map(({ dtype, shape }) => ({ dtype, shape })),
  lower(k, [condition, ...inputs], { sides, uses }, results) {
    const side = (i: 0 | 1, when: Arg | null): Arg[] => {
      const { graph } = sides[i]
      let made: Arg[] = []
      const make = (): void => void (made = lowerBody(k, graph, liveNodes(graph), uses[i].map(at => inputs[at])))
      if (when) under(k, when, make)
      else make()
      return made
    }
    if (condition.constant !== undefined) return side(condition.constant ? 0 : 1, null)
    const [then, otherwise] = [side(0, condition), side(1, opposite(k, condition))]
    return results.map((r, i) => pointwiseOps.get('where')!.lower!(k, [condition, then[i] ?? otherwise[i], otherwise[i] ?? then[i]], null, [r])[0])
  },
  vjp: (grads, saved) => saved.params.sides[0].derivative(grads, saved),
  saves: 'inputs',
}
