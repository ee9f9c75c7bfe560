// x.at(…), its gradient, and x.setAt(…) against the rules of NumPy and PyTorch written out over single elements, for random shapes and indices.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { arange, tensor, type Index, type Tensor } from '../../src/index.ts'
import { eachDevice } from '../each-device.ts'

type Entry =
  | { readonly kind: 'int'; readonly at: number }
  | { readonly kind: 'slice'; readonly from: number; readonly to: number; readonly step: number }
  | { readonly kind: 'new' }
  | { readonly kind: 'rest' }
  | { readonly kind: 'list'; readonly at: readonly number[]; readonly shape: readonly number[] }
  | { readonly kind: 'mask'; readonly on: readonly boolean[] }

interface Example {
  readonly shape: readonly number[]
  readonly entries: readonly Entry[]
}

const numel = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1)
/** All coordinates of a shape in row-major order. */
const coordinates = (shape: readonly number[]): number[][] => shape.reduce<number[][]>((list, n) => list.flatMap(c => Array.from({ length: n }, (_, i) => [...c, i])), [[]])
const flatAt = (c: readonly number[], shape: readonly number[]): number => c.reduce((at, i, d) => at * shape[d] + i, 0)

/** Shapes of lists that broadcast together. */
const listShapes = [[3], [1], [], [2, 1], [2, 3]] as const

const example: fc.Arbitrary<Example> = fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 4 }).chain(shape =>
  fc.tuple(...shape.map(n => fc.oneof(
    fc.integer({ min: -n, max: n - 1 }).map((at): Entry => ({ kind: 'int', at })),
    fc.tuple(fc.integer({ min: -n - 1, max: n + 1 }), fc.integer({ min: -n - 1, max: n + 1 }), fc.integer({ min: 1, max: 3 })).map(([from, to, step]): Entry => ({ kind: 'slice', from, to, step })),
    fc.constantFrom(...listShapes).chain(s => fc.array(fc.integer({ min: -n, max: n - 1 }), { minLength: numel(s), maxLength: numel(s) }).map((at): Entry => ({ kind: 'list', at, shape: s }))),
    // Lists broadcast with a mask only if it has one true element or stands alone; here each has exactly one.
    fc.integer({ min: 0, max: n - 1 }).map((k): Entry => ({ kind: 'mask', on: Array.from({ length: n }, (_, i) => i === k) })),
  ))).chain(picked => fc.record({
    entries: fc.tuple(fc.nat(shape.length), fc.nat(shape.length), fc.option(fc.nat(shape.length)), fc.option(fc.nat(shape.length))).map(([from, count, news, more]): Entry[] => {
      // Some entries give way to '…', or are left out at the end.
      const kept: Entry[] = from + count <= shape.length ? picked.toSpliced(from, count, { kind: 'rest' }) : picked.slice(0, from)
      const one = news === null ? kept : kept.toSpliced(Math.min(news, kept.length), 0, { kind: 'new' })
      return more === null ? one : one.toSpliced(Math.min(more, one.length), 0, { kind: 'new' })
    }),
  }).map(({ entries }) => ({ shape, entries }))))

