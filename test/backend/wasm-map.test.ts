// What the map kernels of the wasm backend promise beyond the conformance suite: accuracy in units of the last place over floats of
// every size, every way of cutting work into blocks, outputs that overwrite inputs, and results that no number of threads changes.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Backend } from '../../src/backend/backend.ts'
import { evaluate } from '../../src/backend/reference/index.ts'
import { openWasm } from '../../src/backend/wasm/index.ts'
import type { Words } from '../../src/core/dtype.ts'
import { numel, type Shape } from '../../src/core/shape.ts'
import { contiguousView, expandView, permuteView, sliceView, type View } from '../../src/core/view.ts'
import type { Kernel, MapKernel } from '../../src/ir/kernel.ts'
import { program, S, type Program, type Scalar } from '../../src/ir/scalar.ts'
import { download, upload } from './run.ts'

/** Runs a kernel on fresh copies of the words; equal objects share a block. Gives the blocks of the outputs. */
async function run(backend: Backend, kernel: Kernel, words: readonly Words[]): Promise<Words[]> {
  const blocks = new Map([...new Set(words)].map(w => [w, upload(backend, w)]))
  backend.run(kernel, words.map(w => blocks.get(w)!))
  const results = await Promise.all(words.slice(kernel.inputs.length).map(w => download(backend, blocks.get(w)!, w)))
  for (const b of blocks.values()) backend.free(b)
  return results
}

const plain = (p: Program, n: number, params: readonly number[] = []): MapKernel => ({
  kind: 'map',
  program: p,
  params,
  inputs: p.inputs.map(t => contiguousView(t, [n])),
  outputs: p.outputs.map(o => contiguousView(p.steps[o].dtype, [n])),
})

const bitsOf = (w: Words): number[] => [...new Int32Array(w.buffer, w.byteOffset, w.length)]

/** Float32 numbers of every exponent and sign: each 2¹⁸+1-th bit pattern, infinities and NaNs among them, and the usual suspects. */
function everywhere(): Float32Array {
  const bits = Uint32Array.from({ length: 16384 }, (_, i) => i * 262145)
  const special = [0, -0, 1, -1, 0.5, -0.5, 2, -2, 1e-45, -1e-45, 1.17549435e-38, 3.4028235e38, -3.4028235e38, Infinity, -Infinity, NaN]
  return Float32Array.of(...special, ...new Float32Array(bits.buffer))
}

const dense = (lo: number, hi: number, n: number): Float32Array => Float32Array.from({ length: n }, (_, i) => lo + ((hi - lo) * i) / (n - 1))

/** Distance from `want` in steps of the float32 grid there; a result that only rounding makes infinite counts as near. */
function ulps(got: number, want: number): number {
  if (Object.is(got, want) || Object.is(got, Math.fround(want))) return 0
  if (!Number.isFinite(want) || Number.isNaN(got) || want === 0) return Infinity
  const exponent = Math.max(-126, Math.floor(Math.log2(Math.abs(want))))
  const bounded = Number.isFinite(got) ? got : Math.sign(got) * 2 ** 128
  return Math.abs(bounded - want) / 2 ** (exponent - 23)
}

type Unary = 'exp' | 'expm1' | 'log' | 'log1p' | 'log2' | 'sin' | 'cos' | 'tan' | 'asin' | 'acos' | 'atan' | 'sinh' | 'cosh' | 'tanh'
  | 'asinh' | 'acosh' | 'atanh' | 'sigmoid' | 'erf' | 'sqrt' | 'floor' | 'ceil' | 'trunc' | 'round' | 'sign' | 'neg' | 'abs'

/** Worst error allowed, and where to look closely. */
const accuracy: Record<Unary, readonly [ulps: number, lo: number, hi: number]> = {
  exp: [1, -104, 90], expm1: [2, -20, 90], log: [1, 0, 4], log1p: [1, -1, 3], log2: [2, 0, 4],
  sin: [1.5, -50, 50], cos: [1.5, -50, 50], tan: [3.5, -50, 50], asin: [2.5, -1, 1], acos: [1.5, -1, 1], atan: [2, -4, 4],
  sinh: [2, -90, 90], cosh: [2, -90, 90], tanh: [2.5, -10, 10], asinh: [1.5, -20, 20], acosh: [2.5, 1, 20], atanh: [2, -1, 1],
  sigmoid: [2.5, -105, 20], erf: [1.3, -5, 5], sqrt: [0.5, 0, 10],
  floor: [0, -9, 9], ceil: [0, -9, 9], trunc: [0, -9, 9], round: [0, -9, 9], sign: [0, -9, 9], neg: [0, -9, 9], abs: [0, -9, 9],
}

