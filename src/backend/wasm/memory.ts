// Blocks in one wasm memory. Freed blocks wait in lists by size class (eight classes to each doubling) and are handed out again at
// once: first touch of fresh pages costs ten times a second pass. When there is no fresh memory, neighbours are joined again.
import { WORD, type Words } from '../../core/dtype.ts'
import { fail, internal } from '../../core/errors.ts'
import type { Block } from '../backend.ts'

const UNIT = 64
const PAGE = 65536

/** A run of wasm memory, 64-byte aligned. */
export interface WasmBlock extends Block {
  readonly address: number
  /** What `bytes` was rounded up to, as a size class. */
  readonly sizeClass: number
  live: boolean
}

interface Span {
  start: number
  end: number
}

const classOf = (bytes: number): number => {
  const last = Math.max(Math.ceil(bytes / UNIT), 1) - 1
  const shift = Math.max(0, 28 - Math.clz32(last))
  return shift * 8 + (last >>> shift)
}

const classBytes = (sizeClass: number): number => {
  const shift = Math.max(0, (sizeClass >> 3) - 1)
  return (sizeClass - shift * 8 + 1) * UNIT * 2 ** shift
}

export class Heap {
  f32!: Float32Array
  f64!: Float64Array
  i32!: Int32Array
  bytes!: Uint8Array
  held = 0
  private readonly free: number[][] = []
  /** Bytes in `free`. */
  private idle = 0
  /** Memory in no size class yet, by address; the last one ends where the memory ends. */
  private spans: Span[]

  constructor(
    readonly memory: WebAssembly.Memory,
    base: number,
    private readonly maxPages: number,
  ) {
    this.refresh()
    this.spans = [{ start: Math.ceil(base / UNIT) * UNIT, end: this.end }]
  }

  get reserved(): number {
    return this.bytes.length
  }

  /** Loops read whole vectors, up to three words behind the last block. */
  private get end(): number {
    return this.reserved - UNIT
  }

  private get limit(): number {
    return this.maxPages * PAGE
  }

  private refresh(): void {
    const { buffer } = this.memory
    this.f32 = new Float32Array(buffer)
    this.f64 = new Float64Array(buffer)
    this.i32 = new Int32Array(buffer)
    this.bytes = new Uint8Array(buffer)
  }

  alloc(bytes: number): WasmBlock {
    // Past the limit size classes mean nothing.
    if (bytes > this.limit) return this.exhausted(bytes)
    const sizeClass = classOf(bytes)
    const list = this.free[sizeClass]
    let address: number
    if (list !== undefined && list.length > 0) {
      address = list.pop()!
      this.idle -= classBytes(sizeClass)
    } else address = this.fresh(classBytes(sizeClass), bytes)
    this.held += bytes
    return { bytes, address, sizeClass, live: true }
  }

  release(block: WasmBlock): void {
    if (!block.live) internal('a block of wasm memory was freed twice')
    block.live = false
    ;(this.free[block.sizeClass] ??= []).push(block.address)
    this.idle += classBytes(block.sizeClass)
    this.held -= block.bytes
  }

  private fresh(size: number, asked: number): number {
    // Sizes that never come back must not fill the memory: when most of it lies idle, join it before asking for more.
    if (this.idle > this.held + 2 ** 26) this.join()
    return this.find(size) ?? this.exhausted(asked)
  }

  private exhausted(asked: number): never {
    return fail('alloc', `no memory for ${asked} bytes: ${this.held} bytes are held and the limit is ${this.limit}`,
      'use a smaller batch, free tensors that are no longer needed with scope(() => …) or dispose(), or run the step through compile(), which plans its memory')
  }

  /** From what lies between blocks, else from new pages, else from freed blocks joined to larger ones. */
  private find(size: number): number | null {
    const at = this.take(size)
    if (at !== null) return at
    if (!this.grow(size)) {
      this.join()
      const joined = this.take(size)
      if (joined !== null) return joined
      if (!this.grow(size)) return null
    }
    return this.take(size)
  }

  private take(size: number): number | null {
    for (let i = 0; i < this.spans.length; i++) {
      const span = this.spans[i]
      if (span.end - span.start < size) continue
      const at = span.start
      span.start += size
      if (span.start === span.end && i < this.spans.length - 1) this.spans.splice(i, 1)
      return at
    }
    return null
  }

  /** Makes the last span at least `size` long. */
  private grow(size: number): boolean {
    const last = this.spans[this.spans.length - 1]
    const pages = this.reserved / PAGE
    const needed = Math.ceil((size - (last.end - last.start)) / PAGE)
    const generous = Math.min(Math.max(needed, 64, pages >> 3), this.maxPages - pages)
    for (const step of [generous, needed]) {
      if (step < needed || pages + step > this.maxPages) continue
      try {
        this.memory.grow(step)
      } catch {
        continue // the engine has no memory left: a smaller step may still do
      }
      this.refresh()
      last.end = this.end
      return true
    }
    return false
  }

  /** Turns all free blocks back into spans and joins those that touch. */
  private join(): void {
    const spans = this.spans.slice()
    this.free.forEach((list, sizeClass) => {
      for (const start of list) spans.push({ start, end: start + classBytes(sizeClass) })
      list.length = 0
    })
    this.idle = 0
    spans.sort((a, b) => a.start - b.start || a.end - b.end)
    this.spans = []
    for (const span of spans) {
      const before = this.spans[this.spans.length - 1]
      if (before !== undefined && before.end === span.start) before.end = span.end
      else this.spans.push({ ...span })
    }
    if (this.spans[this.spans.length - 1].end !== this.end) this.spans.push({ start: this.end, end: this.end })
  }

  write(address: number, data: Words): void {
    if (data instanceof Float32Array) this.f32.set(data, address / WORD)
    else if (data instanceof Int32Array) this.i32.set(data, address / WORD)
    else this.bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), address)
  }

  read(address: number, bytes: number): ArrayBuffer {
    const out = new Uint8Array(bytes)
    out.set(this.bytes.subarray(address, address + bytes))
    return out.buffer
  }
}
