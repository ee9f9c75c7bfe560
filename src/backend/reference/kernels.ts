// What each kernel kind means, as plain loops over numbers of float64.
import { dtypes, isFloat, scalarType, WORD, type DType } from '../../core/dtype.ts'
import { IndexError } from '../../core/errors.ts'
import { rounded } from '../../core/storage.ts'
import { formatShape, numel, type Shape } from '../../core/shape.ts'
import { collapse, type View } from '../../core/view.ts'
import { mapsOf, type Body, type CumulateOp, type Kernel, type KernelKind, type KernelOf, type ReduceOp } from '../../ir/kernel.ts'
import * as late from '../late.ts'
import { evaluateBlock, valuesOf } from './scalar.ts'

/** A view and the numbers of the block that it looks into, kept with 64 bits or as the dtype has them. */
export interface Operand {
  readonly view: View
  readonly data: Float64Array | Float32Array | Int32Array
}

type Runner<K extends KernelKind> = (kernel: KernelOf<K>, inputs: readonly Operand[], outputs: readonly Operand[]) => void

/** Where the elements lie, in row-major order. */
function addresses({ shape, strides, offset }: View): Float64Array {
  let out = Float64Array.of(offset)
  shape.forEach((size, axis) => {
    const next = new Float64Array(out.length * size)
    for (let i = 0; i < out.length; i++) for (let j = 0; j < size; j++) next[i * size + j] = out[i] + j * strides[axis]
    out = next
  })
  return out
}

/** A view as runs of elements that are one step apart. */
interface Runs {
  readonly starts: Float64Array
  readonly length: number
  readonly step: number
}

function runsOf(view: View): Runs {
  const { shape, strides: [strides] } = collapse(view.shape, [view.strides])
  return { starts: addresses({ ...view, shape: shape.slice(0, -1), strides }), length: shape.at(-1)!, step: strides.at(-1)! }
}

/** Goes through n elements from the given one on, run by run: `count` elements from address `at`, which are those from `i` on. */
function eachRun({ starts, length, step }: Runs, first: number, n: number, visit: (at: number, i: number, count: number) => void): void {
  let run = Math.floor(first / length)
  let from = first - run * length
  for (let i = 0; i < n; from = 0) {
    const count = Math.min(length - from, n - i)
    visit(starts[run++] + from * step, i, count)
    i += count
  }
}

function loadAt({ data }: Operand, runs: Runs, first: number, n: number, values: Float64Array): void {
  eachRun(runs, first, n, (at, i, count) => {
    for (const end = i + count; i < end; i++, at += runs.step) values[i] = data[at]
  })
}

function storeAt({ view: { dtype }, data }: Operand, runs: Runs, first: number, n: number, values: ArrayLike<number>): void {
  const isNarrow = dtypes[dtype].bytes < WORD
  eachRun(runs, first, n, (at, i, count) => {
    if (isNarrow) for (const end = i + count; i < end; i++, at += runs.step) data[at] = rounded(dtype, values[i])
    else for (const end = i + count; i < end; i++, at += runs.step) data[at] = values[i]
  })
}

/** The elements in row-major order. */
function load(x: Operand): Float64Array {
  const values = new Float64Array(numel(x.view.shape))
  loadAt(x, runsOf(x.view), 0, values.length, values)
  return values
}

const store = (x: Operand, values: ArrayLike<number>): void => storeAt(x, runsOf(x.view), 0, numel(x.view.shape), values)

/** Every index of a shape, in row-major order. */
const indices = (shape: Shape): number[][] =>
  shape.reduce<number[][]>((list, size) => list.flatMap(head => Array.from({ length: size }, (_, i) => [...head, i])), [[]])

/** Row-major position of an index, or -1 when it is outside the shape. */
function position(index: readonly number[], shape: Shape): number {
  let at = 0
  for (let i = 0; i < shape.length; i++) {
    if (!(index[i] >= 0 && index[i] < shape[i])) return -1
    at = at * shape[i] + index[i]
  }
  return at
}

/** The product of the sizes of some axes. */
const size = (shape: Shape, from: number, to?: number): number => numel(shape.slice(from, to))

const isInt = (o: Operand): boolean => !isFloat(o.view.dtype)

const combine = (op: ReduceOp | CumulateOp, int: boolean): ((a: number, b: number) => number) =>
  ({
    sum: int ? (a: number, b: number) => (a + b) | 0 : (a: number, b: number) => a + b,
    prod: int ? Math.imul : (a: number, b: number) => a * b,
    max: (a: number, b: number) => Math.max(a, b),
    min: (a: number, b: number) => Math.min(a, b),
    argmax: (a: number, b: number) => Math.max(a, b),
    argmin: (a: number, b: number) => Math.min(a, b),
  })[op]

