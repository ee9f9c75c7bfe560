// The discrete Fourier transform along one dimension, made of matrix products. A length n = r·m takes m transforms of r (one real product with a
// small matrix), twiddle factors, and r transforms of m (Cooley & Tukey 1965), until what is left is itself one product. Each step writes where
// the next one reads, so nothing is ever reordered. A length with a large prime factor is a convolution with a chirp (Bluestein 1970).
import { isComplex } from '../core/dtype.ts'
import { contiguousStrides, numel, type Shape } from '../core/shape.ts'
import { contiguousView, expandView, isContiguous, permuteView, selectView, sliceView } from '../core/view.ts'
import { program, S, type Program } from '../ir/scalar.ts'
import { toLast } from './cumulate.ts'
import { apply1 } from './define.ts'
import { chirp, chirpSpectrum, leftMatrix, rightMatrix, tableFor, twiddles, type Table } from './fft-tables.ts'
import { compact, copyInto, fillWith, part } from './lowering.ts'
import type { Arg, Lowering, Op } from './op.ts'
import type { Tensor } from './tensor.ts'

/** y_k = scale · Σ_j x_j · e^(sign·2πi·jk/n) for k < keep, over all j that x has (at most n). */
export interface TransformParams {
  readonly axis: number
  readonly n: number
  readonly sign: 1 | -1
  readonly scale: number
  readonly keep: number
  /** Give the real part only. */
  readonly real: boolean
  /** x is real. */
  readonly ofReal: boolean
}

/** Lengths up to this are one product. */
const DIRECT = 64
/** Prime lengths up to this. */
const DIRECT_PRIME = 128

/** Factors of n, the last for a single product; null when n has a large prime factor. */
export function radices(n: number): readonly number[] | null {
  const divisors = Array.from({ length: DIRECT - 1 }, (_, i) => i + 2).filter(d => n % d === 0 && d < n)
  if (n <= DIRECT || (divisors.length === 0 && n <= DIRECT_PRIME)) return [n]
  const even = Math.log(n) / Math.ceil(Math.log(n) / Math.log(DIRECT) - 1e-9)
  const off = (d: number): number => Math.abs(Math.log(d) - even)
  if (divisors.length === 0) return null
  const r = divisors.reduce((best, d) => (off(d) < off(best) ? d : best))
  const rest = radices(n / r)
  return rest && [r, ...rest]
}

/** How many outputs are made where `keep` are wanted: all rows of a last product have one length. */
const roomFor = ([r, ...rest]: readonly number[], keep: number): number => (rest.length === 0 ? keep : r * roomFor(rest, Math.ceil(keep / r)))

/** Runs one transform on memory. */
class Transform {
  constructor(
    private readonly k: Lowering,
    private readonly sign: number,
    private readonly table: (t: Table) => Arg,
  ) {}

  /**
   * Transforms along the last axis of the parts (real, or real and imaginary), which lie in pairs or as two planes, one behind the other. `to` has the
   * same batch axes.
   */
  run(parts: readonly Arg[], pairs: boolean, factors: readonly number[], scale: number, to: readonly Arg[]): void {
    const [r, ...rest] = factors
    if (rest.length === 0) return this.product(parts, pairs, r, scale, to)
    const inner = this.split(parts, pairs, r, rest.reduce((a, b) => a * b))
    // Output k = k₁ + r·k₂.
    const places = to.map(x => lastAs(x, [r, Math.floor(x.view.shape.at(-1)! / r)], [1, r]))
    this.run(inner, false, rest, scale, places)
  }

  /** Transforms of r over every m-th element, times the twiddle factors: [..., length] gives planes [..., r, m]. */
  private split(parts: readonly Arg[], pairs: boolean, r: number, m: number): readonly Arg[] {
    const batch = parts[0].view.shape.slice(0, -1)
    const rows = parts[0].view.shape.at(-1)! / m
    const matrix = this.table(leftMatrix(r, rows, this.sign))
    // Planes are one operand, of which the matrix takes both halves at once.
    const joined = parts.length === 2 && !pairs
    const sums = (joined ? [parts[0]] : parts).map((x, i) => {
      const out = this.k.alloc('float32', [...batch, 2 * r, m])
      const factor = joined ? matrix : { view: sliceView(matrix.view, 1, i * rows, 1, rows), slot: matrix.slot }
      this.multiply(factor, lastAs(x, [joined ? 2 * rows : rows, m], [m, 1]), out)
      return out
    })
    const half = (x: Arg, q: number): Arg => ({ view: sliceView(x.view, batch.length, q * r, 1, r), slot: x.slot })
    const factors = halves(this.table(twiddles(r, m, this.sign)), [...batch, r, m])
    const out = this.k.alloc('float32', [...batch, r, 2 * m])
    const planes = [0, 1].map((q): Arg => ({ view: sliceView(out.view, batch.length + 1, q * m, 1, m), slot: out.slot }))
    this.map(turned(sums.length, 2), [...sums.flatMap(x => [half(x, 0), half(x, 1)]), ...factors], planes)
    return planes
  }

