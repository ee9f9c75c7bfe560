// Lays a dense factorisation out for assembly/factor.ts, where the payload is described.
import { dtypes } from '../../core/dtype.ts'
import { internal } from '../../core/errors.ts'
import { numel } from '../../core/shape.ts'
import { collapse } from '../../core/view.ts'
import { factorRanks, type FactorKernel, type FactorOp } from '../../ir/kernel.ts'
import { align, type Writer } from './encode.ts'
import { tasksFor } from './work.ts'

const factorCodes: { readonly [K in FactorOp]: number } = {
  cholesky: 0, lu: 1, permutation: 2, qr: 3, householder: 4, eigh: 5, svd: 6, lowerSolve: 7, upperSolve: 8, unitLowerSolve: 9, unitUpperSolve: 10,
}
const FLOAT64 = 8

/** Operations for each element of the largest operand and each column; eigenvalues and singular values take more. */
const cost = (op: FactorOp, size: number, columns: number): number => size * (op === 'eigh' || op === 'svd' ? 60 : 4) * columns + size * 10

export function encodeFactor({ op, strict, inputs, outputs }: FactorKernel, w: Writer): void {
  const ranks = [...factorRanks[op].inputs, ...factorRanks[op].outputs]
  const views = [...inputs, ...outputs]
  const batchAxes = inputs[0].shape.length - ranks[0]
  const { shape, strides } = collapse(inputs[0].shape.slice(0, batchAxes), views.map(v => v.strides.slice(0, batchAxes)))
  const items = numel(shape)
  const sizes = views.map((v, i): [rows: number, columns: number] => [ranks[i] > 0 ? v.shape[batchAxes] : 1, ranks[i] > 1 ? v.shape[batchAxes + 1] : 1])
  const largest = Math.max(...sizes.map(([rows, columns]) => rows * columns))
  const columns = Math.max(...sizes.map(s => s[1]))
  const tasks = tasksFor(items * cost(op, largest, columns), Math.max(items, 1))
  w.i32(tasks)
  w.i32(factorCodes[op])
  w.i32(items)
  w.i32(shape.length)
  w.i32(inputs.length)
  w.i32(views.length)
  w.i32(Number(strict !== null))
  views.forEach((v, i) => {
    const bytes = dtypes[v.dtype].bytes
    if (bytes !== 4 && bytes !== FLOAT64) internal(`a factorisation of ${v.dtype}`)
    const [rows, across] = sizes[i]
    w.i32(v.dtype === 'int32' ? 0 : bytes)
    w.i32(rows)
    w.i32(across)
    w.i32(ranks[i] > 0 ? v.strides[batchAxes] * bytes : 0)
    w.i32(ranks[i] > 1 ? v.strides[batchAxes + 1] * bytes : 0)
  })
  w.list(shape)
  strides.forEach((s, i) => w.list(s.map(x => x * dtypes[views[i].dtype].bytes)))
  // Every operand as float64, their addresses, and room to work in.
  const [m, n] = sizes[0]
  const work = op === 'svd' || op === 'eigh' ? m * n + n * n + 5 * n : columns
  w.scratch([...sizes.map(([rows, across]) => rows * across), work].reduce((sum, length) => sum + align(length * FLOAT64, 64), 0) + 64, tasks)
}
