// Convolution over 1 to 3 spatial dimensions. One record; both of its derivatives are convolutions again
// (input dilation takes the place of stride, the weight is flipped), so derivatives of any order stay inside it.
import { isFloat } from '../core/dtype.ts'
import { fail } from '../core/errors.ts'
import { formatShape, sameShape, type Shape } from '../core/shape.ts'
import { apply1, define, needTensor, type Described } from './define.ts'
import { flipView as flip, permute, reshape } from './movement.ts'
import type { Op } from './op.ts'
import { add } from './pointwise.ts'
import { perAxis, type Size } from './spatial.ts'
import type { Tensor } from './tensor.ts'

interface ConvParams {
  readonly stride: Shape
  readonly dilation: Shape
  readonly inputDilation: Shape
  readonly padLow: Shape
  /** Spatial sizes of the result. */
  readonly size: Shape
}

const swap01 = (x: Tensor): Tensor => permute(x, [0, 2, 1, ...[...x.shape.keys()].slice(3)])
const spatial = (x: Shape): Shape => x.slice(3)

// x [G, N, C, …S], w [G, O, C, …K] → [G, N, O, …T]
export const convOp: Op<ConvParams> = {
  name: 'conv',
  infer: ([x, w], p) => {
    if (!isFloat(x.dtype) || x.dtype !== w.dtype) fail('conv', `expected input and weight of one float dtype, got ${String(x)} and ${String(w)}`, "convert with x.to('float32')")
    return [{ dtype: x.dtype, shape: [x.shape[0], x.shape[1], w.shape[1], ...p.size] }]
  },
  lower(k, [x, w], p) {
    const [g, n, o] = [x.view.shape[0], x.view.shape[1], w.view.shape[1]]
    // Memory in the order [N, G, O, …T], which is [N, channels, …T] without a copy.
    const memory = k.alloc(x.view.dtype, [n, g, o, ...p.size])
    const { shape, strides } = memory.view
    const view = { ...memory.view, shape: [g, n, ...shape.slice(2)], strides: [strides[1], strides[0], ...strides.slice(2)] }
    const out = { view, slot: memory.slot }
    k.run({ kind: 'conv', stride: p.stride, dilation: p.dilation, inputDilation: p.inputDilation, padLow: p.padLow }, [x, w], [out])
    return [out]
  },
  vjp: ([g], { params: p, inputs: [x, w], needs }) => {
    if (!g) return [null, null]
    const kernel = spatial(w.shape)
    return [
      needs[0]
        ? apply1(convOp, [g, swap01(flip(w, kernel.map((_, i) => i + 3)))], {
            stride: p.inputDilation,
            dilation: p.dilation,
            inputDilation: p.stride,
            padLow: p.padLow.map((low, i) => (kernel[i] - 1) * p.dilation[i] - low),
            size: spatial(x.shape),
          })
        : null,
      needs[1]
        ? swap01(apply1(convOp, [swap01(x), swap01(g)], { stride: p.dilation, dilation: p.stride, inputDilation: p.inputDilation, padLow: p.padLow, size: kernel }))
        : null,
    ]
  },
  saves: 'inputs',
}

export interface ConvOptions {
  stride?: Size
  /** Zeros on both sides of each spatial dimension; 'same' keeps sizes (stride 1), 'valid' adds none. */
  padding?: Size | 'same' | 'valid'
  dilation?: Size
  /** Input and output channels are cut in this many groups that do not see each other. */
  groups?: number
}
export interface ConvTransposeOptions {
  stride?: Size
  padding?: Size
  /** Extra size at the high end of each spatial dimension. */
  outputPadding?: Size
  groups?: number
  dilation?: Size
}

type Conv = ((
  x: Tensor, weight: Tensor, bias?: Tensor | null | ConvOptions, stride?: Size | ConvOptions, padding?: ConvOptions['padding'] | ConvOptions, dilation?: Size | ConvOptions,
  groups?: number,
) => Tensor) & Described

