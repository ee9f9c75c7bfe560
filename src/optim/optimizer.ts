// What all optimisers share: groups of parameters, state, the count of steps. Learning rate and count are tensors on the device, so that a
// compiled step carries them along and sees a rate that was changed between two calls.
import { noGrad } from '../autograd/mode.ts'
import { isFloat } from '../core/dtype.ts'
import { fail } from '../core/errors.ts'
import { withDefaults } from '../core/options.ts'
import { sameShape, type Shape } from '../core/shape.ts'
import { toDevice } from '../eager/transfer.ts'
import { full, Tensor } from '../ops/index.ts'
import { addOp, assign, copy_, fill_ } from '../ops/inplace.ts'
import { label, labelOf } from '../ops/labels.ts'
import { lasting, world } from '../ops/world.ts'
import { stateType, type Hyper, type Rule } from './rule.ts'

export interface WithRate {
  /** Learning rate. */
  lr: number
}

/** What nearly all optimisers take. */
export interface Common extends WithRate {
  /** Pulls parameters to 0. */
  weightDecay: number
  /** Climb instead of descending. */
  maximize: boolean
}

/** Parameters that share options; each may set its own, the others come from the optimiser's. */
export type GroupOptions<O extends WithRate> = { params: Iterable<Tensor> } & Partial<O>

export type Params<O extends WithRate> = Iterable<Tensor> | readonly GroupOptions<O>[]
export type Options<O> = Omit<O, 'lr'>

/** Counts the steps of parameters that have taken the same ones, and holds the numbers that these carry on. */
interface Clock {
  readonly count: Tensor
  readonly carried: readonly Tensor[]
  readonly members: Set<Tensor>
}
interface ParamState {
  readonly tensors: readonly Tensor[]
  clock: Clock
}

/** A group of parameters and its options. */
export class ParamGroup<O extends WithRate> {
  #lr: number
  /** The learning rate on the device, 0-dim: float64 for parameters of float64, else float32. */
  readonly rate: Tensor

  constructor(
    readonly params: readonly Tensor[],
    readonly options: Omit<O, 'lr'>,
    lr: number,
  ) {
    this.#lr = checkRate(lr)
    this.rate = named(filledLike(params[0], lr, []), 'lr')
  }

  get lr(): number {
    return this.#lr
  }

