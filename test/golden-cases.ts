// Single calls with PyTorch's own results and gradients, as test/golden holds them: what a case says, and how it is checked.
import { expect } from 'vitest'
import { grad, tensor, Tensor, type DType } from '../src/index.ts'

interface Stored {
  readonly dtype: DType
  readonly shape: readonly number[]
  /** Where its bytes lie in the .bin file. With strides they are the storage that it is a view of. */
  readonly offset: number
  readonly nbytes: number
  readonly requiresGrad?: boolean
  readonly strides?: readonly number[]
  readonly storageOffset?: number
  /** Only dtype and shape are defined. */
  readonly compare?: 'shape'
}
interface Closeness {
  readonly rtol: number
  readonly atol: number
}
type Value = number | boolean | string | null | { readonly tensor: number } | { readonly float: number | string } | { readonly dtype: string } | readonly Value[]

export interface GoldenCase {
  readonly id: string
  readonly op: string
  readonly args: readonly Value[]
  readonly kwargs: Readonly<Record<string, Value>>
  readonly inputs: readonly Stored[]
  readonly outputs: readonly Stored[]
  /** The first argument is cloned and the call changes the clone, which is then the output. */
  readonly inplace?: boolean
  /** Inputs that the call changes, and their values afterwards. */
  readonly mutated?: readonly (Stored & { readonly input: number })[]
  readonly cotangents?: readonly (Stored | null)[]
  readonly grads?: readonly (Stored | null)[]
  readonly tol: Closeness
  readonly gradTol?: Closeness
}

export type Callable = (...args: unknown[]) => unknown

/** PyTorch's names in camelCase; an underscore at the end stays. */
export const camel = (name: string): string => name.replace(/_([a-z0-9])/g, (_, c: string) => c.toUpperCase())

const special: Readonly<Record<string, number>> = { inf: Infinity, '-inf': -Infinity, nan: NaN, '-0': -0 }

function decode(v: Value, inputs: readonly Tensor[]): unknown {
  if (typeof v !== 'object' || v === null) return v
  if (Array.isArray(v)) return v.map((x: Value) => decode(x, inputs))
  if ('tensor' in v) return inputs[v.tensor]
  if ('float' in v) return typeof v.float === 'number' ? v.float : special[v.float]
  return (v as { readonly dtype: string }).dtype
}

/** Results as a list: of one tensor, several, or values and indices. */
function listOf(y: unknown): Tensor[] {
  if (y instanceof Tensor) return [y]
  return Object.values(y as Record<string, Tensor>)
}

/** A check for cases whose tensors lie in `bin`; `resolve` finds the function that a case names. */
export function goldenCheck(bin: ArrayBuffer, resolve: (op: string) => Callable): (c: GoldenCase) => Promise<void> {
  const wordsOf = ({ dtype, offset, nbytes }: Stored): Float32Array | Int32Array | Uint8Array => {
    const raw = bin.slice(offset, offset + nbytes)
    return dtype === 'float32' ? new Float32Array(raw) : dtype === 'int32' ? new Int32Array(raw) : new Uint8Array(raw)
  }
  /** Row-major values; those of a strided tensor are picked out of its storage. */
  const valuesOf = (s: Stored): ArrayLike<number> => {
    const storage = wordsOf(s)
    const { strides, shape, storageOffset = 0 } = s
    if (!strides) return storage
    const pick = (axis: number, at: number): number[] => (axis === shape.length ? [storage[at]] : Array.from({ length: shape[axis] }, (_, i) => pick(axis + 1, at + i * strides[axis])).flat())
    return pick(0, storageOffset)
  }
  const made = (s: Stored): Tensor => tensor(Float64Array.from(valuesOf(s)), { shape: s.shape, dtype: s.dtype, requiresGrad: s.requiresGrad })

  const close = async (what: string, got: Tensor, want: Stored, { rtol, atol }: Closeness): Promise<void> => {
    expect(`${got.dtype}[${got.shape.join()}]`, what).toBe(`${want.dtype}[${want.shape.join()}]`)
    if (want.compare === 'shape') return
    const [a, b] = [await got.data(), valuesOf(want)]
    for (let i = 0; i < b.length; i++) {
      const equal = Object.is(a[i], b[i]) || a[i] === b[i] || Math.abs(a[i] - b[i]) <= atol + rtol * Math.abs(b[i])
      if (!equal) expect(a[i], `${what}[${i}]`).toBe(b[i])
    }
  }

  return async c => {
    const inputs = c.inputs.map(made)
    const args = c.args.map(v => decode(v, inputs))
    if (c.inplace) args[0] = (args[0] as Tensor).clone()
    const options = Object.fromEntries(Object.entries(c.kwargs).map(([k, v]) => [camel(k), decode(v, inputs)]))
    const results = listOf(resolve(c.op)(...args, ...(Object.keys(options).length > 0 ? [options] : [])))
    const outputs = c.inplace ? [args[0] as Tensor] : results
    for (const [i, want] of c.outputs.entries()) await close(`output ${i}`, outputs[i], want, c.tol)
    for (const m of c.mutated ?? []) await close(`input ${m.input}`, inputs[m.input], m, c.tol)
    const { cotangents, grads, gradTol = c.tol } = c
    if (!grads || !cotangents) return
    const used = cotangents.flatMap((g, i) => (g ? [[outputs[i], made(g)] as const] : []))
    if (used.length === 0) return
    const wanted = inputs.filter(x => x.requiresGrad)
    const found: readonly (Tensor | null)[] = grad(used.map(([y]) => y), wanted, { gradOutputs: used.map(([, g]) => g), allowUnused: true })
    for (const [i, want] of grads.entries())
      if (want) await close(`gradient ${i}`, found[wanted.indexOf(inputs[i])] ?? inputs[i].mul(0), want, gradTol)
  }
}
