// The whole transformer (Vaswani et al. 2017): stacks of layers, and decoders, with the names of PyTorch's.
import { needWhole, withDefaults } from '../../core/options.ts'
import { arange, gt, zeros, where, type Tensor } from '../../ops/index.ts'
import { ModuleList } from '../containers.ts'
import { xavierUniform_ } from '../init.ts'
import { Module } from '../module.ts'
import { withValuesOf } from '../state.ts'
import { MultiheadAttention, type MultiheadAttentionInputs } from './attention.ts'
import { Dropout } from './dropout.ts'
import { Linear } from './linear.ts'
import { LayerNorm } from './norm.ts'
import { activationOf, layerDefaults, TransformerEncoderLayer, type EncoderMasks, type TransformerEncoderLayerOptions } from './transformer.ts'

export interface DecoderMasks {
  /** Of the target to itself: [L, L]; bool: true where looking is NOT allowed. */
  tgtMask?: Tensor | null
  /** Of the target to the memory: [L, S]. */
  memoryMask?: Tensor | null
  /** bool [N, L]: true where the target is padding. */
  tgtKeyPaddingMask?: Tensor | null
  /** bool [N, S]: true where the memory is padding. */
  memoryKeyPaddingMask?: Tensor | null
  /** Target positions see themselves and earlier ones only. */
  tgtIsCausal?: boolean
  memoryIsCausal?: boolean
}

/**
 * Self-attention of the target, attention to the memory, then two linear layers, each with dropout, a way around it and a layer norm: target [L, N, E],
 * memory [S, N, E] → [L, N, E]. As `torch.nn.TransformerDecoderLayer`.
 */
export class TransformerDecoderLayer extends Module {
  readonly selfAttn: MultiheadAttention
  readonly multiheadAttn: MultiheadAttention
  readonly linear1: Linear
  readonly dropout: Dropout
  readonly linear2: Linear
  readonly norm1: LayerNorm
  readonly norm2: LayerNorm
  readonly norm3: LayerNorm
  readonly dropout1: Dropout
  readonly dropout2: Dropout
  readonly dropout3: Dropout
  readonly normFirst: boolean
  private readonly activation: (x: Tensor) => Tensor

  constructor(
    private readonly dModel: number,
    private readonly nhead: number,
    private readonly options: TransformerEncoderLayerOptions = {},
  ) {
    super()
    needWhole('TransformerDecoderLayer', { dModel, nhead })
    const { dimFeedforward, dropout, activation, layerNormEps: eps, batchFirst, normFirst, bias } = withDefaults('TransformerDecoderLayer', options, layerDefaults)
    this.selfAttn = new MultiheadAttention(dModel, nhead, { dropout, bias, batchFirst })
    this.multiheadAttn = new MultiheadAttention(dModel, nhead, { dropout, bias, batchFirst })
    this.linear1 = new Linear(dModel, dimFeedforward, { bias })
    this.dropout = new Dropout(dropout)
    this.linear2 = new Linear(dimFeedforward, dModel, { bias })
    this.norm1 = new LayerNorm(dModel, { eps, bias })
    this.norm2 = new LayerNorm(dModel, { eps, bias })
    this.norm3 = new LayerNorm(dModel, { eps, bias })
    this.dropout1 = new Dropout(dropout)
    this.dropout2 = new Dropout(dropout)
    this.dropout3 = new Dropout(dropout)
    this.normFirst = normFirst
    this.activation = activationOf(activation)
  }

  override forward(tgt: Tensor, memory: Tensor, masks: DecoderMasks = {}): Tensor {
    const { tgtMask, memoryMask, tgtKeyPaddingMask, memoryKeyPaddingMask, tgtIsCausal, memoryIsCausal } = masks
    const itself: MultiheadAttentionInputs = { attnMask: tgtMask, keyPaddingMask: tgtKeyPaddingMask, isCausal: tgtIsCausal, needWeights: false }
    const across: MultiheadAttentionInputs = { attnMask: memoryMask, keyPaddingMask: memoryKeyPaddingMask, isCausal: memoryIsCausal, needWeights: false }
    const parts: readonly [(x: Tensor) => Tensor, LayerNorm][] = [
      [x => this.dropout1.forward(this.selfAttn.forward(x, x, x, itself)[0]), this.norm1],
      [x => this.dropout2.forward(this.multiheadAttn.forward(x, memory, memory, across)[0]), this.norm2],
      [x => this.dropout3.forward(this.linear2.forward(this.dropout.forward(this.activation(this.linear1.forward(x))))), this.norm3],
    ]
    return parts.reduce((x, [part, norm]) => (this.normFirst ? x.add(part(norm.forward(x))) : norm.forward(x.add(part(x)))), tgt)
  }

  /** A layer of the same sizes, options and weights. */
  copy(): TransformerDecoderLayer {
    return withValuesOf(this, new TransformerDecoderLayer(this.dModel, this.nhead, this.options))
  }
}

