// Which tile a product is computed with, found by measuring. Products of like size are a class; the candidates of a class are timed once on an adapter,
// and the answers kept: in IndexedDB, where there is one, for later visits. Only warm() measures, so that nothing changes behind one's back:
// another tile may cut a long sum elsewhere, and its last bits round differently.
import type { Kernel } from '../../ir/kernel.ts'
import { lower } from './lower.ts'
import type { Extents, Tiling } from './tiles.ts'
import type { PickTile, Target, Work } from './wgsl.ts'

/** Goes up when tiles change, so that answers about older ones are not used. */
const EDITION = 1
const ROUNDS = 5
/** A turn runs a candidate so often, or for about so many milliseconds, since waiting for a graphics device takes a millisecond by itself. */
const MOST = 20
const TURN = 50
/** Another tile must be so much faster than the one that is chosen without measuring. */
const BETTER = 0.95

/** Sizes within a factor of √2 are alike. */
const classOf = (kind: string, { items, m, n, k }: Extents): string => [kind, ...[items, m, n, k].map(v => Math.round(2 * Math.log2(v)))].join(' ')
const nameOf = ({ family, quads, rows, columns }: Tiling): string => `${quads ? 'quad' : family} ${rows}x${columns}`

/** What runs a candidate: all of its work, so many times, on memory that nobody else has, up to its end. Resolves with the milliseconds. */
export type Race = (kernel: Kernel, work: Work, times: number) => Promise<number>

export class Tuner {
  readonly pick: PickTile = (kind, extents, tiles) => {
    const name = this.answers.get(classOf(kind, extents))
    return tiles.find(t => nameOf(t) === name) ?? tiles[0]
  }

  private constructor(private readonly adapter: string, private readonly answers: Map<string, string>) {}

  /** With the answers of earlier visits. `adapter` names what they were measured on. */
  static async open(adapter: string): Promise<Tuner> {
    const key = `${EDITION} ${adapter}`
    const answers = await stored<[string, string][]>('readonly', store => store.get(key)).catch(() => undefined)
    return new Tuner(key, new Map(answers))
  }

  /** Measures the tiles of products whose class is new. Tells whether there were any. */
  async measure(kernels: readonly Kernel[], target: Target, race: Race): Promise<boolean> {
    const before = this.answers.size
    for (const kernel of kernels) {
      const question = questionOf(kernel, target)
      if (!question || question.tiles.length < 2 || this.answers.has(question.key)) continue
      const winner = await fastest(question.tiles.length, (at, times) => race(kernel, question.work(at), times))
      this.answers.set(question.key, nameOf(question.tiles[winner]))
    }
    if (this.answers.size === before) return false
    await stored('readwrite', store => store.put([...this.answers], this.adapter)).catch(() => undefined)
    return true
  }
}

interface Question {
  readonly key: string
  readonly tiles: readonly Tiling[]
  /** What the kernel becomes with one of the tiles. */
  readonly work: (at: number) => Work
}

/** What lowering a kernel asks for a tile; other kernels than products, and those without results, ask nothing. */
function questionOf(kernel: Kernel, target: Target): Question | undefined {
  if (kernel.kind !== 'matmul' && kernel.kind !== 'conv') return undefined
  const asked: Pick<Question, 'key' | 'tiles'>[] = []
  const slots = [...kernel.inputs, ...kernel.outputs].map((_, k) => k)
  const work = (at: number): Work => lower(kernel, slots, {
    ...target,
    pick: (kind, extents, tiles) => {
      asked.push({ key: classOf(kind, extents), tiles })
      return tiles[at]
    },
  })
  work(0)
  return asked[0] && { ...asked[0], work }
}

/** The number of the fastest of `count` candidates. They take turns; the first run of each, which compiles, does not count. */
async function fastest(count: number, time: (at: number, times: number) => Promise<number>): Promise<number> {
  const all = Array.from({ length: count }, (_, at) => at)
  for (const at of all) await time(at, 1)
  const times = Math.max(1, Math.min(MOST, Math.floor(TURN / (await time(0, 1)))))
  const best = all.map(() => Infinity)
  for (let round = 0; round < ROUNDS; round++) for (const at of all) best[at] = Math.min(best[at], await time(at, times))
  const winner = best.indexOf(Math.min(...best))
  return best[winner] < BETTER * best[0] ? winner : 0
}

/** One request to the place where answers are kept. Rejects where there is none, as in Node or in a private window. */
async function stored<T>(mode: IDBTransactionMode, ask: (store: IDBObjectStore) => IDBRequest): Promise<T | undefined> {
  if (!globalThis.indexedDB) return undefined
  const opening = indexedDB.open('lampas', 1)
  opening.onupgradeneeded = () => opening.result.createObjectStore('tiles')
  const db = await settled<IDBDatabase>(opening)
  try {
    return await settled<T>(ask(db.transaction('tiles', mode).objectStore('tiles')))
  } finally {
    db.close()
  }
}

const settled = <T>(request: IDBRequest<T>): Promise<T> => new Promise((resolve, reject) => {
  request.onsuccess = () => resolve(request.result)
  request.onerror = () => reject(request.error ?? new Error('the request failed'))
})
