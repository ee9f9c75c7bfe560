// Ops of one's own: a value and a derivative, both written with tensors, good for every device, at once, compiled and in expressions.
import { needKnown } from '../core/options.ts'
import { noGrad } from '../autograd/mode.ts'
import { fail, needFunction } from '../core/errors.ts'
import type { Shape } from '../core/shape.ts'
import { tagged, type Described } from '../ops/define.ts'
import { Tensor } from '../ops/index.ts'
import { ruled } from '../ops/linalg/tools.ts'

export interface CustomSaved {
  readonly inputs: readonly Tensor[]
  readonly output: Tensor
}
/** Cotangents of the inputs (null: none) from that of the output. */
export type CustomDerivative = (gradient: Tensor, saved: CustomSaved) => readonly (Tensor | null)[]

export interface CustomOp {
  name: string
  value: (...inputs: Tensor[]) => Tensor
  vjp: CustomDerivative
}

/** What a vjp gave, which must be a gradient for each input: of its shape, or of one that it broadcasts to, which is summed. */
export function cotangents(name: string, found: unknown, inputs: readonly Tensor[]): (Tensor | null)[] {
  if (!Array.isArray(found) || found.length !== inputs.length)
    return fail(name, `vjp gave ${Array.isArray(found) ? `${found.length} gradients` : String(found)} for ${inputs.length} inputs`, 'return a list with one for each, null where there is none')
  return found.map((g: unknown, i) => {
    const x = inputs[i]
    if (g === null || g === undefined) return null
    if (!(g instanceof Tensor) || !spreads(x.shape, g.shape)) return fail(name, `vjp gave ${String(g)} as the gradient of input ${i}, which is ${x}`, 'a gradient is a tensor of the shape of its input; null where there is none')
    return g
  })
}
const spreads = (from: Shape, to: Shape): boolean => from.length <= to.length && from.every((n, i) => n === 1 || n === to[to.length - from.length + i])

/**
 * An op of a value and a derivative. What `value` does is not differentiated; `vjp` is written with ops, so derivatives of any order follow.
 *
 * @example
 * const cube = symbolic.customOp({ name: 'cube', value: x => x.pow(3), vjp: (g, { inputs: [x] }) => [g.mul(x.square()).mul(3)] })
 * const x = tensor(2, { requiresGrad: true })
 * cube(x).backward()
 * x.grad // → tensor(12.)
 */
export function customOp(spec: CustomOp): ((...inputs: Tensor[]) => Tensor) & Described {
  needKnown('customOp', spec, ['name', 'value', 'vjp'])
  const { name, value, vjp } = spec
  needFunction('customOp', value)
  needFunction('customOp', vjp)
  const rule = ruled(name, (g, output, inputs) => cotangents(name, vjp(g, { inputs, output }), inputs))
  return tagged((...inputs: Tensor[]) => {
    const y = noGrad(() => value(...inputs))
    if (!(y instanceof Tensor)) fail(name, `value gave ${String(y)}`, 'return one tensor')
    return rule(inputs.some(x => x.source === y.source) ? noGrad(() => y.clone()) : y, inputs, null)
  }, name, ['...inputs'])
}
