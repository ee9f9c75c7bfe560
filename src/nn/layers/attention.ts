// Multi-head attention (Vaswani et al. 2017) with PyTorch's parameter layout, so that its checkpoints fit.
import { fail } from '../../core/errors.ts'
import { needWhole, withDefaults } from '../../core/options.ts'
import type { DType } from '../../core/dtype.ts'
import { filledBeside } from '../../ops/creation.ts'
import { attentionScores, causalMask } from '../../ops/attention.ts'
import { add, cat, empty, linear, matmul, pad, softmax, Tensor, where, zeros } from '../../ops/index.ts'
import { attend, scoring, type AttentionOptions } from '../functional/attention.ts'
import { dropout } from '../functional/dropout.ts'
import { xavierNormal_, xavierUniform_, zeros_ } from '../init.ts'
import { Module } from '../module.ts'
import { Parameter } from '../parameter.ts'
import { Linear } from './linear.ts'

export interface MultiheadAttentionOptions {
  /** Share of attention weights dropped in training. */
  dropout?: number
  bias?: boolean
  /** Inputs are [N, L, E]; false (the default): [L, N, E]. */
  batchFirst?: boolean
  /** Widths of key and value, where they are not those of the query. */
  kdim?: number | null
  vdim?: number | null
  /** One more key and value, which are trained. */
  addBiasKv?: boolean
  /** One more key and value of zeros: a way to look at nothing. */
  addZeroAttn?: boolean
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
const asTerm = (mask: Tensor, dtype: DType): Tensor => (mask.dtype === 'bool' ? where(mask, -Infinity, 0) : mask).to(dtype)

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
  /** Weights of query, key and value, one below the other: [3·E, E]; null where their widths differ. */
  readonly inProjWeight: Parameter | null
  readonly qProjWeight: Parameter | null
  readonly kProjWeight: Parameter | null
  readonly vProjWeight: Parameter | null
  readonly inProjBias: Parameter | null
  readonly biasK: Parameter | null
  readonly biasV: Parameter | null
  readonly outProj: Linear
  readonly dropout: number
  readonly batchFirst: boolean
  readonly kdim: number
  readonly vdim: number
  readonly addZeroAttn: boolean

  constructor(
    readonly embedDim: number,
    readonly numHeads: number,
    options: MultiheadAttentionOptions = {},
  ) {
    super()
    needWhole('MultiheadAttention', { embedDim, numHeads })
    if (embedDim % numHeads) fail('MultiheadAttention', `embedDim ${embedDim} does not divide into ${numHeads} heads`, 'numHeads must divide embedDim')
    const o = withDefaults<Required<MultiheadAttentionOptions>>('MultiheadAttention', options, { dropout: 0, bias: true, batchFirst: false, kdim: null, vdim: null, addBiasKv: false, addZeroAttn: false })
    this.dropout = o.dropout
    this.batchFirst = o.batchFirst
    this.addZeroAttn = o.addZeroAttn
    this.kdim = o.kdim ?? embedDim
    this.vdim = o.vdim ?? embedDim
    const same = this.kdim === embedDim && this.vdim === embedDim
    const weight = (use: boolean, rows: number, columns: number): Parameter | null => (use ? new Parameter(xavierUniform_(empty(rows, columns))) : null)
    this.inProjWeight = weight(same, 3 * embedDim, embedDim)
    this.qProjWeight = weight(!same, embedDim, embedDim)
    this.kProjWeight = weight(!same, embedDim, this.kdim)
    this.vProjWeight = weight(!same, embedDim, this.vdim)
    this.inProjBias = o.bias ? new Parameter(zeros(3 * embedDim)) : null
    const extra = (): Parameter | null => (o.addBiasKv ? new Parameter(xavierNormal_(empty(1, 1, embedDim))) : null)
    this.biasK = extra()
    this.biasV = extra()
    this.outProj = new Linear(embedDim, embedDim, { bias: o.bias })
    if (this.outProj.bias) zeros_(this.outProj.bias)
  }

