// Op cases of the functions of nn.functional that are not ops by themselves: values on every device, derivatives of first and second
// order against differences, and the same bits inside compile().
import * as F from '../../src/nn/functional/index.ts'
import { f, i, rows, values, type OpCase, type Row } from '../ops/case.ts'

const cases = (name: keyof typeof F, list: readonly Row[], more: Partial<OpCase> = {}): OpCase[] => rows(`nn.functional.${name}`, list, more)

const image = [f([2, 3, 5, 4])]
const x34 = [f([3, 4])]
const pairs = [f([3, 4]), f([3, 4])]
/** Whole numbers are kinks of distances and margins; these keep away from them. */
const labels = (shape: readonly number[], list: readonly number[]) => values('float32', shape, list)

const pools: OpCase[] = [
  ...cases('adaptiveAvgPool1d', [[[f([2, 3, 7])], x => F.adaptiveAvgPool1d(x, 3)], [[f([3, 8])], x => F.adaptiveAvgPool1d(x, [4]), 'no batch, even']]),
  ...cases('adaptiveAvgPool2d', [[image, x => F.adaptiveAvgPool2d(x, [2, null])], [image, x => F.adaptiveAvgPool2d(x, 7), 'larger']]),
  ...cases('adaptiveAvgPool3d', [[[f([1, 2, 3, 4, 2])], x => F.adaptiveAvgPool3d(x, [2, 3, 1])]]),
  ...cases('adaptiveMaxPool1d', [[[f([2, 3, 7])], x => F.adaptiveMaxPool1d(x, 3, { returnIndices: true })]]),
  ...cases('adaptiveMaxPool2d', [[image, x => F.adaptiveMaxPool2d(x, [2, 3], { returnIndices: true })], [image, x => F.adaptiveMaxPool2d(x, [null, 2])]]),
  ...cases('adaptiveMaxPool3d', [[[f([1, 2, 3, 4, 2])], x => F.adaptiveMaxPool3d(x, 2, { returnIndices: true })]]),
  ...cases('maxPool1d', [[[f([2, 3, 9])], x => F.maxPool1d(x, 3, { stride: 2, padding: 1, ceilMode: true, returnIndices: true }), 'indices']]),
  ...cases('maxPool2d', [[image, x => F.maxPool2d(x, 2, { stride: 1, dilation: 2, padding: 1, returnIndices: true }), 'indices']]),
  ...cases('maxPool3d', [[[f([1, 2, 4, 4, 3])], x => F.maxPool3d(x, 2, { stride: 1, returnIndices: true }), 'indices']]),
  ...cases('avgPool2d', [[image, x => F.avgPool2d(x, 2, { divisorOverride: 3, ceilMode: true }), 'divisor']]),
  ...cases('maxUnpool1d', [[[f([2, 3, 8])], x => F.maxUnpool1d(...F.maxPool1d(x, 2, { returnIndices: true }), 2)]]),
  ...cases('maxUnpool2d', [[image, x => F.maxUnpool2d(...F.maxPool2d(x, 2, { returnIndices: true }), 2, { outputSize: [5, 4] })]]),
  ...cases('maxUnpool2d', [[image, x => F.maxUnpool2d(...F.maxPool2d(x, 3, { stride: 1, returnIndices: true }), 3, { stride: 1 }), 'overlapping']], { kink: true }),
  ...cases('maxUnpool3d', [[[f([1, 2, 4, 2, 2])], x => F.maxUnpool3d(...F.maxPool3d(x, 2, { returnIndices: true }), 2)]]),
  ...cases('lpPool1d', [[[f([2, 3, 8], 0.5, 2)], x => F.lpPool1d(x, 2, 3, 2)]]),
  ...cases('lpPool2d', [[[f([2, 3, 5, 4], 0.5, 2)], x => F.lpPool2d(x, 3, 2, { ceilMode: true })]]),
  ...cases('lpPool3d', [[[f([1, 2, 2, 4, 2], 0.5, 2)], x => F.lpPool3d(x, 1.5, 2)]]),
]

