// Tensors made beside others, indices of triangles, windows of signal processing.
import { isFloat } from '../core/dtype.ts'
import { fail } from '../core/errors.ts'
import { broadcastShapes as commonShape, type Shape } from '../core/shape.ts'
import { asStrided } from './arranging.ts'
import { cast } from './cast.ts'
import { arange, filledBeside, optionNames, sizes, tensor, zeros, type CreationOptions, type TensorData } from './creation.ts'
import { define, describe, needTensor, type Described, type Operand } from './define.ts'
import { clone, where } from './pointwise.ts'
import { Tensor } from './tensor.ts'

type NewFilled = ((x: Tensor, ...size: (number | Shape | CreationOptions)[]) => Tensor) & Described
const newFilled = (name: string, value: number): NewFilled => describe((x: Tensor, ...size: (number | Shape | CreationOptions)[]) => {
  const { shape, options } = sizes(name, size)
  return filledBeside(name, x, shape, value, options)
}, name, ['input', 'size', ...optionNames])
/**
 * Zeros of a shape, with x's dtype and device unless given. As `torch.Tensor.new_zeros`.
 *
 * @example
 * tensor([1], { dtype: 'int32' }).newZeros(2) // → tensor([0, 0])
 */
export const newZeros: NewFilled = newFilled('newZeros', 0)
/**
 * Ones of a shape, with x's dtype and device unless given. As `torch.Tensor.new_ones`.
 *
 * @example
 * tensor([1], { dtype: 'int32' }).newOnes(2) // → tensor([1, 1])
 */
export const newOnes: NewFilled = newFilled('newOnes', 1)
/**
 * As `newZeros`. As `torch.Tensor.new_empty`.
 *
 * @example
 * tensor([1]).newEmpty(2, 3).shape // → [ 2, 3 ]
 */
export const newEmpty: NewFilled = newFilled('newEmpty', 0)
/**
 * A shape filled with one value, with x's dtype and device unless given. As `torch.Tensor.new_full`.
 *
 * @example
 * tensor([1]).newFull([2], 0.5) // → tensor([0.5000, 0.5000])
 */
export const newFull: ((x: Tensor, size: Shape, fillValue: number | boolean, options?: CreationOptions) => Tensor) & Described = describe((x: Tensor, size: Shape, fillValue: number | boolean, options?: CreationOptions) =>
  filledBeside('newFull', x, sizes('newFull', [size]).shape, fillValue, options), 'newFull', ['input', 'size', 'fillValue', ...optionNames])
/**
 * A tensor of given values, with x's dtype unless given. As `torch.Tensor.new_tensor`.
 *
 * @example
 * tensor([1], { dtype: 'int32' }).newTensor([2, 3]) // → tensor([2, 3])
 */
export const newTensor: ((x: Tensor, data: TensorData, options?: CreationOptions) => Tensor) & Described = describe((x: Tensor, data: TensorData, options: CreationOptions = {}) =>
  tensor(data, { ...options, dtype: options.dtype ?? needTensor('newTensor', x).dtype }), 'newTensor', ['input', 'data', ...optionNames])

/**
 * The tensor itself (converted, if a dtype is given), or a tensor of the values. As `torch.as_tensor`.
 *
 * @example
 * asTensor([1, 2]) // → tensor([1., 2.])
 */
export const asTensor: ((data: TensorData, options?: Omit<CreationOptions, 'requiresGrad'>) => Tensor) & Described = describe((data: TensorData, options: Omit<CreationOptions, 'requiresGrad'> = {}) => {
  if (!(data instanceof Tensor)) return tensor(data, options)
  if (options.device && options.device !== data.device) fail('asTensor', `${data} is on ${data.device}, not on ${options.device}`, "await toDevice(x, '…') brings it there")
  return cast(data, options.dtype ?? data.dtype)
}, 'asTensor', ['data', '*', 'dtype', 'device'])

export interface AsarrayOptions extends CreationOptions {
  /** true: always a copy. */
  copy?: boolean
}
/**
 * As `asTensor`; with `copy` never the tensor itself. As `torch.asarray`.
 *
 * @example
 * const x = tensor([1, 2])
 * asarray(x, { copy: true }) === x // → false
 */
