// Products and convolutions of every shape, layout and size class against plain loops in float64. The sizes reach past the block
// sizes of the kernels, which the conformance suite's need not do.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Backend, Block } from '../../src/backend/backend.ts'
import { openWasm } from '../../src/backend/wasm/index.ts'
import { numel, type Shape } from '../../src/core/shape.ts'
import { extent, type View } from '../../src/core/view.ts'
import type { ConvKernel, FoldKernel, Kernel, MatmulKernel } from '../../src/ir/kernel.ts'
import { Random } from './data.ts'

/** Error allowed, in parts of Σ|a·b|: float32 rounds at 6e-8, and sums are blocked. */
const TOLERANCE = 6e-7

/** Axes in random order, some of them backwards. */
function shuffled(r: Random, shape: Shape): View {
  const order = shape.map((_, i) => ({ i, key: r.uniform() })).sort((a, b) => a.key - b.key)
  const strides = new Array<number>(shape.length)
  let step = 1
  let offset = 0
  for (const { i } of order) {
    strides[i] = step
    step *= Math.max(shape[i], 1)
    if (r.uniform() < 0.3 && shape[i] > 0) {
      offset += strides[i] * (shape[i] - 1)
      strides[i] *= -1
    }
  }
  return { dtype: 'float32', shape, strides, offset }
}

const plain = (shape: Shape): View => ({ dtype: 'float32', shape, strides: shape.map((_, i) => numel(shape.slice(i + 1))), offset: 0 })

/** Every index of a shape, in row-major order. */
function* indices(shape: Shape): Generator<number[]> {
  const at = shape.map(() => 0)
  for (let n = numel(shape); n > 0; n--) {
    yield at
    for (let d = shape.length - 1; d >= 0 && ++at[d] === shape[d]; d--) at[d] = 0
  }
}

const offsetOf = (v: View, index: readonly number[]): number => index.reduce((at, i, d) => at + i * v.strides[d], v.offset)
const wordsOf = (v: View): number => (extent(v)?.[1] ?? -1) + 1

/** Result and Σ|a·b| at the places of the output view. */
interface Expected {
  readonly value: Float64Array
  readonly scale: Float64Array
}

const expected = (out: View): Expected => ({ value: new Float64Array(wordsOf(out)), scale: new Float64Array(wordsOf(out)) })

function matmulLoops({ inputs: [av, bv], outputs: [cv] }: MatmulKernel, a: Float32Array, b: Float32Array): Expected {
  const out = expected(cv)
  const inner = av.shape.at(-1)!
  for (const index of indices(cv.shape)) {
    const batch = index.slice(0, -2)
    const [i, j] = index.slice(-2)
    const at = offsetOf(cv, index)
    const row = offsetOf(av, [...batch, i, 0])
    const column = offsetOf(bv, [...batch, 0, j])
    for (let k = 0; k < inner; k++) {
      const p = a[row + k * av.strides.at(-1)!] * b[column + k * bv.strides.at(-2)!]
      out.value[at] += p
      out.scale[at] += Math.abs(p)
    }
  }
  return out
}

function convLoops({ inputs: [xv, wv], outputs: [ov], ...c }: ConvKernel, x: Float32Array, w: Float32Array): Expected {
  const out = expected(ov)
  const sizes = xv.shape.slice(3)
  for (const [g, n, o, ...t] of indices(ov.shape)) {
    const at = offsetOf(ov, [g, n, o, ...t])
    for (const [channel, ...k] of indices(wv.shape.slice(2))) {
      const from = t.map((_, d) => (t[d] * c.stride[d] + k[d] * c.dilation[d] - c.padLow[d]) / c.inputDilation[d])
      if (!from.every((s, d) => Number.isInteger(s) && s >= 0 && s < sizes[d])) continue
      const p = x[offsetOf(xv, [g, n, channel, ...from])] * w[offsetOf(wv, [g, o, channel, ...k])]
      out.value[at] += p
      out.scale[at] += Math.abs(p)
    }
  }
  return out
}

function foldLoops({ inputs: [xv], outputs: [ov], stride, dilation }: FoldKernel, x: Float32Array): Expected {
  const out = expected(ov)
  const axes = stride.length
  const rank = ov.shape.length - axes
  for (const index of indices(xv.shape)) {
    const place = stride.map((s, d) => index[rank + d] * s + index[rank + axes + d] * dilation[d])
    const at = offsetOf(ov, [...index.slice(0, rank), ...place])
    const v = x[offsetOf(xv, index)]
    out.value[at] += v
    out.scale[at] += Math.abs(v)
  }
  return out
}

let backends: Backend[]
beforeAll(async () => {
  const builds = [{ relaxed: false, threads: 1 }, { relaxed: false, threads: 2 }, { relaxed: true, threads: 1 }, { relaxed: true, threads: 2 }]
  backends = await Promise.all(builds.map(options => openWasm(options)))
})
afterAll(() => backends.forEach(b => b.dispose()))

