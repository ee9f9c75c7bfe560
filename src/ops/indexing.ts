// x.at(…): one grammar for NumPy-style indexing. Numbers select, strings slice ('1:3', ':', '::-1', '...'), null adds a dimension,
// an int32 tensor or array picks positions, a bool tensor masks.
import { fail } from '../core/errors.ts'
import { broadcastShapes, numel } from '../core/shape.ts'
import { cast } from './cast.ts'
import { tensor } from './creation.ts'
import { apply1, describe, type Described, type Operand } from './define.ts'
import { indexSelect, scatterAddOp } from './gather.ts'
import { copy_ } from './inplace.ts'
import { expand, filledOp, flatten, permute, reshape, select, sliceOp, stack, unsqueeze } from './movement.ts'
import { add, lt, mul, where } from './pointwise.ts'
import { Tensor } from './tensor.ts'

/** One entry of an index. */
export type Index = number | string | null | Tensor | readonly number[]

interface Placed {
  /** The basic part applied: a view. */
  readonly x: Tensor
  /** Index tensors by the dimension of `x` that each picks from. */
  readonly picks: readonly { dim: number; index: Tensor }[]
}

const SLICE = /^\s*(-?\d+)?\s*:\s*(-?\d+)?\s*(?::\s*(-?\d+)?\s*)?$/

function slice(x: Tensor, axis: number, text: string): Tensor {
  const match = SLICE.exec(text)
  if (!match) fail('at', `'${text}' is not a slice`, "write 'start:stop' or 'start:stop:step', ':' for all, '...' for all dimensions left")
  const n = x.shape[axis]
  const step = match[3] === undefined ? 1 : Number(match[3])
  if (step === 0) fail('at', `the step of '${text}' is 0`, 'use a step of at least 1, or below 0 to go backwards')
  const bound = (s: string | undefined, otherwise: number): number => {
    if (s === undefined) return otherwise
    const v = Number(s) < 0 ? Number(s) + n : Number(s)
    return step > 0 ? Math.min(Math.max(v, 0), n) : Math.min(Math.max(v, -1), n - 1)
  }
  const [start, stop] = [bound(match[1], step > 0 ? 0 : n - 1), bound(match[2], step > 0 ? n : -1)]
  const length = Math.max(0, Math.ceil((stop - start) / step))
  return length === n && step === 1 ? x : apply1(sliceOp, [x], { axis, start, step, length })
}

function resolve(x: Tensor, index: readonly Index[]): Placed {
  const taken = index.reduce((n: number, i) => n + (i === null || i === '...' ? 0 : i instanceof Tensor && i.dtype === 'bool' ? i.ndim : 1), 0)
  if (taken > x.ndim) fail('at', `${taken} indices for ${x}`, `it has ${x.ndim} dimension${x.ndim === 1 ? '' : 's'}`)
  if (index.filter(i => i === '...').length > 1) fail('at', "more than one '...'", 'it may stand once')
  let y = x
  let axis = 0
  const picks: { dim: number; index: Tensor }[] = []
  for (const i of index) {
    if (i === null) y = unsqueeze(y, axis++)
    else if (i === '...') axis += x.ndim - taken
    else if (typeof i === 'number') y = select(y, axis, i)
    else if (typeof i === 'string') y = slice(y, axis++, i)
    else if (i instanceof Tensor && i.dtype === 'bool') {
      if (i.shape.some((n, d) => n !== y.shape[axis + d])) fail('at', `mask ${i} does not fit dimensions ${axis} … of ${x}`, 'a mask needs the sizes of the dimensions that it covers')
      for (const position of nonzeroColumns(i)) picks.push({ dim: axis++, index: position })
    } else {
      const at = i instanceof Tensor ? i : tensor(i as number[], { dtype: 'int32' })
      if (at.dtype !== 'int32') fail('at', `an index must be int32 or bool, got ${at}`, "convert it: index.to('int32')")
      picks.push({ dim: axis++, index: at })
    }
  }
  return { x: y, picks }
}

/** Coordinates of the elements that are not 0, one int32 vector a dimension. Their number depends on values, so they are read. */
function nonzeroColumns(mask: Tensor): Tensor[] {
  const values = mask.dataSync()
  const columns: number[][] = mask.shape.map(() => [])
  values.forEach((v, flat) => {
    if (!v) return
    let rest = flat
    for (let d = mask.ndim - 1; d >= 0; d--) {
      columns[d].push(rest % mask.shape[d])
      rest = Math.floor(rest / mask.shape[d])
    }
  })
  return columns.map(c => tensor(Int32Array.from(c), { device: mask.device }))
}

/** Several picked dimensions become one: the positions as flat numbers, and x with those dimensions first and joined. */
function joined({ x, picks }: Placed): { rows: Tensor; flat: Tensor; shape: number[]; lead: number; order: number[] } {
  const shape = broadcastShapes('at', picks.map(p => p.index.shape))
  const dims = picks.map(p => p.dim)
  const rest = [...x.shape.keys()].filter(d => !dims.includes(d))
  const adjacent = dims.every((d, i) => i === 0 || d === dims[i - 1] + 1)
  // NumPy: the picked dimensions stay in place when they are neighbours, else they come first.
  const lead = adjacent ? rest.filter(d => d < dims[0]).length : 0
  const order = [...dims, ...rest]
  let flat: Tensor | null = null
  for (const { dim, index } of picks) {
    const n = x.shape[dim]
    const positive = where(lt(index, 0), add(index, n), index)
    flat = flat ? add(mul(flat, n), positive) : positive
  }
  const rows = reshape(permute(x, order), [numel(dims.map(d => x.shape[d])), ...rest.map(d => x.shape[d])])
  return { rows, flat: flatten(expand(flat!, shape)), shape, lead, order }
}

