// What the golden files say: PyTorch's calls, their tensors and results. The numbers lie in a .bin beside each manifest.
export interface Stored {
  readonly dtype: string
  readonly shape: readonly number[]
  /** Where the bytes lie in the .bin file. With strides they are the storage that the tensor is a view of. */
  readonly offset: number
  readonly nbytes: number
  readonly requiresGrad?: boolean
  readonly strides?: readonly number[]
  readonly storageOffset?: number
  /** Only dtype and shape are defined. */
  readonly compare?: 'shape'
}

/** A tensor of errors.json: small enough to stand in the file itself. */
export interface Inline extends Omit<Stored, 'offset' | 'nbytes'> {
  readonly values?: readonly (number | boolean | string | readonly number[])[]
  readonly fill?: number
}

export type Encoded =
  | null | boolean | number | string | readonly Encoded[]
  | { readonly tensor: number } | { readonly var: string } | { readonly float: number | string } | { readonly complex: readonly [number, number] }
  | { readonly dtype: string } | { readonly slice: readonly (number | null)[] } | { readonly ellipsis: true } | { readonly list: readonly Encoded[] }

export interface Tolerance {
  readonly rtol: number
  readonly atol: number
}

export type CallKind = 'function' | 'method' | 'property'

export interface Call {
  readonly op: string
  readonly call: CallKind
  readonly args: readonly Encoded[]
  readonly kwargs: Readonly<Record<string, Encoded>>
}

export interface GoldenCase extends Call {
  readonly id: string
  readonly inputs: readonly Stored[]
  readonly outputKind: 'tensor' | 'list' | 'value'
  readonly outputs: readonly (Stored & { readonly value?: unknown })[]
  readonly outputNames?: readonly string[]
  readonly outputSelect?: readonly number[]
  readonly post?: readonly (string | null)[]
  /** The first argument is cloned, the method changes the clone, and the clone is the result. */
  readonly inplace?: boolean
  readonly mutated?: readonly (Stored & { readonly input: number })[]
  readonly cotangents?: readonly (Stored | null)[]
  readonly grads?: readonly (Stored | null)[]
  readonly tol: Tolerance
  readonly gradTol?: Tolerance
}

export interface Manifest {
  readonly group: string
  readonly bin: string
  readonly caseCount: number
  readonly ops: Readonly<Record<string, number>>
  readonly cases: readonly GoldenCase[]
}

export interface ErrorCase extends Call {
  readonly id: string
  readonly inputs: readonly Inline[]
  readonly error: { readonly type: string; readonly message: string }
}
export interface ErrorManifest {
  readonly caseCount: number
  readonly cases: readonly ErrorCase[]
}

const arrays = { float32: Float32Array, int32: Int32Array, bool: Uint8Array, complex64: Float32Array }

/** The stored numbers; a complex one takes two places. */
export function numbersOf(buffer: ArrayBuffer, { dtype, offset, nbytes }: Stored): Float32Array | Int32Array | Uint8Array {
  const kind = arrays[dtype as keyof typeof arrays]
  return new kind(buffer, offset, nbytes / kind.BYTES_PER_ELEMENT)
}

const special: Readonly<Record<string, number>> = { inf: Infinity, '-inf': -Infinity, nan: NaN, '-0': -0 }
export const floatOf = (v: number | string): number => (typeof v === 'number' ? v : special[v])
