// Runs the launches of a case on a backend and compares what its blocks hold afterwards.
import type { Backend, Block } from '../../src/backend/backend.ts'
import { bytesOf, isFloat, type DType, type Words } from '../../src/core/dtype.ts'
import { formatShape } from '../../src/core/shape.ts'
import { toValues, wordsIn } from '../../src/core/storage.ts'
import type { Step, Tolerance } from './data.ts'

/** What a block holds after a launch. */
export interface Result {
  readonly name: string
  readonly words: Words
  readonly dtype: DType
}

const typeOf = (words: Words): DType => (words instanceof Float32Array ? 'float32' : 'int32')

export const upload = (backend: Backend, words: Words, dtype = typeOf(words)): Block => {
  const block = backend.alloc(bytesOf('uint8', words.byteLength))
  backend.write(block, 0, words, dtype)
  return block
}

/** Reads words of the same kind and number as `like`. */
export const download = async (backend: Backend, block: Block, like: Words, dtype = typeOf(like)): Promise<Words> =>
  wordsIn(dtype, await backend.read(block, 0, bytesOf('uint8', like.byteLength), dtype)).subarray(0, like.length)

/** All launches are queued before anything is read. The results are the whole blocks of the outputs. */
export async function execute(backend: Backend, steps: readonly Step[]): Promise<Result[]> {
  const queued = steps.map(({ kernel, words }) => {
    const views = [...kernel.inputs, ...kernel.outputs]
    const blocks = new Map([...new Set(words)].map(w => [w, upload(backend, w, views[words.indexOf(w)].dtype)]))
    backend.run(kernel, words.map(w => blocks.get(w)!))
    return { kernel, words, blocks }
  })
  const results: Result[] = []
  for (const { kernel, words, blocks } of queued) {
    const outputs = words.slice(kernel.inputs.length)
    for (const w of new Set(outputs)) {
      const { dtype: of, shape, strides, offset } = kernel.outputs[outputs.indexOf(w)]
      // Between the elements lie words that are no bools.
      const dtype = of === 'bool' ? 'int32' : of
      results.push({ name: `block of output ${formatShape(shape)} strides ${formatShape(strides)} offset ${offset}`, words: await download(backend, blocks.get(w)!, w, dtype), dtype })
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
  const [has, wants] = [got, want].map(r => toValues(r.dtype, r.words))
  const exact = !isFloat(want.dtype)
  const wrong: number[] = []
  wants.forEach((w, i) => {
    if (!agrees(has[i], w, exact ? {} : tolerance)) wrong.push(i)
  })
  if (got.words.length !== want.words.length) return [`${got.words.length} words, want ${want.words.length}`]
  const show = (v: number) => (Object.is(v, -0) ? '-0' : String(v))
  return wrong.slice(0, 4).map((i, n) => `element ${i} is ${show(has[i])}, want ${show(wants[i])}${n === 3 || n === wrong.length - 1 ? ` (${wrong.length} of ${want.words.length} differ)` : ''}`)
}
