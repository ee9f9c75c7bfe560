// The eager world: an op runs at once. It lowers to kernels over fresh blocks, and each result is a handle on its block.
import type { Backend, Block } from '../backend/backend.ts'
import { bytesOf, dtypes, WORD, type DType, type Words } from '../core/dtype.ts'
import { fail, type LampasError } from '../core/errors.ts'
import type { Shape } from '../core/shape.ts'
import { wordsIn } from '../core/storage.ts'
import { isContiguous } from '../core/view.ts'
import { afterOp, afterWrite, beforeOp, beforeWrite } from '../autograd/tape.ts'
import { backward } from '../autograd/engine.ts'
import { noGrad } from '../autograd/mode.ts'
import type { Op } from '../ops/op.ts'
import { clone } from '../ops/pointwise.ts'
import { Tensor } from '../ops/tensor.ts'
import { world, type BackwardOptions, type World } from '../ops/world.ts'
import { backendNamed, currentBackend, onDevice } from './device.ts'
import { recipeInto, recipeOf, type Recipe } from './recipe.ts'
import { Handle, Storage, allocate, callSite, handleOn, inScope, needFloat64, storageOf } from './storage.ts'
import { closed, giveBack, take, turn, turnDue } from './pressure.ts'

/** Follows a recipe: gives the blocks by place, of which those that it asked for and no result shows are free again. */
function follow({ sizes, aside, hasFloat64, steps }: Recipe, backend: Backend, operands: readonly Tensor[]): readonly (Block | null)[] {
  if (hasFloat64) needFloat64(backend)
  const blocks: (Block | null)[] = []
  for (let i = 0; i < operands.length; i++) {
    const { source } = operands[i]
    blocks.push(source instanceof Storage ? source.block : null)
  }
  try {
    for (let i = 0; i < sizes.length; i++) blocks.push(take(backend, sizes[i]))
    for (let i = 0; i < steps.length; i++) {
      const { kernel, at } = steps[i]
      const used: Block[] = []
      for (let k = 0; k < at.length; k++) used.push(blocks[at[k]]!)
      backend.run(kernel, used)
    }
  } catch (error) {
    for (const block of blocks.slice(operands.length)) giveBack(backend, block!)
    throw error
  }
  for (let i = 0; i < aside.length; i++) giveBack(backend, blocks[aside[i]]!)
  return blocks
}

class EagerWorld implements World {
  apply<P>(op: Op<P>, inputs: readonly Tensor[], params: P): Tensor[] {
    const backend = this.commonBackend(op.name, inputs)
    const pending = beforeOp(op, inputs)
    const outputs = (op.view && this.asView(op, inputs, params)) ?? this.made(recipeOf(op, inputs, params), backend, inputs)
    if (pending) afterOp(pending, op, inputs, outputs, params)
    return outputs
  }

  private asView<P>(op: Op<P>, inputs: readonly Tensor[], params: P): Tensor[] | null {
    const [x] = inputs
    if (!x.source.world) return null
    // Asked for its errors: this is where bad input is found.
    op.infer(inputs, params)
    const view = op.view!(x.layout, params)
    if (!view) return null
    const y = handleOn(x.source as Storage, view)
    y.base = x.base ?? x
    y.gradVersion = y.source.version
    return [y]
  }

  private made(recipe: Recipe, backend: Backend, inputs: readonly Tensor[]): Tensor[] {
    const blocks = follow(recipe, backend, inputs)
    const { results } = recipe
    const outputs: Tensor[] = []
    for (let i = 0; i < results.length; i++) {
      const { view, at } = results[i]
      // A result may also show the memory of an input or of another result.
      const first = i === 0 ? 0 : results.findIndex(r => r.at === at)
      const storage = at < inputs.length ? inputs[at].source : first < i ? outputs[first].source : new Storage(this, backend, blocks[at]!, callSite())
      outputs.push(handleOn(storage as Storage, view))
    }
    return outputs
  }

  assign<P>(op: Op<P>, targets: readonly Tensor[], inputs: readonly Tensor[], params: P): void {
    const operands = [...targets, ...inputs]
    const backend = this.commonBackend(`${op.name}_`, operands)
    const pending = targets.map(t => beforeWrite(op, t, inputs))
    follow(recipeInto(op, targets.length, operands, params), backend, operands)
    for (const s of new Set(targets.map(t => t.source))) s.version++
    targets.forEach((t, i) => afterWrite(pending[i], op, t, inputs, params))
  }

  create(data: Words, dtype: DType, shape: Shape, device?: string): Tensor {
    const backend = device === undefined ? currentBackend() : backendNamed(device)
    const { storage, view } = allocate(this, backend, dtype, shape)
    if (data.length > 0) backend.write(storage.block, 0, data, dtype)
    return handleOn(storage, view)
  }

