// Modules in a row, and lists of modules.
import { fail } from '../core/errors.ts'
import type { Tensor } from '../ops/index.ts'
import { Module, type Layer } from './module.ts'

/** What both containers share: numbered children, iteration, `at` and `length`. */
abstract class Numbered<M extends Module> extends Module {
  readonly #items: M[]

  constructor(items: readonly M[]) {
    super()
    items.forEach((m, i) => {
      if (!(m instanceof Module)) fail(this.constructor.name, `item ${i} is ${m === null ? 'null' : typeof m}, not a module`, 'functions such as relu have a module form: new nn.ReLU()')
    })
    this.#items = [...items]
  }

  protected override fields(): Iterable<[string, unknown]> {
    return [...this.#items.map((m, i): [string, unknown] => [String(i), m]), ...super.fields()]
  }

  get length(): number {
    return this.#items.length
  }

  /** The module at a position; negative ones count from the end. */
  at(index: number): M {
    return this.#items.at(index) ?? fail(this.constructor.name, `there is no module ${index} among ${this.length}`, `positions go from ${-this.length} to ${this.length - 1}`)
  }

  append(m: M): this {
    this.#items.push(m)
    return this
  }

  [Symbol.iterator](): Iterator<M> {
    return this.#items[Symbol.iterator]()
  }
}

/**
 * Calls its modules one after the other. As `torch.nn.Sequential`.
 *
 * @example
 * const model = new nn.Sequential(new nn.Linear(2, 16), new nn.Tanh(), new nn.Linear(16, 1))
 */
export class Sequential extends Numbered<Layer> {
  constructor(...layers: Layer[]) {
    super(layers)
  }

  override forward(x: Tensor): Tensor {
    let y = x
    for (const m of this) y = m.forward(y)
    return y
  }
}

/**
 * A list of modules whose parameters belong to the module that holds it. As `torch.nn.ModuleList`.
 *
 * @example
 * blocks = new nn.ModuleList(Array.from({ length: 4 }, () => new Block()))
 */
export class ModuleList<M extends Module = Layer> extends Numbered<M> {
  constructor(modules: Iterable<M> = []) {
    super([...modules])
  }

  override forward(): never {
    return fail('ModuleList', 'a list has no forward', 'loop over it: for (const m of list) x = m.forward(x); nn.Sequential does so by itself')
  }
}
