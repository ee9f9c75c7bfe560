// Batches of a dataset, in order or shuffled, with the next ones already under way.
import { fail } from '../core/errors.ts'
import { needWhole, withDefaults } from '../core/options.ts'
import { stack, Tensor, tensor } from '../ops/index.ts'
import type { Dataset } from './dataset.ts'
import { randomOrder } from './random.ts'

/** In each epoch the positions of samples, in the order in which they are to come: a list, or an object that draws anew. */
export type Sampler<Position = number> = (AsyncIterable<Position> | Iterable<Position>) & { readonly length: number }

export interface DataLoaderOptions<Sample, Batch> {
  /** Samples in a batch. Default 1. */
  batchSize?: number
  /** A new random order in each epoch. */
  shuffle?: boolean
  /** Fixes the orders. Without it they come from the device's generator, which `manualSeed` seeds. */
  seed?: number
  /** Which samples come, and in which order; in place of `shuffle`. */
  sampler?: Sampler
  /** Which samples make each batch; in place of all that is above. */
  batchSampler?: Sampler<ArrayLike<number>>
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
  private readonly sampler: Sampler | undefined
  private readonly batchSampler: Sampler<ArrayLike<number>> | undefined
  private epoch = 0

  constructor(
    readonly dataset: Dataset<Sample>,
    { collate, seed, sampler, batchSampler, ...options }: DataLoaderOptions<Sample, Batch> = {},
  ) {
    if (typeof dataset?.get !== 'function') fail('DataLoader', 'the first argument is not a dataset', 'new data.TensorDataset(x, y), or a class with length and get(i)')
    this.options = withDefaults<Settings>('DataLoader', options, { batchSize: 1, shuffle: false, dropLast: false, prefetch: 1 })
    needWhole('DataLoader', { batchSize: this.options.batchSize })
    needWhole('DataLoader', { prefetch: this.options.prefetch, ...(seed === undefined ? {} : { seed: Math.abs(seed) }) }, 0)
    if (sampler && (this.options.shuffle || seed !== undefined)) fail('DataLoader', 'a sampler beside shuffle or seed', 'the sampler alone makes the order: leave them out')
    if (batchSampler && (sampler || seed !== undefined || ['batchSize', 'shuffle', 'dropLast'].some(name => name in options)))
      fail('DataLoader', 'a batchSampler beside batchSize, shuffle, seed, sampler or dropLast', 'the batchSampler alone makes the batches: leave them out')
    this.seed = seed
    this.collate = collate
    this.sampler = sampler
    this.batchSampler = batchSampler
  }

  /** Batches in an epoch. */
  get length(): number {
    if (this.batchSampler) return this.batchSampler.length
    const { batchSize, dropLast } = this.options
    const n = (this.sampler ?? this.dataset).length / batchSize
    return dropLast ? Math.floor(n) : Math.ceil(n)
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Batch> {
    const { prefetch } = this.options
    const batches = await this.batches()
    const ahead: Promise<Batch>[] = []
    for (let next = 0, at = 0; at < batches.length; at++) {
      for (; next < batches.length && next <= at + prefetch; next++) {
        const batch = this.make(batches[next])
        // A failure shows when its turn comes; until then, or if the loop is left, it is no unhandled one.
        batch.catch(() => {})
        ahead.push(batch)
      }
      yield await ahead.shift()!
    }
  }

  /** The positions of the batches of an epoch. */
  private async batches(): Promise<Int32Array[]> {
    if (this.batchSampler) return (await all(this.batchSampler)).map(b => Int32Array.from(b))
    const order = await this.order()
    const { batchSize } = this.options
    return Array.from({ length: this.length }, (_, i) => order.subarray(i * batchSize, (i + 1) * batchSize))
  }

  private async order(): Promise<Int32Array> {
    const { sampler } = this
    if (sampler) return Int32Array.from(await all(sampler))
    const n = this.dataset.length
    const epoch = this.epoch++
    return this.options.shuffle ? randomOrder(n, this.seed, epoch) : Int32Array.from({ length: n }, (_, i) => i)
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

async function all<T>(items: AsyncIterable<T> | Iterable<T>): Promise<T[]> {
  const out: T[] = []
  for await (const item of items) out.push(item)
  return out
}
