// The reference backend: slow, plain, in float64. It is the definition of what every kernel means. A block holds one float64 for
// each element, so float32 tensors are never rounded here and finite differences are sharp; integers wrap, 16-bit floats are rounded, and
// bool is 0 or 1.
import { dtypes, type DType, type Words } from '../../core/dtype.ts'
import { fail, internal } from '../../core/errors.ts'
import { toValues, toWords } from '../../core/storage.ts'
import { extent, type View } from '../../core/view.ts'
import type { Kernel } from '../../ir/kernel.ts'
import type { Backend, BackendMemory, Block, DeviceInfo, Launch, Prepared } from '../backend.ts'
import { inPlace } from '../failures.ts'
import { runKernel, type Operand } from './kernels.ts'


/** Reads are possible at once, and numbers can go in and out unrounded. */
export interface ReferenceBackend extends Backend {
  readSync(block: Block, byteOffset: number, byteLength: number, as: DType): ArrayBuffer
  readFloat64(block: Block, byteOffset: number, byteLength: number): Float64Array
  writeFloat64(block: Block, byteOffset: number, data: Float64Array): void
}

/** More than any test of a definition needs. */
const LIMIT = 2 ** 31

class Reference implements ReferenceBackend {
  readonly hasFloat64 = true
  readonly fuses = (): boolean => true
  readonly info: DeviceInfo = { name: 'reference', detail: 'float64, in JavaScript', threads: 1, why: '' }
  readonly lost = new Promise<string>(() => {})
  readonly #blocks = new Map<Block, Float64Array>()
  #held = 0
  #disposed = false

  alloc(bytes: number): Block {
    if (this.#disposed) fail('alloc', 'the reference backend was disposed', 'open a new one')
    if (this.#held + bytes > LIMIT) fail('alloc', `${bytes} bytes asked, ${this.#held} held, ${LIMIT} allowed`, 'dispose tensors that are no longer needed')
    const block: Block = { bytes }
    // NaN, so that a kernel that reads before anything was written shows.
    this.#blocks.set(block, new Float64Array(Math.ceil(bytes / 4)).fill(NaN))
    this.#held += bytes
    return block
  }

  standIn(bytes: number): Block {
    return { bytes }
  }

  free(block: Block): void {
    this.#numbers(block)
    this.#blocks.delete(block)
    this.#held -= block.bytes
  }

  write(block: Block, byteOffset: number, data: Words, as: DType = 'float32'): void {
    const at = byteOffset / data.BYTES_PER_ELEMENT
    this.#numbers(block, at + data.length).set(dtypes[as].bytes === 2 ? toValues(as, data) : data, at)
  }

  writeFloat64(block: Block, byteOffset: number, data: Float64Array): void {
    this.#numbers(block).set(data, byteOffset / 4)
  }

  async read(block: Block, byteOffset: number, byteLength: number, as: DType): Promise<ArrayBuffer> {
    return this.readSync(block, byteOffset, byteLength, as)
  }

  readSync(block: Block, byteOffset: number, byteLength: number, as: DType): ArrayBuffer {
    // A pair of complex64 is two elements here.
    const size = as === 'complex64' ? 4 : dtypes[as].bytes
    const numbers = this.#numbers(block, (byteOffset + byteLength) / size).slice(byteOffset / size, (byteOffset + byteLength) / size)
    return toWords(as, numbers).buffer as ArrayBuffer
  }

  readFloat64(block: Block, byteOffset: number, byteLength: number): Float64Array {
    return this.#numbers(block).slice(byteOffset / 4, (byteOffset + byteLength) / 4)
  }

  run(kernel: Kernel, blocks: readonly Block[]): void {
    const views = [...kernel.inputs, ...kernel.outputs]
    if (blocks.length !== views.length) internal(`${kernel.kind} got ${blocks.length} blocks for ${views.length} views`)
    const operands = views.map((view, i) => this.#operand(kernel, view, blocks[i]))
    runKernel(kernel, operands.slice(0, kernel.inputs.length), operands.slice(kernel.inputs.length))
  }

  prepare(launches: readonly Launch[]): Prepared {
    return {
      run: swap => {
        for (const { kernel, blocks } of launches) {
          const own = blocks.map(b => swap?.get(b) ?? b)
          if (kernel.kind !== 'when') inPlace(kernel, () => this.run(kernel, own))
          else if (this.#numbers(own[0])[kernel.inputs[0].offset] !== 0) inPlace(kernel.kernel, () => this.run(kernel.kernel, own.slice(1)))
        }
      },
      dispose: () => {},
    }
  }

  async sync(): Promise<void> {}

  memory(): BackendMemory {
    return { held: this.#held, reserved: this.#held }
  }

  dispose(): void {
    this.#disposed = true
    this.#blocks.clear()
    this.#held = 0
  }

  /** Those of a block, made longer when its elements are shorter than a word. */
  #numbers(block: Block, length = 0): Float64Array {
    const known = this.#blocks.get(block) ?? internal('a block was used that is not allocated')
    if (known.length >= length || length > block.bytes) return known
    const longer = new Float64Array(block.bytes).fill(NaN)
    longer.set(known)
    this.#blocks.set(block, longer)
    return longer
  }

  #operand(kernel: Kernel, view: View, block: Block): Operand {
    const span = extent(view)
    const data = this.#numbers(block, span ? span[1] + 1 : 0)
    const room = Math.floor(block.bytes / dtypes[view.dtype].bytes)
    if (span && (span[0] < 0 || span[1] >= room)) internal(`a view of ${kernel.kind} reaches elements ${span.join(' … ')} of a block of ${room}`)
    return { view, data }
  }
}

export const createReference = (): ReferenceBackend => new Reference()
