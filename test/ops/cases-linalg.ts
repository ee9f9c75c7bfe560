// Op cases of products and linear algebra. Random matrices are moved away from singular ones, and eigenvalues and singular values apart,
// so that first and second derivatives are tame.
import * as ops from '../../src/ops/index.ts'
import * as extended from '../../src/ops/extended.ts'
import type { Tensor } from '../../src/ops/tensor.ts'
import { b, f, i, rows, values, type OpCase } from './case.ts'

const { linalg } = extended

/** Multiples of a unit on the diagonal: spread apart, or all alike. */
const apart = (n: number, m = n): Tensor => ops.eye(n, m).mul(ops.arange(1, m + 1, 1, { dtype: 'float32' }).mul(1.5))
const regular = (x: Tensor): Tensor => x.add(ops.eye(x.shape.at(-1)!).mul(3))
const symmetric = (x: Tensor): Tensor => x.add(x.mT()).mul(0.5).add(apart(x.shape.at(-1)!).mul(2))
const positive = (x: Tensor): Tensor => x.matmul(x.mT()).add(ops.eye(x.shape.at(-2)!).mul(2))
const spread = (x: Tensor): Tensor => x.add(apart(x.shape.at(-2)!, x.shape.at(-1)!).mul(2))

const small = (...shape: number[]) => f(shape, -1, 1)
const m3 = [small(3, 3)]
const m244 = [small(2, 4, 4)]
const tall = [small(5, 3)]
const wide = [small(2, 3, 5)]
const two = (a: number[], c: number[]) => [small(...a), small(...c)]

const products: OpCase[] = [
  ...rows('vdot', [[two([5], [5]), (x, y) => extended.vdot(x, y)]]),
  ...rows('ger', [[two([3], [4]), (x, y) => extended.ger(x, y)]]),
  ...rows('inner', [[two([2, 4], [3, 4]), (x, y) => extended.inner(x, y)], [two([], [2, 3]), (x, y) => extended.inner(x, y), 'scales']]),
  ...rows('addmv', [[[small(3), small(3, 4), small(4)], (x, a, v) => extended.addmv(x, a, v, { beta: 0.5, alpha: 2 })], [[i([3], -4, 5), i([3, 4], -4, 5), i([4], -4, 5)], (x, a, v) => extended.addmv(x, a, v, { alpha: 2 }), 'ints']]),
  ...rows('addr', [[[small(3, 4), small(3), small(4)], (x, a, v) => extended.addr(x, a, v, { beta: 0.5, alpha: 2 })]]),
  ...rows('baddbmm', [[[small(4), small(2, 3, 5), small(2, 5, 4)], (x, a, c) => extended.baddbmm(x, a, c, { beta: -1 })]]),
  ...rows('addbmm', [[[small(3, 4), small(2, 3, 5), small(2, 5, 4)], (x, a, c) => extended.addbmm(x, a, c, { alpha: 0.5 })]]),
  ...rows('chainMatmul', [[[small(2, 5), small(5, 3), small(3, 4)], (...x) => extended.chainMatmul(...x)]]),
  ...rows('kron', [[two([2, 3], [3, 2]), (x, y) => extended.kron(x, y)], [two([3], [2, 2]), (x, y) => extended.kron(x, y), 'of two ranks']]),
  ...rows('cross', [[two([2, 3], [2, 3]), (x, y) => extended.cross(x, y)], [two([3, 4], [3, 1]), (x, y) => extended.cross(x, y, 0), 'broadcast']]),
  ...rows('linalg.cross', [[two([2, 3], [2, 3]), (x, y) => linalg.cross(x, y)], [two([3, 4], [3, 4]), (x, y) => linalg.cross(x, y, { dim: 0 })]]),
  ...rows('linalg.vecdot', [[two([2, 3], [2, 3]), (x, y) => linalg.vecdot(x, y)], [two([3, 4], [3, 1]), (x, y) => linalg.vecdot(x, y, { dim: 0 })]]),
  ...rows('linalg.matmul', [[two([2, 3], [3, 2]), (x, y) => linalg.matmul(x, y)]]),
  ...rows('linalg.diagonal', [[[small(2, 3, 4)], x => linalg.diagonal(x, { offset: 1 })]]),
  ...rows('linalg.multiDot', [[[small(2), small(2, 5), small(5, 3), small(3)], (...x) => linalg.multiDot(x)], [[small(4, 2), small(2, 6), small(6, 3)], (...x) => linalg.multiDot(x)]]),
  ...rows('einsum', [
    [two([2, 3], [3, 4]), (x, y) => extended.einsum('ij,jk', x, y)],
    [[small(2, 3), small(3, 4), small(4, 2)], (...x) => extended.einsum('ij,jk,kl->il', x), 'three'],
    [[small(2, 3), small(2, 4), small(2, 3, 4)], (...x) => extended.einsum('bi,bj,bij->b', ...x), 'bilinear'],
    [two([2, 3, 4], [5, 4]), (x, y) => extended.einsum('...d,kd->...k', x, y), 'ellipsis'],
    [two([3, 3], [3]), (x, y) => extended.einsum('ii,i->i', x, y), 'diagonal'],
    [two([2, 1, 3], [4, 3]), (x, y) => extended.einsum('aij,ij->ai', x, y), 'broadcast'],
    [[small(3, 4)], x => extended.einsum('ij->', x), 'sum'],
    [[i([2, 3], -4, 5), i([3, 2], -4, 5)], (x, y) => extended.einsum('ij,jk->ik', x, y), 'ints'],
    [two([2, 0], [0, 3]), (x, y) => extended.einsum('ij,jk->ik', x, y), 'of nothing'],
  ]),
]

