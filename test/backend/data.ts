// What conformance cases are made of: a seeded generator, and operands that lie in memory in every way a view allows.
import type { DType, Words } from '../../src/core/dtype.ts'
import { numel, type Shape } from '../../src/core/shape.ts'
import { toWords } from '../../src/core/storage.ts'
import { contiguousView, permuteView, sliceView, type View } from '../../src/core/view.ts'
import type { Kernel } from '../../src/ir/kernel.ts'

/** A small generator (Weyl sequence with a mixing function), seeded by a text, so that each case has its own fixed data. */
export class Random {
  #state = 0x9e3779b9
  constructor(seed: string) {
    for (const c of seed) this.#state = Math.imul(this.#state ^ c.charCodeAt(0), 0x01000193)
  }
  #next(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0
    let z = this.#state
    z = Math.imul(z ^ (z >>> 15), z | 1)
    z ^= z + Math.imul(z ^ (z >>> 7), z | 61)
    return (z ^ (z >>> 14)) >>> 0
  }
  uniform(lo = -1, hi = 1): number {
    return lo + (hi - lo) * (this.#next() / 2 ** 32)
  }
  /** A whole number, lo ≤ n < hi. */
  int(lo: number, hi: number): number {
    return Math.floor(this.uniform(lo, hi))
  }
  pick<T>(list: readonly T[]): T {
    return list[this.int(0, list.length)]
  }
  /** 0 … n−1 in random order. */
  order(n: number): number[] {
    const out = Array.from({ length: n }, (_, i) => i)
    for (let i = n - 1; i > 0; i--) {
      const k = this.int(0, i + 1)
      ;[out[i], out[k]] = [out[k], out[i]]
    }
    return out
  }
  /** `n` elements as `dtype` has them in memory: floats in -1 … 1, ints in -9 … 9, bytes, bools. */
  words(dtype: DType, n: number): Words {
    if (dtype === 'float32') return Float32Array.from({ length: n }, () => this.uniform())
    if (dtype === 'float16' || dtype === 'bfloat16') return toWords(dtype, Float64Array.from({ length: n }, () => this.uniform()))
    if (dtype === 'uint8') return Uint8Array.from({ length: n }, () => this.int(0, 256))
    return Int32Array.from({ length: n }, () => (dtype === 'bool' ? this.int(0, 2) : this.int(-9, 10)))
  }
}

/** A view and the initial content of its block. Operands with the same `words` object share a block. */
export interface Operand {
  readonly view: View
  readonly words: Words
}

/** One launch: a kernel, and the blocks of its inputs and outputs. */
export interface Step {
  readonly kernel: Kernel
  readonly words: readonly Words[]
}

/** How an operand lies in its block. The broadcasts are for inputs only. */
export const outputLayouts = ['plain', 'offset', 'part', 'permuted', 'flipped', 'strided'] as const
export const broadcasts = ['rows', 'columns', 'scalar'] as const
export const layouts = [...outputLayouts, ...broadcasts] as const
export type Layout = (typeof layouts)[number]

const all = (shape: Shape, slice: (view: View, axis: number) => View, view: View): View => shape.reduce((v, _, axis) => slice(v, axis), view)

/** The view and how many words its block needs. */
export function place(layout: Layout, dtype: DType, shape: Shape): { view: View; length: number } {
  const from = (base: Shape, change: (v: View) => View = v => v) => {
    const view = contiguousView(dtype, base)
    return { view: change(view), length: numel(base) }
  }
  switch (layout) {
    case 'plain':
      return from(shape)
    case 'offset':
      return { view: { ...contiguousView(dtype, shape), offset: 5 }, length: numel(shape) + 9 }
    case 'part':
      return from(shape.map(s => s + 2), v => all(shape, (w, a) => sliceView(w, a, 1, 1, shape[a]), v))
    case 'permuted':
      return from(shape.toReversed(), v => permuteView(v, shape.map((_, i) => shape.length - 1 - i)))
    case 'flipped':
      return from(shape, v => all(shape, (w, a) => sliceView(w, a, shape[a] - 1, -1, shape[a]), v))
    case 'strided':
      return from(shape.map(s => 2 * s + 1), v => all(shape, (w, a) => sliceView(w, a, 1, 2, shape[a]), v))
    case 'rows':
      return from(shape.slice(-1), v => ({ ...v, shape, strides: shape.map((_, i) => Number(i === shape.length - 1)) }))
    case 'columns': {
      const rows = contiguousView(dtype, shape.slice(0, -1))
      return { view: { ...rows, shape, strides: shape.map((_, i) => rows.strides[i] ?? 0) }, length: numel(shape.slice(0, -1)) }
    }
    case 'scalar':
      return { view: { ...contiguousView(dtype, shape), strides: shape.map(() => 0) }, length: 1 }
  }
}

/** An input with random content, or with the given one in row-major order of a plain layout. */
export function input(r: Random, dtype: DType, shape: Shape, layout: Layout = 'plain'): Operand {
  const { view, length } = place(layout, dtype, shape)
  return { view, words: r.words(dtype, length) }
}

export const plain = (dtype: DType, shape: Shape, values: Iterable<number>): Operand => ({
  view: contiguousView(dtype, shape),
  words: toWords(dtype, Float64Array.from(values)),
})

/** An output over words that no kernel gives, so that one which is left out, or written beside the view, shows. */
export function output(dtype: DType, shape: Shape, layout: Layout = 'plain'): Operand {
  const { view, length } = place(layout, dtype, shape)
  const never = new Float64Array(length).fill(-77)
  return { view, words: dtype === 'bool' ? Int32Array.from(never) : toWords(dtype, never) }
}

/** The other fields of a kernel, without its views. */
type Fields<K> = K extends Kernel ? Omit<K, 'inputs' | 'outputs'> : never

export function launch(fields: Fields<Kernel>, inputs: readonly Operand[], outputs: readonly Operand[]): Step {
  const views = { inputs: inputs.map(o => o.view), outputs: outputs.map(o => o.view) }
  return { kernel: { ...fields, ...views }, words: [...inputs, ...outputs].map(o => o.words) }
}

/** |got − want| ≤ abs + rel · |want|; NaN, infinities and integers must agree exactly, zeros in their sign where `zeros` says so. */
export interface Tolerance {
  readonly rel?: number
  readonly abs?: number
  readonly zeros?: boolean
}

export interface Case {
  readonly name: string
  readonly tolerance: Tolerance
  readonly build: () => Step[]
}

export const define = (name: string, tolerance: Tolerance, build: (r: Random) => Step[]): Case => ({
  name,
  tolerance,
  build: () => build(new Random(name)),
})
