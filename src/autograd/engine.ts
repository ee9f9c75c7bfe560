// One backward for both worlds: walks the tape from young to old and runs each op's derivative rule, written in ops.
import type { DType } from '../core/dtype.ts'
import { LampasError, fail } from '../core/errors.ts'
import { needKnown } from '../core/options.ts'
import { formatShape, sameShape, type Shape } from '../core/shape.ts'
import { ones } from '../ops/creation.ts'
import { beside, needTensor } from '../ops/define.ts'
import type { Edge, GradNode, Hooks } from '../ops/gradnode.ts'
import { reshape } from '../ops/movement.ts'
import { add } from '../ops/pointwise.ts'
import { cast } from '../ops/cast.ts'
import { assign, addOp } from '../ops/inplace.ts'
import { sum } from '../ops/reduce.ts'
import type { Tensor } from '../ops/tensor.ts'
import { world, type BackwardOptions } from '../ops/world.ts'
import { enableGrad, noGrad } from './mode.ts'
import { isPart, joined, type Part } from './parts.ts'
import { edgeOf, forget, linked } from './tape.ts'

/** Undoes broadcasting and promotion: sums the axes that were added or stretched; of complex numbers that stand for real ones the real part remains. */
export function sumTo(wide: Tensor, shape: Shape, dtype: DType): Tensor {
  const g = cast(wide, dtype)
  if (sameShape(g.shape, shape)) return g
  const lead = g.ndim - shape.length
  const axes = [...g.shape.keys()].filter(i => i < lead || (shape[i - lead] === 1 && g.shape[i] !== 1))
  return reshape(axes.length ? sum(g, axes) : g, shape)
}

/** Entries from which a wanted one can be reached (all, when nothing particular is wanted). */
function reachable(roots: readonly Edge[], wanted: ((e: Edge) => boolean) | null): GradNode[] {
  const useful = new Map<GradNode, boolean>()
  const order: GradNode[] = []
  for (const root of roots) {
    if (!root || !('node' in root)) continue
    const stack: { node: GradNode; next: number }[] = [{ node: root.node, next: 0 }]
    if (useful.has(root.node)) continue
    useful.set(root.node, !wanted)
    while (stack.length) {
      const top = stack[stack.length - 1]
      if (top.next < top.node.edges.length) {
        const edge = top.node.edges[top.next++]
        if (!edge) continue
        if (wanted?.(edge)) useful.set(top.node, true)
        if ('node' in edge) {
          if (!useful.has(edge.node)) {
            useful.set(edge.node, !wanted)
            stack.push({ node: edge.node, next: 0 })
          } else if (useful.get(edge.node)) useful.set(top.node, true)
        }
      } else {
        stack.pop()
        if (useful.get(top.node)) {
          order.push(top.node)
          const parent = stack.at(-1)
          if (parent) useful.set(parent.node, true)
        }
      }
    }
  }
  return order.sort((a, b) => b.order - a.order)
}

interface Walk {
  readonly retainGraph: boolean
  readonly createGraph: boolean
  /** Targets of `grad()`; null gathers into the leaves. */
  readonly targets: readonly Tensor[] | null
  readonly only?: ReadonlySet<Tensor>
}

/** True while a derivative rule runs: what it asks of leaves is a part of their gradients, and hooks wait for the whole. */
let inRule = false

function ruled<T>(rule: () => T): T {
  const before = inRule
  inRule = true
  try {
    return rule()
  } finally {
    inRule = before
  }
}

function callHooks(at: GradNode | Tensor, when: keyof Hooks, grads: (Tensor | null)[]): void {
  if (at.hooks) for (const hook of at.hooks[when]) hook(grads, at)
}

const keyOf = (x: Tensor): string => `${x.gradFn?.order}:${x.gradIndex}`

