// Hooks on modules: the program's own code that sees what modules are given and give, and the gradients of both, and may put others in their
// places. A module with hooks has a `forward` of its own before that of its class, so those without pay nothing.
import { handleOf, instead, joint, shown, type HookHandle } from '../autograd/hooks.ts'
import { isGradEnabled } from '../autograd/mode.ts'
import { fail, needFunction } from '../core/errors.ts'
import { tensorsIn } from '../eager/storage.ts'
import { rebuild } from '../graph/arguments.ts'
import { moduleHooks } from '../graph/trace.ts'
import type { Tensor } from '../ops/index.ts'
import { Module } from './module.ts'

/** What `forward` of a module takes, and what it gives. */
export type InputsOf<M> = M extends { forward(...inputs: infer I): unknown } ? (I extends never[] ? unknown[] : I) : never
export type OutputOf<M> = M extends { forward(...inputs: never[]): infer R } ? R : never
/** Gradients of the tensors in a list of inputs or in an output, in their order; null for those that have none. */
export type Gradients = readonly (Tensor | null)[]

type Hook = (module: Module, ...what: unknown[]) => unknown
type Hooks = Readonly<Record<keyof ModuleHooks, Map<number, Hook>>>
const kinds: readonly (keyof ModuleHooks)[] = ['registerForwardPreHook', 'registerForwardHook', 'registerFullBackwardPreHook', 'registerFullBackwardHook']

const hooked = new WeakMap<Module, Hooks>()
let count = 0

function hang(module: Module, kind: keyof Hooks, hook: (...what: never[]) => unknown): HookHandle {
  needFunction(kind, hook)
  let hooks = hooked.get(module)
  if (!hooks) hooked.set(module, (hooks = hookable(module)))
  const list = hooks[kind]
  const id = Math.imul(++count, 0x9e3779b1)
  list.set(id, hook as Hook)
  moduleHooks.state ^= id
  return handleOf(() => void (list.delete(id) && (moduleHooks.state ^= id)))
}

function hookable(module: Module): Hooks {
  const hooks = Object.fromEntries(kinds.map(kind => [kind, new Map()])) as unknown as Hooks
  const forward = module.forward as (...inputs: unknown[]) => unknown
  Object.defineProperty(module, 'forward', { value: (...inputs: unknown[]) => through(module, hooks, forward, inputs), configurable: true, writable: true })
  return hooks
}

function through(module: Module, hooks: Hooks, forward: (...inputs: unknown[]) => unknown, inputs: unknown[]): unknown {
  for (const hook of hooks.registerForwardPreHook.values()) {
    const given = hook(module, inputs)
    if (given !== undefined && given !== null) inputs = Array.isArray(given) ? given : [given]
  }
  const gates = isGradEnabled() && hooks.registerFullBackwardPreHook.size + hooks.registerFullBackwardHook.size > 0 ? gatesOf(module, hooks, inputs) : null
  if (gates) inputs = gates.inputs
  let output = forward.apply(module, inputs)
  for (const hook of hooks.registerForwardHook.values()) output = hook(module, inputs, output) ?? output
  return gates ? gates.leave(output) : output
}

/** Where gradients leave a module for its inputs, and where they come in at its output. */
function gatesOf(module: Module, hooks: Hooks, given: unknown[]): { inputs: unknown[]; leave(output: unknown): unknown } {
  let gradOutput: Gradients | null = null
  const leave = (gradInput: (Tensor | null)[]): void => {
    const came = gradOutput
    gradOutput = null
    if (came) exchange(hooks, 'registerFullBackwardHook', gradInput, (hook, grads) => hook(module, grads, came))
  }
  const inputs = gate(given, leave)
  return {
    inputs,
    leave: output => gate(output, grads => {
      exchange(hooks, 'registerFullBackwardPreHook', grads, (hook, shown) => hook(module, shown))
      gradOutput = grads.map(g => g && shown(g))
      if (inputs === given) leave(tensorsIn(given).map(() => null))
    }),
  }
}

