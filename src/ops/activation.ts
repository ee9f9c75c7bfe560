// Functions with options over the pointwise records.
import { fail } from '../core/errors.ts'
import { normalizeDim } from '../core/shape.ts'
import { dtypes, isFloat, type DType } from '../core/dtype.ts'
import { cast } from './cast.ts'
import { define, describe, type Described, type Operand } from './define.ts'
import { clampBoth, clampMax, clampMin, div, expm1, geluErf, geluTanh, gt, limit, logOdds, logOnePlusExp, mul, where } from './pointwise.ts'
import type { Tensor } from './tensor.ts'

/**
 * The same values in another dtype. As `torch.Tensor.to`.
 *
 * @example
 * tensor([1.9, -1.9]).to('int32') // → tensor([ 1, -1])
 */
export const to: ((x: Tensor, dtype: DType) => Tensor) & Described = describe((x: Tensor, dtype: DType) => {
  if (!(dtype in dtypes)) fail('to', `'${String(dtype)}' is not a dtype`, `dtypes: ${Object.keys(dtypes).join(', ')}; models and tensors change device by toDevice`)
  return cast(x, dtype)
}, 'to', ['input', 'dtype'])

export interface ClampOptions {
  min?: Operand | null
  max?: Operand | null
}
/**
 * x limited to min … max; either may be absent. As `torch.clamp`.
 *
 * @example
 * clamp(tensor([-2, 0, 2]), -1, 1) // → tensor([-1.,  0.,  1.])
 */
export const clamp: ((x: Tensor, min?: Operand | null | ClampOptions, max?: Operand | null) => Tensor) & Described = define('clamp', ['input', 'min', 'max'], ({ input, min, max }: { input: Tensor } & ClampOptions) => {
  const [lo, hi] = [min ?? null, max ?? null]
  if (lo === null && hi === null) fail('clamp', 'neither min nor max is given', 'give at least one')
  return lo === null ? clampMax(input, hi!) : hi === null ? clampMin(input, lo) : clampBoth(input, lo, hi)
})

export interface GeluOptions {
  /** 'tanh': the approximation that GPT-2 uses. */
  approximate?: 'none' | 'tanh'
}
/**
 * Gaussian error linear unit x·Φ(x), exact or by tanh. As `torch.nn.functional.gelu`.
 *
 * @example
 * F.gelu(tensor([-2, 0, 2])) // → tensor([-0.0455,  0.0000,  1.9545])
 */
export const gelu: ((x: Tensor, options?: GeluOptions) => Tensor) & Described = define('gelu', ['input', '*', 'approximate'], ({ input, approximate = 'none' }: { input: Tensor } & GeluOptions) => {
  if (approximate !== 'none' && approximate !== 'tanh') fail('gelu', `there is no approximation '${String(approximate)}'`, "'none' or 'tanh'")
  return approximate === 'tanh' ? geluTanh(input) : geluErf(input)
})

/**
 * x where x > 0, else slope·x. As `torch.nn.functional.leaky_relu`.
 *
 * @example
 * F.leakyRelu(tensor([-2, 0, 2])) // → tensor([-0.0200,  0.0000,  2.0000])
 */
export const leakyRelu: ((x: Tensor, negativeSlope?: number) => Tensor) & Described = describe((x: Tensor, negativeSlope = 0.01) => where(gt(x, 0), x, mul(x, negativeSlope)), 'leakyRelu', ['input', 'negativeSlope'])
/**
 * x where x > 0, else α(eˣ − 1). As `torch.nn.functional.elu`.
 *
 * @example
 * F.elu(tensor([-2, 0, 2])) // → tensor([-0.8647,  0.0000,  2.0000])
 */
export const elu: ((x: Tensor, alpha?: number) => Tensor) & Described = describe((x: Tensor, alpha = 1) => where(gt(x, 0), x, mul(expm1(where(gt(x, 0), 0, x)), alpha)), 'elu', ['input', 'alpha'])
const SELU_SCALE = 1.0507009873554805
const SELU_ALPHA = 1.6732632423543772
/**
 * Self-normalising elu (Klambauer et al. 2017). As `torch.nn.functional.selu`.
 *
 * @example
 * F.selu(tensor([-2, 0, 2])) // → tensor([-1.5202,  0.0000,  2.1014])
 */
export const selu: ((x: Tensor) => Tensor) & Described = describe((x: Tensor) => mul(elu(x, SELU_ALPHA), SELU_SCALE), 'selu', ['input'])
/**
 * x·relu6(x + 3)/6 (Howard et al. 2019). As `torch.nn.functional.hardswish`.
 *
 * @example
 * F.hardswish(tensor([-2, 0, 2])) // → tensor([-0.3333,  0.0000,  1.6667])
 */