function walk(roots: readonly Tensor[], cotangents: readonly Tensor[], how: Walk): (Tensor | null)[] {
  const pending = new Map<GradNode, (Tensor | null)[]>()
  const leafGrads = new Map<Tensor, Tensor>()
  /** Gradients of parts of what entries and leaves gave, to be joined when all are there. */
  const waiting = new Map<GradNode | Tensor, { readonly edge: Edge; readonly parts: Part[] }[]>()
  const found = new Map<string, Tensor>()
  const own = world()
  const rootEdges = roots.map(edgeOf)
  how.targets?.forEach(edgeOf)
  const leaves = how.targets ? new Set(how.targets.filter(t => !t.gradFn)) : null
  const inner = new Set((how.targets ?? []).filter(t => t.gradFn).map(keyOf))
  const limited = how.targets !== null || how.only !== undefined
  const wanted = limited
    ? (e: Edge): boolean => e !== null && ('leaf' in e ? (leaves ?? how.only)!.has(e.leaf) : inner.has(`${e.node.order}:${e.index}`))
    : null
  const nodes = reachable(rootEdges, wanted)
  const active = new Set(nodes)

  /** Adds g (which the walk owns from here on) to what flows along an edge. */
  const flow = (edge: Edge, g: Tensor): void => {
    if (!edge) return own.release(g)
    if ('leaf' in edge) {
      if (!edge.leaf.requiresGrad || (limited && !wanted!(edge))) return own.release(g)
      const before = leafGrads.get(edge.leaf)
      leafGrads.set(edge.leaf, before ? merge(before, g) : g)
      return
    }
    if (!active.has(edge.node) && !inner.has(`${edge.node.order}:${edge.index}`)) return own.release(g)
    let slots = pending.get(edge.node)
    if (!slots) pending.set(edge.node, (slots = new Array<Tensor | null>(edge.node.outputCount).fill(null)))
    const before = slots[edge.index]
    slots[edge.index] = before ? merge(before, g) : g
  }
  const merge = (a: Tensor, b: Tensor): Tensor => {
    const total = add(a, b)
    own.release(a)
    own.release(b)
    return total
  }

  const wait = (edge: NonNullable<Edge>, part: Part): void => {
    const target = 'leaf' in edge ? edge.leaf : edge.node
    const lists = waiting.get(target) ?? []
    waiting.set(target, lists)
    const known = lists.find(l => 'leaf' in edge || (l.edge as typeof edge).index === edge.index)
    if (known) known.parts.push(part)
    else lists.push({ edge, parts: [part] })
  }
  const join = (target: GradNode | Tensor): void => {
    for (const { edge, parts } of waiting.get(target) ?? []) {
      flow(edge, own.tidy(() => [joined(parts)])[0])
      for (const { g } of parts) own.release(g)
    }
    waiting.delete(target)
  }

  // Cotangents of a tape that is itself recorded keep their history.
  rootEdges.forEach((e, i) => flow(e, how.createGraph ? linked(own.alias(cotangents[i]), cotangents[i]) : own.alias(cotangents[i])))

  const visit = (node: GradNode, grads: (Tensor | null)[]): void => {
    const saved = node.saved
    if (!saved) fail('backward', `the values that ${node.op.name} saved were already freed by an earlier backward()`, 'pass {retainGraph: true} to the first backward(), or compute the loss again')
    if (isPart(node)) {
      if (node.edges[0] && grads[0]) wait(node.edges[0], { node, g: linked(own.alias(grads[0]), grads[0]) })
      return
    }
    const usable = (list: readonly Tensor[], from: number): readonly Tensor[] => {
      const isStale = (t: Tensor, i: number): boolean => t.source.version !== saved.versions[from + i]
      return list.some(isStale) ? list.map((t, i) => (isStale(t, i) ? own.poisoned(t, changed(node.op.name, t, saved.versions[from + i])) : t)) : list
    }
    const needs = node.edges.map(e => e !== null && (!limited || wanted!(e) || ('node' in e && active.has(e.node))))
    const results = own.tidy(() => {
      const inputs = usable(saved.inputs, 0)
      const outputs = usable(saved.outputs, saved.inputs.length)
      const raw = ruled(() => node.op.vjp!(grads, { params: node.params, inputs, outputs, shapes: node.inputShapes, needs }))
      const seen = [...grads]
      return raw.map((g, i) => {
        if (!g || !needs[i]) return null
        const fit = sumTo(g, node.inputShapes[i], node.inputDtypes[i])
        // The same tensor may flow to several places; each gets a handle of its own.
        if (seen.includes(fit)) return linked(own.alias(fit), fit)
        seen.push(fit)
        return fit
      })
    })
    results.forEach((g, i) => {
      if (g) flow(node.edges[i], g)
    })
  }

  /** Leaves that gradients came to, and the hooks that they had. */
  const met: { readonly leaf: Tensor; readonly hooks: Hooks | null }[] = []
  own.observe(() => met.every(m => m.leaf.hooks === m.hooks))
  /** The gradient of a leaf is complete. */
  const settle = (leaf: Tensor): void => {
    join(leaf)
    const g = leafGrads.get(leaf)
    if (!g) return
    const grads: (Tensor | null)[] = [g]
    met.push({ leaf, hooks: leaf.hooks })
    if (!inRule) callHooks(leaf, 'before', grads)
    if (how.targets) return void leafGrads.set(leaf, grads[0]!)
    leafGrads.delete(leaf)
    gatherInto(leaf, grads[0]!, how.createGraph)
    callHooks(leaf, 'after', grads)
  }
  /** Leaves with hooks do not wait for the end of the walk, but for the last entry from which something may flow to them. */
  const last = new Map<Tensor, GradNode>()
  if (!how.targets) for (const node of nodes) for (const e of node.edges) if (e && 'leaf' in e && e.leaf.hooks) last.set(e.leaf, node)

  for (const node of nodes) {
    join(node)
    const grads = pending.get(node)
    pending.delete(node)
    if (!grads) {
      if (!how.retainGraph) forget(node)
      continue
    }
    callHooks(node, 'before', grads)
    callHooks(node, 'after', grads)
    if (inner.size > 0)
      grads.forEach((g, i) => {
        const key = `${node.order}:${i}`
        if (g && inner.has(key)) found.set(key, linked(own.alias(g), g))
      })
    if (node.op.vjp) visit(node, grads)
    for (const g of grads) if (g) own.release(g)
    if (!how.retainGraph) forget(node)
    if (last.size > 0) for (const e of node.edges) if (e && 'leaf' in e && last.get(e.leaf) === node) settle(e.leaf)
  }
  for (const target of waiting.keys()) join(target)
  for (const leaf of leafGrads.keys()) settle(leaf)
  // Targets that are themselves the end of what was needed.
  for (const [node, grads] of pending) {
    callHooks(node, 'before', grads)
    callHooks(node, 'after', grads)
    grads.forEach((g, i) => {
      const key = `${node.order}:${i}`
      if (g && inner.has(key)) found.set(key, g)
      else if (g) own.release(g)
    })
  }

  if (how.targets) {
    const out = how.targets.map(t => (t.gradFn ? found.get(keyOf(t)) : leafGrads.get(t)) ?? null)
    return out.map(g => (g && !how.createGraph ? own.owned(g) : g))
  }
  return []
}