const factored: OpCase[] = [
  ...rows('linalg.cholesky', [[m3, x => linalg.cholesky(positive(x))], [[small(2, 4, 3)], x => linalg.cholesky(positive(x), { upper: true }), 'upper'], [[small(2, 0, 0)], x => linalg.cholesky(x)]]),
  ...rows('linalg.choleskyEx', [[m3, x => Object.values(linalg.choleskyEx(positive(x)))], [[values('float32', [2, 2], [1, 2, 2, 1])], x => linalg.choleskyEx(x).info, 'not positive definite']]),
  ...rows('cholesky', [[m3, x => extended.cholesky(positive(x), true)]]),
  ...rows('choleskyInverse', [[m3, x => extended.choleskyInverse(linalg.cholesky(positive(x)))], [m3, x => extended.choleskyInverse(linalg.cholesky(positive(x), { upper: true }), true), 'upper']]),
  ...rows('choleskySolve', [[two([3, 2], [3, 3]), (y, x) => extended.choleskySolve(y, linalg.cholesky(positive(x)))]]),
  ...rows('linalg.qr', [[m3, x => Object.values(linalg.qr(regular(x)))], [tall, x => Object.values(linalg.qr(spread(x))), 'tall'], [wide, x => Object.values(linalg.qr(spread(x))), 'wide'], [m3, x => linalg.qr(regular(x), 'r').R, 'r']]),
  ...rows('linalg.qr', [[tall, x => Object.values(linalg.qr(x.detach(), 'complete')), 'complete']], { kink: true }),
  ...rows('qr', [[tall, x => Object.values(extended.qr(spread(x)))]]),
  ...rows('geqrf', [[tall, x => Object.values(extended.geqrf(x.detach()))]], { kink: true }),
  ...rows('ormqr', [[[small(4, 3), small(3), small(4, 2)], (x, tau, y) => extended.ormqr(x, tau, y)], [[small(4, 3), small(3), small(2, 4)], (x, tau, y) => extended.ormqr(x, tau, y, false, true), 'right, transposed']]),
  ...rows('linalg.householderProduct', [[[small(4, 3), small(3)], (x, tau) => linalg.householderProduct(x, tau)], [[small(2, 4, 3), small(2, 2)], (x, tau) => linalg.householderProduct(x, tau), 'fewer']]),
  ...rows('linalg.lu', [[m244, x => Object.values(linalg.lu(regular(x)))], [tall, x => Object.values(linalg.lu(spread(x))), 'tall'], [wide, x => Object.values(linalg.lu(spread(x))), 'wide']]),
  ...rows('luUnpack', [[m3, x => { const { LU, pivots } = linalg.luFactor(regular(x)); return Object.values(extended.luUnpack(LU, pivots)) }]]),
  ...rows('linalg.luFactor', [[m244, x => Object.values(linalg.luFactor(regular(x)))]]),
  ...rows('lu', [[m3, x => extended.lu(regular(x), { getInfos: true })]]),
  ...rows('orgqr', [[[small(4, 3), small(3)], (x, tau) => extended.orgqr(x, tau)]]),
  ...rows('linalg.luFactorEx', [[m3, x => Object.values(linalg.luFactorEx(regular(x)))], [[values('float32', [2, 2], [1, 2, 2, 4])], x => linalg.luFactorEx(x).info, 'singular']]),
  ...rows('linalg.luSolve', [true, false].flatMap(left => [true, false].map(adjoint => [two([2, 3, 3], [2, 3, 3]), (x: Tensor, y: Tensor) => {
    const { LU, pivots } = linalg.luFactor(regular(x))
    return linalg.luSolve(LU, pivots, y, { left, adjoint })
  }, `${left ? 'left' : 'right'}${adjoint ? ', adjoint' : ''}`] as const))),
  ...rows('luSolve', [[two([3, 2], [3, 3]), (y, x) => { const { LU, pivots } = linalg.luFactor(regular(x)); return extended.luSolve(y, LU, pivots) }]]),
  ...rows('linalg.eigh', [[m3, x => Object.values(linalg.eigh(symmetric(x)))], [m244, x => Object.values(linalg.eigh(symmetric(x), 'U')), 'upper']]),
  ...rows('linalg.eigvalsh', [[m244, x => linalg.eigvalsh(symmetric(x))]]),
  ...rows('linalg.svd', [[m3, x => Object.values(linalg.svd(spread(x)))], [tall, x => Object.values(linalg.svd(spread(x), false)), 'tall'], [wide, x => Object.values(linalg.svd(spread(x), false)), 'wide']]),
  ...rows('svd', [[tall, x => Object.values(extended.svd(spread(x)))]]),
  ...rows('linalg.svdvals', [[tall, x => linalg.svdvals(spread(x))], [wide, x => linalg.svdvals(spread(x)), 'wide']]),
]

