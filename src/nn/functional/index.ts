// nn.functional: layers and losses as functions, without state.

export * from './activation.ts'
export * from './attention.ts'
export * from './dropout.ts'
export * from './dropout-alpha.ts'
export * from './embedding.ts'
export * from './embedding-bag.ts'
export * from './loss.ts'
export * from './norm.ts'
export * from './norm-more.ts'
export * from './pool.ts'
export * from './grid-sample.ts'
export * from './ctc.ts'
export * from './bilinear.ts'
export * from './distance.ts'
export * from './gumbel.ts'
export * from './interpolate.ts'
export * from './loss-likelihood.ts'
export * from './loss-margin.ts'
export * from './pool-more.ts'
export * from './rearrange.ts'
export {
  avgPool1d, avgPool2d, avgPool3d, conv1d, conv2d, conv3d, convTranspose1d, convTranspose2d, convTranspose3d, elu, gelu, glu, hardsigmoid,
  hardswish, hardtanh, leakyRelu, linear, logSigmoid as logsigmoid, logSoftmax, maxPool1d, maxPool2d, maxPool3d, mish, oneHot, oneHotAsync, pad, relu, relu6, selu,
  sigmoid, silu, softmax, softmin, softplus, softsign, tanh,
} from '../../ops/index.ts'
