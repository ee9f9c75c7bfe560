// What the op tests call: every public function of the op layer with inputs that show what it does. Pointwise ops bring their own
// samples (pointwise-cases.ts); here are the others.
import * as ops from '../../src/ops/index.ts'
import { functionalCases } from '../nn/functional-cases.ts'
import { b, f, i, pair, rows, values, type OpCase } from './case.ts'
import { complexCases } from './cases-complex.ts'
import { indexingCases } from './cases-indexing.ts'
import { movementCases } from './cases-movement.ts'
import { elementwiseCases } from './cases-pointwise.ts'
import { linalgCases } from './cases-linalg.ts'
import { reductionCases } from './cases-reduction.ts'

export { b, describeInputs, f, i, type Input, type OpCase } from './case.ts'

const x34 = [f([3, 4])]
const x234 = [f([2, 3, 4])]

/** Reductions, as `fn(x, dim, options)`. */
function reductions(op: 'sum' | 'prod' | 'mean' | 'amax' | 'amin' | 'var' | 'std' | 'logsumexp'): OpCase[] {
  const fn = ops[op]
  return rows(op, [
    [x234, x => fn(x), 'all'],
    [x234, x => fn(x, 1), 'dim 1'],
    [x234, x => fn(x, [0, -1], { keepdim: true }), 'dims 0 and -1, keepdim'],
    [x234, x => fn(x.permute(2, 0, 1), 0), 'permuted, dim 0'],
    [[f([5, 1])], x => fn(x.expand(5, 4), 0), 'expanded'],
  ])
}

/** Reductions without gradient. */
const searches = (['argmax', 'argmin', 'all', 'any', 'countNonzero'] as const).flatMap(op =>
  rows(op, [
    [x234, x => ops[op](x)],
    [x234, x => ops[op](x, 1, { keepdim: true }), 'dim 1, keepdim'],
    [[i([3, 5], -2, 3)], x => ops[op](x, -1), 'dim -1'],
  ]),
)

const reduced: OpCase[] = [
  ...(['sum', 'prod', 'mean', 'amax', 'amin', 'var', 'std', 'logsumexp'] as const).flatMap(reductions),
  ...searches,
  ...rows('sum', [[[i([3, 4], -5, 5)], x => ops.sum(x, 0), 'ints'], [[b([3, 4])], x => ops.sum(x), 'bools'], [[f([])], x => ops.sum(x)], [[f([2, 0])], x => ops.sum(x, 1)]]),
  ...rows('prod', [
    [[i([2, 5], -3, 4)], x => ops.prod(x, 1), 'ints'],
    [[values('float32', [3, 3], [2, 0, -1, 0, 3, 0, 1, 2, 4])], x => ops.prod(x, 1), 'no zero, one and two'],
  ]),
  ...rows('amax', [[[values('float32', [2, 3], [1, 5, 5, 2, 2, 2])], x => ops.amax(x, 1), 'equal values share']], { kink: true }),
  ...(['max', 'min'] as const).flatMap(op => rows(op, [[x34, x => pair(ops[op](x, 0)), 'dim 0'], [x34, x => pair(ops[op](x, -1, { keepdim: true })), 'keepdim']])),
  ...rows('var', [[x34, x => ops.var(x, { dim: 1, correction: 0 }), 'biased']]),
  ...rows('norm', [
    [x34, x => ops.norm(x)],
    [x34, x => ops.norm(x, 1, 0), 'p 1'],
    [x34, x => ops.norm(x, 3, 1, { keepdim: true }), 'p 3'],
    [x34, x => ops.norm(x, Infinity, 1), 'p ∞'],
    [x34, x => ops.norm(x, -Infinity, 1), 'p −∞'],
    [x34, x => ops.norm(x, { p: 0, dim: 1 }), 'p 0'],
  ]),
  ...rows('norm', [[[values('float32', [2, 2], [0, 0, 3, 4])], x => ops.norm(x, 2, 1), 'of a zero row: no slope']], { kink: true }),
  ...rows('std', [[[values('float32', [2, 3], [5, 5, 5, 1, 2, 3])], x => ops.std(x, 1), 'of equal numbers: no slope']], { kink: true }),
  ...(['softmax', 'logSoftmax', 'softmin'] as const).flatMap(op =>
    rows(op, [[x34, x => ops[op](x, -1), 'dim -1'], [x234, x => ops[op](x, 1), 'dim 1'], [[f([3, 5], 90, 110)], x => ops[op](x, 1), 'large values'], [[f([])], x => ops[op](x, 0)]]),
  ),
]

