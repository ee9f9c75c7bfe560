// Search in sorted values, by halving on the device.
import { fail } from '../core/errors.ts'
import { sameShape } from '../core/shape.ts'
import { full, tensor } from './creation.ts'
import { define, needTensor, type Described, type Operand } from './define.ts'
import { gather } from './gather.ts'
import { flatten, reshape } from './movement.ts'
import { firstPast } from './places.ts'
import { clampMax, eq, ge, gt, logicalNot } from './pointwise.ts'
import { sort } from './sort.ts'
import { Tensor } from './tensor.ts'

export interface BucketizeOptions {
  /** Taken as it is: positions are int32 in any case. */
  outInt32?: boolean
  /** The place behind equal values, not the first of them. */
  right?: boolean
}
export interface SearchsortedOptions extends BucketizeOptions {
  /** As `right`, in a word. */
  side?: 'left' | 'right'
  /** int32: positions that sort the last dimension of an unsorted sequence. */
  sorter?: Tensor
}

const asTensor = (x: Operand): Tensor => (x instanceof Tensor ? x : tensor(x))

function places(sorted: Tensor, values: Tensor, right: boolean): Tensor {
  const past = right ? gt : ge
  return sorted.ndim === 1 ? reshape(firstPast(sorted, flatten(values), past), values.shape) : firstPast(sorted, values, past)
}

type Searchsorted = (sortedSequence: Tensor, input: Operand, options?: SearchsortedOptions) => Tensor
/**
 * Where values would go in a sequence sorted along its last dimension: the first place whose element is ≥ (with `right` >) the value. int32
 * of the values' shape. The sequence is a vector, or has the values' shape but for the last size. As `torch.searchsorted`.
 *
 * @example
 * searchsorted(tensor([1, 3, 5]), tensor([3, 6])) // → tensor([1, 3])
 */
export const searchsorted: Searchsorted & Described = define('searchsorted', ['sortedSequence', 'input', '*', 'outInt32', 'right', 'side', 'sorter'], ({ sortedSequence, input, right = false, side, sorter }: { sortedSequence: Tensor; input: Operand } & SearchsortedOptions) => {
  const sequence = needTensor('searchsorted', sortedSequence)
  const values = asTensor(input)
  if (side !== undefined && side !== 'left' && side !== 'right') fail('searchsorted', `side is '${String(side)}'`, "'left' or 'right'")
  if (side === 'left' && right) fail('searchsorted', "side is 'left', but right is true", 'give one of them')
  if (sequence.ndim !== 1 && (sequence.ndim === 0 || !sameShape(sequence.shape.slice(0, -1), values.shape.slice(0, -1)) || values.ndim !== sequence.ndim))
    fail('searchsorted', `values ${values} do not go with the sequence ${sequence}`, 'it is a vector, or their shapes agree but for the last size')
  if (sorter && (sorter.dtype !== 'int32' || !sameShape(sorter.shape, sequence.shape))) fail('searchsorted', `the sorter ${sorter} does not go with the sequence ${sequence}`, 'give argsort(sequence)')
  return places(sorter ? gather(sequence, -1, sorter) : sequence, values, right || side === 'right')
})

type Bucketize = (x: Operand, boundaries: Tensor, options?: BucketizeOptions) => Tensor
/**
 * The bucket of each value: how many of the ascending boundaries are < (with `right` ≤) it. int32. As `torch.bucketize`.
 *
 * @example
 * bucketize(tensor([0, 3, 9]), tensor([1, 3, 5])) // → tensor([0, 1, 3])
 */
export const bucketize: Bucketize & Described = define('bucketize', ['input', 'boundaries', '*', 'outInt32', 'right'], ({ input, boundaries, right = false }: { input: Operand; boundaries: Tensor } & BucketizeOptions) => {
  if (needTensor('bucketize', boundaries).ndim !== 1) fail('bucketize', `the boundaries are ${boundaries}`, 'give a vector')
  return places(boundaries, asTensor(input), right)
})

export interface IsinOptions {
  /** That no value comes twice in either: makes no difference here. */
  assumeUnique?: boolean
  /** True where the value is not among them. */
  invert?: boolean
}
type Isin = (elements: Operand, testElements: Operand, options?: IsinOptions) => Tensor
/**
 * True where an element is one of the test elements. bool of the elements' shape. As `torch.isin`.
 *
 * @example
 * isin(tensor([1, 2, 3]), tensor([1, 3])) // → tensor([ True, False,  True])
 */
export const isin: Isin & Described = define('isin', ['elements', 'testElements', '*', 'assumeUnique', 'invert'], ({ elements, testElements, invert = false }: { elements: Operand; testElements: Operand } & IsinOptions) => {
  const [x, tests] = [asTensor(elements), flatten(asTensor(testElements))]
  const n = tests.numel
  if (n === 0) return full(x.shape, invert)
  const { values } = sort(tests)
  const at = clampMax(firstPast(values, flatten(x), ge), n - 1)
  const found = reshape(eq(gather(values, 0, at), flatten(x)), x.shape)
  return invert ? logicalNot(found) : found
})
