// Random op cases: shapes of rank 0 to 4 with sizes from 0 on, operands that broadcast, and operands that are strided views (turned,
// flipped, with gaps, cut out of something larger).
import fc from 'fast-check'
import type { DType } from '../../src/core/dtype.ts'
import { LampasError } from '../../src/core/errors.ts'
import type { Shape } from '../../src/core/shape.ts'
import { apply1 } from '../../src/ops/define.ts'
import * as ops from '../../src/ops/index.ts'
import { pointwiseOps } from '../../src/ops/pointwise-record.ts'
import type { Tensor } from '../../src/ops/tensor.ts'
import { describeInputs, type Input, type OpCase } from '../ops/case.ts'

/** How an operand lies in what it is a view of. */
interface Placement {
  readonly order: readonly number[]
  readonly steps: readonly number[]
  readonly before: readonly number[]
  readonly flipped: readonly boolean[]
}

/** An operand and the tensor that it is a view of. */
interface Placed {
  readonly input: Input
  readonly view: (base: Tensor) => Tensor
  readonly note: string
}

const dense: fc.Arbitrary<Placement> = fc.constant({ order: [], steps: [], before: [], flipped: [] })
const placement = (rank: number): fc.Arbitrary<Placement> => {
  const each = <T>(item: fc.Arbitrary<T>): fc.Arbitrary<T[]> => fc.array(item, { minLength: rank, maxLength: rank })
  const strided = fc.record({
    order: fc.shuffledSubarray([...Array(rank).keys()], { minLength: rank, maxLength: rank }),
    steps: each(fc.integer({ min: 1, max: 2 })),
    before: each(fc.integer({ min: 0, max: 2 })),
    flipped: each(fc.boolean()),
  })
  return rank === 0 ? dense : fc.oneof(dense, strided)
}

/** An operand of `shape`, as a view of a tensor of the shape that it needs. */
function place(shape: Shape, dtype: DType, range: readonly [number, number], p: Placement): Placed {
  if (p.order.length === 0) return { input: { shape, dtype, range }, view: x => x, note: '' }
  // Axis a of the operand is axis order[a] of the base.
  const whole = shape.map((n, a) => p.before[a] + n * p.steps[a])
  const base: number[] = []
  p.order.forEach((at, a) => (base[at] = whole[a]))
  const view = (x: Tensor): Tensor => {
    const cut = ops.at(ops.permute(x, p.order), ...shape.map((n, a) => `${p.before[a]}:${p.before[a] + n * p.steps[a]}:${p.steps[a]}`))
    const axes = [...p.flipped.keys()].filter(a => p.flipped[a])
    return axes.length ? ops.flip(cut, axes) : cut
  }
  return { input: { shape: base, dtype, range }, view, note: ` as [${shape.join()}]` }
}

const sizes = fc.array(fc.oneof({ weight: 9, arbitrary: fc.integer({ min: 1, max: 5 }) }, { weight: 1, arbitrary: fc.constant(0) }), { maxLength: 4 })

/** A shape that broadcasts to `target`. */
const narrower = (target: Shape): fc.Arbitrary<number[]> =>
  fc.tuple(fc.integer({ min: 0, max: target.length }), fc.array(fc.boolean(), { minLength: target.length, maxLength: target.length })).map(([drop, ones]) => target.slice(drop).map((n, i) => (ones[i] ? 1 : n)))

const placed = (shape: Shape, dtype: DType, range: readonly [number, number] = [-2, 2]): fc.Arbitrary<Placed> => placement(shape.length).map(p => place(shape, dtype, range, p))

function caseOf(op: string, operands: readonly Placed[], run: (...x: Tensor[]) => Tensor | readonly Tensor[], note = ''): OpCase {
  const inputs = operands.map(o => o.input)
  return { op, title: describeInputs(inputs, operands.map(o => o.note).join('') + note), inputs, run: (...x) => run(...x.map((base, i) => operands[i].view(base))) }
}

const runs = (op: string, dtypes: readonly DType[], shapes: readonly Shape[]): boolean => {
  try {
    pointwiseOps.get(op)!.infer(dtypes.map((dtype, i) => ({ dtype, shape: shapes[i] })), null)
    return true
  } catch (error) {
    if (error instanceof LampasError) return false
    throw error
  }
}

/** Any pointwise op with operands that broadcast, in the range that its record samples. */
export const pointwise: fc.Arbitrary<OpCase> = fc
  .tuple(fc.constantFrom(...pointwiseOps.keys()), sizes, fc.constantFrom<DType>('float32', 'float32', 'float32', 'int32', 'bool'))
  .chain(([name, shape, dtype]) => {
    const op = pointwiseOps.get(name)!
    const [sample] = op.samples!
    const arity = sample.shapes.length
    const conditional = sample.dtypes?.[0] === 'bool'
    const typed = (t: DType): DType[] => sample.shapes.map((_, k) => (conditional && k === 0 ? 'bool' : t))
    const types = [dtype, 'float32' as const, 'int32' as const].map(typed).find(list => runs(name, list, list.map(() => []))) ?? typed('bool')
    const rangeOf = (k: number): readonly [number, number] => {
      if (types[k] !== 'float32') return types[k] === 'bool' ? [0, 2] : [-4, 5]
      const { range = [-2, 2] } = sample
      return typeof range[0] === 'number' ? (range as readonly [number, number]) : range[k] as readonly [number, number]
    }
    const operand = (k: number): fc.Arbitrary<Placed> => (k === 0 ? fc.constant(shape) : narrower(shape)).chain(s => placed(s, types[k], rangeOf(k)))
    return fc.tuple(...Array.from({ length: arity }, (_, k) => operand(k))).map(operands => caseOf(name, operands, (...x) => apply1(op, x, null)))
  })

