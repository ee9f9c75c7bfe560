// The functions that few models use.
export * from './activation-inplace.ts'
export { bilinear } from './bilinear.ts'
export { ctcLoss, type CtcOptions } from './ctc.ts'
export { pairwiseDistance, pdist, type PairwiseDistanceOptions } from './distance.ts'
export { alphaDropout, featureAlphaDropout } from './dropout-alpha.ts'
export { embeddingBag, type EmbeddingBagOptions } from './embedding-bag.ts'
export { gridSample, affineGrid, type GridSampleOptions } from './grid-sample.ts'
export { gumbelSoftmax, type GumbelSoftmaxOptions } from './gumbel.ts'
export { interpolate, upsampleNearest, upsampleBilinear, upsample, type InterpolateMode, type InterpolateOptions } from './interpolate.ts'
export { gaussianNllLoss, poissonNllLoss, type GaussianNllOptions, type PoissonNllOptions } from './loss-likelihood.ts'
export {
  hingeEmbeddingLoss, softMarginLoss, marginRankingLoss, cosineEmbeddingLoss, multilabelMarginLoss, multiMarginLoss, multilabelSoftMarginLoss,
  tripletMarginLoss, tripletMarginWithDistanceLoss, type MarginOptions, type MultiMarginOptions, type MultilabelSoftMarginOptions,
  type TripletDistanceOptions, type TripletOptions,
} from './loss-margin.ts'
export { instanceNorm, localResponseNorm, type InstanceNormOptions, type LocalResponseNormOptions } from './norm-more.ts'
export {
  adaptiveMaxPool1d, adaptiveMaxPool2d, adaptiveMaxPool3d, maxUnpool1d, maxUnpool2d, maxUnpool3d, lpPool1d, lpPool2d, lpPool3d,
  type LpPoolOptions, type UnpoolOptions,
} from './pool-more.ts'
export { pixelShuffle, pixelUnshuffle, channelShuffle, unfold, fold, type PatchOptions } from './rearrange.ts'