/** The layer and copies of it, n in all. */
const copies = <M extends { copy(): M }>(layer: M, n: number): M[] => Array.from({ length: n }, (_, i) => (i === 0 ? layer : layer.copy()))

/**
 * A layer and copies of it, which start with its weights, one after the other, and a norm at the end if one is given. As `torch.nn.TransformerEncoder`.
 *
 * @example
 * const encoder = new nn.TransformerEncoder(new nn.TransformerEncoderLayer(8, 2, { dimFeedforward: 16, batchFirst: true }), 3)
 * encoder.forward(randn(2, 5, 8), { isCausal: true }).shape // → [ 2, 5, 8 ]
 */
export class TransformerEncoder extends Module {
  readonly layers: ModuleList<TransformerEncoderLayer>

  constructor(
    encoderLayer: TransformerEncoderLayer,
    readonly numLayers: number,
    readonly norm: LayerNorm | null = null,
  ) {
    super()
    needWhole('TransformerEncoder', { numLayers })
    this.layers = new ModuleList(copies(encoderLayer, numLayers))
  }

  override forward(src: Tensor, masks: EncoderMasks = {}): Tensor {
    let x = src
    for (const layer of this.layers) x = layer.forward(x, masks)
    return this.norm ? this.norm.forward(x) : x
  }
}

/** A decoder layer and copies of it, one after the other, and a norm at the end if one is given. As `torch.nn.TransformerDecoder`. */
export class TransformerDecoder extends Module {
  readonly layers: ModuleList<TransformerDecoderLayer>

  constructor(
    decoderLayer: TransformerDecoderLayer,
    readonly numLayers: number,
    readonly norm: LayerNorm | null = null,
  ) {
    super()
    needWhole('TransformerDecoder', { numLayers })
    this.layers = new ModuleList(copies(decoderLayer, numLayers))
  }

  override forward(tgt: Tensor, memory: Tensor, masks: DecoderMasks = {}): Tensor {
    let x = tgt
    for (const layer of this.layers) x = layer.forward(x, memory, masks)
    return this.norm ? this.norm.forward(x) : x
  }
}

export interface TransformerOptions extends TransformerEncoderLayerOptions {
  dModel?: number
  nhead?: number
  numEncoderLayers?: number
  numDecoderLayers?: number
}
export interface TransformerMasks extends DecoderMasks {
  srcMask?: Tensor | null
  srcKeyPaddingMask?: Tensor | null
  srcIsCausal?: boolean
}

const sizes: Required<Pick<TransformerOptions, 'dModel' | 'nhead' | 'numEncoderLayers' | 'numDecoderLayers'>> = { dModel: 512, nhead: 8, numEncoderLayers: 6, numDecoderLayers: 6 }
/**
 * An encoder for the source and a decoder for the target: [S, N, E] and [L, N, E] → [L, N, E]. Weights start xavier uniform. As `torch.nn.Transformer`.
 *
 * @example
 * const model = new nn.Transformer({ dModel: 8, nhead: 2, numEncoderLayers: 1, numDecoderLayers: 1, dimFeedforward: 16, batchFirst: true })
 * model.forward(randn(2, 7, 8), randn(2, 5, 8), { tgtIsCausal: true }).shape // → [ 2, 5, 8 ]
 */
export class Transformer extends Module {
  readonly encoder: TransformerEncoder
  readonly decoder: TransformerDecoder

  constructor(options: TransformerOptions = {}) {
    super()
    const { dModel, nhead, numEncoderLayers, numDecoderLayers, ...layer } = withDefaults<Required<TransformerOptions>>('Transformer', options, { ...sizes, ...layerDefaults })
    const norm = (): LayerNorm => new LayerNorm(dModel, { eps: layer.layerNormEps, bias: layer.bias })
    this.encoder = new TransformerEncoder(new TransformerEncoderLayer(dModel, nhead, layer), numEncoderLayers, norm())
    this.decoder = new TransformerDecoder(new TransformerDecoderLayer(dModel, nhead, layer), numDecoderLayers, norm())
    for (const p of this.parameters()) if (p.ndim > 1) xavierUniform_(p)
  }

  override forward(src: Tensor, tgt: Tensor, { srcMask, srcKeyPaddingMask, srcIsCausal, ...masks }: TransformerMasks = {}): Tensor {
    return this.decoder.forward(tgt, this.encoder.forward(src, { attnMask: srcMask, keyPaddingMask: srcKeyPaddingMask, isCausal: srcIsCausal }), masks)
  }

  /** float32 [size, size]: −∞ where the column is behind the row, else 0. As `torch.nn.Transformer.generate_square_subsequent_mask`. */
  static generateSquareSubsequentMask(size: number): Tensor {
    return where(gt(arange(size), arange(size).unsqueeze(1)), -Infinity, zeros(size, size))
  }
}
