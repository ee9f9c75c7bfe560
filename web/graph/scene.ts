// What the picture shows: boxes and the arrows between them, from the description of a graph. Neighbours in the order of running that come
// from one line of the program can stand together in one box, so that a network of many hundred nodes fits a screen.
import type { ExternalDescription, GraphDescription, NodeDescription, ValueDescription } from 'lampas'
import { kindOf, type Kind } from './kinds.ts'
import { bytesText, shapeText, typeText } from './text.ts'

export type StageName = 'before' | 'after' | 'kernels'

export interface Box {
  readonly id: string
  readonly label: string
  readonly detail: string
  readonly kind: Kind
  /** Written by it; of a kernel also read. */
  readonly bytes: number
  readonly ms: number | null
  /** Counted from 1; null: from no line of the program. */
  readonly line: number | null
  readonly ops: readonly string[]
  /** The nodes or kernels of which it is made. */
  readonly parts: readonly string[]
  /** The run of boxes that it stands for, or belongs to. */
  readonly run: string | null
  readonly closed: boolean
  /** Whether the function returns it. */
  readonly result: boolean
  readonly facts: readonly (readonly [name: string, value: string])[]
}

export interface Scene {
  readonly boxes: readonly Box[]
  /** Pairs of indices into the boxes, from a lower to a higher one. */
  readonly arrows: readonly (readonly [from: number, to: number])[]
}

export interface SceneOptions {
  readonly stage: StageName
  /** The file whose lines count. */
  readonly file: string
  readonly code: readonly string[]
  readonly grouped: boolean
  /** The runs that are shown as their boxes although the picture is grouped. */
  readonly open: ReadonlySet<string>
  readonly ms: readonly number[] | null
}

/** A box in the making, with what it reads and makes. */
interface Unit extends Omit<Box, 'run' | 'closed'> {
  readonly reads: readonly string[]
  readonly makes: readonly string[]
}

/** More externals than this would hide the graph; those of a box are then named when it is looked at. */
const MANY_EXTERNALS = 60

export function sceneOf(graph: GraphDescription, options: SceneOptions): Scene {
  const units = options.stage === 'kernels' && graph.plan ? kernelUnits(graph, options) : nodeUnits(graph, options)
  const outside = graph.externals.filter(x => x.kind === 'argument' || (graph.externals.length <= MANY_EXTERNALS && !options.grouped))
  const boxes = options.grouped ? grouped(units, options) : units.map((unit): Grouped => ({ ...unit, run: null, closed: false }))
  const read = new Set(boxes.flatMap(b => b.reads))
  const all: Grouped[] = [...outside.filter(x => read.has(x.id)).map(externalUnit), ...boxes]
  const maker = new Map<string, number>()
  const arrows: [number, number][] = []
  all.forEach((box, to) => {
    const from = new Set(box.reads.map(value => maker.get(value)).filter(i => i !== undefined && i !== to) as number[])
    for (const i of from) arrows.push([i, to])
    for (const value of box.makes) maker.set(value, to)
  })
  return { boxes: all, arrows }
}

interface Grouped extends Box {
  readonly reads: readonly string[]
  readonly makes: readonly string[]
}

const lineOf = (site: NodeDescription['site'], file: string): number | null => (site && site.file === file ? site.line : null)

function nodeUnits(graph: GraphDescription, { file }: SceneOptions): Unit[] {
  const names = namesOf(graph)
  const results = new Set(graph.outputs)
  const updated = new Map(graph.updates.map(u => [u.value, names(u.external)]))
  return graph.nodes.map((node): Unit => {
    const [first] = node.outputs
    const made = node.outputs.map(v => v.id)
    const changes = made.flatMap(v => updated.get(v) ?? [])
    return {
      id: node.id,
      label: node.name ?? node.op,
      detail: first ? shapeText(first.shape) : '',
      kind: node.body ? 'loop' : kindOf(node.op),
      bytes: node.outputs.reduce((n, v) => n + (v.bytes ?? 0), 0),
      ms: null,
      line: lineOf(node.site, file),
      ops: [node.op],
      parts: [node.id],
      result: made.some(v => results.has(v)),
      reads: node.inputs,
      makes: made,
      facts: [
        ['of', node.inputs.map(names).join(', ') || 'nothing'],
        ['gives', node.outputs.map(typeText).join(', ')],
        ...Object.entries(node.params).map(([name, value]) => [name, value] as const),
        ...(changes.length ? [['new value of', changes.join(', ')] as const] : []),
        ...(node.body ? [['each step', `${node.body.nodes.length} nodes`] as const] : []),
      ],
    }
  })
}

