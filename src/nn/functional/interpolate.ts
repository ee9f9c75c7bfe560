// Changing the size of images, one axis at a time. Which old positions a new one reads, and with what weights, follows PyTorch to the last rounding
// of the coordinates. Cubic weights: Keys 1981.
import { isFloat } from '../../core/dtype.ts'
import { fail } from '../../core/errors.ts'
import { define, needTensor, type Described } from '../../ops/define.ts'
import type { Tensor } from '../../ops/index.ts'
import { adaptiveAvgPool1d, adaptiveAvgPool2d, adaptiveAvgPool3d } from './pool.ts'
import { resample, runs, shared, type Taps } from './resample.ts'

export type InterpolateMode = 'nearest' | 'nearest-exact' | 'linear' | 'bilinear' | 'trilinear' | 'bicubic' | 'area'
export interface InterpolateOptions {
  /** New sizes of the spatial dimensions. */
  size?: number | readonly number[] | null
  /** Factor of each size, where `size` is not given. */
  scaleFactor?: number | readonly number[] | null
  mode?: InterpolateMode
  /** The centres of the corner pixels stay where they are; for the (bi-, tri-)linear and the cubic mode. */
  alignCorners?: boolean | null
  /** Take the scale from the sizes, after rounding, rather than from `scaleFactor`. */
  recomputeScaleFactor?: boolean | null
  /** Make the filter wide enough when shrinking; for bilinear and bicubic. */
  antialias?: boolean
}

const f32 = Math.fround
/** Old positions per new one; `given` is a scale factor that takes precedence over the sizes. */
function scaleOf(n: number, m: number, given: number | null, alignCorners: boolean): number {
  if (alignCorners) return m > 1 ? f32((n - 1) / (m - 1)) : 0
  return given ? f32(1 / given) : f32(n / m)
}
/** Where new position i lies among the old ones. */
const source = (scale: number, i: number, alignCorners: boolean): number => (alignCorners ? f32(scale * i) : f32(f32(scale * (i + 0.5)) - 0.5))
const range = <T>(m: number, each: (i: number) => T): T[] => Array.from({ length: m }, (_, i) => each(i))
const limited = (v: number, n: number): number => Math.min(Math.max(v, 0), n - 1)

const nearest = (n: number, m: number, scale: number, centre: number): Taps => ({ at: range(m, i => [Math.min(Math.floor(f32(f32(i + centre) * scale)), n - 1)]) })

function linear(n: number, m: number, scale: number, alignCorners: boolean): Taps {
  const real = range(m, i => Math.max(source(scale, i, alignCorners), 0))
  const low = real.map(v => Math.min(Math.floor(v), n - 1))
  const part = real.map((v, i) => Math.min(Math.max(f32(v - low[i]), 0), 1))
  return { at: low.map(v => [v, Math.min(v + 1, n - 1)]), weight: part.map(t => [1 - t, t]) }
}

/** The weight of a position at distance d, with the slope parameter a. */
const keys = (d: number, a: number): number => {
  const x = Math.abs(d)
  return x <= 1 ? ((a + 2) * x - (a + 3)) * x * x + 1 : x < 2 ? ((x - 5) * x + 8) * x * a - 4 * a : 0
}
function cubic(n: number, m: number, scale: number, alignCorners: boolean): Taps {
  const real = range(m, i => source(scale, i, alignCorners))
  return {
    at: real.map(v => range(4, l => limited(Math.floor(v) - 1 + l, n))),
    weight: real.map(v => range(4, l => keys(f32(v - Math.floor(v)) + 1 - l, -0.75))),
  }
}

/** A filter as wide as a new pixel where the image shrinks. */
function smooth(n: number, m: number, scale: number, reach: number, filter: (d: number) => number): Taps {
  const wide = Math.max(scale, 1)
  const centre = (i: number): number => scale * (i + 0.5)
  const from = (i: number): number => Math.max(Math.trunc(centre(i) - reach * wide + 0.5), 0)
  const used = (i: number): number => Math.min(Math.trunc(centre(i) + reach * wide + 0.5), n) - from(i)
  const raw = (i: number, l: number): number => filter((from(i) + l - centre(i) + 0.5) / wide)
  const total = range(m, i => range(used(i), l => raw(i, l)).reduce((a, b) => a + b, 0))
  const at = runs(m, from, used)
  return { at, weight: shared(at, used, (i, l) => raw(i, l) / total[i]) }
}

/** Modes and the number of spatial dimensions that they are for. */
const dimensions: Readonly<Record<InterpolateMode, readonly number[]>> = {
  nearest: [1, 2, 3], 'nearest-exact': [1, 2, 3], area: [1, 2, 3], linear: [1], bilinear: [2], bicubic: [2], trilinear: [3],
}

function tapsFor(mode: InterpolateMode, n: number, m: number, given: number | null, alignCorners: boolean, antialias: boolean): Taps {
  const scale = scaleOf(n, m, given, alignCorners)
  if (antialias) return mode === 'bicubic' ? smooth(n, m, scale, 2, d => keys(d, -0.5)) : smooth(n, m, scale, 1, d => Math.max(0, 1 - Math.abs(d)))
  if (mode === 'nearest') return nearest(n, m, scale, 0)
  if (mode === 'nearest-exact') return nearest(n, m, scale, 0.5)
  return mode === 'bicubic' ? cubic(n, m, scale, alignCorners) : linear(n, m, scale, alignCorners)
}

