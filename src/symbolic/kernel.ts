// Kernels of one's own: an elementwise function written as a scalar program, which every device runs, and if wanted as WGSL, which WebGPU
// runs in its place.
import { fail, needFunction } from '../core/errors.ts'
import { dtypes, isFloat, scalarType, type DType } from '../core/dtype.ts'
import { needKnown } from '../core/options.ts'
import type { Override } from '../ir/kernel.ts'
import { program, S, type Scalar, type ScalarLike } from '../ir/scalar.ts'
import { apply1, lift, tagged, type Described, type Operand } from '../ops/define.ts'
import type { Arg, Lowering, Op } from '../ops/op.ts'
import { pointwiseOp } from '../ops/pointwise-record.ts'
import { cotangents, type CustomDerivative } from './custom.ts'

/** What a scalar program is written with: `s.mul(x, s.exp(y))`; numbers stand for themselves. */
export type ScalarMath = { readonly [K in Exclude<keyof typeof S, 'input' | 'param' | 'constant' | 'like' | 'index' | 'cast'>]: (typeof S)[K] }
export type { Scalar, ScalarLike }

export interface CustomKernel {
  /** Of the op, and of the function in `wgsl`. */
  name: string
  /** One element of the result from one of each operand. */
  value: (s: ScalarMath, ...x: Scalar[]) => ScalarLike
  /** Cotangents of the operands, in ops, so that derivatives of any order follow; without it the kernel has none. */
  vjp?: CustomDerivative
  /** The same function in WGSL, `fn name(x: f32, y: f32) -> f32`: WebGPU runs it in place of the program. */
  wgsl?: string
}