const images: OpCase[] = [
  ...cases('interpolate', [
    [[f([2, 3, 5])], x => F.interpolate(x, { size: 8, mode: 'linear' }), 'linear'],
    [image, x => F.interpolate(x, { scaleFactor: 2 }), 'nearest'],
    [image, x => F.interpolate(x, { size: [3, 7], mode: 'nearest-exact' }), 'nearest-exact'],
    [image, x => F.interpolate(x, { scaleFactor: [1.5, 0.5], mode: 'bilinear', alignCorners: true }), 'bilinear, corners'],
    [image, x => F.interpolate(x, { size: [7, 3], mode: 'bicubic' }), 'bicubic'],
    [image, x => F.interpolate(x, { size: [2, 3], mode: 'bilinear', antialias: true }), 'bilinear, antialias'],
    [image, x => F.interpolate(x, { size: [3, 2], mode: 'bicubic', antialias: true }), 'bicubic, antialias'],
    [image, x => F.interpolate(x, { size: [3, 6], mode: 'area' }), 'area'],
    [[f([1, 2, 3, 2, 4])], x => F.interpolate(x, { scaleFactor: 1.4, mode: 'trilinear', recomputeScaleFactor: true }), 'trilinear'],
  ]),
  ...cases('upsample', [[image, x => F.upsample(x, { scaleFactor: 2, mode: 'bilinear' })]]),
  ...cases('upsampleNearest', [[image, x => F.upsampleNearest(x, [7, 8])]]),
  ...cases('upsampleBilinear', [[image, x => F.upsampleBilinear(x, { scaleFactor: 2 })]]),
  ...cases('gridSample', [
    [[...image, f([2, 3, 2, 2], -1.3, 1.3)], (x, at) => F.gridSample(x, at), 'bilinear, zeros'],
    [[...image, f([2, 3, 2, 2], -1.3, 1.3)], (x, at) => F.gridSample(x, at, { paddingMode: 'border', alignCorners: true }), 'bilinear, border'],
    [[...image, f([2, 3, 2, 2], -3, 3)], (x, at) => F.gridSample(x, at, { paddingMode: 'reflection' }), 'bilinear, reflection'],
    [[...image, f([2, 3, 2, 2], -1.3, 1.3)], (x, at) => F.gridSample(x, at, 'bicubic', 'reflection', { alignCorners: true }), 'bicubic'],
    [[...image, f([2, 3, 2, 2], -1.3, 1.3)], (x, at) => F.gridSample(x, at, 'nearest', 'border'), 'nearest'],
    [[f([1, 2, 3, 2, 3]), f([1, 2, 2, 1, 3], -1.2, 1.2)], (x, at) => F.gridSample(x, at), 'volume'],
  ]),
  ...cases('affineGrid', [[[f([2, 2, 3])], t => F.affineGrid(t, [2, 1, 3, 4])], [[f([1, 3, 4])], t => F.affineGrid(t, [1, 1, 2, 1, 3], true), 'volume']]),
  ...cases('pixelShuffle', [[[f([2, 8, 3, 2])], x => F.pixelShuffle(x, 2)]]),
  ...cases('pixelUnshuffle', [[[f([2, 2, 4, 6])], x => F.pixelUnshuffle(x, 2)]]),
  ...cases('channelShuffle', [[[f([2, 6, 2, 2])], x => F.channelShuffle(x, 3)]]),
  ...cases('unfold', [[image, x => F.unfold(x, 2)], [image, x => F.unfold(x, [3, 2], { padding: [1, 0], stride: [2, 1], dilation: [1, 2] }), 'stride, padding, dilation']]),
  ...cases('fold', [[[f([2, 12, 12])], x => F.fold(x, [4, 5], 2)], [[f([12, 6])], x => F.fold(x, [5, 4], [2, 3], { padding: 1, stride: 2 }), 'no batch']]),
]

