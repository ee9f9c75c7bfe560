// Element types and PyTorch's promotion rules. float32, int32 and bool (0 or 1) are 32-bit words, which every kernel computes with. The
// narrow types are storage: a kernel widens them as it reads and rounds or wraps as it writes. complex64 is a pair of float32 words.

import { fail, internal } from './errors.ts'

export type DType = 'float32' | 'int32' | 'bool' | 'uint8' | 'uint32' | 'float16' | 'bfloat16' | 'float64' | 'complex64'
export type DTypeKind = 'bool' | 'int' | 'float' | 'complex'
/** What `data()` gives: complex numbers as pairs, 16-bit floats widened. */
export type TypedArray = Float32Array | Float64Array | Int32Array | Uint32Array | Uint8Array
/** Elements as they lie in memory: 16-bit floats as their bits, bool as int32, complex64 as pairs. */
export type Words = Float32Array | Float64Array | Int32Array | Uint32Array | Uint16Array | Uint8Array

/** The types that scalar programs compute with. */
export type ScalarType = 'float32' | 'int32' | 'bool' | 'float64'
/** Those of them that are one 32-bit word: all that WebGPU knows. */
export type WordType = Exclude<ScalarType, 'float64'>

export interface DTypeInfo {
  readonly kind: DTypeKind
  /** Among types of one kind the higher rank is the wider. */
  readonly rank: number
  /** Short name in error messages: `f32[2,3]`. */
  readonly short: string
  /** Bytes of one element on a device. */
  readonly bytes: number
}

export const dtypes: Readonly<Record<DType, DTypeInfo>> = {
  bool: { kind: 'bool', rank: 0, short: 'bool', bytes: 4 },
  uint8: { kind: 'int', rank: 1, short: 'u8', bytes: 1 },
  int32: { kind: 'int', rank: 2, short: 'i32', bytes: 4 },
  uint32: { kind: 'int', rank: 3, short: 'u32', bytes: 4 },
  bfloat16: { kind: 'float', rank: 4, short: 'bf16', bytes: 2 },
  float16: { kind: 'float', rank: 5, short: 'f16', bytes: 2 },
  float32: { kind: 'float', rank: 6, short: 'f32', bytes: 4 },
  float64: { kind: 'float', rank: 7, short: 'f64', bytes: 8 },
  complex64: { kind: 'complex', rank: 8, short: 'c64', bytes: 8 },
}

export function needDType(op: string, dtype: string): asserts dtype is DType {
  if (!Object.hasOwn(dtypes, dtype)) fail(op, `'${String(dtype)}' is not a dtype`, `dtypes: ${Object.keys(dtypes).join(', ')}; int64 is kept in int32`)
}

/** Bytes of a word, the unit in which memory is given out. */
export const WORD = 4

/** Bytes that n elements take, in whole words. */
export const bytesOf = (t: DType, n: number): number => Math.ceil((n * dtypes[t].bytes) / WORD) * WORD

export const isFloat = (t: DType): boolean => dtypes[t].kind === 'float'
export const isComplex = (t: DType): boolean => t === 'complex64'
/** Float or complex: what a gradient can belong to. */
export const isDifferentiable = (t: DType): boolean => isFloat(t) || isComplex(t)

const scalarTypes: Readonly<Record<Exclude<DType, 'complex64'>, ScalarType>> = {
  bool: 'bool', uint8: 'int32', int32: 'int32', uint32: 'int32', float16: 'float32', bfloat16: 'float32', float32: 'float32', float64: 'float64',
}
/** The type that programs compute in for elements of a dtype; for complex64 that of its parts. */
export const scalarType = (t: DType): ScalarType => (t === 'complex64' ? 'float32' : scalarTypes[t])

/** The same where there are no 64-bit numbers. */
export function wordType(t: DType): WordType {
  const s = scalarType(t)
  return s === 'float64' ? internal('float64 in a kernel for 32-bit words') : s
}

/** Kinds from narrow to wide. */
const kinds: Readonly<Record<DTypeKind, number>> = { bool: 0, int: 1, float: 2, complex: 3 }
export const kindRank = (t: DType): number => kinds[dtypes[t].kind]

/** The smallest dtype that holds both, as `torch.promote_types`. */
export function promote(a: DType, b: DType): DType {
  if (a === b) return a
  const higher = dtypes[a].rank >= dtypes[b].rank ? a : b
  const lower = higher === a ? b : a
  if (higher === 'float16' && lower === 'bfloat16') return 'float32'
  if (higher === 'uint32' && lower === 'int32') fail('promoteTypes', 'uint32 and int32 have no common dtype', "convert one of them: x.to('int32')")
  return higher
}

/** The dtype that a JavaScript value asks for: booleans are bool, whole numbers int32, all others float32. */
export const dtypeOfNumber = (v: number | boolean): DType =>
  typeof v === 'boolean' ? 'bool' : Number.isInteger(v) && Math.abs(v) < 2 ** 31 ? 'int32' : 'float32'

/**
 * The common dtype of tensors and plain numbers (given as the dtypes that they ask for). A number has no width of its own: it changes
 * the result only when it is of a higher kind than every tensor (`int32 tensor · 0.5` is float32, `float16 tensor · 0.5` stays
 * float16). A 0-dim tensor gives way to one with dimensions of the same kind. As `torch.result_type`.
 */
export function resultType(tensors: readonly { dtype: DType; rank: number }[], numbers: readonly DType[] = []): DType {
  let dims: DType | null = null
  let zero: DType | null = null
  let plain: DType | null = null
  for (const t of tensors) {
    if (t.rank > 0) dims = dims ? promote(dims, t.dtype) : t.dtype
    else zero = zero ? promote(zero, t.dtype) : t.dtype
  }
  for (const t of numbers) plain = plain ? promote(plain, t) : t
  let out = dims
  for (const t of [zero, plain]) if (t !== null && (out === null || kindRank(t) > kindRank(out))) out = t
  return out ?? 'float32'
}
