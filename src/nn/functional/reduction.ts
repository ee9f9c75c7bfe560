// What all losses share: what becomes of one value per sample, and checks of what they are given.
import type { DType } from '../../core/dtype.ts'
import { LampasError, fail } from '../../core/errors.ts'
import { sameShape } from '../../core/shape.ts'
import { define, needTensor, type Described } from '../../ops/define.ts'
import { gather, mul, ones, type Tensor } from '../../ops/index.ts'

/** 'mean' over all values (the default), their 'sum', or 'none': one value each. */
export type Reduction = 'mean' | 'sum' | 'none'
export interface LossOptions {
  reduction?: Reduction
  /** PyTorch's older way to choose between 'mean' and 'sum'. */
  sizeAverage?: boolean
  /** PyTorch's older way to say 'none': false. */
  reduce?: boolean
}
export type Loss<O extends LossOptions> = ((input: Tensor, target: Tensor, options?: O) => Tensor) & Described
export type Args<O> = O & { input: Tensor; target: Tensor }

/** The asked reduction; the older flags win where they are given, as in PyTorch. */
export function reductionOf(op: string, { reduction = 'mean', sizeAverage, reduce }: { reduction?: string; sizeAverage?: boolean; reduce?: boolean }, more: readonly string[] = []): string {
  if (sizeAverage !== undefined || reduce !== undefined) return reduce === false ? 'none' : sizeAverage === false ? 'sum' : 'mean'
  const known = ['mean', 'sum', 'none', ...more]
  if (!known.includes(reduction)) fail(op, `there is no reduction '${String(reduction)}'`, known.map(r => `'${r}'`).join(', '))
  return reduction
}

export function reduced(op: string, x: Tensor, options: LossOptions): Tensor {
  const reduction = reductionOf(op, options)
  return reduction === 'mean' ? x.mean() : reduction === 'sum' ? x.sum() : x
}

export function needSame(op: string, input: Tensor, target: Tensor): void {
  needTensor(op, input)
  needTensor(op, target)
  if (!sameShape(input.shape, target.shape))
    fail(op, `input ${input} and target ${target} have different shapes`, input.numel === target.numel ? 'bring them together: target.reshape(input.shape)' : 'one target value for each input value')
}

/** The names of a loss's own options, then the older flags and `reduction`, as PyTorch orders them. */
export const withFlags = (...names: readonly string[]): string[] => [...names, 'sizeAverage', 'reduce', 'reduction']

/** A loss of one formula per value. */
export const valuewise = <O extends LossOptions>(name: string, paramNames: readonly string[], value: (input: Tensor, target: Tensor, options: O) => Tensor): Loss<O> =>
  define(name, ['input', 'target', ...paramNames], (a: Args<O>) => {
    needSame(name, a.input, a.target)
    return reduced(name, value(a.input, a.target, a), a)
  })

export const weighted = (x: Tensor, weight: Tensor | null | undefined): Tensor => (weight ? mul(x, weight) : x)

/**
 * A 0-dim 1 when all of `holds` is true. Nothing is read for it: it is looked up at an index that lies outside otherwise, and this is
 * noticed on every device, at the next read at the latest.
 */
export function confirmed(op: string, holds: Tensor, dtype: DType, problem: string, help: string): Tensor {
  try {
    return gather(ones([1], { dtype }), 0, holds.all().to('int32').sub(1).reshape(1)).reshape([])
  } catch (error) {
    if (error instanceof LampasError && error.op === 'gather') fail(op, problem, help)
    throw error
  }
}