const solved: OpCase[] = [
  ...rows('linalg.solve', [
    [two([3, 3], [3]), (x, y) => linalg.solve(regular(x), y), 'a vector'],
    [two([2, 4, 4], [4, 2]), (x, y) => linalg.solve(regular(x), y), 'broadcast'],
    [two([4, 4], [2, 3, 4]), (x, y) => linalg.solve(regular(x), y, { left: false }), 'right'],
    [two([40, 40], [40, 3]), (x, y) => linalg.solve(x.mul(0.1).add(ops.eye(40).mul(3)), y), 'large'],
  ]),
  ...rows('linalg.solveEx', [[two([3, 3], [3, 2]), (x, y) => Object.values(linalg.solveEx(regular(x), y))]]),
  ...rows('linalg.solveTriangular', [true, false].flatMap(upper => [true, false].flatMap(left => [true, false].map(unitriangular => [two([2, 3, 3], [3, 3]), (x: Tensor, y: Tensor) => linalg.solveTriangular(regular(x), y, { upper, left, unitriangular }), `${upper ? 'upper' : 'lower'}, ${left ? 'left' : 'right'}${unitriangular ? ', unit' : ''}`] as const)))),
  ...rows('triangularSolve', [[two([3, 2], [3, 3]), (y, x) => extended.triangularSolve(y, regular(x)).solution], [two([3, 2], [3, 3]), (y, x) => extended.triangularSolve(y, regular(x), { transpose: true, unitriangular: true }).solution, 'transposed']]),
  ...rows('linalg.inv', [[m3, x => linalg.inv(regular(x))], [m244, x => linalg.inv(regular(x))], [[small(0, 0)], x => linalg.inv(x)]]),
  ...rows('linalg.invEx', [[m3, x => Object.values(linalg.invEx(regular(x)))]]),
  ...rows('inverse', [[m3, x => extended.inverse(regular(x))]]),
  ...rows('linalg.pinv', [[tall, x => linalg.pinv(spread(x))], [wide, x => linalg.pinv(spread(x), { rtol: 1e-3 }), 'wide'], [m3, x => linalg.pinv(symmetric(x), { hermitian: true }), 'hermitian']]),
  ...rows('pinverse', [[tall, x => extended.pinverse(spread(x))]]),
  ...rows('linalg.lstsq', [[two([5, 3], [5, 2]), (x, y) => { const { solution, residuals } = linalg.lstsq(spread(x), y); return [solution, residuals] }], [two([2, 3, 5], [3, 2]), (x, y) => linalg.lstsq(spread(x), y).solution, 'wide']]),
  ...rows('linalg.det', [[m3, x => linalg.det(regular(x))], [m244, x => linalg.det(regular(x))], [[small(0, 0)], x => linalg.det(x)]]),
  ...rows('linalg.det', [[[values('float32', [2, 2], [1, 2, 2, 4])], x => linalg.det(x), 'singular']], { kink: true }),
  ...rows('det', [[m3, x => extended.det(regular(x))]]),
  ...rows('linalg.slogdet', [[m244, x => Object.values(linalg.slogdet(regular(x)))]]),
  ...rows('slogdet', [[m3, x => Object.values(extended.slogdet(regular(x)))]]),
  ...rows('logdet', [[m244, x => extended.logdet(positive(x))]]),
  ...rows('linalg.tensorinv', [[[small(2, 3, 6)], x => linalg.tensorinv(x.reshape(6, 6).add(ops.eye(6).mul(4)).reshape(2, 3, 6), 2)]]),
  ...rows('linalg.tensorsolve', [[two([2, 3, 6], [2, 3]), (x, y) => linalg.tensorsolve(x.reshape(6, 6).add(ops.eye(6).mul(4)).reshape(2, 3, 6), y)]]),
]

