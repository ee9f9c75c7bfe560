// Rewrites of one's own: what to look for and what to compute instead, both written as expressions of variables.
import { fail, LampasError, needFunction } from '../core/errors.ts'
import type { DType } from '../core/dtype.ts'
import { needKnown } from '../core/options.ts'
import { sameShape, type Shape } from '../core/shape.ts'
import { noGrad } from '../autograd/mode.ts'
import { currentBackend } from '../eager/device.ts'
import type { Graph } from '../graph/graph.ts'
import { addRewrite, graphBefore } from '../graph/passes/index.ts'
import { ownRewrite, type Letter } from '../graph/passes/own.ts'
import { Rewriter } from '../graph/passes/rewriter.ts'
import { pp } from '../graph/print/index.ts'
import { Trace } from '../graph/trace.ts'
import { Tensor } from '../ops/index.ts'
import type { Meta } from '../ops/op.ts'
import { blank, Call } from './expression.ts'
import { Run } from './run.ts'
import { sharedOf, variablesOf } from './graph.ts'
import type { Variable } from './variables.ts'

const stages = ['canonicalise', 'stabilise', 'specialise'] as const

/** A value that a variable of a rewrite stands for. */
export interface Matched {
  readonly dtype: DType
  readonly shape: Shape
}

export interface RewriteSpec {
  name: string
  /** When it is tried. Default 'specialise', the last: what it looks for is then written as the rewrites before leave formulas, which is done by itself. */
  phase?: (typeof stages)[number]
  /** What to look for. A formula of scalars alone is one of elements, and is found in tensors of every shape. */
  before: Tensor
  /** What takes its place: of the same variables, with the same dtype and shape. */
  after: Tensor
  /** What must hold besides, of the values that the variables stand for, by name. */
  when?: (values: Readonly<Record<string, Matched>>) => boolean
  /** False when the results are the same bits. Default true. */
  rounds?: boolean
}

export interface OwnRewrite {
  readonly name: string
  /** before → after */
  readonly rule: string
  /** Takes it away; what is compiled already stays as it is. */
  remove(): void
}

/** Sizes that both sides are tried with: all alike, so that products fit, a power of two or not, and all different, so that a wrong axis shows. */
const trials: readonly ((axis: number) => number)[] = [() => 4, () => 6, axis => 3 + 2 * axis]

/**
 * Adds a rewrite to the compiler: wherever `before` stands in a function that is compiled from now on, forward or in a gradient, `after` is computed.
 * It is listed by `rewrites()`, told of by `explain()`, switched off by `exclude`, and judged by the mode 'debug' like all others.
 * Variables stand for tensors of their dtype and number of dimensions; those of formulas of scalars for tensors of any shape.
 *
 * @throws LampasError when the sides differ in dtype or shape, when `before` occurs in `after`, or when the name is taken.
 * @example
 * const [x, y] = symbolic.scalars('x', 'y')
 * const rule = symbolic.rewrite({ name: 'hypot', before: x.square().add(y.square()).sqrt(), after: hypot(x, y) })
 * const f = compile((a, b) => a.square().add(b.square()).sqrt())
 * f(tensor([3]), tensor([4])) // → tensor([5.])
 * f.explain().rewrites[0].name // → hypot
 * rule.remove()
 */
