// What is held, where, and by which line.
import { currentBackend } from './device.ts'
import { counts, sited } from './storage.ts'

export interface MemoryReport {
  readonly device: string
  /** Bytes in use by tensors and plans. */
  readonly held: number
  /** Bytes taken from the system, free lists included. */
  readonly reserved: number
  /** Blocks that tensors show. */
  readonly tensors: number
  /** Largest holders by the line that made them, when `trackMemory(true)` was called before. */
  readonly holders: readonly { readonly site: string; readonly bytes: number; readonly count: number }[]
}

/**
 * Memory of the current device.
 * @example Object.keys(memory()) // → [ 'device', 'held', 'reserved', 'tensors', 'holders' ]
 */
export function memory(): MemoryReport {
  const backend = currentBackend()
  const bySite = new Map<string, { bytes: number; count: number }>()
  for (const s of sited) {
    if (s.backend !== backend || s.site === null) continue
    const entry = bySite.get(s.site) ?? { bytes: 0, count: 0 }
    entry.bytes += s.block.bytes
    entry.count++
    bySite.set(s.site, entry)
  }
  const holders = [...bySite].map(([site, e]) => ({ site, ...e })).sort((a, b) => b.bytes - a.bytes).slice(0, 20)
  return { device: backend.info.name, ...backend.memory(), tensors: counts.get(backend) ?? 0, holders }
}