function identity(op: ReduceOp, dtype: DType): number {
  if (op === 'sum') return 0
  if (op === 'prod') return 1
  const type = scalarType(dtype)
  const greatest = { float32: Infinity, float64: Infinity, int32: 2 ** 31 - 1, bool: 1 }[type]
  const least = { float32: -Infinity, float64: -Infinity, int32: -(2 ** 31), bool: 0 }[type]
  return op === 'max' || op === 'argmax' ? least : greatest
}

const reduce: Runner<'reduce'> = ({ op }, [x], [out]) => {
  const values = load(x)
  const step = combine(op, isInt(x))
  const kept = numel(out.view.shape)
  const length = size(x.view.shape, out.view.shape.length)
  store(
    out,
    Array.from({ length: kept }, (_, i) => {
      const row = values.subarray(i * length, (i + 1) * length)
      const result = row.reduce(step, identity(op, x.view.dtype))
      return op === 'argmax' || op === 'argmin' ? row.findIndex(v => Object.is(v, result) || v === result) : result
    }),
  )
}

/** The results of a program for n elements whose inputs are given. */
function evaluated({ program, params }: Body, inputs: readonly Float64Array[], n: number): Float64Array[] {
  const values = valuesOf(program, params, n)
  program.steps.forEach(({ op, index = 0 }, k) => op === 'input' && values[k].set(inputs[index]))
  evaluateBlock(program, values, 0, n)
  return program.outputs.map(at => values[at])
}

const rows: Runner<'rows'> = ({ axes, stages, results }, inputs, outputs) => {
  const { shape } = inputs[0].view
  const kept = size(shape, 0, shape.length - axes)
  const length = size(shape, shape.length - axes)
  const values = inputs.map(load)
  for (const stage of stages) {
    const made = evaluated(stage, values, kept * length)
    made.forEach((value, k) => {
      const op = stage.reduce?.[k]
      if (!op) return values.push(value)
      const dtype = stage.program.steps[stage.program.outputs[k]].dtype
      const [step, start] = [combine(op, !isFloat(dtype)), identity(op, dtype)]
      const reduced = new Float64Array(value.length)
      for (let i = 0; i < kept; i++) reduced.fill(value.subarray(i * length, (i + 1) * length).reduce(step, start), i * length, (i + 1) * length)
      return values.push(reduced)
    })
  }
  outputs.forEach((out, k) => {
    const value = values[results[k]]
    store(out, out.view.shape.length === shape.length ? value : Float64Array.from({ length: kept }, (_, i) => value[i * length]))
  })
}

/** Stores a product, or what its epilogue makes of it. */
function finish(epilogue: Body | undefined, product: Float64Array, more: readonly Operand[], outputs: readonly Operand[]): void {
  const results = epilogue ? evaluated(epilogue, [product, ...more.map(load)], product.length) : [product]
  outputs.forEach((out, k) => store(out, results[k]))
}

const matmul: Runner<'matmul'> = ({ epilogue }, [a, b, ...more], outputs) => {
  const [rows, inner] = a.view.shape.slice(-2)
  const columns = b.view.shape.at(-1)!
  const left = load(a)
  const right = load(b)
  const result = new Float64Array(numel(outputs[0].view.shape))
  for (let n = 0; n < size(a.view.shape, 0, -2); n++)
    for (let i = n * rows; i < (n + 1) * rows; i++)
      for (let k = 0; k < inner; k++) {
        const x = left[i * inner + k]
        for (let j = 0, from = (n * inner + k) * columns, to = i * columns; j < columns; j++) result[to + j] += x * right[from + j]
      }
  finish(epilogue, result, more, outputs)
}

const conv: Runner<'conv'> = ({ stride, dilation, inputDilation, padLow, epilogue }, [x, w, ...more], outputs) => {
  const [out] = outputs
  const [groups, batch, channels] = x.view.shape
  const features = w.view.shape[1]
  const space = x.view.shape.slice(3)
  const taps = indices(w.view.shape.slice(3))
  const places = indices(out.view.shape.slice(3))
  // For each window and tap the position in x, or -1 where x is zero.
  const sources = places.map(t =>
    taps.map(k => {
      const p = t.map((ti, a) => (ti * stride[a] + k[a] * dilation[a] - padLow[a]) / inputDilation[a])
      return p.every(Number.isInteger) ? position(p, space) : -1
    }),
  )
  const image = numel(space)
  const input = load(x)
  const weight = load(w)
  const result: number[] = []
  for (let g = 0; g < groups; g++)
    for (let n = 0; n < batch; n++)
      for (let o = 0; o < features; o++)
        for (const source of sources) {
          let sum = 0
          for (let c = 0; c < channels; c++)
            source.forEach((at, k) => {
              if (at >= 0) sum += input[((g * batch + n) * channels + c) * image + at] * weight[((g * features + o) * channels + c) * taps.length + k]
            })
          result.push(sum)
        }
  finish(epilogue, Float64Array.from(result), more, outputs)
}

