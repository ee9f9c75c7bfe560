// The common optimisers: each is its formula. Order of operations and defaults are PyTorch's.
import { fail } from '../core/errors.ts'
import { S } from '../ir/scalar.ts'
import { needRange, Optimizer, type Common, type Options, type Params } from './optimizer.ts'
import { biasCorrection, blend, gradient, makeRule, ruleFor, type Hyper, type Rule } from './rule.ts'

export interface SGDOptions extends Common {
  /** Share of the former direction that is kept. */
  momentum: number
  /** Share of the gradient that does not enter the direction. */
  dampening: number
  /** Look ahead along the direction (Nesterov 1983, as in Sutskever et al. 2013). */
  nesterov: boolean
}

// h: weight decay, momentum, dampening
const sgd = ruleFor(({ decay, momentum, dampening, nesterov, maximize }: Record<'decay' | 'momentum' | 'dampening' | 'nesterov' | 'maximize', boolean>) => makeRule('sgd', {
  states: momentum ? ['momentum_buffer'] : [],
  hyper: 3,
  update({ p, g, s: [buffer], shared: [rate, step], h: [wd, mu, damp] }) {
    const d = gradient(p, g, decay ? wd : null, maximize)
    if (!momentum) return [S.sub(p, S.mul(rate, d))]
    // The first direction is the gradient itself, not damped.
    const next = S.add(S.mul(mu, buffer), dampening ? S.mul(S.select(S.eq(step, 1), S.like(damp, 1), S.sub(1, damp)), d) : d)
    return [S.sub(p, S.mul(rate, nesterov ? S.add(d, S.mul(mu, next)) : next)), next]
  },
}))

/**
 * Stochastic gradient descent, with momentum, Nesterov momentum and weight decay. Default rate 0.001. As `torch.optim.SGD`.
 *
 * @example
 * const w = new nn.Parameter(tensor([1]))
 * const optimizer = new optim.SGD([w], { lr: 0.1, momentum: 0.9, nesterov: true })
 * w.square().sum().backward()
 * optimizer.step()
 * w // → tensor([0.6200], requiresGrad=true)
 */
export class SGD extends Optimizer<SGDOptions> {
  constructor(params: Params<SGDOptions>, options: Partial<SGDOptions> = {}) {
    super(params, options, { lr: 1e-3, momentum: 0, dampening: 0, weightDecay: 0, nesterov: false, maximize: false })
  }

  protected override check({ momentum, weightDecay, nesterov, dampening }: Options<SGDOptions>): void {
    needRange('SGD', { momentum, weightDecay })
    if (nesterov && (momentum === 0 || dampening !== 0)) fail('SGD', `nesterov with momentum ${momentum} and dampening ${dampening}`, 'it needs momentum > 0 and no dampening')
  }

  protected override rule(o: Options<SGDOptions>): { rule: Rule; hyper: Hyper } {
    const rule = sgd({ decay: o.weightDecay !== 0, momentum: o.momentum !== 0, dampening: o.dampening !== 0, nesterov: o.nesterov, maximize: o.maximize })
    return { rule, hyper: [o.weightDecay, o.momentum, o.dampening] }
  }
}

export interface AdamOptions extends Common {
  /** How much of the means of the gradient and of its square is kept in a step. */
  betas: readonly [number, number]
  /** Added to the divisor. */
  eps: number
  /** Divide by the largest mean square so far (Reddi et al. 2018). */
  amsgrad: boolean
}

// h: β1, β2, ε, weight decay. Shared: rate / (1 − β1ᵗ), 1/√(1 − β2ᵗ), 1 − rate·decay.
const adam = ruleFor(({ decoupled, decay, amsgrad, maximize }: Record<'decoupled' | 'decay' | 'amsgrad' | 'maximize', boolean>) => makeRule(decoupled ? 'adamw' : 'adam', {
  states: amsgrad ? ['exp_avg', 'exp_avg_sq', 'max_exp_avg_sq'] : ['exp_avg', 'exp_avg_sq'],
  hyper: 4,
  shared: (rate, step, [b1, b2, , wd]) => [
    S.div(rate, biasCorrection(b1, step)),
    S.div(1, S.sqrt(biasCorrection(b2, step))),
    ...(decoupled && decay ? [S.sub(1, S.mul(rate, wd))] : []),
  ],
  update({ p, g, s: [mean, square, top], shared: [size, scale, shrink], h: [b1, b2, eps, wd] }) {
    const d = gradient(p, g, decay && !decoupled ? wd : null, maximize)
    const start = decoupled && decay ? S.mul(p, shrink) : p
    const m = blend(mean, d, b1)
    const v = blend(square, S.mul(d, d), b2)
    const largest = amsgrad ? S.max(top, v) : v
    const next = S.sub(start, S.div(S.mul(size, m), S.add(S.mul(S.sqrt(largest), scale), eps)))
    return amsgrad ? [next, m, v, largest] : [next, m, v]
  },
}))

abstract class AdamBase extends Optimizer<AdamOptions> {
  protected abstract readonly decoupled: boolean

  protected override check({ betas, eps, weightDecay }: Options<AdamOptions>): void {
    needRange(this.constructor.name, { 'betas[0]': betas[0], 'betas[1]': betas[1] }, 1)
    needRange(this.constructor.name, { eps, weightDecay })
  }

  protected override rule(o: Options<AdamOptions>): { rule: Rule; hyper: Hyper } {
    return { rule: adam({ decoupled: this.decoupled, decay: o.weightDecay !== 0, amsgrad: o.amsgrad, maximize: o.maximize }), hyper: [...o.betas, o.eps, o.weightDecay] }
  }
}

