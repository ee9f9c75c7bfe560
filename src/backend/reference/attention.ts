// Attention by its definition: whole rows of weights, one after the other, in float64.
import { numel } from '../../core/shape.ts'
import { attentionOperands, type AttentionKernel } from '../../ir/kernel.ts'

type Values = ArrayLike<number>

function dot(x: Values, xAt: number, y: Values, yAt: number, n: number): number {
  let sum = 0
  for (let i = 0; i < n; i++) sum += x[xAt + i] * y[yAt + i]
  return sum
}
function addScaled(to: Float64Array, toAt: number, x: Values, xAt: number, n: number, factor: number): void {
  for (let i = 0; i < n; i++) to[toAt + i] += factor * x[xAt + i]
}

export function attend({ pass, scale, causal, inputs, outputs }: AttentionKernel, values: readonly Values[]): Float64Array[] {
  const views = attentionOperands(pass, inputs, outputs)
  const results = outputs.map(v => new Float64Array(numel(v.shape)))
  const { q, k, v, mask, out, lse, g, dq, dk, dv } = attentionOperands<Values>(pass, values, results)
  const rank = views.q.shape.length
  const items = numel(views.q.shape.slice(0, -2))
  const [rows, width] = views.q.shape.slice(rank - 2)
  const [columns, depth] = views.v.shape.slice(rank - 2)

  const scores = new Float64Array(columns)
  const score = (row: number, i: number, first: number): void => {
    for (let j = 0; j < columns; j++) {
      const s = scale * dot(q, row * width, k, (first + j) * width, width)
      const m = mask?.[row * columns + j] ?? 0
      const seen = !(causal && j > i) && !(mask && views.mask?.dtype === 'bool' && m === 0)
      scores[j] = !seen ? -Infinity : views.mask?.dtype === 'bool' ? s : s + m
    }
  }
  for (let row = 0; row < items * rows; row++) {
    const i = row % rows
    const first = ((row - i) / rows) * columns
    score(row, i, first)
    if (!g) {
      const top = scores.reduce((a, b) => Math.max(a, b), -Infinity)
      const total = scores.reduce((sum, s) => sum + Math.exp(s - top), 0)
      const log = top === -Infinity ? Infinity : top + Math.log(total)
      ;(lse as Float64Array)[row] = log
      scores.forEach((s, j) => addScaled(out as Float64Array, row * depth, v, (first + j) * depth, depth, Math.exp(s - log)))
      continue
    }
    const mean = dot(g, row * depth, out, row * depth, depth)
    scores.forEach((s, j) => {
      const at = first + j
      const p = Math.exp(s - lse[row])
      const ds = scale * p * (dot(g, row * depth, v, at * depth, depth) - mean)
      addScaled(dq as Float64Array, row * width, k, at * width, width, ds)
      addScaled(dk as Float64Array, at * width, q, row * width, width, ds)
      addScaled(dv as Float64Array, at * depth, g, row * depth, depth, p)
    })
  }
  return results
}
