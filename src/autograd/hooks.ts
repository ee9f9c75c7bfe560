// Hooks: the program's own code that sees gradients on their way and may put others in their places. They hang on the tape, at an entry or at
// a leaf, where the engine calls them. A tensor that is changed in place has another entry behind it, so what was registered before sees
// the gradient of what it was before.
import { fail, needFunction } from '../core/errors.ts'
import { sameShape } from '../core/shape.ts'
import type { Edge, GradHook, GradNode, Hooks } from '../ops/gradnode.ts'
import type { Op } from '../ops/op.ts'
import { Tensor } from '../ops/tensor.ts'
import { world } from '../ops/world.ts'
import { gatherInto } from './engine.ts'
import { isGradEnabled } from './mode.ts'
import { comeFrom, edgeOf, entry, linked } from './tape.ts'

/** Takes a hook away again. */
export interface HookHandle {
  remove(): void
  [Symbol.dispose](): void
}

export const handleOf = (remove: () => void): HookHandle => ({ remove, [Symbol.dispose]: remove })

const none: Hooks = { before: [], after: [] }

function hang(at: GradNode | Tensor, when: keyof Hooks, hook: GradHook): HookHandle {
  const put = (change: (list: readonly GradHook[]) => readonly GradHook[]): void => {
    const hooks: Hooks = { ...(at.hooks ?? none), [when]: change((at.hooks ?? none)[when]) }
    at.hooks = hooks.before.length + hooks.after.length > 0 ? hooks : null
  }
  put(list => [...list, hook])
  return handleOf(() => put(list => list.filter(h => h !== hook)))
}

const flowing = (op: string, x: Tensor): NonNullable<Edge> =>
  edgeOf(x) ?? fail(op, `${x} does not require a gradient`, 'mark leaves with {requiresGrad: true} or use nn.Parameter, and compute outside noGrad()')

/** Another handle on a gradient, with its history if that is recorded: hooks may keep it, whatever becomes of the one that the walk owns. */
export const shown = (g: Tensor): Tensor => (isGradEnabled() ? linked(world().alias(g), g) : world().alias(g))

/** A gradient of the walk, or what a hook gave in its place. */
export function instead(op: string, g: Tensor | null, given: unknown): Tensor | null {
  if (given === undefined || given === null) return g
  if (!g || !(given instanceof Tensor && given.dtype === g.dtype && sameShape(given.shape, g.shape)))
    fail(op, `the hook gave ${given instanceof Promise ? 'a promise' : String(given)} in place of ${g ? `the gradient ${g}` : 'no gradient'}`, 'return a tensor of the same shape and dtype, or nothing to leave the gradient as it is')
  const other = shown(given)
  world().release(g)
  return other
}

/**
 * Calls `hook` with the gradient of this tensor whenever one is computed, by `backward()` or `grad()`. A tensor that it returns takes the
 * gradient's place. Hooks are called in the order of their registration, and see what those before them made of it. As `torch.Tensor.register_hook`.
 *
 * @throws LampasError when the tensor does not require a gradient.
 * @example
 * const x = tensor([1, 2], { requiresGrad: true })
 * const y = x.mul(3)
 * let seen
 * y.registerHook(g => { seen = g })
 * const handle = x.registerHook(g => g.clamp(-1, 1))
 * y.square().sum().backward()
 * seen // → tensor([ 6., 12.])
 * x.grad // → tensor([1., 1.])
 * handle.remove()
 */
export function registerHook(input: Tensor, hook: (grad: Tensor) => Tensor | null | undefined | void): HookHandle {
  needFunction('registerHook', hook)
  const edge = flowing('registerHook', input)
  const [at, index] = 'leaf' in edge ? [edge.leaf, 0] : [edge.node, edge.index]
  return hang(at, 'before', grads => {
    const g = grads[index]
    if (g) grads[index] = instead('registerHook', g, hook(shown(g)))
  })
}

/**
 * Calls `hook` with this leaf after its gradient was added to its `grad`, by `backward()` alone. It is called as soon as nothing more can flow to
 * the leaf, so that a step for one parameter can be done, and its gradient forgotten, before the next one is computed.
 * As `torch.Tensor.register_post_accumulate_grad_hook`.
 *
 * @throws LampasError when the tensor is no leaf that requires a gradient.
 * @example
 * const w = tensor([1, 2], { requiresGrad: true })
 * w.registerPostAccumulateGradHook(w => {
 *   noGrad(() => w.sub_(w.grad.mul(0.1)))
 *   w.grad = null
 * })
 * w.square().sum().backward()
 * w // → tensor([0.8000, 1.6000], requiresGrad=true)
 */
export function registerPostAccumulateGradHook(input: Tensor, hook: (leaf: Tensor) => void): HookHandle {
  needFunction('registerPostAccumulateGradHook', hook)
  const edge = flowing('registerPostAccumulateGradHook', input)
  if (!('leaf' in edge)) fail('registerPostAccumulateGradHook', `${input} is not a leaf, so no gradient gathers in it`, 'use registerHook, or retainGrad() before')
  return hang(edge.leaf, 'after', (_, leaf) => hook(leaf as Tensor))
}

/**
 * Gathers the gradient of this tensor in its `grad`, as that of leaves, whenever one is computed. Other hooks come first, and after a change in
 * place it is the gradient of the new values. As `torch.Tensor.retain_grad`.
 *
 * @throws LampasError when the tensor does not require a gradient.
 * @example
 * const y = tensor([1, 2], { requiresGrad: true }).mul(3)
 * y.retainGrad()
 * y.square().sum().backward()
 * y.grad // → tensor([ 6., 12.])
 */
export function retainGrad(input: Tensor): void {
  const edge = flowing('retainGrad', input)
  if ('leaf' in edge || input.hooks) return
  const hook: GradHook = (grads, at) => {
    const g = grads[input.gradIndex]
    if (g && input.gradFn === at) gatherInto(input, shown(g), isGradEnabled())
  }
  hang(edge.node, 'after', hook)
  input.hooks = { before: [], after: [hook] }
}

const jointOp: Op<null> = { name: 'hook', infer: inputs => [...inputs], vjp: grads => [...grads], saves: 'nothing' }

/** The same tensors as outputs of one entry, so that a hook has the gradients of all of them at once. */
export function joint(tensors: readonly Tensor[], hook: GradHook): Tensor[] {
  const node = entry(jointOp, tensors.map(edgeOf), tensors, tensors.length, null)
  hang(node, 'before', hook)
  return tensors.map((x, i) => {
    const y = world().alias(x)
    y.base = x.base ?? x
    comeFrom(y, node, i)
    return y
  })
}
