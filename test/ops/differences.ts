// Derivatives of an op case, first and second order, against central differences along random directions, in float64 on the reference.
import { expect } from 'vitest'
import type { ReferenceBackend } from '../../src/backend/reference/index.ts'
import { storageOf } from '../../src/eager/storage.ts'
import type { Tensor } from '../../src/ops/tensor.ts'
import type { OpCase } from './cases.ts'
import { cotangentsOf, derivatives, directionsOf, floats, recorded, type Derivatives } from './derivatives.ts'
import { direction, inputsOf, nameOf } from './inputs.ts'

const H = 1e-5
const TOLERANCE = 1e-6

/** The unrounded numbers of a tensor in row-major order. */
function exact(x: Tensor): Float64Array {
  const whole = x.detach().contiguous()
  const { backend, block } = storageOf('test', whole)
  return (backend as ReferenceBackend).readFloat64(block, whole.layout.offset * 4, whole.numel * 4)
}

/** x ← x + h·v, unrounded. The tensor must be fresh, so that it is the whole of its block. */
function shift(x: Tensor, v: Float64Array, h: number): void {
  const { backend, block } = storageOf('test', x)
  const moved = exact(x).map((value, i) => value + h * v[i])
  ;(backend as ReferenceBackend).writeFloat64(block, 0, moved)
}

const dot = (a: Float64Array, b: Float64Array): number => a.reduce((sum, value, i) => sum + value * b[i], 0)
const contract = (xs: readonly Tensor[], vs: readonly Tensor[]): number => xs.reduce((sum, x, i) => sum + dot(exact(x), exact(vs[i])), 0)

/** Σ outputs·cotangents, and Σ first derivatives·directions. */
function sums(c: OpCase, d: Derivatives): { value: number; slope: number } {
  const results = floats(d.outputs)
  const slopes = recorded(d.first)
  return { value: contract(results, d.variables.slice(d.variables.length - results.length)), slope: contract(slopes, directionsOf(c, slopes)) }
}

/** The same with variable k moved by h along v. */
function moved(c: OpCase, base: Derivatives, k: number, v: Float64Array, h: number): { value: number; slope: number } {
  const inputs = inputsOf(c)
  const cotangents = cotangentsOf(c, floats(base.outputs))
  shift([...recorded(inputs), ...cotangents][k], v, h)
  return sums(c, derivatives(c, inputs, cotangents))
}

/** The current device must be the reference. */
export function checkDifferences(c: OpCase): void {
  const base = derivatives(c)
  const size = Math.abs(sums(c, base).value) + Math.abs(sums(c, base).slope)
  base.variables.forEach((x, k) => {
    const v = exact(direction(`${nameOf(c)} step ${k}`, x))
    const [up, down] = [moved(c, base, k, v, H), moved(c, base, k, v, -H)]
    const compare = (what: string, g: Tensor | null, numeric: number): void => {
      const analytic = g ? dot(exact(g), v) : 0
      const error = Math.abs(analytic - numeric) / (1 + Math.abs(numeric) + size)
      expect(error, `${what} by variable ${k}: ${analytic}, by differences ${numeric}`).toBeLessThan(TOLERANCE)
    }
    if (k < base.first.length) compare('first derivative', base.first[k], (up.value - down.value) / (2 * H))
    compare('second derivative', base.second[k], (up.slope - down.slope) / (2 * H))
  })
}