export const asarray: ((obj: TensorData, options?: AsarrayOptions) => Tensor) & Described = describe((obj: TensorData, { copy = false, requiresGrad = false, ...options }: AsarrayOptions = {}) => {
  const x = asTensor(obj, options)
  const y = copy && x === obj ? clone(x) : x
  return requiresGrad ? y.requiresGrad_() : y
}, 'asarray', ['obj', '*', 'dtype', 'device', 'copy', 'requiresGrad'])

interface RangeArgs extends CreationOptions {
  start: number
  end: number
  step?: number
}
/**
 * start, start + step, … up to end, which is included. As `torch.range`.
 *
 * @example
 * range(1, 3) // → tensor([1., 2., 3.])
 */
export const range: ((start: number, end: number, step?: number | CreationOptions, options?: CreationOptions) => Tensor) & Described =
  define('range', ['start', 'end', 'step', ...optionNames], ({ start, end, step = 1, dtype = 'float32', ...options }: RangeArgs) => {
    const length = Math.floor((end - start) / step) + 1
    if (!Number.isFinite(length) || length < 1) fail('range', `from ${start} to ${end} by ${step} there is nothing, or no end`, 'give a step that leads from start to end')
    return arange(start, start + (length - 0.5) * step, step, { ...options, dtype })
  })

/**
 * Fresh memory of any strides, cleared. As `torch.empty_strided`.
 *
 * @example
 * emptyStrided([2, 3], [1, 2]).stride() // → [ 1, 2 ]
 */
export const emptyStrided: ((size: Shape, stride: Shape, options?: CreationOptions) => Tensor) & Described = describe((size: Shape, stride: Shape, { requiresGrad = false, ...options }: CreationOptions = {}) => {
  const room = size.includes(0) ? 0 : size.reduce((at, n, i) => at + (n - 1) * stride[i], 1)
  const x = asStrided(zeros([room], options), size, stride).detach()
  return requiresGrad ? x.requiresGrad_() : x
}, 'emptyStrided', ['size', 'stride', ...optionNames])

/**
 * The shape that shapes broadcast to. As `torch.broadcast_shapes`.
 *
 * @example
 * broadcastShapes([2, 1], [3]) // → [ 2, 3 ]
 */
export const broadcastShapes: (...shapes: Shape[]) => number[] = (...shapes: Shape[]) => commonShape('broadcastShapes', shapes)

/**
 * A tensor like x with `value` (a number or a 0-dim tensor) everywhere. As `torch.fill`.
 *
 * @example
 * tensor([1, 2]).fill(5) // → tensor([5., 5.])
 */
export const fill: ((x: Tensor, value: Operand) => Tensor) & Described = define('fill', ['input', 'value'], ({ input, value }: { input: Tensor; value: Operand }) => {
  if (value instanceof Tensor && value.ndim > 0) fail('fill', `the value is ${value}`, 'give a number or a 0-dim tensor')
  return cast(where(true, value, needTensor('fill', input)), input.dtype)
})

interface TriangleArgs extends CreationOptions {
  row: number
  col: number
  offset?: number
}
type Triangle = ((row: number, col: number, offset?: number | CreationOptions, options?: CreationOptions) => Tensor) & Described
const triangleIndices = (name: string, keep: (c: number, r: number) => boolean): Triangle => define(name, ['row', 'col', 'offset', ...optionNames], ({ row, col, offset = 0, ...options }: TriangleArgs) => {
  sizes(name, [row, col])
  if (!Number.isInteger(offset)) fail(name, `the offset is ${String(offset)}`, 'give a whole number')
  const [rows, columns]: [number[], number[]] = [[], []]
  for (let r = 0; r < row; r++)
    for (let c = 0; c < col; c++)
      if (keep(c, r + offset)) {
        rows.push(r)
        columns.push(c)
      }
  return tensor(Int32Array.from([...rows, ...columns]), { ...options, shape: [2, rows.length] })
})
/**
 * Rows and columns of the elements on and below a diagonal of a row × col matrix: int32 [2, count]. As `torch.tril_indices`.
 *
 * @example
 * trilIndices(2, 2) // → tensor([[0, 1, 1],
 * //           [0, 0, 1]])
 */
export const trilIndices: Triangle = triangleIndices('trilIndices', (c, r) => c <= r)
/**
 * Rows and columns of the elements on and above a diagonal. As `torch.triu_indices`.
 *
 * @example
 * triuIndices(2, 2) // → tensor([[0, 0, 1],
 * //           [0, 1, 1]])
 */
