// Tensors from values and from nothing. Names and defaults follow PyTorch; whole JavaScript numbers give float32 unless a dtype is asked for.
import { dtypes, isFloat, needDType, scalarType, type DType, type ScalarType, type TypedArray } from '../core/dtype.ts'
import { fail } from '../core/errors.ts'
import { needKnown } from '../core/options.ts'
import { formatShape, numel, type Shape } from '../core/shape.ts'
import { areWords, toWords } from '../core/storage.ts'
import { program, S, type Program, type Scalar } from '../ir/scalar.ts'
import { cast } from './cast.ts'
import { apply1, define, describe, needTensor, type Described } from './define.ts'
import { filledBesideOp, filledOp, unsqueeze } from './movement.ts'
import type { Op } from './op.ts'
import { add, ge, le, pow, where } from './pointwise.ts'
import { Tensor, type NestedArray } from './tensor.ts'
import { world } from './world.ts'

export interface CreationOptions {
  dtype?: DType
  /** Device to put it on; default: the current one. */
  device?: string
  requiresGrad?: boolean
}
export interface TensorOptions extends CreationOptions {
  /** Shape of the values of a typed or flat array. */
  shape?: Shape
}
export type TensorData = NestedArray | readonly NestedArray[] | TypedArray | Float64Array | Uint8ClampedArray | Int16Array | Uint16Array | Int8Array | Uint32Array | BigInt64Array | Tensor

function needOptions(op: string, o: CreationOptions | undefined, more: readonly string[] = []): void {
  needKnown(op, o, ['dtype', 'device', 'requiresGrad', ...more])
  if (o?.dtype !== undefined) needDType(op, o.dtype)
}

const settle = (x: Tensor, o: CreationOptions = {}): Tensor => (o.requiresGrad ? x.requiresGrad_() : x)

/** Shape of nested arrays; throws when they are ragged. */
function shapeOf(data: readonly NestedArray[]): number[] {
  const shape: number[] = []
  for (let level: NestedArray = data as NestedArray[]; Array.isArray(level); level = level[0]) shape.push(level.length)
  const check = (x: NestedArray, depth: number): void => {
    if (Array.isArray(x) !== depth < shape.length || (Array.isArray(x) && x.length !== shape[depth]))
      fail('tensor', `nested arrays are ragged: expected ${depth < shape.length ? `length ${shape[depth]}` : 'a number'} at depth ${depth}, got ${Array.isArray(x) ? `length ${x.length}` : typeof x}`, 'every row needs the same length')
    if (Array.isArray(x)) for (const y of x) check(y, depth + 1)
    else if (typeof x !== 'number' && typeof x !== 'boolean') fail('tensor', `expected numbers or booleans, found ${x === null ? 'null' : typeof x}`, 'convert the values first')
  }
  check(data as NestedArray[], 0)
  return shape
}

/**
 * A tensor of given values: a number, nested arrays, or a typed array with `shape`. The dtype is float32 for numbers, bool for booleans,
 * that of the array for Int32Array, Uint32Array and Uint8Array, int32 for other integer arrays, unless `dtype` says otherwise; int64
 * (BigInt64Array) becomes int32 and must fit. Real numbers for complex64 get imaginary parts 0. As `torch.tensor`.
 *
 * @example
 * tensor([[1, 2], [3, 4]]) // → tensor([[1., 2.],
 * //           [3., 4.]])
 * tensor(new Int32Array([0, 1, 1])) // → tensor([0, 1, 1])
 * tensor([1, 0], { dtype: 'bool' }) // → tensor([ True, False])
 */