export const hardswish: ((x: Tensor) => Tensor) & Described = describe((x: Tensor) => mul(x, mul(clampBoth(x.add(3), 0, 6), 1 / 6)), 'hardswish', ['input'])
/**
 * relu6(x + 3)/6. As `torch.nn.functional.hardsigmoid`.
 *
 * @example
 * F.hardsigmoid(tensor([-2, 0, 2])) // → tensor([0.1667, 0.5000, 0.8333])
 */
export const hardsigmoid: ((x: Tensor) => Tensor) & Described = describe((x: Tensor) => mul(hardtanh(x.add(3), 0, 6), 1 / 6), 'hardsigmoid', ['input'])
/**
 * x limited to minVal … maxVal, with slope 0 on the limits too. As `torch.nn.functional.hardtanh`.
 *
 * @example
 * F.hardtanh(tensor([-2, 0, 2])) // → tensor([-1.,  0.,  1.])
 */
export const hardtanh: ((x: Tensor, minVal?: number, maxVal?: number) => Tensor) & Described = describe((x: Tensor, minVal = -1, maxVal = 1) => limit(x, minVal, maxVal), 'hardtanh', ['input', 'minVal', 'maxVal'])
/**
 * First half times the sigmoid of the second half of a dimension. As `torch.nn.functional.glu`.
 *
 * @example
 * F.glu(tensor([1, 2, 0, 1])) // → tensor([0.5000, 1.4621])
 */
export const glu: ((x: Tensor, dim?: number) => Tensor) & Described = describe((x: Tensor, dim = -1) => {
  const size = x.shape[normalizeDim('glu', dim, x.ndim)]
  if (size % 2) fail('glu', `dimension ${dim} of ${x} has the odd size ${size}`, 'it is cut in halves')
  const [a, b] = x.chunk(2, dim)
  return mul(a, b.sigmoid())
}, 'glu', ['input', 'dim'])
/**
 * log(1 + e^(β·x))/β, without overflow, and x itself where β·x > threshold. d = σ(β·x) dx. As `torch.nn.functional.softplus`.
 *
 * @example
 * F.softplus(tensor([-2, 0, 2])) // → tensor([0.1269, 0.6931, 2.1269])
 */
export const softplus: ((x: Tensor, beta?: number, threshold?: number) => Tensor) & Described = describe((x: Tensor, beta = 1, threshold = 20) => {
  // Up to 20 both terms differ from x; beyond, the sum is x in float32 by itself.
  if (beta === 1 && threshold === 20) return logOnePlusExp(x)
  const scaled = mul(x, beta)
  return where(gt(scaled, threshold), x, div(logOnePlusExp(scaled), beta))
}, 'softplus', ['input', 'beta', 'threshold'])
/**
 * log(p/(1 − p)), with p brought to eps … 1 − eps first if eps is given. As `torch.logit`.
 *
 * @example
 * logit(tensor([0.1, 0.5, 0.9])) // → tensor([-2.1972,  0.0000,  2.1972])
 */
export const logit: ((x: Tensor, eps?: number | null) => Tensor) & Described = describe((x: Tensor, eps: number | null = null) => logOdds(eps === null ? x : clampBoth(x, eps, 1 - eps)), 'logit', ['input', 'eps'])

const largest: { readonly [T in DType | 'float16' | 'bfloat16' | 'float64']?: number } = {
  float16: 65504, bfloat16: 3.3895313892515355e38, float32: 3.4028234663852886e38, float64: Number.MAX_VALUE,
}
/**
 * NaN and infinities replaced by numbers: 0 and the largest of the dtype if not given. As `torch.nan_to_num`.
 *
 * @example
 * nanToNum(tensor([NaN, Infinity, 2]), 0, 9) // → tensor([0., 9., 2.])
 */
export const nanToNum: ((x: Tensor, nan?: number | null, posinf?: number | null, neginf?: number | null) => Tensor) & Described = describe((x: Tensor, nan: number | null = null, posinf: number | null = null, neginf: number | null = null) => {
  if (!isFloat(x.dtype)) return x.clone()
  const most = largest[x.dtype]!
  const known = where(x.isnan(), nan ?? 0, x)
  return where(known.eq(Infinity), posinf ?? most, where(known.eq(-Infinity), neginf ?? -most, known))
}, 'nanToNum', ['input', 'nan', 'posinf', 'neginf'])
