// Op cases of elementwise functions with options, made of others, or with names that their records do not have.
import * as ops from '../../src/ops/index.ts'
import * as extended from '../../src/ops/extended.ts'
import * as special from '../../src/ops/special.ts'
import * as nn from '../../src/nn/functional/activation.ts'
import type { Tensor } from '../../src/ops/tensor.ts'
import { f, i, rows, values, type OpCase } from './case.ts'

const x34 = [f([3, 4])]
const two = [f([3, 4]), f([4], 0.5, 2)]
const ints = [i([2, 5], -20, 20), i([5], 1, 9)]
const odd = values('float32', [8], [NaN, Infinity, -Infinity, 0, -0, 1.5, -2, 1e-30])

/** As JavaScript may call it. */
const byName = (fn: unknown) => fn as (x: Tensor, options: object) => Tensor

const options: OpCase[] = [
  ...(['add', 'sub'] as const).flatMap(op => rows(op, [[two, (x, y) => ops[op](x, y, { alpha: -1.5 }), 'alpha'], [ints, (x, y) => ops[op](x, y, { alpha: 3 }), 'alpha'], [x34, x => ops[op](x, 2, { alpha: 0.5 }), 'a number, alpha']])),
  ...(['floor', 'trunc'] as const).flatMap(roundingMode => rows('div', [[two, (x, y) => ops.div(x, y, { roundingMode }), roundingMode], [ints, (x, y) => ops.div(x, y, { roundingMode }), roundingMode]])),
  ...rows('round', [[[f([3, 4], -900, 900)], x => ops.round(x, { decimals: 2 }), '2 decimals'], [[f([3, 4], -900, 900)], x => ops.round(x, { decimals: -2 }), 'hundreds']]),
  ...rows('softplus', [[x34, x => ops.softplus(x)], [x34, x => ops.softplus(x, 3, 0.5), 'beta, threshold'], [[f([6], -40, 40)], x => ops.softplus(x), 'far']]),
  ...rows('logit', [[[f([3, 4], 0.1, 0.9)], x => ops.logit(x)], [[f([3, 4], 0, 1)], x => ops.logit(x, 0.2), 'eps']]),
  ...rows('clampMin', [[x34, x => ops.clampMin(x, 0.3)], [two, (x, y) => ops.clampMin(x, y), 'a tensor']]),
  ...rows('clampMax', [[x34, x => ops.clampMax(x, 0.3)], [two, (x, y) => ops.clampMax(x, y), 'a tensor']]),
  // Operands by PyTorch's names.
  ...rows('sub', [[two, (x, y) => byName(ops.sub)(x, { other: y, alpha: 2 }), 'by name']]),
  ...rows('div', [[two, (x, y) => byName(ops.div)(x, { other: y, roundingMode: null }), 'by name']]),
  ...rows('pow', [[[f([3, 4], 0.5, 2)], x => byName(ops.pow)(x, { exponent: 3 }), 'by name']]),
  ...rows('lerp', [[two, (x, y) => byName(ops.lerp)(x, { end: y, weight: 0.25 }), 'by name']]),
  ...rows('nanToNum', [[ints, x => ops.nanToNum(x), 'ints']]),
]

