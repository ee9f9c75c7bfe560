// Losses, normalisations, attention and the like, with their gradients, against PyTorch's own numbers (test/golden/nn.json).
import { describe, expect, test } from 'vitest'
import { nn, tensor, type DType, type Tensor } from '../../src/index.ts'
import { eachDevice } from '../each-device.ts'
import { goldenBytes } from '../golden-files.ts'
import manifest from '../golden/nn.json'

interface Stored {
  readonly dtype: DType
  readonly shape: readonly number[]
  readonly offset: number
  readonly nbytes: number
  readonly requiresGrad?: boolean
  readonly strides?: readonly number[]
  readonly storageOffset?: number
}
interface Tolerance {
  readonly rtol: number
  readonly atol: number
}
type Value = number | boolean | string | null | { readonly tensor: number } | { readonly float: number | string } | readonly Value[]
interface Case {
  readonly id: string
  readonly op: string
  readonly args: readonly Value[]
  readonly kwargs: Readonly<Record<string, Value>>
  readonly inputs: readonly Stored[]
  readonly outputs: readonly Stored[]
  /** Inputs that the call changes, and their values afterwards. */
  readonly mutated?: readonly (Stored & { readonly input: number })[]
  readonly cotangents?: readonly (Stored | null)[]
  readonly grads?: readonly (Stored | null)[]
  readonly tol: Tolerance
  readonly gradTol?: Tolerance
}

const bin = await goldenBytes('nn.bin')
const cases = manifest.cases as unknown as readonly Case[]

/** Row-major values; those of a strided tensor are picked out of its storage. */
function valuesOf(s: Stored): ArrayLike<number> {
  const raw = bin.slice(s.offset, s.offset + s.nbytes)
  const storage = s.dtype === 'float32' ? new Float32Array(raw) : s.dtype === 'int32' ? new Int32Array(raw) : new Uint8Array(raw)
  const { strides, shape, storageOffset = 0 } = s
  if (!strides) return storage
  const pick = (axis: number, at: number): number[] => (axis === shape.length ? [storage[at]] : Array.from({ length: shape[axis] }, (_, i) => pick(axis + 1, at + i * strides[axis])).flat())
  return pick(0, storageOffset)
}

const stored = (s: Stored): Tensor => tensor(Float64Array.from(valuesOf(s)), { shape: s.shape, dtype: s.dtype, requiresGrad: s.requiresGrad })
const camel = (name: string): string => name.replace(/_([a-z0-9])/g, (_, c: string) => c.toUpperCase())

function decode(v: Value, inputs: readonly Tensor[]): unknown {
  if (typeof v !== 'object' || v === null) return v
  if (Array.isArray(v)) return v.map(x => decode(x as Value, inputs))
  if ('tensor' in v) return inputs[v.tensor]
  return Number((v as { float: number | string }).float)
}

async function expectClose(what: string, got: Tensor, want: Stored, { rtol, atol }: Tolerance): Promise<void> {
  expect(`${got}`, what).toBe(`${stored(want)}`)
  const [a, b] = [await got.data(), valuesOf(want)]
  for (let i = 0; i < b.length; i++) {
    const equal = Object.is(a[i], b[i]) || a[i] === b[i] || Math.abs(a[i] - b[i]) <= atol + rtol * Math.abs(b[i])
    if (!equal) expect(a[i], `${what}[${i}]`).toBe(b[i])
  }
}

async function check(c: Case): Promise<void> {
  const inputs = c.inputs.map(stored)
  const fn = Reflect.get(nn.functional, camel(c.op.replace('nn.functional.', ''))) as (...args: unknown[]) => Tensor
  const options = Object.fromEntries(Object.entries(c.kwargs).map(([k, v]) => [camel(k), decode(v, inputs)]))
  const y = fn(...c.args.map(v => decode(v, inputs)), ...(Object.keys(options).length > 0 ? [options] : []))
  await expectClose('output', y, c.outputs[0], c.tol)
  for (const m of c.mutated ?? []) await expectClose(`input ${m.input}`, inputs[m.input], m, c.tol)
  if (!c.grads || !c.cotangents?.[0]) return
  y.backward({ gradient: stored(c.cotangents[0]) })
  for (const [i, want] of c.grads.entries()) if (want) await expectClose(`gradient ${i}`, inputs[i].grad!, want, c.gradTol!)
}

eachDevice(() => {
  for (const op of new Set(cases.map(c => c.op)))
    describe(op, () => {
      for (const c of cases.filter(x => x.op === op)) test(c.id.replace(/.*\//, ''), () => check(c))
    })
})
