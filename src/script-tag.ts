// The classic script `lampas.min.js`: the public entry with both wasm binaries inside, so that it needs no other file.
import { setWasmBytes } from './backend/wasm/module.ts'

export * from './index.ts'

/** Put in by scripts/build.mjs: deflated, in base64. */
declare const LAMPAS_WASM: Readonly<Record<'simd' | 'relaxed', string>>

setWasmBytes(async binary => {
  const packed = Uint8Array.from(atob(LAMPAS_WASM[binary]), c => c.charCodeAt(0))
  const unpacked = new Blob([packed]).stream().pipeThrough(new DecompressionStream('deflate-raw'))
  return new Uint8Array(await new Response(unpacked).arrayBuffer())
})