function checkChannels(op: string, x: Tensor, weight: Tensor, n: number, channelAxis: number, groups: number): void {
  needTensor(op, x)
  needTensor(op, weight)
  if (!Number.isInteger(groups) || groups < 1) fail(op, `groups is ${String(groups)}`, 'give a whole number ≥ 1')
  if (x.ndim !== n + 2 && x.ndim !== n + 1) fail(op, `expected input of ${n + 1} or ${n + 2} dimensions, got ${x}`, `[batch, channels, …${n} spatial]`)
  if (weight.ndim !== n + 2) fail(op, `expected a weight of ${n + 2} dimensions, got ${weight}`, '[out, in / groups, …kernel]')
  const c = x.shape[x.ndim - n - 1]
  const want = channelAxis === 1 ? weight.shape[1] * groups : weight.shape[0]
  if (c !== want) fail(op, `input ${x} has ${c} channels, weight ${weight} with groups ${groups} expects ${want}`, 'dimension 1 of the input are the channels')
  if (weight.shape[0] % groups) fail(op, `${weight.shape[0]} channels of the weight do not divide into ${groups} groups`, 'choose groups that divide both channel counts')
}

function conv(n: number): Conv {
  const op = `conv${n}d`
  return define(op, ['input', 'weight', 'bias', 'stride', 'padding', 'dilation', 'groups'], (a: { input: Tensor; weight: Tensor; bias?: Tensor | null } & ConvOptions) => {
    const { input, weight, bias, groups = 1 } = a
    checkChannels(op, input, weight, n, 1, groups)
    const stride = perAxis(op, 'stride', a.stride ?? 1, n, 1)
    const dilation = perAxis(op, 'dilation', a.dilation ?? 1, n, 1)
    const kernel = weight.shape.slice(2)
    const same = a.padding === 'same'
    if (same && stride.some(s => s !== 1)) fail(op, "padding 'same' needs stride 1", 'give the padding as numbers')
    const total = kernel.map((k, i) => (k - 1) * dilation[i])
    if (typeof a.padding === 'string' && !same && a.padding !== 'valid') fail(op, `there is no padding '${String(a.padding)}'`, "'same', 'valid', or numbers")
    const padLow = same ? total.map(v => Math.floor(v / 2)) : perAxis(op, 'padding', a.padding === 'valid' ? 0 : ((a.padding as Size | undefined) ?? 0), n)
    const x = input.ndim === n + 1 ? reshape(input, [1, ...input.shape]) : input
    const [batch, c] = x.shape
    const sizes = x.shape.slice(2)
    const size = sizes.map((s, i) => (same ? s : Math.floor((s + 2 * padLow[i] - total[i] - 1) / stride[i]) + 1))
    if (size.some(s => s <= 0)) fail(op, `kernel ${formatShape(kernel)}${dilation.some(d => d > 1) ? ` dilated by ${formatShape(dilation)}` : ''} is larger than the padded input ${input}`, 'add padding or use a smaller kernel')
    const grouped = groups === 1 ? reshape(x, [1, ...x.shape]) : permute(reshape(x, [batch, groups, c / groups, ...sizes]), [1, 0, 2, ...sizes.map((_, i) => i + 3)])
    const w = reshape(weight, [groups, weight.shape[0] / groups, ...weight.shape.slice(1)])
    const y = ungroup(apply1(convOp, [grouped, w], { stride, dilation, inputDilation: stride.map(() => 1), padLow, size }))
    return finish(op, y, bias, n, input)
  })
}

/** [G, N, O, …T] → [N, G·O, …T] */
const ungroup = (y: Tensor): Tensor => {
  const [g, n, o, ...t] = y.shape
  return reshape(g === 1 ? y : permute(y, [1, 0, 2, ...t.map((_, i) => i + 3)]), [n, g * o, ...t])
}

function finish(op: string, y: Tensor, bias: Tensor | null | undefined, n: number, input: Tensor): Tensor {
  if (bias && (!sameShape(bias.shape, [y.shape[1]]) || bias.dtype !== y.dtype)) fail(op, `bias ${bias} does not go with ${y.shape[1]} channels of ${input}`, `one value for each: [${y.shape[1]}], ${y.dtype}`)
  const out = bias ? add(y, reshape(bias, [bias.numel, ...new Array<number>(n).fill(1)])) : y
  return input.ndim === n + 1 ? reshape(out, out.shape.slice(1)) : out
}

/**
 * Cross-correlation over one dimension: [N, C, L], weight [O, C/groups, K] → [N, O, L']. As `torch.nn.functional.conv1d`.
 *
 * @example
 * F.conv1d(tensor([[[1, 2, 3, 4]]]), tensor([[[1, 0, -1]]])) // → tensor([[[-2., -2.]]])
 */
