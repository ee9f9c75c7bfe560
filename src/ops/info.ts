// What there is to know of a tensor without its values.
import { dtypes } from '../core/dtype.ts'
import { axisOf } from '../core/shape.ts'
import { isContiguous as gapless } from '../core/view.ts'
import { describe, needTensor, type Described } from './define.ts'
import type { NestedArray, Tensor } from './tensor.ts'

type Count = ((x: Tensor) => number) & Described
const bytes = (x: Tensor): number => dtypes[x.dtype].bytes

export interface Sizes extends Described {
  (x: Tensor): number[]
  (x: Tensor, dim: number): number
}
const perAxis = (name: string, list: (x: Tensor) => readonly number[]): Sizes =>
  describe((x: Tensor, dim?: number | null) => {
    const all = list(needTensor(name, x))
    return dim === undefined || dim === null ? [...all] : all[axisOf(name, dim, x.ndim)]
  }, name, ['input', 'dim']) as Sizes
/**
 * The sizes of all dimensions, or of one. As `torch.Tensor.size`.
 *
 * @example
 * zeros(2, 3).size() // → [ 2, 3 ]
 * zeros(2, 3).size(-1) // → 3
 */
export const size: Sizes = perAxis('size', x => x.shape)
/**
 * Steps in memory, in elements, from one position of each dimension (or of one) to the next. As `torch.Tensor.stride`.
 *
 * @example
 * zeros(2, 3).t().stride() // → [ 1, 3 ]
 */
export const stride: Sizes = perAxis('stride', x => x.layout.strides)
/**
 * The number of dimensions. As `torch.Tensor.dim`.
 *
 * @example
 * zeros(2, 3).dim() // → 2
 */
export const dim: Count = describe((x: Tensor) => x.ndim, 'dim', ['input'])
/**
 * The number of elements. As `torch.Tensor.nelement`.
 *
 * @example
 * zeros(2, 3).nelement() // → 6
 */
export const nelement: Count = describe((x: Tensor) => x.numel, 'nelement', ['input'])
/**
 * Where the first element lies in memory, in elements. As `torch.Tensor.storage_offset`.
 *
 * @example
 * arange(6).narrow(0, 2, 3).storageOffset() // → 2
 */
export const storageOffset: Count = describe((x: Tensor) => x.layout.offset, 'storageOffset', ['input'])
/**
 * Bytes of one element on its device, where bool takes four. As `torch.Tensor.element_size`.
 *
 * @example
 * zeros(2).elementSize() // → 4
 */
export const elementSize: Count = describe(bytes, 'elementSize', ['input'])
/**
 * Bytes of all elements on their device. As `torch.Tensor.nbytes`.
 *
 * @example
 * zeros(2, 3).nbytes() // → 24
 */
export const nbytes: Count = describe((x: Tensor) => x.numel * bytes(x), 'nbytes', ['input'])
/**
 * Whether the elements lie in row-major order without gaps. As `torch.Tensor.is_contiguous`.
 *
 * @example
 * zeros(2, 3).t().isContiguous() // → false
 */
export const isContiguous: ((x: Tensor) => boolean) & Described = describe((x: Tensor) => gapless(x.layout), 'isContiguous', ['input'])
/**
 * The values as nested arrays; as `toArray()`. As `torch.Tensor.tolist`.
 *
 * @example
 * await tensor([[1, 2]]).tolist() // → [ [ 1, 2 ] ]
 */
export const tolist: ((x: Tensor) => Promise<NestedArray>) & Described = describe((x: Tensor) => x.toArray(), 'tolist', ['input'])