const changed = (op: string, x: Tensor, version: number): LampasError =>
  new LampasError('backward', `${x} was changed in place after ${op} saved it for its derivative (version ${version} is now ${x.source.version})`, 'use the form without _ for that change, or clone() before it')

/** The same on a handle that no scope frees. */
function outliving(g: Tensor): Tensor {
  const kept = linked(world().hold(g), g)
  world().release(g)
  return kept
}

/** Adds g, which is given away, to the gradient of a leaf. */
export function gatherInto(leaf: Tensor, g: Tensor, createGraph: boolean): void {
  if (!leaf.grad) {
    leaf.grad = outliving(createGraph ? g : world().owned(g))
  } else if (createGraph) {
    leaf.grad = outliving(add(leaf.grad, g))
  } else {
    assign(addOp, leaf.grad, g)
    world().release(g)
  }
}

function cotangentOf(op: string, x: Tensor, given: Tensor | null | undefined): Tensor {
  if (given) {
    if (!sameShape(given.shape, x.shape)) fail(op, `the gradient ${given} must have the shape of the output ${x}`, 'pass one cotangent for each element')
    return given
  }
  if (x.numel !== 1) fail(op, `${x} has ${x.numel} elements: only of one number is the gradient defined without a cotangent`, `reduce it first (loss.mean()), or pass {gradient: …} of shape ${formatShape(x.shape)}`)
  return ones(x.shape)
}

