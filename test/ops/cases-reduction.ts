// Op cases of statistics, scans, order, histograms, sets, distances and integrals.
import * as ops from '../../src/ops/index.ts'
import * as extended from '../../src/ops/extended.ts'
import { b, f, i, pair, rows, values, type OpCase } from './case.ts'

const x34 = [f([3, 4])]
const x234 = [f([2, 3, 4])]
const holes = values('float32', [2, 4], [1, NaN, -2, 0.5, NaN, NaN, NaN, 3])
const ties = values('float32', [2, 5], [1, 3, 3, 0, 3, 2, 2, 5, 5, 2])

const core: OpCase[] = [
  ...rows('max', [[x234, x => ops.max(x), 'of all'], [[f([2, 3]), f([3])], (x, y) => ops.max(x, y), 'of two'], [[b([3, 4])], x => pair(ops.max(x, 1)), 'bools']]),
  ...rows('min', [[x234, x => ops.min(x), 'of all'], [[f([2, 3]), f([3])], (x, y) => ops.min(x, y), 'of two']]),
  ...(['max', 'min'] as const).flatMap(op => rows(op, [[[ties], x => ops[op](x), 'equal values share'], [[holes], x => ops[op](x), 'NaN'], [[holes], x => pair(ops[op](x, 1)), 'NaN']], { kink: true })),
  ...rows('median', [[[holes], x => pair(ops.median(x, 1)), 'NaN'], [[ties], x => ops.median(x), 'equal values share']], { kink: true }),
  ...(['var', 'std'] as const).flatMap(op => rows(op, [[x34, x => ops[op](x, false), 'biased'], [x234, x => ops[op](x, [0, 2], { correction: 2, keepdim: true }), 'correction 2']])),
  ...rows('norm', [[x34, x => ops.norm(x, 'fro', [0, 1]), 'fro'], [x34, x => ops.norm(x, -1.5, 0), 'p −1.5'], [[values('float32', [2, 2], [0, 0, 0, 2])], x => ops.norm(x, 0.5, 1), 'p ½, with zeros']], { kink: true }),
  ...rows('logsumexp', [[[values('float32', [3, 2], [-Infinity, -Infinity, Infinity, 1, -Infinity, 2])], x => ops.logsumexp(x, 1), 'infinities']], { kink: true }),
  ...rows('logsumexp', [[[i([2, 3], -3, 4)], x => ops.logsumexp(x, 1), 'ints']]),
  ...rows('sum', [[[i([3, 4], -5, 5)], x => ops.sum(x, [], false, { dtype: 'float32' }), 'no dims, dtype']]),
  ...rows('cumsum', [[[b([2, 5])], x => ops.cumsum(x, 1), 'bools'], [x34, x => ops.cumsum(x.t(), -1), 'transposed'], [[f([3, 700])], x => ops.cumsum(x, 1), 'long']]),
  ...rows('logcumsumexp', [[[f([3, 70], -90, 90)], x => ops.logcumsumexp(x, 1), 'far apart'], [x234, x => ops.logcumsumexp(x, 0)], [[f([])], x => ops.logcumsumexp(x, 0)], [[f([2, 0])], x => ops.logcumsumexp(x, 1)]]),
  ...rows('logcumsumexp', [[[values('float32', [6], [-Infinity, -1, Infinity, 2, NaN, 0])], x => ops.logcumsumexp(x, 0), 'infinities, NaN']], { kink: true }),
  ...rows('sort', [[[b([2, 6])], x => pair(ops.sort(x, 1, true)), 'bools'], [[f([])], x => pair(ops.sort(x))]]),
  ...rows('sort', [[[holes], x => pair(ops.sort(x, 1)), 'NaN last']], { kink: true }),
  ...rows('topk', [[[f([5, 40])], x => pair(ops.topk(x, 3, -1, false, false))], [[f([])], x => pair(ops.topk(x, 1))]]),
  ...rows('diff', [[x34, x => ops.diff(x, 2, 1), 'twice'], [[f([3, 4]), f([3, 1]), f([3, 2])], (x, p, a) => ops.diff(x, 1, -1, p, a), 'prepend, append'], [[b([2, 6])], x => ops.diff(x), 'bools']]),
  ...(['softmax', 'logSoftmax', 'softmin'] as const).flatMap(op => rows(op, [[[i([2, 3], -3, 4)], x => ops[op](x, 1, 'float32'), 'ints as float32']])),
]