export function tensor(data: TensorData, options: TensorOptions = {}): Tensor {
  needOptions('tensor', options, ['shape'])
  if (data instanceof Tensor) return settle(cast(data.detach().clone(), options.dtype ?? data.dtype), options)
  const isTyped = ArrayBuffer.isView(data)
  if (!isTyped && typeof data !== 'number' && typeof data !== 'boolean' && !Array.isArray(data))
    fail('tensor', `cannot make a tensor of ${data === null ? 'null' : typeof data}`, 'give a number, nested arrays or a typed array')
  const flat: ArrayLike<number | boolean | bigint> = isTyped ? data : leaves(data as NestedArray)
  const natural = isTyped ? [flat.length] : Array.isArray(data) ? shapeOf(data) : []
  const shape = options.shape ?? natural
  if (numel(shape) !== flat.length) fail('tensor', `${flat.length} values do not fill shape ${formatShape(shape)} (${numel(shape)})`, 'the sizes must multiply to the number of values')
  const dtype = options.dtype ?? naturalDtype(data, flat)
  if (areWords(dtype, data)) return settle(world().create(data, dtype, shape, options.device), options)
  const values = Float64Array.from(flat, Number)
  const range = ranges[dtype]
  if (range) {
    const [low, high] = range
    const at = values.findIndex(v => !(v >= low && v <= high))
    if (at >= 0) fail('tensor', `${flat[at]} at position ${at} does not fit ${dtype}`, `give numbers from ${low} to ${high}, or dtype 'float32'`)
  }
  const full = dtype === 'complex64' ? Float64Array.from({ length: 2 * values.length }, (_, i) => (i % 2 ? 0 : values[i / 2])) : values
  return settle(world().create(toWords(dtype, full), dtype, shape, options.device), options)
}

const ranges: { readonly [T in DType]?: readonly [number, number] } = { int32: [-(2 ** 31), 2 ** 31 - 1], uint32: [0, 2 ** 32 - 1], uint8: [0, 255] }

function leaves(data: NestedArray, out: (number | boolean)[] = []): (number | boolean)[] {
  if (Array.isArray(data)) for (const x of data) leaves(x, out)
  else out.push(data)
  return out
}

function naturalDtype(data: TensorData, flat: ArrayLike<number | boolean | bigint>): DType {
  if (data instanceof Float32Array || data instanceof Float64Array) return 'float32'
  if (data instanceof Uint32Array) return 'uint32'
  if (data instanceof Uint8Array) return 'uint8'
  if (ArrayBuffer.isView(data)) return 'int32'
  return flat.length > 0 && typeof flat[0] === 'boolean' ? 'bool' : 'float32'
}

type Sizes = (number | readonly number[] | CreationOptions)[]
interface Split {
  shape: number[]
  options: CreationOptions
}
/** `zeros(2, 3)`, `zeros([2, 3])` and `zeros([2, 3], {dtype})` mean the same. */
export function sizes(op: string, args: Sizes, more: readonly string[] = []): Split {
  const last = args.at(-1)
  const options = typeof last === 'object' && !Array.isArray(last) ? (last as CreationOptions) : {}
  const shape = (options === last ? args.slice(0, -1) : args).flatMap(a => a as number | number[])
  if (shape.some(n => !Number.isInteger(n) || n < 0)) fail(op, `${formatShape(shape)} is not a shape`, 'sizes are whole numbers ≥ 0')
  needOptions(op, options, more)
  return { shape, options }
}

/** Runs ops that make values of their own, on the asked device. */
export const place = (o: CreationOptions, make: () => Tensor): Tensor => settle(o.device ? world().on(o.device, make) : make(), o)

/** Names of the options that every creation function takes, behind its own. */
export const optionNames: readonly string[] = ['*', 'dtype', 'device', 'requiresGrad']

export type Factory = ((...size: Sizes) => Tensor) & Described
const filled = (name: string, value: number): Factory => describe((...size: Sizes) => {
  const { shape, options } = sizes(name, size)
  return full(shape, value, { ...options, dtype: options.dtype ?? 'float32' })
}, name, ['size', ...optionNames])

/**
 * A tensor filled with one value; its dtype is that of the value unless given. As `torch.full`.
 *
 * @example
 * full([2, 2], 7) // → tensor([[7., 7.],
 * //           [7., 7.]])
 */
