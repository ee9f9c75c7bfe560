// Pointwise ops of complex numbers. A formula works on pairs of real scalars; the kernel reads and writes both parts of each element
// through two float32 views. The formulas are kept apart from the op records, so that pages without complex numbers need not carry them.
import type { DType } from '../core/dtype.ts'
import { fail } from '../core/errors.ts'
import { expandView } from '../core/view.ts'
import { program, S, type Program, type Scalar } from '../ir/scalar.ts'
import { part } from './lowering.ts'
import type { Arg, Lowering } from './op.ts'
import type { Tensor } from './tensor.ts'

/** A complex number in a formula. */
export interface Complex {
  readonly re: Scalar
  readonly im: Scalar
}

/** What a pointwise op means for complex numbers: its formula, and the dtype of the result where that is not complex64. */
export interface ComplexForm {
  readonly value: (...z: Complex[]) => Complex | Scalar
  readonly result?: DType
  /** Derivatives of what is not holomorphic. Of the rest the op's own rules hold, with conjugated factors. */
  readonly vjp?: readonly ((g: Tensor, ...inputs: Tensor[]) => Tensor)[]
}

/** By op. */
export const complexForms = new Map<string, ComplexForm>()

export const complexForm = (op: string): ComplexForm =>
  complexForms.get(op) ?? fail(op, 'not defined for complex64', 'take the real part, the imaginary part or the absolute value first')

/** Runs the formula of `op`. Operands that are conditions are bools; programs are kept in `known`. */
export function runComplex(k: Lowering, op: string, inputs: readonly Arg[], target: Arg, isCondition: (i: number) => boolean, known: Map<string, Program>): void {
  const { shape, dtype } = target.view
  const fed: Arg[] = []
  const params: number[] = []
  const types: DType[] = []
  const feed = (x: Arg, want: DType): Scalar => S.cast(S.input(fed.push(x) - 1, x.view.dtype), want)
  const operands = inputs.map((x, i): Complex => {
    const want: DType = isCondition(i) ? 'bool' : 'float32'
    const real = (re: Scalar): Complex => ({ re, im: S.constant(0, 'float32') })
    if (x.constant !== undefined) return real((types.push(want), S.param(params.push(Number(x.constant)) - 1, want)))
    const at = { view: expandView(x.view, shape), slot: x.slot }
    return x.view.dtype === 'complex64' ? { re: feed(part(at, 0), want), im: feed(part(at, 1), want) } : real(feed(at, want))
  })
  const outputs = dtype === 'complex64' ? [part(target, 0), part(target, 1)] : [target]
  const key = [dtype, ...inputs.map(x => (x.constant === undefined ? x.view.dtype : ''))].join()
  let p = known.get(key)
  if (!p) {
    const value = complexForm(op).value(...operands)
    const { re, im } = 're' in value ? value : { re: value, im: S.constant(0, 'float32') }
    const results = dtype === 'complex64' ? [S.cast(re, 'float32'), im] : [S.cast(re, dtype)]
    known.set(key, (p = program(results, fed.map(x => x.view.dtype), types)))
  }
  k.run({ kind: 'map', program: p, params }, fed, outputs)
}
