// Learning rates over time. Each schedule is a closed formula of the number of `step()` calls, from the rates that the optimiser had before
// its first schedule.
import { fail } from '../core/errors.ts'
import { needWhole, withDefaults } from '../core/options.ts'
import type { Optimizer, ParamGroup, WithRate } from './optimizer.ts'

type Group = Pick<ParamGroup<WithRate>, 'lr'>
/** What a schedule needs of an optimiser. */
export type Target = Pick<Optimizer<WithRate>, 'lr'> & { readonly paramGroups: readonly Group[] }

/** Rates before the first schedule: the `initial_lr` of PyTorch. */
const initial = new WeakMap<Group, number>()
function initialRate(group: Group): number {
  const known = initial.get(group) ?? group.lr
  initial.set(group, known)
  return known
}

/** What schedules have in common; extend it with a `rate` of your own. As `torch.optim.lr_scheduler.LRScheduler`. */
export abstract class LRScheduler {
  /** Number of `step()` calls so far. */
  lastEpoch = 0
  readonly baseLrs: readonly number[]

  constructor(readonly optimizer: Target) {
    if (!Array.isArray(optimizer?.paramGroups)) fail(this.constructor.name, 'the first argument is no optimiser', `new ${this.constructor.name}(optimizer, …)`)
    this.baseLrs = optimizer.paramGroups.map(initialRate)
  }

  /** The rate of a group after t steps, where it would be `base` without the schedule. */
  abstract rate(base: number, t: number, group: number): number

  /** Sets the rates for time t; subclasses call `apply(0)` when they are ready, because a schedule may begin away from the base rate. */
  protected apply(t: number): void {
    this.lastEpoch = t
    this.optimizer.paramGroups.forEach((g, i) => (g.lr = this.rate(this.baseLrs[i], t, i)))
  }

  /** One unit of time on: call it after the optimiser's step (or epoch). */
  step(): void {
    this.apply(this.lastEpoch + 1)
  }

  /** Rates of the groups now. As `get_last_lr`. */
  get lastLr(): number[] {
    return this.optimizer.paramGroups.map(g => g.lr)
  }

  stateDict(): { lastEpoch: number } {
    return { lastEpoch: this.lastEpoch }
  }

  loadStateDict(state: { lastEpoch: number }): void {
    needWhole(this.constructor.name, { lastEpoch: state.lastEpoch }, 0)
    this.apply(state.lastEpoch)
  }
}

/** What leads may also come in the options object. */
export const named = <O extends object>(first: number | readonly number[] | O, name: keyof O, options: O | undefined): O =>
  typeof first === 'number' || Array.isArray(first) ? ({ ...options, [name]: first } as O) : (first as O)

export interface StepLROptions {
  stepSize?: number
  /** Default 0.1. */
  gamma?: number
}
/** lr·gamma^⌊t / stepSize⌋. As `torch.optim.lr_scheduler.StepLR`. */
export class StepLR extends LRScheduler {
  readonly stepSize: number
  readonly gamma: number

  constructor(optimizer: Target, stepSize: number | StepLROptions, options?: StepLROptions) {
    super(optimizer)
    const o = withDefaults<Required<StepLROptions>>('StepLR', named(stepSize, 'stepSize', options), { stepSize: 0, gamma: 0.1 })
    needWhole('StepLR', { stepSize: o.stepSize })
    this.stepSize = o.stepSize
    this.gamma = o.gamma
  }

  override rate(base: number, t: number): number {
    return base * this.gamma ** Math.floor(t / this.stepSize)
  }
}

export interface MultiStepOptions {
  milestones?: readonly number[]
  /** Default 0.1. */
  gamma?: number
}
/** lr·gamma^(number of milestones reached). As `torch.optim.lr_scheduler.MultiStepLR`. */
export class MultiStepLR extends LRScheduler {
  readonly milestones: readonly number[]
  readonly gamma: number

  constructor(optimizer: Target, milestones: readonly number[] | MultiStepOptions, options?: MultiStepOptions) {
    super(optimizer)
    const o = withDefaults<Required<MultiStepOptions>>('MultiStepLR', named(milestones, 'milestones', options), { milestones: [], gamma: 0.1 })
    if (!Array.isArray(o.milestones) || o.milestones.length === 0) fail('MultiStepLR', 'there are no milestones', 'give a list of steps: [30, 80]')
    this.milestones = o.milestones
    this.gamma = o.gamma
  }

  override rate(base: number, t: number): number {
    return base * this.gamma ** this.milestones.filter(m => m <= t).length
  }
}

/** lr·gammaᵗ. As `torch.optim.lr_scheduler.ExponentialLR`. */
export class ExponentialLR extends LRScheduler {
  readonly gamma: number

  constructor(optimizer: Target, gamma: number | { gamma?: number }) {
    super(optimizer)
    this.gamma = withDefaults('ExponentialLR', named(gamma, 'gamma', undefined), { gamma: NaN }).gamma
    if (!(this.gamma > 0)) fail('ExponentialLR', `gamma is ${this.gamma}`, 'give a number > 0')
  }