const valued: OpCase[] = [
  ...(['mseLoss', 'l1Loss', 'smoothL1Loss', 'huberLoss'] as const).flatMap(name => cases(name, [[pairs, (x, t) => F[name](x, t)], [pairs, (x, t) => F[name](x, t, { reduction: 'none' }), 'none']])),
  ...cases('smoothL1Loss', [[pairs, (x, t) => F.smoothL1Loss(x, t, { beta: 0.3, reduction: 'sum' }), 'beta']]),
  ...cases('huberLoss', [[pairs, (x, t) => F.huberLoss(x, t, { delta: 0.3 }), 'delta']]),
  ...cases('binaryCrossEntropy', [[[f([3, 4], 0.1, 0.9), f([3, 4], 0, 1), f([4], 0.5, 2)], (p, t, w) => F.binaryCrossEntropy(p, t, { weight: w })]]),
  ...cases('binaryCrossEntropyWithLogits', [[pairs, (x, t) => F.binaryCrossEntropyWithLogits(x, t)], [[...pairs, f([4], 0.5, 2)], (x, t, w) => F.binaryCrossEntropyWithLogits(x, t, { posWeight: w, reduction: 'sum' }), 'posWeight']]),
  ...cases('klDiv', [[[f([3, 4]), f([3, 4], 0.1, 1)], (x, t) => F.klDiv(x, t, { reduction: 'batchmean' })], [pairs, (x, t) => F.klDiv(x, t, { logTarget: true }), 'logTarget']]),
  ...cases('nllLoss', [[[f([3, 4]), i([3], 0, 4)], (x, t) => F.nllLoss(x, t)], [[f([2, 3, 4]), i([2, 4], 0, 3)], (x, t) => F.nllLoss(x, t, { ignoreIndex: 1, reduction: 'sum' }), 'ignored']]),
  ...cases('crossEntropy', [
    [[f([3, 4]), i([3], 0, 4)], (x, t) => F.crossEntropy(x, t, { labelSmoothing: 0.1 })],
    [[f([2, 3, 4]), f([2, 3, 4], 0, 1)], (x, t) => F.crossEntropy(x, t), 'probabilities'],
    [[f([4, 3]), i([4], 0, 3)], (x, t) => F.crossEntropy(x, t, { ignoreIndex: 2 }), 'ignored'],
  ]),
  ...cases('gaussianNllLoss', [[[...pairs, f([3, 1], 0.5, 2)], (x, t, v) => F.gaussianNllLoss(x, t, v, { full: true })]]),
  ...cases('poissonNllLoss', [[[f([3, 4]), f([3, 4], 0.5, 5)], (x, t) => F.poissonNllLoss(x, t, { full: true })], [[f([3, 4], 0.5, 3), f([3, 4], 0, 5)], (x, t) => F.poissonNllLoss(x, t, { logInput: false }), 'rates']]),
  ...cases('hingeEmbeddingLoss', [[[f([2, 3]), labels([2, 3], [1, -1, 1, -1, -1, 1])], (x, t) => F.hingeEmbeddingLoss(x, t, { margin: 0.7 })]], { kink: true }),
  ...cases('softMarginLoss', [[pairs, (x, t) => F.softMarginLoss(x, t)]]),
  ...cases('marginRankingLoss', [[[...pairs, f([3, 4])], (x, y, t) => F.marginRankingLoss(x, y, t, { margin: 0.3 })]]),
  ...cases('cosineEmbeddingLoss', [[[f([3, 4]), f([3, 4])], (x, y) => F.cosineEmbeddingLoss(x, y, x.detach().narrow(1, 0, 1).reshape(3).sign(), { margin: 0.1, reduction: 'none' })]]),
  ...cases('multilabelMarginLoss', [[[f([2, 4]), values('int32', [2, 4], [3, 0, -1, 1, 2, -1, -1, -1])], (x, t) => F.multilabelMarginLoss(x, t)]]),
  ...cases('multiMarginLoss', [[[f([3, 4]), i([3], 0, 4)], (x, t) => F.multiMarginLoss(x, t)], [[f([3, 4]), i([3], 0, 4), f([4], 0.5, 2)], (x, t, w) => F.multiMarginLoss(x, t, { p: 2, margin: 0.5, weight: w, reduction: 'none' }), 'p 2, weight']]),
  ...cases('multilabelSoftMarginLoss', [[[f([3, 4]), f([3, 4], 0, 1)], (x, t) => F.multilabelSoftMarginLoss(x, t)]]),
  ...cases('tripletMarginLoss', [[[...pairs, f([3, 4])], (x, y, z) => F.tripletMarginLoss(x, y, z, { margin: 3, swap: true })]]),
  ...cases('tripletMarginWithDistanceLoss', [[[...pairs, f([3, 4])], (x, y, z) => F.tripletMarginWithDistanceLoss(x, y, z, { margin: 5, distanceFunction: (p, q) => p.sub(q).square().sum(-1) })]]),
  ...cases('ctcLoss', [
    [[f([6, 2, 4]), values('int32', [2, 2], [1, 1, 3, 2])], (x, t) => F.ctcLoss(x.logSoftmax(2), t, [6, 5], [2, 2])],
    [[f([5, 2, 4]), values('int32', [3], [2, 1, 3]), values('int32', [2], [5, 3]), values('int32', [2], [2, 1])], (x, t, n, m) => F.ctcLoss(x.logSoftmax(2), t, n, m, { reduction: 'none' }), 'joined targets'],
    [[f([2, 1, 3]), values('int32', [1, 3], [1, 1, 2])], (x, t) => F.ctcLoss(x.logSoftmax(2), t, [2], [3], { zeroInfinity: true }), 'too short'],
    [[f([4, 3]), values('int32', [2], [1, 2])], (x, t) => F.ctcLoss(x.logSoftmax(1), t, [4], [0], { reduction: 'sum' }), 'no labels'],
  ]),
]

