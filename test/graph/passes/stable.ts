// Naive formulas and what they mean: values and slopes in float64, from formulas that lose nothing.
import * as lampas from '../../../src/index.ts'
import type { Tensor } from '../../../src/index.ts'

const { exp, log, log1p, sigmoid, softmax, sum, mean, sqrt, square } = lampas

const sig = (x: number): number => (x >= 0 ? 1 / (1 + Math.exp(-x)) : Math.exp(x) / (1 + Math.exp(x)))
const softplus = (x: number): number => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)))
const lse = (x: readonly number[]): number => {
  const m = Math.max(...x)
  return m + Math.log(x.reduce((n, v) => n + Math.exp(v - m), 0))
}
const soft = (x: readonly number[]): number[] => {
  const m = Math.max(...x)
  const total = x.reduce((n, v) => n + Math.exp(v - m), 0)
  return x.map(v => Math.exp(v - m) / total)
}

export interface Naive {
  readonly text: string
  readonly run: (x: Tensor) => Tensor
  /** One row of inputs after the other. */
  readonly x: readonly (readonly number[])[]
  readonly value: (row: readonly number[]) => readonly number[]
  /** The slope of the sum of the values of a row, each with its weight. */
  readonly slope: (row: readonly number[], weights: readonly number[]) => readonly number[]
}

const each = (text: string, x: readonly number[], run: (x: Tensor) => Tensor, value: (x: number) => number, slope: (x: number) => number): Naive => ({
  text, run, x: [x], value: row => row.map(value), slope: (row, w) => row.map((v, i) => w[i] * slope(v)),
})
const rows = (text: string, x: readonly (readonly number[])[], run: (x: Tensor) => Tensor, value: Naive['value'], slope: Naive['slope']): Naive => ({ text, run, x, value, slope })

const wide = [-1000, -200, -30, -3, -1e-3, 0, 0.5, 4, 20, 100, 1000]
const table = [[1000, 0, -1000], [1, 2, 3], [-500, -500.5, 200], [90, 89, 91]]

/** d Σ wᵢ log pᵢ and d Σ wᵢ pᵢ for p = softmax(x). */
const others = (list: readonly number[], i: number): number => list.reduce((n, v, k) => n + (k === i ? 0 : v), 0)
const logSlope: Naive['slope'] = (row, w) => soft(row).map((p, i) => w[i] * others(soft(row), i) - others(w, i) * p)
const softSlope: Naive['slope'] = (row, w) => soft(row).map((p, i) => p * soft(row).reduce((n, q, k) => n + q * (w[i] - w[k]), 0))
const logSoft = (row: readonly number[]): number[] => row.map((_, i) => -lse(row.map(v => v - row[i])))

const two = (x: Tensor): [Tensor, Tensor] => [x.at(':', 0), x.at(':', 1)]
const pairs = [[1000, 999], [-1000, 3], [0.5, -0.25], [88, 89.5], [-200, -201]]
const label = 1
const pick = (x: Tensor): Tensor => x.gather(1, lampas.full([x.shape[0], 1], label, { dtype: 'int32' }))
/** Of one value a row. */
const single = (slope: (row: readonly number[]) => readonly number[]): Naive['slope'] => (row, [w]) => slope(row).map(s => w * s)
const softs = single(soft)
const crossSlope = single(row => soft(row).map((p, i) => (i === label ? -others(soft(row), i) : p)))

