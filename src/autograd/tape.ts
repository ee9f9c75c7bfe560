// The tape: one entry for each recorded op, linked to the entries of its inputs. Both worlds record through here.
// In-place changes and views follow PyTorch: a changed view rewrites the history of its base ("copy slices"), and a view whose
// base was changed takes its history from the base again.
import { isDifferentiable } from '../core/dtype.ts'
import { fail } from '../core/errors.ts'
import type { Edge, GradNode, SavedValues } from '../ops/gradnode.ts'
import type { Op } from '../ops/op.ts'
import { clone } from '../ops/pointwise.ts'
import { asStridedOp, stridedIn, writeStridedOp } from '../ops/strided.ts'
import type { Tensor } from '../ops/tensor.ts'
import { isGradEnabled, noGrad } from './mode.ts'

let counter = 0
const nothing: SavedValues = { inputs: [], outputs: [], versions: [], held: [] }

/** Where the gradient of x flows, or null. */
export function edgeOf(x: Tensor): Edge {
  if (!x.requiresGrad) return null
  if (x.base && x.gradVersion !== x.source.version && x.base.requiresGrad) {
    const base = x.base
    comeFrom(x, entry(asStridedOp, [edgeOf(base)], [base], 1, stridedIn(base.layout, x.layout)))
  }
  return x.gradFn ? { node: x.gradFn, index: x.gradIndex } : { leaf: x.origin ?? x }
}

export const entry = <P>(op: Op<P>, edges: readonly Edge[], inputs: readonly Tensor[], outputCount: number, params: P, saved: SavedValues = nothing): GradNode => ({
  op: op as Op,
  params,
  edges,
  inputShapes: inputs.map(x => x.shape),
  inputDtypes: inputs.map(x => x.dtype),
  outputCount,
  saved,
  hooks: null,
  order: ++counter,
})

/** Makes output `index` of an entry the history of x. */
export function comeFrom(x: Tensor, node: GradNode, index = 0): void {
  x.gradFn = node
  x.gradIndex = index
  x.gradVersion = x.source.version
  if (x.hooks) node.hooks = x.hooks
}

/** What a recorded op must remember from before it ran. */
export interface Pending {
  readonly edges: readonly Edge[]
}

/** Call before the op runs; null when it will not be recorded. */
export function beforeOp<P>(op: Op<P>, inputs: readonly Tensor[]): Pending | null {
  if (!isGradEnabled() || !op.vjp) return null
  let any = false
  for (const x of inputs) if (x.requiresGrad) any = true
  return any ? { edges: inputs.map(edgeOf) } : null
}

/** Call after the op ran with what `beforeOp` gave: links the outputs to a new entry. */
export function afterOp<P>(pending: Pending, op: Op<P>, inputs: readonly Tensor[], outputs: readonly Tensor[], params: P): void {
  const node = entry(op, pending.edges, inputs, outputs.length, params)
  outputs.forEach((y, i) => {
    if (isDifferentiable(y.dtype)) comeFrom(y, node, i)
  })
  node.saved = saved(op, savesInputs(op) ? inputs.map(x => keep(x)) : [], outputs)
}

const savesInputs = (op: Op<never>): boolean => op.saves === 'inputs' || op.saves === 'both'

/** A handle on `values` that no scope frees, with the history of x. */
function keep(x: Tensor, values = x): Tensor {
  if (!x.source.world) return x
  const h = linked(x.source.world.hold(values), x)
  h.base = x.base
  return h
}

/** A handle with the history of x. */
export function linked(handle: Tensor, x: Tensor): Tensor {
  handle.gradFn = x.gradFn
  handle.gradIndex = x.gradIndex
  handle.gradVersion = x.gradVersion
  if (x.requiresGrad && !x.gradFn) {
    handle.requiresGrad_()
    handle.origin = x.origin ?? x
  }
  return handle
}

/** What x holds now, for an op that is about to overwrite it. */
function keepCopy(x: Tensor): Tensor {
  const copy = noGrad(() => clone(x))
  const h = keep(x, copy)
  copy.dispose()
  return h
}

function saved(op: Op<never>, inputs: readonly Tensor[], results: readonly Tensor[]): SavedValues {
  if (op.saves === 'nothing') return nothing
  const outputs = op.saves === 'inputs' ? [] : results.map(y => keep(y))
  const held = [...inputs, ...outputs]
  return { inputs, outputs, held, versions: held.map(h => h.source.version) }
}

/** What an in-place change must remember from before it ran. */
export interface PendingWrite extends Pending {
  readonly inputs: readonly Tensor[]
  readonly base: Edge
}

/** Call before an in-place op; throws when the target may not be changed. */
export function beforeWrite<P>(op: Op<P>, target: Tensor, inputs: readonly Tensor[]): PendingWrite | null {
  if (!isGradEnabled()) return null
  const leaf = target.base ?? target
  if (leaf.requiresGrad && leaf.gradFn === null)
    fail(`${op.name}_`, `${target} is ${target.base ? 'a view of ' : ''}a leaf that requires a gradient, so it cannot be changed in place while ops are recorded`, 'wrap the change in noGrad(() => …), or use the form without _')
  if (!isDifferentiable(target.dtype)) return null
  if (!target.requiresGrad && !(op.vjp && inputs.some(x => x.requiresGrad))) return null
  return {
    edges: inputs.map(edgeOf),
    inputs: savesInputs(op) ? inputs.map(x => (x.source === target.source ? keepCopy(x) : keep(x))) : [],
    base: target.base ? edgeOf(target.base) : null,
  }
}

/** Call after an in-place op ran and the version of the target's memory was raised. */
export function afterWrite<P>(pending: PendingWrite | null, op: Op<P>, target: Tensor, inputs: readonly Tensor[], params: P): void {
  if (!pending) return
  const node = entry(op, pending.edges, inputs, 1, params)
  const base = target.base
  if (base) comeFrom(base, entry(writeStridedOp, [pending.base, { node, index: 0 }], [base, target], 1, stridedIn(base.layout, target.layout)))
  comeFrom(target, node)
  node.saved = saved(op, pending.inputs, [target])
}

/** Gives back what the entry saved. */
export function forget(node: GradNode): void {
  if (!node.saved || node.saved === nothing) return
  for (const h of node.saved.held) h.source.world?.release(h)
  node.saved = null
}
