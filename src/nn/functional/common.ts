// The functions that most models use.
export {
  avgPool1d, avgPool2d, avgPool3d, conv1d, conv2d, conv3d, convTranspose1d, convTranspose2d, convTranspose3d, gelu, glu, linear,
  logSigmoid as logsigmoid, logSoftmax, maxPool1d, maxPool2d, maxPool3d, oneHot, oneHotAsync, pad, sigmoid, softmax, softmin, softplus,
  softsign, tanh,
} from '../../ops/index.ts'
export { hardshrink, softshrink, tanhshrink, prelu, rrelu, type RreluOptions } from './activation.ts'
export { relu, relu6, elu, selu, celu, leakyRelu, hardtanh, hardsigmoid, hardswish, silu, mish, threshold } from './activation-option.ts'
export { scaledDotProductAttention, type AttentionOptions } from './attention.ts'
export { dropout, dropout1d, dropout2d, dropout3d, type DropoutOptions } from './dropout.ts'
export { embedding, type EmbeddingOptions } from './embedding.ts'
export {
  mseLoss, l1Loss, smoothL1Loss, huberLoss, binaryCrossEntropy, binaryCrossEntropyWithLogits, klDiv, nllLoss, crossEntropy,
  type BceWithLogitsOptions, type CrossEntropyOptions, type HuberOptions, type KlDivOptions, type NllOptions, type SmoothL1Options,
  type WeightedOptions, type LossOptions, type Reduction,
} from './loss.ts'
export {
  batchNorm, layerNorm, rmsNorm, groupNorm, normalize, cosineSimilarity, type BatchNormOptions, type CosineSimilarityOptions,
  type LayerNormOptions, type NormalizeOptions, type RmsNormOptions,
} from './norm.ts'
export { adaptiveAvgPool1d, adaptiveAvgPool2d, adaptiveAvgPool3d, type OutputSize } from './pool.ts'