const axesOf = (rank: number): fc.Arbitrary<number[]> => fc.subarray([...Array(rank).keys()], { minLength: Math.min(1, rank) })

/** A reduction over some dimensions. */
export const reduction: fc.Arbitrary<OpCase> = fc
  .tuple(fc.constantFrom('sum', 'mean', 'prod', 'amax', 'amin', 'logsumexp', 'var', 'countNonzero', 'all', 'any'), fc.array(fc.integer({ min: 2, max: 6 }), { minLength: 1, maxLength: 4 }), fc.boolean())
  .chain(([op, shape, keepdim]) => fc.tuple(placed(shape, 'float32'), axesOf(shape.length)).map(([x, axes]) => {
    const fn = ops[op as 'sum'] as (x: Tensor, dim: readonly number[], options: object) => Tensor
    return caseOf(op, [x], y => fn(y, axes, { keepdim }), ` over ${axes.join()}${keepdim ? ' kept' : ''}`)
  }))

/** Along one dimension: scans, sorts, softmax. */
export const alongOne: fc.Arbitrary<OpCase> = fc
  .tuple(fc.constantFrom('cumsum', 'cumprod', 'softmax', 'logSoftmax', 'logcumsumexp', 'sort', 'flip'), fc.array(fc.integer({ min: 1, max: 6 }), { minLength: 1, maxLength: 4 }))
  .chain(([op, shape]) => fc.tuple(placed(shape, 'float32'), fc.nat(shape.length - 1)).map(([x, axis]) => {
    const fn = ops[op as 'cumsum'] as (x: Tensor, dim: number) => Tensor | { values: Tensor; indices: Tensor }
    return caseOf(op, [x], y => {
      const result = fn(y, axis)
      return 'values' in result ? [result.values, result.indices] : result
    }, ` along ${axis}`)
  }))

/** Products of stacks of matrices that broadcast. */
export const product: fc.Arbitrary<OpCase> = fc
  .tuple(fc.array(fc.integer({ min: 1, max: 3 }), { maxLength: 2 }), fc.integer({ min: 1, max: 9 }), fc.integer({ min: 0, max: 9 }), fc.integer({ min: 1, max: 9 }))
  .chain(([batch, m, k, n]) => fc.tuple(narrower(batch), narrower(batch)).chain(([left, right]) => fc.tuple(placed([...left, m, k], 'float32'), placed([...right, k, n], 'float32'))))
  .map(operands => caseOf('matmul', operands, (a, b) => ops.matmul(a, b)))

/** Convolutions of one or two dimensions. */
export const convolution: fc.Arbitrary<OpCase> = fc
  .record({ groups: fc.integer({ min: 1, max: 2 }), c: fc.integer({ min: 1, max: 2 }), o: fc.integer({ min: 1, max: 2 }), n: fc.integer({ min: 1, max: 2 }), size: fc.integer({ min: 5, max: 8 }), kernel: fc.integer({ min: 1, max: 3 }), stride: fc.integer({ min: 1, max: 3 }), padding: fc.integer({ min: 0, max: 2 }), dilation: fc.integer({ min: 1, max: 2 }), flat: fc.boolean() })
  .chain(({ groups, c, o, n, size, kernel, flat, ...how }) => {
    const space = (s: number): number[] => (flat ? [s] : [s, s])
    return fc.tuple(placed([n, groups * c, ...space(size)], 'float32'), placed([groups * o, c, ...space(kernel)], 'float32')).map(operands =>
      caseOf(flat ? 'conv1d' : 'conv2d', operands, (x, w) => (flat ? ops.conv1d : ops.conv2d)(x, w, null, { groups, ...how }), ` ${JSON.stringify({ groups, ...how })}`))
  })

/** Reading and adding at indices. */
export const indexing: fc.Arbitrary<OpCase> = fc
  .tuple(fc.constantFrom('gather', 'scatterAdd', 'indexSelect', 'indexAdd'), fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 3 }), fc.integer({ min: 1, max: 6 }))
  .chain(([op, shape, count]) => fc.nat(shape.length - 1).chain(axis => {
    const one = op === 'indexSelect' || op === 'indexAdd'
    const other = shape.with(axis, count)
    const index = placed(one ? [count] : other, 'int32', [0, shape[axis]])
    return fc.tuple(placed(shape, 'float32'), index, placed(other, 'float32')).map(([x, at, y]) => {
      if (op === 'gather') return caseOf(op, [x, at], (a, i) => ops.gather(a, axis, i), ` along ${axis}`)
      if (op === 'indexSelect') return caseOf(op, [x, at], (a, i) => ops.indexSelect(a, axis, i), ` along ${axis}`)
      const fn = op === 'scatterAdd' ? ops.scatterAdd : ops.indexAdd
      return caseOf(op, [x, at, y], (a, i, b) => fn(a, axis, i, b), ` along ${axis}`)
    })
  }))

export const families: Readonly<Record<string, fc.Arbitrary<OpCase>>> = { pointwise, reduction, alongOne, product, convolution, indexing }
