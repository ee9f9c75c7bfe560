// Products of matrices. One record, batched; every other product is a view of it.
import { dtypes, isDifferentiable } from '../core/dtype.ts'
import { fail } from '../core/errors.ts'
import { broadcastShapes, formatShape, normalizeDim, numel, sameShape, type Shape } from '../core/shape.ts'
import { cast } from './cast.ts'
import { apply1, define, describe, lift, needTensor, type Described, type Operand } from './define.ts'
import { expand, mT, permute, reshape, unsqueeze } from './movement.ts'
import type { Op } from './op.ts'
import { add, mul } from './pointwise.ts'
import { conj } from './pointwise-record.ts'
import { sum } from './reduce.ts'
import type { Tensor } from './tensor.ts'

const productShape = (a: Shape, b: Shape): number[] => [...a.slice(0, -1), b.at(-1)!]

/** a·b, which lies as `like` does: the gradient of a turned weight is written as the weight lies. */
const productAs = (like: Tensor, a: Tensor, b: Tensor): Tensor => {
  const turned = like.layout.strides.at(-2) === 1 && like.shape.at(-1) !== 1
  return turned ? mT(apply1(matmulOp, [mT(b), mT(a)], null)) : apply1(matmulOp, [a, b], null)
}

// Equal batch dimensions first: broadcasting was done by expand. dA = G·Bᴴ, dB = Aᴴ·G.
export const matmulOp: Op<null> = {
  name: 'matmul',
  infer: ([a, b]) => [{ dtype: a.dtype, shape: productShape(a.shape, b.shape) }],
  lower(k, [a, b]) {
    const out = k.alloc(a.view.dtype, productShape(a.view.shape, b.view.shape))
    k.run({ kind: 'matmul' }, [a, b], [out])
    return [out]
  },
  vjp: ([g], { inputs: [a, b], needs }) => (g ? [needs[0] ? productAs(a, g, conj(mT(b))) : null, needs[1] ? productAs(b, conj(mT(a)), g) : null] : [null, null]),
  saves: 'inputs',
}

/**
 * Matrix product with PyTorch's rules: vectors are completed to matrices, leading dimensions broadcast as batches.
 * Shapes […, n, k] and […, k, m] give […, n, m]. As `torch.matmul`.
 * @throws LampasError when the inner sizes differ.
 *
 * @example
 * matmul(tensor([[1, 2], [3, 4]]), tensor([1, 1])) // → tensor([3., 7.])
 */
export const matmul: ((x: Tensor, other: Tensor) => Tensor) & Described = describe((x: Tensor, other: Tensor) => {
  const [a, b] = [lift(x, 'matmul'), lift(other, 'matmul')]
  if (a.ndim === 0 || b.ndim === 0) fail('matmul', `${a} @ ${b}: both need at least one dimension`, 'multiply by a scalar with mul')
  const inner = b.shape[Math.max(0, b.ndim - 2)]
  if (a.shape.at(-1) !== inner) {
    const help = b.ndim > 1 && b.shape.at(-1) === a.shape.at(-1) ? 'transpose the second: w.mT()' : a.ndim > 1 && a.shape.at(-2) === inner ? 'transpose the first: x.mT()' : 'the last size of the first must equal the second-to-last of the second'
    fail('matmul', `${a} @ ${b}: inner sizes ${a.shape.at(-1)} and ${inner} differ`, help)
  }
  if (a.dtype !== b.dtype) fail('matmul', `${a} @ ${b}: dtypes differ`, `convert one: x.to('${a.dtype}')`)
  if (a.dtype === 'bool') fail('matmul', `${a} @ ${b}: not defined for bool`, "convert both: x.to('int32')")
  if (a.ndim === 2 && b.ndim === 2) return product(a, b)
  const out = product(a.ndim === 1 ? unsqueeze(a, 0) : a, b.ndim === 1 ? unsqueeze(b, 1) : b)
  const shape = [...out.shape]
  if (b.ndim === 1) shape.pop()
  if (a.ndim === 1) shape.splice(shape.length - (b.ndim === 1 ? 1 : 2), 1)
  return reshape(out, shape)
}, 'matmul', ['input', 'other'])

