// Attention (Vaswani et al. 2017) in one record: the weights of all pairs are never stored, and the derivative computes them again from one
// number a row (Dao et al. 2022, "FlashAttention").
import { attending } from '../backend/attending.ts'
import type { DType } from '../core/dtype.ts'
import type { Shape } from '../core/shape.ts'
import { permuteView } from '../core/view.ts'
import { arange } from './creation.ts'
import { beside } from './define.ts'
import { matmul } from './matmul.ts'
import { mT, unsqueeze } from './movement.ts'
import type { Arg, Lowering, Op } from './op.ts'
import { add, eq, ge, logicalNot, mul, sub, where } from './pointwise.ts'
import { amax, any, sum } from './reduce.ts'
import { softmax } from './softmax.ts'
import type { Tensor } from './tensor.ts'
import { world } from './world.ts'

export interface AttentionParams {
  readonly scale: number
  /** Row i sees columns 0 … i. */
  readonly causal: boolean
}

/** Row i may look at columns 0 … i: bool [rows, columns], on the device of x. */
export const causalMask = (x: Tensor, rows: number, columns: number): Tensor => beside(x, () => ge(unsqueeze(arange(rows), 1), arange(columns)))

/** scale·q·kᵀ + mask, […, L, S]. */
export function attentionScores(q: Tensor, k: Tensor, mask: Tensor | null | undefined, { scale, causal }: AttentionParams): Tensor {
  const masks = [mask, causal ? causalMask(q, q.shape[q.ndim - 2], k.shape[k.ndim - 2]) : null]
  return masks.reduce<Tensor>((s, m) => (!m ? s : m.dtype === 'bool' ? where(m, s, -Infinity) : add(s, m)), matmul(mul(q, scale), mT(k)))
}

/** softmax of the scores; zeros where a mask leaves a row nothing to see. */
export function attentionWeights(q: Tensor, k: Tensor, mask: Tensor | null | undefined, params: AttentionParams): Tensor {
  if (!mask) return softmax(attentionScores(q, k, null, params), -1)
  const isBool = mask.dtype === 'bool'
  const all = params.causal ? where(causalMask(q, q.shape[q.ndim - 2], k.shape[k.ndim - 2]), mask, isBool ? false : -Infinity) : mask
  const blind = isBool ? logicalNot(any(all, -1, true)) : eq(amax(all, -1, true), -Infinity)
  // Such rows are computed as if they saw all, so that no NaN arises, here or in derivatives.
  const weights = softmax(attentionScores(q, k, where(blind, isBool ? true : 0, all), { ...params, causal: false }), -1)
  return where(blind, 0, weights)
}

/** Memory in which the rows of all heads […, heads, L, width] lie side by side, as […, L, heads·width] wants them. */
function allocHeads(k: Lowering, dtype: DType, shape: Shape): Arg {
  const n = shape.length
  if (n < 4) return k.alloc(dtype, shape)
  const order = [...shape.keys()].with(n - 3, n - 2).with(n - 2, n - 3)
  const memory = k.alloc(dtype, order.map(d => shape[d]))
  return { view: permuteView(memory.view, order), slot: memory.slot }
}

const rowSum = (x: Tensor): Tensor => sum(x, -1, true)
const total = (...terms: (Tensor | null)[]): Tensor | null => terms.reduce((a, b) => (a && b ? add(a, b) : (a ?? b)), null)

/** dS = P∘(g·vᵀ − Σ P∘g·vᵀ), what flows back to the scores. */
const scoresGradient = (p: Tensor, dp: Tensor): Tensor => mul(p, sub(dp, rowSum(mul(p, dp))))

/** q […, L, E], k […, S, E], v […, S, V], perhaps a mask […, L, S], with equal batch axes → the means […, L, V], log Σ e^score […, L]. */
export const attentionOp: Op<AttentionParams> = attending({
  name: 'attention',
  infer: ([q, , v]) => [{ dtype: q.dtype, shape: [...q.shape.slice(0, -1), v.shape.at(-1)!] }, { dtype: q.dtype === 'float64' ? 'float64' : 'float32', shape: q.shape.slice(0, -1) }],
  lower(k, inputs, params, [out, lse]) {
    const results = [allocHeads(k, out.dtype, out.shape), k.alloc(lse.dtype, lse.shape)]
    k.run({ kind: 'attention', pass: 'forward', ...params }, inputs, results)
    return results
  },
  vjp([g], { inputs: [q, k, v, mask], outputs: [out, lse], params, needs }) {
    if (!g) return []
    const more = mask ? [mask] : []
    const gradients = needs[0] || needs[1] || needs[2] ? world().apply(attentionBackwardOp, [g, out, lse, q, k, v, ...more], params) : []
    return [...gradients, needs[3] ? scoresGradient(attentionWeights(q, k, mask, params), matmul(g, mT(v))) : null]
  },
  saves: 'both',
})

/**
 * g, out, lse, q, k, v, mask → dq = scale·dS·k, dk = scale·dSᵀ·q, dv = Pᵀ·g. Its own derivative is that of these formulas. With a, b, c the cotangents
 * of the three, W = scale·(a·kᵀ + q·bᵀ) is that of dS, so X = P∘(W − Σ P∘W) that of g·vᵀ.
 */
export const attentionBackwardOp: Op<AttentionParams> = {
  name: 'attentionBackward',
  infer: inputs => inputs.slice(3, 6).map(({ dtype, shape }) => ({ dtype, shape })),
  lower(k, inputs, params, results) {
    const gradients = results.map(r => allocHeads(k, r.dtype, r.shape))
    k.run({ kind: 'attention', pass: 'backward', ...params }, inputs, gradients)
    return gradients
  },
  vjp([a, b, c], { inputs: [g, , , q, k, v, mask], params, needs }) {
    const { scale } = params
    const p = attentionWeights(q, k, mask, params)
    const dp = matmul(g, mT(v))
    const ds = scoresGradient(p, dp)
    const w = total(a && matmul(mul(a, scale), mT(k)), b && matmul(mul(q, scale), mT(b)))
    const x = w && scoresGradient(p, w)
    // ∂/∂P = g·vᵀ∘(W − Σ P∘W) − W·Σ P∘g·vᵀ + g·cᵀ, then through the softmax.
    const toWeights = total(w && sub(mul(dp, sub(w, rowSum(mul(p, w)))), mul(w, rowSum(mul(p, dp)))), c && matmul(g, mT(c)))
    const s = toWeights && scoresGradient(p, toWeights)
    const times = (m: Tensor | null, y: Tensor | null): Tensor | null => m && y && matmul(m, mul(y, scale))
    return [
      total(x && matmul(x, v), c && matmul(p, c)), null, null,
      total(times(s, k), times(ds, b)),
      total(times(s && mT(s), q), times(mT(ds), a)),
      x && matmul(mT(x), g),
      needs[6] ? s : null,
    ]
  },
  saves: 'inputs',
}

/** Softmax-weighted means of v; operands as the record wants them. */
export const attention = (q: Tensor, k: Tensor, v: Tensor, mask: Tensor | null, params: AttentionParams): Tensor =>
  world().apply(attentionOp, mask ? [q, k, v, mask] : [q, k, v], params)[0]
