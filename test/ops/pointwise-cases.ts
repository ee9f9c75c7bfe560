// The pointwise ops, from their records: the record's own samples, broadcast operands, plain numbers, ints and bools.
import type { DType } from '../../src/core/dtype.ts'
import { LampasError } from '../../src/core/errors.ts'
import { apply1, lift } from '../../src/ops/define.ts'
import type { Op, Sample } from '../../src/ops/op.ts'
import { pointwiseOps } from '../../src/ops/pointwise-record.ts'
import '../../src/ops/pointwise.ts'
import type { Tensor } from '../../src/ops/tensor.ts'
import { describeInputs, type Input, type OpCase } from './cases.ts'

/** Ranges beyond a kink or far out, besides the one that a record samples. */
const elsewhere: Readonly<Record<string, readonly (readonly [number, number])[]>> = {
  abs: [[-2, -0.3]],
  relu: [[-2, -0.2]],
  relu6: [[-2, -0.2], [6.5, 8]],
  reciprocal: [[-3, -0.5]],
  tan: [[2, 4]],
  softplus: [[15, 30], [-30, -15]],
  logSigmoid: [[15, 30], [-30, -15]],
  sigmoid: [[-12, -6]],
  tanh: [[3, 6]],
  erf: [[2.2, 3]],
  remainder: [[-3, -0.6]],
  fmod: [[-3, -0.6]],
}

type Range = readonly [number, number]

/** One range for all operands, or one for each. */
const rangeOf = ({ range }: Sample, k: number): Range =>
  range === undefined ? [-2, 2] : isRange(range) ? range : range[k]

const isRange = (range: Range | readonly Range[]): range is Range => typeof range[0] === 'number'

const dtypeOf = (sample: Sample, k: number): DType => sample.dtypes?.[k] ?? 'float32'

function fromSample(op: Op<null>, sample: Sample, note = '', change: (x: Input, k: number) => Input = x => x): OpCase {
  const inputs = sample.shapes.map((shape, k) => change({ shape, dtype: dtypeOf(sample, k), range: dtypeOf(sample, k) === 'bool' ? [0, 2] : rangeOf(sample, k) }, k))
  return { op: op.name, title: describeInputs(inputs, note), inputs, run: (...x) => apply1(op, x, null) }
}

/** Whether the op takes operands of these dtypes. */
function takes(op: Op<null>, inputs: readonly Input[]): boolean {
  try {
    op.infer(inputs, null)
    return true
  } catch (error) {
    if (error instanceof LampasError) return false
    throw error
  }
}

const broadcast = [[3, 1, 2], [4, 1], []]

function casesOf(op: Op<null>): OpCase[] {
  const samples = op.samples ?? []
  const [first] = samples
  const arity = first.shapes.length
  const conditional = dtypeOf(first, 0) === 'bool'
  const out = samples.map(s => fromSample(op, s))
  for (const range of elsewhere[op.name] ?? []) out.push(fromSample(op, first, `from ${range.join(' to ')}`, x => ({ ...x, range })))
  if (arity > 1) {
    out.push(fromSample(op, first, 'broadcast', (x, k) => ({ ...x, shape: broadcast[k] })))
    // One operand a plain number from the middle of its range: it has no gradient and no dtype of its own.
    for (let k = 0; k < arity; k++) {
      if (conditional && k === 0) continue
      const [low, high] = rangeOf(first, k)
      const number = (low + 3 * high) / 4
      const rest = fromSample(op, first)
      const inputs = rest.inputs.filter((_, i) => i !== k)
      out.push({ ...rest, inputs, title: describeInputs(inputs, `operand ${k} the number ${number}`), run: (...x: Tensor[]) => apply1(op, x.toSpliced(k, 0, lift(number, op.name)), null) })
    }
  }
  // At its poles trigamma is what the rounding of π·x leaves of an infinity, as PyTorch has it.
  for (const dtype of op.name === 'trigamma' ? [] : (['int32', 'bool'] as const)) {
    const typed = fromSample(op, first, '', (x, k) => (conditional && k === 0 ? x : { shape: x.shape, dtype, range: dtype === 'bool' ? [0, 2] : [-4, 5] }))
    if (takes(op, typed.inputs)) out.push(typed)
  }
  return out.filter(c => takes(op, c.inputs))
}

export const pointwiseCases: readonly OpCase[] = [...pointwiseOps.values()].flatMap(casesOf)