for (const relaxed of [false, true])
  describe(relaxed ? 'with fused multiply-add' : 'baseline SIMD', () => {
    let one: Backend
    let three: Backend
    beforeAll(async () => {
      one = await openWasm({ threads: 1, relaxed })
      three = await openWasm({ threads: 3, relaxed })
      expect(one.info.detail).toBe(relaxed ? 'simd128 + relaxed, 1 thread' : 'simd128, 1 thread')
      expect(three.info.threads).toBe(3)
    })
    afterAll(() => {
      one.dispose()
      three.dispose()
    })

    async function worst(expression: Scalar, inputs: readonly Float32Array[]): Promise<{ ulps: number; at: string }> {
      const p = program([expression], inputs.map(() => 'float32'))
      const [got] = await run(one, plain(p, inputs[0].length), [...inputs, new Float32Array(inputs[0].length)])
      let most = { ulps: -1, at: '' }
      for (let i = 0; i < got.length; i++) {
        const args = inputs.map(x => x[i])
        const want = evaluate(p, args)[0]
        const error = ulps(got[i], want)
        if (error > most.ulps) most = { ulps: error, at: `(${args.join(', ')}) gives ${got[i]}, want ${want}` }
      }
      return most
    }

    describe('accuracy', () => {
      test.each(Object.keys(accuracy) as Unary[])('%s', async op => {
        const [limit, lo, hi] = accuracy[op]
        for (const sample of [everywhere(), dense(lo, hi, 30_000)]) {
          const { ulps: found, at } = await worst(S[op](S.input(0, 'float32')), [sample])
          expect(found, at).toBeLessThanOrEqual(limit)
        }
      })

      test.each(['div', 'pow', 'atan2', 'mod', 'rem', 'floorDiv', 'add', 'sub', 'mul', 'min', 'max'] as const)('%s', async op => {
        const expression = S[op](S.input(0, 'float32'), S.input(1, 'float32'))
        const edges = [0, -0, 1, -1, 2, -2, 3, -3, 0.5, -0.5, 1.5, 7, 8388609, 3e38, -3e38, 1e-40, -1e-40, Infinity, -Infinity, NaN]
        // Remainders of very different numbers cost time and say nothing more.
        const all = ['mod', 'rem', 'floorDiv'].includes(op) ? dense(-100, 100, 5000) : everywhere()
        const samples = [
          [Float32Array.from(edges.flatMap(x => edges.map(() => x))), Float32Array.from(edges.flatMap(() => edges))],
          [all, all.toReversed()],
          [dense(0, 20, 20_000), Float32Array.from({ length: 20_000 }, (_, i) => ((i * 7919) % 5000) / 250 - 10)],
          [dense(-12, 12, 20_000), Float32Array.from({ length: 20_000 }, (_, i) => (i % 17) - 8)],
        ]
        for (const inputs of samples) {
          const { ulps: found, at } = await worst(expression, inputs)
          expect(found, at).toBeLessThanOrEqual(op === 'pow' ? 0.51 : op === 'atan2' ? 2 : 0.5)
        }
      })

      test('squares are exact products, whether the exponent is a constant, a parameter or a tensor', async () => {
        const x = everywhere().filter(v => !Number.isNaN(v))
        const two = new Float32Array([2])
        const input = S.input(0, 'float32')
        const constant = await run(one, plain(program([S.pow(input, 2)], ['float32']), x.length), [x, new Float32Array(x.length)])
        const param = await run(one, plain(program([S.pow(input, S.param(0, 'float32'))], ['float32'], ['float32']), x.length, [2]), [x, new Float32Array(x.length)])
        const p = program([S.pow(input, S.input(1, 'float32'))], ['float32', 'float32'])
        const tensor: MapKernel = { ...plain(p, x.length), inputs: [contiguousView('float32', [x.length]), expandView(contiguousView('float32', [1]), [x.length])] }
        const broadcast = await run(one, tensor, [x, two, new Float32Array(x.length)])
        const want = bitsOf(x.map(v => v * v))
        for (const [got] of [constant, param, broadcast]) expect(bitsOf(got)).toEqual(want)
      })
    })

    test('int32 arithmetic wraps and divides by anything', async () => {
      const edges = [0, 1, -1, 2, -2, 3, 7, -7, 31, 32, 33, 65536, 2 ** 31 - 1, -(2 ** 31), 123456789, -987654321]
      const a = Int32Array.from(edges.flatMap(x => edges.map(() => x)))
      const b = Int32Array.from(edges.flatMap(() => edges))
      const [x, y] = [S.input(0, 'int32'), S.input(1, 'int32')]
      const results = [
        ...(['add', 'sub', 'mul', 'floorDiv', 'mod', 'rem', 'min', 'max', 'and', 'or', 'xor', 'shl', 'shr', 'shru'] as const).map(op => S[op](x, y)),
        ...(['neg', 'abs', 'sign', 'not'] as const).map(op => S[op](x)),
        ...(['eq', 'ne', 'lt', 'le', 'gt', 'ge'] as const).map(op => S[op](x, y)),
        S.randomBits(x, y, S.index()),
      ]
      const p = program(results, ['int32', 'int32'])
      const got = await run(one, plain(p, a.length), [a, b, ...results.map(() => new Int32Array(a.length))])
      for (let i = 0; i < a.length; i++) {
        const want = evaluate(p, [a[i], b[i]], [], i)
        expect(got.map(g => g[i]), `${a[i]}, ${b[i]}`).toEqual(want.map(v => v + 0))
      }
    })

    test('float to int32 saturates', async () => {
      const x = Float32Array.of(NaN, Infinity, -Infinity, 3e9, -3e9, 2.9, -2.9, -0, 1e-40)
      const p = program([S.cast(S.input(0, 'float32'), 'int32'), S.cast(S.input(0, 'float32'), 'bool')], ['float32'])
      const [int, bool] = await run(one, plain(p, x.length), [x, new Int32Array(x.length), new Int32Array(x.length)])
      expect([...int]).toEqual([0, 2 ** 31 - 1, -(2 ** 31), 2 ** 31 - 1, -(2 ** 31), 2, -2, 0, 0])
      expect([...bool]).toEqual([1, 1, 1, 1, 1, 1, 1, 0, 1])
    })

    describe('blocks', () => {
      const x = S.input(0, 'float32')
      const y = S.input(1, 'float32')
      const z = S.input(2, 'float32')
      // Two results, values that live long, and the element's position.
      const mixed = program(
        [S.sub(S.mul(x, y), S.add(z, S.mul(x, 0.5))), S.add(S.mul(y, z), S.cast(S.index(), 'float32'))],
        ['float32', 'float32', 'float32'],
      )
      const count = (n: number) => Float32Array.from({ length: n }, (_, i) => (i % 1013) / 8)
      /** Elements of a view in row-major order. */
      function elements(v: View, words: Words): number[] {
        let at = [v.offset]
        v.shape.forEach((size, axis) => (at = at.flatMap(o => Array.from({ length: size }, (_, i) => o + i * v.strides[axis]))))
        return at.map(o => words[o])
      }

      async function check(shape: Shape, inputs: readonly View[], outputs: readonly View[]): Promise<void> {
        const length = (v: View) => v.offset + v.shape.reduce((n, s, i) => n + Math.max(0, (s - 1) * v.strides[i]), 1)
        const words = inputs.map(v => count(length(v)))
        const blank = outputs.map(v => new Float32Array(length(v) + 3).fill(-77))
        const kernel: MapKernel = { kind: 'map', program: mixed, params: [], inputs, outputs }
        const values = inputs.map((v, k) => elements(v, words[k]))
        const want = Array.from({ length: numel(shape) }, (_, i) => evaluate(mixed, values.map(v => v[i]), [], i))
        for (const backend of [one, three]) {
          const got = await run(backend, kernel, [...words, ...blank])
          outputs.forEach((v, k) => {
            expect(elements(v, got[k])).toEqual(want.map(w => Math.fround(w[k])))
            const written = new Set(elements(v, Float32Array.from(got[k], (_, i) => i)))
            expect(got[k].every((value, i) => written.has(i) || value === -77), 'nothing else is written').toBe(true)
          })
        }
      }

      const lengths = [...Array.from({ length: 20 }, (_, i) => i + 1), 1023, 1024, 1025, 2049, 5000]
      test.each(lengths)('a run of %i', async n => {
        const v = contiguousView('float32', [n])
        await check([n], [v, v, v], [v, v])
        await check([n], [v, { ...v, offset: 3 }, { ...v, strides: [0] }], [{ ...v, offset: 1 }, v])
        await check([n], [{ ...v, strides: [3] }, v, { ...v, strides: [-2], offset: 2 * n }], [{ ...v, strides: [2] }, v])
      })

      const shapes: Shape[] = [[1, 1], [2, 3], [37, 10], [300, 7], [9, 127], [9, 128], [5, 130], [3, 2051], [4, 3, 5], [6, 1, 40, 3], [2, 3, 4, 129], [2, 0, 3]]
      test.each(shapes.map(s => [s]))('broadcast and permuted operands of shape %j', async shape => {
        const full = contiguousView('float32', shape)
        const row = expandView(contiguousView('float32', shape.slice(-1)), shape)
        const column = expandView(contiguousView('float32', [...shape.slice(0, -1), 1]), shape)
        const one0 = expandView(contiguousView('float32', [1]), shape)
        const order = shape.map((_, i) => shape.length - 1 - i)
        const permuted = permuteView(contiguousView('float32', shape.toReversed()), order)
        const wide = sliceView(contiguousView('float32', [...shape.slice(0, -1), shape[shape.length - 1] + 5]), shape.length - 1, 2, 1, shape[shape.length - 1])
        await check(shape, [full, row, column], [full, full])
        await check(shape, [permuted, one0, row], [full, wide])
        await check(shape, [wide, column, permuted], [permuted, full])
        await check(shape, [permuted, permuted, permuted], [permuted, permuted])
      })
    })

    test('what is one number for all elements is computed once, and comes out everywhere', async () => {
      const [x, rate, step] = [S.input(0, 'float32'), S.input(1, 'float32'), S.param(0, 'float32')]
      const scale = S.neg(S.expm1(S.mul(step, S.log(rate))))
      const p = program([S.mul(x, S.sub(1, scale)), S.add(scale, 1), rate, step], ['float32', 'float32'], ['float32'])
      const n = 1500
      const kernel: MapKernel = { ...plain(p, n, [3]), inputs: [contiguousView('float32', [n]), { ...contiguousView('float32', [n]), strides: [0] }] }
      const a = dense(0, 1, n)
      const got = await run(one, kernel, [a, Float32Array.of(0.9), ...p.outputs.map(() => new Float32Array(n))])
      for (let i = 0; i < n; i++) evaluate(p, [a[i], Math.fround(0.9)], [3]).forEach((want, k) => expect(got[k][i]).toBeCloseTo(want, 6))
      expect(new Set(got[1]).size).toBe(1)
    })

    test('two steps in one pass round as two', async () => {
      const n = 1000
      const [a, b, c] = [1, 2, 3].map(k => Float32Array.from({ length: n }, (_, i) => Math.sin(i * k + k) * 10))
      const [x, y, z] = [0, 1, 2].map(i => S.input(i, 'float32'))
      const f = Math.fround
      const cases: [Scalar, (x: number, y: number, z: number) => number][] = [
        [S.add(S.mul(x, y), z), (p, q, r) => f(f(p * q) + r)],
        [S.add(z, S.mul(x, y)), (p, q, r) => f(r + f(p * q))],
        [S.sub(S.mul(x, y), z), (p, q, r) => f(f(p * q) - r)],
        [S.sub(z, S.mul(x, y)), (p, q, r) => f(r - f(p * q))],
        [S.mul(z, S.mul(x, y)), (p, q, r) => f(r * f(p * q))],
        [S.mul(S.add(x, y), z), (p, q, r) => f(f(p + q) * r)],
        [S.mul(z, S.sub(x, y)), (p, q, r) => f(r * f(p - q))],
        [S.add(S.add(x, y), z), (p, q, r) => f(f(p + q) + r)],
        [S.add(S.mul(x, y), S.mul(y, z)), (p, q, r) => f(f(p * q) + f(q * r))],
        [S.mul(S.mul(x, y), S.mul(x, y)), (p, q) => f(f(p * q) * f(p * q))],
      ]
      for (const [expression, want] of cases) {
        const [got] = await run(one, plain(program([expression], ['float32', 'float32', 'float32']), n), [a, b, c, new Float32Array(n)])
        expect(bitsOf(got)).toEqual(bitsOf(a.map((v, i) => want(v, b[i], c[i]))))
      }
    })

    test.each([[[33, 50], [1, 0]], [[16, 16], [1, 0]], [[5, 40, 20], [2, 1, 0]], [[3, 17, 64], [0, 2, 1]], [[20, 7, 31], [1, 2, 0]], [[600, 500], [1, 0]]])(
      'a copy of shape %j permuted by %j', async (shape, order) => {
        const copy = program([S.input(0, 'float32')], ['float32'])
        const input = permuteView(contiguousView('float32', shape), order)
        const output = { ...contiguousView('float32', input.shape), offset: 1 }
        const size = numel(shape)
        const words = Float32Array.from({ length: size }, (_, i) => i)
        const [got] = await run(three, { kind: 'map', program: copy, params: [], inputs: [input], outputs: [output] }, [words, new Float32Array(size + 2)])
        let at = [input.offset]
        input.shape.forEach((s, axis) => (at = at.flatMap(o => Array.from({ length: s }, (_, i) => o + i * input.strides[axis]))))
        expect([...got]).toEqual([0, ...at, 0])
      })

    describe('in place', () => {
      const names = ['param', 'grad', 'm', 'v'] as const
      const [w, g, m, v] = names.map((_, i) => S.input(i, 'float32'))
      const m1 = S.add(S.mul(m, 0.9), S.mul(g, 0.1))
      const v1 = S.add(S.mul(v, 0.999), S.mul(S.mul(g, g), 0.001))
      const adam = program([S.sub(w, S.div(S.mul(m1, S.param(0, 'float32')), S.add(S.sqrt(v1), 1e-8))), m1, v1], ['float32', 'float32', 'float32', 'float32'], ['float32'])
      const state = (n: number) => names.map((_, k) => Float32Array.from({ length: n }, (_, i) => Math.abs(Math.sin(i * (k + 1))) + 0.1))

      test.each([1, 13, 1024, 1030, 40_000])('an Adam step over %i parameters', async n => {
        const kernel = plain(adam, n, [1e-3])
        const words = state(n)
        const apart = await run(one, kernel, [...words, ...[0, 2, 3].map(() => new Float32Array(n))])
        for (const backend of [one, three]) {
          const inPlace = await run(backend, kernel, [...words, words[0], words[2], words[3]])
          expect(inPlace.map(bitsOf)).toEqual(apart.map(bitsOf))
        }
      })

      test.each([[[300, 5]], [[3, 600]]])('strided memory of shape %j', async shape => {
        const view = permuteView(contiguousView('float32', shape.toReversed()), [1, 0])
        const kernel: MapKernel = { ...plain(adam, 1, [1e-3]), inputs: [view, view, view, view], outputs: [view, view, view] }
        const words = state(numel(shape))
        const apart = await run(one, kernel, [...words, ...[0, 2, 3].map(() => new Float32Array(words[0].length))])
        const inPlace = await run(three, kernel, [...words, words[0], words[2], words[3]])
        expect(inPlace.map(bitsOf)).toEqual(apart.map(bitsOf))
      })

      test('outputs exchange their inputs', async () => {
        const [a, b] = [S.input(0, 'float32'), S.input(1, 'float32')]
        const p = program([b, a, S.add(a, b)], ['float32', 'float32'])
        const x = dense(0, 1, 3000)
        const y = dense(5, 6, 3000)
        const [first, second, sum] = await run(one, plain(p, 3000), [x, y, x, y, new Float32Array(3000)])
        expect(first).toEqual(y)
        expect(second).toEqual(x)
        expect(sum).toEqual(x.map((v, i) => v + y[i]))
      })
    })

    test('threads change no bit', async () => {
      const n = 300_007
      const x = S.input(0, 'float32')
      const a = Float32Array.from({ length: n }, (_, i) => Math.sin(i) * 9)
      const f = program([S.add(S.mul(S.tanh(x), S.exp(x)), S.sin(S.mul(x, 1e6)))], ['float32'])
      const map = plain(f, n)
      expect(bitsOf((await run(three, map, [a, new Float32Array(n)]))[0])).toEqual(bitsOf((await run(one, map, [a, new Float32Array(n)]))[0]))
      for (const shape of [[n], [1000, 300], [300, 1000]] as Shape[])
        for (const kept of [0, 1].filter(k => k < shape.length)) {
          const [rows, columns] = shape
          const input = kept === 0 ? contiguousView('float32', shape) : permuteView(contiguousView('float32', [rows, columns]), [1, 0])
          const outputs = [contiguousView('float32', kept === 0 ? [] : [columns])]
          const sum: Kernel = { kind: 'reduce', op: 'sum', inputs: [input], outputs }
          const out = () => new Float32Array(kept === 0 ? 1 : columns)
          expect(bitsOf((await run(three, sum, [a, out()]))[0])).toEqual(bitsOf((await run(one, sum, [a, out()]))[0]))
        }
    })
  })