function runOn(backend: Backend, kernel: Kernel, inputs: readonly Float32Array[]): Float32Array {
  const given = inputs.map((data): Block => {
    const block = backend.alloc(data.byteLength)
    backend.write(block, 0, data)
    return block
  })
  const words = wordsOf(kernel.outputs[0])
  const out = backend.alloc(words * 4)
  backend.write(out, 0, new Float32Array(words).fill(NaN))
  backend.run(kernel, [...given, out])
  const result = new Float32Array(backend.readSync!(out, 0, words * 4, 'float32'))
  for (const block of [...given, out]) backend.free(block)
  return result
}

/** Every build is near the loops, and two threads give what one gives, to the bit. */
function check<K extends Kernel>(r: Random, kernel: K, loops: (kernel: K, ...inputs: Float32Array[]) => Expected): void {
  const inputs = kernel.inputs.map(v => r.words('float32', wordsOf(v)) as Float32Array)
  const { value, scale } = loops(kernel, ...inputs)
  const results = backends.map(b => runOn(b, kernel, inputs))
  for (const result of results) {
    let worst = 0
    result.forEach((v, i) => {
      const error = Math.abs(v - value[i]) / (scale[i] || 1)
      if (!(error <= worst)) worst = error
    })
    expect(worst, describeKernel(kernel)).toBeLessThan(TOLERANCE)
  }
  for (const i of [0, 2]) expect(Buffer.from(results[i].buffer).equals(Buffer.from(results[i + 1].buffer)), `${describeKernel(kernel)} on two threads`).toBe(true)
}

const describeKernel = (kernel: Kernel): string => JSON.stringify(kernel)

describe('matmul', () => {
  const sizes: [m: number, n: number, k: number][] = [
    [1, 1, 1], [1, 1, 70], [5, 1, 9], [1, 17, 3], [3, 4, 5], [8, 8, 8], [7, 9, 20], [48, 48, 48], [49, 50, 51], [64, 10, 128], [100, 7, 300],
    [2, 300, 40], [1, 300, 200], [300, 1, 200], [6, 8, 700], [5, 1100, 3], [130, 30, 400], [200, 17, 390], [2, 2, 0], [0, 3, 2], [3, 0, 2],
    [1, 301, 1030], [5, 101, 600],
  ]
  test.each(sizes)('%i × %i × %i, rows and columns either way', (m, n, k) => {
    const r = new Random(`${m} ${n} ${k}`)
    const turned = (shape: Shape): View => ({ ...plain(shape), strides: [1, shape[0]] })
    for (const a of [plain, turned]) for (const b of [plain, turned]) for (const c of [plain, turned])
      check(r, { kind: 'matmul', inputs: [a([m, k]), b([k, n])], outputs: [c([m, n])] }, matmulLoops)
  })

  test('batches, broadcast or not, in any layout', () => {
    const r = new Random('batches')
    for (let i = 0; i < 150; i++) {
      const rank = r.int(0, 4)
      const batch = Array.from({ length: rank }, () => r.int(1, 5))
      const top = r.pick([6, 20, 70])
      const [m, n, k] = [r.int(1, top), r.int(1, top), r.int(0, top)]
      const layout = r.pick([plain, (shape: Shape) => shuffled(r, shape)])
      const operand = (shape: Shape): View => {
        const view = layout([...batch, ...shape])
        const shared = batch.map(() => r.uniform() < 0.2)
        return { ...view, strides: view.strides.map((s, d) => (shared[d] ? 0 : s)), offset: shared.reduce((at, yes, d) => (yes && view.strides[d] < 0 ? at + view.strides[d] * (batch[d] - 1) : at), view.offset) }
      }
      check(r, { kind: 'matmul', inputs: [operand([m, k]), operand([k, n])], outputs: [layout([...batch, m, n])] }, matmulLoops)
    }
  })

  test('millions of rows', () => {
    const m = 1_500_000
    const kernel: MatmulKernel = { kind: 'matmul', inputs: [plain([m, 2]), plain([2, 8])], outputs: [plain([m, 8])] }
    const a = Float32Array.from({ length: 2 * m }, (_, i) => i >> 1)
    for (const i of [0, 3]) expect(runOn(backends[i], kernel, [a, new Float32Array(16).fill(0.5)]).every((v, at) => v === at >> 3)).toBe(true)
  })

  test('an infinity stays in its row', () => {
    const kernel: MatmulKernel = { kind: 'matmul', inputs: [plain([9, 11]), plain([11, 13])], outputs: [plain([9, 13])] }
    const a = new Float32Array(99).fill(1)
    a[3 * 11 + 5] = Infinity
    for (const backend of backends) {
      const c = runOn(backend, kernel, [a, new Float32Array(143).fill(1)])
      c.forEach((v, i) => expect(v).toBe(Math.floor(i / 13) === 3 ? Infinity : 11))
    }
  })
})

