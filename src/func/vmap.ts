// vmap: a function of one example becomes one of a batch.
import { fail, needFunction } from '../core/errors.ts'
import { needKnown, needWhole } from '../core/options.ts'
import { normalizeDim } from '../core/shape.ts'
import { isPlain, rebuild } from '../graph/arguments.ts'
import { tensorsIn } from '../eager/storage.ts'
import { cat, movedim, narrow } from '../ops/index.ts'
import { Tensor } from '../ops/tensor.ts'
import { world } from '../ops/world.ts'
import { Batch, type Randomness } from './batch.ts'

/** An axis for all tensors of a value, null for none, or one for each of its parts. */
export type Dims = number | null | readonly Dims[] | { readonly [name: string]: Dims }

export interface VmapOptions {
  /** Along which axis of each argument the examples lie; null: the argument is the same for all. One for all arguments, or a list. Default 0. */
  inDims?: Dims
  /** Where that axis goes in the results; null: the result is the same for all examples, and is given once. Default 0. */
  outDims?: Dims
  /** Random numbers in the function: 'error' (the default), 'different' in each example, or the 'same' in all. */
  randomness?: Randomness
  /** At most so many examples at a time, for less memory. */
  chunkSize?: number
}

interface Mapped {
  readonly x: Tensor
  readonly axis: number | null
}

/** Each tensor of a value with what is said about it. */
function mapped(what: string, value: unknown, dims: Dims, rank: (x: Tensor) => number): Mapped[] {
  const parts = (pairs: readonly (readonly [string, unknown])[]): Mapped[] =>
    pairs.flatMap(([k, v]) => mapped(`${what}[${k}]`, v, dims === null || typeof dims === 'number' ? dims : partOf(what, dims, k), rank))
  if (Array.isArray(value)) {
    if (Array.isArray(dims) && dims.length !== value.length) fail('vmap', `${dims.length} dims for ${value.length} values of ${what}`, 'give one for each, or a single one for all')
    return parts(Object.entries(value as unknown[]))
  }
  if (isPlain(value)) return parts(Object.entries(value))
  if (!(value instanceof Tensor)) return []
  if (typeof dims === 'object' && dims !== null) fail('vmap', `dims ${JSON.stringify(dims)} for the tensor ${value} of ${what}`, 'a tensor takes a number or null')
  return [{ x: value, axis: dims === null ? null : normalizeDim('vmap', dims, rank(value)) }]
}

const partOf = (what: string, dims: object, key: string): Dims => (dims as Record<string, Dims | undefined>)[key] ?? (key in dims ? null : fail('vmap', `the dims of ${what} say nothing of '${key}'`, 'give a number or null for each part, or one for all'))

function sizeOf(inputs: readonly Mapped[]): number {
  const found = inputs.flatMap(({ x, axis }) => (axis === null ? [] : [{ x, size: x.ndim > axis ? x.shape[axis] : fail('vmap', `${x} has no axis to map over`, 'give inDims: null for what all examples share') }]))
  if (found.length === 0) fail('vmap', 'there is no tensor to map over', 'at least one argument must have an axis of examples: see inDims')
  const [first] = found
  for (const { x, size } of found) if (size !== first.size) fail('vmap', `${x} has ${size} examples, ${first.x} has ${first.size}`, 'give inDims where they do not lie along axis 0')
  return first.size
}

const front = (x: Tensor, axis: number): Tensor => (axis === 0 ? x : movedim(x, axis, 0))

/**
 * The function that applies `fn`, which is written for one example, to all examples of a batch at once: each op in it runs once, on all of them.
 * Arguments and results may be lists and objects of tensors. It can be nested, differentiated and compiled, and `vmap(grad(loss))` gives the
 * gradient of each example. As `torch.func.vmap`.
 *
 * @throws LampasError when `fn` reads a value, writes what differs between examples into a tensor that they share, or draws random numbers
 * without `randomness`.
 * @example
 * const distance = (a, b) => a.sub(b).norm()
 * func.vmap(distance)(tensor([[3, 4], [0, 0]]), tensor([[0, 0], [0, 1]])) // → tensor([5., 1.])
 * func.vmap(distance, { inDims: [0, null] })(tensor([[3, 4], [0, 0]]), tensor([0, 0])) // → tensor([5., 0.])
 */
export function vmap<A extends unknown[], R>(fn: (...args: A) => R, options: VmapOptions = {}): (...args: A) => R {
  needFunction('vmap', fn)
  needKnown('vmap', options, ['inDims', 'outDims', 'randomness', 'chunkSize'])
  const { inDims = 0, outDims = 0, randomness = 'error', chunkSize } = options
  if (!['error', 'different', 'same'].includes(randomness)) fail('vmap', `randomness '${String(randomness)}'`, "'error', 'different' or 'same'")
  if (chunkSize !== undefined) needWhole('vmap', { chunkSize })
  return (...args) => {
    const inputs = mapped('the arguments', args, inDims, x => x.ndim)
    const size = sizeOf(inputs)
    const lists = inputs.map(({ x, axis }) => (axis === null ? x : front(x, axis)))
    const once = (xs: readonly Tensor[], n: number): { readonly result: unknown; readonly ys: readonly Tensor[] } => {
      const batch = new Batch(world(), n, randomness)
      let result: unknown
      const ys = world().tidy(() => {
        let at = 0
        const own = rebuild(args, () => {
          const x = xs[at]
          return inputs[at++].axis === null ? batch.inside(x) : batch.each(x)
        })
        const leaves = batch.run(() => results((result = fn(...(own as A)))))
        return mapped('the results', result, outDims, y => y.ndim + 1).map(({ x: y, axis }, i) => (axis === null ? shared(batch, leaves[i]) : batch.whole(y)))
      })
      return { result, ys }
    }
    const chunk = Math.min(chunkSize ?? size, size)
    const parts = size === 0 ? [once(lists, 0)] : Array.from({ length: Math.ceil(size / chunk) }, (_, i) => {
      const n = Math.min(chunk, size - i * chunk)
      return once(n === size ? lists : lists.map((x, k) => (inputs[k].axis === null ? x : narrow(x, 0, i * chunk, n))), n)
    })
    const axes = mapped('the results', parts[0].result, outDims, y => y.ndim + 1).map(m => m.axis)
    let at = 0
    return rebuild(parts[0].result, () => {
      const [i, axis] = [at, axes[at++]]
      const first = parts[0].ys[i]
      const y = axis === null || parts.length === 1 ? first : cat(parts.map(p => p.ys[i]))
      return axis === null || axis === 0 ? y : movedim(y, 0, axis)
    }) as R
  }
}

function results(value: unknown): Tensor[] {
  if (value instanceof Promise) {
    value.catch(() => {})
    fail('vmap', 'the function is async', 'values cannot be awaited in it; read them outside')
  }
  const bad = (v: unknown): boolean => (Array.isArray(v) ? v.some(bad) : isPlain(v) ? Object.values(v).some(bad) : !(v instanceof Tensor))
  if (bad(value)) fail('vmap', `the function gave ${typeof value === 'object' ? 'something beside tensors' : String(value)}`, 'return a tensor, or lists and objects of tensors')
  return tensorsIn(value)
}

const shared = (batch: Batch, y: Tensor): Tensor => batch.common(y) ?? fail('vmap', `outDims is null for the result ${y}, which differs between examples`, 'give the axis along which they are to lie')
