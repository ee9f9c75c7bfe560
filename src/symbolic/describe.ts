// Expressions as plain data, before there are values: calls are nodes, variables and shared ones come from outside.
import { bytesOf } from '../core/dtype.ts'
import { fail } from '../core/errors.ts'
import { numel } from '../core/shape.ts'
import { isPlain } from '../graph/arguments.ts'
import { describeGraph, provideDescribing } from '../graph/insight.ts'
import type { ExternalDescription, GraphDescription, NodeDescription, Plain, ValueDescription, ValueId } from '../graph/print/description.ts'
import { plain, textOf } from '../graph/print/describe.ts'
import { Tensor } from '../ops/index.ts'
import { Call, Expression, expressionsIn } from './expression.ts'
import { ancestors } from './run.ts'
import { Shared } from './shared.ts'
import { Variable } from './variables.ts'

function valueOf(id: ValueId, e: Expression): ValueDescription {
  const type = e instanceof Variable ? e.type : null
  const x = e.example?.value
  if (!(x instanceof Tensor)) return { id, dtype: type?.dtype ?? null, shape: null, bytes: null }
  return { id, dtype: x.dtype, shape: [...x.shape], bytes: bytesOf(x.dtype, numel(x.shape)) }
}

/** Pairs of names and expressions in nested outputs. */
const namesIn = (v: unknown, path = ''): string[] =>
  v instanceof Expression ? [path]
  : Array.isArray(v) ? v.flatMap((x, i) => namesIn(x, path ? `${path}[${i}]` : String(i)))
  : isPlain(v) ? Object.entries(v).flatMap(([k, x]) => namesIn(x, path ? `${path}.${k}` : k))
  : []
const listIn = (v: unknown): Expression[] => (v instanceof Expression ? [v] : Array.isArray(v) ? v.flatMap(listIn) : isPlain(v) ? Object.values(v).flatMap(listIn) : [])

/** Expressions (one, or nested in lists and objects) and updates of shared ones as a graph. */
export function describeExpressions(name: string, outputs: unknown, updates: readonly (readonly [Shared, unknown])[] = []): GraphDescription {
  const roots = listIn(outputs)
  const targets = updates.filter(([, v]) => v instanceof Expression) as readonly (readonly [Shared, Expression])[]
  const all = ancestors([...new Set([...roots, ...targets.flat(), ...expressionsIn(updates.map(([, v]) => v))])])
  const ids = new Map<Expression, ValueId>()
  const externals: ExternalDescription[] = []
  const nodes: (NodeDescription & { outputs: ValueDescription[] })[] = []
  const constants: { id: ValueId; dtype: string; value: Plain }[] = []
  const byId = new Map<string, (typeof nodes)[number]>()
  const constant = (value: number | boolean): ValueId => {
    constants.push({ id: `c${constants.length}`, dtype: typeof value === 'boolean' ? 'bool' : Number.isInteger(value) ? 'int32' : 'float32', value: plain(value) })
    return constants.at(-1)!.id
  }
  const changed = new Set(targets.map(([s]) => s))
  for (const e of all) {
    if (!(e instanceof Call)) {
      const id = `x${externals.length}`
      ids.set(e, id)
      const argument = e instanceof Variable ? externals.filter(x => x.kind === 'argument').length : null
      externals.push({ ...valueOf(id, e), kind: argument !== null ? 'argument' : e instanceof Shared && e.value.requiresGrad ? 'parameter' : 'state', name: e.name, argument, updated: e instanceof Shared && changed.has(e) })
      continue
    }
    const from = e.op === 'part' ? byId.get(ids.get(e.inputs[0]) ?? '') : undefined
    if (from) {
      const id = `${from.id}.${String(e.args[1])}`
      ids.set(e, id)
      from.outputs.push(valueOf(id, e))
      continue
    }
    const id = `n${nodes.length}`
    ids.set(e, id)
    const inputs: ValueId[] = []
    const params: Record<string, string> = {}
    const note = (key: string, v: unknown): void => {
      if (v instanceof Expression) inputs.push(ids.get(v)!)
      else if (expressionsIn(v).size > 0) for (const x of expressionsIn(v)) inputs.push(ids.get(x)!)
      else if (v instanceof Tensor && v.source.world === null && v.constant !== undefined) inputs.push(constant(v.constant))
      else if (typeof v === 'number' || typeof v === 'boolean') inputs.push(constant(v))
      else if (isPlain(v)) for (const [k, x] of Object.entries(v)) params[k] = textOf(x)
      else if (v !== undefined && v !== null && !(Array.isArray(v) && v.length === 0)) params[key] = textOf(v)
    }
    e.args.forEach((a, i) => note(String(i), a))
    // Behind the cost stand the expressions by which it is differentiated.
    if (e.options.wrt?.length) params.wrt = `[${e.options.wrt.map(w => w.label).join(', ')}]`
    const node = { id, op: e.op, name: e.name, params, inputs, outputs: [valueOf(id, e)], site: e.site.place }
    byId.set(id, node)
    nodes.push(node)
  }
  return {
    format: 'lampas-graph', version: 1, name, stage: 'expression', device: null, externals, constants, nodes,
    outputs: roots.map(e => ids.get(e)!), outputNames: namesIn(outputs), updates: targets.map(([s, v]) => ({ external: ids.get(s)!, value: ids.get(v)! })),
  }
}

provideDescribing(x => (x instanceof Expression ? describeExpressions(x.label, x) : null))

/**
 * An expression as plain data, as `f.graph()` gives it of functions: nodes with their operands, names and lines; sizes where examples tell them.
 *
 * @example
 * const x = symbolic.scalar('x')
 * symbolic.graph(x.mul(2).exp()).nodes.map(n => n.op) // → [ 'mul', 'exp' ]
 */
export const graph = (expression: Tensor): GraphDescription => describeGraph(expression)

/**
 * Notes on an expression, for whatever its owner likes; nothing else looks at them. Copies made by `clone` and `replace` have them too. As the `tag` of
 * Theano's variables.
 *
 * @example
 * const x = symbolic.vector('x')
 * const hidden = x.tanh()
 * symbolic.tag(hidden).layer = 1
 * symbolic.ancestors(hidden.sum()).filter(e => symbolic.tag(e).layer === 1).length // → 1
 */
export function tag(expression: Tensor): Record<string, unknown> {
  return expression instanceof Expression ? expression.notes : fail('tag', `${expression} is no expression`, 'notes are for variables, shared ones and what is computed from them')
}

/**
 * The expression, with a name for messages and pictures.
 *
 * @example
 * const x = symbolic.scalar('x')
 * String(symbolic.named(x.square(), 'energy')) // → energy
 */
export function named<T extends Tensor>(expression: T, name: string): T {
  if (!(expression instanceof Call)) fail('named', `${expression} is no expression that is computed`, "variables and shared ones get their name where they are made: scalar('x')")
  expression.name = name
  return expression
}
