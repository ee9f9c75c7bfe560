// The common losses as modules.
import * as F from '../functional/loss.ts'
import { LossModule } from './loss-module.ts'

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
