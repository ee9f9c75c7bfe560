// One layer of a transformer's encoder (Vaswani et al. 2017), with the names of PyTorch's.
import { needWhole, withDefaults } from '../../core/options.ts'
import { gelu, relu, type Tensor } from '../../ops/index.ts'
import { Module } from '../module.ts'
import { withValuesOf } from '../state.ts'
import { MultiheadAttention, type MultiheadAttentionInputs } from './attention.ts'
import { Dropout } from './dropout.ts'
import { Linear } from './linear.ts'
import { LayerNorm } from './norm.ts'

export interface TransformerEncoderLayerOptions {
  /** Width of the layer between. Default 2048. */
  dimFeedforward?: number
  /** Default 0.1. */
  dropout?: number
  activation?: 'relu' | 'gelu' | ((x: Tensor) => Tensor)
  layerNormEps?: number
  /** Inputs are [N, L, E] instead of [L, N, E]. */
  batchFirst?: boolean
  /** Normalise before each part instead of after it: trains more steadily when deep (Xiong et al. 2020). */
  normFirst?: boolean
  bias?: boolean
}
export const layerDefaults: Required<TransformerEncoderLayerOptions> = { dimFeedforward: 2048, dropout: 0.1, activation: 'relu', layerNormEps: 1e-5, batchFirst: false, normFirst: false, bias: true }

export const activationOf = (activation: Required<TransformerEncoderLayerOptions>['activation']): ((x: Tensor) => Tensor) => (typeof activation === 'function' ? activation : activation === 'gelu' ? x => gelu(x) : relu)

export type EncoderMasks = Pick<MultiheadAttentionInputs, 'attnMask' | 'keyPaddingMask' | 'isCausal'>

/**
 * Self-attention, then two linear layers, each with dropout, a way around it and a layer norm: [L, N, E] → [L, N, E]. As
 * `torch.nn.TransformerEncoderLayer`.
 *
 * @example
 * const layer = new nn.TransformerEncoderLayer(64, 4, { dimFeedforward: 256, batchFirst: true, normFirst: true })
 * layer.forward(randn(2, 5, 64), { isCausal: true }).shape // → [ 2, 5, 64 ]
 */
export class TransformerEncoderLayer extends Module {
  readonly selfAttn: MultiheadAttention
  readonly linear1: Linear
  readonly dropout: Dropout
  readonly linear2: Linear
  readonly norm1: LayerNorm
  readonly norm2: LayerNorm
  readonly dropout1: Dropout
  readonly dropout2: Dropout
  readonly normFirst: boolean
  private readonly activation: (x: Tensor) => Tensor

  constructor(
    private readonly dModel: number,
    private readonly nhead: number,
    private readonly options: TransformerEncoderLayerOptions = {},
  ) {
    super()
    needWhole('TransformerEncoderLayer', { dModel, nhead })
    const { dimFeedforward, dropout, activation, layerNormEps: eps, batchFirst, normFirst, bias } = withDefaults('TransformerEncoderLayer', options, layerDefaults)
    this.selfAttn = new MultiheadAttention(dModel, nhead, { dropout, bias, batchFirst })
    this.linear1 = new Linear(dModel, dimFeedforward, { bias })
    this.dropout = new Dropout(dropout)
    this.linear2 = new Linear(dimFeedforward, dModel, { bias })
    this.norm1 = new LayerNorm(dModel, { eps, bias })
    this.norm2 = new LayerNorm(dModel, { eps, bias })
    this.dropout1 = new Dropout(dropout)
    this.dropout2 = new Dropout(dropout)
    this.normFirst = normFirst
    this.activation = activationOf(activation)
  }

  override forward(x: Tensor, masks: EncoderMasks = {}): Tensor {
    const attend = (y: Tensor): Tensor => this.dropout1.forward(this.selfAttn.forward(y, y, y, { ...masks, needWeights: false })[0])
    const feed = (y: Tensor): Tensor => this.dropout2.forward(this.linear2.forward(this.dropout.forward(this.activation(this.linear1.forward(y)))))
    const { norm1, norm2 } = this
    if (this.normFirst) {
      const h = x.add(attend(norm1.forward(x)))
      return h.add(feed(norm2.forward(h)))
    }
    const h = norm1.forward(x.add(attend(x)))
    return norm2.forward(h.add(feed(h)))
  }
  /** A layer of the same sizes, options and weights. */
  copy(): TransformerEncoderLayer {
    return withValuesOf(this, new TransformerEncoderLayer(this.dModel, this.nhead, this.options))
  }
}
