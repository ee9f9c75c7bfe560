// Layers of random sizes against plain loops, and against the laws that hold for every size: what is transposed is adjoint, what goes there and
// back is the same, and a likelihood over alignments is the sum over all of them.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { manualSeed, nn, rand, randn, tensor, type Tensor } from '../../src/index.ts'
import { eachDevice } from '../each-device.ts'

const F = nn.functional
const whole = (min: number, max: number): fc.Arbitrary<number> => fc.integer({ min, max })
const check = <T>(name: string, inputs: fc.Arbitrary<T>, body: (input: T) => Promise<void>, numRuns = 20): void =>
  test(name, () => fc.assert(fc.asyncProperty(inputs, body), { numRuns }))

const list = async (x: Tensor): Promise<number[]> => Array.from(await x.data())
const near = (got: readonly number[], want: readonly number[]): void => {
  expect(got).toHaveLength(want.length)
  const size = Math.max(1, ...want.map(Math.abs).filter(Number.isFinite))
  got.forEach((v, i) => expect(v === want[i] ? 0 : Math.abs(v - want[i]) / size).toBeLessThan(1e-4))
}
/** a·b = c·d, as far as the lengths of a and b let one tell. */
const sameProduct = async ([a, b]: Tensor[], [c, d]: Tensor[]): Promise<void> => {
  const difference = a.mul(b).sum().sub(c.mul(d).sum()).abs()
  expect(await difference.div(a.norm().mul(b.norm()).add(1)).item()).toBeLessThan(1e-5)
}
const indices = (n: number): number[] => [...Array(n).keys()]

/** One spatial dimension: size, kernel, stride, padding, dilation, such that a window fits. */
const axis = fc.record({ kernel: whole(1, 3), stride: whole(1, 3), dilation: whole(1, 2), more: whole(0, 4) }).chain(a =>
  whole(0, a.kernel >> 1).map(padding => ({ ...a, padding, size: Math.max(1, a.dilation * (a.kernel - 1) + 1 - 2 * padding) + a.more })))
type Axis = { readonly kernel: number; readonly stride: number; readonly dilation: number; readonly padding: number; readonly size: number }
const axes = (least: number, most: number): fc.Arbitrary<Axis[]> => fc.array(axis, { minLength: least, maxLength: most })
const options = (a: readonly Axis[]) => ({ stride: a.map(x => x.stride), padding: a.map(x => x.padding), dilation: a.map(x => x.dilation) })