const moved: OpCase[] = [
  ...rows('reshape', [[x34, x => ops.reshape(x, 2, 6)], [x34, x => ops.reshape(x, [-1, 3])], [x34, x => ops.reshape(x.t(), 12), 'of a transpose: a copy'], [[f([2, 0])], x => ops.reshape(x, 0, 5)]]),
  ...rows('view', [[x34, x => ops.view(x, 2, -1)]]),
  ...rows('permute', [[x234, x => ops.permute(x, 2, 0, 1)], [x234, x => ops.permute(x, [-1, 1, 0])]]),
  ...rows('transpose', [[x234, x => ops.transpose(x, 0, -1)]]),
  ...rows('t', [[x34, x => ops.t(x)], [[f([5])], x => ops.t(x)]]),
  ...rows('mT', [[x234, x => ops.mT(x)]]),
  ...rows('movedim', [[x234, x => ops.movedim(x, 0, -1)], [x234, x => ops.movedim(x, [0, 2], [1, 0])]]),
  ...rows('expand', [[[f([3, 1])], x => ops.expand(x, 2, -1, 4)], [[f([])], x => ops.expand(x, [2, 3])]]),
  ...rows('broadcastTo', [[[f([4])], x => ops.broadcastTo(x, [3, 4])]]),
  ...rows('squeeze', [[[f([1, 3, 1])], x => ops.squeeze(x)], [[f([1, 3, 1])], x => ops.squeeze(x, 0)]]),
  ...rows('unsqueeze', [[x34, x => ops.unsqueeze(x, 1)], [x34, x => ops.unsqueeze(x, -1)]]),
  ...rows('flatten', [[x234, x => ops.flatten(x)], [x234, x => ops.flatten(x, 1)], [x234, x => ops.flatten(x, 0, 1)]]),
  ...rows('unflatten', [[[f([3, 8])], x => ops.unflatten(x, 1, [2, -1])]]),
  ...rows('flip', [[x234, x => ops.flip(x, [0, 2])], [x34, x => ops.flip(x, -1)]]),
  ...rows('narrow', [[x34, x => ops.narrow(x, 1, 1, 2)], [x34, x => ops.narrow(x, 0, -2, 2)]]),
  ...rows('select', [[x234, x => ops.select(x, 1, -1)]]),
  ...rows('diagonal', [[x34, x => ops.diagonal(x)], [x34, x => ops.diagonal(x, 1)], [x234, x => ops.diagonal(x, -1, 0, 2)]]),
  ...rows('split', [[[f([5, 2])], x => ops.split(x, 2)], [[f([2, 6])], x => ops.split(x, [1, 2, 3], 1)]]),
  ...rows('chunk', [[[f([5, 2])], x => ops.chunk(x, 3)]]),
  ...rows('unbind', [[x34, x => ops.unbind(x, 1)]]),
  ...rows('unfold', [[[f([3, 8])], x => ops.unfold(x, 1, 3, 2)], [[f([8, 2])], x => ops.unfold(x, 0, 3, 1), 'overlapping']]),
  ...rows('cat', [[[f([2, 3]), f([1, 3])], (x, y) => ops.cat([x, y])], [[f([2, 3]), f([2, 0]), f([2, 2])], (...x) => ops.cat(x, -1)], [[f([2]), i([3], 0, 9)], (x, y) => ops.cat([x, y]), 'promotes'], [[f([2, 2])], x => ops.cat([x, x.t()]), 'one twice']]),
  ...rows('stack', [[[f([2, 3]), f([2, 3])], (x, y) => ops.stack([x, y])], [[f([2, 3]), f([2, 3])], (x, y) => ops.stack([x, y], -1)]]),
  ...rows('repeat', [[[f([2, 3])], x => ops.repeat(x, 2, 1)], [[f([3])], x => ops.repeat(x, 2, 2)]]),
  ...rows('tile', [[[f([2, 3])], x => ops.tile(x, 2)]]),
  ...rows('repeatInterleave', [[[f([2, 3])], x => ops.repeatInterleave(x, 2)], [[f([2, 3])], x => ops.repeatInterleave(x, 3, 0)]]),
  ...rows('roll', [[x34, x => ops.roll(x, 1)], [x34, x => ops.roll(x, [1, -3], [0, 1])]]),
  ...rows('broadcastTensors', [[[f([3, 1]), f([4])], (x, y) => ops.broadcastTensors(x, y)]]),
  ...rows('pad', [[x34, x => ops.pad(x, [1, 2])], [x34, x => ops.pad(x, [0, 1, 2, 0], { value: 3 })], [x34, x => ops.pad(x, [-1, 2, 1, -1]), 'cut']]),
  ...rows('contiguous', [[x34, x => ops.contiguous(x.t())]]),
]

