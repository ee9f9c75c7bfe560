// Distances and directions of vectors.
import { fail } from '../../core/errors.ts'
import { define, needTensor, type Described } from '../../ops/define.ts'
import { indexSelect, norm, sub, tensor, type Tensor } from '../../ops/index.ts'

export interface PairwiseDistanceOptions {
  /** Of the norm. Default 2. */
  p?: number
  /** Added to the difference. */
  eps?: number
  keepdim?: boolean
}
type PairwiseDistance = ((x1: Tensor, x2: Tensor, p?: number | PairwiseDistanceOptions, eps?: number, keepdim?: boolean) => Tensor) & Described
/**
 * ‖x1 − x2 + eps‖ along the last dimension. As `torch.nn.functional.pairwise_distance`.
 *
 * @example
 * F.pairwiseDistance(tensor([[0, 0]]), tensor([[3, 4]])) // → tensor([5.0000])
 */
export const pairwiseDistance: PairwiseDistance = define('pairwiseDistance', ['x1', 'x2', 'p', 'eps', 'keepdim'], ({ x1, x2, p = 2, eps = 1e-6, keepdim }: { x1: Tensor; x2: Tensor } & PairwiseDistanceOptions) =>
  norm(sub(x1, x2).add(eps), p, -1, { keepdim }))

/**
 * Distances of all pairs i < j of rows: [N, D] → [N·(N − 1)/2], (0, 1), (0, 2) … As `torch.nn.functional.pdist`.
 *
 * @example
 * F.pdist(tensor([[0, 0], [3, 4], [0, 1]])) // → tensor([5.0000, 1.0000, 4.2426])
 */
export const pdist: ((x: Tensor, p?: number) => Tensor) & Described = define('pdist', ['input', 'p'], ({ input: x, p = 2 }: { input: Tensor; p?: number }) => {
  if (needTensor('pdist', x).ndim !== 2) fail('pdist', `expected [rows, columns], got ${x}`, 'flatten the rest')
  if (!(p >= 0)) fail('pdist', `p is ${p}`, 'give a number ≥ 0')
  const n = x.shape[0]
  const pairs = Array.from({ length: n }, (_, i) => Array.from({ length: n - i - 1 }, (_, k) => [i, i + k + 1])).flat()
  const rows = (side: 0 | 1): Tensor => indexSelect(x, 0, tensor(Int32Array.from(pairs, pair => pair[side])))
  return norm(sub(rows(0), rows(1)), p, 1)
})
