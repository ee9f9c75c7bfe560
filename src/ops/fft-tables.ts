// Tables for Fourier transforms. They are computed in float64, once for each size and device, and stay there as long as the device is open.
import type { Shape } from '../core/shape.ts'
import type { Tensor } from './tensor.ts'
import { lasting, world } from './world.ts'

export interface Table {
  /** Equal keys mean equal numbers. */
  readonly key: string
  readonly shape: Shape
  readonly values: () => Float32Array
}

/** cos and sin of 2πt/n for a whole t, by way of an angle of at most 45°: exact at multiples of 90°. */
function unitRoot(t: number, n: number): readonly [cos: number, sin: number] {
  const quarters = 4 * (((t % n) + n) % n)
  const rest = quarters % n
  const angle = (x: number): number => (Math.PI / 2) * (x / n)
  const [c, s] = 2 * rest > n ? [Math.sin(angle(n - rest)), Math.cos(angle(n - rest))] : [Math.cos(angle(rest)), Math.sin(angle(rest))]
  return ([[c, s], [-s, c], [-c, -s], [s, -c]] as const)[(quarters - rest) / n]
}

/** Real matrix of a complex one, re + i·im at (row, column), each axis taking all real parts before the imaginary ones. */
function realMatrix(rows: number, columns: number, entry: (row: number, column: number) => readonly [number, number]): Float32Array {
  const out = new Float32Array(4 * rows * columns)
  for (let i = 0; i < rows; i++)
    for (let j = 0; j < columns; j++) {
      const [re, im] = entry(i, j)
      out[i * 2 * columns + j] = out[(rows + i) * 2 * columns + columns + j] = re
      out[i * 2 * columns + columns + j] = -im
      out[(rows + i) * 2 * columns + j] = im
    }
  return out
}

/** Left factor: the first `columns` columns of the n × n transform, as a real matrix [2n, 2·columns]. */
export const leftMatrix = (n: number, columns: number, sign: number): Table => ({
  key: `left ${n} ${columns} ${sign}`,
  shape: [2 * n, 2 * columns],
  values: () => realMatrix(n, columns, (k, j) => unitRoot(sign * k * j, n)),
})

/**
 * Right factor: `rows` inputs to `columns` outputs of the transform of n, times scale, [2·rows, 2·columns]. Its columns are all real outputs before the
 * imaginary ones, and so are its rows unless the input comes in pairs.
 */
export const rightMatrix = (n: number, rows: number, columns: number, sign: number, scale: number, pairs: boolean): Table => ({
  key: `right ${n} ${rows} ${columns} ${sign} ${scale} ${pairs}`,
  shape: [2 * rows, 2 * columns],
  values: () => {
    // As a right factor the matrix of a conjugate is the transpose.
    const planes = realMatrix(rows, columns, (j, k) => {
      const [c, s] = unitRoot(sign * k * j, n)
      return [scale * c, -scale * s]
    })
    if (!pairs) return planes
    const width = 2 * columns
    const out = new Float32Array(planes.length)
    for (let i = 0; i < 2 * rows; i++) out.set(planes.subarray(i * width, (i + 1) * width), (i < rows ? 2 * i : 2 * (i - rows) + 1) * width)
    return out
  },
})

/** Real parts, then imaginary ones, of n complex numbers. */
function planes(n: number, at: (i: number) => readonly [number, number]): Float32Array {
  const out = new Float32Array(2 * n)
  for (let i = 0; i < n; i++) [out[i], out[n + i]] = at(i)
  return out
}

/** e^(±2πi·jk/(r·m)) for k < r and j < m, [2, r, m]: what lies between the transforms of r and those of m. */
export const twiddles = (r: number, m: number, sign: number): Table => ({
  key: `twiddles ${r} ${m} ${sign}`,
  shape: [2, r, m],
  values: () => planes(r * m, i => unitRoot(sign * Math.floor(i / m) * (i % m), r * m)),
})

/** e^(±πi·j²/n). */
const chirpAt = (j: number, n: number, sign: number): readonly [number, number] => unitRoot(sign * ((j * j) % (2 * n)), 2 * n)

/** The chirp for j < length, [2, length]. */
export const chirp = (n: number, length: number, sign: number): Table => ({
  key: `chirp ${n} ${length} ${sign}`,
  shape: [2, length],
  values: () => planes(length, j => chirpAt(j, n, sign)),
})

/** The transform of length `size` of the conjugate chirp from −(before − 1) to after − 1, times scale/size, [2, size]. */
export const chirpSpectrum = (n: number, before: number, after: number, size: number, sign: number, scale: number): Table => ({
  key: `chirp spectrum ${n} ${before} ${after} ${size} ${sign} ${scale}`,
  shape: [2, size],
  values: () => {
    const [re, im] = [new Float64Array(size), new Float64Array(size)]
    const put = (at: number, j: number): void => void ([re[at], im[at]] = chirpAt(j, n, -sign))
    for (let j = 0; j < after; j++) put(j, j)
    for (let j = 1; j < before; j++) put(size - j, j)
    transform(re, im)
    return planes(size, i => [(re[i] * scale) / size, (im[i] * scale) / size])
  },
})

/** The transform of a power of two in place, radix 2 (Cooley & Tukey 1965). */
function transform(re: Float64Array, im: Float64Array): void {
  const n = re.length
  for (let i = 1, j = 0; i < n; i++) {
    let bit = n >> 1
    for (; j & bit; bit >>= 1) j ^= bit
    j ^= bit
    if (i < j) {
      ;[re[i], re[j]] = [re[j], re[i]]
      ;[im[i], im[j]] = [im[j], im[i]]
    }
  }
  for (let half = 1; half < n; half *= 2)
    for (let k = 0; k < half; k++) {
      const [c, s] = unitRoot(-k, 2 * half)
      for (let a = k; a < n; a += 2 * half) {
        const b = a + half
        const [x, y] = [c * re[b] - s * im[b], c * im[b] + s * re[b]]
        ;[re[b], im[b]] = [re[a] - x, im[a] - y]
        re[a] += x
        im[a] += y
      }
    }
}

const kept = new WeakMap<object, Map<string, Tensor>>()

/** The table on the device of x; while a function is being traced that is the current one. */
export function tableFor(x: Tensor, { key, shape, values }: Table): Tensor {
  const home = world().homeOf(x)
  const tables = kept.get(home) ?? new Map<string, Tensor>()
  kept.set(home, tables)
  let table = tables.get(key)
  if (!table?.alive) tables.set(key, (table = lasting(() => world().create(values(), 'float32', shape, x.device === 'symbolic' ? undefined : x.device))))
  return table
}
