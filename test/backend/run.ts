// Runs the launches of a case on a backend and compares what its blocks hold afterwards.
import type { Backend, Block } from '../../src/backend/backend.ts'
import type { Words } from '../../src/core/dtype.ts'
import { formatShape } from '../../src/core/shape.ts'
import type { Step, Tolerance } from './data.ts'

/** What a block holds after a launch. */
export interface Result {
  readonly name: string
  readonly words: Words
}

export const upload = (backend: Backend, words: Words): Block => {
  const block = backend.alloc(words.byteLength)
  backend.write(block, 0, words)
  return block
}

/** Reads words of the same kind and number as `like`. */
export async function download(backend: Backend, block: Block, like: Words): Promise<Words> {
  return like instanceof Float32Array
    ? new Float32Array(await backend.read(block, 0, like.byteLength, 'float32'))
    : new Int32Array(await backend.read(block, 0, like.byteLength, 'int32'))
}

/** All launches are queued before anything is read. The results are the whole blocks of the outputs. */
export async function execute(backend: Backend, steps: readonly Step[]): Promise<Result[]> {
  const queued = steps.map(({ kernel, words }) => {
    const blocks = new Map([...new Set(words)].map(w => [w, upload(backend, w)]))
    backend.run(kernel, words.map(w => blocks.get(w)!))
    return { kernel, words, blocks }
  })
  const results: Result[] = []
  for (const { kernel, words, blocks } of queued) {
    const outputs = words.slice(kernel.inputs.length)
    for (const w of new Set(outputs)) {
      const { shape, strides, offset } = kernel.outputs[outputs.indexOf(w)]
      results.push({ name: `block of output ${formatShape(shape)} strides ${formatShape(strides)} offset ${offset}`, words: await download(backend, blocks.get(w)!, w) })
    }
    for (const block of blocks.values()) backend.free(block)
  }
  return results
}

/** Below this a float32 device may give zero. */
const TINY = 1.1754944e-38

function agrees(got: number, want: number, { rel = 0, abs = 0, zeros = false }: Tolerance): boolean {
  if (Object.is(got, want)) return true
  if (!Number.isFinite(got) || !Number.isFinite(want)) return false
  if (want === 0 && got === 0) return !zeros
  return Math.abs(got - want) <= abs + rel * Math.abs(want) + TINY
}

/** The first few words that differ, or nothing. */
export function mismatch(got: Result, want: Result, tolerance: Tolerance): string[] {
  const exact = want.words instanceof Int32Array
  const wrong: number[] = []
  want.words.forEach((w, i) => {
    if (!agrees(got.words[i], w, exact ? {} : tolerance)) wrong.push(i)
  })
  if (got.words.length !== want.words.length) return [`${got.words.length} words, want ${want.words.length}`]
  const show = (v: number) => (Object.is(v, -0) ? '-0' : String(v))
  return wrong.slice(0, 4).map((i, n) => `word ${i} is ${show(got.words[i])}, want ${show(want.words[i])}${n === 3 || n === wrong.length - 1 ? ` (${wrong.length} of ${want.words.length} differ)` : ''}`)
}