export const conv1d: Conv = conv(1)
/**
 * Cross-correlation over two dimensions: [N, C, H, W], weight [O, C/groups, KH, KW] → [N, O, H', W']. As `torch.nn.functional.conv2d`.
 *
 * @example
 * const image = arange(9).to('float32').reshape(1, 1, 3, 3)
 * F.conv2d(image, ones(1, 1, 2, 2), tensor([0.5])) // → tensor([[[[ 8.5000, 12.5000],
 * //             [20.5000, 24.5000]]]])
 */
export const conv2d: Conv = conv(2)
/**
 * Cross-correlation over three dimensions. As `torch.nn.functional.conv3d`.
 *
 * @example
 * F.conv3d(ones(1, 1, 2, 3, 3), ones(1, 1, 2, 2, 2)).shape // → [ 1, 1, 1, 2, 2 ]
 */
export const conv3d: Conv = conv(3)

type ConvTranspose = ((
  x: Tensor, weight: Tensor, bias?: Tensor | null | ConvTransposeOptions, stride?: Size | ConvTransposeOptions, padding?: Size | ConvTransposeOptions,
  outputPadding?: Size | ConvTransposeOptions, groups?: number | ConvTransposeOptions, dilation?: Size,
) => Tensor) & Described

function convTranspose(n: number): ConvTranspose {
  const op = `convTranspose${n}d`
  return define(op, ['input', 'weight', 'bias', 'stride', 'padding', 'outputPadding', 'groups', 'dilation'], (a: { input: Tensor; weight: Tensor; bias?: Tensor | null } & ConvTransposeOptions) => {
    const { input, weight, bias, groups = 1 } = a
    checkChannels(op, input, weight, n, 0, groups)
    const stride = perAxis(op, 'stride', a.stride ?? 1, n, 1)
    const dilation = perAxis(op, 'dilation', a.dilation ?? 1, n, 1)
    const padding = perAxis(op, 'padding', a.padding ?? 0, n)
    const extra = perAxis(op, 'outputPadding', a.outputPadding ?? 0, n)
    if (extra.some((m, i) => m >= Math.max(stride[i], dilation[i]))) fail(op, `outputPadding ${formatShape(extra)} is not below stride ${formatShape(stride)} or dilation ${formatShape(dilation)}`, 'it tells apart the input sizes that one stride maps to one output size')
    const x = input.ndim === n + 1 ? reshape(input, [1, ...input.shape]) : input
    const [batch, c] = x.shape
    const sizes = x.shape.slice(2)
    const kernel = weight.shape.slice(2)
    const size = sizes.map((s, i) => (s - 1) * stride[i] - 2 * padding[i] + dilation[i] * (kernel[i] - 1) + extra[i] + 1)
    const grouped = permute(reshape(x, [batch, groups, c / groups, ...sizes]), [1, 0, 2, ...sizes.map((_, i) => i + 3)])
    // [C, O/G, …K] → [G, O/G, C/G, …K flipped]
    const w = swap01(flip(reshape(weight, [groups, c / groups, ...weight.shape.slice(1)]), kernel.map((_, i) => i + 3)))
    const y = ungroup(apply1(convOp, [grouped, w], { stride: stride.map(() => 1), dilation, inputDilation: stride, padLow: kernel.map((k, i) => (k - 1) * dilation[i] - padding[i]), size }))
    return finish(op, y, bias, n, input)
  })
}

/**
 * The transpose of `conv1d`: [N, C, L], weight [C, O/groups, K]. As `torch.nn.functional.conv_transpose1d`.
 *
 * @example
 * F.convTranspose1d(tensor([[[1, 2]]]), tensor([[[1, 10]]]), null, { stride: 2 }) // → tensor([[[ 1., 10.,  2., 20.]]])
 */
export const convTranspose1d: ConvTranspose = convTranspose(1)
/**
 * The transpose of `conv2d`: [N, C, H, W], weight [C, O/groups, KH, KW]. As `torch.nn.functional.conv_transpose2d`.
 *
 * @example
 * F.convTranspose2d(ones(1, 1, 2, 2), ones(1, 1, 2, 2)) // → tensor([[[[1., 2., 1.],
 * //             [2., 4., 2.],
 * //             [1., 2., 1.]]]])
 */
export const convTranspose2d: ConvTranspose = convTranspose(2)
/**
 * The transpose of `conv3d`. As `torch.nn.functional.conv_transpose3d`.
 *
 * @example
 * F.convTranspose3d(ones(1, 2, 2, 2, 2), ones(2, 3, 2, 2, 2), null, { stride: 2 }).shape // → [ 1, 3, 4, 4, 4 ]
 */
export const convTranspose3d: ConvTranspose = convTranspose(3)
