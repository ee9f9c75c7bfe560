// Describes the graphs of compiled functions.
import { bytesOf, isComplex, type DType } from '../../core/dtype.ts'
import { fail } from '../../core/errors.ts'
import { needKnown } from '../../core/options.ts'
import { toValues, wordsIn } from '../../core/storage.ts'
import { numel, type Shape } from '../../core/shape.ts'
import { labelOf } from '../../ops/labels.ts'
import { Tensor } from '../../ops/tensor.ts'
import { Remembered, isPlain } from '../arguments.ts'
import { liveNodes, type Graph, type GraphNode, type Value } from '../graph.ts'
import { insideOf, needInside, provideDescribing, type Inside, type Outside, type Version } from '../insight.ts'
import type { Plan } from '../plan.ts'
import {
  stages, type ExternalDescription, type GraphDescription, type GraphOptions, type NodeDescription, type Plain, type PlanDescription, type Stage, type ValueDescription, type ValueId,
} from './description.ts'
import { kernelText, workOf } from './work.ts'

/** Literals of at most this many elements show their values. */
const SMALL = 8

export const plain = (v: number | boolean): Plain => (typeof v === 'boolean' || Number.isFinite(v) ? v : (String(v) as Plain))

/** A parameter of an op as readable text. */
export function textOf(v: unknown): string {
  if (v instanceof Tensor) return String(v)
  if (Array.isArray(v)) return `[${v.map(textOf).join(', ')}]`
  if (isPlain(v)) return `{${Object.entries(v).map(([k, x]) => `${k}: ${textOf(x)}`).join(', ')}}`
  if (typeof v === 'function') return v.name || 'function'
  return typeof v === 'object' && v !== null ? v.constructor.name : String(v)
}

/** The graph inside an op's parameters: the step of a loop. */
const innerGraph = (params: unknown): Graph | null =>
  (isPlain(params) && (Object.values(params).find(v => typeof v === 'object' && v !== null && 'graph' in v) as { graph: Graph } | undefined)?.graph) || null

export function paramsOf(params: unknown): Record<string, string> {
  if (params === null || params === undefined) return {}
  if (!isPlain(params)) return { value: textOf(params) }
  const shown = Object.entries(params).filter(([, v]) => v !== null && typeof v !== 'function' && !(Array.isArray(v) && v.some(x => x instanceof Tensor)))
  return Object.fromEntries(shown.filter(([, v]) => typeof v !== 'object' || Array.isArray(v) || isPlain(v)).map(([k, v]) => [k, textOf(v)]))
}

const describeValue = (id: ValueId, { dtype, shape }: { readonly dtype: DType; readonly shape: Shape }): ValueDescription => ({ id, dtype, shape: [...shape], bytes: bytesOf(dtype, numel(shape)) })

/** Gives every value of a graph its name in a description. */
export class Numbering {
  private readonly ids = new Map<Value, ValueId>()
  readonly constants: { id: ValueId; dtype: string; value: Plain }[] = []

  constructor(graph: Graph) {
    graph.externals.forEach((v, i) => this.ids.set(v, `x${i}`))
  }
  idOf(v: Value): ValueId {
    const known = this.ids.get(v)
    if (known !== undefined) return known
    if (v.node) return v.index === 0 ? this.nodeId(v.node) : `${this.nodeId(v.node)}.${v.index}`
    const id = `c${this.constants.length}`
    this.ids.set(v, id)
    this.constants.push({ id, dtype: v.dtype, value: plain(v.constant ?? NaN) })
    return id
  }
  nodeId(n: GraphNode): string {
    return `n${n.id}`
  }
}

function describeNodes(nodes: readonly GraphNode[], numbering: Numbering, names: ReadonlyMap<Value, string>): NodeDescription[] {
  return nodes.map(n => {
    const body = innerGraph(n.params)
    return {
      id: numbering.nodeId(n),
      op: n.op.name,
      name: names.get(n.outputs[0]) ?? null,
      params: paramsOf(n.params),
      inputs: n.inputs.map(v => numbering.idOf(v)),
      outputs: n.outputs.map(v => describeValue(numbering.idOf(v), v)),
      site: n.site?.place ?? null,
      ...(body && { body: describeGraph(body, { name: n.op.name, stage: 'optimized', device: null, externals: body.externals.map((v, i) => ({ ...describeValue(`x${i}`, v), kind: 'argument', name: null, argument: i, updated: false })), outputNames: body.outputs.map((_, i) => String(i)) }) }),
    }
  })
}