export const full: ((shape: Shape, value: number | boolean, options?: CreationOptions) => Tensor) & Described = describe((shape: Shape, value: number | boolean, options: CreationOptions = {}) => {
  needOptions('full', options)
  const dtype = options.dtype ?? (typeof value === 'boolean' ? 'bool' : 'float32')
  const at = sizes('full', [shape]).shape
  return place(options, () => apply1(filledOp, [], { shape: at, value: storable(value, dtype), dtype }))
}, 'full', ['size', 'fillValue', ...optionNames])
/**
 * Zeros of a shape: `zeros(2, 3)` or `zeros([2, 3], {dtype})`. As `torch.zeros`.
 *
 * @example
 * zeros(2, 3) // → tensor([[0., 0., 0.],
 * //           [0., 0., 0.]])
 * zeros([2], { dtype: 'int32' }) // → tensor([0, 0])
 */
export const zeros: Factory = filled('zeros', 0)
/**
 * Ones of a shape. As `torch.ones`.
 *
 * @example
 * ones(3) // → tensor([1., 1., 1.])
 */
export const ones: Factory = filled('ones', 1)
/**
 * As `zeros`: fresh memory is always cleared here. As `torch.empty`.
 *
 * @example
 * empty(2, 2).shape // → [ 2, 2 ]
 */
export const empty: Factory = filled('empty', 0)

/** A number as a dtype keeps it. */
export const storable = (v: number | boolean, dtype: DType): number =>
  dtype === 'bool' ? Number(Boolean(v)) : dtypes[dtype].kind === 'int' ? Math.trunc(Number(v)) : Number(v)

/** One value in a shape, on the device that x is on unless another is asked for; x's dtype unless given. */
export function filledBeside(op: string, x: Tensor, shape: Shape, value: number | boolean, options: CreationOptions = {}): Tensor {
  needOptions(op, options)
  const dtype = options.dtype ?? needTensor(op, x).dtype
  if (options.device) return full(shape, value, { ...options, dtype })
  return settle(apply1(filledBesideOp, [x.detach()], { shape, value: storable(value, dtype), dtype }), options)
}

type Like = ((x: Tensor, options?: CreationOptions) => Tensor) & Described
const like = (name: string, value: number): Like => describe((x: Tensor, options?: CreationOptions) => filledBeside(name, x, needTensor(name, x).shape, value, options), name, ['input', ...optionNames])
/**
 * A tensor of x's shape (and dtype, unless given) filled with one value. As `torch.full_like`.
 *
 * @example
 * fullLike(tensor([1, 2]), 9) // → tensor([9., 9.])
 */
export const fullLike: ((x: Tensor, value: number | boolean, options?: CreationOptions) => Tensor) & Described = describe((x: Tensor, value: number | boolean, options?: CreationOptions) => filledBeside('fullLike', x, needTensor('fullLike', x).shape, value, options), 'fullLike', ['input', 'fillValue', ...optionNames])
/**
 * Zeros of x's shape and dtype, unless another is given. As `torch.zeros_like`.
 *
 * @example
 * zerosLike(tensor([1, 2])) // → tensor([0., 0.])
 */
export const zerosLike: Like = like('zerosLike', 0)
/**
 * Ones of x's shape and dtype, unless another is given. As `torch.ones_like`.
 *
 * @example
 * onesLike(tensor([1, 2]), { dtype: 'int32' }) // → tensor([1, 1])
 */
export const onesLike: Like = like('onesLike', 1)
/**
 * As `zerosLike`: fresh memory is always cleared here. As `torch.empty_like`.
 *
 * @example
 * emptyLike(tensor([1, 2])).shape // → [ 2 ]
 */
export const emptyLike: Like = like('emptyLike', 0)

