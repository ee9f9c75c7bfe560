// A module is a class whose fields are parameters, buffers and modules; they are found by walking the fields in order.
import { noGrad } from '../autograd/mode.ts'
import { isFloat, needDType, type DType } from '../core/dtype.ts'
import { fail, nearest } from '../core/errors.ts'
import { sameShape } from '../core/shape.ts'
import { toDevice } from '../eager/transfer.ts'
import type { Tensor } from '../ops/index.ts'
import { label } from '../ops/labels.ts'
import { lasting, world } from '../ops/world.ts'
import { Parameter } from './parameter.ts'
import { printTree } from './print.ts'
import { loadInto, type LoadOptions, type LoadResult, type StateDict } from './state.ts'

/** A module from one tensor to one tensor: what can stand in a row. */
export interface Layer extends Module {
  forward(x: Tensor): Tensor
}

/** PyTorch's spelling of a field: `inProjWeight` is `in_proj_weight` in checkpoints. */
const snakeCase = (field: string): string => field.replace(/([a-z0-9])([A-Z])/g, '$1_$2').toLowerCase()

/**
 * Base of all layers and models. Assign parameters, buffers and modules to fields, say in `forward` what happens. As `torch.nn.Module`.
 *
 * @example
 * class Net extends nn.Module {
 *   conv = new nn.Conv2d(1, 16, 3, { padding: 1 })
 *   fc = new nn.Linear(1024, 10)
 *   forward(x) { return this.fc.forward(this.conv.forward(x).relu().flatten(1)) }
 * }
 * new Net().forward(randn(2, 1, 8, 8)).shape // → [ 2, 10 ]
 */
export abstract class Module {
  #training = true
  /** Names of buffers, and whether checkpoints have them. */
  readonly #buffers = new Map<string, boolean>()

  /** The computation. Call it directly: `model.forward(x)`. */
  abstract forward(...inputs: never[]): unknown