  override rate(base: number, t: number): number {
    return base * this.gamma ** t
  }
}

export interface CosineAnnealingOptions {
  tMax?: number
  /** The lowest rate. Default 0. */
  etaMin?: number
}
/** Down a cosine from lr to etaMin in tMax steps (Loshchilov & Hutter 2017). As `torch.optim.lr_scheduler.CosineAnnealingLR`. */
export class CosineAnnealingLR extends LRScheduler {
  readonly tMax: number
  readonly etaMin: number

  constructor(optimizer: Target, tMax: number | CosineAnnealingOptions, options?: CosineAnnealingOptions) {
    super(optimizer)
    const o = withDefaults<Required<CosineAnnealingOptions>>('CosineAnnealingLR', named(tMax, 'tMax', options), { tMax: 0, etaMin: 0 })
    needWhole('CosineAnnealingLR', { tMax: o.tMax })
    this.tMax = o.tMax
    this.etaMin = o.etaMin
  }

  override rate(base: number, t: number): number {
    return this.etaMin + ((base - this.etaMin) * (1 + Math.cos((Math.PI * t) / this.tMax))) / 2
  }
}

/** lr·factor(t); one function, or one for each group. As `torch.optim.lr_scheduler.LambdaLR`. */
export class LambdaLR extends LRScheduler {
  private readonly factors: readonly ((t: number) => number)[]

  constructor(optimizer: Target, factor: ((t: number) => number) | readonly ((t: number) => number)[]) {
    super(optimizer)
    this.factors = typeof factor === 'function' ? this.baseLrs.map(() => factor) : factor
    if (this.factors.length !== this.baseLrs.length) fail('LambdaLR', `${this.factors.length} functions for ${this.baseLrs.length} groups`, 'give one function, or one for each group')
    this.apply(0)
  }

  override rate(base: number, t: number, group: number): number {
    return base * this.factors[group](t)
  }
}

export interface LinearLROptions {
  /** Factor at the beginning. Default 1/3. */
  startFactor?: number
  /** Factor from `totalIters` on. Default 1. */
  endFactor?: number
  totalIters?: number
}
/** A factor that goes straight from startFactor to endFactor in totalIters steps: warm-up. As `torch.optim.lr_scheduler.LinearLR`. */
export class LinearLR extends LRScheduler {
  private readonly options: Required<LinearLROptions>

  constructor(optimizer: Target, options: LinearLROptions = {}) {
    super(optimizer)
    this.options = withDefaults('LinearLR', options, { startFactor: 1 / 3, endFactor: 1, totalIters: 5 })
    this.apply(0)
  }

  override rate(base: number, t: number): number {
    const { startFactor, endFactor, totalIters } = this.options
    return base * (startFactor + (endFactor - startFactor) * Math.min(1, t / totalIters))
  }
}

export interface OneCycleOptions {
  maxLr?: number
  totalSteps?: number
  /** Share of the steps in which the rate rises. Default 0.3. */
  pctStart?: number
  /** First rate is maxLr / divFactor. Default 25. */
  divFactor?: number
  /** Last rate is the first / finalDivFactor. Default 10⁴. */
  finalDivFactor?: number
  annealStrategy?: 'cos' | 'linear'
}
/** Up to maxLr and down far below the start, in totalSteps steps (Smith & Topin 2019). Rates only. As `torch.optim.lr_scheduler.OneCycleLR`. */
export class OneCycleLR extends LRScheduler {
  private readonly options: Required<OneCycleOptions>

  constructor(optimizer: Target, maxLr: number | OneCycleOptions, options?: OneCycleOptions) {
    super(optimizer)
    const defaults: Required<OneCycleOptions> = { maxLr: 0, totalSteps: 0, pctStart: 0.3, divFactor: 25, finalDivFactor: 1e4, annealStrategy: 'cos' }
    this.options = withDefaults('OneCycleLR', named(maxLr, 'maxLr', options), defaults)
    needWhole('OneCycleLR', { totalSteps: this.options.totalSteps })
    if (!(this.options.maxLr > 0)) fail('OneCycleLR', `maxLr is ${this.options.maxLr}`, 'give a number > 0')
    this.apply(0)
  }

  override rate(_base: number, t: number): number {
    const { maxLr, totalSteps, pctStart, divFactor, finalDivFactor, annealStrategy } = this.options
    if (t > totalSteps) fail('OneCycleLR', `step ${t} of ${totalSteps}`, 'make the cycle as long as the training')
    const first = maxLr / divFactor
    const peak = pctStart * totalSteps - 1
    const end = totalSteps - 1
    const [from, to, share] = t <= peak ? [first, maxLr, peak > 0 ? t / peak : 1] : [maxLr, first / finalDivFactor, Math.min(1, (t - peak) / (end - peak))]
    return from + (to - from) * (annealStrategy === 'cos' ? (1 - Math.cos(Math.PI * share)) / 2 : share)
  }
}