export const naive: readonly Naive[] = [
  rows('log(softmax(x))', table, x => log(softmax(x, 1)), logSoft, logSlope),
  rows('log(exp(x) / sum(exp(x)))', table, x => log(exp(x).div(sum(exp(x), 1, true))), logSoft, logSlope),
  rows('exp(x) / sum(exp(x))', table, x => exp(x).div(sum(exp(x), 1, true)), soft, softSlope),
  rows('log(sum(exp(x)))', table, x => log(sum(exp(x), 1, true)), row => [lse(row)], softs),
  rows('log(mean(exp(x)))', table, x => log(mean(exp(x), 1, true)), row => [lse(row) - Math.log(row.length)], softs),
  rows('-log(softmax(x))[label]', table, x => pick(log(softmax(x, 1))).neg(), row => [-logSoft(row)[label]], crossSlope),
  rows('-log(softmax(x)[label])', table, x => log(pick(softmax(x, 1))).neg(), row => [-logSoft(row)[label]], crossSlope),
  rows('-log(softmax(x)[:, label])', table, x => log(softmax(x, 1).at(':', label)).neg().unsqueeze(1), row => [-logSoft(row)[label]], crossSlope),
  rows('-log(softmax(x)[:, label:label + 1])', table, x => log(softmax(x, 1).at(':', `${label}:${label + 1}`)).neg(), row => [-logSoft(row)[label]], crossSlope),
  rows('log(exp(a) + exp(b))', pairs, x => { const [a, b] = two(x); return log(exp(a).add(exp(b))).unsqueeze(1) }, lseRow, softs),
  rows('exp(a) / (exp(a) + exp(b))', pairs, x => { const [a, b] = two(x); return exp(a).div(exp(a).add(exp(b))).unsqueeze(1) }, ([a, b]) => [sig(a - b)], single(([a, b]) => [sig(a - b) * sig(b - a), -sig(a - b) * sig(b - a)])),
  each('log(1 + exp(x))', wide, x => log(exp(x).add(1)), softplus, sig),
  each('log(1 + exp(-x))', wide, x => log(exp(x.neg()).add(1)), x => softplus(-x), x => -sig(-x)),
  each('log1p(exp(x))', wide, x => log1p(exp(x)), softplus, sig),
  each('log(sigmoid(x))', wide, x => log(sigmoid(x)), x => -softplus(-x), x => sig(-x)),
  each('log(1 - sigmoid(x))', wide, x => log(sigmoid(x).neg().add(1)), x => -softplus(x), x => -sig(x)),
  each('log1p(-sigmoid(x))', wide, x => log1p(sigmoid(x).neg()), x => -softplus(x), x => -sig(x)),
  each('1 - sigmoid(x)', wide.filter(x => Math.abs(x) < 80), x => lampas.sub(1, sigmoid(x)), x => sig(-x), x => -sig(x) * sig(-x)),
  each('exp(x) / (1 + exp(x))', wide.filter(x => x > -80), x => exp(x).div(exp(x).add(1)), sig, x => sig(x) * sig(-x)),
  each('1 / (1 + exp(-x))', wide.filter(x => x > -80), x => lampas.div(1, exp(x.neg()).add(1)), sig, x => sig(x) * sig(-x)),
  each('reciprocal(1 + exp(-x))', wide.filter(x => x > -80), x => exp(x.neg()).add(1).reciprocal(), sig, x => sig(x) * sig(-x)),
  each('x / (1 + exp(-x))', wide.filter(x => x > -80), x => x.div(exp(x.neg()).add(1)), x => x * sig(x), x => sig(x) * (1 + x * sig(-x))),
  each('log(1 / (1 + exp(-x)))', wide, x => log(lampas.div(1, exp(x.neg()).add(1))), x => -softplus(-x), x => sig(-x)),
  each('-(t log σ(x) + (1 - t) log(1 - σ(x)))', wide, x => { const s = sigmoid(x); return log(s).mul(0.25).add(log(lampas.sub(1, s)).mul(0.75)).neg() }, x => 0.25 * softplus(-x) + 0.75 * softplus(x), x => (x < 0 ? sig(x) - 0.25 : 0.75 - sig(-x))),
  each('log(1 + x)', [1e-30, 1e-10, -1e-8, 3e-4, 0.5, 1e10], x => log(x.add(1)), Math.log1p, x => 1 / (1 + x)),
  each('log(1 - x)', [1e-30, 1e-10, -1e-8, 3e-4, 0.5, -1e10], x => log(lampas.sub(1, x)), x => Math.log1p(-x), x => -1 / (1 - x)),
  each('exp(x) - 1', [1e-30, -1e-10, 1e-5, -3e-4, 0.5, -100, 20], x => exp(x).sub(1), Math.expm1, Math.exp),
  each('1 - exp(x)', [1e-30, -1e-10, 1e-5, -3e-4, 0.5, -50, 20], x => lampas.sub(1, exp(x)), x => -Math.expm1(x), x => -Math.exp(x)),
  each('log(exp(x))', wide, x => log(exp(x)), x => x, () => 1),
  each('sqrt(x²)', [1e30, -1e25, -3, 0.1, 1e-30], x => sqrt(square(x)), Math.abs, Math.sign),
  each('x > 0 ? sqrt(x) : 0', [-2, 0, 1, 4, 1e30], x => lampas.where(x.gt(0), sqrt(x), 0), x => Math.sqrt(Math.max(x, 0)), x => (x > 0 ? 0.5 / Math.sqrt(x) : 0)),
  each('x > 0 ? x log(x) : 0', [-2, 0, 0.5, 3, 1e10], x => lampas.where(x.gt(0), x.mul(log(x)), 0), x => (x > 0 ? x * Math.log(x) : 0), x => (x > 0 ? Math.log(x) + 1 : 0)),
]

function lseRow(row: readonly number[]): number[] {
  return [lse(row)]
}
