// Blocks of GPU memory. Buffers are recycled by size class, since fresh ones must be cleared and cost far more than the work that
// most kernels do. A freed buffer may be handed out at once: the queue keeps the order of all that was asked of it. Small blocks lie side by side in
// larger buffers, slabs: they are made at once, and a kernel over many blocks need not bind them one by one.
import { WORD } from '../../core/dtype.ts'
import { fail, internal } from '../../core/errors.ts'
import type { BackendMemory, Block } from '../backend.ts'

/** A run of a buffer and what the queue must know of it. */
export interface Store {
  readonly buffer: GPUBuffer
  readonly offset: number
  readonly size: number
  /** Names it in keys of bind groups. */
  readonly id: number
  /** All of its buffer; the store itself, where nothing else lies there. */
  readonly whole: Whole
  /** Number of the last submission that has work on it. */
  usedAt: number
}

/** A whole buffer. */
interface Whole extends Store {
  /** The device had no memory for it. */
  failed: boolean
  /** Bytes that stores were cut from. */
  filled: number
  /** How many of these are in use. */
  live: number
}

/** All of a buffer. */
export function wholeStore(buffer: GPUBuffer, id: number, filled = buffer.size): Whole {
  return {
    buffer, offset: 0, size: buffer.size, id, usedAt: -1, failed: false, filled, live: 0,
    get whole() {
      return this
    },
  }
}

export class GpuBlock implements Block {
  store: Store | null
  constructor(readonly bytes: number, store: Store) {
    this.store = store
  }
}

/** The buffer behind a block that must be alive. */
export const storeOf = (block: Block): Store => {
  if (!(block instanceof GpuBlock)) return internal('a block of another device was given to webgpu')
  return block.store ?? internal('a block was used after it was freed')
}

/** Stores begin at multiples of this, so that they can be bound. */
const SMALLEST = 256
/** The largest stores that lie in slabs. */
const SMALL = 2 ** 18
const SLAB = 2 ** 23
const KEEP = 256 * 2 ** 20

/** Quarter steps between powers of two, but no finer than places in a slab: little is lost, and few classes exist. */
export function sizeClass(bytes: number): number {
  if (bytes <= SMALLEST) return SMALLEST
  const step = Math.max(2 ** (Math.floor(Math.log2(bytes - 1)) - 2), SMALLEST)
  return Math.ceil(bytes / step) * step
}

export class Pool {
  readonly #free = new Map<number, Store[]>()
  readonly #all = new Set<Whole>()
  #nextId = 0
  #held = 0
  #reserved = 0
  /** Bytes in buffers of which nothing is in use. */
  #spare = 0
  /** Bytes that one block may have. */
  readonly #limit: number

  constructor(
    private readonly device: GPUDevice,
    /** Called before buffers are destroyed, so that recorded work that uses them is submitted first. */
    private readonly beforeDestroy: () => void,
    /** Hears whether a fresh buffer could be made. */
    private readonly watch: (created: Promise<boolean>, bytes: number) => void,
  ) {
    this.#limit = Math.min(device.limits.maxBufferSize, device.limits.maxStorageBufferBindingSize)
  }

  memory(): BackendMemory {
    return { held: this.#held, reserved: this.#reserved }
  }

  alloc(bytes: number): GpuBlock {
    const limit = this.#limit
    if (bytes > limit)
      fail('alloc', `${bytes} bytes asked, ${this.#held} held, and this graphics adapter allows ${limit} in one tensor`, 'use smaller batches, or the wasm device')
    const size = Math.min(sizeClass(bytes), Math.floor(limit / (4 * WORD)) * 4 * WORD)
    const store = this.#idle(size) ?? this.#fresh(size)
    if (store.whole.live++ === 0) this.#spare -= store.whole.size
    this.#held += bytes
    return new GpuBlock(bytes, store)
  }

  free(block: Block): void {
    const store = storeOf(block)
    if (block instanceof GpuBlock) block.store = null
    this.#held -= block.bytes
    if (--store.whole.live === 0) this.#spare += store.whole.size
    const list = this.#free.get(store.size)
    if (list) list.push(store)
    else this.#free.set(store.size, [store])
    if (this.#spare > Math.max(KEEP, this.#reserved - this.#spare)) this.trim()
  }

  /** Gives all buffers of which nothing is in use back to the system. */
  trim(): void {
    this.beforeDestroy()
    for (const whole of this.#all) if (!whole.live) this.#destroy(whole)
    for (const [size, list] of this.#free) this.#free.set(size, list.filter(s => this.#all.has(s.whole)))
  }

  dispose(): void {
    for (const store of this.#all) store.buffer.destroy()
    this.#all.clear()
    this.#free.clear()
    this.#held = this.#reserved = this.#spare = 0
  }

  #idle(size: number): Store | undefined {
    const list = this.#free.get(size)
    let store = list?.pop()
    while (store?.whole.failed) {
      this.beforeDestroy()
      if (!store.whole.live) this.#destroy(store.whole)
      store = list?.pop()
    }
    return store
  }

  #destroy(whole: Whole): void {
    if (!this.#all.delete(whole)) return
    whole.buffer.destroy()
    this.#reserved -= whole.size
    this.#spare -= whole.size
  }

  /** A store that was not used before: a buffer, or a part of a slab. */
  #fresh(size: number): Store {
    if (size > SMALL) return this.#create(size, size)
    let slab: Whole | undefined
    for (const whole of this.#all) if (!whole.failed && whole.size - whole.filled >= size) slab ??= whole
    slab ??= this.#create(SLAB, 0)
    const store = { buffer: slab.buffer, offset: slab.filled, size, id: this.#nextId++, whole: slab, usedAt: -1 }
    slab.filled += size
    return store
  }

  #create(size: number, filled: number): Whole {
    this.device.pushErrorScope('out-of-memory')
    const buffer = this.device.createBuffer({ size, usage: GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST })
    const whole = wholeStore(buffer, this.#nextId++, filled)
    this.watch(this.device.popErrorScope().then(error => !(whole.failed = error !== null)), size)
    this.#all.add(whole)
    this.#reserved += size
    this.#spare += size
    return whole
  }
}