const statistics: OpCase[] = [
  ...(['varMean', 'stdMean'] as const).flatMap(op => rows(op, [[x34, x => extended[op](x)], [x234, x => extended[op](x, [0, 2], { correction: 0, keepdim: true }), 'dims, biased']])),
  ...(['nansum', 'nanmean'] as const).flatMap(op => rows(op, [[x34, x => extended[op](x, 0)], [[holes], x => extended[op](x, 1, true), 'NaN']], { kink: true })),
  ...rows('nanmedian', [[[f([2, 4])], x => pair(extended.nanmedian(x, 0))]]),
  ...rows('nanmedian', [[[holes], x => pair(extended.nanmedian(x, 1, true)), 'NaN'], [[holes], x => extended.nanmedian(x), 'NaN, of all']], { kink: true }),
  ...(['linear', 'lower', 'higher', 'midpoint', 'nearest'] as const).flatMap(interpolation => rows('quantile', [[[f([3, 5]), values('float32', [3], [0.1, 0.45, 0.9])], (x, q) => extended.quantile(x, q, 1, true, { interpolation }), interpolation]])),
  ...rows('quantile', [[x34, x => extended.quantile(x, 0.3), 'of all']]),
  ...rows('nanquantile', [[x34, x => extended.nanquantile(x, 0.3, 0)]]),
  ...(['quantile', 'nanquantile'] as const).flatMap(op => rows(op, [[[holes], x => extended[op](x, 0.4, 1), 'NaN']], { kink: true })),
  ...rows('cov', [[[f([3, 6])], x => extended.cov(x)], [[f([5])], x => extended.cov(x), 'of a vector'], [[f([3, 6]), i([6], 0, 4), f([6], 0.5, 2)], (x, fweights, aweights) => extended.cov(x, { fweights, aweights }), 'weights']]),
  ...rows('corrcoef', [[[f([3, 6])], x => extended.corrcoef(x)]]),
  ...rows('trace', [[x34, x => extended.trace(x)], [[i([3, 3], -5, 5)], x => extended.trace(x), 'ints']]),
]

const chosen: OpCase[] = [
  ...(['cummax', 'cummin'] as const).flatMap(op => [
    ...rows(op, [[x34, x => pair(extended[op](x, 1))], [x234, x => pair(extended[op](x, 0)), 'dim 0'], [[b([2, 7])], x => pair(extended[op](x, 1)), 'bools'], [[f([2, 600])], x => pair(extended[op](x, 1)), 'long']]),
    ...rows(op, [[[ties], x => pair(extended[op](x, 1)), 'equal values'], [[holes], x => pair(extended[op](x, 1)), 'NaN']], { kink: true }),
  ]),
  ...rows('mode', [[[i([4, 9], 0, 4)], x => pair(extended.mode(x)), 'ints'], [[i([9, 2], 0, 3)], x => pair(extended.mode(x, 0, true)), 'dim 0, keepdim']]),
  ...rows('mode', [[[ties], x => pair(extended.mode(x, 1)), 'equal values']], { kink: true }),
  ...rows('kthvalue', [[x34, x => pair(extended.kthvalue(x, 2))], [x234, x => pair(extended.kthvalue(x, 3, 1, true)), 'dim 1, keepdim']]),
  ...rows('aminmax', [[x34, x => Object.values(extended.aminmax(x))], [x34, x => Object.values(extended.aminmax(x, { dim: 1, keepdim: true }))]]),
  ...rows('msort', [[x34, x => extended.msort(x)]]),
]

