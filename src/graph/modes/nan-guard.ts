// nanGuard: the graph itself looks at what it computes. Behind each node that makes floats stand two reductions, which write the largest and the
// smallest of its values (NaN wins in both) into a row of a table; at the end the first bad row is found. So a call hands out one word,
// and when that tells of a fault the table is there, whatever happened to the values since.
import type { Backend, Block } from '../../backend/backend.ts'
import { isComplex, isDifferentiable, type DType } from '../../core/dtype.ts'
import { fail, LampasError } from '../../core/errors.ts'
import { needKnown } from '../../core/options.ts'
import { numel } from '../../core/shape.ts'
import { selectView } from '../../core/view.ts'
import { wordsIn } from '../../core/storage.ts'
import { program, S } from '../../ir/scalar.ts'
import { fillWith, pairs } from '../../ops/lowering.ts'
import type { Arg, Op } from '../../ops/op.ts'
import { filledBesideOp, filledOp } from '../../ops/movement-ops.ts'
import { liveNodes, type Graph, type GraphNode, type Value } from '../graph.ts'
import { Body } from '../loop.ts'
import type { Plan } from '../plan.ts'
import type { External } from '../trace.ts'
import type { Watched } from '../watch.ts'
import { brief, nameOfExternal, placeOf, typeOf } from './words.ts'

export interface NanGuardOptions {
  /** Whether a NaN is a fault. Default true. */
  nan?: boolean
  /** Whether an infinity is one. Not in what depends on an infinity that the code wrote down, such as a mask of −∞. Default true. */
  inf?: boolean
  /** Numbers larger in size than this are a fault. Default: none. */
  big?: number | null
}

export function guardOptions(name: string, given: boolean | NanGuardOptions): Required<NanGuardOptions> {
  const options = typeof given === 'object' ? given : {}
  needKnown('nanGuard', options, ['nan', 'inf', 'big'])
  const { nan = true, inf = true, big = null } = options
  if (big !== null && !(big > 0)) fail('nanGuard', `big is ${String(big)}`, 'give a number above 0')
  if (!nan && !inf && big === null) fail('nanGuard', `${name} is to look for nothing`, '{nan: true}, {inf: true} or {big: 1e6}')
  return { nan, inf, big }
}

/** Columns: largest, smallest, whether infinities are fine here. Row 0 stands for "nothing found". */
const COLUMNS = 3
const cell = (table: Arg, row: number, column: number): Arg => ({ view: selectView(selectView(table.view, 0, row), 0, column), slot: table.slot })
const columnOf = (table: Arg, column: number): Arg => ({ view: selectView(table.view, 1, column), slot: table.slot })

const tableOp: Op<{ rows: number }> = {
  name: 'nanGuard',
  infer: (_, { rows }) => [{ dtype: 'float32', shape: [rows, COLUMNS] }],
  lower(k, _, { rows }) {
    const table = k.alloc('float32', [rows, COLUMNS])
    fillWith(k, table, 0)
    return [table]
  },
  saves: 'nothing',
}

const narrowed = program([S.cast(S.input(0, 'float64'), 'float32')], ['float64'])

const rangeOp: Op<{ row: number; infinite: boolean }> = {
  name: 'nanGuard',
  infer: ([table]) => [{ dtype: table.dtype, shape: table.shape }],
  lower(k, [table, x], { row, infinite }) {
    const values = isComplex(x.view.dtype) ? pairs(x) : x
    for (const [column, op] of (['max', 'min'] as const).entries()) {
      const place = cell(table, row, column)
      if (x.view.dtype === 'float64') {
        const exact = k.alloc('float64', [])
        k.run({ kind: 'reduce', op }, [values], [exact])
        k.run({ kind: 'map', program: narrowed, params: [] }, [exact], [place])
      } else k.run({ kind: 'reduce', op }, [values], [place])
    }
    if (infinite) fillWith(k, cell(table, row, 2), 1)
    return [table]
  },
  saves: 'nothing',
}

