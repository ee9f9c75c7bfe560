// Gives Tensor its methods: a function of a tensor is also a method of it.
import { internal } from '../core/errors.ts'
import { Tensor } from './tensor.ts'

type Fn = (x: Tensor, ...rest: unknown[]) => unknown

export function attach(entries: readonly (readonly [string, unknown])[]): void {
  for (const [name, fn] of entries) {
    if (typeof fn !== 'function') continue
    if (name in Tensor.prototype) internal(`two methods are called ${name}`)
    Object.defineProperty(Tensor.prototype, name, {
      value(this: Tensor, ...rest: unknown[]) {
        return (fn as Fn)(this, ...rest)
      },
      writable: true,
      configurable: true,
    })
  }
}

/** The functions of a module whose first parameter is called `input`, as PyTorch calls the tensor that a method belongs to. */
export const methodsIn = (table: object): [string, unknown][] =>
  Object.entries(table).filter(([, fn]) => typeof fn === 'function' && (fn as { paramNames?: readonly string[] }).paramNames?.[0] === 'input')
