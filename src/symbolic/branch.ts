// Branches on a condition of one element. In expressions both branches are written down; which of them runs is decided in a call.
import { fail } from '../core/errors.ts'
import { currentBackend } from '../eager/device.ts'
import { Trace } from '../graph/trace.ts'
import { eager } from '../eager/world.ts'
import { full, Tensor, where } from '../ops/index.ts'
import { world } from '../ops/world.ts'
import { mentions, listen, recorded, type Call } from './expression.ts'
import type { Later } from './run.ts'
import { split } from './split.ts'

export type Condition = Tensor | boolean | number
/** One value or several, or a function that makes them. */
export type Branch<T> = T | (() => T)

/** Whether a value can be looked at now: it is of the eager world, on a device that reads at once. */
export const readable = (x: Tensor): boolean => world() === eager && x.device !== 'meta' && currentBackend().readSync !== undefined

/** true or false where that is known or can be read, else the tensor. */
export function known(op: string, c: Condition): boolean | Tensor {
  if (!(c instanceof Tensor)) return Boolean(c)
  if (c.numel !== 1) fail(op, `the condition ${c} has ${c.numel} elements`, 'a branch is taken as a whole; where(c, x, y) chooses by element')
  return readable(c) ? c.itemSync() !== 0 : c
}

/** Elementwise choice between values of one structure. */
export function chosen(op: string, c: Tensor, a: unknown, b: unknown): unknown {
  if (Array.isArray(a) && Array.isArray(b) && a.length === b.length) return a.map((x, i) => chosen(op, c, x, (b as unknown[])[i]))
  if (Array.isArray(a) || Array.isArray(b)) fail(op, 'the branches differ in how many results they have', 'give lists of one length')
  return where(condition(c), a as Tensor, b as Tensor)
}

const condition = (c: Tensor): Tensor => c.reshape([]).ne(0)

/** A number as a tensor of its own. */
const asTensor = (x: unknown): Tensor => {
  if (typeof x === 'number' || typeof x === 'boolean') return full([], x)
  if (!(x instanceof Tensor) || mentions(x)) return fail('ifelse', `a branch gives ${String(x)}, no tensor`, 'give a tensor, a number, or a list of them')
  return x.source.world === null ? full([], x.constant!) : x
}

/** Values with tensors in the place of numbers. */
const tensors = (x: unknown): unknown => (Array.isArray(x) ? x.map(tensors) : x instanceof Tensor ? x : asTensor(x))

/** In a graph: the branches as one node, of which the device runs one. Null where they cannot be, or would spare nothing. */
function lazily(c: Tensor, branches: readonly (() => unknown)[]): unknown {
  if (!(world() instanceof Trace)) return null
  let many = false
  const plain: [(number | null)[], (number | null)[]] = [[], []]
  const [then, otherwise] = branches.map(b => ('alone' in b ? (b as Later).alone() : b)).map((make, side) => () => {
    const given = make()
    many = Array.isArray(given)
    const list = (many ? given : [given]) as unknown[]
    plain[side] = list.map(x => (!(x instanceof Tensor) ? Number(x) : x.source.world === null ? Number(x.constant) : null))
    return list.map(asTensor)
  })
  const found = split(condition(c), [then, otherwise], [], null, i => [plain[0][i], plain[1][i]])
  return found && (many ? found : found[0])
}

/** In a graph: the values of one side. Only that side runs, but where one shows values. */
export const either = (c: Tensor, then: () => Tensor[], otherwise: () => Tensor[]): Tensor[] => split(c, [then, otherwise]) ?? (chosen('ifelse', c, then(), otherwise()) as Tensor[])

const made = <T>(b: Branch<T>): T => (typeof b === 'function' ? (b as () => T)() : b)

/**
 * `then` or `otherwise` (each one value, a list, or a function that makes them) by a condition of one element. Where the condition is known
 * or can be read at once, only that branch runs; in compiled code the device decides, and runs the kernels of that branch alone. In eager code on
 * webgpu both run and the result is chosen. As `theano.ifelse`.
 *
 * @example
 * symbolic.ifelse(tensor(1).lt(2), () => tensor(3), () => tensor(4)) // → tensor(3.)
 */
export function ifelse<T extends Tensor | number | readonly (Tensor | number)[]>(condition: Condition, then: Branch<T>, otherwise: Branch<T>): T extends readonly unknown[] ? Tensor[] : Tensor {
  type R = T extends readonly unknown[] ? Tensor[] : Tensor
  const decide = (c: unknown, a: () => unknown, b: () => unknown): unknown => {
    const k = known('ifelse', c as Condition)
    return k === true ? tensors(a()) : k === false ? tensors(b()) : (lazily(k, [a, b]) ?? chosen('ifelse', k, a(), b()))
  }
  const symbolic = mentions(condition)
  if (!symbolic && (world() instanceof Trace || !(condition instanceof Tensor && !readable(condition)))) return decide(condition, () => made(then), () => made(otherwise)) as R
  const [a, b] = [made(then), made(otherwise)]
  if (!symbolic && !mentions([a, b])) return decide(condition, () => a, () => b) as R
  listen()
  const result = recorded('ifelse', decide as (...args: unknown[]) => unknown, [condition, a, b], { lazy: true })
  return (Array.isArray(a) && !Array.isArray(result) ? a.map((_, i) => (result as Call).part(i)) : result) as R
}

/** Another name of `ifelse`. */
export const cond: typeof ifelse = ifelse
