// The op records of dense factorisations: one `factor` kernel or a few of them each, and derivatives in ops, so that any order works.
// The rules are the known ones: Giles (2008) for eigenvalues and singular values, Murray (2016) for Cholesky, Walter & Lehmann (2010) for QR,
// and differentials of P·L·U for LU.
import '../../backend/factoring.ts'
import { scalarType } from '../../core/dtype.ts'
import { fail } from '../../core/errors.ts'
import type { Shape } from '../../core/shape.ts'
import { sliceView } from '../../core/view.ts'
import type { FactorOp } from '../../ir/kernel.ts'
import { program, S } from '../../ir/scalar.ts'
import { cast } from '../cast.ts'
import { apply1 } from '../define.ts'
import { matmul } from '../matmul.ts'
import { cat, mT, narrow, unsqueeze } from '../movement.ts'
import type { Arg, Lowering, Op } from '../op.ts'
import { add, div, eq, mul, neg, sub, where } from '../pointwise.ts'
import type { Tensor } from '../tensor.ts'
import { world } from '../world.ts'
import { batchOf, cached, identityLike, iota, lowerPart, transposed, triangleInto, upperPart } from './tools.ts'

/** The public op that fails when a matrix cannot be factorised; null where `info` tells. */
interface Strict {
  readonly strict: string | null
}

const sizes = (shape: Shape): [m: number, n: number, k: number] => [shape.at(-2)!, shape.at(-1)!, Math.min(shape.at(-2)!, shape.at(-1)!)]
const factor = (k: Lowering, op: FactorOp, inputs: readonly Arg[], outputs: readonly Arg[], strict: string | null = null): void =>
  k.run({ kind: 'factor', op, strict }, inputs, outputs)

/** X with A·X = B for a triangular A. */
export interface TriangularParams {
  readonly upper: boolean
  readonly unit: boolean
}
const solvers = { lower: { plain: 'lowerSolve', unit: 'unitLowerSolve' }, upper: { plain: 'upperSolve', unit: 'unitUpperSolve' } } as const
const triangularOp: Op<TriangularParams> = {
  name: 'linalg.solveTriangular',
  infer: ([, b]) => [{ dtype: b.dtype, shape: b.shape }],
  lower(k, [a, b], { upper, unit }) {
    const x = k.alloc(b.view.dtype, b.view.shape)
    factor(k, solvers[upper ? 'upper' : 'lower'][unit ? 'unit' : 'plain'], [a, b], [x])
    return [x]
  },
  vjp: ([g], { params: { upper, unit }, inputs: [a], outputs: [x], needs }) => {
    if (!g) return [null, null]
    const gb = triangular(mT(a), g, !upper, unit)
    const part = upper ? upperPart : lowerPart
    return [needs[0] ? neg(part(matmul(gb, mT(x)), unit ? (upper ? 1 : -1) : 0)) : null, gb]
  },
  saves: 'both',
}
/** A⁻¹·B. */
export const triangular = (a: Tensor, b: Tensor, upper: boolean, unit = false): Tensor => apply1(triangularOp, [a, b], { upper, unit })
/** B·A⁻¹. */
export const triangularRight = (a: Tensor, b: Tensor, upper: boolean, unit = false): Tensor => mT(triangular(mT(a), mT(b), !upper, unit))

/** outputs: L, info. */
export const choleskyOp: Op<Strict> = {
  name: 'linalg.cholesky',
  infer: ([a]) => [{ dtype: a.dtype, shape: a.shape }, { dtype: 'int32', shape: batchOf(a.shape) }],
  lower(k, [a], { strict }) {
    const out = [k.alloc(a.view.dtype, a.view.shape), k.alloc('int32', batchOf(a.view.shape))]
    factor(k, 'cholesky', [a], out, strict)
    return out
  },
  // Φ(LᵀG) is the lower triangle with half of the diagonal; A takes the symmetric half of L⁻ᵀ·Φ·L⁻¹.
  vjp: ([g], { outputs: [l] }) => {
    if (!g) return [null]
    const p = matmul(mT(l), g)
    const phi = mul(add(lowerPart(p), lowerPart(p, -1)), 0.5)
    const ga = triangular(mT(l), triangularRight(l, phi, false), true)
    return [mul(add(ga, mT(ga)), 0.5)]
  },
  saves: 'outputs',
}

