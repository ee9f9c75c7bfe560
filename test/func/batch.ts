// Batches of op cases, and what a loop over the examples makes of them.
import { manualSeed, select, stack } from '../../src/ops/index.ts'
import type { Tensor } from '../../src/ops/tensor.ts'
import type { OpCase } from '../ops/cases.ts'
import { inputsOf } from '../ops/inputs.ts'

export const SIZE = 2
export type Axes = readonly (number | null)[]

/** Where the examples lie in each input; null: it is the same for all. Some must lie without gaps. */
export function axesOf(c: OpCase, turn: number): Axes {
  const many = c.inputs.length > 1
  return c.inputs.map(({ shape }, i) => (many && (turn + i) % 3 === 2 ? null : (turn + i) % 2 === 0 || /^(asStrided|view)/.test(c.op) ? 0 : Math.min(1, shape.length)))
}

/** Inputs of a batch. */
export function batchOf(c: OpCase, axes: Axes): Tensor[] {
  const sets = Array.from({ length: SIZE }, (_, k) => inputsOf({ ...c, title: `${c.title} ${k}` }).map(x => x.detach()))
  return axes.map((axis, i) => (axis === null ? sets[0][i] : stack(sets.map(s => s[i]), axis)))
}

/** fn of each example by itself, one result after the other. */
export function looped(fn: (...x: Tensor[]) => readonly Tensor[], axes: Axes, xs: readonly Tensor[]): Tensor[] {
  const rows = Array.from({ length: SIZE }, (_, b) => {
    manualSeed(0)
    return fn(...xs.map((x, i) => (axes[i] === null ? x : select(x, axes[i], b).clone())))
  })
  return rows[0].map((_, i) => stack(rows.map(r => r[i])))
}
