// Kernels run lately keep their descriptors in wasm memory: when an eager loop comes round to the same kernel, only the addresses
// change. A table with one place for each hash; the later kernel takes the place of the earlier. Who hands in the same object again is
// served without a look at the table.
import { dtypes, WORD } from '../../core/dtype.ts'
import type { View } from '../../core/view.ts'
import type { Kernel, KernelKind, KernelOf } from '../../ir/kernel.ts'
import type { Program } from '../../ir/scalar.ts'
import type { Block } from '../backend.ts'
import type { Functions } from './emit/functions.ts'
import { Writer } from './encode.ts'
import { gainsByLoop } from './encode-map.ts'
import { encode, HEADER } from './kinds.ts'
import type { Heap, WasmBlock } from './memory.ts'

const PLACES = 2048
/** Uses after which a kernel is taken for one that stays. */
const OFTEN = 32

/** A kernel and where its words lie. */
export interface Descriptor {
  readonly kernel: Kernel
  readonly hash: number
  readonly block: WasmBlock
  readonly scratchBytes: number
  readonly callerBytes: number
  uses: number
}

interface Identity<K extends KernelKind> {
  /** Whether two kernels of the kind do the same, their views apart. */
  readonly same: (a: KernelOf<K>, b: KernelOf<K>) => boolean
  /** A number that mostly differs when they do not. */
  readonly seed: (kernel: KernelOf<K>) => number
}

const letters = (text: string): number => text.length * 256 + text.charCodeAt(1)

const identities: { readonly [K in KernelKind]: Identity<K> } = {
  map: { same: (a, b) => a.program === b.program && sameNumbers(a.params, b.params), seed: k => numberOf(k.program) },
  reduce: { same: (a, b) => a.op === b.op, seed: k => letters(k.op) },
  // Batches, rows and epilogues come from plans, which do not look here twice.
  batch: { same: (a, b) => a === b, seed: k => numberOf(k.program) },
  rows: { same: (a, b) => a === b, seed: k => k.stages.length },
  matmul: { same: (a, b) => a.epilogue === b.epilogue, seed: () => 0 },
  conv: {
    same: (a, b) => sameSizes(a.stride, b.stride) && sameSizes(a.dilation, b.dilation) && sameSizes(a.inputDilation, b.inputDilation) && sameSizes(a.padLow, b.padLow) && a.epilogue === b.epilogue,
    seed: () => 1,
  },
  gather: { same: (a, b) => a.axis === b.axis, seed: k => 2 + k.axis },
  scatter: { same: (a, b) => a.axis === b.axis && a.op === b.op, seed: k => 10 + k.axis + letters(k.op) },
  fold: { same: (a, b) => sameSizes(a.stride, b.stride) && sameSizes(a.dilation, b.dilation), seed: () => 18 },
  cumulate: { same: (a, b) => a.op === b.op && a.reverse === b.reverse, seed: k => letters(k.op) + (k.reverse ? 1 : 0) },
  sort: { same: (a, b) => a.descending === b.descending, seed: () => 19 },
  attention: { same: (a, b) => a.pass === b.pass && a.scale === b.scale && a.causal === b.causal, seed: k => letters(k.pass) + (k.causal ? 1 : 0) },
  factor: { same: (a, b) => a.op === b.op && a.strict === b.strict, seed: k => letters(k.op) },
}

const programs = new WeakMap<Program, number>()
let programCount = 0

function numberOf(program: Program): number {
  let n = programs.get(program)
  if (n === undefined) programs.set(program, (n = ++programCount))
  return n
}

function sameSizes(a: readonly number[], b: readonly number[]): boolean {
  if (a.length !== b.length) return false
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false
  return true
}

/** NaN equals itself here, and 0 is not -0. */
function sameNumbers(a: readonly number[], b: readonly number[]): boolean {
  if (a.length !== b.length) return false
  for (let i = 0; i < a.length; i++) if (!Object.is(a[i], b[i])) return false
  return true
}

