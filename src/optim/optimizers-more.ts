// The rarer optimisers: each is its formula. Order of operations and defaults are PyTorch's.
import { fail } from '../core/errors.ts'
import { S, type Scalar } from '../ir/scalar.ts'
import { needRange, Optimizer, type Common, type Options, type Params } from './optimizer.ts'
import { biasCorrection, blend, gradient, makeRule, ruleFor, type Hyper, type Rule } from './rule.ts'

type Switches = Record<'decay' | 'maximize', boolean>
const switches = (o: Options<Common>): Switches => ({ decay: o.weightDecay !== 0, maximize: o.maximize })

export interface AdadeltaOptions extends Common {
  /** How much of the mean squares is kept in a step. */
  rho: number
  eps: number
}

// h: ρ, ε, weight decay
const adadelta = ruleFor(({ decay, maximize }: Switches) => makeRule('adadelta', {
  states: ['square_avg', 'acc_delta'],
  hyper: 3,
  update({ p, g, s: [square, moved], shared: [rate], h: [rho, eps, wd] }) {
    const d = gradient(p, g, decay ? wd : null, maximize)
    const v = blend(square, S.mul(d, d), rho)
    const move = S.mul(S.div(S.sqrt(S.add(moved, eps)), S.sqrt(S.add(v, eps))), d)
    return [S.sub(p, S.mul(rate, move)), v, blend(moved, S.mul(move, move), rho)]
  },
}))

/**
 * Steps in the size of former steps, which needs no rate (Zeiler 2012). Default rate 1. As `torch.optim.Adadelta`.
 *
 * @example
 * const w = new nn.Parameter(tensor([1]))
 * const optimizer = new optim.Adadelta([w], { rho: 0.5, eps: 1e-2 })
 * w.square().sum().backward()
 * optimizer.step()
 * w // → tensor([0.8589], requiresGrad=true)
 */
export class Adadelta extends Optimizer<AdadeltaOptions> {
  constructor(params: Params<AdadeltaOptions>, options: Partial<AdadeltaOptions> = {}) {
    super(params, options, { lr: 1, rho: 0.9, eps: 1e-6, weightDecay: 0, maximize: false })
  }

  protected override check({ rho, eps, weightDecay }: Options<AdadeltaOptions>): void {
    needRange('Adadelta', { rho }, 1)
    needRange('Adadelta', { eps, weightDecay })
  }

  protected override rule(o: Options<AdadeltaOptions>): { rule: Rule; hyper: Hyper } {
    return { rule: adadelta(switches(o)), hyper: [o.rho, o.eps, o.weightDecay] }
  }
}

export interface AdamaxOptions extends Common {
  /** How much of the mean gradient and of its largest size is kept in a step. */
  betas: readonly [number, number]
  eps: number
}

function checkMoments(name: string, { betas, eps, weightDecay }: Options<AdamaxOptions>): void {
  needRange(name, { 'betas[0]': betas[0], 'betas[1]': betas[1] }, 1)
  needRange(name, { eps, weightDecay })
}

// h: β1, β2, ε, weight decay. Shared: rate / (1 − β1ᵗ).
const adamax = ruleFor(({ decay, maximize }: Switches) => makeRule('adamax', {
  states: ['exp_avg', 'exp_inf'],
  hyper: 4,
  shared: (rate, step, [b1]) => [S.div(rate, biasCorrection(b1, step))],
  update({ p, g, s: [mean, top], shared: [size], h: [b1, b2, eps, wd] }) {
    const d = gradient(p, g, decay ? wd : null, maximize)
    const m = blend(mean, d, b1)
    const largest = S.max(S.mul(b2, top), S.add(S.abs(d), eps))
    return [S.sub(p, S.div(S.mul(size, m), largest)), m, largest]
  },
}))

/** Adam with the largest gradient in place of the mean square (Kingma & Ba 2015). Default rate 0.002. As `torch.optim.Adamax`. */
export class Adamax extends Optimizer<AdamaxOptions> {
  constructor(params: Params<AdamaxOptions>, options: Partial<AdamaxOptions> = {}) {
    super(params, options, { lr: 2e-3, betas: [0.9, 0.999], eps: 1e-8, weightDecay: 0, maximize: false })
  }

  protected override check(options: Options<AdamaxOptions>): void {
    checkMoments('Adamax', options)
  }

