// Datasets without positions: samples come one after another.
import { fail } from '../core/errors.ts'
import type { Tensor } from '../ops/index.ts'
import type { Samples } from './loader.ts'

/**
 * Samples that come one after another: rows of a file while it is fetched, what a socket sends, a generator without end. A loader takes them in
 * the order in which they come. As `torch.utils.data.IterableDataset`.
 *
 * @example
 * class Counting extends data.IterableDataset {
 *   async *[Symbol.asyncIterator]() {
 *     for (let i = 0; i < 5; i++) yield [tensor([i, i * i])]
 *   }
 * }
 * const batches = []
 * for await (const [x] of new data.DataLoader(new Counting(), { batchSize: 2 })) batches.push(x.shape)
 * batches // → [ [ 2, 2 ], [ 2, 2 ], [ 1, 2 ] ]
 */
export abstract class IterableDataset<Sample = readonly Tensor[]> implements AsyncIterable<Sample> {
  abstract [Symbol.asyncIterator](): AsyncIterator<Sample>
}

/**
 * The samples of several iterable datasets, one dataset behind the other. As `torch.utils.data.ChainDataset`.
 * @example
 * const seen = []
 * for await (const i of new data.ChainDataset([[1, 2], new Set([3])])) seen.push(i)
 * seen // → [ 1, 2, 3 ]
 */
export class ChainDataset<Sample> extends IterableDataset<Sample> {
  constructor(readonly datasets: readonly Samples<Sample>[]) {
    super()
    if (datasets.length === 0) fail('ChainDataset', 'there are no datasets', 'new ChainDataset([a, b])')
  }

  override async *[Symbol.asyncIterator](): AsyncGenerator<Sample> {
    for (const dataset of this.datasets) yield* dataset
  }
}