  backward(x: Tensor, options: BackwardOptions): void {
    backward(x, options)
  }

  outside<T>(make: () => T): T {
    return make()
  }

  observe(): void {}

  afterwards(act: () => void | Promise<void>): void | Promise<void> {
    return act()
  }

  read(x: Tensor): Promise<Words> {
    // At once, since a traced function would not look at a promise that is rejected.
    this.mustNotTrace(x)
    return this.reading(x)
  }

  private async reading(x: Tensor): Promise<Words> {
    const due = turnDue()
    const { check } = storageOf('data', x)
    const compact = compacted(x)
    const { backend, block } = storageOf('data', compact)
    try {
      const place = [block, startOf(compact), bytesOf(x.dtype, x.numel), x.dtype] as const
      const buffer = backend.readSync?.(...place) ?? (await backend.read(...place))
      if (check) await check()
      if (due) await turn()
      return wordsOf(x, buffer)
    } finally {
      if (compact !== x) this.release(compact)
    }
  }

  readSync(x: Tensor): Words {
    this.mustNotTrace(x)
    const compact = compacted(x)
    const { backend, block } = storageOf('dataSync', compact)
    if (!backend.readSync) fail('dataSync', `the device '${backend.info.name}' cannot read at once`, 'use `await x.data()`')
    const buffer = backend.readSync(block, startOf(compact), bytesOf(x.dtype, x.numel), x.dtype)
    if (compact !== x) this.release(compact)
    return wordsOf(x, buffer)
  }

  /** Reading outside memory in a trace would freeze today's value into the compiled step. */
  private mustNotTrace(x: Tensor): void {
    const active = world()
    if (active !== this) active.readSync(x)
  }

  on<T>(device: string, make: () => T): T {
    return onDevice(device, make)
  }

  currentDevice(): object {
    return currentBackend()
  }

  homeOf(x: Tensor): object {
    return x.source instanceof Storage ? x.source.backend : currentBackend()
  }

  deviceOf(x: Tensor): string {
    return x.source instanceof Storage ? x.source.backend.info.name : currentBackend().info.name
  }

  alias(x: Tensor): Tensor {
    return x.source.world ? handleOn(storageOf('detach', x), x.layout) : x
  }

  hold(x: Tensor): Tensor {
    return handleOn(storageOf('hold', x), x.layout, false)
  }

  replace(): void {}

  poisoned(x: Tensor, why: LampasError): Tensor {
    const y = new Tensor(x.layout, x.source)
    const handle = new Handle(x.source as Storage)
    handle.poison = why
    handle.release(why.problem)
    y.handle = handle
    return y
  }

  owned(x: Tensor): Tensor {
    const storage = storageOf('owned', x)
    if (storage.refs === 1 && isContiguous(x.layout) && x.layout.offset === 0 && storage.block.bytes >= bytesOf(x.dtype, x.numel)) return x
    const y = clone(x)
    this.release(x)
    return y
  }

  release(x: Tensor): void {
    if (x.handle instanceof Handle) x.handle.release('it was disposed')
  }

  alive(x: Tensor): boolean {
    return x.handle instanceof Handle && x.handle.freed === null && !closed.has(x.handle.storage.backend)
  }

  tidy<T extends readonly (Tensor | null)[]>(body: () => T): T {
    return inScope(body, kept => kept, 'it was a temporary value of the backward pass')
  }

  /** The device that all operands are on; plain numbers go along. */
  private commonBackend(op: string, inputs: readonly Tensor[]): Backend {
    let backend: Backend | null = null
    for (const x of inputs) {
      if (!x.source.world) continue
      const b = storageOf(op, x).backend
      if (backend === null) backend = b
      else if (b !== backend)
        fail(op, b.info.name === backend.info.name ? `${x} is on a ${b.info.name} device that was opened before or lost` : `operands are on different devices: ${inputs.filter(t => t.source.world).map(t => `${t} on ${t.device}`).join(', ')}`, "bring them together: await toDevice(x, '…')")
    }
    return backend ?? currentBackend()
  }
}

/** x itself when its elements lie in a row, else a copy; a number that stands for a tensor becomes one. */
const compacted = (x: Tensor): Tensor => (x.source.world && isContiguous(x.layout) && startOf(x) % WORD === 0 ? x : noGrad(() => clone(x)))
/** Byte at which a tensor without gaps begins. The view of an empty one may point anywhere. */
const startOf = (x: Tensor): number => (x.numel === 0 ? 0 : x.layout.offset * dtypes[x.dtype].bytes)
/** The words of a tensor; what fills up the last one of a narrow dtype is left out. */
const wordsOf = ({ dtype, numel: n }: Tensor, buffer: ArrayBuffer): Words => wordsIn(dtype, buffer).subarray(0, dtype === 'complex64' ? 2 * n : n)

export const eager: World = new EagerWorld()
