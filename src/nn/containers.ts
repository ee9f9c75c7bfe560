// Modules in a row; lists and dictionaries of modules and of parameters.
import { fail } from '../core/errors.ts'
import type { Tensor } from '../ops/index.ts'
import { Module, type Layer } from './module.ts'
import { Parameter } from './parameter.ts'

/** What lists share: numbered children, iteration, `at` and `length`. */
abstract class Numbered<T extends Module | Parameter> extends Module {
  readonly #items: T[]

  constructor(items: readonly T[]) {
    super()
    this.#items = [...items]
  }

  protected override fields(): Iterable<[string, unknown]> {
    return [...this.#items.map((m, i): [string, unknown] => [String(i), m]), ...super.fields()]
  }

  protected override setField(name: string, value: Tensor): void {
    if (Object.hasOwn(this.#items, name)) this.#items[Number(name)] = value as T
    else super.setField(name, value)
  }

  get length(): number {
    return this.#items.length
  }

  /** The item at a position; negative ones count from the end. */
  at(index: number): T {
    return this.#items.at(index) ?? fail(this.constructor.name, `there is nothing at ${index} among ${this.length}`, `positions go from ${-this.length} to ${this.length - 1}`)
  }

  append(item: T): this {
    this.#items.push(item)
    return this
  }

  [Symbol.iterator](): Iterator<T> {
    return this.#items[Symbol.iterator]()
  }
}

const modules = <M>(name: string, items: readonly M[]): readonly M[] => {
  items.forEach((m, i) => {
    if (!(m instanceof Module))
      fail(name, `item ${i} is ${m === null ? 'null' : Array.isArray(m) ? 'an array' : typeof m}, not a module`, Array.isArray(m) ? 'spread it: ...layers' : 'functions such as relu have a module form: new nn.ReLU()')
  })
  return items
}

/**
 * Calls its modules one after the other. As `torch.nn.Sequential`.
 *
 * @example
 * const model = new nn.Sequential(new nn.Linear(2, 16), new nn.Tanh(), new nn.Linear(16, 1))
 * model.forward(randn(5, 2)).shape // → [ 5, 1 ]
 */
export class Sequential extends Numbered<Layer> {
  constructor(...layers: Layer[]) {
    super(modules('Sequential', layers))
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
 * const blocks = new nn.ModuleList([new nn.Linear(2, 2), new nn.Linear(2, 2)])
 * let x = ones(1, 2)
 * for (const block of blocks) x = block.forward(x).relu()
 * blocks.parameters().length // → 4
 */
export class ModuleList<M extends Module = Layer> extends Numbered<M> {
  constructor(items: Iterable<M> = []) {
    super(modules('ModuleList', [...items]))
  }

  override forward(): never {
    return fail('ModuleList', 'a list has no forward', 'loop over it: for (const m of list) x = m.forward(x); nn.Sequential does so by itself')
  }
}

/** What dictionaries share: named children, whose names stay as they are in checkpoints. */
abstract class Named<T extends Module | Parameter> extends Module {
  readonly #items = new Map<string, T>()

  protected fill(items: Readonly<Record<string, T>>): void {
    for (const [key, item] of Object.entries(items)) this.set(key, item)
  }

  protected override fields(): Iterable<[string, unknown]> {
    return [...this.#items, ...super.fields()]
  }

  protected override setField(name: string, value: Tensor): void {
    if (this.#items.has(name)) this.#items.set(name, value as T)
    else super.setField(name, value)
  }

  protected override nameInState(field: string): string {
    return field
  }

  get length(): number {
    return this.#items.size
  }

  get(key: string): T {
    return this.#items.get(key) ?? fail(this.constructor.name, `there is no '${key}'`, `keys: ${[...this.#items.keys()].join(', ') || 'none'}`)
  }

  set(key: string, item: T): this {
    if (key === '' || key.includes('.')) fail(this.constructor.name, `'${key}' cannot be a key`, 'dots separate the parts of a name')
    this.#items.set(key, item)
    return this
  }

  has(key: string): boolean {
    return this.#items.has(key)
  }

  delete(key: string): boolean {
    return this.#items.delete(key)
  }

  keys(): string[] {
    return [...this.#items.keys()]
  }

  values(): T[] {
    return [...this.#items.values()]
  }

  [Symbol.iterator](): Iterator<[string, T]> {
    return this.#items[Symbol.iterator]()
  }

  override forward(): never {
    return fail(this.constructor.name, 'a dictionary has no forward', `use what it holds: dict.get('${this.keys()[0] ?? 'key'}')`)
  }
}

/**
 * Modules by name, which belong to the module that holds it. As `torch.nn.ModuleDict`.
 *
 * @example
 * const heads = new nn.ModuleDict({ age: new nn.Linear(8, 1), kind: new nn.Linear(8, 3) })
 * heads.get('kind').forward(randn(2, 8)).shape // → [ 2, 3 ]
 */
export class ModuleDict<M extends Module = Layer> extends Named<M> {
  constructor(items: Readonly<Record<string, M>> = {}) {
    super()
    modules('ModuleDict', Object.values(items))
    this.fill(items)
  }
}

const asParameter = (x: Tensor): Parameter => (x instanceof Parameter ? x : new Parameter(x))

/** A list of parameters; other tensors become parameters. As `torch.nn.ParameterList`. */
export class ParameterList extends Numbered<Parameter> {
  constructor(items: Iterable<Tensor> = []) {
    super([...items].map(asParameter))
  }

  override forward(): never {
    return fail('ParameterList', 'a list has no forward', 'loop over it: for (const p of list) …')
  }
}

/** Parameters by name; other tensors become parameters. As `torch.nn.ParameterDict`. */
export class ParameterDict extends Named<Parameter> {
  constructor(items: Readonly<Record<string, Tensor>> = {}) {
    super()
    this.fill(Object.fromEntries(Object.entries(items).map(([key, x]) => [key, asParameter(x)])))
  }
}
