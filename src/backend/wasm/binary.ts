// The wasm binaries: which of them this engine can run, and where their bytes come from. Apart from the rest of the backend, so that a page
// fetches both at once.
import { fail } from '../../core/errors.ts'

export type Binary = 'simd' | 'relaxed'

// The smallest modules that use v128, a relaxed multiply-add, and a shared memory.
const probes = {
  simd: [0, 97, 115, 109, 1, 0, 0, 0, 1, 4, 1, 96, 0, 0, 3, 2, 1, 0, 10, 9, 1, 7, 0, 65, 0, 253, 15, 26, 11],
  relaxed: [0, 97, 115, 109, 1, 0, 0, 0, 1, 4, 1, 96, 0, 0, 3, 2, 1, 0, 10, 20, 1, 18, 0, 65, 0, 253, 15, 65, 0, 253, 15, 65, 0, 253, 15, 253, 133, 2, 26, 11],
  threads: [0, 97, 115, 109, 1, 0, 0, 0, 1, 4, 1, 96, 0, 0, 3, 2, 1, 0, 5, 4, 1, 3, 1, 1, 10, 11, 1, 9, 0, 65, 0, 254, 16, 2, 0, 26, 11],
}

export const supports = (feature: keyof typeof probes): boolean =>
  typeof WebAssembly === 'object' && WebAssembly.validate(new Uint8Array(probes[feature]))

/** Node's own modules, without an import that bundlers for pages would follow. */
export const builtin: NodeJS.Process['getBuiltinModule'] | null =
  typeof process === 'object' && typeof process.getBuiltinModule === 'function' ? process.getBuiltinModule : null

/** Asks V8 for relaxed SIMD where it is still behind a flag (Node 20). */
const allowRelaxed = (): void => builtin?.('node:v8').setFlagsFromString('--experimental-wasm-relaxed-simd')

let given: ((binary: Binary) => Promise<Uint8Array<ArrayBuffer>>) | null = null

/** For bundles that carry the binaries inside: they unpack the one that is asked for. */
export function setWasmBytes(source: (binary: Binary) => Promise<Uint8Array<ArrayBuffer>>): void {
  given = source
}

/** Spelt out for each file, since bundlers look for exactly this form. */
const urlOf = (binary: Binary): URL =>
  binary === 'relaxed'
    ? new URL('../../../build/lampas.relaxed.wasm', import.meta.url)
    : new URL('../../../build/lampas.simd.wasm', import.meta.url)

async function load(url: URL): Promise<Uint8Array<ArrayBuffer>> {
  if (builtin && url.protocol === 'file:') return new Uint8Array(await builtin('node:fs').promises.readFile(url))
  const response = await fetch(url)
  if (!response.ok) fail('init', `${url.href} answers ${response.status} ${response.statusText}`, 'serve the .wasm files of the package beside its scripts')
  return new Uint8Array(await response.arrayBuffer())
}

async function bytesOf(binary: Binary): Promise<Uint8Array<ArrayBuffer>> {
  if (given) return given(binary)
  const url = urlOf(binary)
  const bytes = await load(url)
  const isWasm = bytes[0] === 0 && bytes[1] === 97 && bytes[2] === 115 && bytes[3] === 109
  if (isWasm) return bytes
  const isHtml = /^\s*</.test(new TextDecoder().decode(bytes.subarray(0, 100)))
  return fail('init', `${url.href} is ${isHtml ? 'an HTML page' : 'not a WebAssembly file'}`,
    'the server answers with another file: serve the .wasm files of the package beside its scripts, or use the script-tag bundle, which has them inside')
}

/** A binary whose bytes are on their way. */
export interface Coming {
  readonly binary: Binary
  readonly bytes: Promise<Uint8Array<ArrayBuffer>>
}

/** Asks for the best binary of this engine; `relaxed` as in the options of the device. */
export function fetchBinary(relaxed?: boolean): Coming {
  if (!supports('simd')) fail('init', 'this engine has no WebAssembly SIMD', 'use a browser of 2021 or later (Safari 16.4), or init({ device: \'reference\' })')
  if (relaxed) allowRelaxed()
  const binary = relaxed !== false && supports('relaxed') ? 'relaxed' : 'simd'
  const bytes = bytesOf(binary)
  // Who awaits them hears of a failure; until then it is nobody's.
  bytes.catch(() => undefined)
  return { binary, bytes }
}
