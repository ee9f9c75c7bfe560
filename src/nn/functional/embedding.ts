// Rows of a table by number.
import { fail } from '../../core/errors.ts'
import { noGrad } from '../../autograd/mode.ts'
import { apply1, define, needTensor, type Described } from '../../ops/define.ts'
import type { Op } from '../../ops/op.ts'
import { embedding as lookup, gather, indexAdd, logicalAnd, gt, mul, norm, ones, where, zeros, type Tensor } from '../../ops/index.ts'
import { pointwiseOp } from '../../ops/pointwise-record.ts'

export interface EmbeddingOptions {
  /** An index whose row takes no gradient. */
  paddingIdx?: number | null
  /** Rows that are looked up and longer than this are shortened to it first, in the table itself. */
  maxNorm?: number | null
  /** p of that norm. Default 2. */
  normType?: number
  /** Divide each row's gradient by how often it was looked up. */
  scaleGradByFreq?: boolean
  /** PyTorch's sparse gradients; here they are always dense. */
  sparse?: boolean
}

/** The first operand; its cotangent is multiplied by the second. */
const scaledGradient: Op<null> = pointwiseOp('scaledGradient', 2, { dtype: 'float', value: x => x, vjp: [(g, _, factor) => mul(g, factor), null] })

/** `paddingIdx` counted from the front, or null. */
export function paddingRow(op: string, weight: Tensor, paddingIdx: number | null | undefined): number | null {
  if (paddingIdx === undefined || paddingIdx === null) return null
  const entries = weight.shape[0]
  if (!Number.isInteger(paddingIdx) || paddingIdx < -entries || paddingIdx >= entries) fail(op, `paddingIdx ${paddingIdx} is outside the ${entries} rows of ${weight}`, 'negative ones count from the end')
  return paddingIdx < 0 ? paddingIdx + entries : paddingIdx
}

/** How often each row of the table is looked up. */
const uses = (index: Tensor, weight: Tensor): Tensor => indexAdd(zeros([weight.shape[0]], { dtype: weight.dtype }), 0, index, ones([index.numel], { dtype: weight.dtype }))

/** Rows for a flat index, with the options that concern the table. */
export function rowsOf(op: string, index: Tensor, weight: Tensor, { maxNorm, normType = 2, scaleGradByFreq = false }: EmbeddingOptions): Tensor {
  if (needTensor(op, index).dtype !== 'int32') fail(op, `the index must be int32, got ${index}`, "convert it: index.to('int32')")
  if (needTensor(op, weight).ndim !== 2) fail(op, `the table must be a matrix, got ${weight}`, 'shape [entries, width]')
  const flat = index.reshape(index.numel)
  if (maxNorm !== undefined && maxNorm !== null)
    noGrad(() => {
      const size = norm(weight.detach(), normType, 1)
      const long = logicalAnd(gt(size, maxNorm), gt(uses(flat, weight), 0))
      weight.mul_(where(long, size.add(1e-7).reciprocal().mul(maxNorm), 1).unsqueeze(1))
    })
  const rows = lookup(flat, weight)
  return scaleGradByFreq ? apply1(scaledGradient, [rows, gather(uses(flat, weight).reciprocal(), 0, flat).unsqueeze(1)], null) : rows
}

type Embedding = ((input: Tensor, weight: Tensor, options?: EmbeddingOptions) => Tensor) & Described
const names = ['input', 'weight', 'paddingIdx', 'maxNorm', 'normType', 'scaleGradByFreq', 'sparse']
/**
 * Rows of a table: out[…] = weight[input[…]]; input int32, weight [entries, width]. As `torch.nn.functional.embedding`.
 *
 * @example
 * F.embedding(tensor([2, 0], { dtype: 'int32' }), tensor([[1, 2], [3, 4], [5, 6]])) // → tensor([[5., 6.],
 * //           [1., 2.]])
 */
export const embedding: Embedding = define('embedding', names, (a: { input: Tensor; weight: Tensor } & EmbeddingOptions) => {
  const { input, weight } = a
  const rows = rowsOf('embedding', input, weight, a).reshape([...input.shape, weight.shape[1]])
  const padding = paddingRow('embedding', weight, a.paddingIdx)
  return padding === null ? rows : where(input.eq(padding).unsqueeze(-1), rows.detach(), rows)
})