const rarer: OpCase[] = [
  ...rows('angle', [[x34, x => extended.angle(x)]]),
  ...rows('frexp', [[[f([3, 4], -100, 100)], x => [extended.frexp(x).mantissa, extended.frexp(x).exponent]]]),
  ...rows('frexp', [[[odd], x => [extended.frexp(x).mantissa, extended.frexp(x).exponent], 'edges']], { kink: true }),
  ...(['signbit', 'isneginf', 'isposinf', 'isreal', 'sgn'] as const).flatMap(op => rows(op, [[[odd], x => extended[op](x), 'edges']], { kink: true })),
  ...rows('ldexp', [[[f([3, 4]), i([4], -9, 9)], (x, y) => extended.ldexp(x, y)]]),
  ...rows('rsub', [[two, (x, y) => extended.rsub(x, y, { alpha: 2 }), 'alpha'], [x34, x => extended.rsub(x, 3), 'a number']]),
  ...rows('trueDivide', [[two, (x, y) => extended.trueDivide(x, y)]]),
  ...(['fmax', 'fmin'] as const).flatMap(op => rows(op, [[[odd, values('float32', [8], [1, NaN, 2, NaN, 3, 4, 5, 6])], (x, y) => extended[op](x, y), 'NaN']], { kink: true })),
  ...rows('nextafter', [[[odd, values('float32', [8], [1, 0, 0, -1, 1, -Infinity, Infinity, 0])], (x, y) => extended.nextafter(x, y), 'edges']], { kink: true }),
  ...(['addcmul', 'addcdiv'] as const).flatMap(op => rows(op, [[[f([3, 4]), f([3, 1]), f([4], 0.5, 2)], (x, y, z) => extended[op](x, y, z)], [[f([3, 4]), f([3, 1]), f([4], 0.5, 2)], (x, y, z) => extended[op](x, y, z, { value: -2.5 }), 'value']])),
  ...rows('gcd', [[[i([40], -3000, 3000), i([40], -3000, 3000)], (x, y) => extended.gcd(x, y)], [[values('int32', [2], [1836311903, 0]), values('int32', [2], [1134903170, 0])], (x, y) => extended.gcd(x, y), 'Fibonacci']]),
  ...rows('lcm', [[[i([40], -300, 300), i([40], 0, 300)], (x, y) => extended.lcm(x, y)]]),
  ...(['bitwiseLeftShift', 'bitwiseRightShift'] as const).flatMap(op => rows(op, [[[i([40], -3000, 3000), i([40], -2, 35)], (x, y) => extended[op](x, y)]])),
  ...rows('isclose', [[[odd, odd], (x, y) => extended.isclose(x, y, { equalNan: true }), 'NaN'], [two, (x, y) => extended.isclose(x, y, 0.5, 0.1)], [ints, (x, y) => extended.isclose(x, y, 0.5)]], { kink: true }),
  ...rows('allclose', [[two, (x, y) => ops.full([], Number(extended.allclose(x, y)))]], { reads: true }),
  ...rows('equal', [[x34, x => ops.full([], Number(extended.equal(x, x)))], [[f([3, 4]), f([3, 4])], (x, y) => ops.full([], Number(extended.equal(x, y)))]], { reads: true }),
  ...rows('positive', [[x34, x => extended.positive(x)]]),
]

const specials: OpCase[] = [
  ...([1, 2, 3] as const).flatMap(n => rows('polygamma', [[[f([3, 4], 0.6, 6)], x => extended.polygamma(n, x), `order ${n}`], [[f([3, 4], -2.9, -2.1)], x => extended.polygamma(n, x), `order ${n}, below 0`]])),
  ...rows('mvlgamma', [[[f([3, 4], 2, 9)], x => extended.mvlgamma(x, 3)]]),
  ...rows('lgamma', [[[f([12], -3.9, -3.1)], x => extended.lgamma(x), 'below 0'], [[f([12], 4, 60)], x => extended.lgamma(x), 'large'], [[f([12], 0.05, 0.3)], x => extended.lgamma(x), 'small']]),
  ...rows('digamma', [[[f([12], -2.7, -2.3)], x => extended.digamma(x), 'below 0'], [[f([12], 4, 60)], x => extended.digamma(x), 'large']]),
  ...rows('erfc', [[[f([12], 1, 6)], x => extended.erfc(x), 'small results']]),
  ...rows('logNdtr', [[[f([12], -30, -1)], x => special.logNdtr(x), 'far below']]),
  ...rows('ndtri', [[[f([12], 0.02, 0.08)], x => special.ndtri(x), 'near 0']]),
  ...(['i0', 'i0e', 'i1', 'i1e', 'besselJ0', 'besselJ1'] as const).flatMap(op => rows(op, [[[f([12], 8.5, 20)], x => special[op](x), 'beyond 8'], [[f([12], -20, -0.5)], x => special[op](x), 'below 0']])),
  ...(['igamma', 'igammac'] as const).flatMap(op => rows(op, [
    [[i([8], 1, 12), f([8], 0.1, 20)], (a, x) => extended[op](a, x)],
    [[i([8], 15, 40), f([8], 15, 40)], (a, x) => extended[op](a, x), 'large'],
    [[i([8], 60, 90), f([8], 20, 200)], (a, x) => extended[op](a, x), 'far apart'],
  ])),
]

const activations: OpCase[] = [
  ...(['hardshrink', 'softshrink'] as const).flatMap(op => rows(op, [[x34, x => nn[op](x)], [x34, x => nn[op](x, 0.2)]])),
  ...rows('tanhshrink', [[x34, x => nn.tanhshrink(x)]]),
  ...rows('threshold', [[x34, x => nn.threshold(x, 0.3, -7)]]),
  ...rows('celu', [[x34, x => nn.celu(x)], [x34, x => nn.celu(x, 0.5)]]),
  ...rows('prelu', [[[f([2, 3, 4]), f([3], 0.1, 0.5)], (x, w) => nn.prelu(x, w)], [[f([3, 4]), f([1], 0.1, 0.5)], (x, w) => nn.prelu(x, w)]]),
  ...rows('rrelu', [[x34, x => nn.rrelu(x, 0.1, 0.3)], [x34, x => nn.rrelu(x, { training: true }), 'training']]),
]

export const elementwiseCases: readonly OpCase[] = [...options, ...rarer, ...specials, ...activations]
