// What an op case is, and how lists of them are written. The families are in cases*.ts.
import type { DType } from '../../src/core/dtype.ts'
import type { Shape } from '../../src/core/shape.ts'
import type { Tensor } from '../../src/ops/tensor.ts'

export interface Input {
  readonly shape: Shape
  readonly dtype: DType
  /** Range of random values: floats from it, ints from low up to below high. */
  readonly range?: readonly [number, number]
  /** Row-major values in place of random ones. */
  readonly values?: readonly number[]
}

export interface OpCase {
  /** The public name of the function under test. */
  readonly op: string
  readonly title: string
  readonly inputs: readonly Input[]
  readonly run: (...x: Tensor[]) => Tensor | readonly Tensor[]
  /** The inputs lie on a kink, where the derivative is a convention that finite differences cannot tell. */
  readonly kink?: boolean
  /** Reads values while it runs, so it cannot be traced, nor run where reading needs to wait. */
  readonly reads?: boolean
}

export const f = (shape: Shape, low = -2, high = 2): Input => ({ shape, dtype: 'float32', range: [low, high] })
export const i = (shape: Shape, low: number, high: number): Input => ({ shape, dtype: 'int32', range: [low, high] })
export const b = (shape: Shape): Input => ({ shape, dtype: 'bool', range: [0, 2] })
export const values = (dtype: DType, shape: Shape, list: readonly number[]): Input => ({ shape, dtype, values: list })

/** `f32[2,3] i32[4], note` */
export const describeInputs = (inputs: readonly Input[], note: string): string =>
  [inputs.map(x => `${x.dtype === 'float32' ? 'f32' : x.dtype === 'int32' ? 'i32' : 'bool'}[${x.shape.join()}]`).join(' '), note].filter(Boolean).join(', ')

export type Run = OpCase['run']
export type Row = readonly [inputs: readonly Input[], run: Run, note?: string]

export const rows = (op: string, list: readonly Row[], more: Partial<OpCase> = {}): OpCase[] =>
  list.map(([inputs, run, note = '']) => ({ op, title: describeInputs(inputs, note), inputs, run, ...more }))

export const pair = ({ values: v, indices }: { values: Tensor; indices: Tensor }): Tensor[] => [v, indices]
