// toDot: a graph as text for Graphviz.
import { needKnown } from '../../core/options.ts'
import { describeGraph } from '../insight.ts'
import type { ExternalDescription, Stage } from './description.ts'
import { Lookup, typeText } from './lookup.ts'

export interface DotOptions {
  /** Of a function: which graph. With 'plan' nodes that one kernel computes stand in a box. Default: what was planned. */
  stage?: Stage
  /** Shows dtype and sizes at the arrows. Default true. */
  types?: boolean
}

const quoted = (s: string): string => `"${s.replace(/\\/g, '\\\\').replace(/"/g, '\\"').replace(/\n/g, '\\n')}"`
const colours: Readonly<Record<ExternalDescription['kind'], string>> = { argument: '#cfe8ff', parameter: '#d9f2d0', state: '#eeeeee', literal: '#fff3c4' }

/**
 * A compiled function, a function of expressions, or an expression in the language of Graphviz: `dot -Tsvg`. Green boxes are parameters, blue ones
 * arguments, dashed arrows updates.
 *
 * @example
 * const x = symbolic.vector('x')
 * toDot(x.exp()).includes('n0 [label="exp"') // → true
 */
export function toDot(graph: unknown, options: DotOptions = {}): string {
  needKnown('toDot', options, ['stage', 'types'])
  const { stage = null, types = true } = options
  const g = describeGraph(graph, stage)
  const lookup = new Lookup(g)
  const lines = ['rankdir=TB', 'node [shape=box, style="rounded,filled", fillcolor=white, fontname="sans-serif"]', 'edge [fontname="sans-serif", fontsize=9]']
  const nodeOf = (id: string): string => {
    const found = lookup.get(id)
    return quotedId(found.kind === 'node' ? found.node.id : id)
  }
  for (const e of g.externals) lines.push(`${quotedId(e.id)} [label=${quoted(`${lookup.nameOf(e.id)}\n${typeText(e)}`.trim())}, style=filled, fillcolor=${quoted(colours[e.kind])}]`)
  const node = (n: (typeof g.nodes)[number]): string => {
    const numbers = n.inputs.map(id => lookup.get(id)).flatMap(f => (f.kind === 'constant' ? [String(f.value.value)] : []))
    const params = Object.entries(n.params).map(([k, v]) => `${k}: ${v.slice(0, 40)}`)
    const where = n.site ? `, tooltip=${quoted(`${n.site.file}:${n.site.line}`)}` : ''
    return `${quotedId(n.id)} [label=${quoted([n.name ? `${n.name} = ${n.op}` : n.op, ...numbers, ...params].join('\n'))}${where}]`
  }
  const kernels = (g.plan?.kernels ?? []).filter(k => k.nodes.length > 1)
  const boxed = new Set<string>()
  for (const k of kernels) {
    const inside = g.nodes.filter(n => k.nodes.includes(n.id) && !boxed.has(n.id))
    for (const n of inside) boxed.add(n.id)
    lines.push(`subgraph ${quotedId(`cluster_${k.id}`)} {`, `  label=${quoted(`${k.id} ${k.kind}`)}`, '  color=gray', ...inside.map(n => `  ${node(n)}`), '}')
  }
  for (const n of g.nodes) if (!boxed.has(n.id)) lines.push(node(n))
  for (const n of g.nodes)
    for (const id of n.inputs) {
      const found = lookup.get(id)
      if (found.kind !== 'constant') lines.push(`${nodeOf(id)} -> ${quotedId(n.id)}${types && found.kind === 'node' ? ` [label=${quoted(typeText(found.value))}]` : ''}`)
    }
  g.outputs.forEach((id, i) => {
    lines.push(`out${i} [label=${quoted(g.outputNames[i] || 'result')}, shape=ellipse]`, ...(lookup.get(id).kind === 'constant' ? [] : [`${nodeOf(id)} -> out${i}`]))
  })
  for (const u of g.updates) if (lookup.get(u.value).kind !== 'constant') lines.push(`${nodeOf(u.value)} -> ${quotedId(u.external)} [style=dashed, constraint=false]`)
  return [`digraph ${quoted(g.name)} {`, ...lines.map(l => `  ${l}`), '}', ''].join('\n')
}

const quotedId = (id: string): string => (/^[A-Za-z_]\w*$/.test(id) ? id : quoted(id))
