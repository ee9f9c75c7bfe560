// Both wasm binaries inside the script, so that it needs no other file.
import { setWasmBytes } from './backend/wasm/binary.ts'
import { patched } from './backend/wasm/patch.ts'

/** Put in by scripts/build.mjs, deflated and in base64: a binary, and the other one's difference from it. */
declare const LAMPAS_WASM: { readonly simd: string; readonly relaxed: string }
const inside = LAMPAS_WASM

async function unpack(text: string): Promise<Uint8Array<ArrayBuffer>> {
  const packed = Uint8Array.from(atob(text), c => c.charCodeAt(0))
  const unpacked = new Blob([packed]).stream().pipeThrough(new DecompressionStream('deflate-raw'))
  return new Uint8Array(await new Response(unpacked).arrayBuffer())
}

setWasmBytes(async binary => {
  const simd = await unpack(inside.simd)
  return binary === 'simd' ? simd : patched(simd, await unpack(inside.relaxed))
})