/** A value with its tensors behind one entry of the tape, where `hook` gets the gradients of all; itself when nothing flows. */
function gate<T>(value: T, hook: (grads: (Tensor | null)[]) => void): T {
  const tensors = tensorsIn(value)
  const flowing = [...tensors.keys()].filter(i => tensors[i].requiresGrad)
  if (flowing.length === 0) return value
  const doors = joint(flowing.map(i => tensors[i]), grads => {
    const all = tensors.map((): Tensor | null => null)
    flowing.forEach((at, i) => (all[at] = grads[i]))
    hook(all)
    flowing.forEach((at, i) => (grads[i] = all[at]))
  })
  let next = 0
  return rebuild(value, x => (x.requiresGrad ? doors[next++] : x)) as T
}

function exchange(hooks: Hooks, kind: keyof Hooks, grads: (Tensor | null)[], call: (hook: Hook, grads: Gradients) => unknown): void {
  for (const hook of hooks[kind].values()) {
    const given = call(hook, grads.map(g => g && shown(g)))
    if (given === undefined || given === null) continue
    const list: unknown[] = Array.isArray(given) ? given : [given]
    if (list.length !== grads.length) fail(kind, `the hook gave ${list.length} gradients in place of ${grads.length}`, 'return one for each, null for those that stay as they are')
    list.forEach((g, i) => (grads[i] = instead(kind, grads[i], g)))
  }
}

for (const kind of kinds)
  Object.defineProperty(Module.prototype, kind, {
    value(this: Module, hook: (...what: never[]) => unknown) {
      return hang(this, kind, hook)
    },
  })

/**
 * The methods that hooks give to modules. They are called by `forward`, whoever calls it, the compiled function that is being traced too, whose
 * graph then has what they compute. Answers of nothing change nothing.
 *
 * @example
 * const model = new nn.Sequential(new nn.Linear(2, 3), new nn.ReLU(), new nn.Linear(3, 1))
 * const shapes = []
 * const handles = model.children().map(layer => layer.registerForwardHook((layer, inputs, output) => { shapes.push(output.shape) }))
 * model.forward(ones(4, 2)).shape // → [ 4, 1 ]
 * shapes // → [ [ 4, 3 ], [ 4, 3 ], [ 4, 1 ] ]
 * for (const handle of handles) handle.remove()
 */
export interface ModuleHooks {
  /**
   * Calls `hook(module, inputs)` before each `forward`. Inputs that it returns, in a list, take the place of those given; one that is no list
   * stands for itself. As `torch.nn.Module.register_forward_pre_hook`.
   */
  registerForwardPreHook<M extends Module>(this: M, hook: (module: M, inputs: InputsOf<M>) => readonly unknown[] | InputsOf<M>[0] | void): HookHandle
  /** Calls `hook(module, inputs, output)` after each `forward`. What it returns takes the place of the output. As `torch.nn.Module.register_forward_hook`. */
  registerForwardHook<M extends Module>(this: M, hook: (module: M, inputs: InputsOf<M>, output: OutputOf<M>) => OutputOf<M> | void): HookHandle
  /**
   * Calls `hook(module, gradOutput)` when the gradients of what the module gave are known, before they flow through it. Others that it returns
   * take their places. As `torch.nn.Module.register_full_backward_pre_hook`.
   */
  registerFullBackwardPreHook<M extends Module>(this: M, hook: (module: M, gradOutput: Gradients) => Gradients | Tensor | void): HookHandle
  /**
   * Calls `hook(module, gradInput, gradOutput)` when gradients have flowed through the module. Others that it returns take the places of those of
   * the inputs, which are null where no input wants one. As `torch.nn.Module.register_full_backward_hook`.
   */
  registerFullBackwardHook<M extends Module>(this: M, hook: (module: M, gradInput: Gradients, gradOutput: Gradients) => Gradients | Tensor | void): HookHandle
}

declare module './module.ts' {
  interface Module extends ModuleHooks {}
}
