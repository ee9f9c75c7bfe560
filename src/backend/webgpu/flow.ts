// What a `rows` kernel computes when. Every value has a level: so many passes over the row must have ended before it is known. A pass reads the
// row once, and reduces all that can be reduced by then.
import type { ScalarType } from '../../core/dtype.ts'
import { scalarType } from '../../core/dtype.ts'
import type { ReduceOp, RowsKernel } from '../../ir/kernel.ts'
import type { Program } from '../../ir/scalar.ts'

export interface Value {
  readonly dtype: ScalarType
  /** The stage that makes it, and which of its outputs; −1 and the number of the input. */
  readonly stage: number
  readonly output: number
  readonly reduce: ReduceOp | null
  /** Whether it differs along the row. An input that does not is read once a row. */
  readonly varies: boolean
  readonly level: number
  /** The values that it is computed from. */
  readonly reads: readonly number[]
}

/** The steps of a program that these results need, in order. */
export function stepsFor(program: Program, outputs: readonly number[]): number[] {
  const needed = new Set<number>()
  const visit = (at: number): void => {
    if (needed.has(at)) return
    program.steps[at].args.forEach(visit)
    needed.add(at)
  }
  for (const k of outputs) visit(program.outputs[k])
  return [...needed].sort((a, b) => a - b)
}

/** All values of a kernel, by number. */
export function valuesOf({ inputs, axes, stages }: Pick<RowsKernel, 'inputs' | 'axes' | 'stages'>): Value[] {
  const values = inputs.map(({ dtype, shape, strides }, output): Value => {
    const varies = shape.some((size, d) => d >= shape.length - axes && size !== 1 && strides[d] !== 0)
    return { dtype: scalarType(dtype), stage: -1, output, reduce: null, varies, level: 0, reads: [] }
  })
  stages.forEach(({ program, reduce }, stage) => {
    const made = program.outputs.map((at, output): Value => {
      const steps = stepsFor(program, [output]).map(k => program.steps[k])
      const reads = [...new Set(steps.flatMap(s => (s.op === 'input' ? s.index! : [])))]
      const level = Math.max(0, ...reads.map(k => values[k].level))
      const op = reduce?.[output] ?? null
      const varies = !op && (reads.some(k => values[k].varies) || steps.some(s => s.op === 'index'))
      return { dtype: program.steps[at].dtype, stage, output, reduce: op, varies, level: op ? level + 1 : level, reads }
    })
    values.push(...made)
  })
  return values
}

/** The targets and all that they need, in order, but for what is known already and what only that needs. */
export function needed(values: readonly Value[], targets: readonly number[], known: (k: number) => boolean = () => false): number[] {
  const found = new Set<number>()
  const visit = (k: number): void => {
    if (found.has(k) || known(k)) return
    found.add(k)
    values[k].reads.forEach(visit)
  }
  targets.forEach(visit)
  return [...found].sort((a, b) => a - b)
}
