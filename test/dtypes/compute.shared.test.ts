// What comes out when dtypes meet, and that all that is built on ops takes them: products, reductions, gradients, models, optimisers, data.
import { describe, expect, test } from 'vitest'
import * as debug from '../../src/debug/index.ts'
import { compile, conv2d, data, gather, grad, nn, noGrad, ones, optim, tensor, toDevice, zeros, type DType, type Tensor } from '../../src/index.ts'
import { dtypes } from '../../src/core/dtype.ts'
import { Random } from '../backend/data.ts'
import { both, eachDevice, list } from './devices.ts'
import { formats } from './halves.ts'

/** `torch.promote_types`; where its answer is int64 there is none here, where it is complex128 there is complex64. */
const order = ['bool', 'uint8', 'int32', 'uint32', 'bfloat16', 'float16', 'float32', 'float64', 'complex64'] as const
const table: Readonly<Record<DType, string>> = {
  bool: 'bool u8 i32 u32 bf16 f16 f32 f64 c64',
  uint8: 'u8 u8 i32 u32 bf16 f16 f32 f64 c64',
  int32: 'i32 i32 i32 - bf16 f16 f32 f64 c64',
  uint32: 'u32 u32 - u32 bf16 f16 f32 f64 c64',
  bfloat16: 'bf16 bf16 bf16 bf16 bf16 f32 f32 f64 c64',
  float16: 'f16 f16 f16 f16 f32 f16 f32 f64 c64',
  float32: 'f32 f32 f32 f32 f32 f32 f32 f64 c64',
  float64: 'f64 f64 f64 f64 f64 f64 f64 f64 c64',
  complex64: 'c64 c64 c64 c64 c64 c64 c64 c64 c64',
}

const drawn = (seed: string, n: number, lo = -1, hi = 1): number[] => {
  const r = new Random(seed)
  return Array.from({ length: n }, () => r.uniform(lo, hi))
}
const make = (t: DType, shape: readonly number[], seed: string = t): Tensor =>
  tensor(drawn(seed, shape.reduce((a, b) => a * b, 1), 0, 3).map(v => (dtypes[t].kind === 'float' ? v : Math.floor(v))), { dtype: t, shape })
const halves = ['float16', 'bfloat16'] as const

class Net extends nn.Module {
  conv = new nn.Conv2d(1, 2, 3)
  norm = new nn.BatchNorm2d(2)
  fc = new nn.Linear(32, 3)
  forward(x: Tensor): Tensor {
    return this.fc.forward(this.norm.forward(this.conv.forward(x)).relu().flatten(1))
  }
}

