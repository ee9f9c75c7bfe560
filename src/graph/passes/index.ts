// The compiler's passes: from the traced graph to the one that is planned. Each phase applies its rewrites until none fires any more.
import { LampasError, fail, nearest } from '../../core/errors.ts'
import type { Op } from '../../ops/op.ts'
import { fusions } from '../fuse/rules.ts'
import type { Graph, GraphNode, Value } from '../graph.ts'
import type { Site } from '../site.ts'
import { algebra } from './algebra.ts'
import { folding, rematerialise } from './folding.ts'
import { Meter } from './meter.ts'
import { movements } from './movement.ts'
import { picking } from './picking.ts'
import { reductions } from './reductions.ts'
import { phases, type Phase, type Replacement, type Rewrite } from './rewrite.ts'
import { Rewriter, type LiveNode } from './rewriter.ts'
import { stabilising } from './stabilise.ts'

export type { Phase, Rewrite } from './rewrite.ts'

const merge: Rewrite = {
  name: 'merge', phase: 'merge', rule: 'f(x), f(x) → one f(x)', when: 'the same op, parameters and operands; random draws differ in their state, which is an operand', rounds: false,
  // The table of the graph does it, whenever a node is made or gets other operands.
  apply: () => null,
}
const list: Rewrite[] = [merge, ...algebra, ...movements, ...reductions, ...stabilising, ...picking, folding, ...fusions, rematerialise]

export const allRewrites: readonly Rewrite[] = list

/** Rewrites of ops that only some pages have come with those ops. */
export const provideRewrites = (more: readonly Rewrite[]): void => void list.splice(list.indexOf(folding), 0, ...more)

const added = new Set<Rewrite>()
/** How many rewrites users have added. */
export const ownRewrites = (): number => added.size
/** Adds a rewrite for functions that are compiled from now on, tried before all others; what it returns takes it away again. */
export function addRewrite(rewrite: Rewrite): () => void {
  if (list.some(r => r.name === rewrite.name)) fail('rewrite', `there is a rewrite '${rewrite.name}' already`, 'give it another name; rewrites() lists all')
  list.unshift(rewrite)
  added.add(rewrite)
  chosen.clear()
  return () => {
    if (added.delete(rewrite)) list.splice(list.indexOf(rewrite), 1)
    chosen.clear()
  }
}

/** How much is done: all phases, or only merging, for functions that run once or twice. */
export type CompileMode = 'fastRun' | 'fastCompile'
export const compileModes: readonly CompileMode[] = ['fastRun', 'fastCompile']

/** One rewrite as users see it. */
export interface RewriteInfo {
  readonly name: string
  readonly phase: Phase
  /** before → after */
  readonly rule: string
  /** What must hold besides. */
  readonly when: string
  /** Whether results may differ in rounding; else they are the same bits, the sign of a zero apart. */
  readonly rounds: boolean
  /** Whether it is applied only by functions that include it by name: `compile(fn, { include: ['collect-terms-of-floats'] })`. */
  readonly optional: boolean
}

/**
 * All rewrites of the compiler, in the order of its phases: what each does, when, and whether it may change the rounding. Names can be
 * switched off: `compile(fn, { exclude: ['log-softmax'] })`. Those that `symbolic.rewrite` added are among them.
 *
 * @example
 * rewrites().find(r => r.name === 'softplus').rule // → log(1 + exp(x)) → softplus(x); log1p(exp(x)) → softplus(x)
 */
export const rewrites = (): RewriteInfo[] =>
  phases.flatMap(p => allRewrites.filter(r => r.phase === p)).map(({ name, phase, rule, when, rounds, optional = false }) => ({ name, phase, rule, when, rounds, optional }))

/** What to exclude so that of all rewrites only these are applied, and merging. A rule of fusion is one of `fusion`, which means all of them. */
export function allBut(names: readonly string[]): string[] {
  const [fusion, ...rules] = fusions.map(r => r.name)
  const wanted = new Set([merge.name, ...names, ...(names.includes(fusion) ? rules : []), ...(names.some(n => rules.includes(n)) ? [fusion] : [])])
  return list.map(r => r.name).filter(n => !wanted.has(n))
}

/** Those that are applied only where they are included. */
export const isOptional = (name: string): boolean => list.some(r => r.name === name && r.optional === true)

/** Throws when a name to include or exclude is not that of a rewrite. */
export function needRewrites(op: string, names: readonly string[], what: 'include' | 'exclude' = 'exclude'): void {
  const known = allRewrites.map(r => r.name)
  for (const name of names)
    if (!known.includes(name)) {
      const guess = nearest(name, known)
      fail(op, `there is no rewrite '${name}' to ${what}`, guess ? `did you mean '${guess}'? rewrites() lists all` : 'rewrites() lists all')
    }
}

/** A rewrite that fired. */
export interface Fired {
  readonly rewrite: Rewrite
  readonly op: string
  readonly site?: Site
  readonly count: number
}

export interface Optimized {
  readonly graph: Graph
  readonly fired: readonly Fired[]
  readonly ms: Readonly<Record<Phase, number>>
  /** Milliseconds of each rewrite that was tried. */
  readonly msOf: ReadonlyMap<string, number>
}

export interface PassOptions {
  readonly exclude?: readonly string[]
  /** Of those that are optional. */
  readonly include?: readonly string[]
  readonly mode?: CompileMode
}

const chosen = new Map<string, Map<Op, readonly Rewrite[]>>()

