// Op cases of arranging, joining, splitting, padding and creation beyond the first ones in cases.ts.
import * as ops from '../../src/ops/index.ts'
import * as extended from '../../src/ops/extended.ts'
import { b, f, i, rows, values, type OpCase } from './case.ts'

const x3 = [f([3])]
const x34 = [f([3, 4])]
const x234 = [f([2, 3, 4])]

const core: OpCase[] = [
  ...rows('mT', [[[f([])], x => ops.mT(x)]]),
  ...rows('narrow', [[[f([5, 3]), i([], 1, 3)], (x, start) => ops.narrow(x, 0, start, 2), 'start in a tensor']]),
  ...rows('unfold', [[[f([])], x => ops.unfold(x, 0, 1, 1)]]),
  ...rows('repeat', [[x34, x => ops.repeat(x, 1, 1)], [[f([2])], x => ops.repeat(x, 3, 1, 1)], [[f([2, 3])], x => ops.repeat(x, [0, 2])]]),
  ...rows('roll', [[x34, x => ops.roll(x, 0, 1)], [x234, x => ops.roll(x, [1, -2], [0, 2])]]),
  ...rows('flip', [[x234, x => ops.flip(x, [0, -1])]]),
  ...(['reflect', 'replicate', 'circular'] as const).flatMap(mode => rows('pad', [
    [[f([2, 4])], x => ops.pad(x, [2, 1], mode), mode],
    [[f([1, 2, 3, 4])], x => ops.pad(x, [-1, 2, 1, 0], mode), mode],
    [[i([1, 2, 5], -9, 9)], x => ops.pad(x, [3, 3], { mode }), mode],
  ])),
  ...rows('repeatInterleave', [[[b([2, 3])], x => ops.repeatInterleave(x, 2, 1)], [[f([3, 2]), values('int32', [3], [2, 0, 3])], (x, n) => ops.repeatInterleave(x, n, 0, { outputSize: 5 }), 'size known']]),
  ...rows('repeatInterleave', [[[f([3, 2]), values('int32', [3], [2, 0, 3])], (x, n) => ops.repeatInterleave(x, n, 0), 'tensor'], [[values('int32', [4], [1, 0, 2, 1])], n => ops.repeatInterleave(n), 'places']], { reads: true }),
  ...rows('zerosLike', [[x34, x => ops.zerosLike(x, { dtype: 'int32' })]]),
  ...rows('onesLike', [[x34, x => ops.onesLike(x, { dtype: 'bool' })]]),
  ...rows('emptyLike', [[x34, x => ops.emptyLike(x)]]),
  ...rows('fullLike', [[[i([2, 3], 0, 9)], x => ops.fullLike(x, 2.7)]]),
  ...rows('linspace', [[[], () => ops.linspace(50, 1, 50, { dtype: 'int32' })], [[], () => ops.linspace(3, -1, 8)]]),
  ...rows('logspace', [[[], () => ops.logspace(-1, 2, 5, 2)], [[], () => ops.logspace(0, 3, 4, { dtype: 'int32' })]]),
]

