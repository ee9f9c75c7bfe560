// What each dtype holds: values in and out, wrap-around, rounding, views whose elements share words, on every device and in both worlds.
import { describe, expect, test } from 'vitest'
import { arange, cat, eye, full, linspace, memory, ones, pad, rand, randn, stack, tensor, toDevice, zeros, type DType, type Tensor } from '../../src/index.ts'
import { dtypes } from '../../src/core/dtype.ts'
import { Random } from '../backend/data.ts'
import { both, eachDevice, list } from './devices.ts'
import { formats } from './halves.ts'

const narrow = ['uint8', 'float16', 'bfloat16'] as const
/** What a device keeps of a number. */
const kept: { readonly [T in DType]?: (x: number) => number } = {
  uint8: x => x & 255, uint32: x => x >>> 0, int32: x => x | 0, float16: formats.float16.round, bfloat16: formats.bfloat16.round, float32: Math.fround, float64: x => x,
}
const keep = (t: DType, values: readonly number[]): number[] => values.map(kept[t]!)
const drawn = (seed: string, n: number, lo = -4, hi = 4): number[] => {
  const r = new Random(seed)
  return Array.from({ length: n }, () => r.uniform(lo, hi))
}
const whole = (seed: string, n: number, lo = 0, hi = 256): number[] => drawn(seed, n, lo, hi).map(Math.floor)
const valuesFor = (t: DType, seed: string, n: number): number[] => (dtypes[t].kind === 'float' ? keep(t, drawn(seed, n)) : whole(seed, n))