  /** The transform of n as one product for each part of the result. */
  private product(parts: readonly Arg[], pairs: boolean, n: number, scale: number, to: readonly Arg[]): void {
    const [length, keep] = [parts[0].view.shape.at(-1)!, to[0].view.shape.at(-1)!]
    const matrix = this.table(rightMatrix(n, length, keep, this.sign, scale, pairs))
    const [x] = parts
    // Both parts in a row: in pairs their numbers are two apart, in planes the second goes on where the first ends.
    const row = parts.length === 1 ? x : lastAs(x, [2 * length], [pairs ? 0.5 : 1])
    to.forEach((out, q) => {
      const rows = sliceView(matrix.view, 0, 0, 1, parts.length * length)
      this.multiply(row, { view: sliceView(rows, 1, q * keep, 1, keep), slot: matrix.slot }, out)
    })
  }

  /** y_k = w_k · Σ_j (x_j·w_j) · conj(w_{k−j}), with w_j = e^(±πi·j²/n), since 2jk = j² + k² − (k − j)². */
  chirped(parts: readonly Arg[], n: number, scale: number, to: readonly Arg[]): void {
    const [batch, length] = parts[0].view.shape
    const keep = to[0].view.shape.at(-1)!
    const size = 2 ** Math.ceil(Math.log2(Math.max(length + keep - 1, 1)))
    const factors = radices(size)!
    const wave = this.table(chirp(n, Math.max(length, keep), this.sign))
    const waveTo = (count: number): Arg[] => halves({ view: sliceView(wave.view, 1, 0, 1, count), slot: wave.slot }, [batch, count])
    const begin = (x: Arg, count: number): Arg => ({ view: sliceView(x.view, 1, 0, 1, count), slot: x.slot })
    const [a, b] = [0, 1].map(() => both(this.k.alloc('complex64', [batch, size])))
    for (const x of a) fillWith(this.k, { view: sliceView(x.view, 1, length, 1, size - length), slot: x.slot }, 0)
    this.map(turned(1, 2, parts.length), [...parts, ...waveTo(length)], a.map(x => begin(x, length)))
    new Transform(this.k, -1, this.table).run(a, true, factors, 1, b)
    this.map(turned(1, 2), [...b, ...halves(this.table(chirpSpectrum(n, length, keep, size, this.sign, scale)), [batch, size])], b)
    new Transform(this.k, 1, this.table).run(b, true, factors, 1, a)
    this.map(turned(1, to.length), [...a.map(x => begin(x, keep)), ...waveTo(keep)], to)
  }

  /** One of the two is a matrix without batch axes. */
  private multiply(a: Arg, b: Arg, out: Arg): void {
    const batch = out.view.shape.slice(0, -2)
    const over = (x: Arg): Arg => ({ view: expandView(x.view, [...batch, ...x.view.shape.slice(-2)]), slot: x.slot })
    this.k.run({ kind: 'matmul' }, [over(a), over(b)], [out])
  }

  private map(rule: Program, inputs: readonly Arg[], outputs: readonly Arg[]): void {
    this.k.run({ kind: 'map', program: rule, params: [] }, inputs, outputs)
  }
}

/** The last axis of stride s as axes of these sizes, their strides given in units of s. */
const lastAs = ({ view, slot }: Arg, sizes: Shape, steps: readonly number[]): Arg => {
  const step = view.strides.at(-1)!
  return { view: { ...view, shape: [...view.shape.slice(0, -1), ...sizes], strides: [...view.strides.slice(0, -1), ...steps.map(s => s * step)] }, slot }
}
/** The two planes of a table, repeated to a shape. */
const halves = ({ view, slot }: Arg, shape: Shape): Arg[] =>
  [0, 1].map(q => ({ view: expandView(selectView(view, 0, q), shape), slot }))
const both = (z: Arg): Arg[] => [part(z, 0), part(z, 1)]