/** Addresses in `table` of the element that each index names on `axis`, the other coordinates being those of the index itself. */
function indexed(op: string, axis: number, table: View, index: Operand): Float64Array {
  const length = table.shape[axis]
  const bases = addresses({ ...table, shape: index.view.shape, strides: table.strides.with(axis, 0) })
  const chosen = load(index)
  return bases.map((base, i) => {
    if (!(chosen[i] >= 0 && chosen[i] < length))
      throw new IndexError(op, `index ${chosen[i]} is outside 0 … ${length - 1}, the positions of axis ${axis} of ${formatShape(table.shape)}`, 'check the values of the index tensor')
    return base + chosen[i] * table.strides[axis]
  })
}

const gather: Runner<'gather'> = ({ axis }, [x, index], [out]) =>
  store(out, indexed('gather', axis, x.view, index).map(at => x.data[at]))

const scatter: Runner<'scatter'> = ({ axis, op }, [index, x], [out]) => {
  const values = load(x)
  const join = op === 'set' ? (_: number, b: number) => b : combine(op, isInt(out))
  indexed('scatter', axis, out.view, index).forEach((at, i) => (out.data[at] = join(out.data[at], values[i])))
}

const fold: Runner<'fold'> = ({ stride, dilation }, [x], [out]) => {
  const axes = stride.length
  const { shape } = x.view
  const space = out.view.shape.slice(-axes)
  const windows = indices(shape.slice(-2 * axes, -axes))
  const taps = indices(shape.slice(-axes))
  const values = load(x)
  const result = new Float64Array(numel(out.view.shape))
  for (let o = 0, i = 0; o < size(shape, 0, -2 * axes); o++)
    for (const t of windows)
      for (const k of taps) {
        const at = position(t.map((ti, a) => ti * stride[a] + k[a] * dilation[a]), space)
        if (at >= 0) result[o * numel(space) + at] += values[i]
        i++
      }
  store(out, result)
}

const cumulate: Runner<'cumulate'> = ({ op, reverse }, [x], [out]) => {
  const values = load(x)
  const step = combine(op, isInt(x))
  const length = x.view.shape.at(-1)!
  for (let start = 0; start < values.length; start += length) {
    const row = values.subarray(start, start + length)
    if (reverse) row.reverse()
    for (let i = 1; i < length; i++) row[i] = step(row[i - 1], row[i])
    if (reverse) row.reverse()
  }
  store(out, values)
}

/** NaN is greater than every number. */
const order = (a: number, b: number): number => (Number.isNaN(a) || Number.isNaN(b) ? Number(Number.isNaN(a)) - Number(Number.isNaN(b)) : Number(a > b) - Number(a < b))

const sort: Runner<'sort'> = ({ descending }, [x], [values, positions]) => {
  const all = load(x)
  const length = x.view.shape.at(-1)!
  const places = new Int32Array(all.length)
  for (let start = 0; start < all.length; start += length) {
    const row = places.subarray(start, start + length)
    row.forEach((_, i) => (row[i] = i))
    row.sort((i, j) => order(all[start + i], all[start + j]) * (descending ? -1 : 1) || i - j)
  }
  store(values, Float64Array.from(places, (p, i) => all[i - (i % length) + p]))
  store(positions, places)
}

const BLOCK = 512

const map: Runner<'map'> = ({ program, params }, inputs, outputs) => {
  const from = inputs.map(o => runsOf(o.view))
  const to = outputs.map(o => runsOf(o.view))
  const length = numel(outputs[0].view.shape)
  const values = valuesOf(program, params, Math.min(length, BLOCK))
  for (let first = 0; first < length; first += BLOCK) {
    const n = Math.min(BLOCK, length - first)
    program.steps.forEach(({ op, index = 0 }, k) => op === 'input' && loadAt(inputs[index], from[index], first, n, values[k]))
    evaluateBlock(program, values, first, n)
    outputs.forEach((o, k) => storeAt(o, to[k], first, n, values[program.outputs[k]]))
  }
}

const factor: Runner<'factor'> = (kernel, inputs, outputs) => late.factor.reference(kernel, inputs.map(load)).forEach((values, i) => store(outputs[i], values))

const attention: Runner<'attention'> = (kernel, inputs, outputs) => late.attention.reference(kernel, inputs.map(load)).forEach((values, i) => store(outputs[i], values))

const batch: Runner<'batch'> = (kernel, inputs, outputs) => {
  const [n, m] = [kernel.program.inputs.length, kernel.program.outputs.length]
  mapsOf(kernel).forEach((part, k) => map(part, inputs.slice(k * n, (k + 1) * n), outputs.slice(k * m, (k + 1) * m)))
}

const runners: { readonly [K in KernelKind]: Runner<K> } = { map, batch, reduce, rows, matmul, conv, gather, scatter, fold, cumulate, sort, attention, factor }

export function runKernel<K extends KernelKind>(kernel: KernelOf<K> & Kernel, inputs: readonly Operand[], outputs: readonly Operand[]): void {
  const run: Runner<K> = runners[kernel.kind as K]
  run(kernel, inputs, outputs)
}

