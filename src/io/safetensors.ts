// The file format safetensors (github.com/huggingface/safetensors), which PyTorch's world reads and writes: the length of a JSON header, the
// header, and the bytes of the tensors one behind the other.
import type { DType, Words } from '../core/dtype.ts'
import { fail } from '../core/errors.ts'
import { toWords } from '../core/storage.ts'
import { formatShape, numel, type Shape } from '../core/shape.ts'
import { tensor, type Tensor } from '../ops/index.ts'
import { world } from '../ops/world.ts'

/** Dtypes of the format: the array that their bytes are, and the dtype that they have here. */
const kinds = {
  F64: { dtype: 'float64', array: Float64Array },
  C64: { dtype: 'complex64', array: Float32Array, parts: 2 },
  F32: { dtype: 'float32', array: Float32Array },
  F16: { dtype: 'float16', array: Uint16Array },
  BF16: { dtype: 'bfloat16', array: Uint16Array },
  I32: { dtype: 'int32', array: Int32Array },
  U32: { dtype: 'uint32', array: Uint32Array },
  U8: { dtype: 'uint8', array: Uint8Array },
  BOOL: { dtype: 'bool', array: Uint8Array },
  // Read alone: their numbers become int32.
  I64: { dtype: 'int32', array: BigInt64Array },
  I16: { dtype: 'int32', array: Int16Array },
  U16: { dtype: 'int32', array: Uint16Array },
  I8: { dtype: 'int32', array: Int8Array },
} as const satisfies Record<string, { dtype: DType; array: unknown; parts?: number }>
type Kind = keyof typeof kinds

const kindOf: Readonly<Record<DType, Kind>> = {
  float64: 'F64', complex64: 'C64', float32: 'F32', float16: 'F16', bfloat16: 'BF16', int32: 'I32', uint32: 'U32', uint8: 'U8', bool: 'BOOL',
}

interface Entry {
  readonly dtype: Kind
  readonly shape: Shape
  readonly data_offsets: readonly [number, number]
}

/** Every piece of JSON that the format calls metadata is a text. */
export type Metadata = Record<string, string>

export async function encode(tensors: ReadonlyMap<string, Tensor>, metadata: Metadata): Promise<Uint8Array<ArrayBuffer>> {
  const pieces = await Promise.all([...tensors].map(async ([name, x]) => {
    const kind = kindOf[x.dtype]
    const values = await x.data()
    const { buffer, byteOffset, byteLength } = kind === 'F16' || kind === 'BF16' ? toWords(x.dtype, values) : values
    return { name, kind, shape: x.shape, bytes: new Uint8Array(buffer, byteOffset, byteLength) }
  }))
  // Wide elements first, so that each tensor begins at a multiple of its element's bytes.
  pieces.sort((a, b) => kinds[b.kind].array.BYTES_PER_ELEMENT - kinds[a.kind].array.BYTES_PER_ELEMENT)
  let end = 0
  const entries = pieces.map(({ name, kind, shape, bytes }) => [name, { dtype: kind, shape: [...shape], data_offsets: [end, (end += bytes.length)] }])
  const header = new TextEncoder().encode(JSON.stringify(Object.fromEntries([['__metadata__', metadata], ...entries])))
  const from = 8 * Math.ceil((8 + header.length) / 8)
  const out = new Uint8Array(from + end).fill(32, 8, from)
  new DataView(out.buffer).setBigUint64(0, BigInt(from - 8), true)
  out.set(header, 8)
  let at = from
  for (const { bytes } of pieces) {
    out.set(bytes, at)
    at += bytes.length
  }
  return out
}

const damaged = (what: string): never => fail('load', `this is no whole safetensors file: ${what}`, 'pass the bytes that save(…) or another writer of the format gave, all of them')

export function decode(source: Uint8Array | ArrayBuffer): { tensors: Map<string, Tensor>; metadata: Metadata } {
  const file = source instanceof Uint8Array ? source : new Uint8Array(source)
  const length = file.length < 8 ? NaN : Number(new DataView(file.buffer, file.byteOffset).getBigUint64(0, true))
  if (!(8 + length <= file.length)) damaged(`it has ${file.length} bytes${length > 0 ? `, its header alone ${length}` : ''}`)
  let header: Record<string, Entry> & { __metadata__?: Metadata }
  try {
    header = JSON.parse(new TextDecoder().decode(file.subarray(8, 8 + length)))
  } catch {
    return damaged('its header is no JSON')
  }
  const { __metadata__: metadata = {}, ...entries } = header
  const data = file.subarray(8 + length)
  return { metadata, tensors: new Map(Object.entries(entries).map(([name, entry]) => [name, read(name, entry, data)])) }
}

function read(name: string, { dtype: kind, shape, data_offsets: [from, to] }: Entry, data: Uint8Array): Tensor {
  if (!Object.hasOwn(kinds, kind)) fail('load', `'${name}' has the dtype ${kind}, which Lampas does not know`, `it reads ${Object.keys(kinds).join(', ')}: convert the tensor before saving it`)
  const { dtype, array, parts = 1 } = kinds[kind] as { dtype: DType; array: typeof kinds[Kind]['array']; parts?: number }
  if (!(to <= data.length) || to - from !== numel(shape) * parts * array.BYTES_PER_ELEMENT) damaged(`${to - from} bytes, from ${from} to ${to} of ${data.length}, are not '${name}', ${kind}${formatShape(shape)}`)
  // A copy, which begins where an array may.
  const values = new array(new Uint8Array(data.subarray(from, to)).buffer)
  if (values instanceof BigInt64Array) return tensor(values, { shape })
  const words: Words = kind === 'F16' || kind === 'BF16' ? (values as Uint16Array) : toWords(dtype, values)
  return world().create(words, dtype, shape)
}
