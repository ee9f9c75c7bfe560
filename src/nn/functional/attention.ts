// Attention (Vaswani et al. 2017): one kernel, or products and a softmax where weights are dropped.
import { isGradEnabled } from '../../autograd/mode.ts'
import { isFloat } from '../../core/dtype.ts'
import { fail } from '../../core/errors.ts'
import { broadcastShapes } from '../../core/shape.ts'
import { attention, attentionWeights, type AttentionParams } from '../../ops/attention.ts'
import { define, needTensor, type Described } from '../../ops/define.ts'
import { matmul, type Tensor } from '../../ops/index.ts'
import { dropout } from './dropout.ts'

const op = 'scaledDotProductAttention'

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

/** Rows wider than this are too many for the registers of a thread. */
const WIDEST = 256

/** Whether the kernel takes these operands; for others there are products and a softmax. */
function fits(operands: readonly Tensor[], mask: Tensor | null): boolean {
  const { dtype } = operands[0]
  return isFloat(dtype) && operands.every(x => x.dtype === dtype && x.shape.slice(-2).every(n => n > 0) && x.shape.at(-1)! <= WIDEST)
    && (!mask || mask.dtype === 'bool' || mask.dtype === dtype)
}

/** Up to so many weights of a head are stored where a gradient will ask for them: to compute them again takes longer, unless causality spares half. */
const KEPT = 512 * 512

const areKept = ([query, key, value]: readonly Tensor[], { causal }: AttentionParams): boolean =>
  !causal && query.shape.at(-2)! * key.shape.at(-2)! <= KEPT && isGradEnabled() && (query.requiresGrad || key.requiresGrad || value.requiresGrad)

/** Checks query and key, and says how their products become scores. */
export function scoring(query: Tensor, key: Tensor, { isCausal = false, scale }: AttentionOptions): AttentionParams {
  if (query.ndim < 2 || key.ndim < 2) fail(op, `expected […, length, width], got query ${query} and key ${key}`, 'unsqueeze the length')
  const width = query.shape.at(-1)!
  if (width !== key.shape.at(-1)) fail(op, `query ${query} and key ${key} have different widths`, 'the last sizes must be equal')
  return { scale: scale ?? 1 / Math.sqrt(width), causal: isCausal }
}

/** The same as the public function; a mask and causality may meet. */
export function attend(query: Tensor, key: Tensor, value: Tensor, options: AttentionOptions): Tensor {
  const { attnMask: mask = null, dropoutP = 0 } = options
  const params = scoring(query, key, options)
  const operands = [query, key, value]
  const [length, columns] = [query.shape.at(-2)!, key.shape.at(-2)!]
  if (columns !== value.shape.at(-2)) fail(op, `key ${key} and value ${value} have different lengths`, 'each key has its value')
  if (mask && [columns, length].some((n, i) => ![n, 1, undefined].includes(mask.shape.at(-1 - i))))
    fail(op, `the mask ${mask} does not fit ${length} queries and ${columns} keys`, `its last sizes are [${length},${columns}], or 1 where all are treated alike`)
  if (dropoutP > 0 || areKept(operands, params) || !fits(operands, mask)) {
    const weights = attentionWeights(query, key, mask, params)
    return matmul(dropoutP > 0 ? dropout(weights, dropoutP) : weights, value)
  }
  const batch = broadcastShapes(op, [...operands, ...(mask ? [mask] : [])].map(x => x.shape.slice(0, -2)))
  const [q, k, v] = operands.map(x => x.expand(...batch, ...x.shape.slice(-2)))
  return attention(q, k, v, mask && mask.expand(...batch, length, columns), params)
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
export const scaledDotProductAttention: Attention = define(op, names, ({ query, key, value, ...options }: AttentionArgs) => {
  for (const x of [query, key, value]) needTensor(op, x)
  if (options.attnMask && options.isCausal) fail(op, 'attnMask and isCausal are both given', 'put causality into the mask, or leave one out')
  const [k, v] = options.enableGqa ? [key, value].map(x => headsLike(x, query)) : [key, value]
  return attend(query, k, v, options)
})

/** The heads of key or value, each repeated as often as query has more. */
function headsLike(x: Tensor, query: Tensor): Tensor {
  const [have, want] = [x.shape.at(-3), query.shape.at(-3)]
  if (have === undefined || want === undefined || want % have) fail(op, `the heads of ${x} do not divide those of query ${query}`, '[…, heads, length, width]')
  return have === want ? x : x.repeatInterleave(want / have, -3)
}
