// The file: a magic word, the length of a JSON header, the header, and behind it the bytes of the state, as in safetensors. What the
// header says often (programs, kernels, views) stands in tables.
import { dtypes, type DType } from '../../core/dtype.ts'
import { LampasError } from '../../core/errors.ts'
import type { View } from '../../core/view.ts'
import type { KernelSpec } from '../../ops/op.ts'
import type { KernelKind } from '../../ir/kernel.ts'
import type { Place, Recording, Run } from './record.ts'

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json }
type JsonObject = { readonly [key: string]: Json }

const MAGIC = 'LAMPASFN'
const VERSION = 1
const ALIGN = 8

const damaged = (what: string): never => {
  throw new LampasError('loadFunction', `the file is damaged: ${what}`, 'save the function again')
}

/** Values that JSON has no word for become { $: … }. */
export function toJson(v: unknown): Json {
  if (typeof v === 'number') return Number.isFinite(v) && !Object.is(v, -0) ? v : { $: Object.is(v, -0) ? '-0' : String(v) }
  if (v === undefined) return { $: 'undefined' }
  if (v === null || typeof v === 'boolean' || typeof v === 'string') return v
  if (Array.isArray(v)) return v.map(toJson)
  if (typeof v === 'object' && Object.getPrototypeOf(v) === Object.prototype) return Object.fromEntries(Object.entries(v).map(([k, x]) => [k, toJson(x)]))
  throw new LampasError('saveFunction', `a ${typeof v === 'object' ? v.constructor.name : typeof v} cannot be written down`, 'arguments and results may be tensors, numbers, strings, booleans, arrays and plain objects')
}
export function fromJson(v: Json): unknown {
  if (typeof v !== 'object' || v === null) return v
  if (Array.isArray(v)) return v.map(fromJson)
  const o = v as JsonObject
  if (typeof o.$ === 'string' && Object.keys(o).length === 1) return o.$ === 'undefined' ? undefined : Number(o.$)
  return Object.fromEntries(Object.entries(o).map(([k, x]) => [k, fromJson(x)]))
}

/** Rows of which each is written once. */
class Table {
  readonly rows: Json[] = []
  private readonly at = new Map<string, number>()
  put(row: Json): number {
    const key = JSON.stringify(row)
    let i = this.at.get(key)
    if (i === undefined) {
      i = this.rows.push(row) - 1
      this.at.set(key, i)
    }
    return i
  }
}

/** A record of the kernels' language that stands in a table of its own. */
const isProgram = (v: unknown): boolean => typeof v === 'object' && v !== null && 'steps' in v && 'key' in v

export class Writer {
  private readonly programs = new Table()
  private readonly kernels = new Table()
  private readonly views = new Table()

  private kernel(v: unknown): Json {
    if (isProgram(v)) return { $program: this.programs.put(toJson(v)) }
    if (Array.isArray(v)) return v.map(x => this.kernel(x))
    if (typeof v === 'object' && v !== null) return Object.fromEntries(Object.entries(v).map(([k, x]) => [k, this.kernel(x)]))
    return toJson(v)
  }
  private place = ({ memory, view: { dtype, shape, strides }, offset }: Place): Json => [memory, this.views.put([dtype, [...shape], [...strides]]), offset]

  recording({ allocs, runs, results }: Recording): JsonObject {
    return {
      allocs: allocs.map(a => [a.dtype, [...a.shape]]),
      runs: runs.map(({ kernel, inputs, outputs, when }) => {
        const { inputs: _, outputs: __, ...spec } = kernel as KernelSpec & { inputs?: unknown; outputs?: unknown }
        return [this.kernels.put(this.kernel(spec)), inputs.map(this.place), outputs.map(this.place), ...(when ? [this.place(when)] : [])]
      }),
      results: results.map(this.place),
    }
  }
  get tables(): JsonObject {
    return { programs: this.programs.rows, kernels: this.kernels.rows, views: this.views.rows }
  }
}

const kinds: Readonly<Record<KernelKind, true>> = {
  map: true, batch: true, reduce: true, rows: true, matmul: true, conv: true, gather: true, scatter: true, fold: true, cumulate: true, sort: true, attention: true, factor: true,
}

