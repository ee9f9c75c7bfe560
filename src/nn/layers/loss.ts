// Losses as modules: the options are fixed when they are made.
import { nearest, fail } from '../../core/errors.ts'
import type { Described } from '../../ops/define.ts'
import type { Tensor } from '../../ops/index.ts'
import * as F from '../functional/loss.ts'
import { Module } from '../module.ts'

/** A module that calls a loss with options given once. */
abstract class LossModule<O extends object> extends Module {
  constructor(
    private readonly loss: ((input: Tensor, target: Tensor, options?: O) => Tensor) & Described,
    protected readonly options: O,
  ) {
    super()
    const known = loss.paramNames.slice(2).filter(n => n !== '*')
    for (const key of Object.keys(options))
      if (!known.includes(key)) {
        const guess = nearest(key, known)
        fail(this.constructor.name, `unknown option '${key}'`, `${guess ? `did you mean '${guess}'? ` : ''}Options: ${known.join(', ')}`)
      }
  }

  override forward(input: Tensor, target: Tensor): Tensor {
    return this.loss(input, target, this.options)
  }
}

/** Cross entropy of scores and classes; see `nn.functional.crossEntropy`. As `torch.nn.CrossEntropyLoss`. */
export class CrossEntropyLoss extends LossModule<F.CrossEntropyOptions> {
  constructor(options: F.CrossEntropyOptions = {}) {
    super(F.crossEntropy, options)
  }
}
/** Negative log-likelihood of log-probabilities. As `torch.nn.NLLLoss`. */
export class NLLLoss extends LossModule<F.NllOptions> {
  constructor(options: F.NllOptions = {}) {
    super(F.nllLoss, options)
  }
}
/** (input − target)². As `torch.nn.MSELoss`. */
export class MSELoss extends LossModule<F.LossOptions> {
  constructor(options: F.LossOptions = {}) {
    super(F.mseLoss, options)
  }
}
/** |input − target|. As `torch.nn.L1Loss`. */
export class L1Loss extends LossModule<F.LossOptions> {
  constructor(options: F.LossOptions = {}) {
    super(F.l1Loss, options)
  }
}
/** Square below `beta`, straight above. As `torch.nn.SmoothL1Loss`. */
export class SmoothL1Loss extends LossModule<F.SmoothL1Options> {
  constructor(options: F.SmoothL1Options = {}) {
    super(F.smoothL1Loss, options)
  }
}
/** ½d² below `delta`, straight above. As `torch.nn.HuberLoss`. */
export class HuberLoss extends LossModule<F.HuberOptions> {
  constructor(options: F.HuberOptions = {}) {
    super(F.huberLoss, options)
  }
}
/** Binary cross entropy of probabilities. As `torch.nn.BCELoss`. */
export class BCELoss extends LossModule<F.WeightedOptions> {
  constructor(options: F.WeightedOptions = {}) {
    super(F.binaryCrossEntropy, options)
  }
}
/** Binary cross entropy of logits, without overflow. As `torch.nn.BCEWithLogitsLoss`. */
export class BCEWithLogitsLoss extends LossModule<F.BceWithLogitsOptions> {
  constructor(options: F.BceWithLogitsOptions = {}) {
    super(F.binaryCrossEntropyWithLogits, options)
  }
}
/** Kullback–Leibler divergence; the input is log-probabilities. As `torch.nn.KLDivLoss`. */
export class KLDivLoss extends LossModule<F.KlDivOptions> {
  constructor(options: F.KlDivOptions = {}) {
    super(F.klDiv, options)
  }
}