/** How many operands the function in a WGSL text takes. */
function arityOf(name: string, wgsl: string): number {
  const found = new RegExp(`\\bfn\\s+${name}\\s*\\(([^)]*)\\)\\s*->\\s*f32\\b`).exec(wgsl.replace(/\/\/.*|\/\*[^]*?\*\//g, ''))
  if (!found) fail(name, `the WGSL has no function 'fn ${name}(…) -> f32'`, 'call it as the kernel is called; helpers may stand beside it')
  return found[1].split(',').filter(p => p.trim() !== '').length
}

/** JavaScript's operators would silently make NaN of a scalar, or false: where a program is tried out they throw. */
const stern = (x: Scalar): Scalar =>
  Object.assign(x, {
    [Symbol.toPrimitive]: () => {
      throw new TypeError("JavaScript's operators and comparisons do not work on scalars")
    },
  })
const watched = Object.fromEntries(Object.entries(S).map(([k, build]) => [k, (...x: never[]) => stern((build as (...x: never[]) => Scalar)(...x))])) as unknown as ScalarMath

function checked(name: string, value: CustomKernel['value'], arity: number): void {
  let made: ScalarLike
  try {
    made = value(watched, ...Array.from({ length: arity }, (_, i) => stern(S.input(i, 'float32'))))
  } catch (error) {
    return fail(name, `its program is at fault: ${(error as Error).message.replace('internal: ', '').replace(' Please report this.', '')}`, 'write s.mul(x, 2), s.select(s.gt(x, 0), a, b); numbers take the type of their neighbours')
  }
  const type = typeof made === 'object' ? made.dtype : typeof made === 'number' ? 'float32' : String(made)
  if (type !== 'float32') fail(name, `its program gives ${type}`, 'it must give a float: s.select(condition, 1, 0)')
}

/** The kernel's map with the text beside it. */
const beside = (k: Lowering, override: Override): Lowering => ({
  alloc: (dtype, shape) => k.alloc(dtype, shape),
  run: (kernel, inputs, outputs) => k.run(kernel.kind === 'map' && outputs.every(y => y.view.dtype !== 'float64') ? { ...kernel, override } : kernel, inputs, outputs),
})

/** The operands as the function gets them: in float32, numbers as params. */
function operandsOf(inputs: readonly Arg[]): Override['operands'] {
  const fed: DType[] = []
  let params = 0
  const list = inputs.map(x => (x.constant !== undefined ? S.param(params++, 'float32') : S.cast(S.input(fed.push(x.view.dtype) - 1, x.view.dtype), 'float32')))
  return program(list, fed, Array.from({ length: params }, () => 'float32' as const))
}

/**
 * An elementwise op whose kernel is written by hand. `value` is a scalar program, built once; it becomes a loop on `wasm` and a shader on `webgpu`,
 * joins with its neighbours in compiled code, and broadcasts as `add` does. With `wgsl`, WebGPU calls that function instead (and then the op
 * stays a kernel of its own). Operands are floats; whole numbers become float32.
 *
 * @throws LampasError when the program does not give a float, or the WGSL has no function of that name and number of operands.
 * @example
 * const swish = symbolic.customKernel({
 *   name: 'swish',
 *   value: (s, x) => s.mul(x, s.sigmoid(x)),
 *   wgsl: 'fn swish(x: f32) -> f32 { return x / (1.0 + exp(-x)); }',
 *   vjp: (g, { inputs: [x], output }) => [g.mul(output.add(x.sigmoid().mul(output.neg().add(1))))],
 * })
 * const x = tensor([0, 2], { requiresGrad: true })
 * swish(x).sum().backward()
 * swish(x) // → tensor([0.0000, 1.7616], gradFn=<swish>)
 * x.grad // → tensor([0.5000, 1.0908])
 */
export function customKernel(spec: CustomKernel): ((...inputs: Operand[]) => ReturnType<typeof apply1>) & Described {
  needKnown('customKernel', spec, ['name', 'value', 'vjp', 'wgsl'])
  const { name, value, vjp, wgsl } = spec
  needFunction(name, value)
  if (!/^[A-Za-z]\w*$/.test(name)) fail('customKernel', `the name '${name}'`, 'give letters and digits, as of a function')
  if (value.length < 2) fail(name, 'its program names no operands', 'name each of them: (s, x, y) => …')
  const arity = value.length - 1
  if (wgsl !== undefined && arityOf(name, wgsl) !== arity) fail(name, `its program takes ${arity} operands, its WGSL ${arityOf(name, wgsl)}`, 'both are the same function')
  checked(name, value, arity)
  const base = pointwiseOp(name, arity, {
    dtype: 'float',
    value: (...x) => {
      const y = value(S, ...x)
      return typeof y === 'object' ? y : S.like(x[0], Number(y))
    },
  })
  const texts = new Map<string, Override>()
  const overrideOf = (text: string, inputs: readonly Arg[]): Override => {
    const operands = operandsOf(inputs)
    let found = texts.get(operands.key)
    if (!found) texts.set(operands.key, (found = { wgsl: text, entry: name, operands }))
    return found
  }
  const op: Op<null> = {
    name,
    infer: (inputs, params) => {
      const found = base.infer(inputs, params)
      if (!isFloat(found[0].dtype)) fail(name, `operands of ${inputs.map(x => dtypes[x.dtype].short).join(', ')}`, 'it is a function of real numbers')
      return found
    },
    lower: (k, inputs, params, results) => base.lower!(wgsl !== undefined && scalarType(results[0].dtype) === 'float32' ? beside(k, overrideOf(wgsl, inputs)) : k, inputs, params, results),
    ...(vjp && {
      vjp: ([g], { inputs, outputs }) => (g ? cotangents(name, vjp(g, { inputs, output: outputs[0] }), inputs) : []),
    }),
    saves: vjp ? 'both' : 'nothing',
  }
  return tagged((...inputs: Operand[]) => {
    if (inputs.length !== arity) fail(name, `${inputs.length} operands were given`, `it takes ${arity}`)
    return apply1(op, inputs.map(x => lift(x, name)), null)
  }, name, Array.from({ length: arity }, (_, i) => `x${i}`))
}
