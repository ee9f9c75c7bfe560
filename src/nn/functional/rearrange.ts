// Elements in another order: pixels and channels exchanged, patches cut out and put back.
import { fail } from '../../core/errors.ts'
import { formatShape, numel, type Shape } from '../../core/shape.ts'
import { windowCount } from '../../core/view.ts'
import { apply1, define, needTensor, type Described } from '../../ops/define.ts'
import { pad, type Tensor } from '../../ops/index.ts'
import { foldOp, windowsOp } from '../../ops/movement.ts'
import { lastFirst, perAxis, type Size } from '../../ops/spatial.ts'

type Factor<K extends string> = ((x: Tensor, factor: number | { [P in K]: number }) => Tensor) & Described

function needPixels(op: string, x: Tensor, name: string, factor: number): void {
  if (needTensor(op, x).ndim < 3) fail(op, `expected at least 3 dimensions, got ${x}`, '[…, channels, height, width]')
  if (!Number.isInteger(factor) || factor < 1) fail(op, `${name} is ${String(factor)}`, 'give a whole number ≥ 1')
}

/**
 * Channels become pixels: […, C·r², H, W] → […, C, H·r, W·r] (Shi et al. 2016). As `torch.nn.functional.pixel_shuffle`.
 *
 * @example
 * F.pixelShuffle(arange(4).reshape(1, 4, 1, 1), 2) // → tensor([[[[0, 1],
 * //             [2, 3]]]])
 */
export const pixelShuffle: Factor<'upscaleFactor'> = define('pixelShuffle', ['input', 'upscaleFactor'], ({ input: x, upscaleFactor: r }: { input: Tensor; upscaleFactor: number }) => {
  needPixels('pixelShuffle', x, 'upscaleFactor', r)
  const [c, h, w] = x.shape.slice(-3)
  const lead = x.shape.slice(0, -3)
  if (c % (r * r)) fail('pixelShuffle', `${c} channels of ${x} do not divide by ${r}²`, 'each group of r² channels becomes r × r pixels')
  const y = x.reshape([...lead, c / (r * r), r, r, h, w])
  return y.permute([...lead.keys(), ...[0, 3, 1, 4, 2].map(d => lead.length + d)]).reshape([...lead, c / (r * r), h * r, w * r])
})
/**
 * Pixels become channels: […, C, H·r, W·r] → […, C·r², H, W]. As `torch.nn.functional.pixel_unshuffle`.
 *
 * @example
 * F.pixelUnshuffle(randn(1, 1, 4, 4), 2).shape // → [ 1, 4, 2, 2 ]
 */
export const pixelUnshuffle: Factor<'downscaleFactor'> = define('pixelUnshuffle', ['input', 'downscaleFactor'], ({ input: x, downscaleFactor: r }: { input: Tensor; downscaleFactor: number }) => {
  needPixels('pixelUnshuffle', x, 'downscaleFactor', r)
  const [c, h, w] = x.shape.slice(-3)
  const lead = x.shape.slice(0, -3)
  if (h % r || w % r) fail('pixelUnshuffle', `${h} × ${w} pixels of ${x} do not divide by ${r}`, 'crop or pad the image first')
  const y = x.reshape([...lead, c, h / r, r, w / r, r])
  return y.permute([...lead.keys(), ...[0, 2, 4, 1, 3].map(d => lead.length + d)]).reshape([...lead, c * r * r, h / r, w / r])
})
/**
 * Deals channels of [N, C, …] from `groups` piles (Zhang et al. 2018). As `torch.nn.functional.channel_shuffle`.
 *
 * @example
 * F.channelShuffle(arange(4).reshape(1, 4, 1), 2).flatten() // → tensor([0, 2, 1, 3])
 */
export const channelShuffle: Factor<'groups'> = define('channelShuffle', ['input', 'groups'], ({ input: x, groups }: { input: Tensor; groups: number }) => {
  if (needTensor('channelShuffle', x).ndim < 3) fail('channelShuffle', `expected at least 3 dimensions, got ${x}`, '[batch, channels, …]')
  const [n, c, ...rest] = x.shape
  if (!Number.isInteger(groups) || groups < 1 || c % groups) fail('channelShuffle', `${c} channels of ${x} do not divide into ${String(groups)} groups`, 'groups must divide the channels')
  return x.reshape([n, groups, c / groups, ...rest]).transpose(1, 2).reshape(x.shape)
})

