// Batches of a dataset, in order or shuffled, or of samples as they come, with the next ones already under way.
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

/** Samples that come one after another and have no positions: a stream, a generator, an `IterableDataset`. */
export type Samples<Sample> = AsyncIterable<Sample> | Iterable<Sample>

type Settings = Required<Pick<DataLoaderOptions<unknown, unknown>, 'batchSize' | 'shuffle' | 'dropLast' | 'prefetch'>>

/** Stacks samples: lists field by field, tensors along a new first dimension, numbers to a vector. */
export function defaultCollate(samples: readonly unknown[]): Tensor[] {
  const rows = samples.map(s => (Array.isArray(s) ? (s as unknown[]) : [s]))
  const odd = rows.find(r => r.length !== rows[0].length)
  if (odd) fail('DataLoader', `samples of ${rows[0].length} and of ${odd.length} fields`, 'give all samples the same fields, or pass {collate: samples => …}')
  return rows[0].map((first, field) => {
    const column = rows.map(r => r[field])
    if (first instanceof Tensor) return stack(column as Tensor[])
    if (typeof first === 'number' || typeof first === 'boolean') return tensor(column as number[])
    return fail('DataLoader', `samples hold ${first === null ? 'null' : typeof first}, which cannot be stacked`, 'give tensors or numbers, or pass {collate: samples => …}')
  })
}

/**
 * Goes through a dataset in batches: `for await (const [x, y] of loader)`. Each loop is an epoch. Anything that can be walked by `for await` is
 * a dataset too, of samples in the order in which they come. As `torch.utils.data.DataLoader`.
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
    readonly dataset: Dataset<Sample> | Samples<Sample>,
    { collate, seed, sampler, batchSampler, ...options }: DataLoaderOptions<Sample, Batch> = {},
  ) {
    const walked = isWalked(dataset)
    if (!walked && typeof dataset?.get !== 'function') fail('DataLoader', 'the first argument is not a dataset', 'new data.TensorDataset(x, y), a class with length and get(i), or what `for await` walks')
    if (walked && (options.shuffle || seed !== undefined || sampler || batchSampler)) wantsPlaces()
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
    if (isWalked(this.dataset)) return wantsPlaces()
    if (this.batchSampler) return this.batchSampler.length
    const { batchSize, dropLast } = this.options
    const n = (this.sampler ?? this.dataset).length / batchSize
    return dropLast ? Math.floor(n) : Math.ceil(n)
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Batch> {
    const { dataset, options: { prefetch } } = this
    const batches: AsyncIterator<Batch, void> = isWalked(dataset) ? this.walk(dataset) : await this.pick(dataset)
    const ahead: Promise<IteratorResult<Batch, void>>[] = []
    try {
      for (;;) {
        while (ahead.length <= prefetch) {
          const next = batches.next()
          // A failure shows when its turn comes; until then, or if the loop is left, it is no unhandled one.
          next.catch(() => {})
          ahead.push(next)
        }
        const { done, value } = await ahead.shift()!
        if (done) return
        yield value
      }
    } finally {
      // Whoever leaves the loop does not wait for a sample that is still to come.
      batches.return?.().catch(() => {})
    }
  }

  private async *walk(samples: Samples<Sample>): AsyncGenerator<Batch, void> {
    const { batchSize, dropLast } = this.options
    let batch: Sample[] = []
    for await (const sample of samples) {
      batch.push(sample)
      if (batch.length < batchSize) continue
      yield this.join(batch)
      batch = []
    }
    if (batch.length > 0 && !dropLast) yield this.join(batch)
  }

  private async pick(dataset: Dataset<Sample>): Promise<AsyncIterator<Batch, void>> {
    const places = (await this.places(dataset)).values()
    return {
      next: async () => {
        const { done, value } = places.next()
        return done ? { done, value: undefined } : { value: await this.make(dataset, value) }
      },
    }
  }

  /** The positions of the batches of an epoch. */
  private async places(dataset: Dataset<Sample>): Promise<Int32Array[]> {
    if (this.batchSampler) return (await all(this.batchSampler)).map(b => Int32Array.from(b))
    const order = await this.order(dataset)
    const { batchSize } = this.options
    return Array.from({ length: this.length }, (_, i) => order.subarray(i * batchSize, (i + 1) * batchSize))
  }

  private async order(dataset: Dataset<Sample>): Promise<Int32Array> {
    const { sampler } = this
    if (sampler) return Int32Array.from(await all(sampler))
    const n = dataset.length
    const epoch = this.epoch++
    return this.options.shuffle ? randomOrder(n, this.seed, epoch) : Int32Array.from({ length: n }, (_, i) => i)
  }

  private async make(dataset: Dataset<Sample>, indices: Int32Array): Promise<Batch> {
    const whole = this.collate ? null : dataset.batch(indices)
    return whole ? (whole as unknown as Batch) : this.join(await Promise.all(Array.from(indices, i => dataset.get(i))))
  }

  private join(samples: Sample[]): Batch | Promise<Batch> {
    return this.collate ? this.collate(samples) : (defaultCollate(samples) as unknown as Batch)
  }
}

const wantsPlaces = (): never =>
  fail('DataLoader', 'samples that come one after another have no positions to shuffle, and no known number', 'mix and count them where they are made, or give a dataset with length and get(i)')

const isWalked = <Sample>(dataset: Dataset<Sample> | Samples<Sample>): dataset is Samples<Sample> =>
  typeof dataset === 'object' && dataset !== null && !('get' in dataset) && (Symbol.asyncIterator in dataset || Symbol.iterator in dataset)

async function all<T>(items: AsyncIterable<T> | Iterable<T>): Promise<T[]> {
  const out: T[] = []
  for await (const item of items) out.push(item)
  return out
}
