// The other losses as modules.
import type { Tensor } from '../../ops/index.ts'
import { ctcLoss, type CtcOptions } from '../functional/ctc.ts'
import * as L from '../functional/loss-likelihood.ts'
import * as M from '../functional/loss-margin.ts'
import type { LossOptions } from '../functional/reduction.ts'
import { LossModule } from './loss-module.ts'

/** Negative log-likelihood of a normal distribution with mean and variance given. As `torch.nn.GaussianNLLLoss`. */
export class GaussianNLLLoss extends LossModule<L.GaussianNllOptions, [input: Tensor, target: Tensor, variance: Tensor]> {
  constructor(options: L.GaussianNllOptions = {}) {
    super(L.gaussianNllLoss, options, 3)
  }
}
/** Negative log-likelihood of a Poisson distribution whose rate is given. As `torch.nn.PoissonNLLLoss`. */
export class PoissonNLLLoss extends LossModule<L.PoissonNllOptions> {
  constructor(options: L.PoissonNllOptions = {}) {
    super(L.poissonNllLoss, options)
  }
}
type Lengths = Tensor | readonly number[]
/** Connectionist temporal classification (Graves et al. 2006). As `torch.nn.CTCLoss`. */
export class CTCLoss extends LossModule<CtcOptions, [logProbs: Tensor, targets: Tensor, inputLengths: Lengths, targetLengths: Lengths]> {
  constructor(options: CtcOptions = {}) {
    super(ctcLoss, options, 4)
  }
}
/** The input where the label is 1, max(0, margin − input) where it is −1. As `torch.nn.HingeEmbeddingLoss`. */
export class HingeEmbeddingLoss extends LossModule<M.MarginOptions> {
  constructor(options: M.MarginOptions = {}) {
    super(M.hingeEmbeddingLoss, options)
  }
}
/** log(1 + e^(−label·input)). As `torch.nn.SoftMarginLoss`. */
export class SoftMarginLoss extends LossModule<LossOptions> {
  constructor(options: LossOptions = {}) {
    super(M.softMarginLoss, options)
  }
}
type Pair = [input1: Tensor, input2: Tensor, target: Tensor]
/** max(0, margin − label·(input1 − input2)). As `torch.nn.MarginRankingLoss`. */
export class MarginRankingLoss extends LossModule<M.MarginOptions, Pair> {
  constructor(options: M.MarginOptions = {}) {
    super(M.marginRankingLoss, options, 3)
  }
}
/** 1 − cosine where the label is 1, max(0, cosine − margin) where it is −1. As `torch.nn.CosineEmbeddingLoss`. */
export class CosineEmbeddingLoss extends LossModule<M.MarginOptions, Pair> {
  constructor(options: M.MarginOptions = {}) {
    super(M.cosineEmbeddingLoss, options, 3)
  }
}
/** Gaps between right and wrong classes, several of them right. As `torch.nn.MultiLabelMarginLoss`. */
export class MultiLabelMarginLoss extends LossModule<LossOptions> {
  constructor(options: LossOptions = {}) {
    super(M.multilabelMarginLoss, options)
  }
}
/** Gaps between the right class and the wrong ones. As `torch.nn.MultiMarginLoss`. */
export class MultiMarginLoss extends LossModule<M.MultiMarginOptions> {
  constructor(options: M.MultiMarginOptions = {}) {
    super(M.multiMarginLoss, options)
  }
}
/** Binary cross entropy of logits, the mean over classes. As `torch.nn.MultiLabelSoftMarginLoss`. */
export class MultiLabelSoftMarginLoss extends LossModule<M.MultilabelSoftMarginOptions> {
  constructor(options: M.MultilabelSoftMarginOptions = {}) {
    super(M.multilabelSoftMarginLoss, options)
  }
}
type Three = [anchor: Tensor, positive: Tensor, negative: Tensor]
/** The positive is to be nearer to the anchor than the negative, by a margin. As `torch.nn.TripletMarginLoss`. */
export class TripletMarginLoss extends LossModule<M.TripletOptions, Three> {
  constructor(options: M.TripletOptions = {}) {
    super(M.tripletMarginLoss, options, 3)
  }
}
/** As `TripletMarginLoss`, with a distance of your own. As `torch.nn.TripletMarginWithDistanceLoss`. */
export class TripletMarginWithDistanceLoss extends LossModule<M.TripletDistanceOptions, Three> {
  constructor(options: M.TripletDistanceOptions = {}) {
    super(M.tripletMarginWithDistanceLoss, options, 3)
  }
}
