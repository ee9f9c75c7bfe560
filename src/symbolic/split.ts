// Both sides of a branch as one node of the graph that is being traced. Each side is traced by itself; what it uses of the surrounding trace
// becomes an input of the node. The derivative is again such a node, over the same inputs and the cotangents.
import { isDifferentiable } from '../core/dtype.ts'
import { LampasError, fail, internal } from '../core/errors.ts'
import { sameShape } from '../core/shape.ts'
import { contiguousView } from '../core/view.ts'
import { grad } from '../autograd/engine.ts'
import { enableGrad, isGradEnabled } from '../autograd/mode.ts'
import { currentBackend } from '../eager/device.ts'
import { handleOn, Storage } from '../eager/storage.ts'
import { branchOp, type BranchParams } from '../graph/branch.ts'
import { liveNodes } from '../graph/graph.ts'
import { Body } from '../graph/loop.ts'
import { optimize } from '../graph/passes/index.ts'
import { Trace, type Traced } from '../graph/trace.ts'
import { apply1 } from '../ops/define.ts'
import { expandOp } from '../ops/movement-ops.ts'
import type { Op } from '../ops/op.ts'
import { type Tensor, zerosLike } from '../ops/index.ts'
import { world } from '../ops/world.ts'
import { blank } from './expression.ts'
import { leavesOf } from './repeat.ts'

/** What a side computes of the given tensors, and of others that it reaches by itself. */
export type Side = (given: readonly Tensor[]) => readonly Tensor[]
type Sides = readonly [Side, Side]

/** A trace inside of another one, whose values are arguments here. */
class Inner extends Trace {
  private readonly own = new Map<Tensor, Tensor>()

  constructor(
    /** The values of the outer trace, in the order of the inputs. */
    private readonly outer: Tensor[],
  ) {
    super(currentBackend())
    for (const x of outer) this.take(x)
  }

  /** The tensor of this trace that stands for one of the outer trace. */
  take(x: Tensor): Tensor {
    if (x.source.world === null || x.source.world === this || x.source instanceof Storage) return x
    let y = this.own.get(x)
    if (!y) {
      let at = this.outer.indexOf(x)
      if (at < 0) at = this.outer.push(x) - 1
      y = this.argument(blank(x.dtype, x.shape), at)
      if (x.requiresGrad) y.requiresGrad_()
      this.own.set(x, y)
    }
    return y
  }

  /** Runs code with other tensors of this trace in the places of outer ones. */
  with<T>(xs: readonly Tensor[], ys: readonly Tensor[], make: () => T): T {
    const before = xs.map(x => this.own.get(x))
    xs.forEach((x, i) => this.own.set(x, ys[i]))
    try {
      return make()
    } finally {
      before.forEach((y, i) => (y ? this.own.set(xs[i], y) : this.own.delete(xs[i])))
    }
  }

  override apply<P>(op: Op<P>, inputs: readonly Tensor[], params: P): Tensor[] {
    return super.apply(op, inputs.map(x => this.take(x)), params)
  }

  override assign<P>(op: Op<P>, targets: readonly Tensor[], inputs: readonly Tensor[], params: P): void {
    for (const t of targets) if (t !== this.take(t)) fail('ifelse', `a branch changes ${t} in place, which the code around it has made`, 'return the new value from the branch')
    super.assign(op, targets, inputs.map(x => this.take(x)), params)
  }

  override alias(x: Tensor): Tensor {
    return super.alias(this.take(x))
  }
}

/** A traced side; null where it does more than compute. */
function traced(side: Side, given: readonly Tensor[], outer: Tensor[]): { traced: Traced; results: readonly Tensor[]; leaves: readonly Tensor[] } | null {
  const trace = new Inner(outer)
  const { traced, result } = trace.run(() => enableGrad(() => side(given.map(x => trace.take(x))).map(y => trace.take(y))), ys => ys)
  const pure = traced.graph.updates.length === 0 && traced.after.length === 0 && traced.argumentGrads.length === 0 && traced.grads.length === 0
  return pure ? { traced, results: result, leaves: leavesOf(result, trace) } : null
}

