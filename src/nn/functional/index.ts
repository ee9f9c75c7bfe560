// nn.functional: layers and losses as functions, without state.
import { fail } from '../../core/errors.ts'
import { define, type Described } from '../../ops/define.ts'
import { embedding as lookup, where, type Tensor } from '../../ops/index.ts'

export * from './attention.ts'
export * from './dropout.ts'
export * from './loss.ts'
export * from './norm.ts'
export * from './pool.ts'
export * from './grid-sample.ts'
export * from './interpolate.ts'
export * from './pool-more.ts'
export * from './rearrange.ts'
export {
  avgPool1d, avgPool2d, avgPool3d, conv1d, conv2d, conv3d, convTranspose1d, convTranspose2d, convTranspose3d, elu, gelu, glu, hardsigmoid,
  hardswish, hardtanh, leakyRelu, linear, logSigmoid as logsigmoid, logSoftmax, maxPool1d, maxPool2d, maxPool3d, mish, oneHot, pad, relu, relu6, selu,
  sigmoid, silu, softmax, softmin, softplus, softsign, tanh,
} from '../../ops/index.ts'

export interface EmbeddingOptions {
  /** An index whose row takes no gradient. */
  paddingIdx?: number | null
}
/** Rows of a table: out[…] = weight[input[…]]; input int32, weight [entries, width]. As `torch.nn.functional.embedding`. */
export const embedding: ((input: Tensor, weight: Tensor, options?: EmbeddingOptions) => Tensor) & Described = define('embedding', ['input', 'weight', 'paddingIdx'], ({ input, weight, paddingIdx }: { input: Tensor; weight: Tensor } & EmbeddingOptions) => {
  const rows = lookup(input, weight)
  if (paddingIdx === undefined || paddingIdx === null) return rows
  const entries = weight.shape[0]
  if (!Number.isInteger(paddingIdx) || paddingIdx < -entries || paddingIdx >= entries) fail('embedding', `paddingIdx ${paddingIdx} is outside the ${entries} rows of ${weight}`, 'negative ones count from the end')
  const padding = input.eq(paddingIdx < 0 ? paddingIdx + entries : paddingIdx).unsqueeze(-1)
  return where(padding, rows.detach(), rows)
})