interface Around extends Pick<GraphDescription, 'name' | 'stage' | 'device' | 'outputNames'> {
  readonly externals: readonly ExternalDescription[]
}

function describeGraph(graph: Graph, { name, stage, device, externals, outputNames }: Around, numbering: Numbering = new Numbering(graph)): GraphDescription {
  const nodes = describeNodes(liveNodes(graph), numbering, new Map(graph.outputs.flatMap((v, i) => (/^\d*$/.test(outputNames[i] ?? '') ? [] : [[v, outputNames[i]] as const]))))
  const outputs = graph.outputs.map(v => numbering.idOf(v))
  const updates = graph.updates.map(u => ({ external: numbering.idOf(u.external), value: numbering.idOf(u.value) }))
  return { format: 'lampas-graph', version: 1, name, stage, device, externals, constants: numbering.constants, nodes, outputs, outputNames, updates }
}

/** Paths of the tensors in nested values, as `x`, `x.a`, `x[0]`. */
export function pathsIn(value: unknown, path: string, isLeaf: (v: unknown) => boolean): string[] {
  if (isLeaf(value)) return [path]
  if (Array.isArray(value)) return value.flatMap((v, i) => pathsIn(v, path === '' ? String(i) : `${path}[${i}]`, isLeaf))
  return isPlain(value) ? Object.entries(value).flatMap(([k, v]) => pathsIn(v, path === '' ? k : `${path}.${k}`, isLeaf)) : []
}

interface Named {
  namedParameters?(): Iterable<readonly [string, Tensor]>
  namedBuffers?(): Iterable<readonly [string, Tensor]>
}

/** Memory by the names that the user gives now. */
function given(names: GraphOptions['names'] = {}): Map<object, string> {
  const found = new Map<object, string>()
  for (const [name, v] of Object.entries(names)) {
    if (v instanceof Tensor) found.set(v.source, name)
    const { namedParameters, namedBuffers } = v as Named
    for (const list of [namedParameters, namedBuffers]) for (const [path, x] of list?.call(v) ?? []) found.set(x.source, `${name}.${path}`)
  }
  return found
}

/** The names of all externals: arguments by their paths, captured memory by its labels. */
export function externalNames(inside: Inside, version: Version, options: GraphOptions = {}): (string | null)[] {
  const args = inside.inputsOf(version).flatMap(([name, v], i) => pathsIn(v, name ?? `argument ${i}`, x => x instanceof Remembered))
  const own = given(options.names)
  return version.externals.map(e => (e.argument === null ? (own.get(e.storage!) ?? labelOf(e.storage!)) : (args[e.argument] ?? null)))
}

/** The values of a small literal, where they can be read at once. */
function valuesOf({ storage, value: { dtype, shape } }: Outside): readonly Plain[] | null {
  const { backend, block } = storage!
  if (!backend.readSync || numel(shape) > SMALL || isComplex(dtype)) return null
  const bytes = Math.ceil(bytesOf(dtype, numel(shape)) / 4) * 4
  const values = toValues(dtype, wordsIn(dtype, backend.readSync(block, 0, bytes, dtype)))
  return Array.from(values.subarray(0, numel(shape)), v => plain(Number(v)))
}

function describeExternals(graph: Graph, externals: readonly Outside[], names: readonly (string | null)[]): ExternalDescription[] {
  const updated = new Set(graph.updates.map(u => u.external))
  return externals.map((e, i) => {
    const { argument, literal, trained, value } = e
    const kind = argument !== null ? 'argument' : literal ? 'literal' : trained ? 'parameter' : 'state'
    const values = literal ? valuesOf(e) : null
    return { ...describeValue(`x${i}`, value), kind, name: names[i] ?? null, argument, updated: updated.has(value), ...(values && { values }) }
  })
}