  /** True in training mode (dropout drops, batch norm uses the batch's statistics); set by `train()` and `eval()`. */
  get training(): boolean {
    world().observe(() => this.#training)
    return this.#training
  }

  /** Training mode for this module and all inside it. As `torch.nn.Module.train`. */
  train(on = true): this {
    for (const m of this.modules()) m.#training = on
    return this
  }

  /** Evaluation mode. As `torch.nn.Module.eval`. */
  eval(): this {
    return this.train(false)
  }

  /**
   * Makes a tensor part of the module's state that is not trained, under the field `name`. Returns it, so that a field can be set at once:
   * `mean = this.registerBuffer('mean', zeros([n]))`. `persistent: false` leaves it out of `stateDict()`. As `torch.nn.Module.register_buffer`.
   */
  registerBuffer<T extends Tensor | null>(name: string, value: T, options: { persistent?: boolean } = {}): T {
    this.#buffers.set(name, options.persistent ?? true)
    // A handle of the module's own: no scope around its making frees it.
    const kept = (value && world().outside(() => world().hold(value))) as T
    Object.assign(this, { [name]: kept })
    return kept
  }

  /** Why the parameters are not there yet; null when they are. Overridden by lazy layers. */
  get unready(): string | null {
    return null
  }

  /** What a field is called in checkpoints. Overridden by dictionaries, whose keys stay as they are. */
  protected nameInState(field: string): string {
    return snakeCase(field)
  }

  /** Modules in the fields, by field name. Overridden by lists. */
  protected fields(): Iterable<[string, unknown]> {
    return Object.entries(this)
  }

  /** Puts another tensor into a field. Overridden by lists. */
  protected setField(name: string, value: Tensor): void {
    Object.assign(this, { [name]: value })
  }

  /** Modules directly inside. */
  *namedChildren(): Generator<[string, Module]> {
    for (const [name, value] of this.fields()) if (value instanceof Module) yield [name, value]
  }

  children(): Module[] {
    return [...this.namedChildren()].map(([, m]) => m)
  }

  /** This module and all inside it, depth first, each once, with the path of fields that leads to it. As `torch.nn.Module.named_modules`. */
  *namedModules(prefix = '', seen = new Set<Module>()): Generator<[string, Module]> {
    if (seen.has(this)) return
    seen.add(this)
    yield [prefix, this]
    for (const [name, m] of this.namedChildren()) yield* m.namedModules(join(prefix, this.nameInState(name)), seen)
  }

  modules(): Module[] {
    return [...this.namedModules()].map(([, m]) => m)
  }

  /** The module inside that a path of names leads to: `encoder.layers.0`. As `torch.nn.Module.get_submodule`. */
  getSubmodule(path: string): Module {
    return found('getSubmodule', 'module', path, this.namedModules())
  }

  /** A parameter by its name in checkpoints: `conv1.weight`. As `torch.nn.Module.get_parameter`. */
  getParameter(path: string): Parameter {
    return found('getParameter', 'parameter', path, this.namedParameters())
  }

  /** A buffer by its name in checkpoints: `bn1.running_mean`. As `torch.nn.Module.get_buffer`. */
  getBuffer(path: string): Tensor {
    return found('getBuffer', 'buffer', path, this.namedBuffers())
  }

  /** Parameters in the fields of this module alone. */
  *ownParameters(): Generator<[string, Parameter]> {
    for (const [name, value] of this.fields()) if (value instanceof Parameter) yield [name, value]
  }

  /** Buffers of this module alone; `null` for one that is switched off. */
  *ownBuffers(): Generator<[string, Tensor, { persistent: boolean }]> {
    for (const [name, persistent] of this.#buffers) {
      const value = (this as unknown as Record<string, Tensor | null>)[name]
      if (value) yield [name, value, { persistent }]
    }
  }

  /** Parameters by name (`conv1.weight`), each once however often it is used. As `torch.nn.Module.named_parameters`. */
  *namedParameters(): Generator<[string, Parameter]> {
    const seen = new Set<Parameter>()
    for (const [path, m] of this.namedModules())
      for (const [name, p] of m.ownParameters()) {
        if (seen.has(p)) continue
        seen.add(p)
        const full = join(path, m.nameInState(name))
        label(p, full)
        yield [full, p]
      }
  }

  /**
   * All parameters, for an optimiser. As `torch.nn.Module.parameters`.
   * @throws LampasError when a field is an array of modules that are found nowhere else: they would not be trained.
   */
  parameters(): Parameter[] {
    const modules = new Set(this.modules())
    for (const m of modules) if (m.unready !== null) fail('parameters', m.unready, 'run a batch through the model first: model.forward(x)')
    for (const m of modules)
      for (const [name, value] of m.fields())
        if (Array.isArray(value) && value.some(v => v instanceof Parameter || (v instanceof Module && !modules.has(v))))
          fail(m.constructor.name, `the field '${name}' is a plain array, in which modules and parameters are not found`, `use a list that is: ${name} = new nn.ModuleList([…])`)
    for (const [name, b] of this.namedBuffers()) label(b, name)
    return [...this.namedParameters()].map(([, p]) => p)
  }

  /** Buffers by name (`bn1.running_mean`). As `torch.nn.Module.named_buffers`. */
  *namedBuffers(): Generator<[string, Tensor]> {
    for (const [path, m] of this.namedModules()) for (const [name, b] of m.ownBuffers()) yield [join(path, m.nameInState(name)), b]
  }

  buffers(): Tensor[] {
    return [...this.namedBuffers()].map(([, b]) => b)
  }

  /**
   * Parameters and persistent buffers under PyTorch's names (`bn1.running_mean`): field names in snake_case, joined by dots. The tensors share
   * memory with the model; clone them to keep a moment. As `torch.nn.Module.state_dict`.
   */
  stateDict(): StateDict {
    const out: StateDict = {}
    for (const [name, x] of this.entries()) {
      if (name in out) fail('stateDict', `two fields are both called '${name}' in checkpoints`, 'rename one: names are compared in snake_case')
      out[name] = x.detach()
    }
    return out
  }

  /**
   * Copies values into parameters and buffers by name. Values on another device are moved. All mismatches are reported at once and then
   * nothing is changed. As `torch.nn.Module.load_state_dict`.
   *
   * @param options `strict: false` ignores names that only one side has (shapes must still agree).
   * @throws LampasError with a table of names that are missing, unexpected, or of another shape.
   */
  loadStateDict(state: StateDict, options: LoadOptions = {}): Promise<LoadResult> {
    return loadInto(new Map(this.entries()), state, options)
  }

  private *entries(path = ''): Generator<[string, Tensor]> {
    for (const [name, p] of this.ownParameters()) yield [join(path, this.nameInState(name)), p]
    for (const [name, b, { persistent }] of this.ownBuffers()) if (persistent) yield [join(path, this.nameInState(name)), b]
    for (const [name, m] of this.namedChildren()) yield* m.entries(join(path, this.nameInState(name)))
  }

  /** Forgets all gradients. As `torch.nn.Module.zero_grad`. */
  zeroGrad(): void {
    for (const p of this.parameters()) p.grad = null
  }

  /** Whether gradients are wanted, for all parameters: `model.features.requiresGrad_(false)` freezes a part. */
  requiresGrad_(on = true): this {
    for (const p of this.parameters()) p.requiresGrad_(on)
    return this
  }

  /** Calls `fn` with every module inside, then with this one. As `torch.nn.Module.apply`. */
  apply(fn: (m: Module) => void): this {
    for (const m of this.children()) m.apply(fn)
    fn(this)
    return this
  }

  /**
   * Moves parameters and buffers to another device. They become new tensors: make optimisers afterwards. A parameter used in two places
   * stays one. As `torch.nn.Module.to`.
   */
  async toDevice(device: string): Promise<this> {
    const moved = new Map<Tensor, Tensor>()
    for (const m of this.modules()) for (const [, x] of [...m.ownParameters(), ...m.ownBuffers()]) if (!moved.has(x)) moved.set(x, await toDevice(x, device))
    return this.replaceState(x => moved.get(x)!)
  }

  /**
   * Gives parameters and float buffers another float dtype. They become new tensors: make optimisers afterwards. A parameter used in two places
   * stays one. As `torch.nn.Module.to(dtype)`.
   */
  to(dtype: DType): this {
    needDType('to', dtype)
    if (!isFloat(dtype)) fail('to', `parameters of dtype ${dtype}`, "give a float dtype: 'float16', 'bfloat16', 'float32', 'float64'")
    return this.replaceState(x => (isFloat(x.dtype) ? noGrad(() => x.to(dtype)) : x))
  }

  /** Puts other tensors in the place of parameters and buffers. */
  private replaceState(other: (x: Tensor) => Tensor): this {
    const made = new Map<Tensor, Tensor>()
    for (const m of this.modules())
      for (const [name, x] of [...m.ownParameters(), ...m.ownBuffers()]) {
        if (!made.has(x)) {
          const y = other(x)
          made.set(x, y === x ? x : x instanceof Parameter ? new Parameter(y.detach(), x.requiresGrad) : lasting(() => y))
        }
        m.setField(name, made.get(x)!)
      }
    return this
  }

  /**
   * What `forward` gives with other tensors in place of parameters and buffers, by their names in `stateDict()`; those that are not named stay.
   * Gradients flow to the tensors given, so a step of learning can itself be learned through. As `torch.func.functional_call`.
   *
   * @example
   * const model = new nn.Linear(2, 1, { bias: false })
   * const weight = tensor([[3, 4]], { requiresGrad: true })
   * const y = model.functionalCall({ weight }, ones(1, 2)) // → tensor([[7.]], requiresGrad=true)
   * grad(y.sum(), [weight])[0] // → tensor([[1., 1.]])
   */
  functionalCall<Inputs extends unknown[], Result>(this: Module & { forward(...inputs: Inputs): Result }, tensors: Readonly<Record<string, Tensor>>, ...inputs: Inputs): Result {
    const known = new Map<string, Tensor>([...this.namedParameters(), ...this.namedBuffers()])
    const others = new Map<Tensor, Tensor>()
    for (const [name, x] of Object.entries(tensors)) {
      const own = found('functionalCall', 'parameter or buffer', name, known)
      if (!sameShape(x.shape, own.shape)) fail('functionalCall', `'${name}' is ${own}, the tensor given for it ${x}`, 'give one of the same shape')
      others.set(own, x)
    }
    const back: (() => void)[] = []
    try {
      for (const m of this.modules())
        for (const [name, x] of [...m.ownParameters(), ...m.ownBuffers()]) {
          const other = others.get(x)
          if (!other) continue
          m.setField(name, other)
          back.push(() => m.setField(name, x))
        }
      return this.forward(...inputs)
    } finally {
      for (const undo of back) undo()
    }
  }

  /** What is printed between the parentheses: sizes and options. */
  extraRepr(): string {
    return ''
  }

  /** The tree of modules with the number of parameters of each. */
  toString(): string {
    return printTree(this)
  }
}

function found<T>(op: string, what: string, path: string, entries: Iterable<readonly [string, T]>): T {
  const all = new Map(entries)
  const guess = nearest(path, [...all.keys()])
  return all.get(path) ?? fail(op, `there is no ${what} '${path}'`, guess ? `did you mean '${guess}'?` : 'names are those of stateDict(): fields in snake_case, joined by dots')
}

const join = (path: string, name: string): string => (path ? `${path}.${name}` : name)
