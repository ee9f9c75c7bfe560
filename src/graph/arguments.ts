// The arguments of a compiled function: what distinguishes two lists of them, and walking through nested ones.
import type { DType } from '../core/dtype.ts'
import { fail } from '../core/errors.ts'
import { Tensor } from '../ops/tensor.ts'

export const isPlain = (v: unknown): v is Record<string, unknown> => typeof v === 'object' && v !== null && Object.getPrototypeOf(v) === Object.prototype

/** One argument as text; equal texts can share a plan. */
export const kindOf = (v: unknown): string => {
  if (v instanceof Tensor) return `${v}${v.requiresGrad ? '∂' : ''}${hooksOf(v)}@${v.device}`
  if (Array.isArray(v)) return `[${v.map(kindOf).join()}]`
  if (isPlain(v)) return `{${Object.entries(v).map(([k, x]) => `${k}:${kindOf(x)}`).join()}}`
  if (ArrayBuffer.isView(v)) fail('compile', `an argument is a ${v.constructor.name}, of which a trace would keep today's values`, 'pass tensor(array)')
  if (typeof v === 'object' || typeof v === 'function') return identityOf(v)
  return `${typeof v}:${String(v)}`
}

export const hooksOf = ({ hooks }: Tensor): string => (hooks ? identityOf(hooks) : '')

const identities = new WeakMap<object, string>()
let identityCount = 0
export const identityOf = (v: object | null): string => {
  if (v === null) return 'null'
  let id = identities.get(v)
  if (!id) identities.set(v, (id = `#${++identityCount}`))
  return id
}

/** What is kept of a tensor argument, to tell later what changed. */
export class Remembered {
  constructor(
    readonly dtype: DType,
    readonly shape: readonly number[],
    readonly kind: string,
  ) {}
}

export function remember(v: unknown): unknown {
  if (v instanceof Tensor) return new Remembered(v.dtype, v.shape, kindOf(v))
  if (Array.isArray(v)) return v.map(remember)
  return isPlain(v) ? Object.fromEntries(Object.entries(v).map(([k, x]) => [k, remember(x)])) : v
}

/** What differs between a remembered argument list and a new one, in words. */
export function difference(before: readonly unknown[], now: readonly unknown[]): string | null {
  if (before.length !== now.length) return `arguments: ${before.length} became ${now.length}`
  return firstOf(now.keys(), i => changed(before[i], now[i], `argument ${i}`))
}

function changed(a: unknown, b: unknown, name: string): string | null {
  if (a instanceof Remembered && b instanceof Tensor) {
    const axis = a.shape.length === b.ndim ? a.shape.findIndex((n, k) => n !== b.shape[k]) : -1
    if (axis >= 0) return `${name}: axis ${axis} was ${a.shape[axis]} and is ${b.shape[axis]}`
    return a.kind === kindOf(b) ? null : `${name}: ${a.kind} became ${kindOf(b)}`
  }
  if (Array.isArray(a) && Array.isArray(b)) {
    if (a.length !== b.length) return `${name}: ${a.length} entries became ${b.length}`
    return firstOf(b.keys(), i => changed(a[i], b[i], `${name}[${i}]`))
  }
  if (isPlain(a) && isPlain(b)) {
    const keys = new Set([...Object.keys(a), ...Object.keys(b)])
    return firstOf(keys, k => changed(a[k], b[k], `${name}.${k}`))
  }
  return kindOf(a) === kindOf(b) ? null : `${name}: ${inWords(a)} became ${inWords(b)}`
}

function firstOf<T>(items: Iterable<T>, found: (item: T) => string | null): string | null {
  for (const item of items) {
    const text = found(item)
    if (text !== null) return text
  }
  return null
}

const inWords = (v: unknown): string => (v instanceof Remembered ? v.kind : isPlain(v) ? 'an object' : typeof v === 'function' ? `the function ${v.name}` : String(v))

/** A value with its tensors replaced, one by one, in the order of `tensorsIn`. */
export function rebuild(value: unknown, replace: (x: Tensor) => Tensor): unknown {
  if (value instanceof Tensor) return replace(value)
  if (Array.isArray(value)) return value.map(v => rebuild(v, replace))
  return isPlain(value) ? Object.fromEntries(Object.entries(value).map(([k, v]) => [k, rebuild(v, replace)])) : value
}