/** pivots → the row that each row came from. */
const orderOp: Op<{ m: number }> = {
  name: 'linalg.permutation',
  infer: ([pivots], { m }) => [{ dtype: 'int32', shape: [...pivots.shape.slice(0, -1), m] }],
  lower(k, [pivots], { m }) {
    const out = k.alloc('int32', [...pivots.view.shape.slice(0, -1), m])
    factor(k, 'permutation', [pivots], [out])
    return [out]
  },
  saves: 'nothing',
}
export const rowOrder = (pivots: Tensor, m: number): Tensor => apply1(orderOp, [pivots], { m })
/** Pᵀ as a matrix, where A = P·L·U. */
export const permutationT = (pivots: Tensor, m: number, like: Tensor): Tensor => cast(eq(unsqueeze(rowOrder(pivots, m), -1), iota(like, m)), like.dtype)

/** outputs: LU, pivots, info. */
export const luOp: Op<Strict> = {
  name: 'linalg.luFactor',
  infer: ([{ dtype, shape }]) => [{ dtype, shape }, { dtype: 'int32', shape: [...batchOf(shape), sizes(shape)[2]] }, { dtype: 'int32', shape: batchOf(shape) }],
  lower(k, [a], { strict }, metas) {
    const out = metas.map(({ dtype, shape }) => k.alloc(dtype, shape))
    factor(k, 'lu', [a], out, strict)
    return out
  },
  // With A₁ the leading square, X = L⁻ᵀ·[(LᵀG_L − G_U₂U₂ᵀ) below + (G_U U₁ᵀ − L₂ᵀG_L₂) above the diagonal]·U⁻ᵀ is the gradient of its rows before
  // the swaps; the columns to its right get L⁻ᵀ·G_U₂, the rows under it G_L₂·U⁻ᵀ.
  vjp: ([g], { outputs: [lu, pivots] }) => {
    if (!g) return [null]
    const [m, n, k] = sizes(lu.shape)
    const top = (x: Tensor): Tensor => narrow(narrow(x, -2, 0, k), -1, 0, k)
    const [f, h] = [top(lu), top(g)]
    const right = (x: Tensor): Tensor => narrow(x, -1, k, n - k)
    const under = (x: Tensor): Tensor => narrow(x, -2, k, m - k)
    const l = add(lowerPart(f, -1), identityLike(lu, k))
    let below = matmul(mT(l), lowerPart(h, -1))
    let above = matmul(upperPart(h), mT(upperPart(f)))
    if (n > k) below = sub(below, matmul(right(g), mT(right(lu))))
    if (m > k) above = sub(above, matmul(mT(under(lu)), under(g)))
    const back = (x: Tensor): Tensor => triangular(mT(f), x, true, true)
    const byU = (x: Tensor): Tensor => triangularRight(mT(f), x, false)
    let ga = back(byU(add(lowerPart(below, -1), upperPart(above))))
    if (n > k) ga = cat([ga, back(right(g))], -1)
    if (m > k) ga = cat([ga, byU(under(g))], -2)
    return [matmul(mT(permutationT(pivots, m, lu)), ga)]
  },
  saves: 'outputs',
}

/** A, B → X with A·X = B, and info. */
const solveOp: Op<Strict> = {
  name: 'linalg.solve',
  infer: ([a, b]) => [{ dtype: b.dtype, shape: b.shape }, { dtype: 'int32', shape: batchOf(a.shape) }],
  lower(k, [a, b], { strict }) {
    const { dtype, shape } = a.view
    const batch = batchOf(shape)
    const [lu, pivots, info] = [k.alloc(dtype, shape), k.alloc('int32', shape.slice(0, -1)), k.alloc('int32', batch)]
    factor(k, 'lu', [a], [lu, pivots, info], strict)
    const order = k.alloc('int32', shape.slice(0, -1))
    factor(k, 'permutation', [pivots], [order])
    const [swapped, half, x] = Array.from({ length: 3 }, () => k.alloc(dtype, b.view.shape))
    const rows: Arg = { view: { ...order.view, shape: b.view.shape, strides: [...order.view.strides, 0] }, slot: order.slot }
    k.run({ kind: 'gather', axis: batch.length }, [b, rows], [swapped])
    factor(k, 'unitLowerSolve', [lu, swapped], [half])
    factor(k, 'upperSolve', [lu, half], [x])
    return [x, info]
  },
  vjp: ([g], { inputs: [a], outputs: [x], needs, params }) => {
    if (!g) return [null, null]
    const [gb] = world().apply(solveOp, [mT(a), g], params)
    return [needs[0] ? neg(matmul(gb, mT(x))) : null, gb]
  },
  saves: 'both',
}
export const solved = (a: Tensor, b: Tensor, strict: string | null): readonly [x: Tensor, info: Tensor] => {
  const [x, info] = world().apply(solveOp, [a, b], { strict })
  return [x, info]
}