/** Moves the dimensions of the index, which are first, behind `lead` others. */
const settle = (y: Tensor, count: number, lead: number): Tensor =>
  lead === 0 ? y : permute(y, [...Array.from({ length: lead }, (_, i) => count + i), ...Array.from({ length: count }, (_, i) => i), ...Array.from({ length: y.ndim - count - lead }, (_, i) => count + lead + i)])

/**
 * Part of a tensor: `x.at(0)`, `x.at(':', '1:3')`, `x.at('...', -1)`, `x.at(rows)`, `x.at(mask)`. Numbers and slices give views; tensors
 * and arrays give copies. As PyTorch's `x[…]`.
 */
export const at: ((x: Tensor, ...index: Index[]) => Tensor) & Described = describe((x: Tensor, ...index: Index[]) => {
  const placed = resolve(x, index)
  if (placed.picks.length === 0) return placed.x
  const { rows, flat, shape, lead } = joined(placed)
  const picked = reshape(indexSelect(rows, 0, flat), [...shape, ...rows.shape.slice(1)])
  return settle(picked, shape.length, lead)
}, 'at', ['input', 'index'])

/**
 * Writes into part of a tensor, in place: `x.setAt([0, '1:3'], value)`. With repeated positions one of the values wins. As PyTorch's
 * `x[…] = value`. Returns x.
 */
export const setAt: ((x: Tensor, index: readonly Index[], value: Operand) => Tensor) & Described = describe((x: Tensor, index: readonly Index[], value: Operand) => {
  const placed = resolve(x, index)
  if (placed.picks.length === 0) {
    copy_(placed.x, value)
    return x
  }
  const { rows, flat, shape, lead, order } = joined(placed)
  const part = settle(reshape(indexSelect(rows, 0, flat), [...shape, ...rows.shape.slice(1)]), shape.length, lead)
  const wanted = value instanceof Tensor ? expand(cast(value, x.dtype), part.shape) : fullLikeShape(part, value)
  const back = lead === 0 ? wanted : permute(wanted, [...shape.map((_, i) => lead + i), ...Array.from({ length: lead }, (_, i) => i), ...Array.from({ length: wanted.ndim - shape.length - lead }, (_, i) => shape.length + lead + i)])
  const last = lastOfEach(flat)
  const source = indexSelect(reshape(back, [flat.numel, ...rows.shape.slice(1)]), 0, last)
  const at = indexSelect(flat, 0, last)
  const spread = expand(reshape(at, [at.numel, ...rows.shape.slice(1).map(() => 1)]), [at.numel, ...rows.shape.slice(1)])
  const zero = (dtype: Tensor['dtype'], s: readonly number[]) => apply1(filledOp, [], { shape: s, value: 0, dtype })
  const hit = apply1(scatterAddOp, [zero('int32', rows.shape), spread, expand(apply1(filledOp, [], { shape: [1], value: 1, dtype: 'int32' }), spread.shape)], { axis: 0 })
  const values = apply1(scatterAddOp, [zero(x.dtype === 'bool' ? 'int32' : x.dtype, rows.shape), spread, x.dtype === 'bool' ? cast(source, 'int32') : source], { axis: 0 })
  const written = where(cast(hit, 'bool'), cast(values, x.dtype), rows)
  const unpermuted = reshape(written, order.map(d => placed.x.shape[d]))
  copy_(placed.x, permute(unpermuted, order.map((_, i) => order.indexOf(i))))
  return x
}, 'setAt', ['input', 'index', 'value'])

const fullLikeShape = (like: Tensor, value: number | boolean): Tensor => cast(where(true, value, like), like.dtype)

/** Of equal positions only the last counts: the places of the last one of each. */
function lastOfEach(flat: Tensor): Tensor {
  const values = flat.dataSync()
  const last = new Map<number, number>()
  values.forEach((v, i) => last.set(v, i))
  return tensor(Int32Array.from(last.values()), { device: flat.device })
}

/** Elements where the mask is true, as a vector. Their number depends on values, so the mask is read. As `torch.masked_select`. */
export const maskedSelect: ((x: Tensor, mask: Tensor) => Tensor) & Described = describe((x: Tensor, mask: Tensor) => {
  if (mask.dtype !== 'bool') fail('maskedSelect', `the mask must be bool, got ${mask}`, 'compare first: x.gt(0)')
  const shape = broadcastShapes('maskedSelect', [x.shape, mask.shape])
  return at(expand(x, shape), expand(mask, shape))
}, 'maskedSelect', ['input', 'mask'])
/** x with `value` where the mask is true. As `torch.masked_fill`. */
export const maskedFill: ((x: Tensor, mask: Tensor, value: Operand) => Tensor) & Described = describe((x: Tensor, mask: Tensor, value: Operand) => {
  if (mask.dtype !== 'bool') fail('maskedFill', `the mask must be bool, got ${mask}`, 'compare first: x.gt(0)')
  return cast(where(mask, value, x), x.dtype)
}, 'maskedFill', ['input', 'mask', 'value'])
/** Coordinates of the elements that are not 0, int32 [count, dims]. Reads values. As `torch.nonzero`. */
export const nonzero: ((x: Tensor) => Tensor) & Described = describe((x: Tensor) => {
  const columns = nonzeroColumns(x)
  return columns.length ? stack(columns, 1) : tensor(new Int32Array(0), { shape: [x.itemSync() ? 1 : 0, 0] })
}, 'nonzero', ['input'])
/** Elements at positions of the flattened tensor. As `torch.take`. */
export const take: ((x: Tensor, index: Tensor) => Tensor) & Described = describe((x: Tensor, index: Tensor) => at(flatten(x), index), 'take', ['input', 'index'])