/** The rewrites of a phase that look at an op. What makes formulas canonical goes on in later phases. */
function rulesOf(phase: Phase, { exclude = [], include = [] }: PassOptions): (op: Op) => readonly Rewrite[] {
  const key = `${phase} ${exclude.join()} ${include.join()}`
  const byOp = chosen.get(key) ?? new Map<Op, readonly Rewrite[]>()
  chosen.set(key, byOp)
  const list = allRewrites.filter(r => (r.phase === phase || r.phase === 'canonicalise') && !exclude.includes(r.name) && (!r.optional || include.includes(r.name)))
  return op => {
    let found = byOp.get(op)
    if (!found) byOp.set(op, (found = list.filter(r => !r.ops || r.ops.includes(op))))
    return found
  }
}

/** Rewriting stops here even if a rule would go on for ever. */
const steps = (nodes: number): number => 1000 + 20 * nodes

/** Is told of each rewrite before it takes effect. */
export type Judge = (rewrite: Rewrite, node: GraphNode, pairs: Replacement) => void

/** `most`: after so many rewrites it is over. */
export function optimize(graph: Graph, passes: PassOptions, judge?: Judge, most = Infinity): Optimized {
  const { exclude = [], mode = 'fastRun' } = passes
  const fired: Fired[] = []
  const meter = new Meter()
  const ms: Record<Phase, number> = { merge: 0, canonicalise: 0, stabilise: 0, specialise: 0, fuse: 0, plan: 0 }
  const timed = <T>(phase: Phase, body: () => T): T => {
    const start = performance.now()
    const result = body()
    ms[phase] += performance.now() - start
    return result
  }
  const t = timed('merge', () => new Rewriter(graph, !exclude.includes('merge')))
  if (mode === 'fastRun') for (const phase of phases) if (phase !== 'merge' && phase !== 'fuse' && phase !== 'plan') timed(phase, () => run(phase, t, passes, fired, meter, judge, most))
  if (t.merged > 0) fired.push({ rewrite: merge, op: 'any', count: t.merged })
  return { graph: timed('merge', () => t.finish()), fired, ms, msOf: meter.ms }
}

/** A graph as the rewrites of a phase meet it when they begin, but for those that users added. */
export function graphBefore(phase: Phase, graph: Graph): Graph {
  const t = new Rewriter(graph, true)
  const passes = { exclude: [...added].map(r => r.name) }
  for (const p of phases) {
    if (p === 'merge') continue
    if (p !== 'canonicalise' && p === phase) break
    run(p, t, passes, [], new Meter())
    if (p === phase) break
  }
  return t.finish()
}

/** Applies the rewrites of a phase; whatever one changes is looked at again, and so are its readers. */
function run(phase: Phase, t: Rewriter, passes: PassOptions, fired: Fired[], meter: Meter, judge?: Judge, most = Infinity): void {
  const rules = rulesOf(phase, passes)
  const queue = [...t.nodes]
  const waiting = new Set<LiveNode>(queue)
  const again = (n: LiveNode, depth: number): void => {
    if (!waiting.has(n)) {
      waiting.add(n)
      queue.push(n)
    }
    if (depth > 0) for (const y of n.outputs) for (const reader of t.readersOf(y)) again(reader, depth - 1)
  }
  t.touched.length = 0
  let left = steps(t.size)
  for (let i = 0; i < queue.length && left > 0 && fired.length < most; i++) {
    const node = queue[i]
    waiting.delete(node)
    if (!t.isLive(node)) continue
    meter.start()
    for (const rewrite of rules(node.op)) {
      t.at = node
      const made = attempt(rewrite, node, t)
      const pairs = made && fitted(Array.isArray(made) ? (made as Replacement) : [[node.outputs[0], made as Value]], t)
      if (pairs?.length) {
        left--
        judge?.(rewrite, node, pairs)
        fired.push({ rewrite, op: node.op.name, site: node.site, count: 1 })
        for (const [from, to] of pairs) t.replace(from, to)
        t.forget()
        for (const n of t.touched.splice(0)) if (t.isLive(n)) again(n, LOOK)
        meter.mark(rewrite.name)
        break
      }
      t.forget()
      meter.mark(rewrite.name)
    }
  }
}
/** How far above a change a pattern may begin that sees it. */
const LOOK = 4

/** What is really another value, in the shape of what it replaces; null when something does not fit. */
function fitted(pairs: Replacement, t: Rewriter): Replacement | null {
  const others = pairs.filter(([from, to]) => from !== to).map(([from, to]) => [from, t.fit(to, from)] as const)
  return others.every((p): p is readonly [Value, Value] => p[1] !== null) ? others : null
}

function attempt(rewrite: Rewrite, node: LiveNode, t: Rewriter): ReturnType<Rewrite['apply']> {
  try {
    return rewrite.apply(node, t)
  } catch (error) {
    if (error instanceof LampasError) throw new LampasError('compile', `the rewrite '${rewrite.name}' failed on ${describeNode(node)}: ${error.problem}`, `compile(fn, { exclude: ['${rewrite.name}'] }) does without it. Please report this`)
    throw error
  }
}

/** An op with its operands and the user's line, for messages. */
export const describeNode = (n: GraphNode): string =>
  `${n.op.name}(${n.inputs.map(v => (v.constant === undefined ? `${v.dtype}[${v.shape.join()}]` : String(v.constant))).join(', ')})${n.site?.line ? ` (${n.site.line})` : ''}`