eachDevice(name => {
  const all = (Object.keys(kept) as DType[]).filter(t => t !== 'float64' || name !== 'webgpu')

  describe('in and out', () => {
    const arrays = {
      float32: Float32Array, float16: Float32Array, bfloat16: Float32Array, float64: Float64Array, int32: Int32Array, uint32: Uint32Array, uint8: Uint8Array,
    } as const
    test.each(all)('%s', async t => {
      const values = valuesFor(t, t, 11)
      const x = tensor(values, { dtype: t })
      const data = await x.data()
      expect(data).toBeInstanceOf(arrays[t as keyof typeof arrays])
      expect(Array.from(data)).toEqual(values)
      expect(await x.toArray()).toEqual(values)
      expect(await x.at(3).item()).toBe(values[3])
      expect(String(x)).toBe(`${dtypes[t].short}[11]`)
      expect(await list(tensor(x))).toEqual(values)
    })

    test('typed arrays keep their dtype', async () => {
      const made = [Uint8Array.of(1, 255), Uint32Array.of(7, 2 ** 32 - 1), Int32Array.of(-1), Float32Array.of(0.5), new Uint8ClampedArray([3]), Int16Array.of(-5)].map(a => tensor(a))
      expect(made.map(x => x.dtype)).toEqual(['uint8', 'uint32', 'int32', 'float32', 'int32', 'int32'])
      expect(await list(made[0])).toEqual([1, 255])
      expect(await list(made[1])).toEqual([7, 2 ** 32 - 1])
    })

    test('complex64 comes in pairs', async () => {
      const z = tensor([1, 2, 3], { dtype: 'complex64' })
      expect(await list(z)).toEqual([1, 0, 2, 0, 3, 0])
      expect(await z.toArray()).toEqual([[1, 0], [2, 0], [3, 0]])
    })

    test.each(['uint8', 'uint32', 'int32'] as const)('numbers that %s cannot hold are refused', t => {
      expect(() => tensor([2 ** 32], { dtype: t })).toThrow(/does not fit/)
      if (t !== 'int32') expect(() => tensor([-1], { dtype: t })).toThrow(/does not fit/)
    })

    test.each(all)('creation in %s', async t => {
      expect(await list(zeros([3], { dtype: t }))).toEqual([0, 0, 0])
      expect(await list(ones([5], { dtype: t }))).toEqual([1, 1, 1, 1, 1])
      expect(await list(full([3], 7, { dtype: t }))).toEqual([7, 7, 7])
      expect(await list(arange(1, 6, 2, { dtype: t }))).toEqual([1, 3, 5])
      expect(await list(eye(2, { dtype: t }))).toEqual([1, 0, 0, 1])
      expect(await list(linspace(0, 8, 5, { dtype: t }))).toEqual([0, 2, 4, 6, 8])
      for (const x of [zeros([3], { dtype: t }), arange(1, 6, 2, { dtype: t }), eye(2, { dtype: t }), linspace(0, 1, 3, { dtype: t })]) expect(x.dtype).toBe(t)
    })

    test.each(all.filter(t => dtypes[t].kind === 'float'))('random numbers in %s', async t => {
      for (const x of [rand([33], { dtype: t }), randn([33], { dtype: t })]) {
        expect(x.dtype).toBe(t)
        const values = await list(x)
        expect(values).toEqual(keep(t, values))
        expect(new Set(values).size).toBeGreaterThan(20)
      }
    })

    test('memory counts the bytes of elements, in whole words', () => {
      const before = memory().held
      const made = (['uint8', 'float16', 'bfloat16', 'float32', 'uint32', 'bool', 'complex64'] as const).map(dtype => zeros([101], { dtype }))
      expect(memory().held - before).toBe(104 + 204 + 204 + 404 + 404 + 404 + 808)
      made.forEach(x => x.dispose())
    })

    test.each(all)('%s goes to another device and back', async t => {
      const values = valuesFor(t, `${t} away`, 13)
      const x = tensor(values, { dtype: t })
      const other = await toDevice(x.at('1:'), name === 'wasm' ? 'reference' : 'wasm')
      expect(other.dtype).toBe(t)
      expect(await list(other)).toEqual(values.slice(1))
      expect(await list(await toDevice(other, name))).toEqual(values.slice(1))
    })
  })

  describe('rounding', () => {
    test.each(['float16', 'bfloat16'] as const)('%s: every one of its numbers is read right and kept', async t => {
      const { values } = formats[t]
      const x = tensor(values, { dtype: t })
      const want = Float32Array.from(values)
      expect(await x.data()).toEqual(want)
      expect(await (await both(a => a.to('float32'), x)).data()).toEqual(want)
      expect(await (await both(a => a.to('float32').to(t), x)).data()).toEqual(want)
    })

    test.each(['float16', 'bfloat16'] as const)('%s: float32 numbers go to the nearest, halves to even', async t => {
      const { values, round } = formats[t]
      const numbers = Float32Array.from({ length: 20000 }, (_, i) => {
        const [a, b] = [values[(i * 13) % 31743], values[((i * 13) % 31743) + 1]]
        const x = i % 4 === 0 ? (a + b) / 2 : a + (b - a) * ((i % 101) / 100)
        return i % 2 ? -x : x
      })
      const edges = Float32Array.of(0, -0, NaN, Infinity, -Infinity, 65504, 65519.99, 65520, -65520, 3.4e38, 2 ** -24, 2 ** -25, 1.5 * 2 ** -25, 6.1e-5, -6.09e-5)
      for (const source of [numbers, edges]) {
        const want = Float32Array.from(source, round)
        expect(await tensor(source, { dtype: t }).data()).toEqual(want)
        expect(await (await both(a => a.to(t), tensor(source))).data()).toEqual(want)
      }
    })

    test.each(['float16', 'bfloat16'] as const)('%s: results of arithmetic are rounded once', async t => {
      const [a, b] = [valuesFor(t, 'a', 501), valuesFor(t, 'b', 501)]
      const [x, y] = [tensor(a, { dtype: t }), tensor(b, { dtype: t })]
      expect(await list(await both((u, v) => u.add(v), x, y))).toEqual(keep(t, a.map((v, i) => v + b[i])))
      expect(await list(await both((u, v) => u.mul(v), x, y))).toEqual(keep(t, a.map((v, i) => v * b[i])))
      expect(await list(await both(u => u.mul(3).sub(0.1), x))).toEqual(keep(t, keep(t, a.map(v => v * 3)).map(v => v - Math.fround(0.1))))
    })

    test('float64 keeps 53 bits', async () => {
      if (name === 'webgpu') return expect(() => zeros([2], { dtype: 'float64' })).toThrow(/no float64/)
      const x = tensor([0.1, 1 + 2 ** -52, 1e300], { dtype: 'float64' })
      expect(await list(await both(a => a.add(0.2).mul(a), x))).toEqual([0.1, 1 + 2 ** -52, 1e300].map(v => (v + 0.2) * v))
      expect(await list(await both(a => a.exp().sin(), tensor([0.3, 2], { dtype: 'float64' })))).toEqual([0.3, 2].map(v => Math.sin(Math.exp(v))))
      expect((await list(x.to('float32').to('float64')))[0]).toBe(name === 'reference' ? 0.1 : Math.fround(0.1))
    })
  })

  describe('whole numbers', () => {
    test('uint8 wraps around', async () => {
      const [a, b] = [whole('u8 a', 300), whole('u8 b', 300)]
      const [x, y] = [tensor(a, { dtype: 'uint8' }), tensor(b, { dtype: 'uint8' })]
      const is = async (f: (u: Tensor, v: Tensor) => Tensor, want: (u: number, v: number) => number): Promise<void> =>
        expect(await list(await both(f, x, y))).toEqual(a.map((u, i) => want(u, b[i]) & 255))
      await is((u, v) => u.add(v), (u, v) => u + v)
      await is((u, v) => u.sub(v), (u, v) => u - v)
      await is((u, v) => u.mul(v), (u, v) => u * v)
      await is(u => u.neg(), u => -u)
      await is((u, v) => u.bitwiseXor(v), (u, v) => u ^ v)
      await is((u, v) => u.maximum(v), (u, v) => Math.max(u, v))
      await is(u => u.add(100).floorDivide(7), u => Math.floor(((u + 100) & 255) / 7))
      expect((await both((u, v) => u.lt(v), x, y)).dtype).toBe('bool')
      expect(await list(tensor([-1, -256, 300, 511, 65536 + 5]).to('int32').to('uint8'))).toEqual([255, 0, 44, 255, 5])
    })

    test('uint32 has 32 bits and no sign', async () => {
      const a = [0, 1, 5, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1, 4e9, 3e9]
      const b = [1, 7, 3, 2, 2 ** 31, 2, 1e9, 4e9]
      const [x, y] = [tensor(a, { dtype: 'uint32' }), tensor(b, { dtype: 'uint32' })]
      const is = async (f: (u: Tensor, v: Tensor) => Tensor, want: (u: number, v: number) => number): Promise<void> =>
        expect(await list(await both(f, x, y))).toEqual(a.map((u, i) => want(u, b[i])))
      await is((u, v) => u.add(v), (u, v) => (u + v) % 2 ** 32)
      await is((u, v) => u.mul(v), (u, v) => Number((BigInt(u) * BigInt(v)) % 2n ** 32n))
      await is((u, v) => u.lt(v), (u, v) => Number(u < v))
      await is((u, v) => u.floorDivide(v), (u, v) => Math.floor(u / v))
      await is((u, v) => u.remainder(v), (u, v) => u % v)
      await is((u, v) => u.minimum(v), Math.min)
      await is(u => u.to('float32'), Math.fround)
      expect(await x.max().item()).toBe(2 ** 32 - 1)
      expect(await list(x.sort().values)).toEqual([...a].sort((u, v) => u - v))
      expect(await list(tensor([3e9, 0.5, 4294967040]).to('uint32'))).toEqual([3e9, 0, 4294967040])
    })
  })

  describe('views', () => {
    // As text, the first element, the step.
    const slices = [['1:', 1, 1], ['2:', 2, 1], ['3:', 3, 1], ['::2', 0, 2], ['1::3', 1, 3], ['5:6', 5, 1], ['3:10', 3, 1]] as const
    const taken = (values: readonly number[], slice: string, first: number, step: number): number[] => {
      const end = Number(slice.split(':')[1] || values.length)
      return values.filter((_, i) => i >= first && i < end && (i - first) % step === 0)
    }

    test.each(narrow)('%s: odd offsets, strides and lengths are read right', async t => {
      for (const n of [11, 64, 1001]) {
        const values = valuesFor(t, `${t} ${n}`, n)
        const x = tensor(values, { dtype: t })
        for (const [slice, first, step] of slices) {
          const want = taken(values, slice, first, step)
          expect(await list(x.at(slice))).toEqual(want)
          expect(await list(await both(a => a.at(slice).add(1), x))).toEqual(keep(t, want.map(v => v + 1)))
        }
      }
      const m = tensor(valuesFor(t, 'matrix', 15), { dtype: t, shape: [3, 5] })
      expect(await m.t().contiguous().toArray()).toEqual(await m.t().toArray())
      expect(await list(m.flip(1))).toEqual((await m.toArray() as number[][]).flatMap(row => row.toReversed()))
    })

    test.each(narrow)('%s: writes through views leave the neighbours in a word alone', async t => {
      for (const n of [11, 64, 1001])
        for (const [slice, first, step] of slices) {
          const values = valuesFor(t, `${t} written ${n}`, n)
          const end = Number(slice.split(':')[1] || n)
          const want = keep(t, values.map((v, i) => (i >= first && i < end && (i - first) % step === 0 ? v + 3 : v)))
          const x = tensor(values, { dtype: t })
          x.at(slice).add_(3)
          expect(await list(x)).toEqual(want)
          const y = await both(a => {
            const c = a.clone()
            c.at(slice).add_(3)
            return c
          }, tensor(values, { dtype: t }))
          expect(await list(y)).toEqual(want)
        }
      const m = tensor(valuesFor(t, 'columns', 35), { dtype: t, shape: [7, 5] })
      const rows = (await m.toArray()) as number[][]
      m.at(':', 2).fill_(9)
      m.at(3, '1:4').zero_()
      expect(await m.toArray()).toEqual(rows.map((row, i) => row.map((v, j) => (i === 3 && j > 0 && j < 4 ? 0 : j === 2 ? 9 : v))))
    })

    test.each(narrow)('%s: joined and padded', async t => {
      const [a, b] = [valuesFor(t, 'left', 5), valuesFor(t, 'right', 6)]
      const x = tensor(a, { dtype: t })
      const y = tensor(b, { dtype: t })
      expect(await list(await both((u, v) => cat([u, v, u]), x, y))).toEqual([...a, ...b, ...a])
      expect(await list(await both(u => pad(u, [1, 2]), x))).toEqual([0, ...a, 0, 0])
      expect(await list(await both((u, v) => stack([u, v.at('1:')]), x, y))).toEqual([...a, ...b.slice(1)])
    })
  })
})