function sizesFor(sizes: readonly number[], { size, scaleFactor, recomputeScaleFactor }: InterpolateOptions): { out: readonly number[]; scales: readonly (number | null)[] } {
  const n = sizes.length
  const each = (what: string, v: number | readonly number[]): readonly number[] => {
    const list = typeof v === 'number' ? range(n, () => v) : v
    if (list.length !== n) fail('interpolate', `${what} has ${list.length} values for ${n} spatial dimension${n > 1 ? 's' : ''}`, 'give one number, or one for each')
    return list
  }
  const [asked, factor] = [size ?? null, scaleFactor ?? null]
  if ((asked === null) === (factor === null)) fail('interpolate', asked === null ? 'neither size nor scaleFactor is given' : 'size and scaleFactor are both given', 'give one of them')
  const factors = factor === null ? null : each('scaleFactor', factor)
  const out = factors ? sizes.map((s, i) => Math.floor(s * factors[i])) : each('size', asked!)
  if (!out.every(s => Number.isInteger(s) && s > 0)) fail('interpolate', `the result would have the sizes [${out}]`, 'give whole numbers ≥ 1, or larger factors')
  return { out, scales: factors && !recomputeScaleFactor ? factors : range(n, () => null) }
}

type Sizes = number | readonly number[] | null
type Interpolate = ((
  x: Tensor, size?: Sizes | InterpolateOptions, scaleFactor?: Sizes | InterpolateOptions, mode?: InterpolateMode | InterpolateOptions,
  alignCorners?: boolean | InterpolateOptions, options?: InterpolateOptions,
) => Tensor) & Described
const names = ['input', 'size', 'scaleFactor', 'mode', 'alignCorners', 'recomputeScaleFactor', 'antialias']
/**
 * Images of another size: [N, C, …] with 1, 2 or 3 spatial dimensions → [N, C, …size]. `nearest` (default), `nearest-exact`, `linear`, `bilinear`,
 * `trilinear`, `bicubic` or `area`. As `torch.nn.functional.interpolate`.
 *
 * @example
 * const x = tensor([[[1, 3]]])
 * F.interpolate(x, { scaleFactor: 2 }) // → tensor([[[1., 1., 3., 3.]]])
 * F.interpolate(x, { size: 4, mode: 'linear' }) // → tensor([[[1.0000, 1.5000, 2.5000, 3.0000]]])
 */
export const interpolate: Interpolate = define('interpolate', names, (a: { input: Tensor } & InterpolateOptions) => {
  const { input: x, mode = 'nearest', antialias = false } = a
  if (!isFloat(needTensor('interpolate', x).dtype)) fail('interpolate', `expected a float tensor, got ${x}`, "convert it: x.to('float32')")
  if (!Object.hasOwn(dimensions, mode)) fail('interpolate', `there is no mode '${String(mode)}'`, `modes: ${Object.keys(dimensions).join(', ')}`)
  const n = x.ndim - 2
  if (!dimensions[mode].includes(n)) fail('interpolate', `${mode} works on [N, C, …] with ${dimensions[mode].join(', ')} spatial dimension${dimensions[mode].length > 1 ? 's' : ''}, got ${x}`, "linear is for 1, bilinear and bicubic for 2, trilinear for 3")
  const fixed = mode === 'area' || mode.startsWith('nearest')
  if (fixed && typeof a.alignCorners === 'boolean') fail('interpolate', `alignCorners does not go with ${mode}`, 'leave it out')
  if (antialias && mode !== 'bilinear' && mode !== 'bicubic') fail('interpolate', `antialias does not go with ${mode}`, 'use bilinear or bicubic')
  if (x.shape.slice(1).includes(0)) fail('interpolate', `${x} has no values to interpolate between`, 'only the batch may be empty')
  const sizes = x.shape.slice(2)
  const { out, scales } = sizesFor(sizes, a)
  if (mode === 'area') return [adaptiveAvgPool1d, adaptiveAvgPool2d, adaptiveAvgPool3d][n - 1](x, out)
  return out.reduce((y, m, i) => resample(y, i + 2, tapsFor(mode, sizes[i], m, scales[i], a.alignCorners ?? false, antialias)), x)
})

type UpsampleOptions = Pick<InterpolateOptions, 'size' | 'scaleFactor'>
type Upsample = ((x: Tensor, size?: Sizes | UpsampleOptions, scaleFactor?: Sizes) => Tensor) & Described
const upsampled = (name: string, options: InterpolateOptions): Upsample =>
  define(name, ['input', 'size', 'scaleFactor'], ({ input, size, scaleFactor }: { input: Tensor } & UpsampleOptions) => interpolate(input, { size, scaleFactor, ...options }))
/**
 * `interpolate` in the mode `nearest`. As `torch.nn.functional.upsample_nearest`.
 *
 * @example
 * F.upsampleNearest(tensor([[[1, 3]]]), 3) // → tensor([[[1., 1., 3.]]])
 */
export const upsampleNearest: Upsample = upsampled('upsampleNearest', { mode: 'nearest' })
/**
 * `interpolate` in the mode `bilinear`, corners aligned. As `torch.nn.functional.upsample_bilinear`.
 *
 * @example
 * F.upsampleBilinear(tensor([[[[1, 3]]]]), [1, 3]) // → tensor([[[[1., 2., 3.]]]])
 */
export const upsampleBilinear: Upsample = upsampled('upsampleBilinear', { mode: 'bilinear', alignCorners: true })
/**
 * Another name of `interpolate`. As `torch.nn.functional.upsample`.
 *
 * @example
 * F.upsample(tensor([[[1, 3]]]), { scaleFactor: 2 }) // → tensor([[[1., 1., 3., 3.]]])
 */
export const upsample: Interpolate = define('upsample', ['input', 'size', 'scaleFactor', 'mode', 'alignCorners'], ({ input, ...options }: { input: Tensor } & InterpolateOptions) =>
  interpolate(input, options))
