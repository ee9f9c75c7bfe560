// The reference backend against numbers known from elsewhere and against loops written out for one small case each.
import { describe, expect, test } from 'vitest'
import { contiguousView, permuteView, sliceView } from '../../src/core/view.ts'
import { createReference, evaluate } from '../../src/backend/reference/index.ts'
import { erf, floorDiv, floorMod, pow, sigmoid, threefry } from '../../src/backend/reference/math.ts'
import { roundEven } from '../../src/core/storage.ts'
import { castTo } from '../../src/backend/reference/scalar.ts'
import { program, S, type Intrinsic } from '../../src/ir/scalar.ts'
import type { Kernel } from '../../src/ir/kernel.ts'
import { launch, output, plain, Random, type Operand, type Step } from './data.ts'
import { execute } from './run.ts'

/** The output blocks after one launch. */
async function outputs(step: Step): Promise<number[][]> {
  return (await execute(createReference(), [step])).map(r => Array.from(r.words))
}

const floats = (shape: number[], values: number[]): Operand => plain('float32', shape, values)
const ints = (shape: number[], values: number[]): Operand => plain('int32', shape, values)
const result = (shape: number[]): Operand => output('float32', shape)
const intResult = (shape: number[]): Operand => output('int32', shape)

describe('functions', () => {
  test.each([
    [1e-10, 1.1283791670955126e-10], [0.1, 0.1124629160182849], [0.5, 0.5204998778130465], [1, 0.8427007929497149], [1.9, 0.9927904292352575],
    [2, 0.9953222650189527], [2.1, 0.997020533343667], [3, 0.9999779095030014], [4.5, 0.9999999998033839], [30, 1],
  ])('erf(%d) to 1e-15', (x, want) => {
    expect(Math.abs(erf(x) / want - 1)).toBeLessThan(1e-15)
    expect(erf(-x)).toBe(-erf(x))
  })

  test('erf of what is not finite, and of zero', () => {
    expect([erf(Infinity), erf(-Infinity), erf(NaN), erf(-0)]).toEqual([1, -1, NaN, -0])
  })

  // The known answers that come with the authors' Random123.
  test.each([
    [[0, 0], [0, 0], [0x6b200159, 0x99ba4efe]],
    [[-1, -1], [-1, -1], [0x1cb996fc, 0xbb002be7]],
    [[0x13198a2e, 0x03707344], [0x243f6a88, 0x85a308d3], [0xc4923a9c, 0x483df7a0]],
  ])('threefry of key %j, counter %j', ([k0, k1], [c0, c1], want) => {
    expect(threefry(k0, k1, c0, c1).map(w => w >>> 0)).toEqual(want)
  })

  test('rounding goes to even', () => {
    expect([0.5, 1.5, 2.5, -0.5, -1.5, -2.5, 2.4999, 2.5001, -0.2, 2251799813685249.5].map(roundEven)).toEqual([0, 2, 2, -0, -2, -2, 2, 3, -0, 2251799813685250])
  })

  test('division and remainder as in Python', () => {
    expect([[7, 2], [-7, 2], [7, -2], [-7, -2], [-1, Infinity], [1, 0], [-0, 3], [5.5, 0.25]].map(([a, b]) => floorDiv(a, b))).toEqual([3, -4, -4, 3, -1, Infinity, -0, 22])
    expect(floorDiv(1, Math.fround(0.1))).toBe(9)
    expect([[7, 3], [-7, 3], [7, -3], [-7, -3], [-6, 3], [5, Infinity]].map(([a, b]) => floorMod(a, b))).toEqual([1, 2, -2, -1, -0, 5])
  })

  test('pow as in C', () => {
    expect([pow(1, NaN), pow(-1, Infinity), pow(1, -Infinity), pow(NaN, 0), pow(2, 0.5), pow(-2, 3), pow(-2, 0.5)]).toEqual([1, 1, 1, 1, Math.SQRT2, -8, NaN])
  })

  test('sigmoid far out', () => {
    expect([sigmoid(0), sigmoid(1000), sigmoid(-1000), sigmoid(NaN)]).toEqual([0.5, 1, 0, NaN])
    expect(sigmoid(-40)).toBeCloseTo(4.248354255291589e-18, 30)
  })

  test('casts truncate and saturate', () => {
    expect([1.9, -1.9, 1e10, -1e10, NaN, -0.5].map(v => castTo('int32', v))).toEqual([1, -1, 2 ** 31 - 1, -(2 ** 31), 0, 0])
    expect([0, -0, 0.1, NaN, -3].map(v => castTo('bool', v))).toEqual([0, 0, 1, 1, 1])
  })
})

