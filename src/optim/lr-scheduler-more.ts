// The rarer schedules: those made of others, those that come again, and the one that looks at how training goes.
import { fail } from '../core/errors.ts'
import { needWhole, withDefaults } from '../core/options.ts'
import { LRScheduler, named, type Target } from './lr-scheduler.ts'

/** lr·factor for totalIters steps, then lr. As `torch.optim.lr_scheduler.ConstantLR`. */
export class ConstantLR extends LRScheduler {
  private readonly options: { factor: number; totalIters: number }

  constructor(optimizer: Target, options: { factor?: number; totalIters?: number } = {}) {
    super(optimizer)
    this.options = withDefaults('ConstantLR', options, { factor: 1 / 3, totalIters: 5 })
    this.apply(0)
  }

  override rate(base: number, t: number): number {
    return t < this.options.totalIters ? base * this.options.factor : base
  }
}

/** lr·(1 − t/totalIters)^power, then 0. As `torch.optim.lr_scheduler.PolynomialLR`. */
export class PolynomialLR extends LRScheduler {
  private readonly options: { totalIters: number; power: number }

  constructor(optimizer: Target, options: { totalIters?: number; power?: number } = {}) {
    super(optimizer)
    this.options = withDefaults('PolynomialLR', options, { totalIters: 5, power: 1 })
    needWhole('PolynomialLR', { totalIters: this.options.totalIters })
  }

  override rate(base: number, t: number): number {
    const { totalIters, power } = this.options
    return base * (1 - Math.min(t, totalIters) / totalIters) ** power
  }
}

/** lr·factor(1)·…·factor(t). As `torch.optim.lr_scheduler.MultiplicativeLR`. */
export class MultiplicativeLR extends LRScheduler {
  /** Products up to each t so far. */
  private readonly products = [1]

  constructor(optimizer: Target, private readonly factor: (t: number) => number) {
    super(optimizer)
  }

  override rate(base: number, t: number): number {
    for (let i = this.products.length; i <= t; i++) this.products.push(this.products[i - 1] * this.factor(i))
    return base * this.products[t]
  }
}

export interface WarmRestartsOptions {
  /** Length of the first cycle. */
  t0?: number
  /** How much longer each cycle is than the last. Default 1. */
  tMult?: number
  /** The lowest rate. Default 0. */
  etaMin?: number
}
/** Cosines from lr to etaMin, one behind the other, the first t0 steps long (Loshchilov & Hutter 2017). As `torch.optim.lr_scheduler.CosineAnnealingWarmRestarts`. */
export class CosineAnnealingWarmRestarts extends LRScheduler {
  private readonly options: Required<WarmRestartsOptions>

  constructor(optimizer: Target, t0: number | WarmRestartsOptions, options?: WarmRestartsOptions) {
    super(optimizer)
    this.options = withDefaults<Required<WarmRestartsOptions>>('CosineAnnealingWarmRestarts', named(t0, 't0', options), { t0: 0, tMult: 1, etaMin: 0 })
    needWhole('CosineAnnealingWarmRestarts', { t0: this.options.t0, tMult: this.options.tMult })
  }

  override rate(base: number, t: number): number {
    const { t0, tMult, etaMin } = this.options
    let [length, at] = [t0, t]
    if (tMult === 1) at %= length
    else for (; at >= length; length *= tMult) at -= length
    return etaMin + ((base - etaMin) * (1 + Math.cos((Math.PI * at) / length))) / 2
  }
}

export interface CyclicOptions {
  /** Steps from baseLr up to maxLr. Default 2000. */
  stepSizeUp?: number
  /** Steps down again. Default: as many. */
  stepSizeDown?: number
  /** Cycles of one height, each half as high as the one before, or in step t gammaᵗ as high. */
  mode?: 'triangular' | 'triangular2' | 'exp_range'
  gamma?: number
}
/** Up and down between two rates, again and again (Smith 2017). Rates only. As `torch.optim.lr_scheduler.CyclicLR`. */
export class CyclicLR extends LRScheduler {
  private readonly options: Required<CyclicOptions>

  constructor(optimizer: Target, readonly baseLr: number, readonly maxLr: number, options: CyclicOptions = {}) {
    super(optimizer)
    if (typeof baseLr !== 'number' || typeof maxLr !== 'number') fail('CyclicLR', 'the two rates are missing', 'new CyclicLR(optimizer, baseLr, maxLr, {stepSizeUp: …})')
    const up = options.stepSizeUp ?? 2000
    this.options = withDefaults<Required<CyclicOptions>>('CyclicLR', options, { stepSizeUp: up, stepSizeDown: up, mode: 'triangular', gamma: 1 })
    needWhole('CyclicLR', { stepSizeUp: this.options.stepSizeUp, stepSizeDown: this.options.stepSizeDown })
    this.apply(0)
  }

  override rate(_base: number, t: number): number {
    const { stepSizeUp, stepSizeDown, mode, gamma } = this.options
    const length = stepSizeUp + stepSizeDown
    const at = t % length
    const height = at <= stepSizeUp ? at / stepSizeUp : (length - at) / stepSizeDown
    const scale = mode === 'triangular2' ? 0.5 ** Math.floor(t / length) : mode === 'exp_range' ? gamma ** t : 1
    return this.baseLr + (this.maxLr - this.baseLr) * height * scale
  }
}

