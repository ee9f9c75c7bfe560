// What a piece of work is called in the cache: a hash of all kernels that the traced code lowers to, before any rewriting, with the memory that
// they work on. These say what is computed in full, where names of ops and their parameters would not: so equal keys can share a plan.
import { lowerGraph, Recorder } from '../graph/recorder.ts'
import type { Work } from '../graph/cached.ts'
import type { Arg } from '../ops/op.ts'
import { internal } from '../core/errors.ts'

const real = new Float64Array(1)
const halves = new Int32Array(real.buffer)
const turned = (x: number, by: number): number => (x << by) | (x >>> (32 - by))
const texts = new Map<string, readonly [number, number]>()

/** 64 bits of plain data, by the steps of MurmurHash3 (Appleby 2011) in two lanes. */
export class Hash {
  private a = 0x3c6ef372
  private b = 0x1b873593

  int(n: number): void {
    this.a = (Math.imul(turned(this.a ^ Math.imul(turned(Math.imul(n, 0xcc9e2d51), 15), 0x1b873593), 13), 5) + 0xe6546b64) | 0
    this.b = (Math.imul(turned(this.b ^ Math.imul(turned(Math.imul(n, 0x85ebca6b), 16), 0xc2b2ae35), 15), 5) + 0x38b34ae5) | 0
  }
  bytes({ buffer, byteOffset, byteLength }: ArrayBufferView): void {
    const whole = byteOffset % 4 === 0 ? byteLength >> 2 : 0
    for (const n of new Int32Array(buffer, byteOffset - (byteOffset % 4), whole)) this.int(n)
    for (const n of new Uint8Array(buffer, byteOffset + 4 * whole, byteLength - 4 * whole)) this.int(n)
    this.int(byteLength)
  }
  private number(x: number): void {
    if ((x | 0) === x && !Object.is(x, -0)) return this.int(x)
    real[0] = x
    this.int(0x7ff)
    this.int(halves[0])
    this.int(halves[1])
  }
  private text(s: string): void {
    let known = texts.get(s)
    if (!known) {
      const own = new Hash()
      for (let i = 0; i < s.length; i++) own.int(s.charCodeAt(i))
      texts.set(s, (known = own.lanes))
    }
    this.int(known[0])
    this.int(known[1])
  }
  /** Numbers, texts, bools, lists and plain objects; a program is its key. */
  value(v: unknown): void {
    if (typeof v === 'number') this.number(v)
    else if (typeof v === 'string') this.text(v)
    else if (Array.isArray(v)) {
      this.int(v.length)
      for (const x of v) this.value(x)
    } else if (typeof v === 'object' && v !== null) {
      if ('steps' in v && 'key' in v) return this.value(v.key)
      for (const k in v) {
        this.text(k)
        this.value((v as Record<string, unknown>)[k])
      }
      this.int(-1)
    } else if (typeof v === 'boolean' || v === undefined || v === null) this.int(v ? 0x101 : v === false ? 0x100 : 0x102)
    else internal(`a kernel has a ${typeof v}`)
  }
  get lanes(): readonly [number, number] {
    return [this.a >>> 0, this.b >>> 0]
  }
  toString(): string {
    return this.lanes.map(n => n.toString(16).padStart(8, '0')).join('')
  }
}

export function keyOf({ backend, trace, traced: { graph, externals }, passes, given }: Work, stamp: string): string {
  const hash = new Hash()
  const { name, detail, threads } = backend.info
  hash.value([stamp, name, detail, threads, passes.mode, passes.exclude, passes.include, given])
  for (const { value: { dtype, shape }, argument, storage } of externals) {
    hash.value([dtype, shape, argument])
    const written = trace.written(storage)
    if (written) hash.bytes(written)
  }
  const recorder = new Recorder(backend)
  const args = lowerGraph(graph, recorder)
  const slots = new Map<object, number>()
  const slot = (s: object): void => {
    const at = slots.get(s) ?? slots.size
    slots.set(s, at)
    hash.int(at)
  }
  const arg = ({ view, slot: s, constant }: Arg): void => {
    hash.value([view, constant])
    if (constant === undefined) slot(s)
  }
  for (const { value } of externals) arg(args.get(value)!)
  for (const { kernel, slots: list, when } of recorder.steps) {
    hash.value(kernel)
    list.forEach(slot)
    if (when) arg(when)
  }
  for (const v of graph.outputs) arg(args.get(v)!)
  for (const u of graph.updates) for (const v of [u.external, u.value]) arg(args.get(v)!)
  return String(hash)
}
