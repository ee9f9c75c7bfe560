// Random kernels: shapes, layouts and parameters that nobody thought of. `randomCases` with another prefix gives others.
import type { DType } from '../../../src/core/dtype.ts'
import { permuteView, windowCount } from '../../../src/core/view.ts'
import type { ReduceOp } from '../../../src/ir/kernel.ts'
import { program, S, type Scalar } from '../../../src/ir/scalar.ts'
import { define, input, launch, layouts, output, outputLayouts, place, type Case, type Operand, type Random, type Step, type Tolerance } from '../data.ts'

const anySize = (r: Random): number => r.pick([1, 1, 2, 3, 4, 5, 7, 8, 12, 16, 17, 31, 33])
const shapeOf = (r: Random, rank: number, most = 20_000): number[] => {
  const shape = Array.from({ length: rank }, () => anySize(r))
  for (let left = most; ; left = most) {
    for (const s of shape) left /= s
    if (left >= 1) return shape
    shape[shape.indexOf(Math.max(...shape))] = r.int(1, 4)
  }
}

/** An operand anyhow in memory, its axes permuted too. */
function anyhow(r: Random, make: (shape: readonly number[]) => Operand, shape: readonly number[]): Operand {
  // A comparison that answers at random would leave the order, and how often it is asked, to the engine.
  const keys = shape.map(() => r.uniform())
  const order = keys.map((_, i) => i).sort((i, j) => keys[i] - keys[j])
  const x = make(order.map(i => shape[i]))
  return { ...x, view: permuteView(x.view, order.map((_, i) => order.indexOf(i))) }
}
const from = (r: Random, dtype: DType, shape: readonly number[]): Operand => anyhow(r, s => input(r, dtype, s, r.pick(layouts)), shape)
const to = (r: Random, dtype: DType, shape: readonly number[]): Operand => anyhow(r, s => output(dtype, s, r.pick(outputLayouts)), shape)
const upTo = (r: Random, n: number, size: number, low = 1): number[] => Array.from({ length: n }, () => r.int(low, size))

function matmul(r: Random): Step {
  const batch = shapeOf(r, r.int(0, 3), 6)
  const big = r.int(0, 4) === 0
  const [m, k, n] = big ? upTo(r, 3, 150) : shapeOf(r, 3, 4000)
  return launch({ kind: 'matmul' }, [from(r, 'float32', [...batch, m, k]), from(r, 'float32', [...batch, k, n])], [to(r, 'float32', [...batch, m, n])])
}

function conv(r: Random): Step {
  const axes = r.int(1, 4)
  const [groups, batch, channels, features] = [r.int(1, 4), r.int(1, 4), r.int(1, 7), r.int(1, 10)]
  const space = upTo(r, axes, axes === 1 ? 30 : axes === 2 ? 12 : 7)
  const kernel = upTo(r, axes, 4)
  const [stride, dilation, inputDilation] = [upTo(r, axes, 4), upTo(r, axes, 3), r.int(0, 2) === 0 ? upTo(r, axes, 3) : space.map(() => 1)]
  const [padLow, padHigh] = [upTo(r, axes, 4, -2), upTo(r, axes, 4, -2)]
  const size = space.map((s, a) => windowCount((s - 1) * inputDilation[a] + 1 + padLow[a] + padHigh[a], kernel[a], stride[a], dilation[a]))
  return launch(
    { kind: 'conv', stride, dilation, inputDilation, padLow },
    [from(r, 'float32', [groups, batch, channels, ...space]), from(r, 'float32', [groups, features, channels, ...kernel])],
    [to(r, 'float32', [groups, batch, features, ...size])],
  )
}

function reduce(r: Random): Step {
  const shape = shapeOf(r, r.int(1, 6))
  const kept = shape.slice(0, r.int(0, shape.length))
  const op = r.pick<ReduceOp>(['sum', 'max', 'min', 'argmax', 'argmin'])
  const dtype = r.pick<DType>(['float32', 'float32', 'int32'])
  return launch({ kind: 'reduce', op }, [from(r, dtype, shape)], [to(r, op.startsWith('arg') ? 'int32' : dtype, kept)])
}

const cumulate = (r: Random): Step => {
  const shape = shapeOf(r, r.int(1, 4))
  return launch({ kind: 'cumulate', op: r.pick(['sum', 'max', 'min']), reverse: r.int(0, 2) === 0 }, [from(r, 'float32', shape)], [to(r, 'float32', shape)])
}

const sort = (r: Random): Step => {
  const shape = shapeOf(r, r.int(1, 4))
  const dtype = r.pick<DType>(['float32', 'int32', 'bool'])
  return launch({ kind: 'sort', descending: r.int(0, 2) === 0 }, [from(r, dtype, shape)], [to(r, dtype, shape), to(r, 'int32', shape)])
}

function indexOf(r: Random, shape: readonly number[], size: number): Operand {
  return anyhow(r, s => {
    const { view, length } = place(r.pick(layouts), 'int32', s)
    return { view, words: Int32Array.from({ length }, () => r.int(0, size)) }
  }, shape)
}

const gather = (r: Random): Step => {
  const shape = shapeOf(r, r.int(1, 5))
  const axis = r.int(0, shape.length)
  const dtype = r.pick<DType>(['float32', 'int32', 'bool'])
  const picked = shape.with(axis, anySize(r))
  return launch({ kind: 'gather', axis }, [from(r, dtype, shape), indexOf(r, picked, shape[axis])], [to(r, dtype, picked)])
}

