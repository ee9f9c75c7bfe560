// The functions that JavaScript's Math lacks or defines otherwise than C and PyTorch, in float64.

/**
 * Gauss error function, |error| below 1e-15. Near zero the series with positive terms only, erf x = 2/√π · e^(−x²) · Σ 2ⁿ x^(2n+1) / (1·3·…·(2n+1));
 * from 2 on Laplace's continued fraction of erfc (Abramowitz & Stegun 7.1.6 and 7.1.14).
 */
export function erf(x: number): number {
  const a = Math.abs(x)
  if (Number.isNaN(x) || a === 0) return x
  if (a >= 6) return Math.sign(x)
  if (a >= 2) {
    let f = a
    for (let k = 120; k >= 1; k--) f = a + k / 2 / f
    return Math.sign(x) * (1 - Math.exp(-a * a) / (f * Math.sqrt(Math.PI)))
  }
  let term = x
  let sum = x
  for (let n = 1; Math.abs(term) > Math.abs(sum) * 1e-17; n++) {
    term *= (2 * x * x) / (2 * n + 1)
    sum += term
  }
  return (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x) * sum
}

export function sigmoid(x: number): number {
  const e = Math.exp(-Math.abs(x))
  return x < 0 ? e / (1 + e) : 1 / (1 + e)
}

/** C's pow: 1 to any power is 1, and so is −1 to ±∞, where JavaScript says NaN. */
export const pow = (x: number, y: number): number => (x === 1 || (x === -1 && Math.abs(y) === Infinity) ? 1 : x ** y)

/** The remainder with the sign of the divisor: Python's %. */
export function floorMod(a: number, b: number): number {
  const r = a % b
  return r !== 0 && r < 0 !== b < 0 ? r + b : r
}

/** Python's //, by the remainder, so that a quotient that was rounded up never crosses a whole number. */
export function floorDiv(a: number, b: number): number {
  if (b === 0) return a / b
  const r = a % b
  const q = (a - r) / b - Number(r !== 0 && r < 0 !== b < 0)
  // A zero has the sign of the quotient.
  return q === 0 ? a / b / Infinity : Math.round(q)
}

/** Both output words of Threefry-2x32 with 20 rounds: Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3" (2011). */
export function threefry(k0: number, k1: number, c0: number, c1: number): [number, number] {
  const keys = [k0, k1, k0 ^ k1 ^ 0x1bd11bda]
  const rotations = [13, 15, 26, 6, 17, 29, 16, 24]
  let x = (c0 + k0) | 0
  let y = (c1 + k1) | 0
  for (let round = 0; round < 20; round++) {
    const r = rotations[round % 8]
    x = (x + y) | 0
    y = ((y << r) | (y >>> (32 - r))) ^ x
    if (round % 4 === 3) {
      const group = (round + 1) / 4
      x = (x + keys[group % 3]) | 0
      y = (y + keys[(group + 1) % 3] + group) | 0
    }
  }
  return [x, y]
}
