// Places boxes in layers (dagre). An arrow that spans many layers costs the layout a stand-in in each of them, so long arrows are left out of it
// and drawn straight through afterwards. What then falls apart is laid out part by part, and each part is put below what it reads.
import { Graph, layout } from '@dagrejs/dagre'

export interface LayoutRequest {
  readonly turn: number
  readonly sizes: readonly (readonly [width: number, height: number])[]
  /** From lower to higher numbers. */
  readonly arrows: readonly (readonly [from: number, to: number])[]
}

export type Point = readonly [x: number, y: number]

export interface Layout {
  readonly turn: number
  readonly width: number
  readonly height: number
  /** Centres. */
  readonly places: readonly Point[]
  /** The way of each arrow, in the order of the request; null: it was left out. */
  readonly ways: readonly (readonly Point[] | null)[]
}

interface Placed {
  readonly x: number
  readonly y: number
}

/** Layers that an arrow may span and still be laid out; fewer in large graphs. */
const near = (count: number): number => (count > 200 ? 3 : 6)
const BETWEEN = 34
const ASIDE = 40
const MARGIN = 16

export function place({ turn, sizes, arrows }: LayoutRequest): Layout {
  const kept = shortOnes(sizes.length, arrows)
  const parts = partsOf(sizes.length, arrows.filter((_, i) => kept[i]))
  const places: Point[] = []
  const ways: (readonly Point[] | null)[] = arrows.map(() => null)
  const taken: { readonly x: number; readonly y: number; readonly width: number; readonly height: number }[] = []
  for (const part of parts) {
    const inside = new Set(part)
    const own = arrows.flatMap(([from], i) => (kept[i] && inside.has(from) ? [i] : []))
    const graph = layOut(part, sizes, own.map(i => arrows[i]))
    const { width = 0, height = 0 } = graph.graph()
    // Where its first box comes below all that it reads from other parts.
    const at = (i: number) => graph.node(String(i)) as Placed
    const y = arrows.reduce((top, [from, to]) => (inside.has(to) && places[from] ? Math.max(top, places[from][1] + sizes[from][1] / 2 + BETWEEN + sizes[to][1] / 2 - at(to).y) : top), 0)
    const beside = taken.filter(t => t.y < y + height + BETWEEN && y < t.y + t.height + BETWEEN)
    const x = [0, ...beside.map(t => t.x + t.width + ASIDE).sort((a, b) => a - b)].find(left => !beside.some(t => t.x < left + width + ASIDE && left < t.x + t.width + ASIDE)) ?? 0
    taken.push({ x, y, width, height })
    const moved = (p: Placed): Point => [p.x + x + MARGIN, p.y + y + MARGIN]
    for (const i of part) places[i] = moved(at(i))
    for (const i of own) ways[i] = (graph.edge(String(arrows[i][0]), String(arrows[i][1])) as { readonly points: readonly Placed[] }).points.map(moved)
  }
  const far = (end: (t: (typeof taken)[number]) => number): number => taken.reduce((most, t) => Math.max(most, end(t)), 0) + 2 * MARGIN
  return { turn, width: far(t => t.x + t.width), height: far(t => t.y + t.height), places, ways }
}

interface Placed {
  readonly x: number
  readonly y: number
}

function layOut(part: readonly number[], sizes: LayoutRequest['sizes'], arrows: LayoutRequest['arrows']): Graph {
  const graph = new Graph()
  graph.setGraph({ rankdir: 'TB', nodesep: 22, edgesep: 14, ranksep: BETWEEN })
  for (const i of part) graph.setNode(String(i), { width: sizes[i][0], height: sizes[i][1] })
  for (const [from, to] of arrows) graph.setEdge(String(from), String(to), {})
  layout(graph)
  return graph
}

/** Of each arrow, whether it spans few layers. */
function shortOnes(count: number, arrows: LayoutRequest['arrows']): boolean[] {
  const layer = new Array<number>(count).fill(0)
  for (const [from, to] of [...arrows].sort((a, b) => a[1] - b[1])) layer[to] = Math.max(layer[to], layer[from] + 1)
  // What reads nothing stands right above its first reader.
  const reads = new Set(arrows.map(([, to]) => to))
  const first = new Array<number>(count).fill(Infinity)
  for (const [from, to] of arrows) first[from] = Math.min(first[from], layer[to])
  for (let i = 0; i < count; i++) if (!reads.has(i) && first[i] < Infinity) layer[i] = first[i] - 1
  return arrows.map(([from, to]) => layer[to] - layer[from] <= near(count))
}

/** What hangs together, in the order of the first of each. */
function partsOf(count: number, arrows: LayoutRequest['arrows']): number[][] {
  const part = Array.from({ length: count }, (_, i) => i)
  const root = (i: number): number => {
    while (part[i] !== i) i = part[i] = part[part[i]]
    return i
  }
  for (const [from, to] of arrows) part[root(from)] = root(to)
  const parts = new Map<number, number[]>()
  for (let i = 0; i < count; i++) {
    const list = parts.get(root(i))
    if (list) list.push(i)
    else parts.set(root(i), [i])
  }
  return [...parts.values()]
}

self.addEventListener('message', (event: MessageEvent<LayoutRequest>) => self.postMessage(place(event.data)))
