// In-place forms: the same formula, written over the first operand. Views see the change; autograd counts it.
import { dtypes } from '../core/dtype.ts'
import { fail, internal } from '../core/errors.ts'
import { sameShape, type Shape } from '../core/shape.ts'
import { isContiguous } from '../core/view.ts'
import { describe, lift, needTensor, type Described, type Operand } from './define.ts'
import type { Op } from './op.ts'
import { pointwiseOps } from './pointwise-record.ts'
import './pointwise.ts'
import { overlapsItself } from './strided.ts'
import type { Tensor } from './tensor.ts'
import { world } from './world.ts'

const record = (name: string): Op<null> => pointwiseOps.get(name) ?? internal(`no pointwise op ${name}`)
export const addOp: Op<null> = record('add')
const copyOp = (name: string): Op<null> => ({ ...record('clone'), name })
const [copying, filling, zeroing] = ['copy', 'fill', 'zero'].map(copyOp)

/** target ← op(target, ...others), in target's memory. Returns target. */
export function assign(op: Op<null>, target: Tensor, ...others: Operand[]): Tensor {
  return write(op, target, [target, ...others.map(x => lift(x, op.name))])
}

function write(op: Op<null>, target: Tensor, inputs: Tensor[]): Tensor {
  const [{ dtype, shape }] = op.infer(inputs, null)
  if (!sameShape(shape, target.shape)) fail(`${op.name}_`, `the result has shape [${shape}], which does not fit into ${target}`, 'in-place ops cannot grow their tensor; use the form without _')
  if (dtypes[dtype].rank > dtypes[target.dtype].rank) fail(`${op.name}_`, `a ${dtype} result cannot be stored in ${target}`, 'use the form without _, or convert the tensor first')
  store(op, target, inputs)
  return target
}

function store(op: Op<null>, target: Tensor, inputs: readonly Tensor[]): void {
  if (!isContiguous(target.layout) && overlapsItself(target.layout))
    fail(`${op.name}_`, `${target} shows some elements more than once (it was expanded, or its windows overlap), so it cannot be written`, 'clone() it first')
  world().assign(op, [target], inputs, null)
}

function overwrite(op: Op<null>, x: Tensor, src: Operand): Tensor {
  const name = `${op.name}_`
  const from = lift(src, name)
  const fits = from.ndim === 0 || sameShape(from.shape, needTensor(name, x).shape)
  if (!fits && !broadcastsTo(from.shape, x.shape)) fail(name, `${from} does not broadcast to ${x}`, 'sizes must be equal or 1, counted from the last dimension')
  store(op, x, [fits ? from : from.expand(x.shape)])
  return x
}

const broadcastsTo = (from: Shape, to: Shape): boolean => from.length <= to.length && from.every((n, i) => n === 1 || n === to[to.length - from.length + i])

/** Overwrites x with the values of src, broadcast and converted. As `torch.Tensor.copy_`. */
export const copy_: ((x: Tensor, src: Operand) => Tensor) & Described = describe((x: Tensor, src: Operand) => overwrite(copying, x, src), 'copy_', ['input', 'src'])

/** Overwrites x with one value. As `torch.Tensor.fill_`. */
export const fill_: ((x: Tensor, value: number | boolean) => Tensor) & Described = describe((x: Tensor, value: number | boolean) => overwrite(filling, x, value), 'fill_', ['input', 'value'])
/** Overwrites x with zeros. As `torch.Tensor.zero_`. */
export const zero_: ((x: Tensor) => Tensor) & Described = describe((x: Tensor) => overwrite(zeroing, x, 0), 'zero_', ['input'])

/** Names of pointwise functions that have an in-place form `name_`. */
export const inplaceNames = [
  'add', 'sub', 'mul', 'div', 'floorDivide', 'remainder', 'fmod', 'pow', 'maximum', 'minimum', 'neg', 'abs', 'sign', 'square',
  'reciprocal', 'sqrt', 'rsqrt', 'floor', 'ceil', 'trunc', 'round', 'frac', 'exp', 'exp2', 'expm1', 'log', 'log1p', 'log2', 'log10',
  'sin', 'cos', 'tan', 'asin', 'acos', 'atan', 'sinh', 'cosh', 'tanh', 'asinh', 'acosh', 'atanh', 'sigmoid', 'erf', 'logit', 'relu',
  'silu', 'logicalAnd', 'logicalOr', 'logicalXor', 'logicalNot', 'bitwiseAnd', 'bitwiseOr', 'bitwiseXor', 'bitwiseNot', 'eq', 'ne',
  'lt', 'le', 'gt', 'ge', 'lerp', 'copysign', 'hypot', 'atan2', 'xlogy',
] as const

export type InplaceName = (typeof inplaceNames)[number]

/** The in-place form of a pointwise function. */
export const inplace = (name: InplaceName): ((x: Tensor, ...others: Operand[]) => Tensor) => {
  const op = record(name)
  return (x, ...others) => assign(op, x, ...others)
}
