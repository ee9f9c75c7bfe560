// Tables of vectors that are looked up by number.
import { fail } from '../../core/errors.ts'
import { needWhole, withDefaults } from '../../core/options.ts'
import { noGrad } from '../../autograd/mode.ts'
import { empty, type Tensor } from '../../ops/index.ts'
import { embedding, paddingRow, type EmbeddingOptions } from '../functional/embedding.ts'
import { normal_ } from '../init.ts'
import { Module } from '../module.ts'
import { Parameter } from '../parameter.ts'

export interface EmbeddingLayerOptions extends EmbeddingOptions {
  /** Start values [numEmbeddings, embeddingDim], in place of normal ones. */
  weight?: Tensor
}

/** What both tables share: the weight, the row of padding, what happens to rows that are looked up. */
export abstract class Table<O extends EmbeddingOptions> extends Module {
  readonly weight: Parameter

  constructor(
    readonly numEmbeddings: number,
    readonly embeddingDim: number,
    protected readonly options: O,
    weight: Tensor | null,
  ) {
    super()
    const op = this.constructor.name
    needWhole(op, { numEmbeddings, embeddingDim })
    if (weight && (weight.ndim !== 2 || weight.shape[0] !== numEmbeddings || weight.shape[1] !== embeddingDim)) fail(op, `weight ${weight} is not [${numEmbeddings}, ${embeddingDim}]`, 'one row for each entry')
    this.weight = new Parameter(weight ?? empty(numEmbeddings, embeddingDim))
    if (weight) return
    normal_(this.weight)
    const padding = paddingRow(op, this.weight, options.paddingIdx)
    if (padding !== null) noGrad(() => this.weight.select(0, padding).zero_())
  }

  override extraRepr(): string {
    const { paddingIdx = null, maxNorm = null } = this.options
    return `${this.numEmbeddings}, ${this.embeddingDim}${paddingIdx === null ? '' : `, paddingIdx=${paddingIdx}`}${maxNorm === null ? '' : `, maxNorm=${maxNorm}`}`
  }
}

export const tableDefaults: Required<EmbeddingOptions> = { paddingIdx: null, maxNorm: null, normType: 2, scaleGradByFreq: false, sparse: false }
/**
 * A table of vectors: int32 […] → float32 […, embeddingDim]. `weight` [numEmbeddings, embeddingDim] starts standard normal. As `torch.nn.Embedding`.
 */
export class Embedding extends Table<EmbeddingOptions> {
  readonly paddingIdx: number | null

  constructor(numEmbeddings: number, embeddingDim: number, options: EmbeddingLayerOptions = {}) {
    const { weight, ...rest } = options
    super(numEmbeddings, embeddingDim, withDefaults('Embedding', rest, tableDefaults), weight ?? null)
    this.paddingIdx = this.options.paddingIdx ?? null
  }

  /** A table of given vectors, which are not trained unless `freeze` is false. As `torch.nn.Embedding.from_pretrained`. */
  static fromPretrained(embeddings: Tensor, options: EmbeddingOptions & { freeze?: boolean } = {}): Embedding {
    const { freeze = true, ...rest } = options
    if (embeddings.ndim !== 2) fail('Embedding', `${embeddings} is no table`, 'shape [entries, width]')
    const table = new Embedding(embeddings.shape[0], embeddings.shape[1], { ...rest, weight: embeddings })
    table.weight.requiresGrad_(!freeze)
    return table
  }

  override forward(indices: Tensor): Tensor {
    return embedding(indices, this.weight, this.options)
  }
}
