// Shared variables: state between calls. A shared variable is an expression over a tensor that eager code may use and change too.
import { fail } from '../core/errors.ts'
import { isFloat } from '../core/dtype.ts'
import { sameShape } from '../core/shape.ts'
import { noGrad } from '../autograd/mode.ts'
import { Parameter } from '../nn/parameter.ts'
import { Tensor, tensor, type TensorData, type TensorOptions } from '../ops/index.ts'
import { copy_, zero_ } from '../ops/inplace.ts'
import { label } from '../ops/labels.ts'
import { world } from '../ops/world.ts'
import { Expression, listen, metaOf, type Example } from './expression.ts'

export class Shared extends Expression {
  readonly inputs: readonly Expression[] = []
  private held: Tensor

  constructor(
    value: Tensor,
    readonly name: string | null,
  ) {
    super()
    this.held = value
    if (name !== null) label(value, name)
  }

  override get label(): string {
    return this.name ?? 'shared'
  }

  /** The tensor itself: an eager parameter, if it was made of one. */
  get value(): Tensor {
    world().observe(() => this.held)
    return this.held
  }

  get example(): Example {
    return { value: metaOf(this.held) }
  }

  /** A copy of the value. */
  get(): Tensor {
    return noGrad(() => this.held.clone())
  }

  /** Gives it another value, in place where the shape stays; functions see it in their next call. */
  set(value: TensorData): this {
    const next = tensor(value, { dtype: this.held.dtype })
    if (sameShape(next.shape, this.held.shape)) noGrad(() => copy_(this.held, next))
    else {
      if (known.get(this.held) === this) fail('shared', `${this} is a parameter ${this.held}, the new value is ${next}`, 'a parameter keeps its shape')
      this.held = new Parameter(next, isFloat(next.dtype))
      if (this.name !== null) label(this.held, this.name)
    }
    next.dispose()
    return this
  }

  /** Gives it zeros. */
  zero(): this {
    noGrad(() => zero_(this.held))
    return this
  }

  /** Frees the value now, which the collector would do later; functions that use it cannot be called afterwards. */
  override dispose(): void {
    this.held.dispose()
  }

  override get alive(): boolean {
    return this.held.alive
  }

  compute(): Tensor {
    return this.value
  }
}

const known = new WeakMap<Tensor, Shared>()

export interface SharedOptions extends Pick<TensorOptions, 'dtype' | 'shape'> {
  name?: string
}

/**
 * State that functions read and update: `state.get()`, `state.set(value)`. Of numbers a new tensor is made; an eager parameter is taken as it
 * is, so that `shared(layer.weight)` is that weight, and the same shared variable each time.
 *
 * @example
 * const state = symbolic.shared(0, { name: 'state' })
 * state.set(3).get() // → tensor(3.)
 */
export function shared(value: TensorData | Shared, options: SharedOptions = {}): Shared {
  listen()
  if (value instanceof Shared) return value
  if (value instanceof Expression) fail('shared', `${value} is an expression, it has no value to begin with`, 'give a number, a list or a tensor')
  const { name = null, ...how } = options
  if (value instanceof Tensor && value.isLeaf && value.requiresGrad) {
    let s = known.get(value)
    if (!s) known.set(value, (s = new Shared(value, name)))
    return s
  }
  const made = tensor(value, how)
  const kept = new Parameter(made, isFloat(made.dtype))
  made.dispose()
  return new Shared(kept, name)
}