function product(a: Tensor, b: Tensor): Tensor {
  if (!isDifferentiable(a.dtype)) return cast(sum(mul(unsqueeze(a, -1), unsqueeze(b, -3)), -2), a.dtype)
  if (a.ndim === 2 && b.ndim === 2) return apply1(matmulOp, [a, b], null)
  // A stack of matrices times one matrix is one tall product: its gradient for b is then one product too.
  if (b.ndim === 2 && a.ndim > 2) return reshape(apply1(matmulOp, [reshape(a, numel(a.shape.slice(0, -1)), a.shape.at(-1)!), b], null), productShape(a.shape, b.shape))
  const batch = broadcastShapes('matmul', [a.shape.slice(0, -2), b.shape.slice(0, -2)])
  return apply1(matmulOp, [expand(a, [...batch, ...a.shape.slice(-2)]), expand(b, [...batch, ...b.shape.slice(-2)])], null)
}

type Product = ((x: Tensor, other: Tensor) => Tensor) & Described
const ranked = (name: string, ra: number, rb: number): Product => describe((x: Tensor, other: Tensor) => {
  needTensor(name, x)
  needTensor(name, other)
  if (x.ndim !== ra || other.ndim !== rb) fail(name, `expected ${ra} and ${rb} dimensions, got ${x} and ${other}`, 'matmul takes any number')
  if (ra === 3 && x.shape[0] !== other.shape[0]) fail(name, `${x} and ${other} have different batch sizes`, 'matmul broadcasts')
  return matmul(x, other)
}, name, ['input', { mv: 'vec', dot: 'other' }[name] ?? 'mat2'])

/**
 * Product of two matrices. As `torch.mm`.
 *
 * @example
 * mm(randn(2, 3), randn(3, 4))   // f32[2,4]
 */
export const mm: Product = ranked('mm', 2, 2)
/**
 * Product of two stacks of matrices of equal length. As `torch.bmm`.
 *
 * @example
 * bmm(randn(5, 2, 3), randn(5, 3, 4))   // f32[5,2,4]
 */
export const bmm: Product = ranked('bmm', 3, 3)
/**
 * Matrix times vector. As `torch.mv`.
 *
 * @example
 * mv(tensor([[1, 2], [3, 4]]), tensor([1, 1])) // → tensor([3., 7.])
 */
export const mv: Product = ranked('mv', 2, 1)
/**
 * Σ xᵢ·yᵢ of two vectors. As `torch.dot`.
 *
 * @example
 * dot(tensor([1, 2]), tensor([3, 4])) // → tensor(11.)
 */
export const dot: Product = ranked('dot', 1, 1)

/**
 * All products xᵢ·yⱼ of two vectors. As `torch.outer`.
 *
 * @example
 * outer(tensor([1, 2]), tensor([3, 4])) // → tensor([[3., 4.],
 * //           [6., 8.]])
 */
export const outer: ((x: Tensor, vec2: Tensor) => Tensor) & Described = describe((x: Tensor, vec2: Tensor) => {
  if (x.ndim !== 1 || vec2.ndim !== 1) fail('outer', `expected two vectors, got ${x} and ${vec2}`, 'flatten them first')
  return mul(unsqueeze(x, 1), unsqueeze(vec2, 0))
}, 'outer', ['input', 'vec2'])

