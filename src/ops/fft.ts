// Discrete Fourier transforms, the namespace `fft`, as `torch.fft`. Complex numbers are complex64. Every function is one linear record
// (fft-transform.ts) for each dimension; a Hermitian half is completed by counting what has a mirror image twice.
import { isComplex, isDifferentiable } from '../core/dtype.ts'
import { fail } from '../core/errors.ts'
import { normalizeDim, normalizeDims } from '../core/shape.ts'
import { cast } from './cast.ts'
import { arange, full, place, type CreationOptions } from './creation.ts'
import { define, needTensor, type Described } from './define.ts'
import { transform, type TransformParams } from './fft-transform.ts'
import { cat, narrow, reshape, roll } from './movement.ts'
import { div, mul } from './pointwise.ts'
import type { Tensor } from './tensor.ts'

/** Where the factor 1/n stands: with the inverse ('backward', the default), with the forward transform, or as 1/√n with both ('ortho'). */
export type FFTNorm = 'backward' | 'forward' | 'ortho'
export interface FFTOptions {
  /** Length of the transform: the input is cut, or continued with zeros. */
  n?: number | null
  dim?: number
  norm?: FFTNorm | null
}
export interface FFTNOptions {
  /** Lengths of the transforms; -1 leaves a size as it is. */
  s?: Numbers
  dim?: Numbers
  norm?: FFTNorm | null
}
type FFT = ((input: Tensor, n?: number | null | FFTOptions, dim?: number | FFTOptions, norm?: FFTNorm | null | FFTOptions) => Tensor) & Described
type Numbers = readonly number[] | number | null
type FFTN = ((input: Tensor, s?: Numbers | FFTNOptions, dim?: Numbers | FFTNOptions, norm?: FFTNorm | null | FFTNOptions) => Tensor) & Described

type Sign = TransformParams['sign']
const FORWARD = -1
const INVERSE = 1

/** The factor of one transform of n. 'backward' puts it with the inverse. */
function factor(op: string, n: number, inverse: boolean, norm: FFTNorm | null = 'backward'): number {
  if (norm === 'ortho') return 1 / Math.sqrt(n)
  if (norm !== null && norm !== 'backward' && norm !== 'forward') fail(op, `norm is ${JSON.stringify(norm)}`, "it is 'backward', 'ortho' or 'forward'")
  return inverse === (norm !== 'forward') ? 1 / n : 1
}

/** x as a float32 or complex64 tensor. */
function ready(op: string, x: Tensor, mustBeReal = false): Tensor {
  const { dtype } = needTensor(op, x)
  if (mustBeReal && isComplex(dtype)) fail(op, `expected a real tensor, got ${x}`, 'fft takes complex ones')
  if (dtype === 'float64' || dtype === 'float16' || dtype === 'bfloat16') fail(op, `${x} would need complex numbers of ${dtype} parts, which are not here`, "convert it: x.to('float32')")
  return isComplex(dtype) ? x : cast(x, 'float32')
}

interface Along {
  readonly axis: number
  readonly n: number
  readonly scale: number
}
function needLength(op: string, n: number, what: string): void {
  if (!Number.isInteger(n) || n < 1) fail(op, `a transform of ${n} points (${what})`, 'give a length of at least 1')
}

const cut = (x: Tensor, axis: number, n: number): Tensor => (x.shape[axis] > n ? narrow(x, axis, 0, n) : x)
const half = (n: number): number => Math.floor(n / 2) + 1

const whole = (x: Tensor, { axis, n, scale }: Along, sign: Sign): Tensor => transform(cut(x, axis, n), { axis, n, sign, scale, keep: n, real: false })
/** The first half of the transform of real numbers; the rest is its mirror image. */
const toHalf = (x: Tensor, { axis, n, scale }: Along, sign: Sign): Tensor => transform(cut(x, axis, n), { axis, n, sign, scale, keep: half(n), real: false })
/**
 * The real transform of which x is the first half: what has a mirror image, so all but the constant and, of an even n, the highest frequency, counts
 * twice.
 */
function fromHalf(x: Tensor, { axis, n, scale }: Along, sign: Sign): Tensor {
  const first = cut(x, axis, half(n))
  const length = first.shape[axis]
  const single = length > 1 && length === half(n) && n % 2 === 0 ? 1 : 0
  const counts = cat([full([Math.min(1, length)], 1), full([Math.max(0, length - 1 - single)], 2), full([single], 1)])
  const weighted = mul(first, reshape(counts, first.shape.map((_, i) => (i === axis ? -1 : 1))))
  return transform(weighted, { axis, n, sign, scale, keep: n, real: true })
}

