// Both sides of a branch as one node of the graph that is being traced. Each side is traced by itself; what it uses of the surrounding trace
// becomes an input of the node. The derivative is again such a node, over the same inputs and the cotangents.
import { dtypeOfNumber, isDifferentiable, type DType } from '../core/dtype.ts'
import { fail, internal } from '../core/errors.ts'
import { sameShape, type Shape } from '../core/shape.ts'
import { contiguousView } from '../core/view.ts'
import { grad } from '../autograd/engine.ts'
import { enableGrad, isGradEnabled, noGrad } from '../autograd/mode.ts'
import { handleOn, type Storage } from '../eager/storage.ts'
import { branchOp, type BranchParams } from '../graph/branch.ts'
import { liveNodes } from '../graph/graph.ts'
import { Body } from '../graph/loop.ts'
import type { Traced } from '../graph/trace.ts'
import { cast } from '../ops/cast.ts'
import { apply1 } from '../ops/define.ts'
import { expandOp } from '../ops/movement-ops.ts'
import type { Meta } from '../ops/op.ts'
import { pointwiseOps } from '../ops/pointwise-record.ts'
import { clone, type Tensor, zerosLike } from '../ops/index.ts'
import { copy_ } from '../ops/inplace.ts'
import { world } from '../ops/world.ts'
import { Inner, type Written } from './inner.ts'
import { leavesOf } from './repeat.ts'

/** What a side computes of the given tensors, and of others that it reaches by itself. */
export type Side = (given: readonly Tensor[]) => readonly Tensor[]
type Sides = readonly [Side, Side]
/** Why a branch is a node even if it spares nothing. */
type Why = 'writes' | 'derivative' | null
/** Of a result the plain numbers that the sides give for it, or null. */
type Plain = (i: number) => readonly [number | null, number | null]

interface TracedSide {
  readonly trace: Inner
  readonly traced: Traced
  readonly results: readonly Tensor[]
  readonly leaves: readonly Tensor[]
}

function traced(side: Side, given: readonly Tensor[], outer: Tensor[]): TracedSide {
  const trace = new Inner(outer)
  const { traced, result } = trace.run(() => enableGrad(() => side(given.map(x => trace.take(x))).map(y => trace.take(y))), ys => ys)
  if (traced.grads.length + traced.argumentGrads.length > 0) fail('ifelse', 'a branch gathers gradients', 'return the loss, and call backward() behind the branch')
  return { trace, traced, results: result, leaves: leavesOf(result, trace) }
}

/** What either side writes to. */
function writtenBy(sides: readonly TracedSide[], outer: readonly Tensor[]): Written | null {
  const all = sides.flatMap(({ traced: { graph: { updates }, externals } }) => updates.map(u => externals.find(e => e.value === u.external)!))
  const memories = new Map(all.flatMap(e => (e.argument === null ? [[e.storage, e.value.dtype] as const] : [])))
  const values = new Set(all.flatMap(e => (e.argument === null ? [] : [outer[e.argument]])))
  const handles = [...memories].map(([storage, dtype]) => handleOn(storage, contiguousView(dtype, [storage.room(dtype)]), false))
  return all.length === 0 ? null : { memories: [...memories.keys()], handles, values: [...values] }
}

/** The sides without effects, then those: what they write to is the old or the new, as the results are. */
function splitWriting(condition: Tensor, sides: Sides, given: readonly Tensor[], written: Written, why: Why): Tensor[] {
  const targets = [...written.handles, ...written.values]
  const pure = (side: Side): Side => args => {
    const inner = world()
    return inner instanceof Inner ? inner.writing(written, args.slice(given.length), () => side(args.slice(0, given.length))) : internal('a side is traced by itself')
  }
  const before = noGrad(() => targets.map(t => clone(t)))
  const found = split(condition, [pure(sides[0]), pure(sides[1])], [...given, ...before], why ?? 'writes') ?? internal('sides that write show no values')
  const count = found.length - targets.length
  targets.forEach((t, i) => (i < written.memories.length ? noGrad(() => copy_(t, found[count + i])) : copy_(t, found[count + i])))
  return found.slice(0, count)
}