const [largest, smallest, fine] = [0, 1, 2].map(i => S.input(i, 'float32'))
const [nan, inf, big] = [0, 1, 2].map(i => S.param(i, 'float32'))
const beyond = (limit: typeof big): typeof big => S.or(S.gt(largest, limit), S.lt(smallest, S.neg(limit)))
const infinite = S.or(S.eq(largest, Infinity), S.eq(smallest, -Infinity))
const bad = S.or(
  S.and(S.ne(nan, 0), S.or(S.ne(largest, largest), S.ne(smallest, smallest))),
  S.and(S.eq(fine, 0), S.or(S.and(S.ne(inf, 0), infinite), S.and(S.gt(big, 0), S.and(S.not(infinite), beyond(big))))),
)
const verdict = program([S.cast(bad, 'int32')], ['float32', 'float32', 'float32'], ['float32', 'float32', 'float32'])

const verdictOp: Op<Required<NanGuardOptions>> = {
  name: 'nanGuard',
  infer: () => [{ dtype: 'int32', shape: [] }],
  lower(k, [table], { nan, inf, big }) {
    const rows = k.alloc('int32', [table.view.shape[0]])
    k.run({ kind: 'map', program: verdict, params: [Number(nan), Number(inf), big ?? 0] }, [0, 1, 2].map(c => columnOf(table, c)), [rows])
    const first = k.alloc('int32', [])
    k.run({ kind: 'reduce', op: 'argmax' }, [rows], [first])
    return [first]
  },
  saves: 'nothing',
}

const own: readonly Op<never>[] = [tableOp, rangeOp, verdictOp]
export const isGuard = (n: GraphNode): boolean => own.includes(n.op as Op<never>)

let count = 0
const nodeOf = <P>(op: Op<P>, inputs: readonly Value[], params: P): Value => {
  const outputs: Value[] = []
  const node: GraphNode = { id: count++, op: op as Op, params, inputs, outputs }
  op.infer(inputs, params).forEach(({ dtype, shape }, index) => outputs.push({ dtype, shape, node, index }))
  return outputs[0]
}

const isFill = (n: GraphNode): boolean => n.op === (filledOp as Op) || n.op === (filledBesideOp as Op)
const looked = (v: { readonly dtype: DType; readonly shape: readonly number[] }): boolean => isDifferentiable(v.dtype) && numel(v.shape) > 0
const holdsInfinity = (p: unknown): boolean =>
  p instanceof Body ? p.graph.nodes.some(n => holdsInfinity(n.params))
  : typeof p === 'object' && p !== null ? Object.values(p).some(holdsInfinity) : p === Infinity || p === -Infinity

/** A call's guard: what it allocated for its findings. */
export interface Finding {
  readonly flag: Block
  readonly table: Block
}

export class NanGuard {
  readonly graph: Graph
  /** The value of each row from 1 on. */
  private readonly rows: readonly Value[]
  private readonly rowOf: ReadonlyMap<Value, number>
  private readonly backend: Backend
  private readonly externals: readonly External[]

  constructor(private readonly name: string, { backend, graph, externals }: Watched, options: Required<NanGuardOptions>) {
    this.backend = backend
    this.externals = externals
    const live = liveNodes(graph)
    // A view makes no new values, and a number that fills a tensor was meant.
    const read = new Set(live.flatMap(n => n.inputs))
    const rows = [...graph.externals.filter(v => read.has(v)), ...live.filter(n => !n.op.view && !isFill(n)).flatMap(n => n.outputs)].filter(looked)
    this.rows = rows
    this.rowOf = new Map(rows.map((v, i) => [v, i + 1]))
    const meant = new Set<Value>()
    const nodes: GraphNode[] = []
    let table = nodeOf(tableOp, [], { rows: rows.length + 1 })
    nodes.push(table.node!)
    const look = (v: Value): void => {
      const row = this.rowOf.get(v)
      if (row === undefined) return
      table = nodeOf(rangeOp, [table, v], { row, infinite: meant.has(v) })
      nodes.push(table.node!)
    }
    graph.externals.forEach(look)
    for (const n of live) {
      if (holdsInfinity(n.params) || n.inputs.some(v => meant.has(v) || v.constant === Infinity || v.constant === -Infinity)) for (const v of n.outputs) meant.add(v)
      nodes.push(n)
      n.outputs.forEach(look)
    }
    const first = nodeOf(verdictOp, [table], options)
    nodes.push(first.node!)
    this.graph = { ...graph, nodes, outputs: [...graph.outputs, first, table] }
  }