const indexed: OpCase[] = [
  ...rows('gather', [[[f([3, 4]), i([3, 2], 0, 4)], (x, at) => ops.gather(x, 1, at)], [[f([3, 4]), i([5, 2], 0, 3)], (x, at) => ops.gather(x, 0, at), 'smaller'], [[i([6], 0, 9), i([3], 0, 6)], (x, at) => ops.gather(x, 0, at), 'ints']]),
  ...rows('scatterAdd', [[[f([3, 4]), i([2, 4], 0, 3), f([2, 4])], (x, at, y) => ops.scatterAdd(x, 0, at, y)], [[f([3, 4]), i([3, 6], 0, 4), f([3, 6])], (x, at, y) => ops.scatterAdd(x, 1, at, y), 'repeats']]),
  ...rows('indexSelect', [[[f([4, 3]), i([6], 0, 4)], (x, at) => ops.indexSelect(x, 0, at)], [[f([2, 5]), i([2], 0, 5)], (x, at) => ops.indexSelect(x, 1, at)]]),
  ...rows('indexAdd', [[[f([4, 3]), i([6], 0, 4), f([6, 3])], (x, at, y) => ops.indexAdd(x, 0, at, y)], [[f([4, 3]), i([6], 0, 4), f([6, 3])], (x, at, y) => ops.indexAdd(x, 0, at, y, { alpha: -2 })]]),
  ...rows('embedding', [[[i([2, 3], 0, 5), f([5, 4])], (at, w) => ops.embedding(at, w)]]),
  ...rows('at', [
    [x234, x => ops.at(x, 0)],
    [x234, x => ops.at(x, ':', '1:', '::2')],
    [x234, x => ops.at(x, '...', -1)],
    [x234, x => ops.at(x, null, 1, '::2')],
    [[f([4, 3]), i([5], -4, 4)], (x, at) => ops.at(x, at), 'rows'],
    [[f([4, 3]), i([2], 0, 4), i([2], 0, 3)], (x, r, c) => ops.at(x, r, c), 'points'],
    [[f([2, 3, 4]), i([2, 2], 0, 4)], (x, at) => ops.at(x, ':', 1, at), 'mixed'],
  ]),
  ...rows('at', [[[f([4, 3]), b([4])], (x, mask) => ops.at(x, mask), 'mask']], { reads: true }),
  ...rows('take', [[[f([3, 4]), i([5], 0, 12)], (x, at) => ops.take(x, at)]]),
  ...rows('maskedFill', [[[f([3, 4]), b([4])], (x, mask) => ops.maskedFill(x, mask, -5)]]),
  ...rows('maskedSelect', [[[f([3, 4]), b([3, 4])], (x, mask) => ops.maskedSelect(x, mask)]], { reads: true }),
  ...rows('nonzero', [[[b([3, 4])], x => ops.nonzero(x)]], { reads: true }),
]