// One dimension

interface OneArgs extends FFTOptions {
  input: Tensor
}
type Run = (x: Tensor, along: Along, sign: Sign) => Tensor

/** `lengthOf` gives the length where none is asked for. */
function one(name: string, inverse: boolean, sign: Sign, run: Run, lengthOf: (size: number) => number, mustBeReal = false): FFT {
  const op = `fft.${name}`
  return define(op, ['input', 'n', 'dim', 'norm'], ({ input, n, dim = -1, norm }: OneArgs) => {
    const x = ready(op, input, mustBeReal)
    const axis = needAxis(op, x, dim)
    const length = n ?? lengthOf(x.shape[axis])
    needLength(op, length, n === undefined || n === null ? `dimension ${dim} of ${x}` : 'n')
    return run(x, { axis, n: length, scale: factor(op, length, inverse, norm) }, sign)
  })
}
function needAxis(op: string, x: Tensor, dim: number): number {
  if (x.ndim === 0) fail(op, `${x} has no dimension to transform`, 'give a tensor of at least one dimension')
  return normalizeDim(op, dim, x.ndim)
}
const same = (size: number): number => size
const mirrored = (size: number): number => 2 * (size - 1)

/**
 * Fourier transform X_k = Σ_j x_j·e^(−2πi·jk/n) along a dimension; complex64. As `torch.fft.fft`.
 *
 * @example
 * fft.fft(tensor([1, 0, 0, 0])) // → tensor([1.+0.j, 1.+0.j, 1.+0.j, 1.+0.j])
 */
export const fft: FFT = one('fft', false, FORWARD, whole, same)
/**
 * Inverse Fourier transform x_j = 1/n · Σ_k X_k·e^(2πi·jk/n) along a dimension; complex64. As `torch.fft.ifft`.
 *
 * @example
 * fft.ifft(fft.fft(tensor([1, 2, 3, 4]))) // → tensor([1.+0.j, 2.+0.j, 3.+0.j, 4.+0.j])
 */
export const ifft: FFT = one('ifft', true, INVERSE, whole, same)
/**
 * Fourier transform of real numbers: the first ⌊n/2⌋ + 1 values, of which the others are mirror images; complex64. As `torch.fft.rfft`.
 *
 * @example
 * fft.rfft(tensor([1, 2, 3, 4])) // → tensor([10.+0.j, -2.+2.j, -2.+0.j])
 */
export const rfft: FFT = one('rfft', false, FORWARD, toHalf, same, true)
/**
 * Inverse of `rfft`: n real numbers, by default 2·(size − 1). As `torch.fft.irfft`.
 *
 * @example
 * fft.irfft(fft.rfft(tensor([1, 2, 3, 4]))) // → tensor([1., 2., 3., 4.])
 */
export const irfft: FFT = one('irfft', true, INVERSE, fromHalf, mirrored)
/**
 * Fourier transform of a signal with Hermitian symmetry, given by its first half: n real numbers, by default 2·(size − 1). As `torch.fft.hfft`.
 *
 * @example
 * fft.hfft(tensor([1, 2, 3])) // → tensor([ 8., -2.,  0., -2.])
 */
export const hfft: FFT = one('hfft', false, FORWARD, fromHalf, mirrored)
/**
 * Inverse of `hfft`: the first half of the inverse transform of real numbers; complex64. As `torch.fft.ihfft`.
 *
 * @example
 * fft.ihfft(tensor([1, 2, 3, 4])) // → tensor([ 2.5000+0.0000j, -0.5000-0.5000j, -0.5000+0.0000j])
 */
export const ihfft: FFT = one('ihfft', true, INVERSE, toHalf, same, true)

// Several dimensions

interface ManyArgs extends FFTNOptions {
  input: Tensor
}
const listOf = (v: readonly number[] | number): readonly number[] => (typeof v === 'number' ? [v] : v)

