// A kernel as 32-bit words for the wasm side: [kind, number of words, number of views, address of each view's first element,
// payload…]. assembly/descriptor.ts reads what is written here; each kind has its payload in its own encode-*.ts.
import type { Functions } from './emit/functions.ts'

/** Collects words. Payload numbers are int32 unless pushed as `f32`. */
export class Writer {
  words = new Int32Array(1024)
  private floats = new Float32Array(this.words.buffer)
  length = 0
  /** The most scratch memory that the kernels written so far need on one thread, in bytes. */
  scratchBytes = 0
  /** The same of kernels that are one task, which falls to the calling thread. */
  callerBytes = 0

  /** Kernels of a plan run many times, so they may have functions made for them that one run would not pay for. */
  constructor(readonly functions: Functions, readonly threads: number, readonly inPlan: boolean) {}

  reset(): void {
    this.length = 0
    this.scratchBytes = 0
    this.callerBytes = 0
  }

  /** Makes room for `n` more words. */
  private room(n: number): void {
    if (this.length + n <= this.words.length) return
    const grown = new Int32Array(Math.max(this.words.length * 2, this.length + n))
    grown.set(this.words)
    this.words = grown
    this.floats = new Float32Array(grown.buffer)
  }

  i32(v: number): void {
    if (this.length === this.words.length) this.room(1)
    this.words[this.length++] = v
  }

  f32(v: number): void {
    if (this.length === this.words.length) this.room(1)
    this.floats[this.length++] = v
  }

  /** Each number of a list; its length is not written. */
  list(values: readonly number[]): void {
    this.room(values.length)
    for (let i = 0; i < values.length; i++) this.words[this.length++] = values[i]
  }

  /** Announces what one thread takes with `scratch()` in assembly/pool.ts while this kernel runs, roundings to 64 bytes included. */
  scratch(bytes: number, tasks = Infinity): void {
    if (tasks === 1) this.callerBytes = Math.max(this.callerBytes, bytes)
    else if (bytes > this.scratchBytes) this.scratchBytes = bytes
  }
}

/** Words before the first view address. */
export const HEADER = 3

/** `n` rounded up to a multiple of `step`. */
export const align = (n: number, step: number): number => Math.ceil(n / step) * step