eachDevice(name => {
  const all = order.filter(t => t !== 'float64' || name !== 'webgpu')
  const floats = all.filter(t => dtypes[t].kind === 'float')

  describe('promotion', () => {
    test.each(all)('%s with every other', t => {
      const got = order.map((other, i) => {
        const want = table[t].split(' ')[i]
        if (!all.includes(other)) return want
        const [x, y] = [zeros([2], { dtype: t }), zeros([2], { dtype: other })]
        if (want === '-') {
          expect(() => x.mul(y)).toThrow(/no common dtype/)
          return want
        }
        // A tensor without dimensions gives way within its kind, and a higher kind does not.
        const zero = zeros([], { dtype: other })
        const kinds = ['bool', 'int', 'float', 'complex']
        expect(x.mul(zero).dtype).toBe(kinds.indexOf(dtypes[other].kind) > kinds.indexOf(dtypes[t].kind) ? other : t)
        return dtypes[x.mul(y).dtype].short
      })
      expect(got.join(' ')).toBe(table[t])
    })

    test.each(all)('%s with plain numbers', t => {
      const x = ones([2], { dtype: t })
      const { kind } = dtypes[t]
      expect(x.mul(true).dtype).toBe(t)
      expect(x.mul(2).dtype).toBe(kind === 'bool' ? 'int32' : t)
      expect(x.mul(0.5).dtype).toBe(kind === 'float' || kind === 'complex' ? t : 'float32')
      expect(x.div(2).dtype).toBe(kind === 'float' || kind === 'complex' ? t : 'float32')
    })

    test('in place the target keeps its dtype', async () => {
      const x = tensor([1, 2, 3], { dtype: 'uint8' })
      x.add_(254)
      expect(await list(x)).toEqual([255, 0, 1])
      const h = tensor([1, 2, 3], { dtype: 'float16' })
      h.mul_(tensor([0.1, 0.2, 0.3]))
      expect(h.dtype).toBe('float16')
      expect(await list(h)).toEqual([1, 2, 3].map(v => formats.float16.round(v * Math.fround(v / 10))))
    })
  })

  describe('kernels other than maps take 16-bit floats as float32 and round once', () => {
    const same = async (t: DType, f: (...x: Tensor[]) => Tensor, ...x: Tensor[]): Promise<void> => {
      const got = await both(f, ...x)
      const wide = f(...x.map(v => (halves.some(h => h === v.dtype) ? v.to('float32') : v)))
      expect(got.dtype).toBe(t)
      expect(await list(got)).toEqual(await list(wide.to(t)))
    }
    test.each(halves)('%s', async t => {
      const [x, y] = [make(t, [5, 7]), make(t, [7, 4], 'other')]
      await same(t, (a, b) => a.matmul(b), x, y)
      await same(t, a => a.sum(1), x)
      await same(t, a => a.amax(0), x)
      await same(t, a => a.cumsum(1), x)
      await same(t, a => a.sort(1).values, x)
      await same('int32', a => a.argmax(1), x)
      await same(t, a => conv2d(a.reshape(1, 1, 5, 7), a.at('0:3', '0:3').reshape(1, 1, 3, 3)), x)
      await same(t, (a, i) => gather(a, 0, i), x, tensor([[0, 4, 1]], { dtype: 'int32' }))
    })

    test('uint8 adds up in int32', async () => {
      const x = tensor(Uint8Array.from({ length: 600 }, (_, i) => i), { shape: [2, 300] })
      expect((await both(a => a.sum(1), x)).dtype).toBe('int32')
      const rows = [0, 1].map(r => Array.from({ length: 300 }, (_, i) => (300 * r + i) & 255))
      expect(await list(x.sum(1))).toEqual(rows.map(row => row.reduce((a, b) => a + b)))
      expect(await list(x.amax(1))).toEqual(rows.map(row => Math.max(...row)))
      expect(x.amax(1).dtype).toBe('uint8')
      expect(await x.to('float32').mean().item()).toBeCloseTo(rows.flat().reduce((a, b) => a + b) / 600, 3)
    })
  })

  describe('gradients', () => {
    test.each(floats)('of a %s leaf have its dtype', async t => {
      const x = tensor([0.5, -1, 2], { dtype: t, requiresGrad: true })
      x.mul(x).mul(3).sum().backward()
      expect(x.grad!.dtype).toBe(t)
      expect(await list(x.grad!)).toEqual([3, -6, 12])
      const y = tensor([1, 2, 3], { dtype: t, requiresGrad: true })
      const [g] = grad(y.to('float32').pow(2).mul(tensor([1, 2, 3])).sum(), [y])
      expect(g!.dtype).toBe(t)
      expect(await list(g!)).toEqual([2, 8, 18])
    })

    test('flow through a conversion there and back', async () => {
      const x = tensor([1, 2, 3], { requiresGrad: true })
      x.to('float16').mul(2).to('bfloat16').to('float32').pow(2).sum().backward()
      expect(x.grad!.dtype).toBe('float32')
      expect(await list(x.grad!)).toEqual([8, 16, 24])
    })

    test('whole numbers have none', () => {
      for (const dtype of ['uint8', 'uint32', 'int32', 'bool'] as const) expect(() => zeros([2], { dtype, requiresGrad: true })).toThrow(/only float and complex/)
    })

    test('float64 is sharp enough for differences', async () => {
      if (name === 'webgpu') return expect(() => zeros([1], { dtype: 'float64' })).toThrow(/no float64/)
      const x = tensor([0.3, -1.2, 2], { dtype: 'float64', requiresGrad: true })
      const f = (a: Tensor): Tensor => a.sin().mul(a.exp()).matmul(a)
      await debug.gradcheck(f, [x], { eps: 1e-3, atol: 1e-4, rtol: 1e-4 })
      f(x).backward()
      const values = [0.3, -1.2, 2]
      const want = values.map(v => Math.exp(v) * (Math.sin(v) * (1 + v) + Math.cos(v) * v))
      ;(await list(x.grad!)).forEach((g, i) => expect(Math.abs(g - want[i])).toBeLessThan(1e-14 * Math.abs(want[i]) + 1e-15))
    })
  })

  describe('models', () => {
    test.each(floats)('run and train in %s', async t => {
      const model = new Net().to(t)
      expect(new Set([...model.parameters()].map(p => p.dtype))).toEqual(new Set([t]))
      const x = make(t, [4, 1, 6, 6])
      const target = tensor([0, 1, 2, 1], { dtype: 'int32' })
      expect(model.forward(x).dtype).toBe(t)
      for (const optimizer of [new optim.SGD(model.parameters(), { lr: 0.05, momentum: 0.9 }), new optim.Adam(model.parameters(), { lr: 0.01 })]) {
        const step = compile((a: Tensor, b: Tensor) => {
          optimizer.zeroGrad()
          const loss = nn.functional.crossEntropy(model.forward(a), b)
          loss.backward()
          optimizer.step()
          return loss
        })
        const losses: number[] = []
        for (let i = 0; i < 8; i++) losses.push(await step(x, target).item())
        expect(losses.at(-1)!).toBeLessThan(losses[0])
      }
      for (const p of model.parameters()) {
        expect(p.dtype).toBe(t)
        expect((await list(p)).every(Number.isFinite)).toBe(true)
      }
      expect((await list(model.norm.numBatchesTracked!))[0]).toBe(17)
    })

    test.each(halves)('an optimiser rounds %s parameters once a step and keeps its state in float32', async t => {
      const start = drawn('start', 9).map(formats[t].round)
      const p = new nn.Parameter(tensor(start, { dtype: t }))
      const wide = new nn.Parameter(tensor(start))
      const [narrow, full] = [p, wide].map(x => new optim.Adam([x], { lr: 0.05 }))
      for (const [x, o] of [[p, narrow], [wide, full]] as const) {
        x.grad = tensor(start.map(v => v / 2), { dtype: x.dtype })
        o.step()
      }
      expect(await list(p)).toEqual(await list(wide.to(t)))
      expect(narrow.stateDict().state[0].exp_avg.dtype).toBe('float32')
    })

    test('a checkpoint of another dtype is converted', async () => {
      const from = new nn.Linear(3, 2).to('float16')
      const to = new nn.Linear(3, 2)
      await to.loadStateDict(from.stateDict())
      expect(to.weight.dtype).toBe('float32')
      expect(await list(to.weight)).toEqual(await list(from.weight))
      expect(() => from.to('int32')).toThrow(/\[to\]/)
    })
  })

  test('images of bytes are loaded in batches and normalised', async () => {
    const pixels = Uint8Array.from({ length: 10 * 5 * 3 }, (_, i) => (i * 37) & 255)
    const images = tensor(pixels, { shape: [10, 5, 3] })
    const loader = new data.DataLoader(new data.TensorDataset(images, tensor(Int32Array.from({ length: 10 }, (_, i) => i))), { batchSize: 4, shuffle: true, seed: 1 })
    const seen: number[] = []
    for await (const [x, y] of loader) {
      expect(x.dtype).toBe('uint8')
      const [values, labels] = [await list(noGrad(() => x.div(255).sub(tensor([0.1, 0.2, 0.3])))), await list(y)]
      labels.forEach((label, row) => {
        for (let i = 0; i < 15; i++) expect(values[15 * row + i]).toBeCloseTo(pixels[15 * label + i] / 255 - [0.1, 0.2, 0.3][i % 3], 5)
      })
      seen.push(...labels)
    }
    expect(seen.toSorted((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
  })

  if (name === 'webgpu')
    test('float64 is refused wherever it would begin', async () => {
      const refused = /the device 'webgpu' has no float64.*float32/s
      const x = tensor([1, 2])
      expect(() => tensor([1], { dtype: 'float64' })).toThrow(refused)
      expect(() => tensor([1], { dtype: 'float64', device: 'webgpu' })).toThrow(refused)
      expect(() => ones([2], { dtype: 'float64' })).toThrow(refused)
      expect(() => x.to('float64')).toThrow(refused)
      expect(() => x.sum(0, { dtype: 'float64' })).toThrow(refused)
      expect(() => new nn.Linear(2, 2).to('float64')).toThrow(refused)
      await expect(toDevice(tensor([1], { dtype: 'float64', device: 'wasm' }), 'webgpu')).rejects.toThrow(refused)
      expect(() => compile((a: Tensor) => a.to('float64').mul(2).to('float32'))(x)).toThrow(refused)
      // Nothing is left behind that would not work.
      expect(await list(x.add(1))).toEqual([2, 3])
    })
})
