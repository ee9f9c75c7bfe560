// Which samples a loader takes, and in which order.
import { fail } from '../core/errors.ts'
import { needWhole, withDefaults } from '../core/options.ts'
import type { Sampler } from './loader.ts'
import { randomOrder, uniform } from './random.ts'

/** Anything with a length: a dataset, a list. */
type Sized = { readonly length: number }

export interface RandomSamplerOptions {
  /** Draw each anew, so that some come more than once. */
  replacement?: boolean
  /** How many to draw; default: as many as there are. */
  numSamples?: number
  /** Fixes the draws. Without it they come from the device's generator, which `manualSeed` seeds. */
  seed?: number
}

/** What random samplers share: a seed, and how many epochs there were. */
abstract class Draws {
  private epoch = 0

  constructor(readonly length: number, private readonly seed: number | undefined) {}

  /** The positions of one epoch. */
  protected abstract draw(seed: number | undefined, epoch: number): Promise<Iterable<number>>

  async *[Symbol.asyncIterator](): AsyncGenerator<number> {
    yield* await this.draw(this.seed, this.epoch++)
  }
}

/** All positions in order. As `torch.utils.data.SequentialSampler`. */
export class SequentialSampler {
  readonly length: number

  constructor(dataset: Sized) {
    this.length = dataset.length
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<number> {
    for (let i = 0; i < this.length; i++) yield i
  }
}

/** Positions in random order, or drawn with replacement. As `torch.utils.data.RandomSampler`. */
export class RandomSampler extends Draws {
  private readonly among: number
  private readonly replacement: boolean

  constructor(dataset: Sized, { seed, ...options }: RandomSamplerOptions = {}) {
    const { replacement, numSamples } = withDefaults('RandomSampler', options, { replacement: false, numSamples: dataset.length })
    needWhole('RandomSampler', { numSamples })
    super(numSamples, seed)
    if (!replacement && numSamples > dataset.length) fail('RandomSampler', `${numSamples} of ${dataset.length} samples`, 'draw fewer, or pass {replacement: true}')
    this.among = dataset.length
    this.replacement = replacement
  }

  protected override async draw(seed: number | undefined, epoch: number): Promise<Iterable<number>> {
    if (!this.replacement) return (await randomOrder(this.among, seed, epoch)).subarray(0, this.length)
    return Array.from(await uniform(this.length, seed, epoch), u => Math.floor(u * this.among))
  }
}

/** Some positions, in random order. As `torch.utils.data.SubsetRandomSampler`. */
export class SubsetRandomSampler extends Draws {
  constructor(readonly indices: ArrayLike<number>, options: { seed?: number } = {}) {
    super(indices.length, options.seed)
  }

  protected override async draw(seed: number | undefined, epoch: number): Promise<Iterable<number>> {
    return Array.from(await randomOrder(this.length, seed, epoch), i => this.indices[i])
  }
}

/**
 * Positions drawn by their weights, such as the rare classes as often as the common ones. As `torch.utils.data.WeightedRandomSampler`.
 *
 * @example
 * const samples = new data.TensorDataset(arange(4))
 * const sampler = new data.WeightedRandomSampler([0, 1, 0, 0], 3, { seed: 0 })
 * const drawn = []
 * for await (const [x] of new data.DataLoader(samples, { batchSize: 3, sampler })) drawn.push(await x.toArray())
 * drawn // → [ [ 1, 1, 1 ] ]
 */
export class WeightedRandomSampler extends Draws {
  private readonly replacement: boolean

  constructor(readonly weights: ArrayLike<number>, numSamples: number, { seed, ...options }: Pick<RandomSamplerOptions, 'replacement' | 'seed'> = {}) {
    needWhole('WeightedRandomSampler', { numSamples })
    super(numSamples, seed)
    this.replacement = withDefaults('WeightedRandomSampler', options, { replacement: true }).replacement
    const list = Array.from(weights)
    if (!list.every(w => w >= 0 && w < Infinity) || !list.some(w => w > 0)) fail('WeightedRandomSampler', 'weights that are negative, not finite, or all 0', 'give numbers ≥ 0, one for each sample')
    const able = list.filter(w => w > 0).length
    if (!this.replacement && able < numSamples) fail('WeightedRandomSampler', `${numSamples} of ${able} samples that have a weight`, 'draw fewer, or with replacement')
  }

  protected override async draw(seed: number | undefined, epoch: number): Promise<Iterable<number>> {
    const { weights, length, replacement } = this
    const us = await uniform(replacement ? length : weights.length, seed, epoch)
    if (!replacement) {
      // The largest of u^(1/w) are a weighted draw without replacement (Efraimidis & Spirakis 2006); here their logarithms.
      const keys = Array.from(us, (u, i) => Math.log(u) / weights[i])
      return Array.from(keys.keys()).filter(i => weights[i] > 0).sort((a, b) => keys[b] - keys[a]).slice(0, length)
    }
    let total = 0
    const sums = Float64Array.from(weights, w => (total += w))
    return Array.from(us, u => firstAbove(sums, u * total))
  }
}

/** Position of the first of ascending numbers that is larger. */
function firstAbove(sums: Float64Array, value: number): number {
  let [low, high] = [0, sums.length - 1]
  while (low < high) {
    const middle = (low + high) >> 1
    if (sums[middle] > value) high = middle
    else low = middle + 1
  }
  return low
}

/** The positions of a sampler in lists of `batchSize`: for a loader's `batchSampler`. As `torch.utils.data.BatchSampler`. */
export class BatchSampler {
  constructor(readonly sampler: Sampler, readonly batchSize: number, readonly dropLast = false) {
    needWhole('BatchSampler', { batchSize })
  }

  get length(): number {
    const n = this.sampler.length / this.batchSize
    return this.dropLast ? Math.floor(n) : Math.ceil(n)
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<number[]> {
    let batch: number[] = []
    for await (const i of this.sampler) {
      batch.push(i)
      if (batch.length < this.batchSize) continue
      yield batch
      batch = []
    }
    if (batch.length > 0 && !this.dropLast) yield batch
  }
}
