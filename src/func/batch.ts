// vmap's world: code written for one example runs once, for a whole batch. A tensor of it stands for the tensors of all examples: it shows the
// shape of one of them, and its handle is the tensor of the world around that holds the batch along its first axis (or is shared by all).
// Ops become ops of the world around, which lower through `BatchLowering`; each world keeps a tape of its own, so derivatives nest.
import { dtypes, type DType, type Words } from '../core/dtype.ts'
import { fail, type LampasError } from '../core/errors.ts'
import { sameShape, type Shape } from '../core/shape.ts'
import type { View } from '../core/view.ts'
import { sumTo } from '../autograd/engine.ts'
import { afterOp, afterWrite, beforeOp, beforeWrite, linked } from '../autograd/tape.ts'
import { apply1 } from '../ops/define.ts'
import { expandOp } from '../ops/movement-ops.ts'
import type { Meta, Op } from '../ops/op.ts'
import { pointwiseOps } from '../ops/pointwise-record.ts'
import { drawOps } from '../ops/random.ts'
import { Tensor } from '../ops/tensor.ts'
import { ConstantSource, enterWorld, world, type Source, type World } from '../ops/world.ts'
import { BatchLowering, rowOf } from './lowering.ts'

/** What random numbers are: not allowed, other ones for each example, or the same for all. */
export type Randomness = 'error' | 'different' | 'same'

interface BatchParams<P> {
  readonly params: P
  readonly size: number
  /** Which operands hold a batch. */
  readonly over: readonly boolean[]
}

const known = new WeakMap<object, Op<never>>()

/** The op that does for a batch what `op` does for one example. */
function batched<P>(op: Op<P>): Op<BatchParams<P>> {
  const { view, lower, lowerInto, vjp } = op
  let made = known.get(op) as Op<BatchParams<P>> | undefined
  if (made) return made
  const example = (x: Meta): Meta => ({ dtype: x.dtype, shape: x.shape.slice(1) })
  const whole = ({ dtype, shape }: Meta, size: number): Meta => ({ dtype, shape: [size, ...shape] })
  made = {
    name: `vmap(${op.name})`,
    infer: (inputs, { params, size, over }) => op.infer(inputs.map((x, i) => (over[i] ? example(x) : x)), params).map(m => whole(m, size)),
    ...(view && { view: (x: View, { params, size }: BatchParams<P>) => wholeView(view(rowOf(x), params), x, size) }),
    ...(lower && {
      lower(k, inputs, { params, size, over }, results) {
        const each = new BatchLowering(k, size)
        return lower.call(op, each, inputs.map((x, i) => each.take(x, over[i])), params, results.map(example)).map(y => each.whole(y))
      },
    }),
    ...(lowerInto && {
      lowerInto(k, inputs, { params, size, over }, targets) {
        const each = new BatchLowering(k, size)
        lowerInto.call(op, each, inputs.map((x, i) => each.take(x, over[i])), params, targets.map(t => each.take(t, true)))
      },
    }),
    ...(vjp && {
      vjp(grads, saved) {
        const { params, size, over } = saved.params
        const batch = new Batch(world(), size)
        const shapes = saved.shapes.map((s, i) => (over[i] ? s.slice(1) : s))
        const inputs = saved.inputs.map((x, i) => (over[i] ? batch.each(x) : x))
        const rule = (): (Tensor | null)[] => {
          const found = vjp.call(op, grads.map(g => g && batch.each(g)), { ...saved, params, shapes, inputs, outputs: saved.outputs.map(y => batch.each(y)) })
          return found.map((g, i) => g && batch.whole(over[i] ? sumTo(g, shapes[i], g.dtype) : g))
        }
        return batch.run(rule)
      },
    }),
    saves: op.saves,
  }
  known.set(op, made as Op<never>)
  if (drawOps.has(op)) drawOps.add(made)
  return made
}

/** What a view of one example is of the batch; it may count in other elements. */
function wholeView(v: View | null, x: View, size: number): View | null {
  if (!v) return null
  const step = (x.strides[0] * dtypes[x.dtype].bytes) / dtypes[v.dtype].bytes
  return Number.isInteger(step) ? { ...v, shape: [size, ...v.shape], strides: [step, ...v.strides] } : null
}

