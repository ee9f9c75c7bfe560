// What a wasm binary exports, and how it is compiled.
import { fail, internal } from '../../core/errors.ts'

/** The functions of assembly/index.ts; those of vectors are for other modules only. */
export interface WasmExports {
  readonly table: WebAssembly.Table
  execute(desc: number): number
  executePlan(list: number, n: number): number
  heapBase(): number
}

/**
 * The same binary for a memory that is not shared: the limits flag of its imported memory changes from 3 (maximum, shared)
 * to 1 (maximum). Atomic instructions are valid on both.
 */
function unshared(bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const out = bytes.slice()
  let at = 8
  const leb = (): number => {
    let value = 0
    for (let shift = 0; ; shift += 7) {
      const byte = out[at++]
      value |= (byte & 127) << shift
      if (byte < 128) return value
    }
  }
  const skipName = (): void => {
    const length = leb()
    at += length
  }
  while (at < out.length) {
    const section = out[at++]
    const end = leb() + at
    if (section === 2)
      for (let n = leb(); n > 0; n--) {
        skipName()
        skipName()
        if (out[at++] !== 2) break
        if (out[at] !== 3) break
        out[at] = 1
        return out
      }
    at = end
  }
  return internal('the wasm binary does not import a shared memory first')
}

/** Compiles a binary, for shared memory or not. */
export async function compileBinary(bytes: Uint8Array<ArrayBuffer>, shared: boolean): Promise<WebAssembly.Module> {
  try {
    return await WebAssembly.compile(shared ? bytes : unshared(bytes))
  } catch (e) {
    return fail('init', `WebAssembly does not compile here: ${String(e)}`, "a page with a content security policy must allow 'wasm-unsafe-eval' in script-src")
  }
}
