// Multi-head attention (Vaswani et al. 2017) with PyTorch's parameter layout, so that its checkpoints fit.
import { fail } from '../../core/errors.ts'
import { needWhole, withDefaults } from '../../core/options.ts'
import { add, empty, linear, matmul, where, zeros, type Tensor } from '../../ops/index.ts'
import { attentionWeights, causalMask } from '../functional/attention.ts'
import { dropout } from '../functional/dropout.ts'
import { xavierUniform_, zeros_ } from '../init.ts'
import { Module } from '../module.ts'
import { Parameter } from '../parameter.ts'
import { Linear } from './linear.ts'

export interface MultiheadAttentionOptions {
  /** Share of attention weights dropped in training. */
  dropout?: number
  bias?: boolean
  /** Inputs are [N, L, E]; false (the default): [L, N, E]. */
  batchFirst?: boolean
}

export interface MultiheadAttentionInputs {
  /** bool [N, S]: true where a key is padding, to be ignored; float32: added to the scores. */
  keyPaddingMask?: Tensor | null
  /** Also give the attention weights. Default true. */
  needWeights?: boolean
  /** [L, S] or [N·heads, L, S]. bool: true where looking is NOT allowed; float32: added to the scores. */
  attnMask?: Tensor | null
  /** Weights are the mean over heads [N, L, S] (default), else [N, heads, L, S]. */
  averageAttnWeights?: boolean
  /** Positions see themselves and earlier ones only; no mask is needed for it. */
  isCausal?: boolean
}
const inputDefaults: Required<MultiheadAttentionInputs> = { keyPaddingMask: null, needWeights: true, attnMask: null, averageAttnWeights: true, isCausal: false }

/** A mask of either dtype as a term of the scores: bool true becomes −∞. */
const asTerm = (mask: Tensor): Tensor => (mask.dtype === 'bool' ? where(mask, -Infinity, zeros(mask.shape)) : mask)

/**
 * Attention with several heads side by side. Query [L, N, E], key and value [S, N, E] (or [N, L, E] with `batchFirst`, or [L, E] for one
 * sample) → [output like the query, weights or null]. As `torch.nn.MultiheadAttention`.
 *
 * @example
 * const attention = new nn.MultiheadAttention(48, 4, { batchFirst: true })
 * const x = randn(2, 5, 48)
 * const [y] = attention.forward(x, x, x, { isCausal: true, needWeights: false })
 * y.shape // → [ 2, 5, 48 ]
 */
export class MultiheadAttention extends Module {
  /** Weights of query, key and value, one below the other: [3·E, E]. */
  readonly inProjWeight: Parameter
  readonly inProjBias: Parameter | null
  readonly outProj: Linear
  readonly dropout: number
  readonly batchFirst: boolean

  constructor(
    readonly embedDim: number,
    readonly numHeads: number,
    options: MultiheadAttentionOptions = {},
  ) {
    super()
    needWhole('MultiheadAttention', { embedDim, numHeads })
    if (embedDim % numHeads) fail('MultiheadAttention', `embedDim ${embedDim} does not divide into ${numHeads} heads`, 'numHeads must divide embedDim')
    const o = withDefaults('MultiheadAttention', options, { dropout: 0, bias: true, batchFirst: false })
    this.dropout = o.dropout
    this.batchFirst = o.batchFirst
    this.inProjWeight = new Parameter(empty(3 * embedDim, embedDim))
    this.inProjBias = o.bias ? new Parameter(zeros(3 * embedDim)) : null
    this.outProj = new Linear(embedDim, embedDim, { bias: o.bias })
    xavierUniform_(this.inProjWeight)
    if (this.outProj.bias) zeros_(this.outProj.bias)
  }