interface RangeParams {
  readonly start: number
  readonly step: number
  readonly length: number
  readonly dtype: DType
}
const ramp = (t: ScalarType): Program => program([S.add(S.param(0, t), S.mul(S.cast(S.index(), t), S.param(1, t)))], [], [t, t])
const ramps: Record<ScalarType, Program> = { float32: ramp('float32'), float64: ramp('float64'), int32: ramp('int32'), bool: ramp('int32') }
const rangeOp: Op<RangeParams> = {
  name: 'arange',
  infer: (_, { length, dtype }) => [{ dtype, shape: [length] }],
  lower(k, _, { start, step, length, dtype }) {
    const out = k.alloc(dtype, [length])
    k.run({ kind: 'map', program: ramps[scalarType(dtype)], params: [start, step] }, [], [out])
    return [out]
  },
  saves: 'nothing',
}

/**
 * start, start + step, … below end; int32 when all are whole numbers. `arange(n)` counts from 0. As `torch.arange`.
 *
 * @example
 * arange(4) // → tensor([0, 1, 2, 3])
 * arange(1, 2, 0.25) // → tensor([1.0000, 1.2500, 1.5000, 1.7500])
 */
export const arange: ((start: number, end?: number | CreationOptions, step?: number | CreationOptions, options?: CreationOptions) => Tensor) & Described = describe((...args: (number | CreationOptions | undefined)[]) => {
  const numbers = args.filter(a => typeof a === 'number')
  const options = (args.find(a => typeof a === 'object') ?? {}) as CreationOptions
  const [start, end, step] = numbers.length === 1 ? [0, numbers[0], 1] : [numbers[0], numbers[1], numbers[2] ?? 1]
  needOptions('arange', options)
  if (step === 0 || !Number.isFinite((end - start) / step)) fail('arange', `from ${start} to ${end} by ${step} never ends`, 'give finite numbers and a step that is not 0')
  if ((end - start) / step < 0) fail('arange', `from ${start} to ${end} the step ${step} leads away`, 'change the sign of the step')
  const dtype = options.dtype ?? (numbers.every(Number.isInteger) ? 'int32' : 'float32')
  return place(options, () => apply1(rangeOp, [], { start: storable(start, dtype), step: storable(step, dtype), length: Math.ceil((end - start) / step), dtype }))
}, 'arange', ['start', 'end', 'step', ...optionNames])

interface LineParams {
  readonly start: number
  readonly end: number
  readonly steps: number
  readonly dtype: DType
}
// From both ends towards the middle, so that the last value is exact too.
const line = (t: ScalarType): Program => {
  const [start, end, step, half, last] = [S.param(0, t), S.param(1, t), S.param(2, t), S.param(3, 'int32'), S.param(4, 'int32')]
  const way = (n: Scalar): Scalar => S.mul(step, S.cast(n, t))
  return program([S.select(S.lt(S.index(), half), S.add(start, way(S.index())), S.sub(end, way(S.sub(last, S.index()))))], [], [t, t, t, 'int32', 'int32'])
}
const lines = { float32: line('float32'), float64: line('float64') }
const lineOp: Op<LineParams> = {
  name: 'linspace',
  infer: (_, { steps, dtype }) => [{ dtype, shape: [steps] }],
  lower(k, _, { start, end, steps, dtype }) {
    const out = k.alloc(dtype, [steps])
    k.run({ kind: 'map', program: lines[dtype === 'float64' ? 'float64' : 'float32'], params: [start, end, steps > 1 ? (end - start) / (steps - 1) : 0, Math.ceil(steps / 2), steps - 1] }, [], [out])
    return [out]
  },
  saves: 'nothing',
}

