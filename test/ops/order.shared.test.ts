// Order, sets and counts of random values with repeats and NaN, against the plainest JavaScript.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import * as lampas from '../../src/index.ts'
import { eachDevice } from '../each-device.ts'

const { tensor } = lampas
const runs = { numRuns: 25 }

/** NaN is greatest. */
const order = (a: number, b: number): number => (Number.isNaN(a) ? (Number.isNaN(b) ? 0 : 1) : Number.isNaN(b) ? -1 : a - b)
const value = fc.oneof({ weight: 8, arbitrary: fc.integer({ min: -3, max: 3 }) }, { weight: 1, arbitrary: fc.constant(NaN) })
const line = fc.array(value, { minLength: 1, maxLength: 40 })
const numbers = fc.array(fc.integer({ min: -3, max: 3 }), { minLength: 1, maxLength: 40 })
const rows = fc.tuple(fc.integer({ min: 1, max: 30 }), fc.integer({ min: 1, max: 6 })).chain(([n, m]) => fc.array(fc.array(fc.integer({ min: 0, max: 2 }), { minLength: m, maxLength: m }), { minLength: n, maxLength: n }))

const list = async (x: lampas.Tensor): Promise<number[]> => [...(await x.data())]
const all = async (x: lampas.Tensor | lampas.Tensor[]): Promise<unknown[]> => Promise.all([x].flat().map(y => y.toArray()))
const check = <T>(name: string, inputs: fc.Arbitrary<T>, body: (input: T) => Promise<void>): void => test(name, () => fc.assert(fc.asyncProperty(inputs, body), runs))

eachDevice(() => {
  describe('order', () => {
    check('sort and kthvalue', line, async xs => {
      const { values, indices } = tensor(xs).sort()
      const want = [...xs.keys()].sort((i, j) => order(xs[i], xs[j]))
      expect(await list(indices)).toEqual(want)
      expect(await list(values)).toEqual(want.map(i => xs[i]))
      const k = Math.ceil(xs.length / 3)
      expect(await tensor(xs).kthvalue(k).values.item()).toEqual(xs[want[k - 1]])
    })

    check('median and nanmedian', line, async xs => {
      const known = xs.filter(x => !Number.isNaN(x)).sort(order)
      const middle = known[(known.length - 1) >> 1] ?? NaN
      expect(await tensor(xs).nanmedian().item()).toEqual(middle)
      expect(await tensor(xs).median(0).values.item()).toEqual(known.length < xs.length ? NaN : middle)
    })

    check('mode', numbers, async xs => {
      const times = (x: number): number => xs.filter(y => y === x).length
      const best = [...xs].sort((a, b) => times(b) - times(a) || a - b)[0]
      const { values, indices } = tensor(xs).mode()
      expect([await values.item(), xs[await indices.item()]]).toEqual([best, best])
    })

    check('cummax and cummin', line, async xs => {
      for (const [op, ahead] of [['cummax', (a: number, b: number) => a >= b], ['cummin', (a: number, b: number) => a <= b]] as const) {
        let at = 0
        const places = xs.map((x, i) => (at = Number.isNaN(x) || (!Number.isNaN(xs[at]) && ahead(x, xs[at])) ? i : at))
        const { values, indices } = tensor(xs)[op](0)
        expect(await list(indices)).toEqual(places)
        expect(await list(values)).toEqual(places.map(i => xs[i]))
      }
    })

    check('quantile', fc.tuple(numbers, fc.integer({ min: 0, max: 8 })), async ([xs, eighths]) => {
      const sorted = [...xs].sort(order)
      const rank = (eighths / 8) * (xs.length - 1)
      const [below, above] = [sorted[Math.floor(rank)], sorted[Math.ceil(rank)]]
      expect(await tensor(xs).quantile(eighths / 8).item()).toBeCloseTo(below + (above - below) * (rank % 1), 4)
    })
  })

  describe('sets', () => {
    check('unique', numbers, async xs => {
      const want = [...new Set(xs)].sort(order)
      const got = await lampas.uniqueAsync(tensor(xs), { returnInverse: true, returnCounts: true })
      expect(await all(got)).toEqual([want, xs.map(x => want.indexOf(x)), want.map(x => xs.filter(y => x === y).length)])
    })

    check('unique rows', rows, async xs => {
      const texts = xs.map(String)
      const want = [...new Set(texts)].sort()
      const got = await lampas.uniqueAsync(tensor(xs), { dim: 0, returnInverse: true, returnCounts: true })
      expect(await all(got)).toEqual([want.map(text => text.split(',').map(Number)), texts.map(t => want.indexOf(t)), want.map(t => texts.filter(u => t === u).length)])
    })

    check('uniqueConsecutive', numbers, async xs => {
      const starts = [...xs.keys()].filter(i => i === 0 || xs[i] !== xs[i - 1])
      const got = await lampas.uniqueConsecutiveAsync(tensor(xs), { returnCounts: true })
      expect(await all(got)).toEqual([starts.map(i => xs[i]), starts.map((s, i) => (starts[i + 1] ?? xs.length) - s)])
    })
  })

  describe('counts', () => {
    check('bincount', fc.array(fc.integer({ min: 0, max: 9 }), { maxLength: 40 }), async xs => {
      const want = Array.from({ length: Math.max(3, ...xs.map(x => x + 1)) }, (_, i) => xs.filter(x => x === i).length)
      expect(await list(await lampas.bincountAsync(tensor(Int32Array.from(xs)), { minlength: 3 }))).toEqual(want)
    })

    check('histc and histogram', line, async xs => {
      const edges = [-2, -1, 0, 1, 2]
      const want = edges.slice(1).map((top, i) => xs.filter(x => x >= edges[i] && (x < top || (top === 2 && x === 2))).length)
      expect(await list(tensor(xs).histc(4, -2, 2))).toEqual(want)
      expect(await list(tensor(xs).histogram(tensor(edges)).hist)).toEqual(want)
    })
  })
})
