// Op cases of indexing, selecting, scattering and searching beyond the first ones in cases.ts.
import * as ops from '../../src/ops/index.ts'
import * as extended from '../../src/ops/extended.ts'
import { b, f, i, rows, values, type OpCase } from './case.ts'

const x34 = [f([3, 4])]
const mask = values('bool', [3, 4], [0, 1, 1, 0, 1, 0, 0, 0, 0, 1, 0, 1])

const core: OpCase[] = [
  ...rows('gather', [[[f([]), values('int32', [2], [0, 0])], (x, at) => ops.gather(x, 0, at)], [[f([3, 4]), i([0], 0, 1)], (x, at) => ops.gather(x, 0, at)]]),
  ...rows('scatterAdd', [[[b([3, 4]), i([3, 6], 0, 4), b([3, 6])], (x, at, y) => ops.scatterAdd(x, 1, at, y), 'bools'], [[f([]), values('int32', [], [0]), f([])], (x, at, y) => ops.scatterAdd(x, 0, at, y)]]),
  ...rows('indexSelect', [[[f([]), values('int32', [1], [0])], (x, at) => ops.indexSelect(x, 0, at)]]),
  ...rows('at', [
    [[f([2, 3, 4]), i([2], 0, 2), i([2], -4, 4)], (x, r, c) => ops.at(x, r, ':', c), 'apart'],
    [[f([2, 3, 4]), i([2, 1], 0, 3), i([3], -4, 4)], (x, r, c) => ops.at(x, ':', r, c), 'broadcast'],
    [[f([2, 3, 4]), i([2], 0, 2)], (x, r) => ops.at(x, r, null, '1:', [0, 2]), 'new dimension between'],
    [x34, x => ops.at(x, [[0, 1], [2, 2]])],
  ]),
  ...rows('at', [
    [[f([3, 4]), mask], (x, m) => ops.at(x, m), 'mask'],
    [[f([2, 3, 4]), mask], (x, m) => ops.at(x, ':', m), 'mask of trailing dimensions'],
    [x34, x => ops.at(x, [true, false, true], [1, 3]), 'mask and list'],
    [x34, x => ops.at(x, true), 'one truth'],
  ], { reads: true }),
  ...rows('take', [[[f([3, 4]), i([2, 2], -12, 12)], (x, at) => ops.take(x, at), 'negative']]),
  ...rows('maskedFill', [[[f([3, 4]), b([4]), f([])], (x, m, v) => ops.maskedFill(x, m, v), 'value in a tensor'], [[i([4], 0, 9), b([4])], (x, m) => ops.maskedFill(x, m, 3)]]),
  ...rows('maskedSelect', [[[f([4]), values('bool', [3, 1], [1, 0, 1])], (x, m) => ops.maskedSelect(x, m), 'broadcast']], { reads: true }),
  ...rows('nonzero', [[[values('float32', [2, 3, 2], [0, 1, 2, 0, 0, NaN, 3, 0, 0, 0, 0, -1])], x => ops.nonzero(x)], [[values('int32', [], [3])], x => ops.nonzero(x)], [[b([3, 5])], x => ops.nonzero(x, { asTuple: true }), 'as tuple']], { reads: true }),
  ...rows('nonzero', [[[b([0, 2])], x => ops.nonzero(x), 'nothing to read']]),
  ...rows('argwhere', [[[mask], x => ops.argwhere(x)]], { reads: true }),
  ...rows('oneHot', [[[i([5], 0, 4)], x => ops.oneHot(x), 'classes counted']], { reads: true }),
  ...rows('indexPut', [
    [[f([3, 4]), i([3], 0, 3), i([3], -4, 4), f([3])], (x, r, c, v) => ops.indexPut(x, [r, c], v, true), 'added'],
    [[f([3, 4]), values('int32', [2], [2, -3]), f([4])], (x, r, v) => ops.indexPut(x, [r], v), 'rows'],
    [[f([3, 4]), values('int32', [2], [3, 0]), f([3, 2])], (x, c, v) => ops.indexPut(x, [null, c], v), 'columns'],
    [[f([3, 4]), mask, f([5])], (x, m, v) => ops.indexPut(x, [m], v), 'under a mask, in order'],
    [[f([3, 4]), values('bool', [3], [1, 0, 1]), f([2, 4])], (x, m, v) => ops.indexPut(x, [m], v, { accumulate: true }), 'rows under a mask, added'],
    [[f([2, 3, 4]), values('bool', [3], [1, 0, 1]), f([2, 1])], (x, m, v) => ops.indexPut(x, [null, m], v), 'under a mask in the middle'],
  ]),
]

const at9 = values('int32', [9], [0, 2, 2, 3, 0, 2, 3, 3, 2])
const reductions = ['sum', 'mean', 'prod', 'amax', 'amin'] as const

