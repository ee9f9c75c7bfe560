// Which values may share memory. The values of a plan live from the kernel that first writes them to the last that reads them; each gets a
// block that nobody else uses meanwhile. Blocks rather than places in one arena, since WebGPU forbids to read and write one buffer in one
// kernel. After the greedy rules for shared objects of Pisarchyk and Lee (2020).

/** When a value is needed, counted in kernels. */
export interface Lifetime {
  readonly bytes: number
  readonly first: number
  readonly last: number
}

export interface Packing {
  /** Bytes of each block. */
  readonly blocks: readonly number[]
  /** Of each value the block that it lies in. */
  readonly blockOf: readonly number[]
}

/** The most bytes that live at once: no packing takes less. */
export function mostLive(values: readonly Lifetime[], steps: number): { readonly bytes: number; readonly at: number } {
  const live = liveBytes(values, steps)
  let at = 0
  for (let i = 1; i < live.length; i++) if (live[i] > live[at]) at = i
  return { bytes: live[at] ?? 0, at }
}

/** Bytes that live while each kernel runs. */
export function liveBytes(values: readonly Lifetime[], steps: number): number[] {
  const change = new Array<number>(steps + 1).fill(0)
  for (const v of values) {
    change[v.first] += v.bytes
    change[v.last + 1] -= v.bytes
  }
  let now = 0
  return change.slice(0, steps).map(d => (now += d))
}

export const totalOf = ({ blocks }: Pick<Packing, 'blocks'>): number => blocks.reduce((n, b) => n + b, 0)

/** Blocks for values, those with overlapping lifetimes apart: the better of two greedy orders. */
export function packBlocks(values: readonly Lifetime[]): Packing {
  const bySize = values.map((_, i) => i).sort((a, b) => values[b].bytes - values[a].bytes || values[a].first - values[b].first)
  const byTime = values.map((_, i) => i).sort((a, b) => values[a].first - values[b].first || values[b].bytes - values[a].bytes)
  const [large, early] = [inOrder(values, bySize), inOrder(values, byTime)]
  return totalOf(early) < totalOf(large) ? early : large
}

interface Room {
  bytes: number
  /** What lies in it, by time. */
  readonly taken: Lifetime[]
}

/** Gives the values, in this order, the block that fits best: one that grows least, and of those one that leaves least over. */
function inOrder(values: readonly Lifetime[], order: readonly number[]): Packing {
  const rooms: Room[] = []
  const blockOf = new Array<number>(values.length)
  for (const i of order) {
    const v = values[i]
    let best = -1
    let cost = v.bytes
    let over = Infinity
    rooms.forEach((room, k) => {
      const grows = Math.max(0, v.bytes - room.bytes)
      const left = Math.max(0, room.bytes - v.bytes)
      if (grows > cost || (grows === cost && left >= over) || !isFree(room.taken, v)) return
      best = k
      cost = grows
      over = left
    })
    if (best < 0) best = rooms.push({ bytes: v.bytes, taken: [] }) - 1
    const room = rooms[best]
    room.bytes = Math.max(room.bytes, v.bytes)
    room.taken.splice(placeOf(room.taken, v.first), 0, v)
    blockOf[i] = best
  }
  return { blocks: rooms.map(r => r.bytes), blockOf }
}

/** How many of the lifetimes, which do not overlap, begin before a step. */
function placeOf(taken: readonly Lifetime[], first: number): number {
  let low = 0
  let high = taken.length
  while (low < high) {
    const mid = (low + high) >> 1
    if (taken[mid].first < first) low = mid + 1
    else high = mid
  }
  return low
}

function isFree(taken: readonly Lifetime[], { first, last }: Lifetime): boolean {
  const at = placeOf(taken, first)
  return (at === 0 || taken[at - 1].last < first) && (at === taken.length || taken[at].first > last)
}