/**
 * The results of the side that the condition, one bool, picks, as one node; null where a side does more than compute (draws random numbers,
 * changes memory, shows values), where the sides differ in what they give, or where there is nothing to spare.
 */
export function split(condition: Tensor, sides: Sides, given: readonly Tensor[] = [], derivative = false): Tensor[] | null {
  try {
    const outer = [...given]
    const [a, b] = sides.map(side => traced(side, given, outer))
    if (!a || !b || a.results.length !== b.results.length) return null
    if (!a.results.every((y, i) => y.dtype === b.results[i].dtype && sameShape(y.shape, b.results[i].shape))) return null
    if (!derivative && liveNodes(a.traced.graph).length + liveNodes(b.traced.graph).length === 0) return null
    const captured: Storage[] = []
    const tensors: Tensor[] = []
    const usesOf = ({ externals }: Traced): number[] => externals.map(({ argument, storage, value }) => {
      if (argument !== null) return argument
      let at = captured.indexOf(storage)
      if (at < 0) {
        at = captured.push(storage) - 1
        tensors.push(handleOn(storage, contiguousView(value.dtype, value.shape), false))
      }
      return outer.length + at
    })
    const uses = [usesOf(a.traced), usesOf(b.traced)] as const
    for (const { guards } of [a.traced, b.traced]) for (const { read } of guards) world().observe(read)
    const leaves = [...new Set([...a.leaves, ...b.leaves])]
    const rule = derivativeOf(sides, given.length, outer, leaves, outer.length + tensors.length)
    const body = ({ traced: { graph } }: NonNullable<typeof a>): Body<BranchParams> => new Body(optimize(graph, {}).graph, rule)
    return world().apply(branchOp, [condition, ...outer, ...tensors, ...leaves], { sides: [body(a), body(b)], uses })
  } catch (error) {
    if (error instanceof LampasError && !derivative) return null
    throw error
  }
}

/** `outer` are the inputs behind the condition that may have a gradient; leaves that the sides use by themselves are the last ones. */
const derivativeOf = (sides: Sides, given: number, outer: readonly Tensor[], leaves: readonly Tensor[], first: number): Body<BranchParams>['derivative'] => (grads, { inputs: [condition, ...inputs], needs }) => {
  const wanted = [...outer.keys(), ...leaves.map((_, i) => first + i)].filter(i => needs[i + 1] && isDifferentiable(inputs[i].dtype))
  const flows = [...grads.keys()].filter(i => grads[i])
  const again = isGradEnabled()
  const back = (side: Side): Side => args => {
    const [gs, rest] = [args.slice(0, flows.length), args.slice(flows.length)]
    const deep = again || args.some(x => x.requiresGrad)
    const leaf = (x: Tensor): Tensor => (x.requiresGrad ? apply1(expandOp, [x], { shape: x.shape }) : isDifferentiable(x.dtype) ? x.detach().requiresGrad_() : x)
    return enableGrad(() => {
      const xs = rest.map(leaf)
      const inner = world()
      if (!(inner instanceof Inner)) return internal('the derivative of a branch is traced by itself')
      const ys = inner.with(outer, xs, () => side(xs.slice(0, given)).map(y => inner.take(y)))
      const found = flows.map((i, k) => ({ y: ys[i], g: gs[k] })).filter(f => f.y.requiresGrad)
      const targets = wanted.map(i => (i < outer.length ? xs[i] : leaves[i - first]))
      const flowing = found.length ? grad(found.map(f => f.y), targets, { gradOutputs: found.map(f => f.g), createGraph: deep, retainGraph: true, allowUnused: true }) : []
      return targets.map((x, i) => flowing[i] ?? zerosLike(x))
    })
  }
  const found = split(condition, [back(sides[0]), back(sides[1])], [...flows.map(i => grads[i]!), ...inputs.slice(0, outer.length)], true) ?? internal('a branch that could be traced has a derivative that cannot')
  return [null, ...inputs.map((_, i) => found[wanted.indexOf(i)] ?? null)]
}
