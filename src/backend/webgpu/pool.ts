// Blocks of GPU memory. Buffers are recycled by size class, since fresh ones must be cleared and cost far more than the work that
// most kernels do. A freed buffer may be handed out at once: the queue keeps the order of all that was asked of it.
import { WORD } from '../../core/dtype.ts'
import { fail, internal } from '../../core/errors.ts'
import type { BackendMemory, Block } from '../backend.ts'

/** A buffer and what the queue must know of it. */
export interface Store {
  readonly buffer: GPUBuffer
  readonly size: number
  /** Names the buffer in keys of bind groups. */
  readonly id: number
  /** Number of the last submission that has work on it. */
  usedAt: number
  /** The device had no memory for it. */
  failed: boolean
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

const SMALLEST = 256
const KEEP = 256 * 2 ** 20

/** Quarter steps between powers of two: at most a fifth of a buffer is lost, and few classes exist. */
export function sizeClass(bytes: number): number {
  if (bytes <= SMALLEST) return SMALLEST
  const step = 2 ** (Math.floor(Math.log2(bytes - 1)) - 2)
  return Math.ceil(bytes / step) * step
}

export class Pool {
  readonly #free = new Map<number, Store[]>()
  readonly #all = new Set<Store>()
  #nextId = 0
  #held = 0
  #reserved = 0
  /** Bytes in buffers that are in use; `held` counts the bytes asked for. */
  #used = 0
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
    const store = this.#idle(size) ?? this.#create(size)
    this.#held += bytes
    this.#used += size
    return new GpuBlock(bytes, store)
  }

  free(block: Block): void {
    const store = storeOf(block)
    if (block instanceof GpuBlock) block.store = null
    this.#held -= block.bytes
    this.#used -= store.size
    const list = this.#free.get(store.size)
    if (list) list.push(store)
    else this.#free.set(store.size, [store])
    if (this.#reserved - this.#used > Math.max(KEEP, this.#used)) this.trim()
  }

  /** Gives all free buffers back to the system. */
  trim(): void {
    this.beforeDestroy()
    for (const list of this.#free.values())
      for (const store of list) this.#destroy(store)
    this.#free.clear()
  }

  dispose(): void {
    for (const store of this.#all) store.buffer.destroy()
    this.#all.clear()
    this.#free.clear()
    this.#held = this.#reserved = this.#used = 0
  }

  #idle(size: number): Store | undefined {
    const list = this.#free.get(size)
    let store = list?.pop()
    while (store?.failed) {
      this.beforeDestroy()
      this.#destroy(store)
      store = list?.pop()
    }
    return store
  }

  #destroy(store: Store): void {
    store.buffer.destroy()
    this.#all.delete(store)
    this.#reserved -= store.size
  }

  #create(size: number): Store {
    this.device.pushErrorScope('out-of-memory')
    const buffer = this.device.createBuffer({ size, usage: GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST })
    const store = { buffer, size, id: this.#nextId++, usedAt: -1, failed: false }
    this.watch(this.device.popErrorScope().then(error => !(store.failed = error !== null)), size)
    this.#all.add(store)
    this.#reserved += size
    return store
  }
}
