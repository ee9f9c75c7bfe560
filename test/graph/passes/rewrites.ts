// For every rewrite a program on which it fires, and one that looks alike on which it must not.
import { arange, cat, cosh, exp, flip, full, log, logSoftmax, logicalAnd, logicalNot, lt, eq, maximum, oneHot, ones, pow, reciprocal, relu, scatterAdd, sigmoid, softmax, sqrt, square, sub, tensor, where, zeros, zerosLike, div, log1p, type Tensor } from '../../../src/index.ts'
import * as S from '../../../src/symbolic/index.ts'

export interface Inputs {
  /** float32 [3, 4], of both signs. */
  readonly x: Tensor
  /** float32 [3, 4], positive. */
  readonly p: Tensor
  /** int32 [3, 4], 0 … 2. */
  readonly n: Tensor
  /** bool [3, 4]. */
  readonly b: Tensor
}

export interface Row {
  readonly fires: (v: Inputs) => Tensor
  readonly not: (v: Inputs) => Tensor
}

const sum2 = ([a, b]: readonly Tensor[]): Tensor => a.add(b)
const twice = (x: Tensor): Tensor => x.add(x.sin())

export const rows: Readonly<Record<string, Row>> = {
  merge: { fires: ({ x }) => x.sin().mul(x.sin()), not: ({ x }) => x.sin().mul(x.cos()) },
  'constant-folding': { fires: ({ x }) => x.mul(arange(4).sin()), not: ({ x }) => x.mul(x.at(0).sin()) },

  'shape-only': { fires: ({ x }) => zerosLike(x.exp()), not: ({ x }) => x.exp().mul(0).add(x) },
  'useless-copy': { fires: ({ x }) => x.clone().mul(2), not: ({ x }) => x.mul(2) },
  'cast-of-cast': { fires: ({ b }) => b.to('int32').to('float32'), not: ({ x }) => x.to('int32').to('float32') },
  'literal-operand': { fires: ({ x }) => x.mul(full([3, 4], 3)), not: ({ x }) => x.at(0).mul(full([3, 4], 3)) },
  'known-numbers': { fires: ({ x }) => x.mul(full([], 2).add(full([], 3))), not: ({ x }) => x.mul(2).add(3) },
  'add-zero': { fires: ({ x }) => x.add(0), not: ({ n }) => n.add(0.5) },
  'mul-one': { fires: ({ x }) => x.mul(ones(3, 4)), not: ({ n }) => n.div(1) },
  'mul-minus-one': { fires: ({ x }) => x.mul(-1), not: ({ x }) => x.mul(-1.5) },
  'divide-by-one': { fires: ({ n }) => n.floorDivide(1).add(n.remainder(1)), not: ({ x }) => x.floorDivide(1) },
  'zero-times': { fires: ({ n }) => n.mul(0), not: ({ x }) => x.div(0).mul(0) },
  'minus-itself': { fires: ({ n }) => n.sub(n), not: ({ x }) => { const y = x.div(0); return y.sub(y) } },
  'collect-terms': { fires: ({ n }) => n.add(n.mul(3)).sub(n), not: ({ x, p }) => x.add(p).sub(x) },
  'collect-terms-of-floats': { fires: ({ x, p }) => x.add(p).sub(x.mul(0.5)).sub(p), not: ({ x, p, n }) => x.add(p).sub(n) },
  'collect-factors': { fires: ({ n }) => n.mul(2).neg().mul(n).mul(-3), not: ({ x, p }) => x.mul(p).mul(3).mul(5) },
  'collect-factors-of-floats': { fires: ({ x, p }) => x.mul(p).div(p), not: ({ x, p }) => x.mul(3).div(p) },
  'neg-neg': { fires: ({ x }) => x.neg().neg(), not: ({ x }) => x.neg().abs().neg() },
  'add-neg': { fires: ({ x, p }) => x.add(p.neg()), not: ({ x, p }) => x.add(p.abs()) },
  'neg-mul-neg': { fires: ({ x, p }) => x.neg().mul(p.neg()), not: ({ x, p }) => x.neg().mul(p) },
  'even-of-neg': { fires: ({ x }) => cosh(x.neg()), not: ({ x }) => x.neg().sinh() },
  'twice-the-same': { fires: ({ x }) => maximum(x, x), not: ({ x, p }) => maximum(x, p) },
  'not-not': { fires: ({ b }) => logicalNot(logicalNot(b)), not: ({ x }) => logicalNot(logicalNot(x)) },
  'clamp-of-clamp': { fires: ({ x }) => x.clampMin(0.5).clampMin(0.5), not: ({ x }) => x.clampMin(0.5).clampMin(0.25) },
  'sign-known': { fires: ({ x }) => relu(exp(x)), not: ({ x }) => relu(x.sin()) },
  'same-choice': { fires: ({ b, x }) => where(b, x, x), not: ({ b, x, p }) => where(b, x, p) },
  'choice-of-not': { fires: ({ b, x, p }) => where(logicalNot(b), x, p), not: ({ n, x, p }) => where(logicalNot(n), x, p) },
  'choice-of-choice': { fires: ({ b, x, p }) => where(b, where(b, x, p), x.sin()), not: ({ b, x, p }) => where(b, where(lt(x, 0), x, p), x.sin()) },
  'compare-itself': { fires: ({ x }) => lt(x, x), not: ({ x, p }) => lt(x, p) },
  'compare-itself-whole': { fires: ({ n }) => eq(n, n), not: ({ x }) => { const y = x.sub(x).div(0); return eq(y, y) } },
  'logic-constant': { fires: ({ b }) => logicalAnd(b, full([3, 4], true)), not: ({ n, b }) => logicalAnd(n, b) },
  'scale-of-scale': { fires: ({ x }) => x.mul(2).mul(3), not: ({ x }) => x.mul(3).mul(5) },
  'pow-one': { fires: ({ x }) => pow(x, 1), not: ({ p }) => pow(p, 1.5) },
  'pow-square': { fires: ({ x }) => pow(x, 2), not: ({ p }) => pow(p, 2.5) },
  'pow-root': { fires: ({ p }) => pow(p, 0.5), not: ({ p }) => pow(p, 0.25) },
  'mul-to-square': { fires: ({ x }) => x.mul(x), not: ({ b }) => b.mul(b) },
  reciprocal: { fires: ({ p }) => div(1, p), not: ({ p }) => div(2, p) },
  'mul-reciprocal': { fires: ({ x, p }) => x.mul(reciprocal(p)).detach(), not: ({ x, p }) => x.mul(p) },
  'div-by-power-of-two': { fires: ({ x }) => x.div(4), not: ({ x }) => x.div(3) },

  'permute-of-permute': { fires: ({ x }) => twice(x.t().t()), not: ({ x }) => twice(x.t()) },
  'permute-of-cat': { fires: ({ x, p }) => twice(cat([x, p], 1).t()), not: ({ x, p }) => { const y = cat([x, p], 1); return y.t().matmul(y) } },
  'reshape-of-reshape': { fires: ({ x }) => twice(x.reshape(2, 6).reshape(12)), not: ({ x }) => twice(x.reshape(2, 6).t().reshape(12)).detach() },
  'expand-of-expand': { fires: ({ x }) => x.at('0:1').expand(3, 4).expand(2, 3, 4).sin(), not: ({ x }) => x.at('0:1').expand(3, 4).sin() },
  'flip-of-flip': { fires: ({ x }) => flip(flip(x, 0), 0).sin(), not: ({ x }) => flip(flip(x, 0), 1).sin() },
  'slice-of-slice': { fires: ({ x }) => x.at('1:').at('0:1').sin(), not: ({ x }) => x.at('1:').t().at('0:1').sin() },
  'select-of-slice': { fires: ({ x }) => x.at('1:').at(1).sin(), not: ({ x }) => x.at(':', '1:').at(1).sin() },
  'slice-of-cat': { fires: ({ x, p }) => cat([x, p]).at('3:5').sin(), not: ({ x, p }) => cat([x, p]).at('2:4').sin() },
  'select-of-cat': { fires: ({ x, p }) => cat([x, p]).at(4).sin(), not: ({ x, p }) => cat([x, p], 1).at(1).sin() },
  'slice-of-pointwise': { fires: ({ x, p }) => x.mul(p).at('0:2').detach(), not: ({ x, p }) => { const y = x.mul(p); return y.at('0:2').sum().add(y) } },
  'select-of-pointwise': { fires: ({ x, p }) => x.mul(p.at('0:1')).at(1).detach(), not: ({ x, p }) => { const y = x.mul(p); return y.at(1).add(y) } },
  'cat-of-one': { fires: ({ x }) => cat([x]).sin(), not: ({ x, p }) => cat([x, p]).sin() },
  'read-what-was-written': {
    fires: ({ x }) => { const y = x.mul(1.5); const [v, w] = [y.at(0), y.at(0)]; v.add_(1); return w.sin() },
    not: ({ x }) => { const y = x.mul(1.5); const [v, w] = [y.at(0), y.at(1)]; v.add_(1); return w.sin() },
  },
  'write-over-write': {
    fires: ({ x, p }) => { const y = x.mul(1.5); y.at(0).copy_(p.at(0)); y.at(0).copy_(p.at(1)); return y.mul(2) },
    not: ({ x, p }) => { const y = x.mul(1.5); y.at(0).copy_(p.at(0)); y.at(1).copy_(p.at(1)); return y.mul(2) },
  },
  'add-scatter': { fires: ({ x, p, n }) => p.add(scatterAdd(zeros([3, 4]), 0, n, x)), not: ({ x, p, n }) => { const s = scatterAdd(zeros([3, 4]), 0, n, x); return p.add(s).mul(s) } },
  'scatter-of-zeros': { fires: ({ x, n }) => scatterAdd(x, 0, n, zeros([3, 4])), not: ({ x, p, n }) => scatterAdd(x, 0, n, p) },
  'view-of-number': { fires: ({ x }) => x.matmul(full([3, 4], 3).t()).add(full([4], 2).at('1:')), not: ({ x, p }) => x.t().mul(p.t()) },

  'reduce-size-one': { fires: ({ x }) => x.reshape(3, 1, 4).sum(1).sin(), not: ({ x }) => x.sum(1).sin() },
  'extreme-of-extreme': { fires: ({ x }) => x.amax(1).amax(0).detach(), not: ({ x }) => x.amax(1).amin(0).detach() },
  'sum-of-sum': { fires: ({ x }) => x.sum(1).sum(0), not: ({ n }) => n.sum(1).sum(0) },
  'extreme-of-cat': { fires: ({ x, n }) => cat([x, x.mul(2)]).amin(0).add(cat([n, n.neg()], 1).amax(0).at('0:4')).detach(), not: ({ x, p }) => { const y = cat([x, p]); return y.amax(0).add(y.sum(0)).detach() } },
  'sum-of-cat': { fires: ({ x, p }) => cat([x, p.mul(3)]).sum(0).add(cat([x, p], 1).sum(1).amax().detach()), not: ({ n }) => cat([n, n.neg()]).sum(0) },
  'sum-of-neg': { fires: ({ x }) => x.neg().sum(0), not: ({ x }) => { const y = x.neg(); return y.sum(0).mul(y) } },
  'extreme-of-neg': { fires: ({ x, p }) => x.neg().amax(1).add(p.neg().amin(1).neg()).detach(), not: ({ n }) => n.neg().amax(1) },
  'sum-of-scaled': { fires: ({ x }) => x.mul(4).sum(1), not: ({ x }) => x.mul(0.1).sum(1) },
  'sum-of-expanded': { fires: ({ x }) => x.at('0:1').expand(3, 4).sum(0), not: ({ n }) => n.at('0:1').expand(3, 4).sum(0) },
  'extreme-of-expanded': { fires: ({ x }) => x.at('0:1').expand(3, 4).amax(0).detach(), not: ({ x }) => x.at('0:1').expand(3, 4).amax(1).detach() },
  'sum-then-reshape': { fires: ({ x }) => x.unsqueeze(1).sum(2).sin(), not: ({ x }) => x.reshape(2, 6).sum(1).sin() },

  'log-softmax': { fires: ({ x }) => log(softmax(x, 1)), not: ({ x }) => log(softmax(x, 1).add(0.5)) },
  'log-of-picked': { fires: ({ x, n }) => log(softmax(x, 1).gather(1, n)), not: ({ p, n }) => log(p.gather(1, n)) },
  'log-sum-exp': { fires: ({ x }) => log(exp(x).sum(1)), not: ({ x }) => log(exp(x.sub(x.amax(1, true).detach())).sum(1)) },
  'log-of-exp': { fires: ({ x }) => log(exp(x)), not: ({ x }) => log(exp(x).mul(2)) },
  softplus: { fires: ({ x }) => log1p(exp(x)), not: ({ x }) => log(exp(x).add(2)) },
  'log-add-exp': { fires: ({ x, p }) => log(exp(x).add(exp(p))), not: ({ x, p }) => log(exp(x).add(p)) },
  'log-sigmoid': { fires: ({ x }) => log(sigmoid(x)), not: ({ x }) => log(sigmoid(x).add(1)).detach() },
  'one-minus-sigmoid': { fires: ({ x }) => sub(1, sigmoid(x)), not: ({ x }) => sigmoid(x) },
  'sigmoid-complement': { fires: ({ x, p }) => p.sub(p.mul(sigmoid(x))).detach(), not: ({ x, p }) => p.sub(x.mul(sigmoid(x))).detach() },
  'log-of-quotient': { fires: ({ p }) => log(reciprocal(p)), not: ({ p }) => log(reciprocal(p).add(1)) },
  log1p: { fires: ({ p }) => log(p.add(1)), not: ({ p }) => log(p.add(2)) },
  expm1: { fires: ({ x }) => exp(x).sub(1), not: ({ x }) => exp(x).sub(2) },
  'root-of-square': { fires: ({ x }) => sqrt(square(x)), not: ({ x }) => sqrt(square(x).add(1)) },
  tanh: { fires: ({ x }) => exp(x).sub(exp(x.neg())).div(exp(x).add(exp(x.neg()))).detach(), not: ({ x, p }) => exp(x).sub(exp(p.neg())).div(exp(x).add(exp(p.neg()))).detach() },
  'product-of-mask': { fires: ({ b, x, p }) => where(b, x, 0).mul(p).detach(), not: ({ b, x, p }) => where(b, x, 1).mul(p).detach() },
  cancel: { fires: ({ x, p }) => p.div(exp(x)).mul(exp(x)).detach(), not: ({ x, p }) => p.div(x).mul(x).detach() },

  'sum-of-one-hot': { fires: ({ x, n }) => oneHot(n.select(1, 1), 4).mul(logSoftmax(x, 1)).sum(1).neg(), not: ({ x, n }) => oneHot(n.select(1, 1), 4).mul(logSoftmax(x, 1)).sum(0) },
  'pick-of-extreme': { fires: ({ x, n }) => x.detach().max(1).values.add(n.min(0, true).values.sum()), not: ({ x }) => { const { values, indices } = x.max(1); return values.add(indices) } },
  'argmax-of-growing': { fires: ({ x }) => x.softmax(1).argmax(1), not: ({ x }) => x.softmax(0).argmax(1) },
  'slice-of-product': { fires: ({ x, p }) => x.matmul(p.t()).select(0, 1).detach(), not: ({ x, p }) => { const y = x.matmul(p.t()); return y.select(0, 1).add(y.sum(0)) } },
  'product-of-scaled': { fires: ({ x, p }) => x.mul(0.3).matmul(p.t()), not: ({ x, p }) => { const y = x.mul(0.3); return y.matmul(p.t()).sum(1).add(y.sum(1)).detach() } },
  'transpose-of-product': { fires: ({ x, p }) => x.matmul(p.t()).t().sin().detach(), not: ({ x, p }) => { const y = x.matmul(p.t()); return y.t().add(y).detach() } },

  'scan-unused': { fires: ({ x }) => S.scan((a, s) => [s.add(a), s.mul(2)], { sequences: x.detach(), outputsInfo: [zeros(4), null] })[0], not: ({ x }) => sum2(S.scan((a, s) => [s.add(a), s.mul(2)], { sequences: x.detach(), outputsInfo: [zeros(4), null] })) },
  'scan-last': { fires: ({ x }) => S.scan((a, s) => s.mul(a).add(1), { sequences: x.detach(), outputsInfo: zeros(4) }).at(-1), not: ({ x }) => S.scan((a, s) => s.mul(a).add(1), { sequences: x, outputsInfo: zeros(4) }).at(0) },
  'scan-invariant': { fires: ({ x }) => S.scan((a, s, w) => s.mul(w.exp()).add(a), { sequences: x, outputsInfo: zeros(4), nonSequences: x.at(0) }), not: ({ x }) => S.scan((a, s, w) => s.mul(w).exp().add(a), { sequences: x, outputsInfo: zeros(4), nonSequences: x.at(0) }) },
  'scan-sum-after': { fires: ({ x }) => S.foldl((a, s) => s.add(a.reshape(4, 1).matmul(a.reshape(1, 4))), x, zeros(4, 4)), not: ({ x }) => S.scan((a, s) => s.add(a.reshape(4, 1).matmul(a.reshape(1, 4))), { sequences: x, outputsInfo: zeros(4, 4) }) },
  'scan-product-before': { fires: ({ x, p }) => S.scan((a, s, w) => s.mul(0.5).add(a.matmul(w)), { sequences: x, outputsInfo: zeros(3), nonSequences: p.t() }), not: ({ x, p }) => S.scan((a, s, w) => s.add(a).matmul(w), { sequences: x, outputsInfo: zeros(4), nonSequences: p.t().matmul(p) }) },
}

export const values = (): { x: Tensor; p: Tensor; n: Tensor; b: Tensor } => ({
  x: tensor([[0.5, -1.25, 2, -0.375], [1.5, 0.75, -2.5, 3], [-0.1, 0.2, 1.1, -1.7]], { requiresGrad: true }),
  p: tensor([[0.5, 1.25, 2, 0.375], [1.5, 0.75, 2.5, 3], [0.1, 0.2, 1.1, 1.7]], { requiresGrad: true }),
  n: tensor(new Int32Array([0, 1, 2, 0, 1, 1, 2, 2, 0, 2, 1, 0])).reshape(3, 4),
  b: tensor([[true, false, true, true], [false, false, true, false], [true, true, false, false]]),
})
