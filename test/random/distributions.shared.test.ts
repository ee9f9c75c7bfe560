// The further distributions: one seed gives the same numbers everywhere, and they have the distribution that they are named for
// (Kolmogorov and Smirnov's distance for continuous ones, chi-square for counts).
import { describe, expect, test } from 'vitest'
import {
  compile, device, forkRng, full, getRngState, init, initialSeed, manualSeed, poisson, rand, randintLike, setRngState, tensor, zeros, type Tensor,
} from '../../src/index.ts'
import { erf } from '../../src/backend/reference/math.ts'
import { deviceNames, eachDevice } from '../each-device.ts'

const N = 20_000
const list = async (x: Tensor): Promise<number[]> => Array.from(await x.data())

const draws: Readonly<Record<string, () => Tensor>> = {
  exponential_: () => zeros(50).exponential_(2),
  cauchy_: () => zeros(50).cauchy_(1, 3),
  geometric_: () => zeros(50).geometric_(0.3),
  logNormal_: () => zeros(50).logNormal_(0.5, 0.25),
  bernoulli_: () => zeros(50).bernoulli_(0.3),
  random_: () => zeros([50], { dtype: 'int32' }).random_(-4, 9),
  randintLike: () => randintLike(zeros(50), 3, 8),
  poisson: () => poisson(tensor([0, 0.5, 4, 60, 1000])),
}

/** The largest distance between the distribution of xs and `cdf`, times √n: above 2 once in three thousand. */
function distance(xs: readonly number[], cdf: (x: number) => number): number {
  const sorted = xs.toSorted((a, b) => a - b)
  return Math.sqrt(sorted.length) * Math.max(...sorted.map((x, i) => Math.max(Math.abs(cdf(x) - i / sorted.length), Math.abs(cdf(x) - (i + 1) / sorted.length))))
}

/** Deviation of counts from their probabilities, in standard deviations of a chi-square; what is rare is taken together. */
function deviation(xs: readonly number[], probability: (k: number) => number): number {
  const counts = new Map<number, number>()
  for (const x of xs) counts.set(x, (counts.get(x) ?? 0) + 1)
  let [sum, bins, left, seen] = [0, 0, 1, 0]
  for (const [k, count] of counts) {
    const p = probability(k)
    if (p * xs.length < 5) continue
    sum += (count - p * xs.length) ** 2 / (p * xs.length)
    bins++
    left -= p
    seen += count
  }
  if (left * xs.length >= 5) {
    sum += (xs.length - seen - left * xs.length) ** 2 / (left * xs.length)
    bins++
  }
  return (sum - (bins - 1)) / Math.sqrt(2 * Math.max(1, bins - 1))
}

const poissonOf = (rate: number) => (k: number): number => {
  let log = -rate + k * Math.log(rate)
  for (let i = 2; i <= k; i++) log -= Math.log(i)
  return Math.exp(log)
}

describe('one seed', () => {
  test.each(Object.keys(draws))('%s gives the same numbers on every device', async name => {
    const found: number[][] = []
    for (const place of deviceNames) {
      await init({ device: place })
      device(place)
      manualSeed(5)
      found.push(await list(draws[name]()))
    }
    for (const [i, want] of found[0].entries()) expect(Math.abs(found[1][i] - want)).toBeLessThanOrEqual(2e-5 * Math.max(1, Math.abs(want)))
  })
})

eachDevice(() => {
  test('compiled draws are the eager ones', async () => {
    for (const draw of Object.values(draws)) {
      manualSeed(8)
      const want = await list(draw())
      manualSeed(8)
      const f = compile(draw)
      expect(await list(f())).toEqual(want)
      f.dispose()
    }
  })

  test('continuous ones', async () => {
    manualSeed(21)
    expect(distance(await list(zeros(N).exponential_(2)), x => 1 - Math.exp(-2 * x))).toBeLessThan(2)
    expect(distance(await list(zeros(N).cauchy_(1, 3)), x => 0.5 + Math.atan((x - 1) / 3) / Math.PI)).toBeLessThan(2)
    expect(distance(await list(zeros(N).logNormal_(0.5, 0.25)), x => 0.5 + 0.5 * erf((Math.log(x) - 0.5) / (0.25 * Math.SQRT2)))).toBeLessThan(2)
  })

  test('counts', { timeout: 120_000 }, async () => {
    manualSeed(22)
    // The reference takes its time over the incomplete gamma function.
    const n = 5000
    expect(deviation(await list(zeros(n).geometric_(0.3)), k => 0.3 * 0.7 ** (k - 1))).toBeLessThan(5)
    expect(deviation(await list(zeros(n).bernoulli_(0.3)), k => (k === 1 ? 0.3 : 0.7))).toBeLessThan(5)
    expect(deviation(await list(zeros([n], { dtype: 'int32' }).random_(-4, 9)), () => 1 / 13)).toBeLessThan(5)
    for (const rate of [0.5, 4, 60]) expect(deviation(await list(poisson(full([n], rate))), poissonOf(rate))).toBeLessThan(5)
    expect(await list(poisson(zeros(5)))).toEqual([0, 0, 0, 0, 0])
  })

  test('mistakes', () => {
    expect(() => zeros(2).exponential_(0)).toThrow(/\[exponential_\] lambd is 0.*above 0/)
    expect(() => zeros(2).geometric_(1)).toThrow(/\[geometric_\] p is 1/)
    expect(() => zeros(2).random_(5, 5)).toThrow(/\[random_\] to 5 is not above from 5/)
    expect(() => poisson(tensor([1], { dtype: 'int32' }))).toThrow(/\[poisson\] rates must be floats, got i32\[1\]/)
  })
})

eachDevice(() => {
  test('the state of the stream can be kept, put back, and left as it was', async () => {
    manualSeed(7)
    const state = getRngState()
    const first = await list(rand(4))
    setRngState(state)
    expect(await list(rand(4))).toEqual(first)
    setRngState(state)
    forkRng(() => rand(9))
    await forkRng(async () => rand(9).data())
    expect(() => forkRng(() => { throw new Error('within') })).toThrow('within')
    expect(await list(rand(4))).toEqual(first)
    expect(await initialSeed()).toBe(7)
    expect(() => setRngState(zeros(2))).toThrow(/\[setRngState\] f32\[2\] is not the state of a generator/)
  })
})
