// The one interface between the runtime and a device. Blocks are runs of 32-bit words; kernels address them through views.
import type { DType } from '../core/dtype.ts'
import type { Kernel } from '../ir/kernel.ts'

export type BackendName = 'wasm' | 'webgpu' | 'reference'

/** A piece of device memory. Only its backend looks inside. */
export interface Block {
  readonly bytes: number
}

/** One kernel of a plan and the blocks of its inputs, then of its outputs. */
export interface Launch {
  readonly kernel: Kernel
  readonly blocks: readonly Block[]
}

export interface DeviceInfo {
  readonly name: BackendName
  /** What runs underneath: 'simd128 + relaxed, 2 threads', the graphics adapter's name… */
  readonly detail: string
  readonly threads: number
  /** Why this device and not a better one; empty when nothing better was asked for or tried. */
  readonly why: string
}

export interface BackendMemory {
  /** Bytes in blocks that are allocated now. */
  readonly held: number
  /** Bytes taken from the system, free lists included. */
  readonly reserved: number
}

export interface Backend {
  readonly info: DeviceInfo
  /** Fresh memory of unspecified content. Throws a LampasError that gives the bytes asked, held and allowed when there is none. */
  alloc(bytes: number): Block
  /** Gives a block back; kernels queued before still see it. */
  free(block: Block): void
  /** Copies words in, at a byte offset that is a multiple of 4. The data may be changed by the caller afterwards. */
  write(block: Block, byteOffset: number, data: Float32Array | Int32Array): void
  /**
   * Copies words out after all work queued before. Rejects when any of that work failed. `as` says what the words hold; devices that
   * store words ignore it, the reference stores numbers and needs it.
   */
  read(block: Block, byteOffset: number, byteLength: number, as: WordType): Promise<ArrayBuffer>
  /** The same at once, on backends that can. */
  readSync?(block: Block, byteOffset: number, byteLength: number, as: WordType): ArrayBuffer
  /** Queues a kernel; `blocks` are those of its inputs, then of its outputs. One block may appear several times. */
  run(kernel: Kernel, blocks: readonly Block[]): void
  /**
   * Prepares a fixed list of launches that will run many times. Each call of the result queues them all, `swap` naming blocks that take
   * the place of others for this call (inputs that change from call to call).
   */
  prepare(launches: readonly Launch[]): Prepared
  /** Resolves when all queued work is done; rejects when any failed. */
  sync(): Promise<void>
  /** Resolves when the device is lost, with the reason. Never, on a device that cannot be lost. */
  readonly lost: Promise<string>
  memory(): BackendMemory
  /** Ends threads and gives all memory back. The backend cannot be used afterwards. */
  dispose(): void
}

export interface Prepared {
  run(swap?: ReadonlyMap<Block, Block>): void
  dispose(): void
}

/** What a word holds: bool is stored as int32 0 or 1. */
export type WordType = Exclude<DType, 'bool'>
