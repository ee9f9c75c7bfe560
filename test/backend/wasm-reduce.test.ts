// Reductions on wasm take different ways by shape and strides, and are cut in pieces; here every way and every seam is met, with
// one thread and with three, and the error of long sums is measured.
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Backend } from '../../src/backend/backend.ts'
import { openReference } from '../../src/backend/reference/index.ts'
import { openWasm } from '../../src/backend/wasm/index.ts'
import type { DType, Words } from '../../src/core/dtype.ts'
import { numel, type Shape } from '../../src/core/shape.ts'
import { contiguousView, permuteView, sliceView, type View } from '../../src/core/view.ts'
import type { ReduceKernel, ReduceOp } from '../../src/ir/kernel.ts'
import { Random } from './data.ts'
import { download, upload } from './run.ts'

let one: Backend
let three: Backend
let reference: Backend
beforeAll(async () => {
  one = await openWasm({ threads: 1 })
  three = await openWasm({ threads: 3 })
  reference = await openReference()
})
afterAll(() => [one, three, reference].forEach(b => b.dispose()))

async function run(backend: Backend, kernel: ReduceKernel, words: Words): Promise<Words> {
  const out = kernel.outputs[0].dtype === 'float32' ? new Float32Array(numel(kernel.outputs[0].shape)) : new Int32Array(numel(kernel.outputs[0].shape))
  const blocks = [upload(backend, words), upload(backend, out)]
  backend.run(kernel, blocks)
  const result = await download(backend, blocks[1], out)
  blocks.forEach(b => backend.free(b))
  return result
}

const kernelOf = (op: ReduceOp, input: View, kept: number): ReduceKernel => ({
  kind: 'reduce',
  op,
  inputs: [input],
  outputs: [contiguousView(op === 'argmax' || op === 'argmin' ? 'int32' : input.dtype, input.shape.slice(0, kept))],
})

/** Shape of the block, order of its axes as the kernel sees them, and how many of them are kept. */
const cases: readonly (readonly [block: Shape, order: readonly number[], kept: number])[] = [
  [[1], [0], 0], [[7], [0], 0], [[513], [0], 0], [[70_001], [0], 0], [[3, 40_000], [0, 1], 1],
  [[100, 10], [0, 1], 1], [[33, 31], [0, 1], 1], [[20, 64], [0, 1], 1], [[5, 700], [0, 1], 1],
  [[100, 10], [1, 0], 1], [[200, 3], [1, 0], 1], [[300, 130], [1, 0], 1], [[9, 600], [1, 0], 1], [[2, 5], [1, 0], 1], [[130, 17], [1, 0], 1],
  [[6, 5, 8, 4], [1, 0, 2, 3], 1], [[6, 40, 3, 3], [1, 0, 2, 3], 1], [[4, 6, 8, 8], [0, 2, 3, 1], 3], [[3, 50, 20], [0, 2, 1], 2],
  [[2, 3, 4, 2, 4, 2], [0, 1, 2, 4, 3, 5], 4], [[3, 5, 2, 7, 2], [0, 1, 3, 2, 4], 3], [[4, 3, 9, 2], [0, 2, 1, 3], 2], [[9, 6, 2], [0, 1, 2], 2],
  [[2, 2, 300, 2, 2], [0, 2, 1, 3, 4], 2], [[600, 2, 3], [0, 1, 2], 1], [[2, 1200, 3], [1, 0, 2], 1],
  [[40, 40, 5], [2, 0, 1], 1], [[17, 19, 23], [1, 2, 0], 2], [[17, 19, 23], [2, 1, 0], 1], [[40, 3, 30], [0, 2, 1], 2], [[5, 0], [0, 1], 1], [[0, 5], [1, 0], 1],
]

const ops: readonly ReduceOp[] = ['sum', 'prod', 'max', 'min', 'argmax', 'argmin']

