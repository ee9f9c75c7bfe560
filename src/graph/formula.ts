// A number that depends on a size n, told from what it is at three sizes: the formulas that shapes, counts and means are made of. Each has
// at most two unknowns, so one of the three always checks it, and it must give the very same double.

export type OfSize = (n: number) => number

/** What counts, means and variances have to do with n. */
const bases: readonly OfSize[] = [n => n, n => 1 / n, n => n / (n - 1), n => 1 / (n - 1), Math.sqrt, n => 1 / Math.sqrt(n), Math.log]

/** The formula that gives `values` at `sizes`, or null. */
export function formulaFor(sizes: readonly number[], values: readonly number[]): OfSize | null {
  const fits = (f: OfSize): boolean => sizes.every((n, i) => Object.is(f(n), values[i]))
  const candidates: OfSize[] = wholeFormulas(sizes, values)
  // A reciprocal of a count: 1 / (64·n).
  for (const below of wholeFormulas(sizes, values.map(v => Math.round(1 / v)))) candidates.push(n => 1 / below(n))
  // What makes a variance unbiased: N / (N − 1) of N = 64·n.
  for (const count of wholeFormulas(sizes, values.map(v => Math.round(v / (v - 1))))) candidates.push(n => count(n) / (count(n) - 1))
  for (const count of wholeFormulas(sizes, values.map(v => Math.round(1 / (1 - v))))) candidates.push(n => (count(n) - 1) / count(n))
  for (const base of bases) {
    const factor = values[0] / base(sizes[0])
    for (const c of new Set([factor, Math.round(factor), Math.fround(factor)])) candidates.push(n => c * base(n))
    const divisor = Math.round(1 / factor)
    candidates.push(n => base(n) / divisor)
    for (const c of new Set([values[0] * sizes[0], Math.round(values[0] * sizes[0])])) candidates.push(n => c / n)
  }
  return candidates.find(fits) ?? null
}

/** a·n + b and a·n² + b·n in whole numbers, through the first two points. */
function wholeFormulas([n0, n1]: readonly number[], [v0, v1]: readonly number[]): OfSize[] {
  const slope = (y0: number, y1: number): readonly [number, number] => {
    const a = (y1 - y0) / (n1 - n0)
    return [a, y0 - a * n0]
  }
  const [a, b] = slope(v0, v1)
  const [c, d] = slope(v0 / n0, v1 / n1)
  return [...([a, b].every(Number.isInteger) ? [(n: number) => a * n + b] : []), ...([c, d].every(Number.isInteger) ? [(n: number) => (c * n + d) * n] : [])]
}
