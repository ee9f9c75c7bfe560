// Golden cases that do not pass, each with its reason. The tests fail when one that is not here fails, and when one that is here passes.
import type { DeviceName } from '../../src/index.ts'
import type { World } from './adapter.ts'

export interface Exception {
  /** Ids of cases, or names of ops for all their cases. */
  readonly cases: readonly string[]
  /** Only there; default: everywhere. */
  readonly devices?: readonly DeviceName[]
  readonly world?: World
  readonly reason: string
}

export const exceptions: readonly Exception[] = [
  {
    cases: ['creation/tensor/0', 'creation/tensor/2', 'creation/full/4'],
    reason: 'JavaScript has one kind of number: whole ones make float32 tensors unless a dtype is given',
  },
  {
    cases: ['errors/linspace/1'],
    reason: 'JavaScript cannot tell the count 1.0 from 1',
  },
]

/** The reason why a case may fail there, or null. */
export const exceptionFor = (id: string, op: string, device: DeviceName, world: World): string | null =>
  exceptions.find(e => (e.cases.includes(id) || e.cases.includes(op)) && (e.devices?.includes(device) ?? true) && (e.world === undefined || e.world === world))?.reason ?? null
