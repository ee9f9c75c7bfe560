// Bags of vectors that are looked up by number.
import { withDefaults } from '../../core/options.ts'
import type { Tensor } from '../../ops/index.ts'
import { embeddingBag, type EmbeddingBagOptions } from '../functional/embedding-bag.ts'
import { Table, tableDefaults } from './embedding.ts'

type Options = Omit<EmbeddingBagOptions, 'offsets' | 'perSampleWeights'>
/**
 * Sums, means (default) or largest values of the vectors of each bag: int32 [bags, size], or [n] with `offsets` → [bags, embeddingDim]. As
 * `torch.nn.EmbeddingBag`.
 *
 * @example
 * const bags = new nn.EmbeddingBag(10, 4, { mode: 'sum' })
 * bags.forward(tensor([[1, 2, 3]], { dtype: 'int32' })).shape // → [ 1, 4 ]
 */
export class EmbeddingBag extends Table<Options> {
  constructor(numEmbeddings: number, embeddingDim: number, options: Options & { weight?: Tensor } = {}) {
    const { weight, ...rest } = options
    super(numEmbeddings, embeddingDim, withDefaults<Required<Options>>('EmbeddingBag', rest, { ...tableDefaults, mode: 'mean', includeLastOffset: false }), weight ?? null)
  }

  override forward(input: Tensor, offsets?: Tensor | null, perSampleWeights?: Tensor | null): Tensor {
    return embeddingBag(input, this.weight, { ...this.options, offsets, perSampleWeights })
  }

  override extraRepr(): string {
    return `${super.extraRepr()}, mode='${this.options.mode}'`
  }
}
