// Formulas of activations.
import { S, type Scalar } from '../ir/scalar.ts'
import { abs, add, div, mul, neg, passing, square, sub } from './arithmetic.ts'
import { gt, logicalAnd, lt } from './comparison.ts'
import { exp, sigmoid, tanh } from './elementary.ts'
import { unary, type Unary } from './pointwise-record.ts'

/**
 * max(x, 0); NaN stays. As `torch.relu`.
 *
 * @example
 * relu(tensor([-1, 0, 2])) // → tensor([0., 0., 2.])
 */
export const relu: Unary = unary('relu', { dtype: 'number', value: x => S.max(x, 0), vjpOut: (g, y) => passing(gt(y, 0), g), sample: [0.2, 2] })
/**
 * min(max(x, 0), 6). As `torch.nn.functional.relu6`.
 *
 * @example
 * relu6(tensor([-1, 3, 9])) // → tensor([0., 3., 6.])
 */
export const relu6: Unary = unary('relu6', { dtype: 'number', value: x => S.min(S.max(x, 0), 6), vjp: (g, x) => passing(logicalAnd(gt(x, 0), lt(x, 6)), g), sample: [0.2, 2] })
/** log(1 + eˣ), without overflow. d = σ(x) dx. */
export const logOnePlusExp: Unary = unary('softplus', {
  dtype: 'float', value: x => S.add(S.max(x, 0), S.log1p(S.exp(S.neg(S.abs(x))))), vjp: (g, x) => mul(g, sigmoid(x)),
})
/**
 * log σ(x) = −softplus(−x). As `torch.nn.functional.logsigmoid`.
 *
 * @example
 * logSigmoid(tensor([-1, 0, 2])) // → tensor([-1.3133, -0.6931, -0.1269])
 */
export const logSigmoid: Unary = unary('logSigmoid', {
  dtype: 'float', value: x => S.sub(S.min(x, 0), S.log1p(S.exp(S.neg(S.abs(x))))), vjp: (g, x) => mul(g, sigmoid(neg(x))),
})
/**
 * x·σ(x). As `torch.nn.functional.silu`.
 *
 * @example
 * silu(tensor([-1, 0, 2])) // → tensor([-0.2689,  0.0000,  1.7616])
 */
export const silu: Unary = unary('silu', {
  dtype: 'float', value: x => S.mul(x, S.sigmoid(x)),
  vjp: (g, x) => {
    const s = sigmoid(x)
    return mul(g, mul(s, add(1, mul(x, sub(1, s)))))
  },
})
/**
 * x·tanh(softplus(x)) (Misra 2019). As `torch.nn.functional.mish`.
 *
 * @example
 * mish(tensor([-1, 0, 2])) // → tensor([-0.3034,  0.0000,  1.9440])
 */
export const mish: Unary = unary('mish', {
  dtype: 'float', value: x => S.mul(x, S.tanh(S.add(S.max(x, 0), S.log1p(S.exp(S.neg(S.abs(x))))))),
  vjp: (g, x) => {
    const t = tanh(logOnePlusExp(x))
    return mul(g, add(t, mul(x, mul(sigmoid(x), sub(1, square(t))))))
  },
})
/**
 * x/(1 + |x|). As `torch.nn.functional.softsign`.
 *
 * @example
 * softsign(tensor([-1, 0, 2])) // → tensor([-0.5000,  0.0000,  0.6667])
 */
export const softsign: Unary = unary('softsign', { dtype: 'float', value: x => S.div(x, S.add(1, S.abs(x))), vjp: (g, x) => div(g, square(add(1, abs(x)))) })
/** x·Φ(x), Φ the normal distribution (Hendrycks & Gimpel 2016). d = Φ(x) + x·φ(x). */
export const geluErf: Unary = unary('geluErf', {
  dtype: 'float', value: x => S.mul(S.mul(x, 0.5), S.add(1, S.erf(S.mul(x, Math.SQRT1_2)))),
  vjp: (g, x) => mul(g, geluErfSlope(x)),
})
const geluErfSlope: Unary = unary('geluErfSlope', {
  dtype: 'float',
  value: x => S.add(S.mul(0.5, S.add(1, S.erf(S.mul(x, Math.SQRT1_2)))), S.mul(x, S.mul(S.exp(S.mul(-0.5, S.mul(x, x))), 1 / Math.sqrt(2 * Math.PI)))),
  // φ(x)·(2 − x²)
  vjp: (g, x) => mul(g, mul(mul(exp(mul(square(x), -0.5)), 1 / Math.sqrt(2 * Math.PI)), sub(2, square(x)))),
})
const SQRT_2_OVER_PI = Math.sqrt(2 / Math.PI)
const bend = (x: Scalar): Scalar => S.tanh(S.mul(SQRT_2_OVER_PI, S.add(x, S.mul(0.044715, S.mul(x, S.mul(x, x))))))
/** The tanh approximation of GELU: ½x(1 + tanh(√(2/π)(x + 0.044715x³))). */
export const geluTanh: Unary = unary('geluTanh', {
  dtype: 'float', value: x => S.mul(S.mul(x, 0.5), S.add(1, bend(x))), vjp: (g, x) => mul(g, geluTanhSlope(x)),
})
const geluTanhSlope: Unary = unary('geluTanhSlope', {
  dtype: 'float',
  value: x => {
    const t = bend(x)
    const inner = S.mul(SQRT_2_OVER_PI, S.add(1, S.mul(3 * 0.044715, S.mul(x, x))))
    return S.add(S.mul(0.5, S.add(1, t)), S.mul(S.mul(x, 0.5), S.mul(S.sub(1, S.mul(t, t)), inner)))
  },
  // With u = √(2/π)(x + 0.044715x³) and t = tanh u: (1 − t²)(u′ + x(½u″ − t·u′²)).
  vjp: (g, x) => {
    const t = tanh(mul(add(x, mul(mul(x, square(x)), 0.044715)), SQRT_2_OVER_PI))
    const slope = mul(add(1, mul(square(x), 3 * 0.044715)), SQRT_2_OVER_PI)
    const inner = sub(mul(x, 3 * 0.044715 * SQRT_2_OVER_PI), mul(t, square(slope)))
    return mul(g, mul(sub(1, square(t)), add(slope, mul(x, inner))))
  },
})