describe('conv', () => {
  const geometry = (r: Random, axes: number, large: boolean) => {
    const each = (lo: number, hi: number): number[] => Array.from({ length: axes }, () => r.int(lo, hi))
    const [positions, taps, sizes] = large
      ? [each(1, [30, 8, 4][axes - 1]), each(1, [300, 16, 6][axes - 1]), each(1, [300, 20, 7][axes - 1])]
      : [each(1, [40, 12, 4][axes - 1]), each(1, 4), each(1, 9)]
    return { positions, taps, sizes, stride: each(1, 3), dilation: each(1, 3), inputDilation: each(0, 4).map(v => (v === 0 ? 2 : 1)), padLow: each(-2, 4) }
  }

  test.each([
    ['few taps, any geometry', false, 150],
    ['many taps and channels, few results', true, 40],
  ] as const)('%s', (_, large, count) => {
    const r = new Random(String(large))
    for (let i = 0; i < count; i++) {
      const { positions, taps, sizes, ...options } = geometry(r, r.int(1, 4), large)
      const [groups, images, channels, outs] = [r.int(1, 4), r.int(1, large ? 3 : 9), r.int(large ? 4 : 0, large ? 12 : 6), r.int(1, 14)]
      const layout = r.pick([plain, (shape: Shape) => shuffled(r, shape)])
      const inputs = [layout([groups, images, channels, ...sizes]), layout([groups, outs, channels, ...taps])]
      check(r, { kind: 'conv', inputs, outputs: [layout([groups, images, outs, ...positions])], ...options }, convLoops)
    }
  })

  test('few results that are sums over long lines, as the gradient for w of a channel by itself', () => {
    const r = new Random('dots')
    for (let i = 0; i < 60; i++) {
      const each = (axes: number, lo: number, hi: number): number[] => Array.from({ length: axes }, () => r.int(lo, hi))
      const outer = r.int(0, 2)
      const [positions, taps] = [[...each(outer, 1, 5), r.int(3, 7)], [...each(outer, 1, 6), r.int(4, 40)]]
      const [stride, dilation, padLow] = [each(outer + 1, 1, 3), [...each(outer, 1, 3), 1], each(outer + 1, -2, 4)]
      const [groups, images, channels, outs] = [r.int(1, 11), r.int(1, 3), r.int(1, 12), r.int(1, 4)]
      const inputs = [plain([groups, images, channels, ...taps.map((n, d) => n + r.int(0, 4) + (d < outer ? n : 0))]), plain([groups, outs, channels, ...taps])]
      check(r, { kind: 'conv', inputs, outputs: [plain([groups, images, outs, ...positions])], stride, dilation, inputDilation: padLow.map(() => 1), padLow }, convLoops)
    }
    const large = { stride: [1, 1], dilation: [1, 1], inputDilation: [1, 1], padLow: [1, 1] }
    check(r, { kind: 'conv', inputs: [plain([2, 1, 3, 60, 45]), plain([2, 1, 3, 60, 45])], outputs: [plain([2, 1, 1, 3, 3])], ...large }, convLoops)
  })

  test('a layer and the two convolutions that are its gradients', () => {
    const r = new Random('layer')
    const same = { stride: [1, 1], dilation: [1, 1], inputDilation: [1, 1], padLow: [1, 1] }
    const [x, y] = [plain([1, 16, 4, 12, 12]), plain([1, 16, 6, 12, 12])]
    const w = plain([1, 6, 4, 3, 3])
    const swap = (v: View): View => ({ ...v, shape: v.shape.with(1, v.shape[2]).with(2, v.shape[1]), strides: v.strides.with(1, v.strides[2]).with(2, v.strides[1]) })
    const flipped = { ...w, strides: w.strides.with(3, -3).with(4, -1), offset: 8 }
    check(r, { kind: 'conv', inputs: [x, w], outputs: [y], ...same }, convLoops)
    check(r, { kind: 'conv', inputs: [y, swap(flipped)], outputs: [x], ...same }, convLoops)
    check(r, { kind: 'conv', inputs: [swap(x), swap(y)], outputs: [swap(w)], ...same }, convLoops)
  })
})

test('folds in any geometry', () => {
  const r = new Random('fold')
  for (let i = 0; i < 120; i++) {
    const axes = r.int(1, 4)
    const each = (lo: number, hi: number): number[] => Array.from({ length: axes }, () => r.int(lo, hi))
    const [positions, taps, stride, dilation] = [each(1, 9), each(1, 4), each(1, 4), each(1, 3)]
    const sizes = positions.map((t, d) => (t - 1) * stride[d] + (taps[d] - 1) * dilation[d] + 1 + r.int(0, 3))
    const outer = Array.from({ length: r.int(0, 3) }, () => r.int(1, 6))
    const layout = r.pick([plain, (shape: Shape) => shuffled(r, shape)])
    check(r, { kind: 'fold', stride, dilation, inputs: [layout([...outer, ...positions, ...taps])], outputs: [layout([...outer, ...sizes])] }, foldLoops)
  }
})
