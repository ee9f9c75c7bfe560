// The meta backend: shapes and dtypes without values. Memory is only counted and kernels do nothing, so a model of any size can be
// built and run to see what it would take.
import { fail } from '../core/errors.ts'
import type { Backend, BackendMemory, Block, DeviceInfo, Prepared } from './backend.ts'

class Meta implements Backend {
  readonly info: DeviceInfo = { name: 'meta', detail: 'shapes and dtypes only', threads: 1, why: '' }
  readonly hasFloat64 = true
  readonly fuses = (): boolean => true
  readonly lost = new Promise<string>(() => {})
  #held = 0

  alloc(bytes: number): Block {
    this.#held += bytes
    return { bytes }
  }

  standIn(bytes: number): Block {
    return { bytes }
  }

  free(block: Block): void {
    this.#held -= block.bytes
  }

  write(): void {}

  readSync(): never {
    return fail('meta', "tensors on the device 'meta' have no values", "make them on another device, e.g. tensor(…, {device: 'wasm'})")
  }

  async read(): Promise<never> {
    return this.readSync()
  }

  run(): void {}

  prepare(): Prepared {
    return { run: () => {}, dispose: () => {} }
  }

  async sync(): Promise<void> {}

  memory(): BackendMemory {
    return { held: this.#held, reserved: 0 }
  }

  dispose(): void {
    this.#held = 0
  }
}

export const createMeta = (): Backend => new Meta()