  /** Gives a call the memory for its findings. */
  prepare(plan: Plan, swap: Map<Block, Block>): Finding {
    const [flag, table] = plan.placeholders.slice(-2).map(placeholder => {
      const block = this.backend.alloc(placeholder.bytes)
      swap.set(placeholder, block)
      return block
    })
    return { flag, table }
  }

  /** Throws when the call found something; a promise where the device cannot be read at once. */
  check(finding: Finding): Promise<void> | void {
    const { backend } = this
    if (!backend.readSync) return this.later(finding)
    try {
      const row = wordsIn('int32', backend.readSync(finding.flag, 0, 4, 'int32'))[0]
      if (row > 0) throw this.fault(row, wordsIn('float32', backend.readSync(finding.table, 0, this.bytes, 'float32')))
    } finally {
      this.free(finding)
    }
  }

  private async later(finding: Finding): Promise<void> {
    const { backend } = this
    try {
      const row = wordsIn('int32', await backend.read(finding.flag, 0, 4, 'int32'))[0]
      if (row > 0) throw this.fault(row, wordsIn('float32', await backend.read(finding.table, 0, this.bytes, 'float32')))
    } finally {
      this.free(finding)
    }
  }

  free({ flag, table }: Finding): void {
    this.backend.free(flag)
    this.backend.free(table)
  }

  private get bytes(): number {
    return (this.rows.length + 1) * COLUMNS * 4
  }

  private fault(row: number, table: ArrayLike<number>): LampasError {
    const v = this.rows[row - 1]
    const [max, min] = [table[row * COLUMNS], table[row * COLUMNS + 1]]
    const what = Number.isNaN(max) ? 'NaN' : Math.max(max, -min) === Infinity ? 'an infinity' : `numbers of size ${brief(Math.max(max, -min))}`
    if (!v.node) {
      const e = this.externals.find(x => x.value === v)!
      return new LampasError('nanGuard', `${this.name}: ${nameOfExternal(e)}, ${typeOf(v)}, holds ${what} before anything is computed`, 'look at where it comes from: a former step, or the data')
    }
    const inputs = v.node.inputs.map((x, i) => `  input ${i}: ${this.inputText(x, table)}`)
    return new LampasError('nanGuard', [`${this.name}: ${placeOf(v.node)} gives ${what}, as the first`, ...inputs, `  result: ${typeOf(v)}`].join('\n'), adviceFor(v.node))
  }

  private inputText(x: Value, table: ArrayLike<number>): string {
    if (x.constant !== undefined) return `the number ${String(x.constant)}`
    let at = x
    while (at.node?.op.view && !this.rowOf.has(at)) [at] = at.node.inputs
    const row = this.rowOf.get(at)
    const from = x.node ? ` of ${placeOf(x.node)}` : `, ${nameOfExternal(this.externals.find(e => e.value === x)!)}`
    if (row === undefined) return `${typeOf(x)}${from}`
    const [max, min] = [table[row * COLUMNS], table[row * COLUMNS + 1]]
    const range = Number.isNaN(max) ? 'with NaN' : `${at === x ? '' : 'part of values '}from ${brief(min)} to ${brief(max)}, no NaN`
    return `${typeOf(x)}${from}: ${range}`
  }
}

const advice: Readonly<Record<string, string>> = {
  log: 'log wants numbers above 0: add a small number inside, or use log1p, logSoftmax, logSigmoid',
  div: 'a divisor may be 0: add a small number to it',
  reciprocal: 'a divisor may be 0: add a small number to it',
  sqrt: 'sqrt wants numbers from 0 up; its derivative is infinite at 0: add a small number inside',
  rsqrt: 'rsqrt wants numbers above 0: add a small number inside',
  exp: 'exp overflows float32 from 88.7 on: subtract the largest first, as logsumexp and softmax do',
  pow: 'a negative number has no real power with a fraction in it',
}
const adviceFor = (n: GraphNode): string => advice[n.op.name] ?? 'too large a learning rate is the most common reason; optim and nn.utils.clipGradNorm limit steps'

