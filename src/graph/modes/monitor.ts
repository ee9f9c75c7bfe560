// Monitors: callbacks at every node of a compiled function, with the values that go in and come out. The nodes run one by one, as eager code
// does, so there is no fusion and no work in place, and whatever is handed to a callback stays what it is.
import type { Backend, Block } from '../../backend/backend.ts'
import { isFloat } from '../../core/dtype.ts'
import { LampasError } from '../../core/errors.ts'
import { contiguousView } from '../../core/view.ts'
import { noGrad } from '../../autograd/mode.ts'
import { counts, handleOn, inScope, Storage } from '../../eager/storage.ts'
import { eager } from '../../eager/world.ts'
import { clone } from '../../ops/pointwise.ts'
import type { Arg } from '../../ops/op.ts'
import { copyInto } from '../../ops/lowering.ts'
import { Tensor } from '../../ops/tensor.ts'
import { ConstantSource } from '../../ops/world.ts'
import { liveNodes, type Graph, type GraphNode, type Value } from '../graph.ts'
import type { Plan } from '../plan.ts'
import { Direct } from './interpreter.ts'
import type { Runner } from './runner.ts'
import { rangeOf, rangeText, siteOf, typeOf } from './words.ts'

/** A node as a callback sees it. Its tensors live until the callback returns, or until the promise that it returns is settled. */
export interface MonitoredNode {
  readonly op: string
  /** The line that built it. */
  readonly line: string | null
  /** Its place in the order of the call. */
  readonly index: number
  readonly inputs: readonly Tensor[]
  /** Empty before it ran. */
  readonly outputs: readonly Tensor[]
}

export interface Monitor {
  before?(node: MonitoredNode): void | Promise<void>
  after?(node: MonitoredNode): void | Promise<void>
}

/** Memory of somebody else, who frees it. */
class Borrowed extends Storage {
  override drop(): void {
    if (--this.refs === 0) counts.set(this.backend, counts.get(this.backend)! - 1)
  }
}

const argOf = (x: Tensor): Arg => ({ view: x.layout, slot: (x.source as Storage).block })

export class Monitoring implements Runner {
  constructor(
    private readonly backend: Backend,
    private readonly graph: Graph,
    private readonly monitor: Monitor,
    /** Nodes that are not the user's. */
    private readonly isHidden: (node: GraphNode) => boolean,
  ) {}

  run(plan: Plan, swap: ReadonlyMap<Block, Block>): Promise<void> | void {
    const waiting: Promise<void>[] = []
    const body = (): void => this.call(plan.placeholders, swap, waiting)
    noGrad(() => inScope(body, () => [], 'its monitor returned'))
    if (waiting.length) return Promise.all(waiting).then(() => {})
  }

  private call(placeholders: readonly Block[], swap: ReadonlyMap<Block, Block>, waiting: Promise<void>[]): void {
    const { graph, backend } = this
    const places = placeholders.map(b => swap.get(b) ?? b)
    const tensors = new Map<Value, Tensor>()
    const changing = new Set(graph.updates.map(u => u.external))
    graph.externals.forEach((v, i) => {
      const x = handleOn(new Borrowed(eager, backend, places[i], null), contiguousView(v.dtype, v.shape))
      // A callback that waits still sees the values of before, whatever the caller does with the arguments.
      tensors.set(v, changing.has(v) || swap.has(placeholders[i]) ? clone(x) : x)
    })
    const of = (v: Value): Tensor => {
      const known = tensors.get(v) ?? new Tensor(contiguousView(v.dtype, v.shape), new ConstantSource(v.constant!))
      tensors.set(v, known)
      return known
    }
    let index = 0
    for (const node of liveNodes(graph)) {
      const inputs = node.inputs.map(of)
      const seen = { op: node.op.name, line: siteOf(node), index, inputs, outputs: [] }
      if (!this.isHidden(node)) tell(this.monitor.before, seen, waiting)
      const outputs = eager.apply(node.op, inputs, node.params)
      node.outputs.forEach((v, i) => tensors.set(v, outputs[i]))
      if (!this.isHidden(node)) {
        tell(this.monitor.after, { ...seen, outputs }, waiting)
        index++
      }
    }
    const into = (x: Tensor, v: Value, block: Block): void => copyInto(new Direct(backend), argOf(x.source.world ? x : clone(x)), { view: contiguousView(v.dtype, v.shape), slot: block })
    graph.outputs.forEach((v, i) => into(of(v), v, places[graph.externals.length + i]))
    // All new values are put aside before the first is written.
    const made = graph.updates.map(u => clone(of(u.value)))
    graph.updates.forEach((u, i) => into(made[i], u.value, places[graph.externals.indexOf(u.external)]))
  }