const layers: OpCase[] = [
  ...cases('batchNorm', [[[f([4, 3, 2]), f([3]), f([3])], (x, w, c) => F.batchNorm(x, null, null, { weight: w, bias: c, training: true })]]),
  ...cases('layerNorm', [[[f([2, 3, 4]), f([3, 4]), f([3, 4])], (x, w, c) => F.layerNorm(x, [3, 4], { weight: w, bias: c })]]),
  ...cases('groupNorm', [[[f([2, 4, 3]), f([4]), f([4])], (x, w, c) => F.groupNorm(x, 2, { weight: w, bias: c })]]),
  ...cases('rmsNorm', [[[f([2, 3, 4]), f([4])], (x, w) => F.rmsNorm(x, 4, { weight: w })]]),
  ...cases('instanceNorm', [[[f([2, 3, 4]), f([3]), f([3])], (x, w, c) => F.instanceNorm(x, { weight: w, bias: c })], [[f([2, 3, 4]), f([3]), f([3], 0.5, 2)], (x, m, v) => F.instanceNorm(x, m, v, { useInputStats: false }), 'running statistics']]),
  ...cases('localResponseNorm', [[[f([2, 5, 3])], x => F.localResponseNorm(x, 3, { alpha: 0.5 })], [image, x => F.localResponseNorm(x, 2, { k: 2 }), 'even']]),
  ...cases('normalize', [[x34, x => F.normalize(x)], [x34, x => F.normalize(x, 1, 0), 'p 1']]),
  ...cases('cosineSimilarity', [[[f([2, 1, 3]), f([4, 3])], (x, y) => F.cosineSimilarity(x, y, { dim: -1 })]]),
  ...cases('pairwiseDistance', [[pairs, (x, y) => F.pairwiseDistance(x, y)], [pairs, (x, y) => F.pairwiseDistance(x, y, { p: 1, keepdim: true }), 'p 1']]),
  ...cases('pdist', [[[f([4, 3])], x => F.pdist(x)], [[f([4, 3])], x => F.pdist(x, Infinity), 'p ∞']]),
  ...cases('bilinear', [[[f([2, 3, 4]), f([2, 3, 2]), f([5, 4, 2]), f([5])], (x, y, w, c) => F.bilinear(x, y, w, c)]]),
  ...cases('embedding', [[[i([2, 3], 0, 5), f([5, 4])], (at, w) => F.embedding(at, w)]]),
  ...cases('embedding', [[[i([2, 3], 0, 5), f([5, 4])], (at, w) => F.embedding(at, w, { paddingIdx: -1 }), 'padding'], [[values('int32', [4], [1, 3, 1, 1]), f([5, 4])], (at, w) => F.embedding(at, w, { scaleGradByFreq: true }), 'scaled by frequency']], { kink: true }),
  ...cases('embeddingBag', [
    [[i([2, 3], 0, 5), f([5, 4]), f([2, 3])], (at, w, s) => F.embeddingBag(at, w, { mode: 'sum', perSampleWeights: s })],
    [[i([6], 0, 5), f([5, 4]), values('int32', [3], [0, 0, 4])], (at, w, from) => F.embeddingBag(at, w, from), 'mean'],
    [[i([6], 0, 5), f([5, 4]), values('int32', [4], [0, 2, 2, 5])], (at, w, from) => F.embeddingBag(at, w, from, { mode: 'mean', paddingIdx: 1 }), 'mean, padding'],
    [[i([6], 0, 5), f([5, 4]), values('int32', [4], [0, 2, 2, 6])], (at, w, from) => F.embeddingBag(at, w, from, { mode: 'max', includeLastOffset: true }), 'max, an empty bag'],
    [[i([2, 3], 0, 5), f([5, 4])], (at, w) => F.embeddingBag(at, w, { mode: 'max', paddingIdx: 0 }), 'max'],
  ]),
  ...cases('scaledDotProductAttention', [
    [[f([2, 4, 3, 2]), f([2, 2, 5, 2]), f([2, 2, 5, 3])], (q, k, v) => F.scaledDotProductAttention(q, k, v, { enableGqa: true }), 'shared heads'],
    [[f([2, 3, 4]), f([2, 3, 4]), f([2, 3, 4])], (q, k, v) => F.scaledDotProductAttention(q, k, v, { isCausal: true, scale: 0.3 }), 'causal'],
  ]),
  ...cases('logsigmoid', [[x34, x => F.logsigmoid(x)]]),
]

/** What falls is the same on each call: the seed is set with the inputs. */
const random: OpCase[] = [
  ...(['dropout', 'dropout1d', 'dropout2d', 'dropout3d', 'alphaDropout', 'featureAlphaDropout'] as const).flatMap(name => cases(name, [[[f([2, 3, 4])], x => F[name](x, 0.4)]])),
  ...cases('gumbelSoftmax', [[x34, x => F.gumbelSoftmax(x, { tau: 0.7 })]]),
  ...cases('gumbelSoftmax', [[x34, x => F.gumbelSoftmax(x, { hard: true, dim: 0 }), 'hard']], { kink: true }),
]

export const functionalCases: readonly OpCase[] = [...pools, ...images, ...valued, ...layers, ...random]
