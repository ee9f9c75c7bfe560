// Plans of compiled functions, kept from one visit of a page to the next: `lampas/cache`. Storage can only be asked by waiting, and a first call of a
// compiled function does not wait; so entries are read before, and written behind.
import { LampasError, fail } from '../core/errors.ts'
import { needKnown } from '../core/options.ts'
import { leavePlanCache, usePlanCache, type CacheEntry, type Work } from '../graph/cached.ts'
import { ownRewrites } from '../graph/passes/index.ts'
import { read, written } from './entry.ts'
import { keyOf } from './key.ts'
import { openStore, type Stored } from './store.ts'

/** Lampas's version: plans of another one are not used. */
export const edition = '0.1.0'
const MIB = 2 ** 20

export interface CacheOptions {
  /** Bytes that may be kept; of more, the oldest go. Default: 32 MiB. */
  limit?: number
  /** Entries with another word are not used: a version of the page, where that should begin anew. */
  version?: string
}

export interface CompileCache {
  /** How many plans there are, and their bytes. */
  readonly entries: number
  readonly bytes: number
  /** First calls that found their plan, and those that did not. */
  readonly hits: number
  readonly misses: number
  /** Resolves when all that was new is written; rejects when something could not be. */
  settled(): Promise<void>
  /** Forgets all plans. */
  clear(): Promise<void>
  /** Functions are compiled without it from now on. */
  close(): void
}

const environment = (): string => (typeof navigator === 'object' ? navigator.userAgent : process.version)

/**
 * Keeps the plans of compiled functions for later visits of the page: open it before their first calls. Such a call is traced as ever, and where the
 * same work was planned before, by this version of Lampas on this device, that plan is taken: nothing is rewritten, fused or placed. The name is that of a
 * database in the browser; in Node it is a directory.
 *
 * @throws LampasError when there is no storage, as in some private windows.
 * @example
 * const cache = await openCompileCache('build/plans')
 * const double = compile(x => x.mul(2))
 * double(tensor([1, 2])) // → tensor([2., 4.])
 * await cache.settled()
 * cache.hits + cache.misses // → 1
 * cache.close()
 */
export async function openCompileCache(name: string, options: CacheOptions = {}): Promise<CompileCache> {
  needKnown('openCompileCache', options, ['limit', 'version'])
  const { limit = 32 * MIB, version = '' } = options
  if (!(limit >= 0)) fail('openCompileCache', `a limit of ${String(limit)}`, 'say how many bytes may be kept')
  const store = await openStore(name).catch((error: unknown) => {
    if (error instanceof LampasError) throw error
    return fail('openCompileCache', `'${name}' cannot be opened: ${String(error)}`, 'private windows have no storage; compile() works without')
  })
  const stamp = JSON.stringify([edition, version, environment()])
  const entries = new Map<string, Stored>(await store.all())
  let [bytes, hits, misses] = [0, 0, 0]
  for (const e of entries.values()) bytes += e.bytes.length
  let writing: Promise<void> = Promise.resolve()
  let fault: unknown = null

  const drop = (key: string): Promise<unknown> => {
    bytes -= entries.get(key)?.bytes.length ?? 0
    entries.delete(key)
    return store.remove(key)
  }
  const put = async (key: string, made: Uint8Array): Promise<void> => {
    if (made.length > limit) return
    await drop(key)
    const entry = { bytes: made, at: Date.now() }
    entries.set(key, entry)
    bytes += made.length
    await store.put(key, entry)
    for (const old of entries.keys()) {
      if (bytes <= limit) break
      await drop(old)
    }
  }
  /** One after the other. */
  const then = <T>(ready: Promise<T>, act: (ready: T) => Promise<void>): Promise<void> =>
    (writing = Promise.all([ready, writing]).then(([r]) => act(r)).catch((error: unknown) => void (fault ??= error)))

  const found = (key: string, work: Work): CacheEntry['kept'] => {
    const entry = entries.get(key)
    try {
      return entry ? read(entry.bytes, work) : null
    } catch {
      // Damaged: it is written again.
      return null
    }
  }
  const planCache = {
    entry(work: Work): CacheEntry | null {
      // Rules of users are not part of the work; the reference is there to check, not to be quick.
      if (ownRewrites() > 0 || !['wasm', 'webgpu'].includes(work.backend.info.name)) return null
      const key = keyOf(work, stamp)
      const kept = found(key, work)
      if (kept) hits++
      else misses++
      return { kept, keep: made => void then(written(made, work), bytes => put(key, bytes)) }
    },
  }
  usePlanCache(planCache)
  return {
    get entries() {
      return entries.size
    },
    get bytes() {
      return bytes
    },
    get hits() {
      return hits
    },
    get misses() {
      return misses
    },
    async settled() {
      await writing
      if (fault) throw fault
    },
    clear: () => then(writing, async () => {
      for (const key of entries.keys()) await drop(key)
    }),
    close() {
      leavePlanCache(planCache)
      void then(writing, async () => store.close())
    },
  }
}
