// Element types and PyTorch's promotion rules. Every element takes one 32-bit word on a device, bool included (0 or 1),
// so that a kernel on any backend addresses elements the same way.

import { fail } from './errors.ts'

export type DType = 'float32' | 'int32' | 'bool'
export type DTypeKind = 'bool' | 'int' | 'float'
export type TypedArray = Float32Array | Int32Array | Uint8Array
/** Elements as 32-bit words: Float32Array for float32, Int32Array for int32 and bool. */
export type Words = Float32Array | Int32Array

export interface DTypeInfo {
  readonly kind: DTypeKind
  /** Place in the promotion order: a binary op computes in the type of the higher rank. */
  readonly rank: number
  /** Short name in error messages: `f32[2,3]`. */
  readonly short: string
}

export const dtypes: Readonly<Record<DType, DTypeInfo>> = {
  bool: { kind: 'bool', rank: 0, short: 'bool' },
  int32: { kind: 'int', rank: 1, short: 'i32' },
  float32: { kind: 'float', rank: 2, short: 'f32' },
}

export function needDType(op: string, dtype: string): asserts dtype is DType {
  if (!Object.hasOwn(dtypes, dtype)) fail(op, `'${String(dtype)}' is not a dtype`, `dtypes: ${Object.keys(dtypes).join(', ')}; 64-bit numbers are kept in 32 bits`)
}

/** Bytes of one element on a device. */
export const WORD = 4

export const isFloat = (t: DType): boolean => dtypes[t].kind === 'float'

/** The smallest dtype that holds both, as `torch.promote_types`. */
export const promote = (a: DType, b: DType): DType => (dtypes[a].rank >= dtypes[b].rank ? a : b)

/** The dtype that a JavaScript value asks for: booleans are bool, whole numbers int32, all others float32. */
export const dtypeOfNumber = (v: number | boolean): DType =>
  typeof v === 'boolean' ? 'bool' : Number.isInteger(v) && Math.abs(v) < 2 ** 31 ? 'int32' : 'float32'

/**
 * The common dtype of tensors and plain numbers. A number has no width of its own: it changes the result only when it is
 * of a higher kind than every tensor (`int32 tensor · 0.5` is float32, `float32 tensor · 2` stays float32). A 0-dim tensor
 * gives way to one with dimensions of the same kind, as `torch.result_type`.
 */
export function resultType(tensors: readonly { dtype: DType; rank: number }[], numbers: readonly (number | boolean)[] = []): DType {
  let dims: DType | null = null
  let zero: DType | null = null
  for (const t of tensors) {
    if (t.rank > 0) dims = dims ? promote(dims, t.dtype) : t.dtype
    else zero = zero ? promote(zero, t.dtype) : t.dtype
  }
  let out = dims
  const raise = (t: DType) => {
    if (out === null || dtypes[t].rank > dtypes[out].rank) out = t
  }
  if (zero) raise(zero)
  for (const n of numbers) raise(dtypeOfNumber(n))
  return out ?? 'float32'
}
