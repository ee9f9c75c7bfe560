// A trace inside of another one: a side of a branch, a step of a loop. What it uses of the trace around it becomes an argument.
import { fail } from '../core/errors.ts'
import { currentBackend } from '../eager/device.ts'
import { Storage } from '../eager/storage.ts'
import { Trace } from '../graph/trace.ts'
import { clone, type Tensor } from '../ops/index.ts'
import type { Op } from '../ops/op.ts'
import { world, type Source } from '../ops/world.ts'
import { blank } from './expression.ts'

const aliased = (x: Tensor): never => fail('compile', `a branch or a step of a loop changes memory in place that it sees in two ways, ${x} is one`, 'return the new value from it')

/** What code writes to that was there before it: memory of the outer world, and values of the trace around it. */
export interface Written {
  readonly memories: readonly Storage[]
  /** These memories as flat tensors. */
  readonly handles: readonly Tensor[]
  readonly values: readonly Tensor[]
}

export class Inner extends Trace {
  private readonly own = new Map<Tensor, Tensor>()
  /** Memory of the trace around it that was changed here. */
  private readonly changed = new Set<Source>()

  constructor(
    /** The values of the outer trace that it uses, in the order of the arguments that stand for them. */
    private readonly outer: Tensor[],
    /** How many arguments there are before these. */
    private readonly before = 0,
  ) {
    const around = world()
    super(currentBackend(), around instanceof Trace ? around.shared : {})
    for (const x of outer) this.take(x)
  }

  /** The tensor of this trace that stands for one of the outer trace. */
  take(x: Tensor): Tensor {
    if (x.source.world === null || x.source.world === this || x.source instanceof Storage) return x
    let y = this.own.get(x)
    if (!y) {
      if (this.changed.has(x.source)) aliased(x)
      let at = this.outer.indexOf(x)
      if (at < 0) at = this.outer.push(x) - 1
      y = this.argument(blank(x.dtype, x.shape), this.before + at)
      if (x.requiresGrad) y.requiresGrad_()
      this.own.set(x, y)
    }
    return y
  }

  /** Runs code with other tensors of this trace in the places of outer ones. */
  with<T>(xs: readonly Tensor[], ys: readonly Tensor[], make: () => T): T {
    const before = xs.map(x => this.own.get(x))
    xs.forEach((x, i) => this.own.set(x, ys[i]))
    try {
      return make()
    } finally {
      before.forEach((y, i) => (y ? this.own.set(xs[i], y) : this.own.delete(xs[i])))
    }
  }

  override apply<P>(op: Op<P>, inputs: readonly Tensor[], params: P): Tensor[] {
    return super.apply(op, inputs.map(x => this.take(x)), params)
  }

  override assign<P>(op: Op<P>, targets: readonly Tensor[], inputs: readonly Tensor[], params: P): void {
    const own = targets.map(t => this.take(t))
    targets.forEach((t, i) => {
      if (t === own[i]) return
      if (t.base || [...this.own.keys()].some(x => x !== t && x.source === t.source)) aliased(t)
      this.changed.add(t.source)
    })
    super.assign(op, own, inputs.map(x => this.take(x)), params)
  }

  /** Runs code that writes on copies of what it writes to; gives its results and then what is written there in the end. */
  writing({ memories, handles, values }: Written, copies: readonly Tensor[], make: () => readonly Tensor[]): readonly Tensor[] {
    const flat = copies.slice(0, memories.length)
    const own = copies.slice(memories.length).map(x => clone(x))
    return this.instead(memories, flat, () => this.with(values, own, () => {
      const results = make().map(y => (memories.includes(y.source as Storage) ? this.alias(y) : this.take(y)))
      return [...results, ...handles.map(h => this.alias(h)), ...own]
    }))
  }

  override alias(x: Tensor): Tensor {
    return super.alias(this.take(x))
  }
}