/** As `torch.Tensor.backward`; the worlds call it. */
export function backward(x: Tensor, options: BackwardOptions): void {
  needKnown('backward', options, ['gradient', 'retainGraph', 'createGraph', 'inputs'])
  if (!x.requiresGrad)
    fail('backward', `${x} does not depend on anything that requires a gradient`, 'mark leaves with {requiresGrad: true} or use nn.Parameter, and compute outside noGrad()')
  const { createGraph = false, retainGraph = createGraph } = options
  options.inputs?.forEach((t, i) => {
    if (!t.requiresGrad || !t.isLeaf) fail('backward', `inputs[${i}] (${t}) is not a leaf that requires a gradient`, 'only leaves keep a grad; for other tensors use grad(loss, inputs)')
  })
  const only = options.inputs ? new Set(options.inputs) : undefined
  const run = (): void => beside(x, () => {
    const given = options.gradient
    const c = cotangentOf('backward', x, given)
    walk([x], [c], { createGraph, retainGraph, targets: null, only })
    if (!given) world().release(c)
  })
  if (createGraph) enableGrad(run)
  else noGrad(run)
}

export interface GradOptions {
  /** Cotangents of the outputs; ones for one-element outputs. */
  gradOutputs?: Tensor | readonly (Tensor | null)[]
  retainGraph?: boolean
  /** Record the gradient computation, for derivatives of higher order. */
  createGraph?: boolean
  /** Give null for inputs that the outputs do not depend on, instead of throwing. */
  allowUnused?: boolean
}

/** One for each input. */
type Gradients<Inputs> = { -readonly [K in keyof Inputs]: Tensor }

/**
 * Gradients of outputs with respect to inputs (leaves or not), without touching any `grad`. As `torch.autograd.grad`.
 *
 * @example
 * const x = tensor(3, { requiresGrad: true })
 * const [dx] = grad(x.pow(3), [x], { createGraph: true })   // 27
 * const [ddx] = grad(dx, [x])                               // 18
 */
export function grad<Inputs extends readonly Tensor[] = Tensor[]>(outputs: Tensor | readonly Tensor[], inputs: Tensor | readonly [...Inputs], options: GradOptions = {}): Gradients<Inputs> {
  needKnown('grad', options, ['gradOutputs', 'retainGraph', 'createGraph', 'allowUnused'])
  const ys = isList(outputs) ? outputs : [outputs]
  const xs = isList(inputs) ? inputs : [inputs]
  const { createGraph = false, retainGraph = createGraph, allowUnused = false, gradOutputs } = options
  const given: readonly (Tensor | null)[] = gradOutputs === undefined ? [] : isList(gradOutputs) ? gradOutputs : [gradOutputs]
  for (const t of [...ys, ...xs]) needTensor('grad', t)
  for (const y of ys) if (!y.requiresGrad) fail('grad', `the output ${y} does not depend on anything that requires a gradient`, 'mark the inputs with {requiresGrad: true} before computing it')
  for (const x of xs) if (!x.requiresGrad) fail('grad', `the input ${x} does not require a gradient`, 'mark it with {requiresGrad: true} before computing the output')
  const run = (): Tensor[] => beside(ys[0], () => {
    const found = walk(ys, ys.map((y, i) => cotangentOf('grad', y, given[i])), { createGraph, retainGraph, targets: xs })
    return found.map((g, i) => {
      if (!g && !allowUnused) fail('grad', `the outputs do not depend on input ${i} (${xs[i]})`, 'pass {allowUnused: true} to get null for it')
      return g as Tensor
    })
  })
  return (createGraph ? enableGrad(run) : noGrad(run)) as Gradients<Inputs>
}

const isList = <T>(x: T | readonly T[]): x is readonly T[] => Array.isArray(x)