const beyond: OpCase[] = [
  ...rows('viewAs', [[[f([3, 4]), f([2, 6])], (x, y) => extended.viewAs(x, y)]]),
  ...rows('reshapeAs', [[[f([3, 4]), f([2, 6])], (x, y) => extended.reshapeAs(x.t(), y)]]),
  ...rows('expandAs', [[[f([3, 1]), f([2, 3, 4])], (x, y) => extended.expandAs(x, y)]]),
  ...rows('ravel', [[x34, x => extended.ravel(x.t())]]),
  ...rows('T', [[x34, x => extended.T(x)], [x234, x => extended.T(x)]]),
  ...rows('swapaxes', [[x234, x => extended.swapaxes(x, 0, -1)]]),
  ...rows('swapdims', [[x234, x => extended.swapdims(x, 0, 1)]]),
  ...rows('moveaxis', [[x234, x => extended.moveaxis(x, [0, 1], [-1, 0])]]),
  ...rows('flipud', [[x34, x => extended.flipud(x)]]),
  ...rows('fliplr', [[x34, x => extended.fliplr(x)]]),
  ...rows('rot90', [[x34, x => extended.rot90(x)], [x234, x => extended.rot90(x, -1, [1, 2])], [x34, x => extended.rot90(x, 2)], [x34, x => extended.rot90(x, 4)]]),
  ...rows('narrowCopy', [[x34, x => extended.narrowCopy(x, 1, 1, 2)]]),
  ...rows('constantPadNd', [[x34, x => extended.constantPadNd(x, [1, -1, 0, 2], 3)]]),
  ...rows('asStrided', [[[f([6])], x => extended.asStrided(x, [4, 3], [1, 1]), 'overlapping'], [x34, x => extended.asStrided(x, [2, 2], [5, 2], 1)], [[f([4, 3])], x => extended.asStrided(x.t(), [2, 3], [3, 1], 2), 'of a view']]),
  ...rows('diagEmbed', [[x34, x => extended.diagEmbed(x)], [x234, x => extended.diagEmbed(x, -1, 0, 2)]]),
  ...rows('diag', [[x3, x => extended.diag(x, 1)], [x34, x => extended.diag(x, -1)]]),
  ...rows('diagflat', [[[f([2, 2])], x => extended.diagflat(x, -1)]]),
  ...rows('sumToSize', [[x234, x => extended.sumToSize(x, 3, 1)], [[b([3])], x => extended.sumToSize(x, [3])]]),
  ...rows('unravelIndex', [[[i([2, 3], 0, 24)], x => extended.unravelIndex(x, [2, 3, 4])]]),
  ...rows('atleast1d', [[[f([]), f([2])], (x, y) => extended.atleast1d(x, y)]]),
  ...rows('atleast2d', [[[f([]), f([2])], (x, y) => extended.atleast2d([x, y])]]),
  ...rows('atleast3d', [[[f([]), f([2]), f([2, 3])], (x, y, z) => extended.atleast3d([x, y, z])]]),
  ...(['concat', 'concatenate'] as const).flatMap(op => rows(op, [[[f([2, 3]), f([2, 1])], (x, y) => extended[op]([x, y], 1)]])),
  ...(['hstack', 'dstack', 'vstack', 'rowStack', 'columnStack'] as const).flatMap(op => rows(op, [[[f([3]), f([3])], (x, y) => extended[op]([x, y])], [[f([2, 3]), f([2, 3])], (x, y) => extended[op]([x, y])]])),
  ...rows('splitWithSizes', [[x34, x => extended.splitWithSizes(x, [1, 0, 3], 1)]]),
  ...rows('tensorSplit', [[[f([7, 2])], x => extended.tensorSplit(x, 3)], [x34, x => extended.tensorSplit(x, [1, -1, 9], 1)]]),
  ...rows('hsplit', [[x34, x => extended.hsplit(x, 2)]]),
  ...rows('vsplit', [[x34, x => extended.vsplit(x, [2])]]),
  ...rows('dsplit', [[x234, x => extended.dsplit(x, 4)]]),
  ...rows('meshgrid', [[[f([2]), f([3])], (x, y) => extended.meshgrid(x, y)], [[f([2]), f([3]), f([])], (x, y, z) => extended.meshgrid([x, y, z], { indexing: 'xy' })]]),
  ...rows('cartesianProd', [[[f([2]), f([3])], (x, y) => extended.cartesianProd(x, y)], [x3, x => extended.cartesianProd(x)]]),
  ...rows('combinations', [[[f([4])], x => extended.combinations(x)], [x3, x => extended.combinations(x, 2, true)], [[f([2])], x => extended.combinations(x, 3)]]),
  ...rows('blockDiag', [[[f([2, 2]), f([3]), i([1, 1], 1, 5)], (x, y, z) => extended.blockDiag(x, y, z)]]),
  ...rows('newZeros', [[[i([2], 0, 3)], x => extended.newZeros(x, 2, 2)]]),
  ...rows('newOnes', [[[b([2])], x => extended.newOnes(x, [3])]]),
  ...rows('newEmpty', [[x3, x => extended.newEmpty(x, [2, 0])]]),
  ...rows('newFull', [[x3, x => extended.newFull(x, [2], 1.5)]]),
  ...rows('newTensor', [[[i([2], 0, 3)], x => extended.newTensor(x, [1, 2])]]),
  ...rows('asTensor', [[x3, x => extended.asTensor(x)], [[], () => extended.asTensor([1, 2])]]),
  ...rows('asarray', [[x3, x => extended.asarray(x, { copy: true })]]),
  ...rows('range', [[[], () => extended.range(1, 4)], [[], () => extended.range(1, 2, 0.25)], [[], () => extended.range(5, 1, -2, { dtype: 'int32' })]]),
  ...rows('emptyStrided', [[[], () => extended.emptyStrided([2, 3], [1, 2])]]),
  ...rows('H', [[x34, x => extended.H(x)]]),
  ...rows('fill', [[x34, x => extended.fill(x, 2)], [[f([3, 4]), f([])], (x, v) => extended.fill(x, v)]]),
  ...rows('trilIndices', [[[], () => extended.trilIndices(3, 4, -1)]]),
  ...rows('triuIndices', [[[], () => extended.triuIndices(3, 4, 1)]]),
  ...(['hannWindow', 'hammingWindow', 'blackmanWindow', 'bartlettWindow', 'kaiserWindow'] as const).flatMap(op => rows(op, [[[], () => extended[op](9)], [[], () => extended[op](8, false)], [[], () => extended[op](1)]])),
]

export const movementCases: readonly OpCase[] = [...core, ...beyond]
