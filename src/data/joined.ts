// Datasets made of others.
import { fail } from '../core/errors.ts'
import { Dataset } from './dataset.ts'

/** The samples of several datasets, one dataset behind the other. As `torch.utils.data.ConcatDataset`. */
export class ConcatDataset<Sample> extends Dataset<Sample> {
  readonly length: number
  /** Where each dataset begins. */
  private readonly starts: readonly number[]

  constructor(readonly datasets: readonly Dataset<Sample>[]) {
    super()
    if (datasets.length === 0) fail('ConcatDataset', 'there are no datasets', 'new ConcatDataset([a, b])')
    let length = 0
    this.starts = datasets.map(d => (length += d.length) - d.length)
    this.length = length
  }

  override get(index: number): Sample | Promise<Sample> {
    const at = this.starts.findLastIndex(start => start <= index)
    return this.datasets[at].get(index - this.starts[at])
  }
}

/** Samples whose fields are the samples of several datasets of one length. As `torch.utils.data.StackDataset`. */
export class StackDataset<Samples extends readonly unknown[]> extends Dataset<Samples> {
  readonly length: number
  readonly datasets: { readonly [K in keyof Samples]: Dataset<Samples[K]> }

  constructor(...datasets: { readonly [K in keyof Samples]: Dataset<Samples[K]> }) {
    super()
    const lengths = datasets.map(d => d.length)
    if (lengths.length === 0 || lengths.some(n => n !== lengths[0])) fail('StackDataset', `datasets of ${lengths.join(', ') || 'no'} samples`, 'sample i is made of sample i of each: give datasets of one length')
    this.datasets = datasets
    this.length = lengths[0]
  }

  override async get(index: number): Promise<Samples> {
    return (await Promise.all(this.datasets.map(d => d.get(index)))) as unknown as Samples
  }
}