  set lr(value: number) {
    // A rate that a traced step sets itself is a constant of that trace: the next call must trace anew.
    world().observe(() => this.#lr)
    if (checkRate(value) === this.#lr) return
    this.#lr = value
    noGrad(() => fill_(this.rate, value))
  }
}

/** Throws unless every value is a number ≥ 0, and below the limit. */
export function needRange(op: string, values: Readonly<Record<string, number>>, below = Infinity): void {
  for (const [name, v] of Object.entries(values))
    if (!(v >= 0 && v < below)) fail(op, `${name} is ${v}`, `give a number ≥ 0${below < Infinity ? ` and < ${below}` : ''}`)
}

const checkRate = (lr: number): number => (Number.isFinite(lr) && lr >= 0 ? lr : fail('optim', `the learning rate is ${lr}`, 'give a finite number ≥ 0'))
/** Fresh memory for what is kept of a parameter. */
const filledLike = (p: Tensor, value: number, shape: Shape = p.shape): Tensor => lasting(() => full(shape, value, { dtype: stateType(p.dtype), device: p.device }))

const named = (x: Tensor, name: string): Tensor => (label(x, name), x)

/** A plain record of an optimiser, under PyTorch's names. The tensors share memory with it. */
export interface OptimizerState {
  /** By position of the parameter, all groups counted through. */
  state: Record<number, Record<string, Tensor>>
  paramGroups: Record<string, unknown>[]
}

/** A step down the gradient of a cost, as an update of a symbolic function. */
export interface OptimizerStep {
  readonly optimizer: { readonly paramGroups: readonly { readonly params: readonly Tensor[] }[]; step(): void }
  readonly cost: Tensor
  /** The parameters to move; default: all. */
  readonly params?: Iterable<Tensor>
}

export abstract class Optimizer<O extends WithRate> {
  readonly paramGroups: ParamGroup<O>[] = []
  private readonly state = new Map<Tensor, ParamState>()
  /** Options of groups that do not set their own. */
  private readonly base: O

  constructor(
    params: Iterable<Tensor> | readonly GroupOptions<O>[],
    options: Partial<O>,
    private readonly defaults: O,
  ) {
    const name = this.constructor.name
    this.base = withDefaults(name, options, defaults)
    if (typeof (params as Partial<Iterable<Tensor>> | null)?.[Symbol.iterator] !== 'function')
      fail(name, `expected a list of parameters, got ${params === null ? 'null' : typeof params === 'object' ? `a ${(params as object).constructor.name}` : typeof params}`, 'pass model.parameters()')
    const list: readonly (Tensor | GroupOptions<O>)[] = [...params]
    if (list.length === 0) fail(name, 'there is nothing to train', 'pass model.parameters()')
    if (list.every(x => x instanceof Tensor)) this.add(list, {})
    else for (const group of list as readonly GroupOptions<O>[]) this.addParamGroup(group)
  }

  /** Trains further parameters, with options of their own. As `torch.optim.Optimizer.add_param_group`. */
  addParamGroup({ params, ...options }: GroupOptions<O>): void {
    this.add(params ? [...params] : [], options as unknown as Partial<O>)
  }

  private add(params: readonly Tensor[], options: Partial<O>): void {
    const name = this.constructor.name
    const known = new Set(this.paramGroups.flatMap(g => g.params))
    if (params.length === 0) fail(name, 'a group has no parameters', 'pass model.parameters() or [{ params: […], lr: … }, …]')
    for (const p of params) {
      if (!(p instanceof Tensor)) fail(name, `expected tensors, found ${p === null ? 'null' : typeof p}`, 'pass model.parameters()')
      if (!p.isLeaf || !isFloat(p.dtype)) fail(name, `${p} is not a leaf of a float dtype`, 'train parameters, not what is computed from them')
      if (known.has(p)) fail(name, `${p} is given twice`, 'each parameter belongs to one group')
      known.add(p)
    }
    const { lr, ...rest } = withDefaults<O>(name, options, this.base)
    this.check(rest)
    this.paramGroups.push(new ParamGroup<O>(params, rest, lr))
  }

  /** Throws when options do not make sense. */
  protected abstract check(options: Omit<O, 'lr'>): void
  /** The formulas for a group, and their hyper-parameters. */
  protected abstract rule(options: Omit<O, 'lr'>): { rule: Rule; hyper: Hyper }
  /** Value with which states begin. */
  protected initial(_options: Omit<O, 'lr'>): number {
    return 0
  }

  /** Learning rate of the first group; setting it sets that of all. A compiled step sees the change. */
  get lr(): number {
    return this.paramGroups[0].lr
  }

  set lr(value: number) {
    for (const g of this.paramGroups) g.lr = value
  }

  /** Forgets all gradients. As `torch.optim.Optimizer.zero_grad`. */
  zeroGrad(): void {
    for (const g of this.paramGroups) for (const p of g.params) p.grad = null
  }

  /** One update of all parameters that have a gradient, in place. As `torch.optim.Optimizer.step`. */
  step(): void {
    noGrad(() => {
      for (const group of this.paramGroups) {
        const live = group.params.filter(p => p.grad)
        world().observe(() => Object.values(group.options).join())
        if (live.length === 0) continue
        const { rule, hyper } = this.rule(group.options)
        for (const [clock, params] of this.clocks(live, rule, group)) {
          assign(addOp, clock.count, 1)
          world().tidy(() => {
            const numbers = [group.rate, clock.count, ...clock.carried]
            const shared = rule.shared ? world().apply(rule.shared, numbers, hyper) : numbers
            clock.carried.forEach((c, i) => copy_(c, shared[i]))
            for (const p of params) {
              const { tensors } = this.state.get(p)!
              world().assign(rule.update, [p, ...tensors], [p, p.grad!, ...tensors, ...shared], hyper)
            }
            return []
          })
        }
      }
    })
  }

  /** This optimiser's step as an update of a symbolic function of expressions: `symbolic.func({inputs, updates: adam.updates(cost)})`. */
  updates(cost: Tensor, params?: Iterable<Tensor>): OptimizerStep {
    return { optimizer: this, cost, params }
  }

  /** Parameters by clock. Those whose fellows skip this step, for want of a gradient, count on their own from now on. */
  private clocks(live: readonly Tensor[], rule: Rule, group: ParamGroup<O>): Map<Clock, Tensor[]> {
    const together = new Map<Clock, Tensor[]>()
    let fresh: Clock | null = null
    for (const p of live) {
      let s = this.state.get(p)
      if (!s) {
        fresh ??= { count: named(filledLike(p, 0, []), 'step'), carried: rule.carried.map(n => named(filledLike(p, 1, []), n)), members: new Set() }
        fresh.members.add(p)
        s = { tensors: rule.states.map(n => named(filledLike(p, this.initial(group.options)), `${labelOf(p.source) ?? 'parameter'}.${n}`)), clock: fresh }
        this.state.set(p, s)
      }
      const list = together.get(s.clock)
      if (list) list.push(p)
      else together.set(s.clock, [p])
    }
    const out = new Map<Clock, Tensor[]>()
    for (const [clock, params] of together) out.set(params.length === clock.members.size ? clock : this.part(clock, params), params)
    return out
  }

  private part(clock: Clock, params: readonly Tensor[]): Clock {
    const [count, ...carried] = [clock.count, ...clock.carried].map(x => lasting(() => x.clone()))
    const own: Clock = { count, carried, members: new Set(params) }
    for (const p of params) {
      clock.members.delete(p)
      this.state.get(p)!.clock = own
    }
    return own
  }

  /**
   * State tensors by position of the parameter and PyTorch's name (`exp_avg`, `momentum_buffer`, `step`), and the options of the groups. The
   * tensors share memory with the optimiser. As `torch.optim.Optimizer.state_dict`.
   */
  stateDict(): OptimizerState {
    const state: OptimizerState['state'] = {}
    let at = 0
    const paramGroups = this.paramGroups.map(g => {
      const { states, carried } = this.rule(g.options).rule
      const params = g.params.map(p => {
        const s = this.state.get(p)
        const tensors = s && [s.clock.count, ...s.clock.carried, ...s.tensors]
        if (tensors) state[at] = Object.fromEntries(['step', ...carried, ...states].map((n, i) => [n, tensors[i].detach()]))
        return at++
      })
      return { lr: g.lr, ...g.options, params }
    })
    return { state, paramGroups }
  }

  /**
   * Takes over state and options from `stateDict()` of an optimiser of the same kind over parameters of the same shapes. As
   * `torch.optim.Optimizer.load_state_dict`.
   * @throws LampasError when groups, names or shapes do not fit.
   */
  async loadStateDict(saved: OptimizerState): Promise<void> {
    const name = this.constructor.name
    const help = 'the state must come from the same kind of optimiser over the same parameters'
    if (saved.paramGroups.length !== this.paramGroups.length) fail(name, `the state has ${saved.paramGroups.length} groups, this optimiser ${this.paramGroups.length}`, help)
    const params = this.paramGroups.flatMap((g, group) => g.params.map(p => ({ p, group, rule: this.rule(g.options).rule })))
    const clocks = new Map<string, Clock>()
    const loaded = new Map<Tensor, ParamState>()
    for (const [i, { p, group, rule: { states, carried } }] of params.entries()) {
      const entry = saved.state[i]
      if (!entry) continue
      const numbers = ['step', ...carried]
      for (const n of [...numbers, ...states]) {
        const shape = numbers.includes(n) ? [] : p.shape
        if (!entry[n] || !sameShape(entry[n].shape, shape)) fail(name, `parameter ${i} (${p}) needs '${n}' of shape [${shape}], the state has ${entry[n] ? String(entry[n]) : Object.keys(entry).join(', ')}`, help)
      }
      const own = async (n: string): Promise<Tensor> => {
        const source = await toDevice(entry[n], p.device)
        const copy = filledLike(p, 0, source.shape)
        noGrad(() => copy_(copy, source))
        return copy
      }
      const together = `${group} ${await entry.step.item()}`
      if (!clocks.has(together)) {
        const [count, ...rest] = await Promise.all(numbers.map(own))
        clocks.set(together, { count, carried: rest, members: new Set() })
      }
      const clock = clocks.get(together)!
      clock.members.add(p)
      loaded.set(p, { tensors: await Promise.all(states.map(own)), clock })
    }
    this.state.clear()
    for (const [p, s] of loaded) this.state.set(p, s)
    saved.paramGroups.forEach(({ params: _, ...options }, i) => {
      const { lr, ...rest } = withDefaults<O>(name, options as Partial<O>, this.defaults)
      Object.assign(this.paramGroups[i].options, rest)
      this.paramGroups[i].lr = lr
    })
  }
}
