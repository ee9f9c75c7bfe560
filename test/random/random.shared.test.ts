// Random numbers: one seed gives the same bits on every device, eager and compiled, and they are distributed as they should be.
import { beforeAll, describe, expect, test } from 'vitest'
import {
  Generator, bernoulli, closeDevice, compile, defaultGenerator, device, init, manualSeed, multinomial, nn, normal, ones, rand, randLike, randint, randn, randnLike, randperm, tensor, zeros,
  type Tensor,
} from '../../src/index.ts'
import { deviceNames, eachDevice } from '../each-device.ts'

const list = async (x: Tensor): Promise<number[]> => Array.from(await x.data())

/** One draw of each kind. */
const draws: Readonly<Record<string, () => Tensor>> = {
  rand: () => rand(3, 5),
  randn: () => randn(17),
  randint: () => randint(-5, 100, [13]),
  randperm: () => randperm(21),
  bernoulli: () => bernoulli(ones(19).mul(0.3)),
  multinomial: () => multinomial(tensor([1, 2, 3, 4]), 9, { replacement: true }),
  'multinomial without replacement': () => multinomial(tensor([[1, 2, 3, 4], [4, 3, 2, 1]]), 3),
  randLike: () => randLike(zeros(2, 3)),
  randnLike: () => randnLike(zeros(2, 3)),
  normal: () => normal(3, 2, [7]),
  uniform_: () => zeros(5).uniform_(-2, 2),
  normal_: () => zeros(5).normal_(1, 3),
  dropout: () => nn.functional.dropout(ones(50), { p: 0.4 }),
}

/** Draws that pass through log and cos, whose last bits are a device's own. */
const transcendental = new Set(['randn', 'randnLike', 'normal', 'normal_'])

async function all(): Promise<Record<string, number[]>> {
  manualSeed(1234)
  const out: Record<string, number[]> = {}
  for (const [name, draw] of Object.entries(draws)) out[name] = await list(draw())
  return out
}

describe('one seed', () => {
  let first: Record<string, number[]>
  beforeAll(async () => {
    await init({ device: deviceNames[0] })
    device(deviceNames[0])
    first = await all()
  })
  const compare = (got: Record<string, number[]>, exact: boolean): void => {
    for (const [name, want] of Object.entries(first)) {
      if (exact || !transcendental.has(name)) expect(got[name], name).toEqual(want)
      else got[name].forEach((v, i) => expect(Math.abs(v - want[i]), `${name} ${i}`).toBeLessThan(1e-5 * Math.max(1, Math.abs(want[i]))))
    }
  }

  for (const name of deviceNames.slice(1))
    test(`gives the numbers of ${deviceNames[0]} on ${name}`, async () => {
      await init({ device: name })
      device(name)
      compare(await all(), false)
    })

  for (const threads of [1, 2])
    test(`gives the same on wasm with ${threads} thread${threads > 1 ? 's' : ''}`, async () => {
      closeDevice('wasm')
      expect((await init({ device: 'wasm', threads })).threads).toBe(threads)
      compare(await all(), deviceNames[0] === 'wasm')
      const many = async (): Promise<number[]> => {
        manualSeed(9)
        return list(rand(100_000))
      }
      expect(await many()).toEqual(await many())
      closeDevice('wasm')
      await init({ device: deviceNames[0] })
    })
})

