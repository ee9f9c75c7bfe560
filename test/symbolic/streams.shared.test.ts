// Random streams: what each kind of variable draws, and that it is drawn anew in each call.
import { expect, test } from 'vitest'
import { symbolic, tensor, type Tensor } from '../../src/index.ts'
import { eachDevice } from '../each-device.ts'

const { func, matrix, RandomStreams, scalar, shared, vector } = symbolic
const list = async (x: Tensor): Promise<number[]> => Array.from(await x.data())
const mean = (v: number[]): number => v.reduce((a, b) => a + b, 0) / v.length
const deviation = (v: number[]): number => Math.sqrt(mean(v.map(x => (x - mean(v)) ** 2)))

eachDevice(() => {
  const streams = (): symbolic.RandomStreams => new RandomStreams(7)

  test('binomial, poisson, truncated normal numbers', async () => {
    const s = streams()
    const rates = vector('rates')
    const f = func({ inputs: [rates], outputs: { b: s.binomial([1500], 10, 0.3), p: s.poisson(rates), t: s.truncatedNormal([1500], { mean: 1, std: 0.5, bound: 1.5 }) } })
    const out = f(tensor(new Float32Array(1500).fill(4)))
    const [b, p, t] = await Promise.all([out.b, out.p, out.t].map(list))
    expect(mean(b)).toBeCloseTo(3, 0)
    expect([deviation(b), deviation(p)].map(v => Math.round(v * 2) / 2)).toEqual([1.5, 2])
    expect(b.every(v => Number.isInteger(v) && v >= 0 && v <= 10)).toBe(true)
    expect(mean(p)).toBeCloseTo(4, 0)
    expect([Math.min(...t) >= 0.25, Math.max(...t) <= 1.75, Math.max(...t) > 1.6]).toEqual([true, true, true])
    expect(mean(t)).toBeCloseTo(1, 1)
    // The standard deviation of a normal number cut at ±1.5 is 0.742 of that of the whole.
    expect(deviation(t)).toBeCloseTo(0.371, 1)
    expect(await list(f(tensor(new Float32Array(1500).fill(4))).t)).not.toEqual(t)
  })

  test('choices with and without replacement, of numbers and of a vector, by weights; rows in random order', async () => {
    const s = streams()
    const [v, m] = [vector('v'), matrix('m')]
    const f = func({ inputs: [v, m], outputs: { any: s.choice(50, 5), all: s.choice(4, v, { replacement: false }), some: s.choice(30, 3, { p: tensor([1, 0, 1]) }), rows: s.shuffleRows(m) } })
    const out = f([10, 20, 30, 40], [[1, 2, 3, 4, 5, 6, 7, 8], [1, 2, 3, 4, 5, 6, 7, 8]])
    expect(new Set(await list(out.any))).toEqual(new Set([0, 1, 2, 3, 4]))
    expect((await list(out.all)).sort()).toEqual([10, 20, 30, 40])
    expect(new Set(await list(out.some))).toEqual(new Set([0, 2]))
    const rows = await out.rows.toArray() as number[][]
    expect(rows.map(r => [...r].sort())).toEqual([[1, 2, 3, 4, 5, 6, 7, 8], [1, 2, 3, 4, 5, 6, 7, 8]])
    expect(rows[0]).not.toEqual(rows[1])
    const short = func({ outputs: s.choice(9, 3, { replacement: false }) })
    expect(() => short()).toThrow(/9 of 3 without replacement/)
  })

  test('shared variables can be set to zero', async () => {
    const s = shared([1, 2])
    const x = scalar('x')
    const f = func({ inputs: [x], outputs: s.mul(x) })
    expect(await list(f(2))).toEqual([2, 4])
    s.zero()
    expect(await list(f(2))).toEqual([0, 0])
  })
})