  override forward(query: Tensor, key: Tensor, value: Tensor, inputs: MultiheadAttentionInputs = {}): [Tensor, Tensor | null] {
    const { needWeights, averageAttnWeights, ...masks } = withDefaults('MultiheadAttention', inputs, inputDefaults)
    const { embedDim: width, numHeads: heads } = this
    for (const [name, x, size] of [['query', query, width], ['key', key, this.kdim], ['value', value, this.vdim]] as const)
      if (x.ndim !== query.ndim || (x.ndim !== 2 && x.ndim !== 3) || x.shape[x.ndim - 1] !== size)
        fail('MultiheadAttention', `${name} is ${x}, expected ${this.batchFirst ? '[N, L, E]' : '[L, N, E]'} or [L, E] with E = ${size}`, 'linear layers change the width')
    const single = query.ndim === 2
    // To [N, L, E].
    const batched = (x: Tensor): Tensor => (single ? x.unsqueeze(0) : this.batchFirst ? x : x.transpose(0, 1))
    const split = (x: Tensor): Tensor => x.reshape(x.shape[0], x.shape[1], heads, width / heads).transpose(1, 2)
    const [q, ...others] = this.project(query, key, value).map(batched)
    const [k, v] = others.map((x, i) => split(this.extended(x, i === 0 ? this.biasK : this.biasV)))
    const asked = { ...this.mask(masks, q, others[0], k), dropoutP: this.dropout > 0 && this.training ? this.dropout : 0 }
    const used = needWeights ? this.weights(split(q), k, asked) : null
    const joined = (used ? matmul(used, v) : attend(split(q), k, v, asked)).transpose(1, 2).reshape(q.shape)
    const out = this.outProj.forward(single ? joined.reshape(joined.shape[1], width) : this.batchFirst ? joined : joined.transpose(0, 1))
    if (!used) return [out, null]
    const shown = averageAttnWeights ? used.mean(1) : used
    return [out, single ? shown.reshape(shown.shape.slice(1)) : shown]
  }

  /** What each position looks at, for who wants to see it: [N, heads, L, S]. */
  private weights(q: Tensor, k: Tensor, options: AttentionOptions): Tensor {
    const weights = softmax(attentionScores(q, k, options.attnMask, scoring(q, k, options)), -1)
    return options.dropoutP ? dropout(weights, options.dropoutP) : weights
  }

  /** Query, key and value through their linear maps; one product where all three are the same. */
  private project(query: Tensor, key: Tensor, value: Tensor): Tensor[] {
    const { inProjWeight: w, inProjBias: b, embedDim } = this
    if (w && query === key && key === value) return linear(query, w, b).chunk(3, -1)
    const parts = w ? w.chunk(3, 0) : [this.qProjWeight!, this.kProjWeight!, this.vProjWeight!]
    return [query, key, value].map((x, i) => linear(x, parts[i], b?.narrow(0, i * embedDim, embedDim)))
  }

  /** Keys or values [N, S, E] with the ones that the layer adds behind them. */
  private extended(x: Tensor, bias: Parameter | null): Tensor {
    const more = [bias?.expand(x.shape[0], 1, this.embedDim), this.addZeroAttn ? filledBeside('MultiheadAttention', x, [x.shape[0], 1, this.embedDim], 0) : null].filter(y => y instanceof Tensor)
    return more.length > 0 ? cat([x, ...more], 1) : x
  }

  /** All masks as one term of the scores [N, heads, L, S], but for causality where the layer adds nothing. What it adds is seen by all. */
  private mask({ keyPaddingMask, attnMask, isCausal }: Pick<Required<MultiheadAttentionInputs>, 'keyPaddingMask' | 'attnMask' | 'isCausal'>, q: Tensor, key: Tensor, k: Tensor): Pick<AttentionOptions, 'attnMask' | 'isCausal'> {
    const [n, rows] = q.shape
    const heads = this.numHeads
    const columns = key.shape[1]
    const terms: Tensor[] = []
    if (attnMask) {
      if (attnMask.shape.at(-2) !== rows || attnMask.shape.at(-1) !== columns || (attnMask.ndim === 3 && attnMask.shape[0] !== n * heads))
        fail('MultiheadAttention', `attnMask ${attnMask} fits neither [${rows}, ${columns}] nor [${n * heads}, ${rows}, ${columns}]`, 'bool: true where looking is not allowed')
      terms.push(asTerm(attnMask.ndim === 3 ? attnMask.reshape(n, heads, rows, columns) : attnMask, q.dtype))
    }
    if (keyPaddingMask) {
      if (keyPaddingMask.numel !== n * columns) fail('MultiheadAttention', `keyPaddingMask ${keyPaddingMask} is not [${n}, ${columns}]`, 'bool: true where a key is padding')
      terms.push(asTerm(keyPaddingMask, q.dtype).reshape(n, 1, 1, columns))
    }
    const more = k.shape[2] - columns
    if (isCausal && more > 0) terms.push(asTerm(causalMask(q, rows, columns).logicalNot(), q.dtype))
    const all = terms.length > 0 ? terms.reduce((a, b) => add(a, b)) : null
    return { attnMask: all && more > 0 ? pad(all, [0, more]) : all, isCausal: isCausal && more === 0 }
  }

  override extraRepr(): string {
    const { kdim, vdim, embedDim, dropout: drop } = this
    return `${embedDim}, ${this.numHeads}${drop ? `, dropout=${drop}` : ''}${this.batchFirst ? ', batchFirst=true' : ''}${kdim === embedDim && vdim === embedDim ? '' : `, kdim=${kdim}, vdim=${vdim}`}`
  }
}