export interface PatchOptions {
  dilation?: Size
  /** Zeros on both sides. */
  padding?: Size
  stride?: Size
}
interface Patches {
  readonly kernel: Shape
  readonly dilation: Shape
  readonly padding: Shape
  readonly stride: Shape
  /** How many patches fit along each axis. */
  readonly count: Shape
}
function patches(op: string, sizes: Shape, kernelSize: Size, { dilation = 1, padding = 0, stride = 1 }: PatchOptions): Patches {
  const p = { kernel: perAxis(op, 'kernelSize', kernelSize, 2, 1), dilation: perAxis(op, 'dilation', dilation, 2, 1), padding: perAxis(op, 'padding', padding, 2), stride: perAxis(op, 'stride', stride, 2, 1) }
  const count = sizes.map((s, i) => windowCount(s + 2 * p.padding[i], p.kernel[i], p.stride[i], p.dilation[i]))
  if (count.some(n => n < 1)) fail(op, `patches of ${formatShape(p.kernel)} do not fit ${formatShape(sizes)}`, 'use a smaller kernel or add padding')
  return { ...p, count }
}

type Unfold = ((x: Tensor, kernelSize: Size | (PatchOptions & { kernelSize: Size }), dilation?: Size | PatchOptions, padding?: Size | PatchOptions, stride?: Size | PatchOptions) => Tensor) & Described
/**
 * All patches of an image as columns: [N, C, H, W] → [N, C·KH·KW, patches]; also known as im2col. As `torch.nn.functional.unfold`.
 *
 * @example
 * F.unfold(arange(9).to('float32').reshape(1, 1, 3, 3), 2, { stride: 1 }) // → tensor([[[0., 1., 3., 4.],
 * //            [1., 2., 4., 5.],
 * //            [3., 4., 6., 7.],
 * //            [4., 5., 7., 8.]]])
 */
export const unfold: Unfold = define('unfold', ['input', 'kernelSize', 'dilation', 'padding', 'stride'], ({ input, kernelSize, ...options }: { input: Tensor; kernelSize: Size } & PatchOptions) => {
  if (needTensor('unfold', input).ndim !== 3 && input.ndim !== 4) fail('unfold', `expected 3 or 4 dimensions, got ${input}`, '[batch, channels, height, width]')
  const p = patches('unfold', input.shape.slice(-2), kernelSize, options)
  const x = input.ndim === 3 ? input.unsqueeze(0) : input
  const windows = apply1(windowsOp, [pad(x, lastFirst(p.padding, n => [n, n]))], { axes: [2, 3], size: p.kernel, stride: p.stride, dilation: p.dilation })
  const columns = windows.permute(0, 1, 4, 5, 2, 3).reshape(x.shape[0], x.shape[1] * numel(p.kernel), numel(p.count))
  return input.ndim === 3 ? columns.squeeze(0) : columns
})

type Fold = ((x: Tensor, outputSize: Size, kernelSize: Size | (PatchOptions & { kernelSize: Size }), dilation?: Size | PatchOptions, padding?: Size | PatchOptions, stride?: Size | PatchOptions) => Tensor) & Described
/**
 * Patches as columns added up at their places: [N, C·KH·KW, patches] → [N, C, …outputSize]; the transpose of `unfold`. As `torch.nn.functional.fold`.
 *
 * @example
 * F.fold(ones(1, 4, 4), [3, 3], 2) // → tensor([[[[1., 2., 1.],
 * //             [2., 4., 2.],
 * //             [1., 2., 1.]]]])
 */
export const fold: Fold = define('fold', ['input', 'outputSize', 'kernelSize', 'dilation', 'padding', 'stride'], ({ input, outputSize, kernelSize, ...options }: { input: Tensor; outputSize: Size; kernelSize: Size } & PatchOptions) => {
  if (needTensor('fold', input).ndim !== 2 && input.ndim !== 3) fail('fold', `expected 2 or 3 dimensions, got ${input}`, '[batch, channels · kernel, patches]')
  const size = perAxis('fold', 'outputSize', outputSize, 2, 1)
  const { kernel, stride, dilation, padding, count } = patches('fold', size, kernelSize, options)
  const x = input.ndim === 2 ? input.unsqueeze(0) : input
  const [n, rows, columns] = x.shape
  if (rows % numel(kernel) || columns !== numel(count)) fail('fold', `${input} are not patches of ${formatShape(kernel)} from an image ${formatShape(size)}`, `expected [N, C · ${numel(kernel)}, ${numel(count)}]`)
  const c = rows / numel(kernel)
  const windows = x.reshape(n, c, ...kernel, ...count).permute(0, 1, 4, 5, 2, 3)
  const whole = apply1(foldOp, [windows], { axes: [2, 3], size: kernel, stride, dilation, spatial: size.map((s, i) => s + 2 * padding[i]) })
  const y = whole.narrow(2, padding[0], size[0]).narrow(3, padding[1], size[1])
  return input.ndim === 2 ? y.squeeze(0) : y
})
