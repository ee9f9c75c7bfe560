// The layers of nn look at sizes, so the call of one with an expression is one node: it runs when values are there.
import * as nn from '../nn/index.ts'
import { mentions, recorded, type AnyFunction } from './expression.ts'

const seen = new Set<object>()

/** The class that says what happens may be a base of those that are exported. */
function listenTo(name: string, prototype: nn.Module): void {
  for (let p: nn.Module = prototype; p !== nn.Module.prototype; p = Object.getPrototypeOf(p) as nn.Module) {
    if (!Object.hasOwn(p, 'forward') || seen.has(p)) continue
    seen.add(p)
    const forward = p.forward as unknown as AnyFunction
    Object.defineProperty(p, 'forward', {
      value(this: nn.Module, ...args: unknown[]): unknown {
        if (!mentions(args)) return forward.apply(this, args)
        return recorded(this.constructor.name || name, (...values) => forward.apply(this, values), args)
      },
      writable: true,
      configurable: true,
    })
  }
}

for (const [name, layer] of Object.entries(nn)) if (typeof layer === 'function' && layer.prototype instanceof nn.Module) listenTo(name, layer.prototype)