const sampled: OpCase[] = [
  ...(['trapezoid', 'trapz', 'cumulativeTrapezoid'] as const).flatMap(op =>
    rows(op, [[x34, x => extended[op](x)], [x234, x => extended[op](x, { dx: 0.5, dim: 1 })], [[f([3, 4]), f([4])], (y, x) => extended[op](y, x), 'places'], [[f([4, 3]), f([4])], (y, x) => extended[op](y, x, { dim: 0 }), 'places, dim 0'], [[i([5], -4, 5)], x => extended[op](x), 'ints']]),
  ),
  ...rows('gradient', [
    [[f([5])], x => extended.gradient(x)],
    [[f([4, 5])], x => extended.gradient(x, { spacing: [0.5, 2], edgeOrder: 2 }), 'edge order 2'],
    [[f([4, 5]), values('float32', [5], [0, 1, 1.5, 3, 4])], (x, at) => extended.gradient(x, { spacing: [at], dim: [1], edgeOrder: 2 }), 'places'],
    [[f([4, 5]), values('float32', [5], [0, 1, 1.5, 3, 4])], (x, at) => extended.gradient(x, { spacing: [at], dim: -1 }), 'places, edge order 1'],
  ]),
  ...rows('histc', [[[f([40])], x => extended.histc(x, 5, -1, 1)], [[f([5, 8])], x => extended.histc(x, 7), 'range of the values'], [[f([])], x => extended.histc(x, 3), 'one value']]),
  ...rows('histogram', [
    [[f([40]), f([40], 0, 1)], (x, weight) => Object.values(extended.histogram(x, 6, { range: [-1, 1.5], weight, density: true })), 'range, weight, density'],
    [[f([40])], x => Object.values(extended.histogram(x, 4)), 'range of the values'],
    [[f([40]), values('float32', [4], [-1, -0.5, 0.7, 1])], (x, edges) => Object.values(extended.histogram(x, edges)), 'edges'],
  ], { kink: true }),
  ...rows('histogramdd', [
    [[f([40, 2]), f([40], 0, 1)], (x, weight) => {
      const { hist, binEdges } = extended.histogramdd(x, [3, 4], { range: [-1, 1, -2, 1], weight, density: true })
      return [hist, ...binEdges]
    }],
    [[f([9, 3])], x => extended.histogramdd(x, 2).hist, 'range of the values'],
  ], { kink: true }),
  ...rows('bincount', [[[i([20], 0, 6)], x => extended.bincount(x)], [[i([20], 0, 6), f([20])], (x, w) => extended.bincount(x, w, 9), 'weights, minlength']], { reads: true }),
]

const distances: OpCase[] = [
  ...rows('dist', [[[f([3, 4]), f([4])], (x, y) => extended.dist(x, y)], [[f([3]), f([3])], (x, y) => extended.dist(x, y, 3), 'p 3'], [[f([3]), f([3])], (x, y) => extended.dist(x, y, Infinity), 'p ∞']]),
  ...[0.5, 1, 1.5, 2, 3, Infinity].flatMap(p => rows('cdist', [[[f([2, 3, 4]), f([5, 4])], (x, y) => extended.cdist(x, y, p), `p ${p}`]])),
  ...rows('cdist', [[[f([3, 4]), f([5, 4])], (x, y) => extended.cdist(x, y, 2, 'use_mm_for_euclid_dist'), 'by a product'], [[f([3, 0]), f([5, 0])], (x, y) => extended.cdist(x, y, Infinity), 'of nothing']]),
  ...rows('cdist', [[[values('float32', [2, 2], [1, 2, 0, 0]), values('float32', [2, 2], [1, 2, 3, 0])], (x, y) => extended.cdist(x, y), 'equal rows: no slope']], { kink: true }),
  ...rows('cdist', [[[f([3, 4]), f([5, 4])], (x, y) => extended.cdist(x, y, 0), 'p 0']]),
  ...rows('renorm', [[[f([4, 3])], x => extended.renorm(x, 2, 0, 1.5)], [x234, x => extended.renorm(x, 1, 1, 3), 'p 1']]),
]

const distinct: OpCase[] = [
  ...rows('unique', [
    [[i([12], 0, 5)], x => [extended.unique(x, { returnInverse: true, returnCounts: true })].flat()],
    [[i([9, 3], 0, 2)], x => [extended.unique(x, { dim: 0, returnInverse: true, returnCounts: true })].flat(), 'rows'],
    [[i([2, 5, 2], 0, 2)], x => extended.unique(x, { dim: -1 }), 'slices'],
    [[b([7])], x => extended.unique(x), 'bools'],
  ], { reads: true }),
  ...rows('unique', [[[i([0], 0, 2)], x => [extended.unique(x, true, true, true)].flat(), 'nothing']]),
  ...rows('unique', [[[ties], x => extended.unique(x), 'floats']], { reads: true, kink: true }),
  ...rows('uniqueConsecutive', [
    [[i([14], 0, 2)], x => [extended.uniqueConsecutive(x, { returnInverse: true, returnCounts: true })].flat()],
    [[i([9, 2], 0, 2)], x => [extended.uniqueConsecutive(x, true, true, 0)].flat(), 'rows'],
  ], { reads: true }),
]

export const reductionCases: readonly OpCase[] = [...core, ...statistics, ...chosen, ...sampled, ...distances, ...distinct]