/** The orthogonal factor of what `qr` has packed; as many columns as asked for. */
function orthogonal(k: Lowering, packed: Arg, tau: Arg, columns: number): Arg {
  const q = k.alloc(packed.view.dtype, [...packed.view.shape.slice(0, -1), columns])
  factor(k, 'householder', [packed, tau], [q])
  return q
}
function packedQr(k: Lowering, a: Arg): [packed: Arg, tau: Arg] {
  const { dtype, shape } = a.view
  const out: [Arg, Arg] = [k.alloc(dtype, shape), k.alloc(dtype, [...batchOf(shape), sizes(shape)[2]])]
  factor(k, 'qr', [a], out)
  return out
}

/** As LAPACK's geqrf: packed, tau. */
export const geqrfOp: Op<null> = {
  name: 'geqrf',
  infer: ([{ dtype, shape }]) => [{ dtype, shape }, { dtype, shape: [...batchOf(shape), sizes(shape)[2]] }],
  lower: (k, [a]) => packedQr(k, a),
  saves: 'nothing',
}

/** outputs: Q, R; the complete ones have m columns and rows. */
export const qrOp: Op<{ complete: boolean }> = {
  name: 'linalg.qr',
  infer: ([{ dtype, shape }], { complete }) => {
    const [m, n, k] = sizes(shape)
    const q = complete ? m : k
    return [{ dtype, shape: [...batchOf(shape), m, q] }, { dtype, shape: [...batchOf(shape), q, n] }]
  },
  lower(k, [a], _, [q, r]) {
    const [packed, tau] = packedQr(k, a)
    const rows = q.shape.at(-1)!
    const upper = k.alloc(r.dtype, r.shape)
    const from = { view: sliceView(packed.view, r.shape.length - 2, 0, 1, rows), slot: packed.slot }
    triangleInto(k, from, upper, false)
    return [orthogonal(k, packed, tau, rows), upper]
  },
  vjp: ([gq, gr], { outputs: [q, r], params: { complete }, shapes: [shape] }) => {
    const [m, n] = sizes(shape)
    if (complete && m > n) fail('linalg.qr', "the derivative of mode 'complete' is not defined for matrices of more rows than columns", "use mode 'reduced'")
    if (!gq && !gr) return [null]
    const qq = gq && matmul(mT(q), gq)
    const rr = gr && matmul(gr, mT(r))
    if (m >= n) {
      const middle = upperPart(qq && rr ? sub(rr, qq) : (rr ?? neg(qq!)))
      const symmetric = add(middle, mT(upperPart(middle, 1)))
      const inner = matmul(q, symmetric)
      return [triangularRight(mT(r), gq ? add(gq, inner) : inner, false)]
    }
    const skew = qq && rr ? sub(qq, rr) : (qq ?? neg(rr!))
    const square = matmul(q, triangularRight(mT(narrow(r, -1, 0, m)), lowerPart(sub(skew, mT(skew)), -1), false))
    const rest = mul(narrow(r, -1, m, n - m), 0)
    const wide = cat([square, rest], -1)
    return [gr ? add(wide, matmul(q, gr)) : wide]
  },
  saves: 'outputs',
}

/** outputs: eigenvalues, eigenvectors. */
export const eighOp: Op<{ upper: boolean }> = {
  name: 'linalg.eigh',
  infer: ([{ dtype, shape }]) => [{ dtype, shape: shape.slice(0, -1) }, { dtype, shape }],
  lower(k, [a], { upper }, metas) {
    const out = metas.map(({ dtype, shape }) => k.alloc(dtype, shape))
    factor(k, 'eigh', [upper ? transposed(a) : a], out)
    return out
  },
  vjp: ([gl, gv], { outputs: [values, v] }) => {
    if (!gl && !gv) return [null]
    if (!gv) return [matmul(mul(v, unsqueeze(gl!, -2)), mT(v))]
    const gaps = sub(unsqueeze(values, -2), unsqueeze(values, -1))
    const inner = div(matmul(mT(v), gv), onDiagonal(gaps, 1))
    const symmetric = mul(add(inner, mT(inner)), 0.5)
    return [matmul(v, matmul(onDiagonal(symmetric, gl ? unsqueeze(gl, -1) : 0), mT(v)))]
  },
  saves: 'outputs',
}

/** x with other values on the diagonal. */
const onDiagonal = (x: Tensor, values: Tensor | number): Tensor => {
  const at = iota(x, x.shape.at(-1)!)
  return where(eq(unsqueeze(at, 1), at), values, x)
}