export interface BlendOptions {
  /** Factor of the input, 1 by default; with 0 its values do not matter, not even NaN. */
  beta?: number
  /** Factor of the product, 1 by default. */
  alpha?: number
}
/** beta·input + alpha·product. Factors of integers are cut to whole numbers, as in PyTorch. */
export function blend(op: string, input: Operand, product: Tensor, { beta = 1, alpha = 1 }: BlendOptions): Tensor {
  const x = lift(input, op)
  if (!sameShape(broadcastShapes(op, [x.shape, product.shape]), product.shape)) fail(op, `the input ${x} is larger than the product ${product}`, 'it must broadcast to the shape of the product')
  if (x.constant === undefined && x.dtype !== product.dtype) fail(op, `the input ${x} and the product ${product} have different dtypes`, `convert one: x.to('${product.dtype}')`)
  const whole = dtypes[product.dtype].kind === 'int'
  const times = (t: Tensor, by: number): Tensor => (by === 1 ? t : mul(t, whole ? Math.trunc(by) : by))
  const scaled = times(product, alpha)
  return beta === 0 ? scaled : add(scaled, times(x, beta))
}
/**
 * beta·input + alpha·(mat1 · mat2). As `torch.addmm`.
 *
 * @example
 * addmm(zeros(2), randn(3, 4), randn(4, 2), { alpha: 0.5 })   // f32[3,2]
 */
export const addmm: ((input: Operand, mat1: Tensor, mat2: Tensor, options?: BlendOptions) => Tensor) & Described = define('addmm', ['input', 'mat1', 'mat2', '*', 'beta', 'alpha'], ({ input, mat1, mat2, ...factors }: { input: Operand; mat1: Tensor; mat2: Tensor } & BlendOptions) => blend('addmm', input, mm(mat1, mat2), factors))

/**
 * x · Wᵀ + b over the last dimension: [..., in] → [..., out]. As `torch.nn.functional.linear`.
 *
 * @example
 * nn.functional.linear(randn(8, 3), randn(5, 3), zeros(5))   // f32[8,5]
 */
export const linear: ((x: Tensor, weight: Tensor, bias?: Tensor | null) => Tensor) & Described = describe((x: Tensor, weight: Tensor, bias?: Tensor | null) => {
  if (x.ndim > 0 && weight.ndim === 2 && x.shape.at(-1) !== weight.shape[1])
    fail('linear', `input ${x} has ${x.shape.at(-1)} features, weight ${weight} expects ${weight.shape[1]}`, 'the last size of the input must be inFeatures')
  const y = matmul(x, weight.ndim > 1 ? mT(weight) : weight)
  return bias ? add(y, bias) : y
}, 'linear', ['input', 'weight', 'bias'])

/**
 * Sums products over paired dimensions: the last `dims` of the first with the first of the second, or given lists. As `torch.tensordot`.
 *
 * @example
 * tensordot(randn(2, 3, 4), randn(3, 4, 5))   // f32[2,5]
 */
export const tensordot: ((a: Tensor, b: Tensor, dims?: number | readonly [readonly number[], readonly number[]]) => Tensor) & Described = describe((a: Tensor, b: Tensor, dims: number | readonly [readonly number[], readonly number[]] = 2) => {
  if (typeof dims === 'number' && !(dims >= 0 && dims <= Math.min(a.ndim, b.ndim))) fail('tensordot', `dims ${dims} of ${a} and ${b}`, 'at most as many as either has')
  const [da, db] = typeof dims === 'number'
    ? [Array.from({ length: dims }, (_, i) => a.ndim - dims + i), Array.from({ length: dims }, (_, i) => i)]
    : [dims[0].map(d => normalizeDim('tensordot', d, a.ndim)), dims[1].map(d => normalizeDim('tensordot', d, b.ndim))]
  const paired = [da.map(d => a.shape[d]), db.map(d => b.shape[d])]
  if (!sameShape(paired[0], paired[1])) fail('tensordot', `${a} and ${b}: paired sizes ${formatShape(paired[0])} and ${formatShape(paired[1])} differ`, 'paired dimensions must be equal')
  const ra = [...a.shape.keys()].filter(d => !da.includes(d))
  const rb = [...b.shape.keys()].filter(d => !db.includes(d))
  const k = numel(paired[0])
  const left = reshape(permute(a, [...ra, ...da]), numel(ra.map(d => a.shape[d])), k)
  const right = reshape(permute(b, [...db, ...rb]), k, numel(rb.map(d => b.shape[d])))
  return reshape(matmul(left, right), [...ra.map(d => a.shape[d]), ...rb.map(d => b.shape[d])])
}, 'tensordot', ['a', 'b', 'dims'])