  dispose(): void {}
}

function tell(callback: ((node: MonitoredNode) => void | Promise<void>) | undefined, node: MonitoredNode, waiting: Promise<void>[]): void {
  if (!callback) return
  const held: Tensor[] = []
  const own = (x: Tensor): Tensor => {
    if (!x.source.world) return x
    held.push(eager.hold(x))
    return held[held.length - 1]
  }
  const release = (): void => held.forEach(x => eager.release(x))
  let result: void | Promise<void>
  try {
    result = callback({ ...node, inputs: node.inputs.map(own), outputs: node.outputs.map(own) })
  } catch (error) {
    release()
    throw error
  }
  if (!(result instanceof Promise)) return release()
  const done = result.finally(release)
  // Until the whole call is queued nobody waits for it.
  done.catch(() => {})
  waiting.push(done)
}

/**
 * A monitor that looks for NaN in what each node gives, and throws (or calls `found`) at the first, with its line and the ranges of its inputs.
 * Slow and exact; `nanGuard` is the fast way. As `theano.compile.monitormode.detect_nan`.
 *
 * @example
 * const f = compile(x => x.log().mul(2), { monitor: detectNan(node => console.log(node.op)) })
 * f(tensor([1, -1])) // prints log, mul
 * f(tensor([1, 2])).shape // → [ 2 ]
 */
export function detectNan(found?: (node: MonitoredNode) => void): Monitor {
  const report = (node: MonitoredNode, inputs: readonly ArrayLike<number>[]): void => {
    if (found) return found(node)
    const lines = node.inputs.map((x, i) => `  input ${i}: ${x.source.world ? `${typeOf(x)} ${rangeText(rangeOf(Array.from(inputs[i])))}` : `the number ${String(x.constant)}`}`)
    throw new LampasError('detectNan', [`${node.op}${node.line ? ` ${node.line}` : ''} gives NaN`, ...lines, `  result: ${node.outputs.map(typeOf).join(', ')}`].join('\n'), "compile(fn, { mode: 'nanGuard' }) looks for NaN at a fraction of the cost")
  }
  const holdsNan = (values: ArrayLike<number>): boolean => Array.prototype.some.call(values, Number.isNaN)
  const real = (list: readonly Tensor[]): Tensor[] => list.filter(x => x.source.world)
  const floats = (node: MonitoredNode): Tensor[] => node.outputs.filter(x => isFloat(x.dtype))
  const later = async (node: MonitoredNode): Promise<void> => {
    // All reads begin before the first is waited for.
    const [outputs, inputs] = await Promise.all([Promise.all(floats(node).map(x => x.data())), Promise.all(node.inputs.map(x => (x.source.world ? x.data() : [])))])
    if (outputs.some(holdsNan)) report(node, inputs)
  }
  return {
    after(node) {
      const backend = real([...node.outputs, ...node.inputs]).map(x => (x.source as Storage).backend)[0]
      if (!backend?.readSync) return later(node)
      if (floats(node).some(x => holdsNan(x.dataSync()))) report(node, node.inputs.map(x => (x.source.world ? x.dataSync() : [])))
    },
  }
}