/**
 * One schedule after the other; each milestone is the step in which the next begins, at its own 0. As
 * `torch.optim.lr_scheduler.SequentialLR`.
 *
 * @example
 * const adam = new optim.Adam([new nn.Parameter(zeros(3))], { lr: 1 })
 * const { LinearLR, CosineAnnealingLR, SequentialLR } = optim.lrScheduler
 * const schedule = new SequentialLR(adam, [new LinearLR(adam, { startFactor: 0.5, totalIters: 2 }), new CosineAnnealingLR(adam, 4)], [2])
 * const rates = [adam.lr]
 * for (let i = 0; i < 4; i++) {
 *   schedule.step()
 *   rates.push(adam.lr)
 * }
 * rates.map(r => r.toFixed(2)).join(' ') // → 0.50 0.75 1.00 0.85 0.50
 */
export class SequentialLR extends LRScheduler {
  constructor(optimizer: Target, readonly schedulers: readonly LRScheduler[], readonly milestones: readonly number[]) {
    super(optimizer)
    if (schedulers.length !== milestones.length + 1) fail('SequentialLR', `${milestones.length} milestones between ${schedulers.length} schedules`, 'give one fewer than schedules')
    this.apply(0)
  }

  override rate(base: number, t: number, group: number): number {
    const begun = this.milestones.filter(m => m <= t)
    return this.schedulers[begun.length].rate(base, t - (begun.at(-1) ?? 0), group)
  }
}

/** All schedules at once: each starts from the rate that the one before it gives. As `torch.optim.lr_scheduler.ChainedScheduler`. */
export class ChainedScheduler extends LRScheduler {
  constructor(readonly schedulers: readonly LRScheduler[]) {
    super(schedulers[0]?.optimizer ?? fail('ChainedScheduler', 'there are no schedules', 'pass a list of them, all of one optimiser'))
    this.apply(0)
  }

  override rate(base: number, t: number, group: number): number {
    return this.schedulers.reduce((rate, s) => s.rate(rate, t, group), base)
  }
}

export interface PlateauOptions {
  /** Whether the number that is watched should fall (default) or rise. */
  mode?: 'min' | 'max'
  /** Default 0.1. */
  factor?: number
  /** How many steps in a row may bring nothing better. Default 10. */
  patience?: number
  /** What counts as better: by this share, or by this much. Default 1e-4. */
  threshold?: number
  thresholdMode?: 'rel' | 'abs'
  /** Steps after a reduction in which none is counted as bad. Default 0. */
  cooldown?: number
  minLr?: number
  /** Reductions smaller than this are left out. Default 1e-8. */
  eps?: number
}
interface PlateauState {
  best: number
  bad: number
  rest: number
}
/**
 * lr·factor each time a number (the loss of the validation) has not improved for some steps. As `torch.optim.lr_scheduler.ReduceLROnPlateau`.
 *
 * @example
 * const sgd = new optim.SGD([new nn.Parameter(zeros(3))], { lr: 1 })
 * const schedule = new optim.lrScheduler.ReduceLROnPlateau(sgd, { factor: 0.5, patience: 1 })
 * for (const loss of [3, 2, 2, 2]) schedule.step(loss)
 * sgd.lr // → 0.5
 */
export class ReduceLROnPlateau {
  private readonly options: Required<PlateauOptions>
  private state: PlateauState

  constructor(private readonly optimizer: Target, options: PlateauOptions = {}) {
    const defaults: Required<PlateauOptions> = { mode: 'min', factor: 0.1, patience: 10, threshold: 1e-4, thresholdMode: 'rel', cooldown: 0, minLr: 0, eps: 1e-8 }
    this.options = withDefaults('ReduceLROnPlateau', options, defaults)
    if (!(this.options.factor < 1)) fail('ReduceLROnPlateau', `factor is ${this.options.factor}`, 'give a number < 1')
    needWhole('ReduceLROnPlateau', { patience: this.options.patience, cooldown: this.options.cooldown }, 0)
    this.state = { best: this.options.mode === 'min' ? Infinity : -Infinity, bad: 0, rest: 0 }
  }

  /** One unit of time on, with the number that is watched. */
  step(metric: number): void {
    const { factor, patience, cooldown, minLr, eps } = this.options
    if (typeof metric !== 'number') fail('ReduceLROnPlateau', `step() got ${metric === undefined ? 'nothing' : `a ${typeof metric}`}`, 'pass the number to watch: schedule.step(await loss.item())')
    const { state } = this
    const better = this.better(metric, state.best)
    if (better) state.best = metric
    state.bad = better || state.rest > 0 ? 0 : state.bad + 1
    if (state.rest > 0) state.rest--
    if (state.bad <= patience) return
    state.bad = 0
    state.rest = cooldown
    for (const g of this.optimizer.paramGroups) {
      const lr = Math.max(g.lr * factor, minLr)
      if (g.lr - lr > eps) g.lr = lr
    }
  }

  private better(value: number, best: number): boolean {
    const { mode, threshold, thresholdMode } = this.options
    const sign = mode === 'min' ? -1 : 1
    return sign * (value - (thresholdMode === 'rel' ? best * (1 + sign * threshold) : best + sign * threshold)) > 0
  }

  /** Rates of the groups now. As `get_last_lr`. */
  get lastLr(): number[] {
    return this.optimizer.paramGroups.map(g => g.lr)
  }

  /** What it has seen so far. The rates are the optimiser's, whose state has them. */
  stateDict(): PlateauState {
    return { ...this.state }
  }

  loadStateDict(state: PlateauState): void {
    this.state = withDefaults('ReduceLROnPlateau', state, this.state)
  }
}
