// Which operands of a binary function may be plain numbers, and the multiple of the second that PyTorch's `alpha` asks for.
import { dtypes } from '../core/dtype.ts'
import { fail } from '../core/errors.ts'
import { needKnown } from '../core/options.ts'
import { needTensor, type Described, type Operand } from './define.ts'
import { byName, type BinaryFn } from './pointwise-record.ts'
import { Tensor } from './tensor.ts'

/** `tensors`: no number; `other`: only the second operand may be one; `one`: at most one of the two. */
export type Numbers = 'tensors' | 'other' | 'one'

/** What a function asks of its operands; the in-place form asks it too. */
type Check = (x: Operand, other: Operand) => void
export interface Checked {
  readonly check?: Check
}

/** fn, which is called when `check` and the check of fn itself did not throw. */
export function checked(fn: BinaryFn & Checked, check: Check, names: readonly string[] = fn.paramNames): BinaryFn & Checked {
  const inner = fn.check
  const both: Check = inner ? (x, other) => (inner(x, other), check(x, other)) : check
  const call = (...args: Parameters<BinaryFn>): Tensor => (check(args[0], args[1]), fn(...args))
  return Object.assign(byName(call, fn.opName, names), { check: both })
}

/** fn for such operands only, as PyTorch has it. */
export const operands = (numbers: Numbers, fn: BinaryFn): BinaryFn & Checked =>
  checked(fn, (x, other) => {
    const [a, b] = [x instanceof Tensor, other instanceof Tensor]
    if (!a && (numbers !== 'one' || !b)) needTensor(fn.opName, x)
    if (!b && numbers === 'tensors') needTensor(fn.opName, other)
  })

export interface AlphaOptions {
  /** What `other` is multiplied by; a whole number where all is whole. Default 1. */
  alpha?: number
}
export type Scaled = ((x: Operand, other: Operand, options?: AlphaOptions) => Tensor) & Described

const isWhole = (x: Operand): boolean => (x instanceof Tensor ? dtypes[x.dtype].kind === 'int' || x.dtype === 'bool' : Number.isInteger(Number(x)))

/** fn whose second operand is multiplied by `alpha` first. */
export function scaled(fn: BinaryFn, mul: BinaryFn): Scaled {
  const name = fn.opName
  const call = (x: Operand, other: Operand, options?: AlphaOptions): Tensor => {
    if (options === undefined) return fn(x, other)
    needKnown(name, options, ['alpha'])
    const alpha = options.alpha ?? 1
    if (!Number.isInteger(alpha) && isWhole(x) && isWhole(other)) fail(name, `alpha is ${alpha}, and both operands are whole`, 'give a whole alpha, or convert the operands to float32')
    return fn(x, alpha === 1 ? other : other instanceof Tensor ? mul(other, alpha) : Number(other) * alpha)
  }
  return byName(call, name, ['input', 'other', '*', 'alpha'])
}