interface LineArgs extends CreationOptions {
  start: number
  end: number
  steps: number
}
/** Values of a line; of whole numbers worked out beforehand, so that none falls short of its own. */
function spaced(op: string, { start, end, steps, dtype = 'float32', ...options }: LineArgs, shape: (x: number) => number, shaped: (x: Tensor) => Tensor): Tensor {
  if (typeof start !== 'number' || typeof end !== 'number') fail(op, `from ${String(start)} to ${String(end)}`, 'give two numbers')
  if (!Number.isInteger(steps) || steps < 0) fail(op, `${steps} steps`, 'give a whole number ≥ 0')
  needDType(op, dtype)
  if (isFloat(dtype)) return place(options, () => shaped(apply1(lineOp, [], { start, end, steps, dtype })))
  const step = (end - start) / Math.max(1, steps - 1)
  return tensor(Float64Array.from({ length: steps }, (_, i) => Math.trunc(shape(i < steps / 2 ? start + step * i : end - step * (steps - 1 - i)))), { ...options, dtype })
}
/**
 * `steps` values from start to end, both included, evenly spaced. As `torch.linspace`.
 *
 * @example
 * linspace(0, 1, 5) // → tensor([0.0000, 0.2500, 0.5000, 0.7500, 1.0000])
 */
export const linspace: ((start: number, end: number, steps: number, options?: CreationOptions) => Tensor) & Described =
  define('linspace', ['start', 'end', 'steps', ...optionNames], (a: LineArgs) => spaced('linspace', a, x => x, x => x))
/**
 * base^x for `steps` values x from start to end, both included, evenly spaced. As `torch.logspace`.
 *
 * @example
 * logspace(0, 2, 3) // → tensor([  1.,  10., 100.])
 */
export const logspace: ((start: number, end: number, steps: number, base?: number | (CreationOptions & { base?: number }), options?: CreationOptions) => Tensor) & Described =
  define('logspace', ['start', 'end', 'steps', 'base', ...optionNames], ({ base = 10, ...a }: LineArgs & { base?: number }) => spaced('logspace', a, x => base ** x, x => pow(base, x)))

/**
 * Ones on the diagonal, zeros elsewhere. As `torch.eye`.
 *
 * @example
 * eye(2) // → tensor([[1., 0.],
 * //           [0., 1.]])
 */
export const eye: ((n: number, m?: number | CreationOptions, options?: CreationOptions) => Tensor) & Described = describe((n: number, m?: number | CreationOptions, options?: CreationOptions) => {
  const o = (typeof m === 'object' ? m : options) ?? {}
  needOptions('eye', o)
  const cols = typeof m === 'number' ? m : n
  sizes('eye', [n, cols])
  return place(o, () => cast(unsqueeze(arange(n), 1).eq(arange(cols)), o.dtype ?? 'float32'))
}, 'eye', ['n', 'm', ...optionNames])

const triangle = (name: string, keep: typeof le): ((x: Tensor, diagonal?: number) => Tensor) & Described => describe((x: Tensor, diagonal = 0) => {
  if (!Number.isInteger(diagonal)) fail(name, `the diagonal is ${String(diagonal)}`, 'give a whole number')
  if (needTensor(name, x).ndim < 2) fail(name, `expected a matrix or a stack of them, got ${x}`, 'unsqueeze first')
  const [n, m] = x.shape.slice(-2)
  return where(keep(arange(m), add(unsqueeze(arange(n), 1), diagonal)), x, dtypes[x.dtype].kind === 'bool' ? false : 0)
}, name, ['input', 'diagonal'])
/**
 * The part on and below the `diagonal`-th diagonal, zeros elsewhere. As `torch.tril`.
 *
 * @example
 * tril(ones(2, 2)) // → tensor([[1., 0.],
 * //           [1., 1.]])
 */
export const tril: ((x: Tensor, diagonal?: number) => Tensor) & Described = triangle('tril', le)
/**
 * The part on and above the `diagonal`-th diagonal, zeros elsewhere. As `torch.triu`.
 *
 * @example
 * triu(ones(2, 2), 1) // → tensor([[0., 1.],
 * //           [0., 0.]])
 */
export const triu: ((x: Tensor, diagonal?: number) => Tensor) & Described = triangle('triu', ge)
