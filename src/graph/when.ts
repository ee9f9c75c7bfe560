// Kernels of branches. They are written down under the condition of their branch, joined among themselves, and then each of them waits for it.
import type { Backend } from '../backend/backend.ts'
import { internal } from '../core/errors.ts'
import { program, S } from '../ir/scalar.ts'
import type { Arg, Lowering } from '../ops/op.ts'
import { fuse, type Fused } from './fuse/index.ts'
import type { Meter } from './passes/meter.ts'
import type { Fired } from './passes/index.ts'
import type { Slot, Step } from './steps.ts'

const [a, b] = [S.input(0, 'bool'), S.input(1, 'bool')]
const both = program([S.and(a, b)], ['bool', 'bool'])
const negation = program([S.not(a)], ['bool'])

const flag = (k: Lowering, rule: typeof both, of: readonly Arg[]): Arg => {
  const out = k.alloc('bool', [])
  k.run({ kind: 'map', program: rule, params: [] }, of, [out])
  return out
}
/** Whether a condition does not hold. */
export const opposite = (k: Lowering, condition: Arg): Arg => flag(k, negation, [condition])

/** The condition under which kernels are written down. */
export class Under {
  condition: Arg | null = null

  /** A branch inside of another one runs if both conditions hold; the inner one is not known where the outer one does not. */
  during(k: Lowering, condition: Arg, make: () => void): void {
    const outer = this.condition
    this.condition = null
    try {
      this.condition = outer ? flag(k, both, [outer, condition]) : condition
      make()
    } finally {
      this.condition = outer
    }
  }
}

const sameCondition = (x: Step['when'], y: Step['when']): boolean => x?.slot === y?.slot && x?.view.offset === y?.view.offset

/** Kernels of each branch joined as others are; the rest as it was. */
export function fuseBranches(steps: readonly Step[], results: ReadonlySet<Slot>, backend: Backend, exclude: readonly string[], meter: Meter): Fused {
  if (!steps.some(s => s.when)) return { steps, fired: [] }
  const stretches: Step[][] = []
  const user = new Map<Slot, Step[]>()
  const outside = new Set(results)
  for (const step of steps) {
    const last = stretches.at(-1)
    const own = last && sameCondition(last[0].when, step.when) ? last : stretches[stretches.push([]) - 1]
    own.push(step)
    for (const s of step.slots) {
      if ((user.get(s) ?? own) !== own) outside.add(s)
      user.set(s, own)
    }
    if (step.when) outside.add(step.when.slot)
  }
  const fired: Fired[] = []
  const done = stretches.flatMap(part => {
    const [{ when }] = part
    if (!when) return part
    const fused = fuse(part, outside, new Map(), backend, exclude, meter)
    fired.push(...fused.fired)
    return fused.steps.map(({ kernel, slots, nodes }): Step => {
      if (kernel.kind === 'when') return internal('a kernel waits for two conditions')
      return { kernel: { kind: 'when', kernel, inputs: [when.view, ...kernel.inputs], outputs: kernel.outputs }, slots: [when.slot, ...slots], nodes }
    })
  })
  return { steps: done, fired }
}
