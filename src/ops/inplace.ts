// In-place forms: the same function, its result written over the first operand. Views see the change; autograd counts it.
import { kindRank } from '../core/dtype.ts'
import { fail, internal } from '../core/errors.ts'
import { sameShape, type Shape } from '../core/shape.ts'
import { isContiguous, type View } from '../core/view.ts'
import { describe, lift, needTensor, tagged, type Described, type Operand } from './define.ts'
import type { Op } from './op.ts'
import type { Checked } from './operands.ts'
import { pointwiseOps } from './pointwise-record.ts'
import { clone } from './pointwise.ts'
import { overlapsItself } from './strided.ts'
import { Tensor } from './tensor.ts'
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
  if (kindRank(dtype) > kindRank(target.dtype)) fail(`${op.name}_`, `a ${dtype} result cannot be stored in ${target}`, 'use the form without _, or convert the tensor first')
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

/**
 * Overwrites x with the values of src, broadcast and converted. As `torch.Tensor.copy_`.
 *
 * @example
 * zeros(3).copy_(tensor([1, 2, 3])) // → tensor([1., 2., 3.])
 */
export const copy_: ((x: Tensor, src: Operand) => Tensor) & Described = describe((x: Tensor, src: Operand) => overwrite(copying, x, src), 'copy_', ['input', 'src'])

/**
 * Overwrites x with one value, a number or a 0-dim tensor. As `torch.Tensor.fill_`.
 *
 * @example
 * zeros(3).fill_(7) // → tensor([7., 7., 7.])
 */
export const fill_: ((x: Tensor, value: Operand) => Tensor) & Described = describe((x: Tensor, value: Operand) => {
  if (value instanceof Tensor && value.ndim > 0) fail('fill_', `the value is ${value}, which is not 0-dim`, 'x.copy_(src) takes a value for each element')
  return overwrite(filling, x, value)
}, 'fill_', ['input', 'value'])
/**
 * Overwrites x with zeros. As `torch.Tensor.zero_`.
 *
 * @example
 * ones(3).zero_() // → tensor([0., 0., 0.])
 */
export const zero_: ((x: Tensor) => Tensor) & Described = describe((x: Tensor) => overwrite(zeroing, x, 0), 'zero_', ['input'])

/** Functions that have an in-place form `name_`. */
export const inplaceNames = [
  'abs', 'absolute', 'acos', 'acosh', 'add', 'addbmm', 'addcdiv', 'addcmul', 'addmm', 'addmv', 'addr', 'arccos', 'arccosh', 'arcsin', 'arcsinh', 'arctan',
  'arctan2', 'arctanh', 'asin', 'asinh', 'atan', 'atan2', 'atanh', 'baddbmm', 'bitwiseAnd', 'bitwiseLeftShift', 'bitwiseNot', 'bitwiseOr',
  'bitwiseRightShift', 'bitwiseXor', 'ceil', 'clamp', 'clampMax', 'clampMin', 'clip', 'conjPhysical', 'copysign', 'cos', 'cosh', 'cumprod', 'cumsum',
  'deg2rad', 'digamma', 'div', 'divide', 'eq', 'erf', 'erfc', 'erfinv', 'exp', 'exp2', 'expm1', 'fix', 'floatPower', 'floor', 'floorDivide', 'fmod',
  'frac', 'gcd', 'ge', 'greater', 'greaterEqual', 'gt', 'heaviside', 'hypot', 'i0', 'igamma', 'igammac', 'indexAdd', 'indexCopy', 'indexFill', 'indexPut',
  'indexReduce', 'lcm', 'ldexp', 'le', 'lerp', 'less', 'lessEqual', 'lgamma', 'log', 'log10', 'log1p', 'log2', 'logicalAnd', 'logicalNot', 'logicalOr',
  'logicalXor', 'logit', 'lt', 'maskedFill', 'maskedScatter', 'maximum', 'minimum', 'mul', 'multiply', 'mvlgamma', 'nanToNum', 'ne', 'neg', 'negative',
  'nextafter', 'notEqual', 'polygamma', 'pow', 'put', 'rad2deg', 'reciprocal', 'relu', 'remainder', 'renorm', 'round', 'rsqrt', 'scatter', 'scatterAdd', 'scatterReduce',
  'sgn', 'sigmoid', 'sign', 'silu', 'sin', 'sinc', 'sinh', 'sqrt', 'square', 'sub', 'subtract', 'tan', 'tanh', 'tril', 'triu',
  'trueDivide', 'trunc', 'xlogy',
] as const
/** Functions that show a tensor otherwise; `name_` makes the tensor itself so. */
export const reshapingNames = ['squeeze', 'swapaxes', 'swapdims', 't', 'transpose', 'unsqueeze'] as const