export const triuIndices: Triangle = triangleIndices('triuIndices', (c, r) => c >= r)

interface WindowArgs extends CreationOptions {
  windowLength: number
  periodic?: boolean
}
/** value(t) for t from 0 to 1 over the length; a periodic window leaves the last point out. */
function windowOf(op: string, { windowLength: n, periodic = true, dtype = 'float32', device, requiresGrad }: WindowArgs, value: (t: number) => number): Tensor {
  if (!Number.isInteger(n) || n < 0) fail(op, `the length is ${String(n)}`, 'give a whole number ≥ 0')
  if (typeof periodic !== 'boolean') fail(op, `periodic is ${String(periodic)}`, 'true or false')
  if (!isFloat(dtype)) fail(op, `a window of ${dtype}`, 'give a float dtype')
  return tensor(Float64Array.from({ length: n }, (_, i) => (n === 1 ? 1 : value(i / (periodic ? n : n - 1)))), { dtype, device, requiresGrad })
}
type Window = ((windowLength: number, periodic?: boolean | CreationOptions, options?: CreationOptions) => Tensor) & Described
const plainWindow = (name: string, value: (t: number) => number): Window => define(name, ['windowLength', 'periodic', ...optionNames], (a: WindowArgs) => windowOf(name, a, value))
const cosine = (k: number, t: number): number => Math.cos(2 * Math.PI * k * t)

/**
 * ½ − ½·cos 2πt over the window. As `torch.hann_window`.
 *
 * @example
 * hannWindow(4) // → tensor([0.0000, 0.5000, 1.0000, 0.5000])
 */
export const hannWindow: Window = plainWindow('hannWindow', t => 0.5 - 0.5 * cosine(1, t))
/**
 * 0.42 − 0.5·cos 2πt + 0.08·cos 4πt over the window. As `torch.blackman_window`.
 *
 * @example
 * blackmanWindow(4).at('1:') // → tensor([0.3400, 1.0000, 0.3400])
 */
export const blackmanWindow: Window = plainWindow('blackmanWindow', t => 0.42 - 0.5 * cosine(1, t) + 0.08 * cosine(2, t))
/**
 * A triangle from 0 up to 1 and back. As `torch.bartlett_window`.
 *
 * @example
 * bartlettWindow(4) // → tensor([0.0000, 0.5000, 1.0000, 0.5000])
 */
export const bartlettWindow: Window = plainWindow('bartlettWindow', t => 1 - Math.abs(2 * t - 1))
type HammingArgs = WindowArgs & { alpha?: number; beta?: number }
/**
 * alpha − beta·cos 2πt over the window. As `torch.hamming_window`.
 *
 * @example
 * hammingWindow(4).round({ decimals: 2 }) // → tensor([0.0800, 0.5400, 1.0000, 0.5400])
 */
export const hammingWindow: ((windowLength: number, periodic?: boolean | CreationOptions, alpha?: number | CreationOptions, beta?: number | CreationOptions, options?: CreationOptions) => Tensor) & Described =
  define('hammingWindow', ['windowLength', 'periodic', 'alpha', 'beta', ...optionNames], ({ alpha = 0.54, beta = 0.46, ...a }: HammingArgs) => windowOf('hammingWindow', a, t => alpha - beta * cosine(1, t)))

/** The modified Bessel function I₀, by its series Σ (x²/4)ᵏ / k!². */
function besselI0(x: number): number {
  let [sum, term] = [1, 1]
  for (let k = 1; term > sum * 1e-17; k++) sum += term *= (x * x) / (4 * k * k)
  return sum
}
/**
 * I₀(beta·√(1 − (2t − 1)²)) / I₀(beta) over the window. As `torch.kaiser_window`.
 *
 * @example
 * kaiserWindow(4, false).round({ decimals: 2 }) // → tensor([0.0000, 0.5200, 0.5200, 0.0000])
 */
export const kaiserWindow: ((windowLength: number, periodic?: boolean | CreationOptions, beta?: number | CreationOptions, options?: CreationOptions) => Tensor) & Described =
  define('kaiserWindow', ['windowLength', 'periodic', 'beta', ...optionNames], ({ beta = 12, ...a }: WindowArgs & { beta?: number }) => windowOf('kaiserWindow', a, t => besselI0(beta * Math.sqrt(Math.max(0, 1 - (2 * t - 1) ** 2))) / besselI0(beta)))
