// The CPU backend: kernels are written as words into wasm memory and run by AssemblyScript on one or several threads.
import { WORD, type Words } from '../../core/dtype.ts'
import { IndexError, fail, internal } from '../../core/errors.ts'
import type { Kernel } from '../../ir/kernel.ts'
import type { Backend, BackendMemory, Block, DeviceInfo, Launch, Prepared } from '../backend.ts'
import { factorFailure } from '../failures.ts'
import { loadLoops } from '../late.ts'
import { builtin, fetchBinary, supports } from './binary.ts'
import { Functions } from './emit/functions.ts'
import { fusesBatch } from './encode-batch.ts'
import { fusesRows } from './encode-rows.ts'
import { runFloat64, usesFloat64 } from './float64.ts'
import { Heap, type WasmBlock } from './memory.ts'
import { compileBinary, type WasmExports } from './module.ts'
import { preparePlan, type PlanHost } from './prepared.ts'
import { RecentDescriptors } from './recent.ts'
import { FAULT_CODE, FAULT_SIZE, FAULT_VALUE, FACTOR_FAILED, INDEX_OUT_OF_RANGE, MAX_THREADS, Pool, SCRATCH } from './threads.ts'

export interface WasmOptions {
  /** Threads in all, this one included. Default: one for each core, at most 8, where the page may share memory. */
  readonly threads?: number
  /** Fused multiply-add: used where the engine has it unless `false`; `true` also asks Node for it where it is behind a flag. */
  readonly relaxed?: boolean
}

const PAGE = 65536
const INITIAL_PAGES = 16
const MIN_SCRATCH = 1 << 18

/** Opens the CPU device with the best that this engine has; `info.why` says what it lacks. */
export async function openWasm(options: WasmOptions = {}, { binary, bytes: coming } = fetchBinary(options.relaxed)): Promise<Backend> {
  const relaxed = binary === 'relaxed'
  const { threads: wanted, why } = threadCount(options.threads)
  const shared = wanted > 1
  const { memory, maxPages } = newMemory(shared)
  const compiled = coming.then(bytes => compileBinary(bytes, shared))
  const instantiated = compiled.then(module => WebAssembly.instantiate(module, { env: { memory } }))
  const [bytes, pool, instance] = await Promise.all([coming, Pool.start(memory, compiled, wanted), instantiated, loadLoops()])
  const reasons = [why, pool.why, options.relaxed && !relaxed ? 'this engine has no relaxed SIMD' : ''].filter(Boolean)
  const info: DeviceInfo = {
    name: 'wasm',
    detail: `simd128${relaxed ? ' + relaxed' : ''}, ${pool.threads} thread${pool.threads === 1 ? '' : 's'}`,
    threads: pool.threads,
    why: reasons.join('; '),
  }
  const exports = instance.exports as unknown as WasmExports
  const functions = new Functions(bytes, { exports, memory, shared, share: (modules, size) => pool.share(modules, size) })
  return new WasmBackend(exports, memory, maxPages, pool, functions, info)
}

function threadCount(asked: number | undefined): { threads: number; why: string } {
  if (asked !== undefined && !(Number.isInteger(asked) && asked >= 1 && asked <= MAX_THREADS))
    fail('init', `threads is ${asked}`, `give a whole number from 1 to ${MAX_THREADS}, or leave it out`)
  if (asked === 1) return { threads: 1, why: '' }
  const cores = builtin ? builtin('node:os').availableParallelism() : navigator.hardwareConcurrency
  const threads = asked ?? Math.min(cores, 8)
  if (threads === 1) return { threads: 1, why: '' }
  if (!supports('threads')) return { threads: 1, why: 'one thread: this engine has no WebAssembly threads' }
  if (builtin || globalThis.crossOriginIsolated) return { threads, why: '' }
  return { threads: 1, why: 'one thread: the page is not cross-origin isolated (headers Cross-Origin-Opener-Policy and Cross-Origin-Embedder-Policy)' }
}

/** Asks for the whole 32-bit space, and for less where the engine or the system will not reserve that much. */
function newMemory(shared: boolean): { memory: WebAssembly.Memory; maxPages: number } {
  let last: unknown
  for (const maximum of [65536, 32768, 16384])
    try {
      return { memory: new WebAssembly.Memory({ initial: INITIAL_PAGES, maximum, shared }), maxPages: maximum }
    } catch (e) {
      last = e
    }
  return fail('init', `no WebAssembly memory of ${16384 * PAGE} bytes can be reserved: ${String(last)}`, 'close other tabs or devices')
}

/** All that holds the memory, so that it goes when the device ends. */
interface Machine {
  readonly heap: Heap
  readonly exports: WasmExports
  readonly recent: RecentDescriptors
  readonly pool: Pool
}

class WasmBackend implements Backend, PlanHost {
  readonly hasFloat64 = true
  readonly lost = new Promise<string>(() => {})
  private open: Machine | null
  private scratchBlock: WasmBlock | null = null
  private scratchBytes = 0
  private callerBytes = 0
  /** Bytes in blocks of the caller; the heap also counts what this class keeps for itself. */
  private held = 0

