// debugprint: a graph as a tree of text, results first, operands below what reads them.
import { needKnown } from '../../core/options.ts'
import { describeGraph } from '../insight.ts'
import type { GraphDescription, NodeDescription, Stage, ValueId } from './description.ts'
import { Lookup, typeText } from './lookup.ts'

export interface DebugprintOptions {
  /** How many rows of operands below a result. Default: all. */
  depth?: number
  /** Marks nodes, so that one sees where a value is read again. Default true. */
  ids?: boolean
  /** Shows dtype and sizes. Default true. */
  types?: boolean
  /** Shows the user's lines. Default false. */
  sites?: boolean
  /** Does not go below nodes of these ops or names. */
  stopOn?: readonly string[]
  /** Of a function: which graph. Default: what was planned; before the first call, the expressions. */
  stage?: Stage
}

/** A, B … Z, AA, AB … */
const letters = (i: number): string => (i < 26 ? '' : letters(Math.floor(i / 26) - 1)) + String.fromCharCode(65 + (i % 26))
/** Parameters that are a novel are cut. */
const LONG = 60
const cut = (s: string): string => (s.length > LONG ? `${s.slice(0, LONG)}…` : s)

const paramsText = ({ params }: NodeDescription): string => {
  const entries = Object.entries(params)
  return entries.length ? `{${entries.map(([k, v]) => `${k}: ${cut(v)}`).join(', ')}}` : ''
}

/**
 * A compiled function, a function of expressions, or an expression as a tree: each result with what it is made of below. As
 * `theano.printing.debugprint`.
 *
 * @example
 * const x = symbolic.vector('x')
 * debugprint(x.mul(2).exp(), { types: false }).split('\n') // → [ 'exp [A]', '└─ mul [B]', '   ├─ x', '   └─ 2' ]
 */
export function debugprint(graph: unknown, options: DebugprintOptions = {}): string {
  needKnown('debugprint', options, ['depth', 'ids', 'types', 'sites', 'stopOn', 'stage'])
  return treeOf(describeGraph(graph, options.stage ?? null), options).join('\n')
}

function treeOf(graph: GraphDescription, o: DebugprintOptions): string[] {
  const { depth = Infinity, ids = true, types = true, sites = false, stopOn = [] } = o
  const lookup = new Lookup(graph)
  const seen = new Map<string, string>()
  const lines: string[] = []
  const bodies: [string, GraphDescription][] = []

  const print = (id: ValueId, lead: string, below: string, left: number): void => {
    const found = lookup.get(id)
    const type = types && found.kind !== 'constant' ? typeText(found.value) : ''
    if (found.kind !== 'node') {
      lines.push(lead + [lookup.nameOf(id), type].filter(Boolean).join(' '))
      return
    }
    const { node } = found
    const known = seen.get(node.id)
    const mark = known ?? letters(seen.size)
    seen.set(node.id, mark)
    const site = sites && node.site ? `(${node.site.file.split('/').at(-1)}:${node.site.line})` : ''
    const which = node.outputs.length > 1 ? `.${id.slice(node.id.length + 1) || '0'}` : ''
    const text = [`${node.op}${which}${paramsText(node)}`, ids ? `[${mark}]` : '', type, node.name ? `'${node.name}'` : '', site].filter(Boolean).join(' ')
    const stop = known !== undefined || left <= 0 || stopOn.includes(node.op) || (node.name !== null && stopOn.includes(node.name))
    lines.push(`${lead}${text}${stop && node.inputs.length ? ' …' : ''}`)
    if (!known && node.body) bodies.push([mark, node.body])
    if (stop) return
    node.inputs.forEach((input, i) => {
      const last = i === node.inputs.length - 1
      print(input, `${below}${last ? '└─ ' : '├─ '}`, `${below}${last ? '   ' : '│  '}`, left - 1)
    })
  }
  for (const { label, id, update } of lookup.roots()) print(id, update ? `${label} ← ` : /^\d*$/.test(label) ? '' : `${label} = `, '', depth)
  for (const [mark, body] of bodies) lines.push('', `the step of [${mark}]:`, ...treeOf(body, o).map(l => `  ${l}`))
  return lines
}