/** Memory seen from inside. */
class Memory implements Source {
  constructor(
    readonly world: Batch,
    private readonly around: Source,
  ) {}
  get version(): number {
    return this.around.version
  }
  set version(n: number) {
    this.around.version = n
  }
}

class Example extends Tensor {
  /** Neither this world nor those around it follow what comes of it. */
  override detach(): Tensor {
    return (this.source.world as Batch).detached(this)
  }
}

const copying: Op<null> = pointwiseOps.get('clone')!

export class Batch implements World {
  private readonly memories = new WeakMap<Source, Memory>()
  private readonly captured = new WeakMap<Tensor, Tensor>()

  constructor(
    private readonly around: World,
    readonly size: number,
    private readonly randomness: Randomness = 'error',
  ) {}

  run<T>(body: () => T): T {
    return during(this, body)
  }

  private beyond<T>(make: () => T): T {
    return during(this.around, make)
  }

  // Tensors

  /** A tensor of the world around whose first axis is the batch. */
  each(x: Tensor): Tensor {
    return this.show(x, rowOf(x.layout))
  }

  private show(x: Tensor, layout: View): Tensor {
    let memory = this.memories.get(x.source)
    if (!memory) this.memories.set(x.source, (memory = new Memory(this, x.source)))
    const y = new Example(layout, memory)
    y.handle = x
    return y
  }

  private shown = (x: Tensor, each: boolean): Tensor => this.show(x, each ? rowOf(x.layout) : x.layout)

  /** x as a tensor of this world; one from outside is shared by all examples. */
  inside(x: Tensor): Tensor {
    if (x.source instanceof ConstantSource || x.source.world === this) return x
    let y = this.captured.get(x)
    if (!y) this.captured.set(x, (y = this.show(x, x.layout)))
    return y
  }

  /** What a tensor of this world is around it. */
  private outer = (x: Tensor): Tensor => (x.source.world === this ? (x.handle as Tensor) : x)

  isEach(x: Tensor): boolean {
    return x.source.world === this && (x.handle as Tensor).ndim > x.ndim
  }

  /** The tensor of the world around with the batch as first axis. */
  whole(x: Tensor): Tensor {
    const y = this.outer(x)
    return this.isEach(x) ? y : this.beyond(() => apply1(expandOp, [y], { shape: [this.size, ...x.shape] }))
  }

  /** The tensor of the world around that all examples share; null where each has its own. */
  common(x: Tensor): Tensor | null {
    return this.isEach(x) ? null : this.outer(x)
  }

  detached(x: Tensor): Tensor {
    const each = this.isEach(x)
    return this.shown(this.beyond(() => this.outer(x).detach()), each)
  }

  /** Another handle, made by the world around, with the history that x has there. */
  private again(x: Tensor, make: (x: Tensor) => Tensor): Tensor {
    const local = this.inside(x)
    if (local.source.world === null) return local
    const y = this.outer(local)
    const made = linked(this.beyond(() => make(y)), y)
    made.base = y.base
    return this.show(made, local.layout)
  }

  // Ops

  private drawsEach<P>(op: Op<P>): boolean {
    if (this.randomness === 'same' || !drawOps.has(op)) return false
    return this.randomness === 'different' || fail('vmap', `${op.name} draws numbers, and it is not said whether examples get the same`, "vmap(fn, { randomness: 'different' }), or 'same'")
  }

  apply<P>(op: Op<P>, inputs: readonly Tensor[], params: P): Tensor[] {
    const local = inputs.map(x => this.inside(x))
    const pending = beforeOp(op, local)
    const over = local.map(x => this.isEach(x))
    const each = over.includes(true) || this.drawsEach(op)
    const operands = local.map(this.outer)
    const made = this.beyond(() => (each ? this.around.apply(batched(op), operands, { params, size: this.size, over }) : this.around.apply(op, operands, params)))
    const outputs = made.map(y => this.shown(y, each))
    if (op.view && made[0].base && made[0].source === operands[0].source) {
      const [y] = outputs
      y.base = local[0].base ?? local[0]
      y.gradVersion = y.source.version
    }
    if (pending) afterOp(pending, op, local, outputs, params)
    return outputs
  }