/** What the index means: the shape of the result, and of each of its elements the flat position in x. */
function meaning({ shape, entries }: Example): { shape: number[]; from: number[] } {
  const used = entries.filter(e => e.kind !== 'new' && e.kind !== 'rest').length
  const whole = (n: number): Entry => ({ kind: 'slice', from: 0, to: n, step: 1 })
  const hasRest = entries.some(e => e.kind === 'rest')
  let axis = 0
  // Each entry with the axis that it takes from; ints first, for they leave no trace in the order.
  const fixed = new Map<number, number>()
  const list: { entry: Entry; axis: number }[] = []
  const take = (entry: Entry): void => {
    const n = shape[axis]
    if (entry.kind === 'int') fixed.set(axis, entry.at < 0 ? entry.at + n : entry.at)
    else list.push({ entry, axis })
    axis++
  }
  for (const e of entries)
    if (e.kind === 'new') list.push({ entry: e, axis: -1 })
    else if (e.kind === 'rest') for (let k = shape.length - used; k > 0; k--) take(whole(shape[axis]))
    else take(e)
  if (!hasRest) while (axis < shape.length) take(whole(shape[axis]))

  const isPick = (e: Entry): boolean => e.kind === 'list' || e.kind === 'mask'
  const pickShape = (e: Entry): readonly number[] => (e.kind === 'list' ? e.shape : [1])
  const picks = list.filter(p => isPick(p.entry))
  const rank = Math.max(0, ...picks.map(p => pickShape(p.entry).length))
  const common = Array.from({ length: rank }, (_, d) => Math.max(1, ...picks.map(p => pickShape(p.entry)[pickShape(p.entry).length - rank + d] ?? 1)))
  const places = list.flatMap((p, i) => (isPick(p.entry) ? [i] : []))
  const together = places.every((p, i) => i === 0 || p === places[i - 1] + 1)

  // The dimensions of the result: those of the picks as one group, at the first of them or in front.
  const range = (e: Entry, n: number): number[] => {
    if (e.kind !== 'slice') return [0]
    const bound = (v: number): number => Math.min(Math.max(v < 0 ? v + n : v, 0), n)
    const out: number[] = []
    for (let i = bound(e.from); i < bound(e.to); i += e.step) out.push(i)
    return out
  }
  const groups: { axis: number; positions: number[] }[] = list.filter(p => !isPick(p.entry)).map(p => ({ axis: p.axis, positions: range(p.entry, shape[p.axis]) }))
  const lead = picks.length === 0 ? 0 : together ? places[0] : 0
  const out = [...groups.slice(0, lead).map(g => g.positions.length), ...common, ...groups.slice(lead).map(g => g.positions.length)]
  const from = coordinates(out).map(c => {
    const source = new Array<number>(shape.length).fill(0)
    for (const [a, v] of fixed) source[a] = v
    groups.forEach((g, i) => {
      if (g.axis >= 0) source[g.axis] = g.positions[c[i < lead ? i : i + rank]]
    })
    for (const { entry, axis: a } of picks) {
      if (entry.kind === 'mask') source[a] = entry.on.indexOf(true)
      else if (entry.kind === 'list') {
        const own = entry.shape.map((n, d) => (n === 1 ? 0 : c[lead + rank - entry.shape.length + d]))
        const v = entry.at[flatAt(own, entry.shape)]
        source[a] = v < 0 ? v + shape[a] : v
      }
    }
    return flatAt(source, shape)
  })
  return { shape: out, from }
}

const written = (e: Entry): Index => {
  switch (e.kind) {
    case 'int': return e.at
    case 'slice': return `${e.from}:${e.to}:${e.step}`
    case 'new': return null
    case 'rest': return '...'
    case 'list': return tensor(Int32Array.from(e.at), { shape: e.shape })
    case 'mask': return [...e.on]
  }
}

const ramp = (shape: readonly number[], from = 0): Tensor => arange(from, from + numel(shape), { dtype: 'float32' }).reshape(shape).clone()

eachDevice(name => {
  const runs = { numRuns: name === 'webgpu' ? 40 : 250, seed: 1 }

  test('reading, and the gradient of it', () =>
    fc.assert(fc.asyncProperty(example, async e => {
      const want = meaning(e)
      const x = ramp(e.shape).requiresGrad_()
      const y = await x.atAsync(...e.entries.map(written))
      expect(y.shape).toEqual(want.shape)
      expect([...(await y.data())]).toEqual(want.from)
      const grad = new Array<number>(x.numel).fill(0)
      want.from.forEach((at, i) => (grad[at] += i + 1))
      y.mul(ramp(want.shape, 1)).sum().backward()
      expect(x.grad ? [...(await x.grad.data())] : grad).toEqual(grad)
    }), runs))

  test('writing: the last of several values for one place stays', () =>
    fc.assert(fc.asyncProperty(example, async e => {
      const want = meaning(e)
      const x = ramp(e.shape)
      await x.setAtAsync(e.entries.map(written), ramp(want.shape, 100))
      const values = Array.from({ length: x.numel }, (_, i) => i)
      want.from.forEach((at, i) => (values[at] = 100 + i))
      expect([...(await x.data())]).toEqual(values)
    }), runs))
})