export type InplaceName = (typeof inplaceNames)[number] | (typeof reshapingNames)[number]

type AnyFn = (x: Tensor, ...rest: unknown[]) => Tensor
const isOperand = (x: unknown): x is Operand => x instanceof Tensor || typeof x === 'number' || typeof x === 'boolean'

/** The in-place form of a function: its result in the memory of its first operand. The formula of a pointwise one writes there directly. */
export function inplace<F extends (...args: never[]) => Tensor>(given: F & Described & Checked): F & Described {
  const fn = given as unknown as AnyFn & Described & Checked
  const op = pointwiseOps.get(fn.opName)
  const others = op?.samples && op.samples[0].shapes.length - 1
  const put = copyOp(fn.opName)
  const form: AnyFn = (x, ...rest) => {
    needTensor(`${fn.opName}_`, x)
    if (op && rest.length === others && rest.every(isOperand)) {
      fn.check?.(x, rest[0])
      return assign(op, x, ...rest)
    }
    // What the function saves for its derivative must outlive the change.
    const from = x.requiresGrad ? clone(x) : x
    return write(put, x, [fn(from, ...rest.map(y => (y === x ? from : y)))])
  }
  return tagged(form as unknown as F, `${fn.opName}_`, fn.paramNames)
}

/** The in-place form of a view: the tensor takes the place of its view, history included. */
function reshaping(fn: AnyFn & Described): AnyFn & Described {
  const name = `${fn.opName}_`
  const form: AnyFn = (x, ...rest) => {
    const y = fn(x, ...rest)
    if (y === x) return x
    if (y.gradFn && !x.gradFn && !x.base) fail(name, `${x} is a leaf that requires a gradient, so it cannot be changed in place while ops are recorded`, 'wrap the change in noGrad(() => …), or use the form without _')
    if (y.source !== x.source) fail(name, `${x} was made outside of the compiled function`, 'use the form without _')
    world().replace(x, y)
    // The one place where a tensor does not stay what it was made.
    const open: { layout: View } = x
    open.layout = y.layout
    x.gradFn = y.gradFn
    x.gradIndex = y.gradIndex
    x.gradVersion = y.gradVersion
    if (x.gradFn && x.hooks) x.gradFn.hooks = x.hooks
    return x
  }
  return tagged(form, name, fn.paramNames)
}

/** The in-place forms of the functions of a table. */
export const inplaceForms = (table: readonly (readonly [string, unknown])[]): [string, unknown][] =>
  ([[inplaceNames, inplace], [reshapingNames, reshaping]] as const).flatMap(([names, form]) =>
    table.filter(([name]) => (names as readonly string[]).includes(name)).map(([name, fn]): [string, unknown] => [`${name}_`, form(fn as AnyFn & Described)]))

/**
 * Writes a value on the main diagonal: of a matrix, or of more dimensions of one size. With `wrap`, tall matrices begin anew below
 * the square. As `torch.Tensor.fill_diagonal_`.
 *
 * @example
 * zeros(2, 2).fillDiagonal_(5) // → tensor([[5., 0.],
 * //           [0., 5.]])
 */
export const fillDiagonal_: ((x: Tensor, fillValue: number | boolean, wrap?: boolean) => Tensor) & Described = describe((x: Tensor, fillValue: number | boolean, wrap = false) => {
  const { shape } = needTensor('fillDiagonal_', x)
  if (shape.length < 2 || (shape.length > 2 && shape.some(n => n !== shape[0]))) fail('fillDiagonal_', `${x} has no main diagonal`, 'give a matrix, or more dimensions of one size')
  const [rows, columns] = shape
  if (wrap && shape.length === 2)
    for (let at = 0; at < rows; at += columns + 1) x.narrow(0, at, Math.min(columns, rows - at)).diagonal().fill_(fillValue)
  else {
    let line = x.diagonal()
    while (line.ndim > 1) line = line.diagonal(0, 0, -1)
    line.fill_(fillValue)
  }
  return x
}, 'fillDiagonal_', ['input', 'fillValue', 'wrap'])