eachDevice(() => {
  describe('convolution', () => {
    check('in two dimensions, in groups', fc.tuple(axes(2, 2), whole(1, 2), whole(1, 2), whole(1, 2)), async ([a, groups, cin, cout]) => {
      const [h, w] = a
      const x = randn(2, groups * cin, h.size, w.size)
      const k = randn(groups * cout, cin, h.kernel, w.kernel)
      const y = F.conv2d(x, k, null, { ...options(a), groups })
      const [xs, ks] = [await list(x), await list(k)]
      const at = (n: number, c: number, i: number, j: number): number => (i < 0 || j < 0 || i >= h.size || j >= w.size ? 0 : xs[((n * groups * cin + c) * h.size + i) * w.size + j])
      const want: number[] = []
      const [, , oh, ow] = y.shape
      for (const n of indices(2))
        for (const o of indices(groups * cout))
          for (const p of indices(oh))
            for (const q of indices(ow)) {
              let sum = 0
              for (const c of indices(cin))
                for (const i of indices(h.kernel))
                  for (const j of indices(w.kernel))
                    sum += ks[((o * cin + c) * h.kernel + i) * w.kernel + j] * at(n, Math.floor(o / cout) * cin + c, p * h.stride - h.padding + i * h.dilation, q * w.stride - w.padding + j * w.dilation)
              want.push(sum)
            }
      near(await list(y), want)
    })

    check('and its transpose are adjoint, in one to three dimensions', fc.tuple(axes(1, 3), whole(1, 2)), async ([a, groups]) => {
      const n = a.length as 1 | 2 | 3
      const x = randn([2, groups * 2, ...a.map(s => s.size)])
      const k = randn([groups * 3, 2, ...a.map(s => s.kernel)])
      const y = F[`conv${n}d`](x, k, null, { ...options(a), groups })
      const g = randn(y.shape)
      // What the stride passes over at the end has to be said.
      const outputPadding = a.map((s, i) => s.size - ((y.shape[i + 2] - 1) * s.stride - 2 * s.padding + s.dilation * (s.kernel - 1) + 1))
      if (outputPadding.some((v, i) => v >= Math.max(a[i].stride, a[i].dilation))) return
      const back = F[`convTranspose${n}d`](g, k, null, { ...options(a), groups, outputPadding })
      expect(back.shape).toEqual(x.shape)
      await sameProduct([y, g], [back, x])
    })

    check('is a product with patches', axes(2, 2), async a => {
      const x = randn([2, 3, ...a.map(s => s.size)])
      const k = randn([4, 3, ...a.map(s => s.kernel)])
      const y = F.conv2d(x, k, null, options(a))
      const columns = F.unfold(x, a.map(s => s.kernel), options(a))
      near(await list(k.reshape(4, -1).matmul(columns)), await list(y))
      const g = randn(columns.shape)
      await sameProduct([columns, g], [x, F.fold(g, a.map(s => s.size), a.map(s => s.kernel), options(a))])
    })
  })

  describe('pools', () => {
    test('in ceilMode a window may be larger than its line', async () => {
      const x = tensor([[[1, 3, 2]]])
      expect(await list(F.maxPool1d(x, 4, { stride: 2, ceilMode: true }))).toEqual([3])
      expect(await list(F.avgPool1d(x, 4, { stride: 2, ceilMode: true }))).toEqual([2])
      expect(() => F.maxPool1d(x, 5, { stride: 2, ceilMode: true })).toThrow(/kernel \[5\] is larger than the padded input/)
    })

    /** Windows along one axis as PyTorch counts them. */
    const windows = ({ size, kernel, stride, padding, dilation }: Axis, ceilMode: boolean): { taps: number[]; counted: number }[] => {
      const span = size + 2 * padding - dilation * (kernel - 1) - 1
      let count = (ceilMode ? Math.ceil(span / stride) : Math.floor(span / stride)) + 1
      if (ceilMode && (count - 1) * stride >= size + padding) count--
      return indices(count).map(t => {
        const start = t * stride - padding
        return {
          taps: indices(kernel).map(k => start + k * dilation).filter(i => i >= 0 && i < size),
          counted: Math.min(start + kernel, size + padding) - start,
        }
      })
    }
    const plane = async (a: readonly Axis[]): Promise<{ x: Tensor; xs: number[] }> => {
      const x = randn([1, 1, ...a.map(s => s.size)])
      return { x, xs: await list(x) }
    }

    check('max, with positions, and back', fc.tuple(axes(2, 2), fc.boolean()), async ([a, ceilMode]) => {
      const { x, xs } = await plane(a)
      const kernel = a.map(s => s.kernel)
      const [rows, columns] = a.map(s => windows(s, ceilMode))
      // Wide steps between taps can leave a window with none of them in the image: there is nothing to be the largest.
      fc.pre([...rows, ...columns].every(r => r.taps.length > 0))
      const [y, at] = F.maxPool2d(x, kernel, { ...options(a), ceilMode, returnIndices: true })
      const want = rows.flatMap(r => columns.map(c => r.taps.flatMap(i => c.taps.map(j => i * a[1].size + j)).reduce((best, p) => (xs[p] > xs[best] ? p : best))))
      expect(await list(at)).toEqual(want)
      expect(await list(y)).toEqual(want.map(p => xs[p]))
    })

    check('mean, with padding counted or not', fc.tuple(axes(2, 2), fc.boolean(), fc.boolean(), fc.option(whole(1, 5))), async ([drawn, ceilMode, countIncludePad, divisorOverride]) => {
      const a = drawn.map(s => ({ ...s, dilation: 1, size: s.size + 2 }))
      const { x, xs } = await plane(a)
      const y = F.avgPool2d(x, a.map(s => s.kernel), { stride: a.map(s => s.stride), padding: a.map(s => s.padding), ceilMode, countIncludePad, divisorOverride })
      const [rows, columns] = a.map(s => windows(s, ceilMode))
      const want = rows.flatMap(r => columns.map(c => {
        const values = r.taps.flatMap(i => c.taps.map(j => xs[i * a[1].size + j]))
        return values.reduce((s, v) => s + v, 0) / (divisorOverride ?? (countIncludePad ? r.counted * c.counted : values.length))
      }))
      near(await list(y), want)
    })

    check('adaptive mean and maximum', fc.tuple(whole(1, 12), whole(1, 12)), async ([n, m]) => {
      const x = randn(1, 2, n)
      const xs = (await x.toArray()) as number[][][]
      const parts = xs[0].flatMap(row => indices(m).map(i => row.map((v, p) => [v, p]).slice(Math.floor((i * n) / m), Math.ceil(((i + 1) * n) / m))))
      near(await list(F.adaptiveAvgPool1d(x, m)), parts.map(p => p.reduce((s, [v]) => s + v, 0) / p.length))
      const [y, at] = F.adaptiveMaxPool1d(x, m, { returnIndices: true })
      const best = parts.map(p => p.reduce((a, b) => (b[0] > a[0] ? b : a)))
      expect(await list(y)).toEqual(best.map(([v]) => v))
      expect(await list(at)).toEqual(best.map(([, p]) => p))
    })

    check('the way back puts each maximum where it was', fc.tuple(whole(1, 4), whole(1, 4), whole(1, 3)), async ([h, w, k]) => {
      const x = rand(2, 2, h * k, w * k).add(1)
      const y = F.maxUnpool2d(...F.maxPool2d(x, k, { returnIndices: true }), k)
      expect(y.shape).toEqual(x.shape)
      expect(await list(F.maxPool2d(y, k))).toEqual(await list(F.maxPool2d(x, k)))
      expect(await y.mul(y.sub(x)).abs().amax().item()).toBe(0)
    })
  })

  describe('images', () => {
    const modes = fc.constantFrom('nearest', 'nearest-exact', 'bilinear', 'bicubic', 'area')
    check('one colour stays one colour', fc.tuple(modes, whole(1, 6), whole(1, 6), whole(1, 9), whole(1, 9), fc.boolean(), fc.boolean()), async ([mode, h, w, oh, ow, corners, smooth]) => {
      const linear = mode === 'bilinear' || mode === 'bicubic'
      const y = F.interpolate(tensor([3]).expand(1, 2, h, w), { size: [oh, ow], mode, ...(linear && { alignCorners: corners, antialias: smooth }) })
      expect(y.shape).toEqual([1, 2, oh, ow])
      near(await list(y), new Array<number>(2 * oh * ow).fill(3))
    })

    check('the size it has changes nothing', fc.tuple(modes, whole(1, 6), whole(1, 6)), async ([mode, h, w]) => {
      const x = randn(1, 2, h, w)
      near(await list(F.interpolate(x, { size: [h, w], mode })), await list(x))
    })

    check('the identity grid gives the image, and a mirrored one its mirror', fc.tuple(fc.constantFrom('bilinear', 'nearest', 'bicubic'), fc.constantFrom('zeros', 'border', 'reflection'), fc.boolean(), whole(2, 6), whole(2, 6)), async ([mode, paddingMode, alignCorners, h, w]) => {
      const x = randn(2, 3, h, w)
      const through = (m: number[][]): Tensor => F.gridSample(x, F.affineGrid(tensor([m, m]), [2, 3, h, w], alignCorners), { mode, paddingMode, alignCorners })
      near(await list(through([[1, 0, 0], [0, 1, 0]])), await list(x))
      near(await list(through([[-1, 0, 0], [0, 1, 0]])), await list(x.flip(3)))
    })

    check('pixels to channels and back', fc.tuple(whole(1, 3), whole(1, 3), whole(1, 3), whole(1, 3)), async ([c, h, w, r]) => {
      const x = randn(2, c, h * r, w * r)
      expect(await list(F.pixelShuffle(F.pixelUnshuffle(x, r), r))).toEqual(await list(x))
      expect(await list(F.channelShuffle(F.channelShuffle(randn(1, 6, 2), 2), 3)).then(v => v.length)).toBe(12)
    })
  })

  check('bags', fc.tuple(fc.array(whole(0, 4), { minLength: 1, maxLength: 5 }), fc.constantFrom('sum', 'mean', 'max'), fc.boolean()), async ([sizes, mode, last]) => {
    const n = sizes.reduce((a, b) => a + b, 0)
    const words = indices(n).map(i => (i * 7) % 5)
    const starts = sizes.map((_, i) => sizes.slice(0, i).reduce((a, b) => a + b, 0))
    const table = randn(5, 2)
    const rows = (await table.toArray()) as number[][]
    const ints = (v: number[]): Tensor => tensor(Int32Array.from(v))
    const y = F.embeddingBag(ints(words), table, ints(last ? [...starts, n] : starts), { mode, includeLastOffset: last })
    near(await list(y), sizes.flatMap((size, b) => {
      const bag = words.slice(starts[b], starts[b] + size).map(word => rows[word])
      return indices(2).map(d => {
        const values = bag.map(row => row[d])
        if (values.length === 0) return 0
        return mode === 'max' ? Math.max(...values) : values.reduce((a, v) => a + v, 0) / (mode === 'mean' ? values.length : 1)
      })
    }))
  })

  check('ctcLoss is the sum over all alignments', fc.tuple(whole(1, 5), fc.array(whole(1, 2), { minLength: 0, maxLength: 3 }), whole(0, 2)), async ([steps, label, spare]) => {
    const logp = randn(steps + spare, 1, 3).logSoftmax(2)
    const p = ((await logp.exp().toArray()) as number[][][]).map(row => row[0])
    const collapse = (path: readonly number[]): number[] => path.filter((c, i) => c !== 0 && c !== path[i - 1])
    const paths = (length: number): number[][] => (length === 0 ? [[]] : paths(length - 1).flatMap(head => [0, 1, 2].map(c => [...head, c])))
    const total = paths(steps).filter(path => String(collapse(path)) === String(label)).reduce((s, path) => s + path.reduce((q, c, t) => q * p[t][c], 1), 0)
    const targets = tensor(Int32Array.from([...label, 2]), { shape: [1, label.length + 1] })
    near([await F.ctcLoss(logp, targets, [steps], [label.length], { reduction: 'sum' }).item()], [-Math.log(total)])
  })

  check('crossEntropy with weights, classes that do not count, and smoothing', fc.tuple(fc.array(whole(0, 3), { minLength: 1, maxLength: 6 }), fc.option(whole(0, 3)), fc.boolean(), fc.constantFrom(0, 0.2), fc.constantFrom('mean', 'sum')), async ([classes, ignored, weighted, labelSmoothing, reduction]) => {
    manualSeed(classes.length)
    const x = randn(classes.length, 4)
    const weight = weighted ? rand(4).add(0.5) : null
    const logp = (await x.logSoftmax(1).toArray()) as number[][]
    const w = weight ? await list(weight) : [1, 1, 1, 1]
    const used = classes.flatMap((c, i) => (c === ignored ? [] : [{ c, row: logp[i] }]))
    const each = used.map(({ c, row }) => -(1 - labelSmoothing) * w[c] * row[c] - (labelSmoothing / 4) * row.reduce((s, v, k) => s + w[k] * v, 0))
    const sum = each.reduce((a, b) => a + b, 0)
    const want = reduction === 'sum' ? sum : sum / used.reduce((a, { c }) => a + w[c], 0)
    const got = await F.crossEntropy(x, tensor(Int32Array.from(classes)), { weight, labelSmoothing, reduction, ...(ignored !== null && { ignoreIndex: ignored }) }).item()
    if (used.length === 0 && reduction === 'mean') expect(got).toBeNaN()
    else near([got], [want])
  })
})