describe('programs', () => {
  const int = (op: Intrinsic, a: number, b: number): number => evaluate(program([S[op](S.input(0, 'int32'), S.input(1, 'int32'))], ['int32', 'int32']), [a, b])[0]

  test.each<[Intrinsic, number, number, number]>([
    ['add', 2 ** 31 - 1, 1, -(2 ** 31)], ['mul', 123456789, 987654321, -67153019], ['floorDiv', -7, 2, -4], ['floorDiv', 5, 0, 0], ['mod', -7, 3, 2], ['mod', 5, 0, 0],
    ['rem', -7, 3, -1], ['floorDiv', -(2 ** 31), -1, -(2 ** 31)], ['shru', -1, 28, 15], ['shr', -16, 2, -4], ['shl', 3, 31, -(2 ** 31)], ['xor', 5, 3, 6], ['lt', -1, 0, 1],
  ])('int32 %s(%i, %i) is %i', (op, a, b, want) => {
    expect(int(op, a, b)).toBe(want)
  })

  test('shared steps, params, the index and a choice', () => {
    const x = S.input(0, 'float32')
    const square = S.mul(x, x)
    const p = program([S.select(S.gt(square, S.param(0, 'float32')), S.neg(square), x), S.index()], ['float32'], ['float32'])
    expect(evaluate(p, [3], [4], 7)).toEqual([-9, 7])
    expect(evaluate(p, [1.5], [4], 8)).toEqual([1.5, 8])
    expect(p.steps.filter(s => s.op === 'mul')).toHaveLength(1)
  })
})

