// The layers of nn look at sizes, so the call of one with an expression is one node: it runs when values are there.
import * as nn from '../nn/index.ts'
import { expressionsIn, recorded, type AnyFunction } from './expression.ts'

for (const [name, layer] of Object.entries(nn)) {
  if (typeof layer !== 'function' || !(layer.prototype instanceof nn.Module) || !Object.hasOwn(layer.prototype, 'forward')) continue
  const forward = layer.prototype.forward as AnyFunction
  Object.defineProperty(layer.prototype, 'forward', {
    value(this: nn.Module, ...args: unknown[]): unknown {
      if (expressionsIn(args).size === 0) return forward.apply(this, args)
      return recorded(name, (...values) => forward.apply(this, values), args)
    },
    writable: true,
    configurable: true,
  })
}