  override forward(query: Tensor, key: Tensor, value: Tensor, inputs: MultiheadAttentionInputs = {}): [Tensor, Tensor | null] {
    const { needWeights, averageAttnWeights, ...masks } = withDefaults('MultiheadAttention', inputs, inputDefaults)
    const { embedDim: width, numHeads: heads } = this
    for (const [name, x] of Object.entries({ query, key, value }))
      if (x.ndim !== query.ndim || (x.ndim !== 2 && x.ndim !== 3) || x.shape[x.ndim - 1] !== width)
        fail('MultiheadAttention', `${name} is ${x}, expected ${this.batchFirst ? '[N, L, E]' : '[L, N, E]'} or [L, E] with E = ${width}`, 'linear layers change the width')
    const single = query.ndim === 2
    // To [N, L, E].
    const batched = (x: Tensor): Tensor => (single ? x.unsqueeze(0) : this.batchFirst ? x : x.transpose(0, 1))
    const [q, k, v] = this.project(query, key, value).map(x => {
      const y = batched(x)
      return y.reshape(y.shape[0], y.shape[1], heads, width / heads).transpose(1, 2)
    })
    const weights = attentionWeights(q, k, { attnMask: this.mask(masks, q, k) })
    const used = dropout(weights, this.dropout, { training: this.dropout > 0 && this.training })
    const joined = matmul(used, v).transpose(1, 2).reshape(q.shape[0], q.shape[2], width)
    const out = this.outProj.forward(single ? joined.reshape(joined.shape[1], width) : this.batchFirst ? joined : joined.transpose(0, 1))
    if (!needWeights) return [out, null]
    const shown = averageAttnWeights ? used.mean(1) : used
    return [out, single ? shown.reshape(shown.shape.slice(1)) : shown]
  }

  /** Query, key and value through their linear maps; one product where all three are the same. */
  private project(query: Tensor, key: Tensor, value: Tensor): Tensor[] {
    const { inProjWeight: w, inProjBias: b, embedDim } = this
    if (query === key && key === value) return linear(query, w, b).chunk(3, -1)
    return [query, key, value].map((x, i) => linear(x, w.narrow(0, i * embedDim, embedDim), b?.narrow(0, i * embedDim, embedDim)))
  }

  /** All masks as one term of the scores [N, heads, L, S], or one bool mask where only causality is asked. */
  private mask({ keyPaddingMask, attnMask, isCausal }: Pick<Required<MultiheadAttentionInputs>, 'keyPaddingMask' | 'attnMask' | 'isCausal'>, q: Tensor, k: Tensor): Tensor | null {
    const [n, heads, rows] = q.shape
    const columns = k.shape[2]
    const terms: Tensor[] = []
    if (attnMask) {
      if (attnMask.shape.at(-2) !== rows || attnMask.shape.at(-1) !== columns || (attnMask.ndim === 3 && attnMask.shape[0] !== n * heads))
        fail('MultiheadAttention', `attnMask ${attnMask} fits neither [${rows}, ${columns}] nor [${n * heads}, ${rows}, ${columns}]`, 'bool: true where looking is not allowed')
      terms.push(asTerm(attnMask.ndim === 3 ? attnMask.reshape(n, heads, rows, columns) : attnMask))
    }
    if (keyPaddingMask) {
      if (keyPaddingMask.numel !== n * columns) fail('MultiheadAttention', `keyPaddingMask ${keyPaddingMask} is not [${n}, ${columns}]`, 'bool: true where a key is padding')
      terms.push(asTerm(keyPaddingMask).reshape(n, 1, 1, columns))
    }
    if (!isCausal) return terms.length ? terms.reduce((a, b) => add(a, b)) : null
    const causal = causalMask(rows, columns)
    return terms.length ? terms.reduce((a, b) => add(a, b), asTerm(causal.logicalNot())) : causal
  }

  override extraRepr(): string {
    return `${this.embedDim}, ${this.numHeads}${this.dropout ? `, dropout=${this.dropout}` : ''}${this.batchFirst ? ', batchFirst=true' : ''}`
  }
}