describe('kernels', () => {
  test('map through views: a transposed and a broadcast input, an output in a part of a block', async () => {
    const a = floats([2, 3], [1, 2, 3, 4, 5, 6])
    const row = floats([2], [10, 20])
    const out = output('float32', [3, 4])
    const step = launch(
      { kind: 'map', program: program([S.add(S.input(0, 'float32'), S.input(1, 'float32'))], ['float32', 'float32']), params: [] },
      [{ ...a, view: permuteView(a.view, [1, 0]) }, { ...row, view: { ...row.view, shape: [3, 2], strides: [0, 1] } }],
      [{ ...out, view: sliceView(out.view, 1, 3, -2, 2) }],
    )
    expect(await outputs(step)).toEqual([[-77, 24, -77, 11, -77, 25, -77, 12, -77, 26, -77, 13]])
  })

  test.each([
    ['sum', [[6, NaN]]], ['prod', [[6, NaN]]], ['max', [[3, NaN]]], ['min', [[1, NaN]]], ['argmax', [[2, 1]]], ['argmin', [[0, 1]]],
  ] as const)('reduce %s', async (op, want) => {
    const isArg = op === 'argmax' || op === 'argmin'
    expect(await outputs(launch({ kind: 'reduce', op }, [floats([2, 3], [1, 2, 3, 4, NaN, NaN])], [isArg ? intResult([2]) : result([2])]))).toEqual(want)
  })

  test.each([
    ['sum', 0, 0], ['prod', 1, 1], ['max', -Infinity, -(2 ** 31)], ['min', Infinity, 2 ** 31 - 1],
  ] as const)('reduce %s of nothing', async (op, float, int) => {
    expect(await outputs(launch({ kind: 'reduce', op }, [floats([2, 0], [])], [result([2])]))).toEqual([[float, float]])
    expect(await outputs(launch({ kind: 'reduce', op }, [ints([1, 0], [])], [intResult([1])]))).toEqual([[int]])
  })

  test('reduce int32 sums and products wrap', async () => {
    expect(await outputs(launch({ kind: 'reduce', op: 'sum' }, [ints([3], [2 ** 31 - 1, 1, 1])], [intResult([])]))).toEqual([[-(2 ** 31) + 1]])
    expect(await outputs(launch({ kind: 'reduce', op: 'prod' }, [ints([2], [65537, 65537])], [intResult([])]))).toEqual([[131073]])
  })

  test('matmul', async () => {
    const a = floats([2, 3], [1, 2, 3, 4, 5, 6])
    const b = floats([3, 2], [7, 8, 9, 10, 11, 12])
    expect(await outputs(launch({ kind: 'matmul' }, [a, b], [result([2, 2])]))).toEqual([[58, 64, 139, 154]])
    const shared = { ...b, view: { ...b.view, shape: [2, 3, 2], strides: [0, 2, 1] } }
    const rows = floats([2, 1, 3], [1, 0, 0, 0, 1, 1])
    expect(await outputs(launch({ kind: 'matmul' }, [rows, shared], [result([2, 1, 2])]))).toEqual([[7, 8, 20, 22]])
  })

  test('conv of a line by hand', async () => {
    const kernel = { kind: 'conv', stride: [1], dilation: [1], inputDilation: [1], padLow: [1] } as const
    const x = floats([1, 1, 1, 4], [1, 2, 3, 4])
    const w = floats([1, 1, 1, 2], [10, 1])
    expect(await outputs(launch(kernel, [x, w], [result([1, 1, 1, 5])]))).toEqual([[1, 12, 23, 34, 40]])
    expect(await outputs(launch({ ...kernel, stride: [2], padLow: [-1] }, [x, w], [result([1, 1, 1, 2])]))).toEqual([[23, 40]])
    expect(await outputs(launch({ ...kernel, inputDilation: [2], padLow: [0] }, [x, w], [result([1, 1, 1, 7])]))).toEqual([[10, 2, 20, 3, 30, 4, 40]])
    expect(await outputs(launch({ ...kernel, dilation: [3], padLow: [0] }, [x, w], [result([1, 1, 1, 1])]))).toEqual([[14]])
  })

  test('conv in the plane against its sum written out over a padded picture', async () => {
    const r = new Random('plane')
    const [G, N, C, O, H, W, K] = [2, 2, 3, 2, 7, 6, 3]
    const [stride, dilation, pad, spread] = [2, 2, 3, 2]
    const x = plain('float32', [G, N, C, H, W], r.words('float32', G * N * C * H * W))
    const w = plain('float32', [G, O, C, K, K], r.words('float32', G * O * C * K * K))
    const [high, wide] = [spread * (H - 1) + 1 + 2 * pad, spread * (W - 1) + 1 + 2 * pad]
    const out = (n: number): number => Math.floor((n - dilation * (K - 1) - 1) / stride) + 1
    const [TH, TW] = [out(high), out(wide)]
    const want: number[] = []
    for (let g = 0; g < G; g++)
      for (let n = 0; n < N; n++)
        for (let o = 0; o < O; o++) {
          const pictures = Array.from({ length: C }, (_, c) => {
            const picture = new Float64Array(high * wide)
            for (let i = 0; i < H; i++) for (let j = 0; j < W; j++) picture[(pad + spread * i) * wide + pad + spread * j] = x.words[(((g * N + n) * C + c) * H + i) * W + j]
            return picture
          })
          for (let i = 0; i < TH; i++)
            for (let j = 0; j < TW; j++) {
              let sum = 0
              pictures.forEach((picture, c) => {
                for (let p = 0; p < K; p++)
                  for (let q = 0; q < K; q++)
                    sum += picture[(i * stride + p * dilation) * wide + j * stride + q * dilation] * w.words[(((g * O + o) * C + c) * K + p) * K + q]
              })
              want.push(Math.fround(sum))
            }
        }
    const kernel = { kind: 'conv', stride: [stride, stride], dilation: [dilation, dilation], inputDilation: [spread, spread], padLow: [pad, pad] } as const
    const [got] = await outputs(launch(kernel, [x, w], [result([G, N, O, TH, TW])]))
    got.forEach((v, i) => expect(v).toBeCloseTo(want[i], 6))
    expect(got).toHaveLength(want.length)
  })

  test('gather and scatter', async () => {
    const table = floats([3, 2], [1, 2, 3, 4, 5, 6])
    const index = ints([2, 2], [2, 0, 1, 1])
    expect(await outputs(launch({ kind: 'gather', axis: 0 }, [table, index], [result([2, 2])]))).toEqual([[5, 2, 3, 4]])
    expect(await outputs(launch({ kind: 'gather', axis: 1 }, [table, ints([3, 1], [1, 0, 1])], [result([3, 1])]))).toEqual([[2, 3, 6]])
    expect(await outputs(launch({ kind: 'scatter', op: 'sum', axis: 0 }, [index, floats([2, 2], [10, 20, 30, 40])], [table]))).toEqual([[1, 22, 33, 44, 15, 6]])
    expect(await outputs(launch({ kind: 'scatter', op: 'sum', axis: 0 }, [ints([4], [1, 1, 0, 1]), ints([4], [1, 2, 3, 4])], [ints([2], [0, 100])]))).toEqual([[3, 107]])
  })

  test('an index outside is an error that names it', () => {
    const step = launch({ kind: 'gather', axis: 0 }, [floats([3], [1, 2, 3]), ints([2], [0, 3])], [result([2])])
    return expect(outputs(step)).rejects.toThrow('[gather] index 3 is outside 0 … 2')
  })

  test('fold adds up what windows share, and gaps stay zero', async () => {
    const windows = floats([3, 2], [1, 2, 3, 4, 5, 6])
    expect(await outputs(launch({ kind: 'fold', stride: [1], dilation: [1] }, [windows], [result([4])]))).toEqual([[1, 5, 9, 6]])
    expect(await outputs(launch({ kind: 'fold', stride: [3], dilation: [1] }, [windows], [result([9])]))).toEqual([[1, 2, 0, 3, 4, 0, 5, 6, 0]])
    expect(await outputs(launch({ kind: 'fold', stride: [1], dilation: [2] }, [windows], [result([5])]))).toEqual([[1, 3, 7, 4, 6]])
    const plane = floats([2, 1, 1, 2], [1, 2, 3, 4])
    expect(await outputs(launch({ kind: 'fold', stride: [1, 1], dilation: [1, 1] }, [plane], [result([2, 2])]))).toEqual([[1, 2, 3, 4]])
  })

  test('cumulate', async () => {
    const x = floats([2, 3], [1, 2, 3, -1, NaN, 5])
    const run = (op: 'sum' | 'prod' | 'max' | 'min', reverse: boolean) => outputs(launch({ kind: 'cumulate', op, reverse }, [x], [result([2, 3])]))
    expect(await run('sum', false)).toEqual([[1, 3, 6, -1, NaN, NaN]])
    expect(await run('sum', true)).toEqual([[6, 5, 3, NaN, NaN, 5]])
    expect(await run('prod', false)).toEqual([[1, 2, 6, -1, NaN, NaN]])
    expect(await run('max', true)).toEqual([[3, 3, 3, NaN, NaN, 5]])
    expect(await run('min', false)).toEqual([[1, 1, 1, -1, NaN, NaN]])
  })

  test('sort is stable both ways, with NaN greatest', async () => {
    const x = floats([6], [2, NaN, -1, 2, -Infinity, NaN])
    const run = (descending: boolean) => outputs(launch({ kind: 'sort', descending }, [x], [result([6]), intResult([6])]))
    expect(await run(false)).toEqual([[-Infinity, -1, 2, 2, NaN, NaN], [4, 2, 0, 3, 1, 5]])
    expect(await run(true)).toEqual([[NaN, NaN, 2, 2, -1, -Infinity], [1, 5, 0, 3, 2, 4]])
  })
})

describe('storage', () => {
  test('numbers are kept in float64', () => {
    const backend = createReference()
    const block = backend.alloc(8)
    backend.writeFloat64(block, 0, Float64Array.of(0.1, 1 + 2 ** -40))
    expect([...backend.readFloat64(block, 0, 8)]).toEqual([0.1, 1 + 2 ** -40])
    expect([...new Float32Array(backend.readSync(block, 0, 8, 'float32'))]).toEqual([Math.fround(0.1), 1])
  })

  test('a view that leaves its block and a block that was freed are faults', () => {
    const backend = createReference()
    const block = backend.alloc(16)
    const copy: Kernel = { kind: 'reduce', op: 'sum', inputs: [{ ...contiguousView('float32', [3]), offset: 2 }], outputs: [contiguousView('float32', [])] }
    expect(() => backend.run(copy, [block, block])).toThrow('internal: a view of reduce reaches elements 2 … 4 of a block of 4')
    backend.free(block)
    expect(() => backend.free(block)).toThrow('internal:')
    expect(() => backend.run(copy, [block, block])).toThrow('internal:')
  })
})
