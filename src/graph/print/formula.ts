// pp: a graph as formulas, as one would write them on paper.
import { describeGraph } from '../insight.ts'
import type { GraphDescription, NodeDescription, ValueId } from './description.ts'
import { Lookup } from './lookup.ts'

/** A text and how tightly it holds together. */
interface Text {
  readonly text: string
  readonly binding: number
}
const [CHOICE, SUM, PRODUCT, SIGN, POWER, ATOM] = [1, 2, 3, 4, 5, 6]

const infix: Readonly<Record<string, readonly [sign: string, binding: number]>> = {
  eq: ['=', CHOICE], ne: ['≠', CHOICE], lt: ['<', CHOICE], le: ['≤', CHOICE], gt: ['>', CHOICE], ge: ['≥', CHOICE],
  logicalAnd: ['∧', CHOICE], logicalOr: ['∨', CHOICE],
  add: ['+', SUM], sub: ['-', SUM], mul: ['*', PRODUCT], div: ['/', PRODUCT], matmul: ['·', PRODUCT], mm: ['·', PRODUCT], dot: ['·', PRODUCT], mv: ['·', PRODUCT],
}
const names: Readonly<Record<string, string>> = {
  sigmoid: 'σ', sum: 'Σ', prod: 'Π', sqrt: '√', digamma: 'ψ', lgamma: 'log Γ', log: 'log', amax: 'max', amin: 'min', clampMin: 'max', clampMax: 'min',
}
/** Ops that only spread or copy what they get. */
const silent = new Set(['expand', 'clone', 'detach', 'contiguous', 'copy', 'broadcastTo', 'expandAs'])
const commutes = new Set(['add', 'mul', 'logicalAnd', 'logicalOr'])
/** A piece that is read more than once is written once if it is longer than this. */
const LONG = 12

/**
 * A compiled function, a function of expressions, or an expression as formulas: σ for sigmoid, · for matrix products, ∇ for gradients. Pieces that
 * are used more than once get a line of their own. As `theano.pp`.
 *
 * @example
 * const [w, x, b] = symbolic.vectors('w', 'x', 'b')
 * pp(w.dot(x).add(b).sigmoid()) // → σ(w · x + b)
 */
export function pp(graph: unknown): string {
  return linesOf(describeGraph(graph)).join('\n')
}

function linesOf(graph: GraphDescription): string[] {
  const lookup = new Lookup(graph)
  const lines: string[] = []
  const texts = new Map<ValueId, Text>()
  let count = 0

  const atom = (text: string): Text => ({ text, binding: ATOM })
  const held = (t: Text, binding: number): string => (t.binding < binding ? `(${t.text})` : t.text)

  const textOf = (id: ValueId): Text => texts.get(id) ?? atom(lookup.nameOf(id))
  const write = (node: NodeDescription): Text => {
    const { op, params } = node
    const xs = node.inputs.map(textOf)
    const [x, y] = xs
    const sign = infix[op]
    if (xs.length === 1 && silent.has(op)) return x
    if (sign && xs.length === 2) {
      const [s, binding] = sign
      return { text: `${held(x, binding)} ${s} ${held(y, commutes.has(op) ? binding : binding + 1)}`, binding }
    }
    if (op === 'neg') return { text: `-${held(x, SIGN)}`, binding: SIGN }
    if (op === 'square') return { text: `${held(x, ATOM)}²`, binding: POWER }
    if (op === 'pow' && xs.length === 2) return { text: `${held(x, ATOM)}^${held(y, ATOM)}`, binding: POWER }
    if (op === 'reciprocal') return { text: `1 / ${held(x, SIGN)}`, binding: PRODUCT }
    if (op === 'abs') return atom(`|${x.text}|`)
    if ((op === 't' || op === 'T' || op === 'mT' || (op === 'permute' && params.order === '[1, 0]')) && x) return atom(`${held(x, ATOM)}ᵀ`)
    if (op === 'select' && params.axis === '0') return atom(`${held(x, ATOM)}[${params.index}]`)
    if (op === 'full') return atom(params.value ?? 'full')
    if (op === 'cast') return atom(`${params.dtype}(${x.text})`)
    const axes = params.axes && params.axes !== '[]' ? `[${params.axes.replace(/[[\]]/g, '')}]` : ''
    return atom(`${names[op] ?? op}${axes}(${xs.map(v => v.text).join(', ')})`)
  }

  /** Each gradient of a cost by itself. */
  const gradients = ({ op, inputs, outputs, params, id }: NodeDescription): boolean => {
    if (op !== 'grad' || params.wrt === undefined) return false
    const cost = held(textOf(inputs[0]), SIGN)
    for (const v of outputs) {
      const by = inputs[1 + Number(v.id.slice(id.length + 1))]
      if (by !== undefined) texts.set(v.id, { text: `∇[${textOf(by).text}] ${cost}`, binding: SIGN })
    }
    return true
  }

  for (const node of graph.nodes) {
    if (gradients(node)) continue
    const text = write(node)
    const reads = node.outputs.reduce((n, v) => n + (lookup.readers.get(v.id) ?? 0), 0)
    const several = node.outputs.length > 1
    const shared = (reads > 1 && text.text.length > LONG) || node.name !== null
    if (shared || several) {
      const name = node.name ?? `t${++count}`
      const output = graph.outputs.includes(node.outputs[0].id) && graph.outputNames[graph.outputs.indexOf(node.outputs[0].id)] === name
      if (!output || reads > 1) lines.push(`${name} = ${text.text}`)
      node.outputs.forEach((v, i) => texts.set(v.id, several ? atom(`${name}.${v.id.slice(node.id.length + 1) || '0'}`) : i === 0 && output && reads <= 1 ? text : atom(name)))
    } else for (const v of node.outputs) texts.set(v.id, text)
  }
  for (const { label, id, update } of lookup.roots()) {
    const { text } = textOf(id)
    if (update) lines.push(`${label} ← ${text}`)
    else if (text !== label && !lines.some(l => l.startsWith(`${text} = `))) lines.push(/^\d*$/.test(label) ? text : `${label} = ${text}`)
  }
  return lines
}