const rules = new Map<string, Program>()
/** The first `parts` parts of (Σ terms)·w. Of a real term there is only one part. */
function turned(terms: number, parts: number, width = 2): Program {
  const key = `${terms} ${parts} ${width}`
  let rule = rules.get(key)
  if (!rule) {
    const count = terms * width
    const at = (i: number) => S.input(i, 'float32')
    const total = (q: number) => Array.from({ length: terms }, (_, i) => at(i * width + q)).reduce((x, y) => S.add(x, y))
    const [c, s] = [at(count), at(count + 1)]
    const [re, im] = width === 1 ? [S.mul(total(0), c), S.mul(total(0), s)] : [S.sub(S.mul(total(0), c), S.mul(total(1), s)), S.add(S.mul(total(0), s), S.mul(total(1), c))]
    rules.set(key, (rule = program([re, im].slice(0, parts), Array.from({ length: count + 2 }, () => 'float32' as const))))
  }
  return rule
}

function lower(k: Lowering, x: Arg, { axis, n, sign, scale, keep, real }: TransformParams, table: (t: Table) => Arg): Arg {
  const factors = radices(n)
  const moved = toLast(x, axis)
  const batch = moved.view.shape.slice(0, -1)
  const rows = numel(batch)
  const length = moved.view.shape.at(-1)!
  const row = isContiguous(moved.view) ? moved : compact(k, moved)
  const flat: Arg = { view: { ...row.view, shape: [rows, length], strides: [length, 1] }, slot: row.slot }
  const room = factors ? roomFor(factors, keep) : keep
  const out = k.alloc(real ? 'float32' : 'complex64', [rows, room])
  const partsOf = (z: Arg): Arg[] => (isComplex(z.view.dtype) ? both(z) : [z])
  const transform = new Transform(k, sign, table)
  if (factors) transform.run(partsOf(padded(k, flat, n / factors[0])), isComplex(flat.view.dtype), factors, scale, partsOf(out))
  else transform.chirped(partsOf(flat), n, scale, partsOf(out))
  const shown = { ...out.view, shape: [...batch, keep], strides: [...contiguousStrides(batch).map(s => s * room), 1] }
  return { view: permuteView(shown, [...batch.keys()].toSpliced(axis, 0, batch.length)), slot: out.slot }
}

/** With zeros behind, up to a multiple of m. */
function padded(k: Lowering, x: Arg, m: number): Arg {
  const [rows, length] = x.view.shape
  const full = Math.ceil(length / m) * m
  if (full === length) return x
  const out = k.alloc(x.view.dtype, [rows, full])
  copyInto(k, x, { view: sliceView(out.view, 1, 0, 1, length), slot: out.slot })
  fillWith(k, { view: sliceView(out.view, 1, length, 1, full - length), slot: out.slot }, 0)
  return out
}

const known = new Map<string, readonly Table[]>()
/** The tables that a transform of so many elements asks for, found by lowering it onto nothing. */
function tablesOf(p: TransformParams, length: number): readonly Table[] {
  const key = [length, p.n, p.sign, p.scale, p.keep, p.real, p.ofReal].join()
  let list = known.get(key)
  if (!list) {
    const met = new Map<string, Table>()
    const nowhere: Lowering = { alloc: (dtype, shape): Arg => ({ view: contiguousView(dtype, shape), slot: {} }), run: () => {} }
    const x = nowhere.alloc(p.ofReal ? 'float32' : 'complex64', [1, length])
    lower(nowhere, x, { ...p, axis: 1 }, t => (met.set(t.key, t), nowhere.alloc('float32', t.shape)))
    known.set(key, (list = [...met.values()]))
  }
  return list
}

const transformOp: Op<TransformParams> = {
  name: 'fft',
  infer: ([x], { axis, keep, real }) => [{ dtype: real ? 'float32' : 'complex64', shape: x.shape.with(axis, keep) }],
  lower(k, [x, ...tables], p) {
    const order = tablesOf(p, x.view.shape[p.axis]).map(t => t.key)
    return [lower(k, x, p, t => tables[order.indexOf(t.key)])]
  },
  // The matrix is symmetric, so its adjoint turns the other way round.
  vjp: ([g], { params: p, shapes }) => shapes.map((shape, i) => (i === 0 && g ? transform(g, { ...p, sign: p.sign === 1 ? -1 : 1, keep: shape[p.axis], real: p.ofReal }) : null)),
  saves: 'nothing',
}

/** The transform of a float32 or complex64 tensor. */
export function transform(x: Tensor, params: Omit<TransformParams, 'ofReal'>): Tensor {
  const p = { ...params, ofReal: !isComplex(x.dtype) }
  return apply1(transformOp, [x, ...tablesOf(p, x.shape[p.axis]).map(t => tableFor(x, t))], p)
}
