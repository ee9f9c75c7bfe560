// Reads the files under test/golden, in Node and in the page.
import { load, type Tensor } from '../src/index.ts'

// By name, so that the bundler does not take the address for one of its assets.
const here = import.meta.url

/** A file's bytes; the path is relative to test/golden. */
export async function goldenBytes(path: string): Promise<ArrayBuffer> {
  const url = new URL(`./golden/${path}`, here)
  if (typeof document === 'object') return (await fetch(url)).arrayBuffer()
  const file = process.getBuiltinModule('node:fs').readFileSync(process.getBuiltinModule('node:url').fileURLToPath(url))
  return new Uint8Array(file).buffer
}

/** The tensors of a safetensors file by name, on the current device. 64-bit integers become int32. */
export const readSafetensors = async (path: string): Promise<Record<string, Tensor>> => load(await goldenBytes(path))