  assign<P>(op: Op<P>, targets: readonly Tensor[], inputs: readonly Tensor[], params: P): void {
    const [to, from] = [targets, inputs].map(list => list.map(x => this.inside(x)))
    const over = from.map(x => this.isEach(x))
    const each = over.includes(true) || to.some(t => this.isEach(t))
    if (each) {
      for (const t of to)
        if (!this.isEach(t)) fail('vmap', `${op.name}_ would write other values for each example into ${t}, which all of them share`, 'use the form without _, or begin with a tensor of each example: zerosLike(x), x.clone()')
      // Axes count from the last, and the batch is in front.
      if (op.infer(from, params).some((m, i) => !sameShape(m.shape, to[i].shape))) {
        const values = this.apply(op, from, params).map((y, i) => apply1(expandOp, [y], { shape: to[i].shape }))
        return values.forEach((y, i) => this.assign(copying, [to[i]], [y], null))
      }
    }
    const pending = to.map(t => beforeWrite(op, t, from))
    const [places, operands] = [to, from].map(list => list.map(this.outer))
    this.beyond(() => (each ? this.around.assign(batched(op), places, operands, { params, size: this.size, over }) : this.around.assign(op, places, operands, params)))
    to.forEach((t, i) => afterWrite(pending[i], op, t, from, params))
  }

  create(data: Words, dtype: DType, shape: Shape, device?: string): Tensor {
    return this.shown(this.beyond(() => this.around.create(data, dtype, shape, device)), false)
  }

  backward(): never {
    return fail('vmap', 'backward() adds to gradients that all examples share', "take the gradient of a function: grad(fn) of 'lampas/func', whose result is a value of each example")
  }

  // What only the world around can do

  outside<T>(make: () => T): T {
    return this.beyond(() => this.around.outside(make))
  }
  observe(read: () => unknown): void {
    this.around.observe(read)
  }
  afterwards(act: () => void | Promise<void>): void | Promise<void> {
    return this.beyond(() => this.around.afterwards(act))
  }
  read(x: Tensor): Promise<Words> {
    const shared = this.readable(x)
    return this.beyond(() => this.around.read(shared))
  }
  readSync(x: Tensor): Words {
    const shared = this.readable(x)
    return this.beyond(() => this.around.readSync(shared))
  }
  private readable(x: Tensor): Tensor {
    return this.common(x) ?? fail('vmap', `a value of ${x} was read (item, data, a mask as index, nonzero), which differs between examples`, 'return the tensor and read it outside, use where() in place of if and of masks')
  }
  on<T>(device: string, make: () => T): T {
    return this.around.on(device, make)
  }
  currentDevice(): object {
    return this.around.currentDevice()
  }
  homeOf(x: Tensor): object {
    return this.around.homeOf(this.outer(x))
  }
  deviceOf(x: Tensor): string {
    return this.around.deviceOf(this.outer(x))
  }
  alias(x: Tensor): Tensor {
    return this.again(x, y => this.around.alias(y))
  }
  hold(x: Tensor): Tensor {
    return this.again(x, y => this.around.hold(y))
  }
  replace(x: Tensor, y: Tensor): void {
    x.handle = y.handle
  }
  poisoned(x: Tensor, why: LampasError): Tensor {
    return this.again(x, y => this.around.poisoned(y, why))
  }
  owned(x: Tensor): Tensor {
    return x
  }
  release(x: Tensor): void {
    this.around.release(this.outer(x))
  }
  alive(x: Tensor): boolean {
    return this.around.alive(this.outer(x))
  }
  tidy<T extends readonly (Tensor | null)[]>(body: () => T): T {
    let kept: T | null = null
    this.beyond(() => this.around.tidy(() => (kept = during(this, body)).map(x => x && this.outer(x))))
    return kept as unknown as T
  }
}

function during<T>(w: World, body: () => T): T {
  const before = enterWorld(w)
  try {
    return body()
  } finally {
    enterWorld(before)
  }
}