  protected override rule(o: Options<AdamaxOptions>): { rule: Rule; hyper: Hyper } {
    return { rule: adamax(switches(o)), hyper: [...o.betas, o.eps, o.weightDecay] }
  }
}

export interface NAdamOptions extends AdamaxOptions {
  /** How fast the momentum of the look ahead grows to its full size. */
  momentumDecay: number
  /** Weight decay apart from the gradient. */
  decoupledWeightDecay: boolean
}

type Decoupling = Record<'decay' | 'decoupled' | 'maximize', boolean>

// h: β1, β2, ε, weight decay, momentum decay. With μₜ = β1(1 − 0.96^(t·decay)/2), shared: Π μ, the weights of gradient and of mean
// gradient, 1/√(1 − β2ᵗ), 1 − rate·decay.
const nadam = ruleFor(({ decay, decoupled, maximize }: Decoupling) => makeRule('nadam', {
  states: ['exp_avg', 'exp_avg_sq'],
  carried: ['mu_product'],
  hyper: 5,
  shared(rate, step, [b1, b2, , wd, md], [product]) {
    const mu = (t: Scalar): Scalar => S.mul(b1, S.sub(1, S.mul(0.5, S.exp(S.mul(S.mul(t, md), Math.log(0.96))))))
    const [now, next] = [mu(step), mu(S.add(step, 1))]
    const all = S.mul(product, now)
    return [
      all,
      S.div(S.mul(rate, S.sub(1, now)), S.sub(1, all)),
      S.div(S.mul(rate, next), S.sub(1, S.mul(all, next))),
      S.div(1, S.sqrt(biasCorrection(b2, step))),
      S.sub(1, S.mul(rate, wd)),
    ]
  },
  update({ p, g, s: [mean, square], shared: [, ofGradient, ofMean, scale, shrink], h: [b1, b2, eps, wd] }) {
    const d = gradient(p, g, decay && !decoupled ? wd : null, maximize)
    const m = blend(mean, d, b1)
    const v = blend(square, S.mul(d, d), b2)
    const move = S.div(S.add(S.mul(ofGradient, d), S.mul(ofMean, m)), S.add(S.mul(S.sqrt(v), scale), eps))
    return [S.sub(decay && decoupled ? S.mul(p, shrink) : p, move), m, v]
  },
}))

/** Adam that looks ahead along its direction, as Nesterov's momentum does (Dozat 2016). Default rate 0.002. As `torch.optim.NAdam`. */
export class NAdam extends Optimizer<NAdamOptions> {
  constructor(params: Params<NAdamOptions>, options: Partial<NAdamOptions> = {}) {
    super(params, options, { lr: 2e-3, betas: [0.9, 0.999], eps: 1e-8, weightDecay: 0, momentumDecay: 4e-3, decoupledWeightDecay: false, maximize: false })
  }

  protected override check(options: Options<NAdamOptions>): void {
    checkMoments('NAdam', options)
    needRange('NAdam', { momentumDecay: options.momentumDecay })
  }

  protected override rule(o: Options<NAdamOptions>): { rule: Rule; hyper: Hyper } {
    return { rule: nadam({ ...switches(o), decoupled: o.decoupledWeightDecay }), hyper: [...o.betas, o.eps, o.weightDecay, o.momentumDecay] }
  }
}

export interface RAdamOptions extends AdamaxOptions {
  /** Weight decay apart from the gradient. */
  decoupledWeightDecay: boolean
}

