// Makes public functions out of op records. Every function of a tensor also becomes a method, and carries its parameter
// names, so that it can be called positionally, by an options object, or mechanically from PyTorch's (args, kwargs).
import { dtypeOfNumber, isFloat, type DType } from '../core/dtype.ts'
import { LampasError, asFaultOf, fail, nearest } from '../core/errors.ts'
import { contiguousView, type View } from '../core/view.ts'
import type { Op } from './op.ts'
import { Tensor } from './tensor.ts'
import { ConstantSource, world } from './world.ts'

/** A tensor or a plain number. */
export type Operand = Tensor | number | boolean

const [asBool, asInt, asFloat] = (['bool', 'int32', 'float32'] as const).map(t => contiguousView(t, []))

function layoutOf(x: number | boolean): View {
  const dtype = dtypeOfNumber(x)
  return dtype === 'float32' ? asFloat : dtype === 'int32' ? asInt : asBool
}

/** A number stands as a 0-dim operand without memory or device. */
export function lift(x: Operand, op: string): Tensor {
  if (x instanceof Tensor) return x
  if (typeof x !== 'number' && typeof x !== 'boolean') return needTensor(op, x)
  return new Tensor(layoutOf(x), new ConstantSource(x))
}

export const apply1 = <P>(op: Op<P>, inputs: readonly Tensor[], params: P): Tensor => world().apply(op, inputs, params)[0]

/** The device that x is on, when it is not the current one. */
function away(x: Tensor): string | null {
  if (!x.source.world) return null
  const w = world()
  return w.homeOf(x) === w.currentDevice() || !w.alive(x) ? null : x.device
}

/** The same of the first tensor among arguments. */
function elsewhere(args: readonly unknown[]): string | null {
  for (let i = 0; i < args.length; i++) {
    const a = args[i]
    if (a instanceof Tensor) return away(a)
    if (Array.isArray(a) && a[0] instanceof Tensor) return away(a[0])
  }
  return null
}

/** Runs `make` on the device that x is on, current or not: what an op makes of its own (an index, a constant) must meet its operands. */
export function beside<T>(x: Tensor, make: () => T): T {
  const there = away(x)
  return there === null ? make() : world().on(there, make)
}

export interface Described {
  readonly opName: string
  /** PyTorch's order; '*' separates positional from keyword-only parameters. */
  readonly paramNames: readonly string[]
}

const isOptions = (v: unknown): v is Record<string, unknown> =>
  typeof v === 'object' && v !== null && Object.getPrototypeOf(v) === Object.prototype

/**
 * A function whose arguments may come by position or in a trailing options object. `names` lists them in PyTorch's order,
 * keyword-only ones after '*'; a leading '...' name takes all leading tensors. `body` gets one object with what was passed.
 */
/* @__NO_SIDE_EFFECTS__ */
export function define<F extends (...args: never[]) => unknown, A extends object>(name: string, names: readonly string[], body: (args: A) => unknown): F & Described {
  const positional = names.includes('*') ? names.slice(0, names.indexOf('*')) : names
  const known = names.filter(n => n !== '*')
  const call = (...args: unknown[]): unknown => {
    const bound: Record<string, unknown> = {}
    const last = args.at(-1)
    const options = args.length > 1 && isOptions(last) ? last : undefined
    const given = options ? args.slice(0, -1) : args
    if (given.length > positional.length)
      fail(name, `${given.length} positional arguments, at most ${positional.length} expected (${positional.join(', ')})`, known.length > positional.length ? `the others go in an options object: ${known.slice(positional.length).join(', ')}` : undefined)
    given.forEach((a, i) => {
      if (a !== undefined) bound[positional[i]] = a
    })
    for (const key in options) {
      if (!known.includes(key)) {
        const guess = nearest(key, known)
        fail(name, `unknown option '${key}'`, guess ? `did you mean '${guess}'? Options: ${known.slice(1).join(', ')}` : `options: ${known.slice(1).join(', ') || 'none'}`)
      }
      if (options[key] !== undefined) bound[key] = options[key]
    }
    const there = elsewhere(given)
    try {
      return there === null ? body(bound as A) : world().on(there, () => body(bound as A))
    } catch (error) {
      throw asFaultOf(name, error)
    }
  }
  return tagged(call as unknown as F, name, names)
}

