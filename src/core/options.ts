// Options objects of constructors: defaults, and a helpful word about a misspelt name.
import { fail, nearest } from './errors.ts'

/** Throws unless `given` is an object (or nothing) of known names only. */
export function needKnown(op: string, given: object | undefined, known: readonly string[]): void {
  if (given === undefined) return
  if (typeof given !== 'object' || given === null) fail(op, `the options are the ${typeof given} ${String(given)}`, `pass an object: {${known[0]}: ${String(given)}}`)
  for (const key of Object.keys(given))
    if (!known.includes(key)) {
      const guess = nearest(key, known)
      fail(op, `unknown option '${key}'`, guess ? `did you mean '${guess}'? Options: ${known.join(', ')}` : `options: ${known.join(', ') || 'none'}`)
    }
}

/** `given` over `defaults`; every name must be one of the defaults. */
export function withDefaults<T extends object>(op: string, given: Partial<T> | undefined, defaults: T): T {
  needKnown(op, given, Object.keys(defaults))
  const out = { ...defaults }
  for (const key in given) if (given[key] !== undefined) out[key] = given[key]
  return out
}

/** Throws unless every value is a whole number ≥ least; the message names the first that is not. */
export function needWhole(op: string, values: Readonly<Record<string, unknown>>, least = 1): void {
  for (const [name, v] of Object.entries(values))
    if (typeof v !== 'number' || !Number.isInteger(v) || v < least) fail(op, `${name} is ${typeof v === 'string' ? `the text '${v}'` : String(v)}`, `give a whole number ≥ ${least}`)
}