/** What both sides can give, as `where` has it; null where they give that. A plain number has no shape of its own. */
function agreed([a, b]: readonly TracedSide[], plain: Plain): readonly Meta[] | null {
  if (a.results.length !== b.results.length) fail('ifelse', `the branches give ${a.results.length} and ${b.results.length} results`, 'give as many in both')
  const metas = a.results.map((x, i): Meta => {
    const y = b.results[i]
    const [left, right] = plain(i)
    if (left === null && right === null && !sameShape(x.shape, y.shape))
      fail('ifelse', `the branches give result ${i} as ${x} and as ${y}, and compiled code must know its shape`, 'bring both to one shape, with expand(), pad() or cat()')
    const metaOf = ({ dtype, shape }: Tensor, number: number | null): Meta => (number === null ? { dtype, shape } : { dtype: dtypeOfNumber(number), shape: [], constant: number })
    return pointwiseOps.get('where')!.infer([{ dtype: 'bool', shape: [] }, metaOf(x, left), metaOf(y, right)], null)[0]
  })
  const fits = (side: TracedSide): boolean => side.results.every((y, i) => y.dtype === metas[i].dtype && sameShape(y.shape, metas[i].shape))
  return fits(a) && fits(b) ? null : metas
}

/**
 * The results of the side that the condition, one bool, picks, as one node; and what that side writes, which includes the state of random
 * numbers. Null where a side shows values, or where there is nothing to spare, unless there is a reason why it must be a node.
 */
export function split(condition: Tensor, sides: Sides, given: readonly Tensor[] = [], why: Why = null, plain: Plain = () => [null, null]): Tensor[] | null {
  const outer = [...given]
  const both = sides.map(side => traced(side, given, outer))
  if (both.some(s => s.traced.after.length > 0)) return null
  const metas = agreed(both, plain)
  if (metas) {
    const fitted = (side: Side): Side => xs => side(xs).map((y, i) => cast(y, metas[i].dtype).expand(...metas[i].shape))
    return split(condition, [fitted(sides[0]), fitted(sides[1])], given, why)
  }
  const written = writtenBy(both, outer)
  if (written) return splitWriting(condition, sides, given, written, why)
  if (!why && both.every(s => liveNodes(s.traced.graph).length === 0)) return null
  const captured: { readonly storage: Storage; readonly dtype: DType; readonly shape: Shape }[] = []
  const usesOf = ({ traced: { externals } }: TracedSide): number[] => externals.map(({ argument, storage, value }) => {
    if (argument !== null) return argument
    const at = captured.findIndex(c => c.storage === storage && sameShape(c.shape, value.shape))
    return outer.length + (at >= 0 ? at : captured.push({ storage, shape: value.shape, dtype: value.dtype }) - 1)
  })
  const [a, b] = both
  const uses = [usesOf(a), usesOf(b)] as const
  const tensors = captured.map(({ storage, dtype, shape }) => handleOn(storage, contiguousView(dtype, shape), false))
  for (const { traced: { guards } } of both) for (const { read } of guards) world().observe(read)
  const leaves = [...new Set([...a.leaves, ...b.leaves])]
  const rule = derivativeOf(sides, given.length, outer, leaves, outer.length + tensors.length)
  const body = ({ trace, traced: { graph } }: TracedSide): Body<BranchParams> => new Body(trace.rewritten(graph, why === 'derivative'), rule)
  return world().apply(branchOp, [condition, ...outer, ...tensors, ...leaves], { sides: [body(a), body(b)], uses })
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
  const found = split(condition, [back(sides[0]), back(sides[1])], [...flows.map(i => grads[i]!), ...inputs.slice(0, outer.length)], 'derivative') ?? internal('a branch that could be traced has a derivative that cannot')
  return [null, ...inputs.map((_, i) => found[wanted.indexOf(i)] ?? null)]
}