// h: β1, β2, ε, weight decay, −log β2, ρ∞, ρ∞ − 2/(−log β2). Shared: rate / (1 − β1ᵗ), what the gradient's size is divided into (0 while
// its variance is not tractable), 1 − rate·decay.
const radam = ruleFor(({ decay, decoupled, maximize }: Decoupling) => makeRule('radam', {
  states: ['exp_avg', 'exp_avg_sq'],
  hyper: 7,
  shared(rate, step, [b1, b2, , wd, slow, limit, rest]) {
    // ρ = ρ∞ − 2t·β2ᵗ / (1 − β2ᵗ), whose terms are large and nearly equal at first: with x = −t·log β2 it is this.
    const x = S.mul(step, slow)
    const grown = S.expm1(x)
    const rho = S.add(rest, S.mul(S.div(2, slow), S.div(S.sub(grown, x), grown)))
    const part = (r: Scalar): Scalar => S.div(S.mul(S.sub(r, 4), S.sub(r, 2)), r)
    const rectified = S.sqrt(S.mul(biasCorrection(b2, step), S.div(part(rho), part(limit))))
    return [S.div(rate, biasCorrection(b1, step)), S.select(S.gt(rho, 5), rectified, S.like(rho, 0)), S.sub(1, S.mul(rate, wd))]
  },
  update({ p, g, s: [mean, square], shared: [size, rectified, shrink], h: [b1, b2, eps, wd] }) {
    const d = gradient(p, g, decay && !decoupled ? wd : null, maximize)
    const m = blend(mean, d, b1)
    const v = blend(square, S.mul(d, d), b2)
    const adapted = S.select(S.gt(rectified, 0), S.div(rectified, S.add(S.sqrt(v), eps)), S.like(v, 1))
    return [S.sub(decay && decoupled ? S.mul(p, shrink) : p, S.mul(S.mul(size, m), adapted)), m, v]
  },
}))

/** Adam that waits with adapting until the variance of the gradient is known well enough (Liu et al. 2020). As `torch.optim.RAdam`. */
export class RAdam extends Optimizer<RAdamOptions> {
  constructor(params: Params<RAdamOptions>, options: Partial<RAdamOptions> = {}) {
    super(params, options, { lr: 1e-3, betas: [0.9, 0.999], eps: 1e-8, weightDecay: 0, decoupledWeightDecay: false, maximize: false })
  }

  protected override check(options: Options<RAdamOptions>): void {
    checkMoments('RAdam', options)
  }

  protected override rule(o: Options<RAdamOptions>): { rule: Rule; hyper: Hyper } {
    const slow = -Math.log(o.betas[1])
    const limit = 2 / (1 - o.betas[1]) - 1
    return { rule: radam({ ...switches(o), decoupled: o.decoupledWeightDecay }), hyper: [...o.betas, o.eps, o.weightDecay, slow, limit, limit - 2 / slow] }
  }
}

export interface RpropOptions extends Omit<Common, 'weightDecay'> {
  /** Factors of a step's size where the gradient has changed its sign, and where it has not. */
  etas: readonly [number, number]
  /** Smallest and largest size of a step. */
  stepSizes: readonly [number, number]
}

// h: η−, η+, smallest and largest size
const rprop = ruleFor(({ maximize }: Record<'maximize', boolean>) => makeRule('rprop', {
  states: ['prev', 'step_size'],
  hyper: 4,
  update({ p, g, s: [before, size], shared: [rate, step], h: [shrink, grow, least, most] }) {
    const down = maximize ? S.neg(g) : g
    const turn = S.mul(down, before)
    const factor = S.select(S.gt(turn, 0), grow, S.select(S.lt(turn, 0), shrink, S.like(turn, 1)))
    const next = S.min(S.max(S.mul(S.select(S.eq(step, 1), rate, size), factor), least), most)
    const d = S.select(S.lt(turn, 0), S.like(turn, 0), down)
    return [S.sub(p, S.mul(S.sign(d), next)), d, next]
  },
}))

/** Steps by the sign of the gradient alone, for whole data sets as one batch (Riedmiller & Braun 1993). Default rate 0.01. As `torch.optim.Rprop`. */
export class Rprop extends Optimizer<RpropOptions> {
  constructor(params: Params<RpropOptions>, options: Partial<RpropOptions> = {}) {
    super(params, options, { lr: 1e-2, etas: [0.5, 1.2], stepSizes: [1e-6, 50], maximize: false })
  }

  protected override check({ etas, stepSizes }: Options<RpropOptions>): void {
    needRange('Rprop', { 'etas[0]': etas[0] }, 1)
    needRange('Rprop', { 'stepSizes[0]': stepSizes[0] }, stepSizes[1])
    if (!(etas[1] > 1)) fail('Rprop', `etas[1] is ${etas[1]}`, 'give a number > 1')
  }

  protected override rule(o: Options<RpropOptions>): { rule: Rule; hyper: Hyper } {
    return { rule: rprop({ maximize: o.maximize }), hyper: [...o.etas, ...o.stepSizes] }
  }
}