eachDevice(() => {
  describe('streams', () => {
    test('a seed restarts, draws go on, and another seed differs', async () => {
      manualSeed(1)
      const [a, b] = [await list(rand(4)), await list(rand(4))]
      manualSeed(1)
      expect([await list(rand(4)), await list(rand(4))]).toEqual([a, b])
      expect(a).not.toEqual(b)
      manualSeed(2)
      expect(await list(rand(4))).not.toEqual(a)
    })

    test('a generator has a stream of its own, which its state saves', async () => {
      const g = new Generator(5)
      const a = await list(rand(4, { generator: g }))
      const before = g.state.clone()
      const b = await list(randn(4, { generator: g }))
      rand(4)
      g.state.copy_(before)
      expect(await list(randn(4, { generator: g }))).toEqual(b)
      expect(await list(rand(4, { generator: g.manualSeed(5) }))).toEqual(a)
      expect(await list(rand(4, { generator: new Generator(5) }))).toEqual(a)
      expect(await list(defaultGenerator().state)).toHaveLength(2)
    })

    test('a draw takes a part of the stream that does not depend on its size', async () => {
      manualSeed(3)
      rand(7)
      const a = await list(rand(3))
      manualSeed(3)
      rand(1000)
      expect(await list(rand(3))).toEqual(a)
    })

    test('compiled draws are the eager ones, call for call', async () => {
      for (const [name, draw] of Object.entries(draws)) {
        manualSeed(77)
        const want = [await list(draw()), await list(draw()), await list(draw())]
        manualSeed(77)
        const f = compile(draw)
        expect([await list(f()), await list(f()), await list(draw())], name).toEqual(want)
        f.dispose()
      }
    })
  })

  describe('distributions', () => {
    const N = 100_000
    const moments = (xs: readonly number[]): { mean: number; variance: number } => {
      const mean = xs.reduce((a, b) => a + b, 0) / xs.length
      return { mean, variance: xs.reduce((a, b) => a + (b - mean) ** 2, 0) / xs.length }
    }
    /** Σ (count − expected)² / expected. */
    const chiSquare = (counts: readonly number[], expected: readonly number[]): number => counts.reduce((sum, c, i) => sum + (c - expected[i]) ** 2 / expected[i], 0)
    /** Above this a chi-square of k − 1 degrees of freedom lies once in some ten thousand. */
    const limit = (k: number): number => k - 1 + 4 * Math.sqrt(2 * (k - 1)) + 8
    const histogram = (xs: readonly number[], k: number, bin: (x: number) => number): number[] => {
      const counts = new Array<number>(k).fill(0)
      for (const x of xs) counts[bin(x)]++
      return counts
    }
    const even = (n: number, k: number): number[] => new Array<number>(k).fill(n / k)

    test('rand: in [0, 1), even, and neighbours unrelated', async () => {
      manualSeed(11)
      const xs = await list(rand(N))
      expect(xs.every(x => x >= 0 && x < 1)).toBe(true)
      const { mean, variance } = moments(xs)
      expect(Math.abs(mean - 0.5)).toBeLessThan(4 * Math.sqrt(1 / 12 / N))
      expect(Math.abs(variance - 1 / 12)).toBeLessThan(0.002)
      expect(chiSquare(histogram(xs, 64, x => Math.floor(x * 64)), even(N, 64))).toBeLessThan(limit(64))
      const pairs = histogram([...xs.keys()].slice(1), 64, i => Math.floor(xs[i] * 8) * 8 + Math.floor(xs[i - 1] * 8))
      expect(chiSquare(pairs, even(N - 1, 64))).toBeLessThan(limit(64))
    })

    test('randn: mean 0, variance 1, the tails of a normal distribution', async () => {
      manualSeed(12)
      const xs = await list(randn(N))
      const { mean, variance } = moments(xs)
      expect(Math.abs(mean)).toBeLessThan(4 / Math.sqrt(N))
      expect(Math.abs(variance - 1)).toBeLessThan(0.03)
      const share = (limitValue: number): number => xs.filter(x => Math.abs(x) > limitValue).length / N
      for (const [sigmas, want] of [[1, 0.3173], [2, 0.0455], [3, 0.0027]]) expect(Math.abs(share(sigmas) - want)).toBeLessThan(5 * Math.sqrt(want / N))
      expect(Math.abs(moments(xs.map(x => x ** 3)).mean)).toBeLessThan(0.06)
    })

    test('normal and uniform_ shift and scale', async () => {
      const a = moments(await list(normal(5, 3, [N])))
      expect(Math.abs(a.mean - 5)).toBeLessThan(0.05)
      expect(Math.abs(a.variance - 9)).toBeLessThan(0.3)
      const b = await list(zeros(N).uniform_(-4, -2))
      expect(b.every(x => x >= -4 && x < -2)).toBe(true)
      expect(Math.abs(moments(b).mean + 3)).toBeLessThan(0.02)
    })

    test('randint: every number of the range, evenly', async () => {
      const xs = await list(randint(-3, 10, [N]))
      expect([Math.min(...xs.slice(0, 5000)), Math.max(...xs.slice(0, 5000))]).toEqual([-3, 9])
      expect(chiSquare(histogram(xs, 13, x => x + 3), even(N, 13))).toBeLessThan(limit(13))
    })

    test('randperm: each number once, every place alike', async () => {
      const places = new Array<number>(10).fill(0)
      for (let i = 0; i < 300; i++) {
        const xs = await list(randperm(10))
        expect(xs.toSorted((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
        places[xs[0]]++
      }
      expect(chiSquare(places, even(300, 10))).toBeLessThan(limit(10))
    })

    test('bernoulli: the probability of each element, also 0 and 1', async () => {
      const p = tensor([0, 0.25, 0.9, 1])
      const shares = await list(bernoulli(p.expand(20_000, 4)).mean(0))
      expect([shares[0], shares[3]]).toEqual([0, 1])
      expect(Math.abs(shares[1] - 0.25)).toBeLessThan(0.016)
      expect(Math.abs(shares[2] - 0.9)).toBeLessThan(0.012)
    })

    test('multinomial: in proportion to the weights; none twice without replacement, none of weight 0', async () => {
      const weights = [1, 0, 3, 6]
      const xs = await list(multinomial(tensor(weights), 20_000, { replacement: true }))
      const counts = histogram(xs, 4, x => x)
      expect(counts[1]).toBe(0)
      expect(chiSquare(counts.toSpliced(1, 1), [2000, 6000, 12_000])).toBeLessThan(limit(3))
      const rows = await multinomial(tensor([1, 1, 1, 1, 1]).expand(500, 5), 5).toArray()
      for (const row of rows as number[][]) expect(row.toSorted()).toEqual([0, 1, 2, 3, 4])
      const firsts = await list(multinomial(tensor(weights).expand(10_000, 4), 1))
      expect(chiSquare(histogram(firsts, 4, x => x).toSpliced(1, 1), [1000, 3000, 6000])).toBeLessThan(limit(3))
    })

    test('dropout: drops the share p and scales the rest, and passes gradients the same way', async () => {
      const x = ones(N, { requiresGrad: true })
      const y = nn.functional.dropout(x, { p: 0.2 })
      const ys = await list(y)
      expect(new Set(ys)).toEqual(new Set([0, 1.25]))
      expect(Math.abs(ys.filter(v => v === 0).length / N - 0.2)).toBeLessThan(0.006)
      y.sum().backward()
      expect(await list(x.grad!)).toEqual(ys)
      expect(await list(nn.functional.dropout(x.detach(), { p: 0.2, training: false }))).toEqual(await list(x))
    })
  })
})
