// Gradients of parts of one tensor. PyTorch writes each into zeros of the whole and adds these up, which makes a loop over T steps of a
// sequence cost T² memory traffic; here parts that lie side by side are joined once.
import { zeros } from '../ops/creation.ts'
import { cat, unsqueeze } from '../ops/movement.ts'
import { selectOp, sliceOp } from '../ops/movement-ops.ts'
import { add } from '../ops/pointwise.ts'
import type { GradNode } from '../ops/gradnode.ts'
import type { Op } from '../ops/op.ts'
import type { Tensor } from '../ops/tensor.ts'

/** The gradient of what a movement showed of a tensor. */
export interface Part {
  readonly node: GradNode
  readonly g: Tensor
}

/** Where a part lies along an axis. */
interface Place {
  readonly axis: number
  readonly start: number
  readonly g: Tensor
}

const paramsOf = <P>({ op, params }: GradNode, of: Op<P>): P | null => (op === (of as Op) ? (params as P) : null)

/** True for entries of which the gradient may wait until its neighbours are there. */
export const isPart = ({ op, params }: GradNode): boolean => op === (selectOp as Op) || (op === (sliceOp as Op) && (params as { step: number }).step === 1)

function placeOf({ node, g }: Part): Place {
  const one = paramsOf(node, selectOp)
  if (one) return { axis: one.axis, start: one.index, g: unsqueeze(g, one.axis) }
  const { axis, start } = paramsOf(node, sliceOp)!
  return { axis, start, g }
}

const alone = ({ node, g }: Part): Tensor => node.op.vjp!([g], { params: node.params, inputs: [], outputs: [], shapes: node.inputShapes, needs: [true] })[0]!

/** The gradient of the whole. */
export function joined(parts: readonly Part[]): Tensor {
  const [first] = parts
  if (parts.length === 1) return alone(first)
  const [shape] = first.node.inputShapes
  const places = parts.map(placeOf).sort((a, b) => a.start - b.start)
  const { axis } = places[0]
  const gap = (from: number, to: number): Tensor[] => (to > from ? [zeros(shape.with(axis, to - from), { dtype: first.g.dtype })] : [])
  const pieces: Tensor[] = []
  let at = 0
  for (const { axis: own, start, g } of places) {
    if (own !== axis || start < at) return parts.map(alone).reduce((a, b) => add(a, b))
    pieces.push(...gap(at, start), g)
    at = start + g.shape[axis]
  }
  return cat([...pieces, ...gap(at, shape[axis])], axis)
}