const multiplied: OpCase[] = [
  ...rows('matmul', [
    [[f([3, 4]), f([4, 2])], (x, y) => ops.matmul(x, y)],
    [[f([4]), f([4])], (x, y) => ops.matmul(x, y)],
    [[f([4]), f([4, 3])], (x, y) => ops.matmul(x, y)],
    [[f([3, 4]), f([4])], (x, y) => ops.matmul(x, y)],
    [[f([2, 3, 4]), f([4, 2])], (x, y) => ops.matmul(x, y)],
    [[f([2, 3, 4]), f([2, 4, 2])], (x, y) => ops.matmul(x, y)],
    [[f([2, 1, 3, 4]), f([5, 4, 2])], (x, y) => ops.matmul(x, y), 'broadcast'],
    [[f([3, 4]), f([2, 4])], (x, y) => ops.matmul(x, y.t()), 'transposed'],
    [[i([2, 3], -4, 5), i([3, 2], -4, 5)], (x, y) => ops.matmul(x, y), 'ints'],
  ]),
  ...rows('mm', [[[f([3, 4]), f([4, 2])], (x, y) => ops.mm(x, y)]]),
  ...rows('bmm', [[[f([2, 3, 4]), f([2, 4, 2])], (x, y) => ops.bmm(x, y)]]),
  ...rows('mv', [[[f([3, 4]), f([4])], (x, y) => ops.mv(x, y)]]),
  ...rows('dot', [[[f([5]), f([5])], (x, y) => ops.dot(x, y)]]),
  ...rows('outer', [[[f([3]), f([4])], (x, y) => ops.outer(x, y)]]),
  ...rows('addmm', [[[f([2]), f([3, 4]), f([4, 2])], (c, x, y) => ops.addmm(c, x, y)], [[f([2]), f([3, 4]), f([4, 2])], (c, x, y) => ops.addmm(c, x, y, { beta: 0.5, alpha: 2 })]]),
  ...rows('linear', [[[f([2, 5, 3]), f([4, 3]), f([4])], (x, w, c) => ops.linear(x, w, c)], [[f([3]), f([4, 3])], (x, w) => ops.linear(x, w)]]),
  ...rows('tensordot', [[[f([2, 3, 4]), f([3, 4, 5])], (x, y) => ops.tensordot(x, y)], [[f([2, 3, 4]), f([4, 2])], (x, y) => ops.tensordot(x, y, [[2, 0], [0, 1]])]]),
  ...rows('conv1d', [
    [[f([2, 3, 8]), f([4, 3, 3]), f([4])], (x, w, c) => ops.conv1d(x, w, c)],
    [[f([2, 4, 9]), f([6, 2, 3])], (x, w) => ops.conv1d(x, w, null, { stride: 2, padding: 1, dilation: 2, groups: 2 }), 'stride, padding, dilation, groups'],
    [[f([3, 8]), f([4, 3, 3])], (x, w) => ops.conv1d(x, w, null, { padding: 'same' }), 'no batch, same'],
  ]),
  ...rows('conv2d', [
    [[f([2, 3, 6, 5]), f([4, 3, 3, 2]), f([4])], (x, w, c) => ops.conv2d(x, w, c)],
    [[f([1, 4, 7, 6]), f([4, 1, 3, 3])], (x, w) => ops.conv2d(x, w, null, { stride: [2, 1], padding: [1, 0], groups: 4 }), 'depthwise'],
    [[f([2, 2, 6, 6]), f([3, 2, 2, 2])], (x, w) => ops.conv2d(x, w, null, { dilation: 2, stride: 3, padding: 2 }), 'dilated'],
    [[f([1, 2, 5, 5]), f([3, 2, 1, 1])], (x, w) => ops.conv2d(x, w), '1×1'],
  ]),
  ...rows('conv3d', [[[f([1, 2, 4, 3, 4]), f([3, 2, 2, 2, 3])], (x, w) => ops.conv3d(x, w, null, { padding: 1, stride: [2, 1, 1] })]]),
  ...rows('convTranspose1d', [[[f([2, 4, 5]), f([4, 3, 3]), f([3])], (x, w, c) => ops.convTranspose1d(x, w, c, { stride: 2, padding: 1, outputPadding: 1 })]]),
  ...rows('convTranspose2d', [
    [[f([2, 3, 4, 3]), f([3, 2, 3, 3])], (x, w) => ops.convTranspose2d(x, w)],
    [[f([1, 4, 3, 3]), f([4, 2, 2, 3])], (x, w) => ops.convTranspose2d(x, w, null, { stride: 2, padding: 1, groups: 2, dilation: 2 }), 'groups, dilation'],
  ]),
  ...rows('convTranspose3d', [[[f([1, 2, 2, 3, 2]), f([2, 2, 2, 2, 2])], (x, w) => ops.convTranspose3d(x, w, null, { stride: 2 })]]),
]