test.each(cases)('block %j in order %j, %i kept', async (block, order, kept) => {
  const random = new Random(block.join())
  for (const dtype of ['float32', 'int32', 'bool'] as DType[]) {
    // One word more than needed on either side, and every second element of a longer last axis.
    const long = [...block.slice(0, -1), 2 * block[block.length - 1] + 1]
    const views = [
      permuteView(contiguousView(dtype, block), order),
      permuteView(sliceView(contiguousView(dtype, long), block.length - 1, 1, 2, block[block.length - 1]), order),
    ]
    const words = random.words(dtype, numel(long) + 1)
    // Numbers near one, whose product neither vanishes nor overflows.
    const factors = dtype === 'float32' ? words.map(v => 1 + v / 64) : words
    if (dtype === 'float32') for (const [i, v] of [[5, NaN], [6, NaN], [12, -0], [13, 0], [20, Infinity], [21, -Infinity]]) if (i < words.length / 50) words[i] = v
    for (const op of ops) {
      if (dtype === 'bool' && (op === 'sum' || op === 'prod')) continue
      for (const view of views) {
        if (numel(view.shape) === 0 && op.startsWith('arg')) continue
        const kernel = kernelOf(op, view, kept)
        const data = op === 'prod' ? factors : words
        const want = await run(reference, kernel, data)
        const got = await run(one, kernel, data)
        expect(new Int32Array((await run(three, kernel, data)).buffer), 'threads').toEqual(new Int32Array(got.buffer))
        if (got instanceof Int32Array || op === 'max' || op === 'min') expect([...got].map(v => v + 0), `${op} ${dtype}`).toEqual([...want].map(v => v + 0))
        else {
          // Every factor of a product is rounded once, in whatever order.
          const rel = op === 'prod' ? 2e-7 * Math.sqrt(numel(view.shape)) : 4e-6
          got.forEach((v, i) => expect(Object.is(v, want[i]) || Math.abs(v - want[i]) <= rel * Math.max(1, Math.abs(want[i])), `${op}: ${v}, want ${want[i]}`).toBe(true))
        }
      }
    }
  }
})

test('the error of a sum stays near that of one rounding, however long it is', async () => {
  const n = 1 << 21
  const x = Float32Array.from({ length: n }, (_, i) => 0.1 + (i % 7) / 1000)
  const exact = x.reduce((s, v) => s + v, 0)
  const [sum] = await run(three, kernelOf('sum', contiguousView('float32', [n]), 0), x)
  expect(Math.abs(sum - exact) / exact).toBeLessThan(3e-7)
  // A sum of rows: 32768 of them, 64 wide.
  const columns = await run(three, kernelOf('sum', permuteView(contiguousView('float32', [n / 64, 64]), [1, 0]), 1), x)
  columns.forEach((v, c) => {
    let want = 0
    for (let i = c; i < n; i += 64) want += x[i]
    expect(Math.abs(v - want) / want).toBeLessThan(3e-7)
  })
})

test('extremes of a run meet NaN and both zeros wherever they lie', async () => {
  const n = 83
  const kernel = (op: 'max' | 'min', rows: number): ReduceKernel => kernelOf(op, contiguousView('float32', [rows, n]), 1)
  for (const op of ['max', 'min'] as const) {
    const sign = op === 'max' ? -1 : 1
    /** What a row has at one place and, three further, at another; all else is beaten by both. */
    const pairs = [[NaN, 7], [7, NaN], [0, -0], [-0, 0], [-0, -0], [0, 0], [sign * Infinity, NaN], [3, 5]]
    const words = new Float32Array(pairs.length * n * n).map((_, i) => sign * (i % 9 + 10))
    pairs.forEach((pair, k) => {
      for (let at = 0; at < n; at++) pair.forEach((x, side) => (words[(k * n + at) * n + ((at + 3 * side) % n)] = x))
    })
    const got = await run(one, kernel(op, pairs.length * n), words)
    const best = op === 'max' ? Math.max : Math.min
    pairs.forEach((pair, k) => expect([...got.subarray(k * n, (k + 1) * n)]).toEqual(new Array(n).fill(best(pair[0], pair[1]))))
  }
})