function sameViews(a: readonly View[], b: readonly View[]): boolean {
  if (a.length !== b.length) return false
  for (let i = 0; i < a.length; i++) if (a[i].dtype !== b[i].dtype || !sameSizes(a[i].shape, b[i].shape) || !sameSizes(a[i].strides, b[i].strides)) return false
  return true
}

const sameAs = <K extends KernelKind>(kind: K, a: KernelOf<K>, b: KernelOf<K>): boolean => identities[kind].same(a, b)
const seedOf = <K extends KernelKind>(kind: K, kernel: KernelOf<K>): number => identities[kind].seed(kernel)

/** Offsets are not part of it: they go into the addresses. */
const same = (a: Kernel, b: Kernel): boolean =>
  a.kind === b.kind && sameViews(a.inputs, b.inputs) && sameViews(a.outputs, b.outputs) && sameAs(a.kind, a as KernelOf<typeof a.kind>, b as KernelOf<typeof a.kind>)

function mixViews(hash: number, views: readonly View[]): number {
  for (const { shape, strides } of views)
    for (let i = 0; i < shape.length; i++) {
      hash = Math.imul(hash ^ shape[i], 0x9e3779b1)
      hash = Math.imul((hash ^ (hash >>> 15)) + strides[i], 0x85ebca6b)
    }
  return hash
}

function hashOf(kernel: Kernel): number {
  const seed = Math.imul(seedOf(kernel.kind, kernel as KernelOf<typeof kernel.kind>) + 0x9e3779b9, 0xc2b2ae35)
  const hash = mixViews(mixViews(seed, kernel.inputs), kernel.outputs)
  return hash ^ (hash >>> 16)
}

const byteOffset = ({ dtype, offset }: View): number => (offset === 0 ? 0 : offset * dtypes[dtype].bytes)

export class RecentDescriptors {
  private readonly places = new Array<Descriptor | null>(PLACES).fill(null)
  private readonly known = new WeakMap<Kernel, Descriptor>()
  private readonly writer: Writer
  /** For kernels that have run often. */
  private readonly thorough: Writer

  constructor(private readonly heap: Heap, functions: Functions, threads: number) {
    this.writer = new Writer(functions, threads, false)
    this.thorough = new Writer(functions, threads, true)
  }

  /** The descriptor of a kernel, with the addresses of these blocks. */
  descriptor(kernel: Kernel, blocks: readonly Block[]): Descriptor {
    let known = this.known.get(kernel)
    if (known === undefined || !known.block.live) {
      const hash = hashOf(kernel)
      const place = hash & (PLACES - 1)
      const other = this.places[place]
      known = other !== null && other.hash === hash && same(other.kernel, kernel) ? other : (this.places[place] = this.make(this.writer, kernel, blocks, hash, other, 0))
      this.known.set(kernel, known)
    }
    if (++known.uses === OFTEN && gainsByLoop(kernel)) this.known.set(kernel, (known = this.places[known.hash & (PLACES - 1)] = this.make(this.thorough, kernel, blocks, known.hash, known, OFTEN)))
    const words = this.heap.i32
    const first = known.block.address / WORD + HEADER
    const { inputs, outputs } = kernel
    const n = inputs.length
    for (let i = 0; i < n; i++) words[first + i] = (blocks[i] as WasmBlock).address + byteOffset(inputs[i])
    for (let i = 0; i < outputs.length; i++) words[first + n + i] = (blocks[n + i] as WasmBlock).address + byteOffset(outputs[i])
    return known
  }

  private make(w: Writer, kernel: Kernel, blocks: readonly Block[], hash: number, before: Descriptor | null, uses: number): Descriptor {
    w.reset()
    encode(kernel, blocks, w)
    w.functions.finish()
    if (before) this.heap.release(before.block)
    const block = this.heap.alloc(w.length * WORD)
    this.heap.write(block.address, w.words.subarray(0, w.length))
    return { kernel, hash, block, scratchBytes: w.scratchBytes, callerBytes: w.callerBytes, uses }
  }
}