const pooled: OpCase[] = [
  ...(['maxPool1d', 'avgPool1d'] as const).flatMap(op => rows(op, [[[f([2, 3, 9])], x => ops[op](x, 3)], [[f([2, 9])], x => ops[op](x, 3, { stride: 2, padding: 1, ceilMode: true }), 'stride, padding, ceil']])),
  ...(['maxPool2d', 'avgPool2d'] as const).flatMap(op =>
    rows(op, [[[f([2, 3, 6, 4])], x => ops[op](x, 2)], [[f([1, 2, 7, 6])], x => ops[op](x, [3, 2], [2, 1], 1), 'overlapping, padded'], [[f([1, 2, 5, 5])], x => ops[op](x, 2, { ceilMode: true }), 'ceil']]),
  ),
  ...(['maxPool3d', 'avgPool3d'] as const).flatMap(op => rows(op, [[[f([1, 2, 4, 4, 2])], x => ops[op](x, 2)]])),
  ...rows('maxPool2d', [[[f([1, 2, 7, 7])], x => ops.maxPool2d(x, 2, { dilation: 2, stride: 1 }), 'dilated']]),
  ...rows('maxPool2d', [[[values('float32', [1, 1, 2, 4], [3, 3, 1, 2, 3, 0, 2, 2])], x => ops.maxPool2d(x, 2), 'equal values']], { kink: true }),
  ...rows('avgPool2d', [[[f([1, 2, 5, 5])], x => ops.avgPool2d(x, 3, { padding: 1, countIncludePad: false, stride: 2 }), 'padding not counted']]),
]

const ordered: OpCase[] = [
  ...rows('sort', [[x34, x => pair(ops.sort(x))], [x34, x => pair(ops.sort(x, 0, { descending: true })), 'descending'], [[i([3, 5], 0, 3)], x => pair(ops.sort(x)), 'ints']]),
  ...rows('argsort', [[x34, x => ops.argsort(x, { descending: true })]]),
  ...rows('topk', [[x34, x => pair(ops.topk(x, 2))], [x34, x => pair(ops.topk(x, 2, 0, { largest: false })), 'smallest']]),
  ...rows('cumsum', [[x34, x => ops.cumsum(x, 1)], [x234, x => ops.cumsum(x, 0)], [[i([5], 0, 9)], x => ops.cumsum(x, 0)]]),
  ...rows('cumprod', [[x34, x => ops.cumprod(x, 1)], [[values('float32', [4, 4], [1, 2, 3, 4, 0, 2, 3, 4, 1, 0, 2, 3, 2, 0, 3, 0])], x => ops.cumprod(x, 1), 'with zeros']]),
  ...rows('logcumsumexp', [[x34, x => ops.logcumsumexp(x, 1)]]),
  ...rows('diff', [[x34, x => ops.diff(x)], [x34, x => ops.diff(x, 0)]]),
  ...rows('median', [[[f([3, 5])], x => pair(ops.median(x, -1))], [x34, x => pair(ops.median(x, 0))], [x34, x => ops.median(x), 'of all']]),
]