interface Many {
  /** The length where none is asked for, of the last of the dimensions. */
  readonly size?: (n: number) => number
  /** The last of the dimensions is transformed before the others. */
  readonly lastFirst?: boolean
  readonly mustBeReal?: boolean
  /** Two dimensions by default. */
  readonly two?: boolean
}
/** `last` transforms the last of the dimensions, a plain transform those before. */
function many(name: string, inverse: boolean, sign: Sign, last: Run, { size = same, lastFirst = false, mustBeReal = false, two = false }: Many = {}): FFTN {
  const op = `fft.${name}`
  return define(op, ['input', 's', 'dim', 'norm'], ({ input, s, dim, norm }: ManyArgs) => {
    const x = ready(op, input, mustBeReal)
    const sizes = s === undefined || s === null ? null : listOf(s)
    const given = dim ?? (two ? [-2, -1] : null)
    const dims = given !== null ? listOf(given).map(d => needAxis(op, x, d)) : [...x.shape.keys()].slice(sizes ? -sizes.length : 0)
    if (new Set(dims).size !== dims.length) fail(op, `a dimension of [${listOf(given ?? dims)}] is named twice`, 'name each once')
    if (sizes && sizes.length !== dims.length) fail(op, `${sizes.length} lengths for ${dims.length} dimensions of ${x}`, 'give one length for each dimension')
    if (dims.length === 0) fail(op, `no dimension of ${x} is transformed`, 'name at least one')
    const alongs = dims.map((axis, i): Along => {
      const asked = sizes?.[i] ?? -1
      const n = asked !== -1 ? asked : i === dims.length - 1 ? size(x.shape[axis]) : x.shape[axis]
      needLength(op, n, `dimension ${axis} of ${x}`)
      return { axis, n, scale: factor(op, n, inverse, norm) }
    })
    const end = alongs.pop()!
    const before = (y: Tensor): Tensor => alongs.reduce((z, along) => whole(z, along, sign), y)
    return lastFirst ? before(last(x, end, sign)) : last(before(x), end, sign)
  })
}

/**
 * `fft` over several dimensions: all, or those of `dim`. As `torch.fft.fftn`.
 *
 * @example
 * fft.fftn(ones(2, 2, 2), { dim: [0, 2] }).shape // → [ 2, 2, 2 ]
 */
export const fftn: FFTN = many('fftn', false, FORWARD, whole)
/**
 * `ifft` over several dimensions: all, or those of `dim`. As `torch.fft.ifftn`.
 *
 * @example
 * fft.ifftn(fft.fftn(ones(2, 2))) // → tensor([[1.+0.j, 1.+0.j],
 * //           [1.+0.j, 1.+0.j]])
 */
export const ifftn: FFTN = many('ifftn', true, INVERSE, whole)
/**
 * `rfft` over the last of several dimensions, then `fft` over the others. As `torch.fft.rfftn`.
 *
 * @example
 * fft.rfftn(ones(2, 4)).shape // → [ 2, 3 ]
 */
export const rfftn: FFTN = many('rfftn', false, FORWARD, toHalf, { lastFirst: true, mustBeReal: true })
/**
 * `ifft` over several dimensions but the last, then `irfft` over the last. As `torch.fft.irfftn`.
 *
 * @example
 * fft.irfftn(fft.rfftn(ones(2, 2))) // → tensor([[1., 1.],
 * //           [1., 1.]])
 */
export const irfftn: FFTN = many('irfftn', true, INVERSE, fromHalf, { size: mirrored })
/**
 * `fft` over several dimensions but the last, then `hfft` over the last. As `torch.fft.hfftn`.
 *
 * @example
 * fft.hfftn(ones(2, 3)).shape // → [ 2, 4 ]
 */
export const hfftn: FFTN = many('hfftn', false, FORWARD, fromHalf, { size: mirrored })
/**
 * `ihfft` over the last of several dimensions, then `ifft` over the others. As `torch.fft.ihfftn`.
 *
 * @example
 * fft.ihfftn(ones(2, 4)).shape // → [ 2, 3 ]
 */
export const ihfftn: FFTN = many('ihfftn', true, INVERSE, toHalf, { lastFirst: true, mustBeReal: true })
/**
 * `fftn` over two dimensions, by default the last. As `torch.fft.fft2`.
 *
 * @example
 * fft.fft2(ones(2, 2)) // → tensor([[4.+0.j, 0.+0.j],
 * //           [0.+0.j, 0.+0.j]])
 */
export const fft2: FFTN = many('fft2', false, FORWARD, whole, { two: true })
/**
 * `ifftn` over two dimensions, by default the last. As `torch.fft.ifft2`.
 *
 * @example
 * fft.ifft2(fft.fft2(ones(2, 2))) // → tensor([[1.+0.j, 1.+0.j],
 * //           [1.+0.j, 1.+0.j]])
 */