export function rewrite(spec: RewriteSpec): OwnRewrite {
  needKnown('rewrite', spec, ['name', 'phase', 'before', 'after', 'when', 'rounds'])
  const { name, phase = 'specialise', before, after, when, rounds = true } = spec
  if (typeof name !== 'string' || !/^[\w-]+$/.test(name)) fail('rewrite', `the name is ${String(name)}`, "give it one such as 'my-rule'")
  if (!stages.includes(phase)) fail('rewrite', `there is no phase '${String(phase)}' for '${name}'`, `phases: ${stages.join(', ')}`)
  if (when !== undefined) needFunction('rewrite', when)
  for (const [side, e] of Object.entries({ before, after }))
    if (!(e instanceof Tensor)) fail('rewrite', `${side} of '${name}' is ${String(e)}`, 'write it as an expression of variables: x.exp().log()')
  if (!(before instanceof Call)) fail('rewrite', `before of '${name}' is ${before}, which is everywhere`, 'it must be a formula: x.exp().log()')
  const variables = variablesOf(before)
  const stranger = variablesOf(after).find(v => !variables.includes(v))
  if (stranger) fail('rewrite', `after of '${name}' has the variable ${stranger}, which is not in before`, 'both sides are of the same variables')
  const [state] = sharedOf([before, after])
  if (state) fail('rewrite', `'${name}' has the shared variable ${state}`, 'rules are about variables and numbers')
  const elementwise = variables.every(v => v.type.ndim === 0)
  const letters = variables.map((v, i): Letter => ({ name: v.name ?? `x${i}`, dtype: v.dtype, ndim: elementwise ? null : v.ndim }))
  const make = (side: 'before' | 'after', kinds: readonly Meta[]): Graph => traced(name, side === 'before' ? before : after, variables, kinds)

  const samples = checked(name, variables, elementwise, make)
  const rule = `${inLine(before)} → ${inLine(after)}`
  const made = ownRewrite({
    name, phase, rule, when: when ? 'a condition of its own' : 'always', rounds, letters, samples, make,
    holds: values => when?.(values) ?? true,
  })
  // As it is written, and as the other rewrites leave it.
  const results = samples.map(kinds => make('after', kinds)).flatMap(after => [after, graphBefore('fuse', after)]).map(graph => new Rewriter(graph, true))
  for (const t of results)
    for (const node of t.nodes)
      if (made.apply(node, t) !== null) fail('rewrite', `'${name}' would be applied to its own result for ever: ${rule}`, 'before must not occur in after; say which case it is by when')
  return { name, rule, remove: addRewrite(made) }
}

const inLine = (e: Tensor): string => pp(e).replaceAll('\n', ', ')

/** Tries both sides on all kinds that fit, and gives these. */
function checked(name: string, variables: readonly Variable[], elementwise: boolean, make: (side: 'before' | 'after', kinds: readonly Meta[]) => Graph): Meta[][] {
  const examples = variables.every(v => v.example) ? [variables.map((v): Meta => ({ dtype: v.dtype, shape: v.exampleShape() }))] : []
  const others = trials.map(size => variables.map((v): Meta => ({ dtype: v.dtype, shape: Array.from({ length: elementwise ? 2 : v.ndim }, (_, axis) => (v.type.single?.includes(axis) ? 1 : size(axis))) })))
  const samples: Meta[][] = []
  let reason: unknown = null
  for (const kinds of [...examples, ...others]) {
    let from: Graph
    try {
      from = make('before', kinds)
    } catch (error) {
      // These sizes do not fit each other.
      reason ??= error
      continue
    }
    const [[a], [b]] = [from.outputs, make('after', kinds).outputs]
    if (a.dtype !== b.dtype || !sameShape(a.shape, b.shape)) {
      const given = variables.map((v, i) => `${v} = ${kinds[i].dtype}[${kinds[i].shape.join()}]`).join(', ')
      fail('rewrite', `the sides of '${name}' differ: with ${given} before is ${a.dtype}[${a.shape.join()}], after ${b.dtype}[${b.shape.join()}]`, 'after must have the dtype and shape of before')
    }
    samples.push(kinds)
  }
  if (samples.length === 0) throw reason instanceof LampasError ? new LampasError('rewrite', `before of '${name}' cannot be computed: ${reason.problem}`, "give the variables examples that fit: matrix('x', { like: [2, 3] })") : reason
  return samples
}

/** An expression of variables as a graph of tensors. */
function traced(name: string, e: Tensor, variables: readonly Variable[], kinds: readonly Meta[]): Graph {
  const trace = new Trace(currentBackend())
  const given = variables.map((v, i) => [v, trace.argument(blank(kinds[i].dtype, kinds[i].shape), i)] as const)
  const { traced: { graph } } = trace.run(() => noGrad(() => new Run(given, new Set()).get(e as Call)), y => {
    if (!(y instanceof Tensor)) fail('rewrite', `'${name}' is about ${String(y)}`, 'both sides must be one tensor')
    return [y]
  })
  if (graph.externals.length > variables.length || graph.updates.length > 0) fail('rewrite', `'${name}' has a tensor of values or a random draw in ${inLine(e)}`, 'rules are about variables and numbers')
  return graph
}