function kernelUnits(graph: GraphDescription, { file, ms }: SceneOptions): Unit[] {
  const { kernels = [], memory = [] } = graph.plan ?? {}
  const nodes = new Map(graph.nodes.map(n => [n.id, n]))
  const blocks = new Map(memory.map(m => [m.id, m]))
  const results = new Set(memory.filter(m => m.kind === 'output').map(m => m.id))
  return kernels.map((kernel, i): Unit => {
    const own = kernel.nodes.flatMap(id => nodes.get(id) ?? [])
    const externals = kernel.reads.flatMap(id => blocks.get(id)?.value ?? [])
    return {
      id: kernel.id,
      label: kernel.text,
      detail: shapeText(kernel.shape),
      kind: kindOf(kernel.kind),
      bytes: kernel.bytes,
      ms: ms?.[i] ?? null,
      line: own.map(n => lineOf(n.site, file)).find(l => l !== null) ?? null,
      ops: own.map(n => n.op),
      parts: [kernel.id],
      result: kernel.writes.some(m => results.has(m)),
      // A kernel that comes later may write to the same memory; what is read is what was written last.
      reads: [...externals, ...kernel.reads],
      makes: kernel.writes,
      facts: [
        ['kernel', `${kernel.kind}, number ${i + 1}`],
        ['of nodes', own.map(n => n.op).join(', ') || 'a copy'],
        ['work', `${bytesText(kernel.bytes)} moved, ${kernel.flops.toLocaleString('en')} operations`],
        ['memory', `${kernel.reads.join(' ') || 'nothing'} → ${kernel.writes.join(' ')}`],
      ],
    }
  })
}

const externalUnit = (x: ExternalDescription): Grouped => ({
  id: x.id,
  label: x.name ?? x.kind,
  detail: shapeText(x.shape),
  kind: 'external',
  bytes: x.bytes ?? 0,
  ms: null,
  line: null,
  ops: [],
  parts: [],
  run: null,
  closed: false,
  result: false,
  reads: [],
  makes: [x.id],
  facts: [['is', `${x.kind}${x.updated ? ', changed by the call' : ''}`], ['holds', typeText(x)]],
})

/** Boxes that one group may stand for: what opens at once. */
const LONGEST_RUN = 100

/** Runs of units of one line; a run of one is left alone. Runs follow each other, so that arrows between them go forwards only. */
function grouped(units: readonly Unit[], { open, code }: SceneOptions): Grouped[] {
  const boxes: Grouped[] = []
  const seen = new Map<number, number>()
  for (let i = 0; i < units.length; ) {
    const { line } = units[i]
    let end = i + 1
    while (end < units.length && end < i + LONGEST_RUN && (units[end].line === line || units[end].line === null)) end++
    const turn = (seen.get(line ?? 0) ?? 0) + 1
    seen.set(line ?? 0, turn)
    const run = `line ${line ?? 0}, ${turn}`
    const members = units.slice(i, end)
    if (members.length === 1 || open.has(run)) boxes.push(...members.map(m => ({ ...m, run: members.length === 1 ? null : run, closed: false })))
    else boxes.push(together(members, run, line === null ? '' : sourceOf(code, line)))
    i = end
  }
  return boxes
}

/** A line of the program, without its indent and comment. */
export const sourceOf = (code: readonly string[], line: number): string => (code[line - 1] ?? '').replace(/\s\/\/ .*$/, '').trim()

function together(members: readonly Unit[], run: string, text: string): Grouped {
  const last = members[members.length - 1]
  const ops = members.flatMap(m => m.ops)
  const counts = new Map<Kind, number>()
  for (const m of members) counts.set(m.kind, (counts.get(m.kind) ?? 0) + m.kind === 'movement' ? 1 : 1 + m.bytes)
  const [kind] = [...counts].reduce((a, b) => (b[1] > a[1] ? b : a))
  return {
    id: run,
    label: text || last.label,
    detail: `${members.length} × ${last.detail}`,
    kind,
    bytes: members.reduce((n, m) => n + m.bytes, 0),
    ms: members.some(m => m.ms !== null) ? members.reduce((n, m) => n + (m.ms ?? 0), 0) : null,
    line: members[0].line,
    ops,
    parts: members.flatMap(m => m.parts),
    run,
    closed: true,
    result: members.some(m => m.result),
    reads: members.flatMap((m, i) => m.reads.filter(v => !members.slice(0, i).some(before => before.makes.includes(v)))),
    makes: [...new Set(members.flatMap(m => m.makes))],
    facts: [['made of', countsText(members.map(m => m.ops.join(' + ') || m.label))]],
  }
}

function countsText(labels: readonly string[]): string {
  const counts = new Map<string, number>()
  for (const label of labels) counts.set(label, (counts.get(label) ?? 0) + 1)
  const list = [...counts].sort((a, b) => b[1] - a[1]).map(([label, n]) => (n > 1 ? `${n} × ${label}` : label))
  return list.slice(0, 12).join(', ') + (list.length > 12 ? ' …' : '')
}

/** What values are called: after their node and op, their external, or by their number. */
function namesOf(graph: GraphDescription): (id: string) => string {
  const names = new Map<string, string>()
  for (const x of graph.externals) names.set(x.id, x.name ?? x.kind)
  for (const c of graph.constants) names.set(c.id, String(c.value))
  const add = (node: NodeDescription, v: ValueDescription): unknown => names.set(v.id, `${node.name ?? node.op} ${shapeText(v.shape)}`)
  for (const node of graph.nodes) for (const v of node.outputs) add(node, v)
  return id => names.get(id) ?? id
}