function describePlan({ launches, origins, placeholders, bytes }: Plan, graph: Graph, numbering: Numbering): PlanDescription {
  // Checks add outputs and nodes of their own, which are not the function's.
  const own = new Set(graph.nodes)
  const ids = new Map<object, { id: string; uses: number[] }>()
  const known = new Map<object, { kind: 'external' | 'output'; value: ValueId | null }>()
  placeholders.forEach((b, i) => {
    const n = graph.externals.length
    known.set(b, i < n ? { kind: 'external', value: `x${i}` } : { kind: 'output', value: i - n < graph.outputs.length ? numbering.idOf(graph.outputs[i - n]) : null })
  })
  const memory: (Omit<PlanDescription['memory'][number], 'uses'> & { uses: number[] })[] = []
  const entry = (b: { readonly bytes: number }): { id: string; uses: number[] } => {
    let found = ids.get(b)
    if (!found) {
      const made = { id: `m${memory.length}`, bytes: b.bytes, kind: known.get(b)?.kind ?? ('own' as const), value: known.get(b)?.value ?? null, uses: [] as number[] }
      memory.push(made)
      ids.set(b, (found = made))
    }
    return found
  }
  placeholders.forEach(entry)
  const kernels = launches.map(({ kernel, blocks }, k) => {
    const list = blocks.map(entry)
    for (const m of new Set(list)) m.uses.push(k)
    const n = kernel.inputs.length
    const idsOf = (part: typeof list): string[] => [...new Set(part.map(m => m.id))]
    return {
      id: `k${k}`, kind: kernel.kind, text: kernelText(kernel), nodes: [...new Set(origins[k].filter(node => own.has(node)).map(node => numbering.nodeId(node)))],
      reads: idsOf(list.slice(0, n)), writes: idsOf(list.slice(n)), shape: [...kernel.outputs[0].shape], ...workOf(kernel),
    }
  })
  return { kernels, memory, bytes }
}

/** The graph of a compiled function that was called before; null for anything else. */
export function describeCompiled(f: unknown, stage: Stage | null, options: GraphOptions): GraphDescription | null {
  const written = insideOf(f)?.written
  if (!insideOf(f)) return null
  needKnown('graph', options, ['names', 'rewrites'])
  if (written && (stage === 'expression' || (stage === null && !insideOf(f)!.last()))) return written()
  if (stage === 'expression' || (stage !== null && !stages.includes(stage)))
    fail('graph', `there is no stage '${stage}' of a compiled function`, `stages: traced, optimized, plan`)
  const { inside, version } = needInside('graph', f)
  const { rewrites } = options
  if (rewrites !== undefined && (!version.rewritten || (stage !== null && stage !== 'optimized') || !Number.isInteger(rewrites) || rewrites < 0))
    fail('graph', `{ rewrites: ${String(rewrites)} } at the stage ${String(stage ?? 'optimized')}`, "f.graph('optimized', { rewrites: 3 }) is the graph after the first three rewrites; loaded functions have none")
  const graph = stage === 'traced' ? version.traced.graph : rewrites === undefined ? version.graph : version.rewritten!(rewrites)
  const externals = stage === 'traced' ? version.traced.externals : version.externals
  const names = externalNames(inside, version, options)
  const { argumentGrads } = version.traced
  const own = graph.outputs.length - argumentGrads.length
  const outputNames = [...pathsIn(version.result, '', v => v instanceof Tensor), ...argumentGrads.map(a => `∂ ${names[externals.findIndex(e => e.argument === a)] ?? ''}`)].slice(0, own + argumentGrads.length)
  const numbering = new Numbering(graph)
  const around = { name: inside.name, stage: stage ?? 'optimized', device: version.backend.info.name, externals: describeExternals(graph, externals, names), outputNames }
  const description = describeGraph(graph, around, numbering)
  return stage === 'plan' ? { ...description, plan: describePlan(version.plan, version.graph, numbering) } : description
}

provideDescribing((x, stage, options) => describeCompiled(x, stage, options) ?? (isDescription(x) ? x : null))
const isDescription = (x: unknown): x is GraphDescription => isPlain(x) && x.format === 'lampas-graph'
