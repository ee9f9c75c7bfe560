// Gives Tensor its methods: a function of a tensor is also a method of it.
import { internal } from '../core/errors.ts'
import { Tensor } from './tensor.ts'

type Fn = (x: Tensor, ...rest: unknown[]) => unknown

export function attach(entries: readonly (readonly [string, unknown])[]): void {
  const methods = new Map<string, Fn>()
  for (const [name, fn] of entries) {
    if (typeof fn !== 'function') continue
    if (methods.has(name) || name in Tensor.prototype) internal(`two methods are called ${name}`)
    methods.set(name, fn as Fn)
  }
  makeTable(Tensor.prototype)
  for (const [name, fn] of methods)
    Object.defineProperty(Tensor.prototype, name, {
      value(this: Tensor, ...rest: unknown[]) {
        return fn(this, ...rest)
      },
      writable: true,
      configurable: true,
    })
}

/**
 * With each property that a prototype gets V8 copies the list of all, so that hundreds take a tenth of the time of loading. Once a property
 * other than the last was deleted it keeps a table instead, and makes it a list again when the methods are used.
 */
function makeTable(prototype: object): void {
  const [first, last] = [Symbol('first'), Symbol('last')]
  const target: Record<symbol, unknown> = Object.assign(prototype, { [first]: 0, [last]: 0 })
  delete target[first]
  delete target[last]
}

/** The functions of a module whose first parameter is called `input`, as PyTorch calls the tensor that a method belongs to. */
export const methodsIn = (table: object): [string, unknown][] =>
  Object.entries(table).filter(([, fn]) => typeof fn === 'function' && (fn as { paramNames?: readonly string[] }).paramNames?.[0] === 'input')
