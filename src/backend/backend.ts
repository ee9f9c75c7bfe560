// The one interface between the runtime and a device. Blocks are runs of bytes in whole words; kernels address their elements through
// views.
import type { DType, Words } from '../core/dtype.ts'
import type { Kernel } from '../ir/kernel.ts'
import type { PlannedKernel } from '../ir/when.ts'

export type BackendName = 'wasm' | 'webgpu' | 'reference' | 'meta'

/** A piece of device memory. Only its backend looks inside. */
export interface Block {
  readonly bytes: number
}

/** One kernel of a plan and the blocks of its inputs, then of its outputs. */
export interface Launch {
  readonly kernel: PlannedKernel
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
  /** Whether it computes in 64 bits; the other dtypes all devices have. */
  readonly hasFloat64: boolean
  /** Whether it runs a fused kernel (a map, rows, a product with an epilogue) well as one; `blocks` counts the different blocks among its operands. */
  fuses(kernel: Kernel, blocks: number): boolean
  /** Fresh memory of unspecified content. Throws a LampasError that gives the bytes asked, held and allowed when there is none. */
  alloc(bytes: number): Block
  /** Names memory in a list to be prepared; it holds none itself, so each call must put a block of so many bytes in its place. */
  standIn(bytes: number): Block
  /** Gives a block back; kernels queued before still see it. */
  free(block: Block): void
  /**
   * Copies elements in, at a byte offset that is a multiple of 4; where they do not fill the last word, its rest is undefined. `as` tells
   * the 16-bit floats from one another. The data may be changed by the caller afterwards.
   */
  write(block: Block, byteOffset: number, data: Words, as?: DType): void
  /**
   * Copies whole words out after all work queued before. Rejects when any of that work failed. `as` says what they hold: devices that
   * store bytes ignore it, the reference stores numbers and needs it.
   */
  read(block: Block, byteOffset: number, byteLength: number, as: DType): Promise<ArrayBuffer>
  /** The same at once, on backends that can. */
  readSync?(block: Block, byteOffset: number, byteLength: number, as: DType): ArrayBuffer
  /** Queues a kernel; `blocks` are those of its inputs, then of its outputs. One block may appear several times. */
  run(kernel: Kernel, blocks: readonly Block[]): void
  /**
   * Prepares a fixed list of launches that will run many times. Each call of the result queues them all, `swap` naming blocks that take
   * the place of others for this call (inputs that change from call to call).
   */
  prepare(launches: readonly Launch[]): Prepared
  /** The same, telling how long each launch took, on devices that work behind one's back and know. */
  prepareTimed?(launches: readonly Launch[]): TimedPrepared
  /** Resolves when all queued work is done; rejects when any failed. */
  sync(): Promise<void>
  /** Resolves when the device is lost, with the reason. Never, on a device that cannot be lost. */
  readonly lost: Promise<string>
  memory(): BackendMemory
  /** Ends threads and gives all memory back. The backend cannot be used afterwards. */
  dispose(): void
}

/** Hears how many of all pieces of work are done. */
export type Progress = (done: number, all: number) => void

export interface Prepared {
  run(swap?: ReadonlyMap<Block, Block>): void
  /** Does beforehand, side by side, what the first run would else do and wait for: on devices that compile shaders. Rejects when one cannot be compiled. */
  warm?(progress?: Progress): Promise<void>
  dispose(): void
}

export interface TimedPrepared {
  /** Queues all launches; resolves with the milliseconds of each. */
  run(swap?: ReadonlyMap<Block, Block>): Promise<Float64Array>
  dispose(): void
}