export const ifft2: FFTN = many('ifft2', true, INVERSE, whole, { two: true })
/**
 * `rfftn` over two dimensions, by default the last. As `torch.fft.rfft2`.
 *
 * @example
 * fft.rfft2(ones(2, 2)) // → tensor([[4.+0.j, 0.+0.j],
 * //           [0.+0.j, 0.+0.j]])
 */
export const rfft2: FFTN = many('rfft2', false, FORWARD, toHalf, { lastFirst: true, mustBeReal: true, two: true })
/**
 * `irfftn` over two dimensions, by default the last. As `torch.fft.irfft2`.
 *
 * @example
 * fft.irfft2(fft.rfft2(ones(2, 2))) // → tensor([[1., 1.],
 * //           [1., 1.]])
 */
export const irfft2: FFTN = many('irfft2', true, INVERSE, fromHalf, { size: mirrored, two: true })
/**
 * `hfftn` over two dimensions, by default the last. As `torch.fft.hfft2`.
 *
 * @example
 * fft.hfft2(ones(2, 3)).shape // → [ 2, 4 ]
 */
export const hfft2: FFTN = many('hfft2', false, FORWARD, fromHalf, { size: mirrored, two: true })
/**
 * `ihfftn` over two dimensions, by default the last. As `torch.fft.ihfft2`.
 *
 * @example
 * fft.ihfft2(ones(2, 4)).shape // → [ 2, 3 ]
 */
export const ihfft2: FFTN = many('ihfft2', true, INVERSE, toHalf, { lastFirst: true, mustBeReal: true, two: true })

// Frequencies

type Frequencies = ((n: number, d?: number | CreationOptions, options?: CreationOptions) => Tensor) & Described
interface FrequencyArgs extends CreationOptions {
  n: number
  d?: number
}
function frequencies(name: string, make: (n: number) => Tensor): Frequencies {
  const op = `fft.${name}`
  return define(op, ['n', 'd', '*', 'dtype', 'device', 'requiresGrad'], ({ n, d = 1, dtype = 'float32', ...rest }: FrequencyArgs) => {
    needLength(op, n, 'n')
    if (!isDifferentiable(dtype)) fail(op, `frequencies are fractions, dtype is ${dtype}`, "use 'float32'")
    return place(rest, () => cast(div(make(n), n * d), dtype))
  })
}
/**
 * Frequencies of the values of `fft` for samples d apart: [0, 1, …, −2, −1]/(d·n). As `torch.fft.fftfreq`.
 *
 * @example
 * fft.fftfreq(4) // → tensor([ 0.0000,  0.2500, -0.5000, -0.2500])
 */
export const fftfreq: Frequencies = frequencies('fftfreq', n => cat([arange(0, Math.ceil(n / 2)), arange(-Math.floor(n / 2), 0)]))
/**
 * Frequencies of the values of `rfft` for samples d apart: [0, 1, …, ⌊n/2⌋]/(d·n). As `torch.fft.rfftfreq`.
 *
 * @example
 * fft.rfftfreq(4) // → tensor([0.0000, 0.2500, 0.5000])
 */
export const rfftfreq: Frequencies = frequencies('rfftfreq', n => arange(0, half(n)))

type Shift = ((input: Tensor, dim?: Numbers | { dim?: Numbers }) => Tensor) & Described
interface ShiftArgs {
  input: Tensor
  dim?: Numbers
}
function shift(name: string, by: (n: number) => number): Shift {
  const op = `fft.${name}`
  return define(op, ['input', 'dim'], ({ input, dim }: ShiftArgs) => {
    const dims = normalizeDims(op, dim, needTensor(op, input).ndim)
    return dims.length === 0 ? input : roll(input, dims.map(d => by(input.shape[d])), dims)
  })
}
/**
 * Moves the frequency 0 from the front to the middle of dimensions (default: all). As `torch.fft.fftshift`.
 *
 * @example
 * fft.fftshift(tensor([0, 1, 2, -2, -1])) // → tensor([-2., -1.,  0.,  1.,  2.])
 */
export const fftshift: Shift = shift('fftshift', n => Math.floor(n / 2))
/**
 * Undoes `fftshift`. As `torch.fft.ifftshift`.
 *
 * @example
 * fft.ifftshift(tensor([-2, -1, 0, 1, 2])) // → tensor([ 0.,  1.,  2., -2., -1.])
 */
export const ifftshift: Shift = shift('ifftshift', n => Math.ceil(n / 2))