const scatter = (r: Random): Step => {
  const shape = shapeOf(r, r.int(1, 5))
  const axis = r.int(0, shape.length)
  const dtype = r.pick<DType>(['float32', 'int32'])
  const source = shape.with(axis, anySize(r))
  return launch({ kind: 'scatter', op: 'sum', axis }, [indexOf(r, source, shape[axis]), from(r, dtype, source)], [to(r, dtype, shape)])
}

function fold(r: Random): Step {
  const axes = r.int(1, 4)
  const outer = shapeOf(r, r.int(0, 3), 12)
  const [size, stride, dilation] = [upTo(r, axes, 4), upTo(r, axes, 4), upTo(r, axes, 3)]
  const windows = upTo(r, axes, axes === 1 ? 30 : 6)
  const space = windows.map((t, a) => (t - 1) * stride[a] + dilation[a] * (size[a] - 1) + r.int(1, 4))
  return launch({ kind: 'fold', stride, dilation }, [from(r, 'float32', [...outer, ...windows, ...size])], [to(r, 'float32', [...outer, ...space])])
}

/** Ops whose results on multiples of 1/8 are exact in float32, so that a comparison never hangs on a rounding. */
const grow: readonly ((r: Random, pick: (t: DType) => Scalar) => Scalar)[] = [
  (_, p) => S.add(p('float32'), p('float32')),
  (_, p) => S.sub(p('float32'), p('float32')),
  (r, p) => S.mul(p('float32'), r.pick([-2, -1, -0.5, 0.5, 1, 2])),
  (_, p) => S.max(p('float32'), p('float32')),
  (_, p) => S.min(p('float32'), p('float32')),
  (_, p) => S.abs(p('float32')),
  (_, p) => S.floor(p('float32')),
  (_, p) => S.add(p('int32'), p('int32')),
  (_, p) => S.mul(p('int32'), p('int32')),
  (_, p) => S.xor(p('int32'), p('int32')),
  (r, p) => S.shr(p('int32'), r.int(0, 5)),
  (r, p) => S.mod(p('int32'), r.pick([-3, 2, 7])),
  (_, p) => S.lt(p('float32'), p('float32')),
  (_, p) => S.eq(p('int32'), p('int32')),
  (_, p) => S.and(p('bool'), p('bool')),
  (_, p) => S.not(p('bool')),
  (_, p) => S.select(p('bool'), p('float32'), p('float32')),
  (_, p) => S.select(p('bool'), p('int32'), p('int32')),
  (_, p) => S.cast(p('bool'), 'float32'),
  (_, p) => S.cast(p('float32'), 'bool'),
  (_, p) => S.cast(p('float32'), 'int32'),
]
const types: readonly DType[] = ['float32', 'int32', 'bool']

function map(r: Random): Step {
  const shape = shapeOf(r, r.int(0, 6), 3000)
  const fed = Array.from({ length: r.int(1, 5) }, () => r.pick(types))
  const params = Array.from({ length: r.int(0, 3) }, () => r.pick(types))
  const made: Scalar[] = [...fed.map((t, i) => S.input(i, t)), ...params.map((t, i) => S.param(i, t)), S.index(), S.constant(0.375, 'float32'), S.constant(1, 'bool')]
  const pick = (t: DType): Scalar => r.pick(made.filter(s => s.dtype === t))
  for (let left = r.int(1, 25); left > 0; left--) made.push(r.pick(grow)(r, pick))
  const results = [made[made.length - 1], ...Array.from({ length: r.int(0, 3) }, () => r.pick(made))]
  const inputs = fed.map(t => from(r, t, shape))
  for (const { words } of inputs) if (words instanceof Float32Array) words.forEach((v, i) => (words[i] = Math.round(v * 32) / 8))
  const values = params.map(t => (t === 'float32' ? r.int(-16, 17) / 8 : t === 'int32' ? r.int(-50, 50) : r.int(0, 2)))
  return launch({ kind: 'map', program: program(results, fed, params), params: values }, inputs, results.map(s => to(r, s.dtype, shape)))
}

const kinds: Readonly<Record<string, readonly [Tolerance, (r: Random) => Step]>> = {
  // Operands that are broadcast whole repeat one product, and its rounding with it.
  matmul: [{ rel: 5e-6, abs: 2e-5 }, matmul],
  conv: [{ rel: 5e-6, abs: 2e-5 }, conv],
  // A stray value under a scattered sum is the sentinel -77, whose rounding is larger than that of the numbers.
  scatter: [{ rel: 2e-6, abs: 5e-5 }, scatter],
  reduce: [{ rel: 2e-6, abs: 2e-4 }, reduce],
  cumulate: [{ rel: 2e-6, abs: 5e-6 }, cumulate],
  fold: [{ rel: 1e-6, abs: 5e-6 }, fold],
  gather: [{}, gather],
  map: [{}, map],
  sort: [{}, sort],
}

export const randomCases = (prefix: string, times: number): Case[] =>
  Object.entries(kinds).flatMap(([kind, [tolerance, make]]) =>
    Array.from({ length: times }, (_, n) => define(`${prefix} ${kind}, ${n}`, tolerance, r => Array.from({ length: 10 }, () => make(r)))),
  )
