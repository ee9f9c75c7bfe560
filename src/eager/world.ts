// The eager world: an op runs at once. It lowers to kernels over fresh blocks, and each result is a handle on its block.
import type { Backend, Block } from '../backend/backend.ts'
import { bytesOf, dtypes, WORD, type DType, type Words } from '../core/dtype.ts'
import { fail, type LampasError } from '../core/errors.ts'
import { numel, type Shape } from '../core/shape.ts'
import { wordsIn } from '../core/storage.ts'
import { contiguousView, extent, isContiguous, sameGeometry, type View } from '../core/view.ts'
import { afterOp, afterWrite, beforeOp, beforeWrite } from '../autograd/tape.ts'
import { backward } from '../autograd/engine.ts'
import { noGrad } from '../autograd/mode.ts'
import { withViews, type Arg, type KernelSpec, type Lowering, type Meta, type Op } from '../ops/op.ts'
import { clone } from '../ops/pointwise.ts'
import { copyInto, KernelLowering } from '../ops/lowering.ts'
import { Tensor } from '../ops/tensor.ts'
import { world, type BackwardOptions, type World } from '../ops/world.ts'
import { backendNamed, currentBackend, onDevice } from './device.ts'
import { Handle, Storage, allocate, closed, callSite, handleOn, inScope, needFloat64, storageOf } from './storage.ts'
import { relieve, relieved, turn, turnDue } from './pressure.ts'

/** Lowers onto blocks of one backend and runs each kernel as it comes. */
class Direct extends KernelLowering {
  private readonly blocks: Block[] = []
  /** Bytes that were asked for, block by block. */
  private readonly sizes: number[] = []
  constructor(private readonly backend: Backend) {
    super()
  }

  alloc(dtype: DType, shape: Shape): Arg {
    const bytes = bytesOf(dtype, numel(shape))
    if (dtype === 'float64') needFloat64(this.backend)
    relieve(this.backend, bytes)
    const block = this.backend.alloc(bytes)
    this.blocks.push(block)
    this.sizes.push(bytes)
    return { view: contiguousView(dtype, shape), slot: block }
  }

  protected emit(kernel: KernelSpec, inputs: readonly Arg[], outputs: readonly Arg[]): void {
    const blocks: Block[] = []
    for (const x of inputs) blocks.push(x.slot as Block)
    for (const x of outputs) blocks.push(x.slot as Block)
    this.backend.run(withViews(kernel, inputs, outputs), blocks)
  }

  /** Frees the blocks that no result uses. */
  finish(kept: readonly Arg[]): void {
    if (kept.length === 1 && this.blocks.length === 1 && kept[0].slot === this.blocks[0]) return
    this.blocks.forEach((b, i) => {
      if (kept.some(a => a.slot === b)) return
      this.backend.free(b)
      relieved(this.backend, this.sizes[i])
    })
  }

  made(block: object): boolean {
    return this.blocks.includes(block as Block)
  }
}

const argOf = (op: string, x: Tensor): Arg =>
  x.source.world ? { view: x.layout, slot: storageOf(op, x).block } : { view: x.layout, slot: x.source, constant: x.constant }

class EagerWorld implements World {
  apply<P>(op: Op<P>, inputs: readonly Tensor[], params: P): Tensor[] {
    const backend = this.commonBackend(op.name, inputs)
    const pending = beforeOp(op, inputs)
    // Always asked, also for views: this is where bad input is found.
    const metas = op.infer(inputs, params)
    const outputs = (op.view && this.asView(op, inputs, params)) ?? this.lowered(op, backend, inputs, params, metas)
    if (pending) afterOp(pending, op, inputs, outputs, params)
    return outputs
  }

  private asView<P>(op: Op<P>, [x]: readonly Tensor[], params: P): Tensor[] | null {
    if (!x.source.world) return null
    const view = op.view!(x.layout, params)
    if (!view) return null
    const y = handleOn(storageOf(op.name, x), view)
    y.base = x.base ?? x
    y.gradVersion = y.source.version
    return [y]
  }

  private lowered<P>(op: Op<P>, backend: Backend, inputs: readonly Tensor[], params: P, metas: readonly Meta[]): Tensor[] {
    const direct = new Direct(backend)
    const args = op.lower!(direct, inputs.map(x => argOf(op.name, x)), params, metas)
    direct.finish(args)
    const storages: Storage[] = []
    return args.map(a => {
      let storage = storages.find(s => s.block === a.slot)
      if (!storage) {
        // A result may also show the memory of an input.
        storage = direct.made(a.slot) ? new Storage(this, backend, a.slot as Block, callSite()) : (inputs.find(x => x.source instanceof Storage && x.source.block === a.slot)!.source as Storage)
        storages.push(storage)
      }
      return handleOn(storage, a.view)
    })
  }

  assign<P>(op: Op<P>, targets: readonly Tensor[], inputs: readonly Tensor[], params: P): void {
    const backend = this.commonBackend(`${op.name}_`, [...targets, ...inputs])
    const pending = targets.map(t => beforeWrite(op, t, inputs))
    const direct = new Direct(backend)
    const places = targets.map(t => argOf(`${op.name}_`, t))
    const args = inputs.map(x => safeInput(direct, argOf(op.name, x), places))
    if (op.lowerInto) op.lowerInto(direct, args, params, places)
    else op.lower!(direct, args, params, op.infer(inputs, params)).forEach((a, i) => copyInto(direct, a, places[i]))
    direct.finish([])
    const storages = new Set(targets.map(t => t.source))
    for (const s of storages) s.version++
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
      const buffer = await backend.read(block, startOf(compact), bytesOf(x.dtype, x.numel), x.dtype)
      await check?.()
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

/** Inputs that overlap the target in another order than elementwise are copied first. */
function safeInput(k: Lowering, x: Arg, places: readonly Arg[]): Arg {
  const clash = places.some(p => p.slot === x.slot && (p.view.dtype !== x.view.dtype || (!sameGeometry(p.view, x.view) && overlap(p.view, x.view))))
  if (!clash) return x
  const copy = k.alloc(x.view.dtype, x.view.shape)
  copyInto(k, x, copy)
  return copy
}

function overlap(a: View, b: View): boolean {
  const [ea, eb] = [extent(a), extent(b)]
  return ea !== null && eb !== null && ea[0] <= eb[1] && eb[0] <= ea[1]
}

/** x itself when its elements lie in a row, else a copy; a number that stands for a tensor becomes one. */
const compacted = (x: Tensor): Tensor => (x.source.world && isContiguous(x.layout) && startOf(x) % WORD === 0 ? x : noGrad(() => clone(x)))
/** Byte at which a tensor without gaps begins. The view of an empty one may point anywhere. */
const startOf = (x: Tensor): number => (x.numel === 0 ? 0 : x.layout.offset * dtypes[x.dtype].bytes)
/** The words of a tensor; what fills up the last one of a narrow dtype is left out. */
const wordsOf = ({ dtype, numel: n }: Tensor, buffer: ArrayBuffer): Words => wordsIn(dtype, buffer).subarray(0, dtype === 'complex64' ? 2 * n : n)

export const eager: World = new EagerWorld()
