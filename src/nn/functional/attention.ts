// Attention as products and a softmax (Vaswani et al. 2017).
import { fail } from '../../core/errors.ts'
import { define, needTensor, type Described } from '../../ops/define.ts'
import { add, arange, ge, matmul, mul, softmax, where, type Tensor } from '../../ops/index.ts'
import { dropout } from './dropout.ts'

/** Row i may look at columns 0 … i: bool [rows, columns]. */
export const causalMask = (rows: number, columns: number): Tensor => ge(arange(rows).unsqueeze(1), arange(columns))

export interface AttentionOptions {
  /** bool: true where looking is allowed; float32: added to the scores. Broadcast to […, L, S]. */
  attnMask?: Tensor | null
  /** Share of weights that is dropped. Use 0 outside training. */
  dropoutP?: number
  /** Positions see themselves and earlier ones only. */
  isCausal?: boolean
  /** Default 1/√E. */
  scale?: number | null
  /** Query has more heads (dimension −3) than key and value: each of theirs serves several neighbours (Ainslie et al. 2023). */
  enableGqa?: boolean
}

/** softmax(q·kᵀ·scale + mask), […, L, S]. */
export function attentionWeights(query: Tensor, key: Tensor, { attnMask, isCausal = false, scale }: AttentionOptions): Tensor {
  const op = 'scaledDotProductAttention'
  if (query.ndim < 2 || key.ndim < 2) fail(op, `expected […, length, width], got query ${query} and key ${key}`, 'unsqueeze the length')
  if (query.shape.at(-1) !== key.shape.at(-1)) fail(op, `query ${query} and key ${key} have different widths`, 'the last sizes must be equal')
  const width = query.shape[query.ndim - 1]
  const scores = matmul(mul(query, scale ?? 1 / Math.sqrt(width)), key.mT())
  const masks = [attnMask, isCausal ? causalMask(query.shape[query.ndim - 2], key.shape[key.ndim - 2]) : null]
  const masked = masks.reduce<Tensor>((s, m) => (!m ? s : m.dtype === 'bool' ? where(m, s, -Infinity) : add(s, m)), scores)
  return softmax(masked, -1)
}

type Attention = ((query: Tensor, key: Tensor, value: Tensor, options?: AttentionOptions) => Tensor) & Described
type AttentionArgs = AttentionOptions & { query: Tensor; key: Tensor; value: Tensor }
const names = ['query', 'key', 'value', 'attnMask', 'dropoutP', 'isCausal', 'scale', 'enableGqa']
/**
 * Weighted means of `value`: query […, L, E], key […, S, E], value […, S, V] → […, L, V]. As `torch.nn.functional.scaled_dot_product_attention`.
 *
 * @example
 * const x = randn(2, 4, 5, 8) // batch, heads, length, width
 * F.scaledDotProductAttention(x, x, x, { isCausal: true }).shape // → [ 2, 4, 5, 8 ]
 */
export const scaledDotProductAttention: Attention = define('scaledDotProductAttention', names, (a: AttentionArgs) => {
  const op = 'scaledDotProductAttention'
  for (const x of [a.query, a.key, a.value]) needTensor(op, x)
  if (a.attnMask && a.isCausal) fail(op, 'attnMask and isCausal are both given', 'put causality into the mask, or leave one out')
  const [key, value] = a.enableGqa ? [a.key, a.value].map(x => headsLike(op, x, a.query)) : [a.key, a.value]
  const weights = attentionWeights(a.query, key, a)
  return matmul(a.dropoutP ? dropout(weights, a.dropoutP) : weights, value)
})

/** The heads of key or value, each repeated as often as query has more. */
function headsLike(op: string, x: Tensor, query: Tensor): Tensor {
  const [have, want] = [x.shape.at(-3), query.shape.at(-3)]
  if (have === undefined || want === undefined || want % have) fail(op, `the heads of ${x} do not divide those of query ${query}`, '[…, heads, length, width]')
  return have === want ? x : x.repeatInterleave(want / have, -3)
}