export class Reader {
  private readonly kernels: readonly KernelSpec[]
  private readonly views: readonly Omit<View, 'offset'>[]

  constructor(header: JsonObject) {
    const programs = (header.programs as readonly Json[]).map(fromJson)
    const deep = (v: unknown): unknown => {
      if (Array.isArray(v)) return v.map(deep)
      if (typeof v !== 'object' || v === null) return v
      if ('$program' in v) return programs[(v as { $program: number }).$program]
      return Object.fromEntries(Object.entries(v).map(([k, x]) => [k, deep(x)]))
    }
    this.kernels = (header.kernels as readonly Json[]).map(k => {
      const spec = deep(fromJson(k)) as KernelSpec
      if (!Object.hasOwn(kinds, spec.kind)) throw new LampasError('loadFunction', `the function has a kernel of the kind '${String(spec.kind)}', which is not known here`, 'it was saved by a newer version of Lampas: update')
      return spec
    })
    this.views = (header.views as readonly (readonly [DType, number[], number[]])[]).map(([dtype, shape, strides]) => ({ dtype: needKind(dtype), shape, strides }))
  }

  private place = ([memory, view, offset]: readonly [number, number, number]): Place => ({ memory, view: this.views[view] ?? damaged('a view is missing'), offset })

  recording(o: JsonObject): Recording {
    type Raw = readonly [number, number, number]
    return {
      allocs: (o.allocs as unknown as readonly (readonly [DType, number[]])[]).map(([dtype, shape]) => ({ dtype: needKind(dtype), shape })),
      runs: (o.runs as unknown as readonly (readonly [number, Raw[], Raw[], Raw?])[]).map(([k, inputs, outputs, when]): Run => ({
        kernel: this.kernels[k] ?? damaged('a kernel is missing'), inputs: inputs.map(this.place), outputs: outputs.map(this.place), ...(when ? { when: this.place(when) } : {}),
      })),
      results: (o.results as unknown as readonly Raw[]).map(this.place),
    }
  }
}

export const needKind = (dtype: DType): DType => (Object.hasOwn(dtypes, dtype) ? dtype : damaged(`there is no dtype '${String(dtype)}'`))

/** Header and bytes as one file; each piece begins at a multiple of 8. */
export function pack(header: JsonObject, pieces: readonly Uint8Array[]): Uint8Array {
  const text = new TextEncoder().encode(JSON.stringify({ format: 'lampas-function', version: VERSION, ...header }))
  const from = padded(16 + text.length)
  const out = new Uint8Array(pieces.reduce((n, p) => n + padded(p.length), from)).fill(32, 0, from)
  out.set(new TextEncoder().encode(MAGIC))
  new DataView(out.buffer).setBigUint64(8, BigInt(text.length), true)
  out.set(text, 16)
  let at = from
  for (const p of pieces) {
    out.set(p, at)
    at += padded(p.length)
  }
  return out
}
export const padded = (n: number): number => Math.ceil(n / ALIGN) * ALIGN

export function unpack(source: Uint8Array | ArrayBuffer): { header: JsonObject; data: Uint8Array } {
  const decoder = new TextDecoder()
  // A plain array even of Node's Buffer, whose slice() is no copy.
  const file = source instanceof Uint8Array ? new Uint8Array(source.buffer, source.byteOffset, source.length) : new Uint8Array(source)
  if (file.length < 16 || decoder.decode(file.subarray(0, 8)) !== MAGIC) throw new LampasError('loadFunction', 'these bytes are no saved function', 'pass what saveFunction(f) gave')
  const length = Number(new DataView(file.buffer, file.byteOffset).getBigUint64(8, true))
  if (16 + length > file.length) damaged(`${file.length} bytes are there, the header alone has ${length}`)
  let header: JsonObject
  try {
    header = JSON.parse(decoder.decode(file.subarray(16, 16 + length))) as JsonObject
  } catch {
    return damaged('its header is no JSON')
  }
  if (header.version !== VERSION)
    throw new LampasError('loadFunction', `the file has version ${String(header.version)} of the format, this code reads version ${VERSION}`, 'load it with the version of Lampas that saved it, or save it again')
  return { header, data: file.subarray(padded(16 + length)) }
}
