// Datasets: samples by position.
import { fail } from '../core/errors.ts'
import { Tensor, tensor } from '../ops/index.ts'
import { permutation } from './random.ts'

/**
 * Samples by position. `Sample` is what one position gives: usually a list of tensors. As `torch.utils.data.Dataset`.
 *
 * @example
 * class Squares extends data.Dataset {
 *   length = 100
 *   get(i) { return [tensor(i), tensor(i * i)] }
 * }
 * new Squares().get(3) // → [ tensor(3.), tensor(9.) ]
 */
export abstract class Dataset<Sample = readonly Tensor[]> {
  abstract readonly length: number
  abstract get(index: number): Sample | Promise<Sample>

  /** Several samples already joined, for datasets that can do so faster than one by one; `null` for others. */
  batch(_indices: Int32Array): Tensor[] | null {
    return null
  }
}

/**
 * Tensors whose first dimensions are equal; sample i is position i of each. As `torch.utils.data.TensorDataset`.
 * @throws LampasError when first sizes differ.
 */
export class TensorDataset<Fields extends readonly Tensor[] = Tensor[]> extends Dataset<Fields> {
  readonly tensors: Fields
  readonly length: number

  constructor(...tensors: Fields) {
    super()
    if (tensors.length === 0) fail('TensorDataset', 'there are no tensors', 'new TensorDataset(inputs, targets)')
    for (const x of tensors) {
      if (!(x instanceof Tensor)) fail('TensorDataset', `expected tensors, got ${Array.isArray(x) ? 'an array' : typeof x}`, 'wrap values: tensor(…)')
      if (x.ndim === 0 || x.shape[0] !== tensors[0].shape[0]) fail('TensorDataset', `${tensors.map(String).join(' and ')} have different first sizes`, 'position i of each belongs to sample i')
    }
    this.tensors = tensors
    this.length = tensors[0].shape[0]
  }

  override get(index: number): Fields {
    return this.tensors.map(x => x.select(0, index)) as readonly Tensor[] as Fields
  }

  /** Neighbours are a view, others are gathered on the device. */
  override batch(indices: Int32Array): Tensor[] {
    if (indices.every((v, i) => v === indices[0] + i)) return this.tensors.map(x => x.narrow(0, indices[0] ?? 0, indices.length))
    return this.tensors.map(x => {
      const index = tensor(indices, { device: x.device })
      try {
        return x.indexSelect(0, index)
      } finally {
        index.dispose()
      }
    })
  }
}

/** Some positions of another dataset. As `torch.utils.data.Subset`. */
export class Subset<Sample> extends Dataset<Sample> {
  readonly indices: Int32Array
  readonly length: number

  constructor(
    readonly dataset: Dataset<Sample>,
    indices: ArrayLike<number>,
  ) {
    super()
    this.indices = Int32Array.from(indices)
    this.length = this.indices.length
    const wrong = this.indices.find(i => i < 0 || i >= dataset.length)
    if (wrong !== undefined) fail('Subset', `index ${wrong} is outside the ${dataset.length} samples`, `indices go from 0 to ${dataset.length - 1}`)
  }

  override get(index: number): Sample | Promise<Sample> {
    return this.dataset.get(this.indices[index])
  }

  override batch(indices: Int32Array): Tensor[] | null {
    return this.dataset.batch(indices.map(i => this.indices[i]))
  }
}

/**
 * Splits a dataset at random into parts of the given lengths, or of the given shares when these add up to 1. As `torch.utils.data.random_split`.
 *
 * @example
 * const [train, test] = data.randomSplit(all, [0.8, 0.2], { seed: 0 })
 */
export function randomSplit<Sample>(dataset: Dataset<Sample>, lengths: readonly number[], options: { seed?: number } = {}): Subset<Sample>[] {
  const n = dataset.length
  const total = lengths.reduce((a, b) => a + b, 0)
  const shares = Math.abs(total - 1) < 1e-6 && lengths.every(l => l <= 1) && n !== 1
  // Shares are rounded down; what is left goes to the first parts, one each.
  const counts = shares ? lengths.map(l => Math.floor(n * l)) : [...lengths]
  if (shares) for (let i = 0, left = n - counts.reduce((a, b) => a + b, 0); left > 0; i++, left--) counts[i % counts.length]++
  if (counts.some(c => !Number.isInteger(c) || c < 0) || counts.reduce((a, b) => a + b, 0) !== n)
    fail('randomSplit', `lengths ${lengths.join(', ')} do not add up to the ${n} samples`, 'give whole numbers that do, or shares that add up to 1')
  const order = permutation(n, options.seed ?? 0)
  let at = 0
  return counts.map(c => new Subset(dataset, order.subarray(at, (at += c))))
}
