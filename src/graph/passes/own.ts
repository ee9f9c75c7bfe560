// Rewrites that users write as two graphs over letters. The graph to look for is found by its ops first; then it is made anew for the values that the
// letters stand for, and must be the same in its parameters too, so that axes and sizes in them are those of the case at hand.
import type { Graph, Value } from '../graph.ts'
import type { Meta } from '../../ops/op.ts'
import { commutes } from './pattern.ts'
import { graphBefore } from './index.ts'
import type { Phase, Rewrite } from './rewrite.ts'
import { whatOf, type LiveNode, type Rewriter } from './rewriter.ts'

/** What stands for a value: one of this dtype, with so many dimensions, or of any shape. */
export interface Letter {
  readonly name: string
  readonly dtype: string
  readonly ndim: number | null
}

export interface OwnRule extends Pick<Rewrite, 'name' | 'rule' | 'when' | 'rounds'> {
  readonly phase: Phase
  readonly letters: readonly Letter[]
  /** Kinds on which both sides can be made, unlike each other: how earlier rewrites leave a formula may depend on its sizes. */
  readonly samples: readonly (readonly Meta[])[]
  /** A side for values of given kinds: a graph whose externals are the letters, in order. */
  readonly make: (side: 'before' | 'after', kinds: readonly Meta[]) => Graph
  /** What must hold of the values besides. */
  readonly holds: (values: Readonly<Record<string, Meta>>) => boolean
}

type Bound = ReadonlyMap<Value, Value>
/** Patterns that are kept, of one rewrite. */
const KEPT = 64

export function ownRewrite(own: OwnRule): Rewrite {
  const { name, phase, rule, when, rounds, letters, samples, make, holds } = own
  const patterns = new Map<string, readonly Graph[]>()
  /** What to look for among values of these kinds: the graph as it is written, and as earlier rewrites leave it. */
  const patternsOf = (kinds: readonly Meta[]): readonly Graph[] => {
    const key = kinds.map(k => `${k.dtype}[${k.shape.join()}]`).join()
    let found = patterns.get(key)
    if (!found) {
      if (patterns.size >= KEPT) patterns.clear()
      const written = make('before', kinds)
      patterns.set(key, (found = [written, graphBefore(phase, written)].filter(namesAll)))
    }
    return found
  }

  /** What each value of the pattern is when `p` is `v`; null when it is not. `exact`: in parameters and numbers too. */
  const match = (graph: Graph, p: Value, v: Value, bound: Bound, exact: boolean, t: Rewriter): Bound | null => {
    if (p.constant !== undefined) return t.literal(v) === Number(p.constant) || (!exact && t.literal(v) !== null) ? bound : null
    const known = bound.get(p)
    if (known) return known === v ? bound : null
    const more = new Map(bound).set(p, v)
    if (!p.node) {
      const { dtype, ndim } = letters[graph.externals.indexOf(p)]
      return v.constant === undefined && v.dtype === dtype && (ndim === null || v.shape.length === ndim) ? more : null
    }
    const n = v.node as LiveNode | null
    if (!n || n.op !== p.node.op || v.index !== p.index || n.inputs.length !== p.node.inputs.length || (exact && whatOf(p.node.op, p.node.params) !== n.what)) return null
    const all = (inputs: readonly Value[]): Bound | null => inputs.reduce<Bound | null>((b, x, i) => b && match(graph, p.node!.inputs[i], x, b, exact, t), more)
    return all(n.inputs) ?? (commutes.has(n.op.name) ? all([n.inputs[1], n.inputs[0]]) : null)
  }
  const lettersOf = (graphs: readonly Graph[], root: Value, exact: boolean, t: Rewriter): Value[] | null => {
    for (const g of graphs) {
      const bound = match(g, g.outputs[0], root, new Map(), exact, t)
      if (bound) return g.externals.map(x => bound.get(x)!)
    }
    return null
  }

  const shapes = samples.flatMap(patternsOf)
  const apply = ({ outputs: [root] }: LiveNode, t: Rewriter): Value | null => {
    const likely = lettersOf(shapes, root, false, t)
    const values = likely && lettersOf(patternsOf(likely), root, true, t)
    if (!values || !holds(Object.fromEntries(letters.map((letter, i) => [letter.name, { dtype: values[i].dtype, shape: values[i].shape }])))) return null
    const after = make('after', values)
    const now = new Map(after.externals.map((x, i) => [x, values[i]]))
    const of = (x: Value): Value => now.get(x) ?? x
    for (const n of after.nodes) t.makeAll(n.op, n.inputs.map(of), n.params).forEach((y, i) => now.set(n.outputs[i], y))
    return of(after.outputs[0])
  }
  return { name, phase, rule, when, rounds, ops: [...new Set(shapes.map(g => g.outputs[0].node!.op))], apply }
}

/** Whether a graph ends in an op and reads all its letters, so that finding it tells what they are. */
function namesAll({ externals, outputs: [root] }: Graph): boolean {
  const seen = new Set<Value>()
  const visit = (v: Value): void => {
    if (seen.has(v)) return
    seen.add(v)
    v.node?.inputs.forEach(visit)
  }
  visit(root)
  return root.node !== null && externals.every(x => seen.has(x))
}