type AnyFunction = (...args: unknown[]) => unknown
type Through = (fn: AnyFunction, name: string, args: unknown[]) => unknown
let recorder: Through | null = null
/** What calls of public functions pass through. */
let through: Through | null = null

/** From here on calls of public functions pass through `r`, which may note them down (symbolic expressions) in place of running them. */
export function recordCalls(r: Through): void {
  recorder = r
  if (through !== named) through = r
}

let called: string | null = null
/** Of public functions that call each other the one that was called from outside; known while `nameCalls` runs. */
export const calledFunction = (): string | null => called

const pass: Through = (fn, name, args) => (recorder === null ? fn(...args) : recorder(fn, name, args))
const named: Through = (fn, name, args) => {
  if (called !== null) return pass(fn, name, args)
  called = name
  try {
    return pass(fn, name, args)
  } finally {
    called = null
  }
}

export function nameCalls<T>(body: () => T): T {
  if (through === named) return body()
  through = named
  try {
    return body()
  } finally {
    through = recorder
  }
}

/** Notes name and parameters on a function. */
/* @__NO_SIDE_EFFECTS__ */
export const tagged = <F extends (...args: never[]) => unknown>(fn: F, name: string, names: readonly string[]): F & Described => {
  const run = fn as unknown as AnyFunction
  const call = (...args: unknown[]): unknown => (through === null ? run(...args) : through(run, name, args))
  return Object.assign(call as unknown as F, fn, { opName: name, paramNames: names })
}

/** A positional function that also takes its parameters from a trailing options object: `flip(x, {dims: 0})`. */
/* @__NO_SIDE_EFFECTS__ */
export function describe<F extends (...args: never[]) => unknown>(fn: F, name: string, names: readonly string[]): F & Described {
  const positional = names.includes('*') ? names.slice(0, names.indexOf('*')) : names
  const call = (...args: unknown[]): unknown => {
    const last = args.at(-1)
    if (args.length > 1 && isOptions(last)) {
      const entries = Object.entries(last)
      // Keyword-only options stay in their object, behind the positional ones.
      if (entries.some(([k]) => positional.includes(k)) && entries.every(([k]) => names.includes(k))) {
        args.pop()
        const rest = entries.filter(([k]) => !positional.includes(k))
        if (rest.length > 0) args[positional.length] = Object.fromEntries(rest)
        for (const [k, v] of entries) if (positional.includes(k)) args[positional.indexOf(k)] = v
      }
    }
    const there = elsewhere(args)
    const run = fn as unknown as (...a: unknown[]) => unknown
    try {
      return there === null ? run(...args) : world().on(there, () => run(...args))
    } catch (error) {
      throw asFaultOf(name, error)
    }
  }
  return tagged(call as unknown as F, name, names)
}

/** Throws unless x is a tensor; the message says what it was. */
export function needTensor(op: string, x: unknown): Tensor {
  if (x instanceof Tensor) return x
  const what = x === undefined ? 'nothing' : x === null ? 'null' : Array.isArray(x) ? 'an array' : typeof x === 'object' ? `a ${x.constructor.name}` : `the ${typeof x} ${String(x)}`
  throw new LampasError(op, `expected a tensor, got ${what}`, Array.isArray(x) || typeof x === 'number' ? 'wrap it: tensor(…)' : x instanceof Promise ? 'await it first' : undefined)
}

export function needFloat(op: string, x: { dtype: DType }): void {
  if (!isFloat(x.dtype)) fail(op, `expected a float tensor, got ${String(x)}`, "convert it: x.to('float32')")
}
