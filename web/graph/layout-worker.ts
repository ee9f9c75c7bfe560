// Places boxes in layers (dagre). An arrow that spans many layers costs the layout a stand-in in each of them, so the longest are left out of
// it, except those that hold its parts together, and are drawn straight through afterwards.
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
const point = ({ x, y }: Placed): Point => [x, y]

/** Layers that an arrow may span and still be laid out. */
const NEAR = 5

export function place({ turn, sizes, arrows }: LayoutRequest): Layout {
  const graph = new Graph()
  graph.setGraph({ rankdir: 'TB', nodesep: 22, edgesep: 14, ranksep: 34, marginx: 16, marginy: 16, ranker: sizes.length > 250 ? 'longest-path' : 'network-simplex' })
  sizes.forEach(([width, height], i) => graph.setNode(String(i), { width, height }))
  const kept = near(sizes.length, arrows)
  arrows.forEach(([from, to], i) => {
    if (kept[i]) graph.setEdge(String(from), String(to), {})
  })
  layout(graph)
  const whole = graph.graph()
  return {
    turn,
    width: whole.width ?? 0,
    height: whole.height ?? 0,
    places: sizes.map((_, i) => point(graph.node(String(i)) as Placed)),
    ways: arrows.map(([from, to], i) => (kept[i] ? (graph.edge(String(from), String(to)) as { readonly points: readonly Placed[] }).points.map(point) : null)),
  }
}

/** Of each arrow, whether it is laid out: the near ones, and of the others the shortest that join what would fall apart (after Kruskal). */
function near(count: number, arrows: LayoutRequest['arrows']): boolean[] {
  const layer = new Array<number>(count).fill(0)
  for (const [from, to] of [...arrows].sort((a, b) => a[1] - b[1])) layer[to] = Math.max(layer[to], layer[from] + 1)
  const part = Array.from({ length: count }, (_, i) => i)
  const root = (i: number): number => {
    while (part[i] !== i) i = part[i] = part[part[i]]
    return i
  }
  const span = arrows.map(([from, to]) => layer[to] - layer[from])
  const kept = new Array<boolean>(arrows.length).fill(false)
  for (const i of arrows.map((_, k) => k).sort((a, b) => span[a] - span[b])) {
    const [from, to] = arrows[i].map(root)
    kept[i] = span[i] <= NEAR || from !== to
    part[from] = to
  }
  return kept
}

self.addEventListener('message', (event: MessageEvent<LayoutRequest>) => self.postMessage(place(event.data)))
