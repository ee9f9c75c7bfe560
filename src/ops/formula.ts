// What formulas of special functions are made of: constants of the operand's type, polynomials and Chebyshev series.
import { isFloat } from '../core/dtype.ts'
import { S, type Scalar } from '../ir/scalar.ts'

/** A number in the type of x. */
export const like = (x: Scalar, value: number): Scalar => S.constant(value, x.dtype)

/** Whether x is computed as a float, not as an integer or bool. */
export const isReal = (x: Scalar): boolean => isFloat(x.dtype)

/** Whether x has the 53 bits of float64. */
export const isWide = (x: Scalar): boolean => x.dtype === 'float64'

/** Horner's scheme, highest power first. */
export const polynomial = (x: Scalar, coefficients: readonly number[]): Scalar =>
  coefficients.slice(1).reduce<Scalar>((p, c) => S.add(S.mul(p, x), c), like(x, coefficients[0]))

/**
 * Σ cₖ·Tₖ(t) for −1 ≤ t ≤ 1, as a polynomial of as many terms as the type of t can tell. The coefficients fall geometrically in all tables of
 * this folder, so powers of t serve as well as Chebyshev polynomials and cost half.
 */
export function chebyshev(t: Scalar, c: readonly number[]): Scalar {
  const least = Math.max(...c.map(Math.abs)) * (isWide(t) ? 2 ** -56 : 2 ** -32)
  const terms = c.slice(0, c.findLastIndex(x => Math.abs(x) > least) + 1)
  let [before, now] = [[1], [0, 1]]
  const powers = new Array<number>(terms.length).fill(0)
  terms.forEach((x, k) => {
    if (k >= 2) [before, now] = [now, [0, ...now].map((v, i) => 2 * v - (before[i] ?? 0))]
    ;(k === 0 ? before : now).forEach((v, i) => (powers[i] += x * v))
  })
  return polynomial(t, powers.reverse())
}

/** x with `change` where `condition` holds. */
export const when = (condition: Scalar, change: Scalar | number, x: Scalar): Scalar => S.select(condition, typeof change === 'number' ? like(x, change) : change, x)