/** The columns of A·V, the singular values, V: for a matrix of at least as many rows as columns. */
function singular(k: Lowering, a: Arg): [w: Arg, s: Arg, v: Arg] {
  const { dtype, shape } = a.view
  const [, n] = sizes(shape)
  const out: [Arg, Arg, Arg] = [k.alloc(dtype, shape), k.alloc(dtype, [...batchOf(shape), n]), k.alloc(dtype, [...batchOf(shape), n, n])]
  factor(k, 'svd', [a], out)
  return out
}
const isWide = (shape: Shape): boolean => shape.at(-2)! < shape.at(-1)!

/** outputs: U, S, Vᵀ. A·V = U·S is an orthogonal factor times a diagonal one, so its QR gives U, completed where singular values are 0. */
export const svdOp: Op<{ full: boolean }> = {
  name: 'linalg.svd',
  infer: ([{ dtype, shape }], { full }) => {
    const [m, n, k] = sizes(shape)
    return [
      { dtype, shape: [...batchOf(shape), m, full ? m : k] },
      { dtype, shape: [...batchOf(shape), k] },
      { dtype, shape: [...batchOf(shape), full ? n : k, n] },
    ]
  },
  lower(k, [a], { full }) {
    const wide = isWide(a.view.shape)
    const tall = wide ? transposed(a) : a
    const [w, s, v] = singular(k, tall)
    const [m, n] = sizes(tall.view.shape)
    const [packed, tau] = packedQr(k, w)
    const u = orthogonal(k, packed, tau, full ? m : n)
    const rank = u.view.shape.length
    const first = { view: sliceView(u.view, rank - 1, 0, 1, n), slot: u.slot }
    const { strides } = packed.view
    const signs = { view: { ...packed.view, shape: first.view.shape, strides: [...strides.slice(0, -2), 0, strides[rank - 2] + strides[rank - 1]] }, slot: packed.slot }
    const t = scalarType(u.view.dtype)
    const rule = cached(`signed ${t}`, () => program([S.select(S.lt(S.input(1, t), 0), S.neg(S.input(0, t)), S.input(0, t))], [t, t]))
    k.run({ kind: 'map', program: rule, params: [] }, [first, signs], [first])
    return wide ? [v, s, transposed(u)] : [u, s, transposed(v)]
  },
  vjp: ([gu, gs, gvh], { outputs: [u0, s, vh0], shapes: [shape] }) => {
    const [m, n, k] = sizes(shape)
    const [u, vh] = [narrow(u0, -1, 0, k), narrow(vh0, -2, 0, k)]
    if (!gu && !gvh) return [gs && matmul(mul(u, unsqueeze(gs, -2)), vh)]
    const [hu, hv] = [gu && narrow(gu, -1, 0, k), gvh && mT(narrow(gvh, -2, 0, k))]
    const squares = mul(s, s)
    const gaps = onDiagonal(sub(unsqueeze(squares, -2), unsqueeze(squares, -1)), 1)
    const skew = (x: Tensor): Tensor => div(sub(x, mT(x)), gaps)
    const [row, column] = [unsqueeze(s, -2), unsqueeze(s, -1)]
    const uu = hu && matmul(mT(u), hu)
    const vv = hv && matmul(vh, hv)
    const inner = [uu && mul(skew(uu), row), vv && mul(column, skew(vv))].filter(x => x !== null).reduce((a, b) => add(a, b))
    const middle = gs ? onDiagonal(inner, unsqueeze(gs, -1)) : inner
    let left = matmul(u, middle)
    if (m > k && hu && uu) left = add(left, div(sub(hu, matmul(u, uu)), row))
    let ga = matmul(left, vh)
    if (n > k && hv && vv) ga = add(ga, matmul(u, div(mT(sub(hv, matmul(mT(vh), vv))), column)))
    return [ga]
  },
  saves: 'outputs',
}

/** Singular values alone; the vectors are made when a derivative asks for them. */
export const svdvalsOp: Op<null> = {
  name: 'linalg.svdvals',
  infer: ([{ dtype, shape }]) => [{ dtype, shape: [...batchOf(shape), sizes(shape)[2]] }],
  lower: (k, [a]) => [singular(k, isWide(a.view.shape) ? transposed(a) : a)[1]],
  vjp: ([g], { inputs: [a] }) => {
    if (!g) return [null]
    const [u, , vh] = world().apply(svdOp, [a], { full: false })
    return [matmul(mul(u, unsqueeze(g, -2)), vh)]
  },
  saves: 'inputs',
}