  constructor(exports: WasmExports, memory: WebAssembly.Memory, maxPages: number, pool: Pool, readonly functions: Functions, readonly info: DeviceInfo) {
    const heap = new Heap(memory, exports.heapBase(), maxPages)
    this.open = { heap, exports, recent: new RecentDescriptors(heap, functions, info.threads), pool }
  }

  private get machine(): Machine {
    return this.open ?? fail('device', 'the wasm device was disposed of', 'open it again with init()')
  }

  get heap(): Heap {
    return this.machine.heap
  }

  fuses(kernel: Kernel): boolean {
    if (kernel.kind === 'rows') return fusesRows(kernel, this.info.threads)
    if (kernel.kind === 'batch') return fusesBatch(kernel)
    return kernel.kind === 'map' || kernel.kind === 'matmul' || kernel.kind === 'conv'
  }

  alloc(bytes: number): Block {
    const block = this.heap.alloc(bytes)
    this.held += bytes
    return block
  }

  standIn(bytes: number): Block {
    const block: WasmBlock = { bytes, address: 0, sizeClass: 0, live: true }
    return block
  }

  free(block: Block): void {
    this.release(block as WasmBlock)
    this.held -= block.bytes
  }

  /** Also after the end of the device, since tensors are finalised at any time. */
  release(block: WasmBlock): void {
    this.open?.heap.release(block)
  }

  write(block: Block, byteOffset: number, data: Words): void {
    checkRange(block, byteOffset, data.byteLength)
    this.heap.write((block as WasmBlock).address + byteOffset, data)
  }

  readSync(block: Block, byteOffset: number, byteLength: number): ArrayBuffer {
    checkRange(block, byteOffset, byteLength)
    return this.heap.read((block as WasmBlock).address + byteOffset, byteLength)
  }

  async read(block: Block, byteOffset: number, byteLength: number): Promise<ArrayBuffer> {
    return this.readSync(block, byteOffset, byteLength)
  }

  run(kernel: Kernel, blocks: readonly Block[]): void {
    const { recent, exports, heap } = this.machine
    if (usesFloat64(kernel)) return runFloat64(kernel, blocks, heap)
    const { block, scratchBytes, callerBytes } = recent.descriptor(kernel, blocks)
    if (scratchBytes > this.scratchBytes || callerBytes > this.callerBytes) this.growScratch(scratchBytes, callerBytes)
    let failed
    try {
      failed = exports.execute(block.address) !== 0
    } catch (e) {
      trapped(kernel.kind, e)
    }
    if (failed) this.raise(kernel)
  }

  prepare(launches: readonly Launch[]): Prepared {
    return preparePlan(this, launches)
  }

  executePlan(list: number, n: number): number {
    const { exports } = this.machine
    try {
      return exports.executePlan(list, n)
    } catch (e) {
      return trapped('plan', e)
    }
  }

  /** Gives every thread scratch memory of at least `bytes`, and the calling one of at least `caller`. */
  growScratch(bytes: number, caller: number): void {
    if (bytes <= this.scratchBytes && caller <= this.callerBytes) return
    const { heap } = this
    const { threads } = this.info
    const whole = (n: number): number => Math.ceil(n / 64) * 64
    const each = Math.max(MIN_SCRATCH, this.scratchBytes, whole(bytes))
    const first = Math.max(each, this.callerBytes, whole(caller))
    if (this.scratchBlock) heap.release(this.scratchBlock)
    this.scratchBlock = null
    this.scratchBytes = this.callerBytes = 0
    const { address } = (this.scratchBlock = heap.alloc(first + each * (threads - 1)))
    this.scratchBytes = each
    this.callerBytes = first
    for (let t = 0; t < threads; t++) {
      const end = address + first + t * each
      heap.i32[SCRATCH + 2 * t] = t === 0 ? address : end - each
      heap.i32[SCRATCH + 2 * t + 1] = end
    }
  }

  /** Throws the error that the kernel just run has left behind. */
  raise(kernel: Kernel): never {
    const { i32 } = this.heap
    const code = i32[FAULT_CODE]
    i32[FAULT_CODE] = 0
    if (code === INDEX_OUT_OF_RANGE)
      throw new IndexError(kernel.kind, `index ${i32[FAULT_VALUE]} is outside 0 … ${i32[FAULT_SIZE] - 1}`, 'every index must be at least 0 and less than the size of the axis that it points into')
    if (code === FACTOR_FAILED && kernel.kind === 'factor') throw factorFailure(kernel.strict ?? kernel.op, kernel.op, i32[FAULT_VALUE], i32[FAULT_SIZE])
    return internal(`the wasm kernel ${kernel.kind} failed with code ${code} (${i32[FAULT_VALUE]}, ${i32[FAULT_SIZE]})`)
  }

  async sync(): Promise<void> {}

  memory(): BackendMemory {
    return { held: this.held, reserved: this.open?.heap.reserved ?? 0 }
  }

  dispose(): void {
    this.open?.pool.dispose()
    this.open = null
  }
}

const trapped = (what: string, e: unknown): never => internal(`the wasm ${what} kernel trapped (${String(e)})`)

function checkRange(block: Block, byteOffset: number, byteLength: number): void {
  if (byteOffset % WORD !== 0 || byteOffset < 0 || byteOffset + byteLength > block.bytes)
    internal(`bytes ${byteOffset} … ${byteOffset + byteLength} of a block of ${block.bytes}`)
}