const beyond: OpCase[] = [
  ...rows('scatter', [
    [[f([3, 4]), values('int32', [2, 4], [0, 1, 2, 0, 2, 2, 0, 1]), f([2, 4])], (x, at, y) => extended.scatter(x, 0, at, y)],
    [[f([3, 4]), i([3, 2], 0, 4)], (x, at) => extended.scatter(x, 1, at, 7), 'a number'],
    [[f([4]), i([6], 0, 4), f([6])], (x, at, y) => extended.scatter(x, 0, at, y, { reduce: 'add' }), 'added'],
    [[f([4]), i([6], 0, 4), f([6])], (x, at, y) => extended.scatter(x, 0, at, y, { reduce: 'multiply' }), 'multiplied'],
  ]),
  ...reductions.flatMap(reduce => [
    ...rows('scatterReduce', [[[f([4]), at9, f([9])], (x, at, y) => extended.scatterReduce(x, 0, at, y, reduce), reduce], [[f([2, 4]), i([2, 5], 0, 4), f([2, 5])], (x, at, y) => extended.scatterReduce(x, 1, at, y, reduce, { includeSelf: false }), `${reduce}, itself left out`], [[i([4], -5, 5), at9, i([9], -5, 5)], (x, at, y) => extended.scatterReduce(x, 0, at, y, reduce), `${reduce} of ints`]]),
  ]),
  ...rows('scatterReduce', [[[b([4]), at9, b([9])], (x, at, y) => extended.scatterReduce(x, 0, at, y, 'amin'), 'bools']]),
  ...rows('scatterReduce', [
    [[values('float32', [2], [2, 0]), values('int32', [5], [0, 0, 1, 1, 1]), values('float32', [5], [3, 0, 0, 0, 5])], (x, at, y) => extended.scatterReduce(x, 0, at, y, 'prod'), 'prod with zeros'],
    [[values('float32', [2], [3, 1]), values('int32', [5], [0, 0, 1, 1, 1]), values('float32', [5], [3, 3, 4, 2, 4])], (x, at, y) => extended.scatterReduce(x, 0, at, y, 'amax'), 'equal values share'],
    [[values('float32', [2], [NaN, 1]), values('int32', [3], [0, 1, 1]), values('float32', [3], [3, NaN, 4])], (x, at, y) => extended.scatterReduce(x, 0, at, y, 'amin'), 'NaN'],
  ], { kink: true }),
  ...(['mean', 'prod', 'amax', 'amin'] as const).flatMap(reduce => rows('indexReduce', [[[f([3, 4]), i([5], 0, 3), f([5, 4])], (x, at, y) => extended.indexReduce(x, 0, at, y, reduce, { includeSelf: reduce !== 'amin' }), reduce]])),
  ...rows('indexCopy', [[[f([3, 4]), values('int32', [2], [3, -4]), f([3, 2])], (x, at, y) => extended.indexCopy(x, 1, at, y)]]),
  ...rows('indexFill', [[[f([3, 4]), values('int32', [3], [1, 1, -1])], (x, at) => extended.indexFill(x, 1, at, 5)], [[f([3, 4]), i([2], 0, 3), f([])], (x, at, v) => extended.indexFill(x, 0, at, v), 'value in a tensor']]),
  ...rows('put', [[[f([3, 4]), values('int32', [3], [-1, 0, 5]), f([3])], (x, at, y) => extended.put(x, at, y)], [[f([3, 4]), i([2, 3], 0, 12), f([6])], (x, at, y) => extended.put(x, at, y, true), 'added']]),
  ...rows('maskedScatter', [[[f([3, 4]), mask, f([7])], (x, m, y) => extended.maskedScatter(x, m, y)], [[f([3, 4]), values('bool', [4], [1, 0, 0, 1]), f([2, 3])], (x, m, y) => extended.maskedScatter(x, m, y), 'broadcast']]),
  ...rows('takeAlongDim', [[[f([3, 4]), i([1, 2], 0, 4)], (x, at) => extended.takeAlongDim(x, at, 1), 'broadcast'], [[f([3, 4]), i([5], 0, 12)], (x, at) => extended.takeAlongDim(x, at)]]),
  ...rows('diagonalScatter', [[[f([3, 4]), f([3])], (x, y) => extended.diagonalScatter(x, y, 1)], [[f([2, 3, 2]), f([3, 2])], (x, y) => extended.diagonalScatter(x, y, 0, 0, 2)]]),
  ...rows('selectScatter', [[[f([3, 4]), f([4])], (x, y) => extended.selectScatter(x, y, 0, -1)]]),
  ...rows('sliceScatter', [[[f([5, 2]), f([2, 2])], (x, y) => extended.sliceScatter(x, y, 0, 1, 4, 2)], [[f([2, 3]), f([2, 3])], (x, y) => extended.sliceScatter(x, y, 1)]]),
  ...rows('searchsorted', [
    [[values('float32', [5], [-1, 0, 0, 2, 5]), values('float32', [2, 4], [-2, 0, 1, 2, 5, 6, NaN, -1])], (s, x) => extended.searchsorted(s, x)],
    [[values('int32', [2, 3], [1, 3, 5, 0, 0, 2]), values('int32', [2, 2], [3, 6, 0, 1])], (s, x) => extended.searchsorted(s, x, { right: true }), 'rows, right'],
    [[values('float32', [3], [5, 1, 3]), values('int32', [3], [1, 2, 0]), f([4], 0, 6)], (s, sorter, x) => extended.searchsorted(s, x, { sorter, side: 'left' }), 'sorter'],
  ]),
  ...rows('bucketize', [[[f([3, 4], 0, 6), values('float32', [3], [1, 3, 5])], (x, s) => extended.bucketize(x, s)], [[i([6], 0, 6), values('int32', [3], [1, 3, 5])], (x, s) => extended.bucketize(x, s, { right: true }), 'right']]),
  ...rows('isin', [[[i([3, 4], 0, 9), i([4], 0, 9)], (x, y) => extended.isin(x, y)], [[i([5], 0, 9)], x => extended.isin(x, 3, { invert: true }), 'a number, inverted'], [[f([3]), f([0])], (x, y) => extended.isin(x, y), 'none']]),
]

export const indexingCases: readonly OpCase[] = [...core, ...beyond]
