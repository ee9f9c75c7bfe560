// The functions whose accuracy is measured, over which operands, and the worst error in ulp that is allowed.
import * as ops from '../../src/ops/index.ts'
import * as extended from '../../src/ops/extended.ts'
import * as special from '../../src/ops/special.ts'
import type { Tensor } from '../../src/ops/tensor.ts'
import type { Range, Subject } from './measure.ts'

const MAX = 3.4028234663852886e38
const all: Range = [-MAX, MAX]
const positive: Range = [0, MAX]

type Fn = (...x: Tensor[]) => Tensor
const of = (name: string, fn: unknown, ranges: readonly Range[], wasm: number, webgpu: number, scale?: number): Subject => ({ name, run: fn as Fn, ranges, wasm, webgpu, scale })

export const subjects: readonly Subject[] = [
  of('sqrt', ops.sqrt, [positive], 0.5, 2.5),
  of('rsqrt', ops.rsqrt, [positive], 2, 4),
  of('reciprocal', ops.reciprocal, [all], 0.5, 2.5),
  of('div', ops.div, [all, all], 0.5, 2.5),
  of('exp', ops.exp, [[-110, 90]], 2.5, 4),
  of('exp2', ops.exp2, [[-160, 130]], 2.5, 4),
  of('expm1', ops.expm1, [[-30, 90]], 2.5, 4),
  of('log', ops.log, [positive], 2.5, 4),
  of('log2', ops.log2, [positive], 2.5, 4),
  of('log10', ops.log10, [positive], 2.5, 4),
  of('log1p', ops.log1p, [[-1, MAX]], 2.5, 4),
  of('sin', ops.sin, [all], 2.5, 4),
  of('cos', ops.cos, [all], 2.5, 4),
  of('tan', ops.tan, [all], 4, 6),
  of('sin, below 100', ops.sin, [[-100, 100]], 2.5, 4),
  of('cos, below 100', ops.cos, [[-100, 100]], 2.5, 4),
  of('asin', ops.asin, [[-1, 1]], 2.5, 4),
  of('acos', ops.acos, [[-1, 1]], 2.5, 4),
  of('atan', ops.atan, [all], 2.5, 4),
  of('sinh', ops.sinh, [[-90, 90]], 2.5, 4),
  of('cosh', ops.cosh, [[-90, 90]], 2.5, 4),
  of('tanh', ops.tanh, [[-30, 30]], 2.5, 4),
  of('asinh', ops.asinh, [all], 2.5, 4),
  of('acosh', ops.acosh, [[1, MAX]], 2.5, 4),
  of('atanh', ops.atanh, [[-1, 1]], 2.5, 4),
  of('sigmoid', ops.sigmoid, [[-110, 110]], 2.5, 4),
  of('erf', ops.erf, [[-6, 6]], 2.5, 4),
  of('pow', ops.pow, [positive, [-40, 40]], 2.5, 4),
  of('pow, near 1', ops.pow, [[0.5, 2], [-150, 150]], 2.5, 4),
  of('atan2', ops.atan2, [all, all], 2.5, 4),
  of('hypot', ops.hypot, [all, all], 2.5, 4),
  of('logaddexp', ops.logaddexp, [[-100, 100], [-100, 100]], 2.5, 4, 1),
  of('softplus', ops.softplus, [[-100, 100]], 2.5, 4),
  of('logSigmoid', ops.logSigmoid, [[-100, 100]], 2.5, 4),
  of('silu', ops.silu, [[-80, 80]], 4, 6),
  of('gelu', ops.gelu, [[-3, 10]], 6, 8, 1),
  of('remainder', ops.remainder, [[-1e6, 1e6], [0.5, 100]], 0.5, 0.5),
  of('fmod', ops.fmod, [[-1e6, 1e6], [0.5, 100]], 0.5, 0.5),
  of('erfc', extended.erfc, [[-6, 9]], 6, 8),
  of('erfcx', special.erfcx, [[-9, 1e10]], 6, 8),
  of('erfinv', ops.erfinv, [[-1, 1]], 8, 10),
  of('ndtr', special.ndtr, [[-12, 6]], 8, 10),
  of('ndtri', special.ndtri, [[0, 1]], 8, 10),
  of('logNdtr', special.logNdtr, [[-100, 10]], 8, 10),
  of('lgamma', extended.lgamma, [[0, 1e30]], 6, 8),
  of('lgamma, below 0', extended.lgamma, [[-30, 0]], 16, 24, 1),
  of('digamma', extended.digamma, [[0, 1e30]], 6, 8, 1),
  of('i0', extended.i0, [[-90, 90]], 8, 12),
  of('i0e', special.i0e, [all], 6, 8),
  of('i1', special.i1, [[-90, 90]], 8, 12),
  of('i1e', special.i1e, [all], 6, 8),
  of('besselJ0', special.besselJ0, [[-1000, 1000]], 8, 12, 1),
  of('besselJ1', special.besselJ1, [[-1000, 1000]], 8, 12, 1),
  of('scaledModifiedBesselK0', special.scaledModifiedBesselK0, [positive], 12, 16),
  of('scaledModifiedBesselK1', special.scaledModifiedBesselK1, [positive], 6, 8),
  of('igamma', extended.igamma, [[0.01, 200], [0.01, 300]], 12, 16, 1),
  of('igammac', extended.igammac, [[0.01, 200], [0.01, 300]], 12, 16, 1),
  of('zeta', special.zeta, [[1.1, 20], [0.1, 100]], 24, 32, 1e-30),
]
