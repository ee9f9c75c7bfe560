// Comparison of tensors, and the loop that vmap stands for.
import { expect } from 'vitest'
import { select, stack } from '../../src/ops/index.ts'
import type { Tensor } from '../../src/ops/tensor.ts'

export async function near(got: Tensor, want: Tensor, tolerance = 1e-5): Promise<void> {
  expect(String(got)).toBe(String(want))
  const [a, b] = [await got.data(), await want.data()]
  const slack = tolerance * Math.max(1, ...Array.from(b, Math.abs))
  expect(Array.from(a, (v, i) => [v, b[i]]).filter(([v, w]) => !(Math.abs(v - w) <= slack))).toEqual([])
}

/** fn of each entry along the first axis. */
export const each = (fn: (x: Tensor) => Tensor, x: Tensor): Tensor => stack(Array.from({ length: x.shape[0] }, (_, i) => fn(select(x, 0, i))))