const created: OpCase[] = [
  ...rows('full', [[[], () => ops.full([2, 3], 1.5)], [[], () => ops.full([2], true)]]),
  ...rows('zeros', [[[], () => ops.zeros(2, 3)]]),
  ...rows('ones', [[[], () => ops.ones([2, 3], { dtype: 'int32' })]]),
  ...rows('empty', [[[], () => ops.empty(2)]]),
  ...rows('fullLike', [[x34, x => ops.fullLike(x, 7)]]),
  ...rows('arange', [[[], () => ops.arange(5)], [[], () => ops.arange(1, 2, 0.25)], [[], () => ops.arange(5, -1, -2)]]),
  ...rows('linspace', [[[], () => ops.linspace(-1, 1, 5)], [[], () => ops.linspace(0, 1, 1)]]),
  ...rows('logspace', [[[], () => ops.logspace(0, 2, 3)]]),
  ...rows('eye', [[[], () => ops.eye(3)], [[], () => ops.eye(2, 4)]]),
  ...rows('tril', [[x34, x => ops.tril(x)], [x234, x => ops.tril(x, 1)]]),
  ...rows('triu', [[x34, x => ops.triu(x, -1)]]),
  ...rows('oneHot', [[[i([2, 3], 0, 4)], x => ops.oneHot(x, 4)]]),
]

const random: OpCase[] = [
  ...rows('rand', [[[], () => ops.rand(3, 50)]]),
  ...rows('randn', [[[], () => ops.randn(3, 50)]]),
  ...rows('randint', [[[], () => ops.randint(-3, 9, [3, 50])]]),
  ...rows('randperm', [[[], () => ops.randperm(100)]]),
  ...rows('randLike', [[x34, x => ops.randLike(x)]]),
  ...rows('randnLike', [[x34, x => ops.randnLike(x)]]),
  ...rows('normal', [[[], () => ops.normal(5, 0.1, [40])]]),
  ...rows('bernoulli', [[[f([60], 0, 1)], x => ops.bernoulli(x)]]),
  ...rows('multinomial', [[[f([2, 20], 0.1, 1)], x => ops.multinomial(x, 5)], [[f([4], 0.1, 1)], x => ops.multinomial(x, 30, { replacement: true }), 'with replacement']]),
]

const shaped: OpCase[] = [
  ...rows('to', [[x34, x => ops.to(x, 'int32')], [x34, x => ops.to(x, 'bool')], [[i([4], -2, 3)], x => ops.to(x, 'float32')], [[b([4])], x => ops.to(x, 'int32')]]),
  ...rows('clamp', [[x34, x => ops.clamp(x, -0.5, 1)], [x34, x => ops.clamp(x, { max: 0.25 })], [x34, x => ops.clamp(x, 0.1)], [[f([3, 4]), f([4], -1, 0), f([], 0, 1)], (x, low, high) => ops.clamp(x, low, high), 'tensors']]),
  ...rows('gelu', [[x34, x => ops.gelu(x)], [x34, x => ops.gelu(x, { approximate: 'tanh' })]]),
  ...rows('leakyRelu', [[x34, x => ops.leakyRelu(x)], [x34, x => ops.leakyRelu(x, 0.2)]]),
  ...rows('elu', [[x34, x => ops.elu(x)], [x34, x => ops.elu(x, 0.5)]]),
  ...(['selu', 'hardswish', 'hardsigmoid'] as const).map(op => rows(op, [[[f([3, 4], -5, 5)], x => ops[op](x)]])[0]),
  ...rows('hardtanh', [[x34, x => ops.hardtanh(x)], [x34, x => ops.hardtanh(x, -0.3, 0.6)]]),
  ...rows('glu', [[x34, x => ops.glu(x)], [[f([4, 3])], x => ops.glu(x, 0)]]),
  ...rows('nanToNum', [[[values('float32', [4], [NaN, Infinity, -Infinity, 2])], x => ops.nanToNum(x)], [[values('float32', [4], [NaN, Infinity, -Infinity, 2])], x => ops.nanToNum(x, 1, 2, 3)]], { kink: true }),
]

export const cases: readonly OpCase[] = [...shaped, ...reduced, ...moved, ...indexed, ...multiplied, ...pooled, ...ordered, ...created, ...random, ...elementwiseCases, ...linalgCases, ...reductionCases, ...movementCases, ...indexingCases, ...functionalCases, ...complexCases]