const measured: OpCase[] = [
  ...rows('linalg.vectorNorm', [2, 1, 3, 1.5, Infinity, -Infinity, -2].map(p => [[f([3, 4])], (x: Tensor) => linalg.vectorNorm(x, p, 1, true), `order ${p}`] as const)),
  ...rows('linalg.vectorNorm', [[[f([3, 4])], x => linalg.vectorNorm(x, 0), 'counts']]),
  ...rows('linalg.matrixNorm', (['fro', 'nuc', 1, -1, 2, -2, Infinity, -Infinity] as const).map(ord => [wide, (x: Tensor) => linalg.matrixNorm(spread(x), ord, [-1, -2], true), `order ${ord}`] as const)),
  ...rows('linalg.norm', [[[f([2, 3])], x => linalg.norm(x)], [[f([2, 3, 4])], x => linalg.norm(x, 'fro', [0, 2])], [[f([2, 3])], x => linalg.norm(x, Infinity, 1)]]),
  ...rows('linalg.cond', [[m244, x => linalg.cond(spread(x))], [m3, x => linalg.cond(spread(x), 'fro'), 'fro'], [m3, x => linalg.cond(spread(x), -2), '−2']]),
  ...rows('linalg.matrixRank', [[[values('float32', [3, 3], [1, 2, 3, 2, 4, 6, 0, 0, 1])], x => linalg.matrixRank(x)], [[values('float32', [2, 2], [2, 0, 0, 1e-4])], x => linalg.matrixRank(x, 1e-3, true), 'hermitian, tol']]),
]

const powers: OpCase[] = [
  ...[0, 1, 2, 5, -2].flatMap(n => rows('linalg.matrixPower', [[m3, x => linalg.matrixPower(regular(x).mul(0.3), n), `power ${n}`]])),
  ...rows('matrixPower', [[[i([3, 3], -3, 4)], x => extended.matrixPower(x, 3), 'ints']]),
  ...rows('linalg.matrixExp', [[m3, x => linalg.matrixExp(x)], [m244, x => linalg.matrixExp(x.mul(ops.arange(1, 3, 1, { dtype: 'float32' }).reshape(2, 1, 1))), 'of two norms']]),
  ...rows('matrixExp', [[m3, x => extended.matrixExp(x.mul(2))]]),
  ...rows('linalg.vander', [[[f([4])], x => linalg.vander(x)], [[f([2, 3])], x => linalg.vander(x, { N: 4 })], [[i([3], -3, 4)], x => linalg.vander(x), 'ints']]),
  ...rows('vander', [[[f([3])], x => extended.vander(x, 4)], [[f([3])], x => extended.vander(x, { N: 1, increasing: true }), 'increasing']]),
  ...rows('outer', [[[b([3]), b([2])], (x, y) => ops.outer(x, y), 'bools']]),
]

export const linalgCases: readonly OpCase[] = [...products, ...factored, ...solved, ...measured, ...powers]
