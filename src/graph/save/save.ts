// Saving a compiled function: its plans for all kinds of arguments so far, and its state.
import { bytesOf, type DType } from '../../core/dtype.ts'
import { fail } from '../../core/errors.ts'
import { numel, type Shape } from '../../core/shape.ts'
import { contiguousView } from '../../core/view.ts'
import type { Storage } from '../../eager/storage.ts'
import type { Arg } from '../../ops/op.ts'
import { Tensor } from '../../ops/tensor.ts'
import { Remembered, isPlain } from '../arguments.ts'
import { liveNodes, type Value } from '../graph.ts'
import { needInside, type Inside, type Version } from '../insight.ts'
import { externalNames, Numbering, paramsOf } from '../print/describe.ts'
import { pack, padded, toJson, Writer, type Json } from './file.ts'
import { record } from './record.ts'

/** A nested value with what is no plain data written by `leaf`. */
export const template = (v: unknown, leaf: (v: Tensor | Remembered) => Json): Json =>
  v instanceof Tensor || v instanceof Remembered ? leaf(v)
  : Array.isArray(v) ? v.map(x => template(x, leaf))
  : isPlain(v) ? Object.fromEntries(Object.entries(v).map(([k, x]) => [k, template(x, leaf)]))
  : toJson(v)

/** Memory that the function keeps, each piece once. */
export class State {
  readonly entries: { name: string; kind: string; dtype: DType; shape: Shape; at: number; storage: Storage }[] = []
  private readonly places = new Map<Storage, number>()
  private readonly names = new Set<string>()
  private size = 0

  put(storage: Storage, name: string | null, kind: string, dtype: DType, shape: Shape): number {
    const known = this.places.get(storage)
    if (known !== undefined) return known
    const place = this.entries.length
    this.places.set(storage, place)
    this.entries.push({ name: this.unused(name ?? `${kind} ${place}`), kind, dtype, shape, at: this.size, storage })
    this.size += padded(bytesOf(dtype, numel(shape)))
    return place
  }
  private unused(name: string): string {
    let free = name
    for (let i = 2; this.names.has(free); i++) free = `${name} #${i}`
    this.names.add(free)
    return free
  }
  get list(): Json {
    return this.entries.map(({ storage: _, shape, ...e }): Json => ({ ...e, shape: [...shape] }))
  }
  read(): Promise<Uint8Array[]> {
    return Promise.all(this.entries.map(async ({ storage: { backend, block }, dtype, shape }) => {
      const bytes = bytesOf(dtype, numel(shape))
      return bytes === 0 ? new Uint8Array(0) : new Uint8Array(await backend.read(block, 0, bytes, dtype)).subarray(0, bytes)
    }))
  }
}

function writeVersion(inside: Inside, version: Version, state: State, writer: Writer): Json {
  const { graph, externals, result } = version
  if (version.traced.argumentGrads.length) fail('saveFunction', `${inside.name} gathers gradients of its arguments`, 'return them: grad(loss, x)')
  const names = externalNames(inside, version)
  const numbering = new Numbering(graph)
  const outside = externals.map(({ argument, literal, trained, storage, value }, i): Json =>
    argument !== null ? { argument, type: typeOf(value) } : { memory: state.put(storage!, names[i], literal ? 'literal' : trained ? 'parameter' : 'state', value.dtype, value.shape), type: typeOf(value) })
  const args = new Map<Value, Arg>(graph.externals.map(v => [v, { view: contiguousView(v.dtype, v.shape), slot: {} }]))
  const argOf = (v: Value): Arg => args.get(v) ?? { view: contiguousView(v.dtype, v.shape), slot: v, constant: v.constant }
  const nodes = liveNodes(graph).map((n): Json => {
    const { recording, results } = record(n, n.inputs.map(argOf))
    n.outputs.forEach((v, i) => args.set(v, results[i]))
    const inputs = n.inputs.map((v): Json => (v.constant === undefined ? numbering.idOf(v) : { constant: toJson(v.constant), dtype: v.dtype }))
    return { id: n.id, op: n.op.name, params: paramsOf(n.params), site: n.site?.line ?? null, calls: n.site?.calls ?? null, inputs, types: n.outputs.map(typeOf), ...writer.recording(recording) }
  })
  return {
    inputs: inside.inputsOf(version).map(([name, v]): Json => ({ name, value: template(v, x => ({ $tensor: typeOf(x) })) })),
    result: template(result, () => ({ $tensor: null })),
    externals: outside,
    nodes,
    outputs: graph.outputs.map(v => (v.constant === undefined ? numbering.idOf(v) : fail('saveFunction', 'a result is a plain number'))),
    updates: graph.updates.map(u => [numbering.idOf(u.external), numbering.idOf(u.value)]),
  }
}

const typeOf = ({ dtype, shape }: { readonly dtype: DType; readonly shape: Shape }): Json => [dtype, [...shape]]

/** What an input is when a call does not give it. */
async function defaults(inside: Inside, version: Version): Promise<Json> {
  const list = inside.inputsOf(version).map(async ([, , v]) => toJson(v instanceof Tensor ? await v.toArray() : ArrayBuffer.isView(v) ? Array.from(v as Float32Array) : v))
  return Promise.all(list)
}

/**
 * A compiled function (or one of expressions) with its state as bytes, which `loadFunction` makes a function of again: elsewhere, later, on any
 * device, without the code that made it. It holds a plan for each kind of arguments that it was called with so far, the values of the
 * parameters and all other memory that it reads or changes. What followed from settings at the time (train or eval mode) stays as it was.
 *
 * @throws LampasError when it was not called yet, or is bound to memory outside: it changes tensors that share memory with its arguments.
 * @example
 * const w = tensor([1, 2], { requiresGrad: true })
 * const f = compile(x => x.mul(w))
 * f(tensor([3, 4]))
 * const bytes = await saveFunction(f)
 * loadFunction(bytes)(tensor([5, 6])) // → tensor([ 5., 12.])
 */
export async function saveFunction(f: object): Promise<Uint8Array> {
  const { inside, version } = needInside('saveFunction', f)
  const state = new State()
  const writer = new Writer()
  const versions: Json[] = []
  for (const v of inside.versions()) if (!v.pinned) versions.push(writeVersion(inside, v, state, writer))
  if (versions.length === 0) fail('saveFunction', `${inside.name} cannot be saved: its arguments share memory with what it changes`, 'pass tensors of their own')
  const header = { name: inside.name, named: inside.named ?? false, defaults: await defaults(inside, version), memory: state.list, versions, ...writer.tables }
  return pack(header, await state.read())
}
