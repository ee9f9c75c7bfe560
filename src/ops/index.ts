// The public ops. Importing this module gives Tensor its methods: each function below whose first parameter is a tensor is one.
import * as activation from './activation.ts'
import { attach, methodsIn } from './attach.ts'
import * as conv from './conv.ts'
import * as creation from './creation.ts'
import * as cumulate from './cumulate.ts'
import * as gather from './gather.ts'
import * as indexing from './indexing.ts'
import * as inplace from './inplace.ts'
import * as matmul from './matmul.ts'
import * as movement from './movement.ts'
import * as pointwise from './pointwise.ts'
import * as pool from './pool.ts'
import * as random from './random.ts'
import * as norms from './norm.ts'
import * as reduce from './reduce.ts'
import * as selecting from './selecting.ts'
import * as softmaxes from './softmax.ts'
import * as sort from './sort.ts'

export * from './activation.ts'
export * from './pool.ts'
export * from './indexing.ts'
export {
  argwhere, argwhereAsync, maskedSelect, maskedSelectAsync, nonzero, nonzeroAsync, oneHot, oneHotAsync, repeatInterleave, repeatInterleaveAsync,
  type RepeatInterleaveOptions,
} from './selecting.ts'
export { conv1d, conv2d, conv3d, convTranspose1d, convTranspose2d, convTranspose3d, type ConvOptions, type ConvTransposeOptions } from './conv.ts'
export {
  arange, empty, emptyLike, eye, full, fullLike, linspace, logspace, ones, onesLike, tensor, tril, triu, zeros, zerosLike,
  type CreationOptions, type TensorData, type TensorOptions,
} from './creation.ts'
export { embedding, gather, indexAdd, indexSelect, scatterAdd } from './gather.ts'
export { addmm, bmm, dot, linear, matmul, mm, mv, outer, tensordot } from './matmul.ts'
export {
  broadcastTensors, broadcastTo, cat, chunk, contiguous, diagonal, expand, flatten, flip, mT, movedim, pad, permute, repeat,
  reshape, roll, select, split, squeeze, stack, t, tile, transpose, unbind, unflatten, unfold, unsqueeze, view,
} from './movement.ts'
export {
  abs, acos, acosh, add, asin, asinh, atan, atan2, atanh, bitwiseAnd, bitwiseNot, bitwiseOr, bitwiseXor, ceil, clampMax, clampMin, clone, copysign, cos, cosh,
  deg2rad, div, eq, erf, erfinv, exp, exp2, expm1, floor, floorDivide, fmod, frac, ge, gt, hypot, isfinite, isinf, isnan, le, lerp, log, log10,
  log1p, log2, logSigmoid, logaddexp, logicalAnd, logicalNot, logicalOr, logicalXor, lt, maximum, minimum, mish, mul, ne, neg,
  pow, rad2deg, reciprocal, relu, relu6, remainder, round, rsqrt, sigmoid, sign, silu, sin, sinh, softsign, sqrt,
  square, sub, tan, tanh, trunc, where, xlogy,
  type DivOptions, type RoundOptions,
} from './pointwise.ts'
export type { AlphaOptions } from './operands.ts'
export { Generator, bernoulli, defaultGenerator, manualSeed, multinomial, normal, rand, randLike, randint, randn, randnLike, randperm, type RandomOptions } from './random.ts'
export {
  all, amax, amin, any, argmax, argmin, countNonzero, logsumexp, max, mean, min, prod, std, sum,
  var_ as var, type Dims, type ReduceOptions, type SumOptions, type ValuesIndices, type VarOptions,
} from './reduce.ts'
export { norm, type NormOptions } from './norm.ts'
export { logSoftmax, softmax, softmin } from './softmax.ts'
export { cumprod, cumsum, logcumsumexp, type CumulateOptions } from './cumulate.ts'
export { argsort, diff, median, sort, topk, type DiffOptions, type SortOptions, type TopkOptions } from './sort.ts'
export { Tensor, type NestedArray } from './tensor.ts'
export type { Operand } from './define.ts'
export type { BackwardOptions } from './world.ts'

const creations = ['fullLike', 'zerosLike', 'onesLike', 'emptyLike', 'tril', 'triu']
const draws = ['randLike', 'randnLike', 'bernoulli', 'multinomial', 'uniform_', 'normal_']
const pick = (table: object, names: readonly string[]): [string, unknown][] => Object.entries(table).filter(([n]) => names.includes(n))

const notMethods = new Set(['blend', 'cat', 'stack', 'broadcastTensors', 'clampBoth', 'geluErf', 'geluTanh', 'limit', 'logOdds', 'logOnePlusExp', 'spreadIndex', 'embedding', 'root', 'var_'])
const entries: [string, unknown][] = [
  ...[pointwise, matmul, conv, pool, activation].flatMap(table => Object.entries(table)).filter(([name]) => !creations.includes(name)),
  ...[movement, gather, indexing, selecting, reduce, norms, softmaxes, sort, cumulate].flatMap(methodsIn),
  ...pick(creation, creations), ...pick(random, draws), ...pick(inplace, ['copy_', 'fill_', 'fillDiagonal_', 'zero_']),
  ['var', reduce.var_],
]

attach([...entries.filter(([name]) => !notMethods.has(name)), ...inplace.inplaceForms(entries)])
