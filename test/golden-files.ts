// Reads the files under test/golden, in Node and in the page.
import { tensor, type Tensor } from '../src/index.ts'

// By name, so that the bundler does not take the address for one of its assets.
const here = import.meta.url

/** A file's bytes; the path is relative to test/golden. */
export async function goldenBytes(path: string): Promise<ArrayBuffer> {
  const url = new URL(`./golden/${path}`, here)
  if (typeof document === 'object') return (await fetch(url)).arrayBuffer()
  const file = process.getBuiltinModule('node:fs').readFileSync(process.getBuiltinModule('node:url').fileURLToPath(url))
  return new Uint8Array(file).buffer
}

interface Entry {
  readonly dtype: 'F32' | 'I64' | 'I32'
  readonly shape: readonly number[]
  readonly data_offsets: readonly [number, number]
}

/** The tensors of a safetensors file by name, on the current device. 64-bit integers become int32. */
export async function readSafetensors(path: string): Promise<Record<string, Tensor>> {
  const file = await goldenBytes(path)
  const length = Number(new DataView(file).getBigUint64(0, true))
  const header = JSON.parse(new TextDecoder().decode(new Uint8Array(file, 8, length))) as Record<string, Entry>
  delete header.__metadata__
  return Object.fromEntries(
    Object.entries(header).map(([name, { dtype, shape, data_offsets: [from, to] }]) => {
      const raw = file.slice(8 + length + from, 8 + length + to)
      const data = dtype === 'F32' ? new Float32Array(raw) : dtype === 'I32' ? new Int32Array(raw) : new BigInt64Array(raw)
      return [name, tensor(data, { shape })]
    }),
  )
}
