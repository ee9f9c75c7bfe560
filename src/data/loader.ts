// Batches of a dataset, in order or shuffled, with the next ones already under way.
import { fail } from '../core/errors.ts'
import { needWhole, withDefaults } from '../core/options.ts'
import { randperm, stack, Tensor, tensor } from '../ops/index.ts'
import type { Dataset } from './dataset.ts'
import { permutation } from './random.ts'

export interface DataLoaderOptions<Sample, Batch> {
  /** Samples in a batch. Default 1. */
  batchSize?: number
  /** A new random order in each epoch. */
  shuffle?: boolean
  /** Fixes the orders. Without it they come from the device's generator, which `manualSeed` seeds. */
  seed?: number
  /** Leave out a last batch that is not full. */
  dropLast?: boolean
  /** How many batches are made ahead. Default 1. */
  prefetch?: number
  /** Joins samples to a batch. Default: stacks tensors (and numbers) field by field. */
  collate?: (samples: Sample[]) => Batch | Promise<Batch>
}

type Settings = Required<Pick<DataLoaderOptions<unknown, unknown>, 'batchSize' | 'shuffle' | 'dropLast' | 'prefetch'>>

/** Stacks samples: lists field by field, tensors along a new first dimension, numbers to a vector. */
export function defaultCollate(samples: readonly unknown[]): Tensor[] {
  const rows = samples.map(s => (Array.isArray(s) ? (s as unknown[]) : [s]))
  return rows[0].map((first, field) => {
    const column = rows.map(r => r[field])
    if (first instanceof Tensor) return stack(column as Tensor[])
    if (typeof first === 'number' || typeof first === 'boolean') return tensor(column as number[])
    return fail('DataLoader', `samples hold ${first === null ? 'null' : typeof first}, which cannot be stacked`, 'give tensors or numbers, or pass {collate: samples => …}')
  })
}

/**
 * Goes through a dataset in batches: `for await (const [x, y] of loader)`. Each loop is an epoch. As `torch.utils.data.DataLoader`.
 *
 * @example
 * const samples = new data.TensorDataset(rand(100, 4), arange(100))
 * const loader = new data.DataLoader(samples, { batchSize: 32, shuffle: true, seed: 0 })
 * let seen = 0
 * for await (const [x, y] of loader) seen += y.numel
 * seen // → 100
 */
export class DataLoader<Sample = Tensor[], Batch = Sample extends readonly Tensor[] ? Sample : Tensor[]> implements AsyncIterable<Batch> {
  private readonly options: Settings
  private readonly seed: number | undefined
  private readonly collate: ((samples: Sample[]) => Batch | Promise<Batch>) | undefined
  private epoch = 0

  constructor(
    readonly dataset: Dataset<Sample>,
    { collate, seed, ...options }: DataLoaderOptions<Sample, Batch> = {},
  ) {
    if (typeof dataset?.get !== 'function') fail('DataLoader', 'the first argument is not a dataset', 'new data.TensorDataset(x, y), or a class with length and get(i)')
    this.options = withDefaults<Settings>('DataLoader', options, { batchSize: 1, shuffle: false, dropLast: false, prefetch: 1 })
    needWhole('DataLoader', { batchSize: this.options.batchSize })
    needWhole('DataLoader', { prefetch: this.options.prefetch, ...(seed === undefined ? {} : { seed: Math.abs(seed) }) }, 0)
    this.seed = seed
    this.collate = collate
  }

  /** Batches in an epoch. */
  get length(): number {
    const { batchSize, dropLast } = this.options
    const n = this.dataset.length / batchSize
    return dropLast ? Math.floor(n) : Math.ceil(n)
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Batch> {
    const { batchSize, prefetch } = this.options
    const order = await this.order()
    const ahead: Promise<Batch>[] = []
    const length = this.length
    for (let next = 0, at = 0; at < length; at++) {
      for (; next < length && next <= at + prefetch; next++) {
        const batch = this.make(order.subarray(next * batchSize, (next + 1) * batchSize))
        // A failure shows when its turn comes; until then, or if the loop is left, it is no unhandled one.
        batch.catch(() => {})
        ahead.push(batch)
      }
      yield await ahead.shift()!
    }
  }

  private async order(): Promise<Int32Array> {
    const n = this.dataset.length
    const epoch = this.epoch++
    if (!this.options.shuffle) return Int32Array.from({ length: n }, (_, i) => i)
    if (this.seed !== undefined) return permutation(n, this.seed, epoch)
    return (await randperm(n).data()) as Int32Array
  }

  private async make(indices: Int32Array): Promise<Batch> {
    if (!this.collate) {
      const whole = this.dataset.batch(indices)
      if (whole) return whole as unknown as Batch
    }
    const samples = await Promise.all(Array.from(indices, i => this.dataset.get(i)))
    return this.collate ? this.collate(samples) : (defaultCollate(samples) as unknown as Batch)
  }
}