/**
 * Adam (Kingma & Ba 2015): steps of a size that adapts to each parameter. Default rate 0.001. As `torch.optim.Adam`.
 *
 * @example
 * const w = new nn.Parameter(tensor([1]))
 * const optimizer = new optim.Adam([w], { lr: 0.01 })
 * w.square().sum().backward()
 * optimizer.step()
 * w // → tensor([0.9900], requiresGrad=true)
 */
export class Adam extends AdamBase {
  protected override readonly decoupled = false

  constructor(params: Params<AdamOptions>, options: Partial<AdamOptions> = {}) {
    super(params, options, { lr: 1e-3, betas: [0.9, 0.999], eps: 1e-8, weightDecay: 0, amsgrad: false, maximize: false })
  }
}
/** Adam with weight decay apart from the gradient (Loshchilov & Hutter 2019), 0.01 by default. As `torch.optim.AdamW`. */
export class AdamW extends AdamBase {
  protected override readonly decoupled = true

  constructor(params: Params<AdamOptions>, options: Partial<AdamOptions> = {}) {
    super(params, options, { lr: 1e-3, betas: [0.9, 0.999], eps: 1e-8, weightDecay: 1e-2, amsgrad: false, maximize: false })
  }
}

export interface RMSpropOptions extends Common {
  /** How much of the mean square is kept in a step. */
  alpha: number
  eps: number
  momentum: number
  /** Divide by an estimate of the variance instead of the mean square. */
  centered: boolean
}

// h: α, ε, momentum, weight decay
const rmsprop = ruleFor(({ decay, momentum, centered, maximize }: Record<'decay' | 'momentum' | 'centered' | 'maximize', boolean>) => makeRule('rmsprop', {
  states: ['square_avg', ...(momentum ? ['momentum_buffer'] : []), ...(centered ? ['grad_avg'] : [])],
  hyper: 4,
  update({ p, g, s, shared: [rate], h: [alpha, eps, mu, wd] }) {
    const d = gradient(p, g, decay ? wd : null, maximize)
    const square = blend(s[0], S.mul(d, d), alpha)
    const mean = centered ? blend(s[s.length - 1], d, alpha) : null
    const direction = S.div(d, S.add(S.sqrt(mean ? S.sub(square, S.mul(mean, mean)) : square), eps))
    const move = momentum ? S.add(S.mul(mu, s[1]), direction) : direction
    return [S.sub(p, S.mul(rate, move)), square, ...(momentum ? [move] : []), ...(mean ? [mean] : [])]
  },
}))

/** Gradients divided by a running root mean square (Tieleman & Hinton 2012). Default rate 0.01. As `torch.optim.RMSprop`. */
export class RMSprop extends Optimizer<RMSpropOptions> {
  constructor(params: Params<RMSpropOptions>, options: Partial<RMSpropOptions> = {}) {
    super(params, options, { lr: 1e-2, alpha: 0.99, eps: 1e-8, weightDecay: 0, momentum: 0, centered: false, maximize: false })
  }

  protected override check({ alpha, eps, momentum, weightDecay }: Options<RMSpropOptions>): void {
    needRange('RMSprop', { alpha, eps, momentum, weightDecay })
  }

  protected override rule(o: Options<RMSpropOptions>): { rule: Rule; hyper: Hyper } {
    return { rule: rmsprop({ decay: o.weightDecay !== 0, momentum: o.momentum !== 0, centered: o.centered, maximize: o.maximize }), hyper: [o.alpha, o.eps, o.momentum, o.weightDecay] }
  }
}

export interface AdagradOptions extends Common {
  /** The rate in step t is lr / (1 + (t − 1)·lrDecay). */
  lrDecay: number
  initialAccumulatorValue: number
  eps: number
}

// h: lr decay, ε, weight decay
const adagrad = ruleFor(({ decay, maximize }: Record<'decay' | 'maximize', boolean>) => makeRule('adagrad', {
  states: ['sum'],
  hyper: 3,
  shared: (rate, step, [lrDecay]) => [S.div(rate, S.add(1, S.mul(S.sub(step, 1), lrDecay)))],
  update({ p, g, s: [sum], shared: [rate], h: [, eps, wd] }) {
    const d = gradient(p, g, decay ? wd : null, maximize)
    const total = S.add(sum, S.mul(d, d))
    return [S.sub(p, S.div(S.mul(rate, d), S.add(S.sqrt(total), eps))), total]
  },
}))

/** Gradients divided by the root of the sum of all their squares (Duchi et al. 2011). Default rate 0.01. As `torch.optim.Adagrad`. */
export class Adagrad extends Optimizer<AdagradOptions> {
  constructor(params: Params<AdagradOptions>, options: Partial<AdagradOptions> = {}) {
    super(params, options, { lr: 1e-2, lrDecay: 0, weightDecay: 0, initialAccumulatorValue: 0, eps: 1e-10, maximize: false })
  }

  protected override check({ lrDecay, weightDecay, initialAccumulatorValue, eps }: Options<AdagradOptions>): void {
    needRange('Adagrad', { lrDecay, weightDecay, initialAccumulatorValue, eps })
  }

  protected override initial(o: Options<AdagradOptions>): number {
    return o.initialAccumulatorValue
  }

  protected override rule(o: Options<AdagradOptions>): { rule: Rule; hyper: Hyper } {
    return { rule: adagrad({ decay: o.weightDecay !== 0, maximize: o.maximize }), hyper: [o.lrDecay, o.eps, o.weightDecay] }
  }
}
