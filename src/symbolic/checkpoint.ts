// Gradient checkpointing (Chen et al. 2016): a piece of a computation keeps its inputs alone and is computed again for its derivative.
import { fail, needFunction } from '../core/errors.ts'
import { isDifferentiable } from '../core/dtype.ts'
import { grad } from '../autograd/engine.ts'
import { enableGrad, isGradEnabled, noGrad } from '../autograd/mode.ts'
import { edgeOf, forget } from '../autograd/tape.ts'
import { apply1 } from '../ops/define.ts'
import type { GradNode } from '../ops/gradnode.ts'
import { Tensor, zerosLike } from '../ops/index.ts'
import { copy_ } from '../ops/inplace.ts'
import { ruled } from '../ops/linalg/tools.ts'
import { expandOp } from '../ops/movement-ops.ts'
import { defaultGenerator } from '../ops/random.ts'
import { call, mentions, type AnyFunction } from './expression.ts'

type Piece = (...inputs: Tensor[]) => Tensor

/** x as an entry of the tape from which a piece begins. */
export const start = (x: Tensor): Tensor => apply1(expandOp, [x.requiresGrad ? x : x.detach().requiresGrad_()], { shape: x.shape })

/** The leaves that results depend on besides what begins at `first`; gives back what the tape of the piece saved. */
export function leavesOf(results: readonly Tensor[], inputs: readonly Tensor[], first: number): Tensor[] {
  const leaves = new Set<Tensor>()
  const seen = new Set<GradNode | null>(inputs.map(x => x.gradFn))
  const stack = results.map(edgeOf)
  while (stack.length) {
    const edge = stack.pop()
    if (!edge) continue
    if ('leaf' in edge) leaves.add(edge.leaf)
    else if (!seen.has(edge.node)) {
      seen.add(edge.node)
      if (edge.node.order < first) fail('checkpoint', 'the function uses a tensor that was computed outside from others that require a gradient', 'pass it as an argument (to a loop with checkpoints, as one of nonSequences)')
      stack.push(...edge.node.edges)
      forget(edge.node)
    }
  }
  return [...leaves]
}

interface Params {
  readonly fn: Piece
  readonly count: number
  readonly leaves: readonly Tensor[]
  readonly drew: boolean
}

const again = ruled<Params>('checkpoint', (g, _, saved, { params: { fn, count, leaves, drew } }) => {
  const generator = defaultGenerator()
  const now = drew ? generator.state.clone() : null
  if (drew) noGrad(() => copy_(generator.state, saved[count + leaves.length]))
  const inputs = saved.slice(0, count)
  // A derivative that is to be differentiated again is a piece itself, which stops at its inputs too.
  const rule = (i: number): Piece => (gradient, ...xs) => gradients(fn(...xs), gradient, [i < count ? xs[i] : leaves[i - count]], true)[0] ?? zerosLike(saved[i])
  const wanted = (i: number): boolean => i < count + leaves.length && isDifferentiable(saved[i].dtype)
  const found = isGradEnabled()
    ? saved.map((_x, i) => (wanted(i) ? checkpointed(rule(i), [g, ...inputs]) : null))
    : enableGrad(() => {
        const xs = inputs.map(x => (isDifferentiable(x.dtype) ? start(x.detach()) : x))
        const all = [...xs, ...leaves]
        const list = gradients(fn(...xs), g, all.filter(x => x.requiresGrad), false)
        return saved.map((_x, i) => (wanted(i) ? list[all.filter(x => x.requiresGrad).indexOf(all[i])] : null))
      })
  if (now) noGrad(() => copy_(generator.state, now))
  return found
})

const gradients = (y: Tensor, g: Tensor, wanted: readonly Tensor[], createGraph: boolean): (Tensor | null)[] =>
  y.requiresGrad ? grad(y, wanted, { gradOutputs: g, createGraph, allowUnused: true }) : wanted.map(() => null)

function checkpointed(fn: Piece, inputs: readonly Tensor[]): Tensor {
  if (!isGradEnabled()) return fn(...inputs)
  const generator = defaultGenerator()
  const before = generator.state.clone()
  const { version } = generator.state.source
  const xs = inputs.map(x => (isDifferentiable(x.dtype) ? start(x.detach()) : x))
  const first = Math.min(Infinity, ...xs.map(x => x.gradFn?.order ?? Infinity))
  const y = fn(...xs)
  if (!(y instanceof Tensor)) fail('checkpoint', `the function gave ${String(y)}`, 'return one tensor')
  const drew = generator.state.source.version !== version
  const leaves = leavesOf([y], xs, first)
  return again(y, [...inputs, ...leaves, ...(drew ? [before] : [])], { fn, count: inputs.length, leaves, drew })
}

/**
 * The function, which for its derivative keeps nothing but its inputs and computes the rest again: less memory for one more forward pass.
 * Parameters that it uses get their gradients; random numbers of the second pass are those of the first. In compiled code equal work is
 * done once, so there the values are the same and the memory is the plan's to save. As `torch.utils.checkpoint`.
 *
 * @throws LampasError when the function uses a tensor computed outside that requires a gradient, or gives anything but one tensor.
 * @example
 * const w = tensor([2, 3], { requiresGrad: true })
 * const block = symbolic.checkpoint(x => x.mul(w).tanh().exp())
 * block(tensor([0, 0])).sum().backward()
 * w.grad // → tensor([0., 0.])
 */
export function checkpoint(fn: Piece): Piece {
  needFunction('checkpoint', fn)
  return (...inputs) => {
    if (mentions(inputs)) return call('checkpoint', ((...values: Tensor[]) => checkpointed(fn, values)) as unknown as AnyFunction, inputs)
    return checkpointed(fn, inputs)
  }
}
