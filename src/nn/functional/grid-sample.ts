// Reading an image at places that are computed (Jaderberg et al. 2015). Per axis a place becomes a few taps with weights; the taps of all axes are
// joined to flat positions and fetched by one gather. Gradients flow to the image and, through the weights, to the places.
import { isFloat, type DType } from '../../core/dtype.ts'
import { fail } from '../../core/errors.ts'
import { contiguousStrides, numel } from '../../core/shape.ts'
import { define, needTensor, type Described } from '../../ops/define.ts'
import { arange, ge, gather, gt, le, linspace, logicalAnd, lt, mul, stack, sub, tensor, where, type Tensor } from '../../ops/index.ts'

export interface GridSampleOptions {
  /** Between pixels: 'bilinear' (the default; trilinear for volumes), 'nearest', or 'bicubic' (images only). */
  mode?: 'bilinear' | 'nearest' | 'bicubic'
  /** Outside: 'zeros' (the default), the 'border' pixel, or the image's 'reflection'. */
  paddingMode?: 'zeros' | 'border' | 'reflection'
  /** −1 and 1 are the centres of the corner pixels rather than their outer edges. */
  alignCorners?: boolean | null
}
type Padding = NonNullable<GridSampleOptions['paddingMode']>
const modes = ['bilinear', 'nearest', 'bicubic']
const paddings = ['zeros', 'border', 'reflection']

/** −1 … 1 in pixels. */
const pixels = (c: Tensor, size: number, alignCorners: boolean): Tensor => (alignCorners ? c.add(1).div(2).mul(size - 1) : c.add(1).mul(size).sub(1).div(2))

/** Limited to the image, with slope 0 on its edges too. */
const clipped = (x: Tensor, size: number): Tensor => where(le(x, 0), 0, where(ge(x, size - 1), size - 1, x))

/** Mirrored at both edges as often as it takes: at the centres of the last pixels, or at their outer edges. */
function reflected(x: Tensor, size: number, alignCorners: boolean): Tensor {
  const [low, span] = alignCorners ? [0, size - 1] : [-0.5, size]
  if (span === 0) return x.mul(0)
  const offset = x.sub(low)
  const distance = where(lt(offset, 0), offset.neg(), offset)
  const extra = distance.fmod(span)
  const turns = distance.detach().div(span).floor()
  return where(turns.remainder(2).eq(0), extra.add(low), extra.neg().add(span + low))
}

const padded = (x: Tensor, size: number, padding: Padding, alignCorners: boolean): Tensor =>
  padding === 'zeros' ? x : clipped(padding === 'border' ? x : reflected(x, size, alignCorners), size)

/** (a + 2)·d³ − (a + 3)·d² + 1 near, a·d³ − 5a·d² + 8a·d − 4a far (Keys 1981), with a = −¾. */
const near = (d: Tensor): Tensor => d.mul(1.25).sub(2.25).mul(d).mul(d).add(1)
const far = (d: Tensor): Tensor => d.sub(5).mul(d).add(8).mul(d).sub(4).mul(-0.75)

/** The taps of one axis. */
interface AxisTaps {
  /** int32 [N, P, K], inside the image. */
  readonly at: Tensor
  /** [N, P, K]; null where the one tap counts fully. */
  readonly weight: Tensor | null
  /** Which taps were inside to begin with; null when all count. */
  readonly inside: Tensor | null
}

function axisTaps(c: Tensor, size: number, mode: string, padding: Padding, alignCorners: boolean): AxisTaps {
  const place = pixels(c, size, alignCorners)
  const settle = (raw: Tensor, weight: Tensor | null): AxisTaps => {
    const at = raw.clamp(0, size - 1).to('int32')
    return { at, weight, inside: padding === 'zeros' ? logicalAnd(gt(raw, -1), lt(raw, size)) : null }
  }
  if (mode === 'nearest') return settle(padded(place.detach(), size, padding, alignCorners).round().unsqueeze(-1), null)
  const steady = mode === 'bicubic' ? place : padded(place, size, padding, alignCorners)
  const low = steady.detach().floor()
  const t = steady.sub(low)
  const u = sub(1, t)
  if (mode === 'bilinear') return settle(low.unsqueeze(-1).add(arange(2)), stack([u, t], -1))
  const taps = padded(low.unsqueeze(-1).add(arange(-1, 3)), size, padding, alignCorners)
  return settle(taps, stack([far(t.add(1)), near(t), near(u), far(u.add(1))], -1))
}

/** [N, P, K] of axis i of n as [N, P, 1 … K … 1]. */
const along = (x: Tensor, i: number, n: number): Tensor => x.reshape([...x.shape.slice(0, 2), ...Array.from({ length: n }, (_, j) => (i === j ? x.shape[2] : 1))])

type GridSample = ((x: Tensor, grid: Tensor, mode?: GridSampleOptions['mode'] | GridSampleOptions, paddingMode?: Padding | GridSampleOptions, options?: GridSampleOptions) => Tensor) & Described
/**
 * The image [N, C, H, W] at the places of `grid` [N, H', W', 2] → [N, C, H', W']; each place is (x, y), from −1 (left, top) to 1. Volumes [N, C, D, H, W]
 * with a grid [N, D', H', W', 3] likewise. As `torch.nn.functional.grid_sample`.
 *
 * @example
 * const places = tensor([[[[0, 0], [1, -1]]]])
 * F.gridSample(tensor([[[[1, 2], [3, 4]]]]), places, { alignCorners: true }) // → tensor([[[[2.5000, 2.0000]]]])
 */
export const gridSample: GridSample = define('gridSample', ['input', 'grid', 'mode', 'paddingMode', 'alignCorners'], (a: { input: Tensor; grid: Tensor } & GridSampleOptions) => {
  const { input: x, grid, mode = 'bilinear', paddingMode = 'zeros', alignCorners } = a
  const op = 'gridSample'
  for (const t of [x, grid]) if (!isFloat(needTensor(op, t).dtype)) fail(op, `expected float tensors, got ${x} and ${grid}`, "convert with x.to('float32')")
  const n = x.ndim - 2
  if ((n !== 2 && n !== 3) || grid.ndim !== x.ndim || grid.shape[0] !== x.shape[0] || grid.shape.at(-1) !== n)
    fail(op, `grid ${grid} does not go with ${x}`, 'an image [N, C, H, W] wants [N, H, W, 2], a volume [N, C, D, H, W] wants [N, D, H, W, 3]')
  if (!modes.includes(mode)) fail(op, `there is no mode '${String(mode)}'`, modes.join(', '))
  if (!paddings.includes(paddingMode)) fail(op, `there is no padding mode '${String(paddingMode)}'`, paddings.join(', '))
  if (mode === 'bicubic' && n !== 2) fail(op, `bicubic works on images, got ${x}`, 'use bilinear for volumes')
  if (x.shape.slice(2).includes(0)) fail(op, `${x} has no pixels`, 'only the batch and the channels may be empty')
  const [batch, channels, ...sizes] = x.shape
  const count = numel(grid.shape.slice(1, -1))
  const steps = contiguousStrides(sizes)
  // Places are computed in no less than 32 bits. The last coordinate of a place is that of the first axis.
  const places = grid.dtype === 'float64' ? grid : grid.to('float32')
  const axes = sizes.map((size, i) => axisTaps(places.select(-1, n - 1 - i).reshape(batch, count), size, mode, paddingMode, alignCorners ?? false))
  const joined = (part: (a: AxisTaps, i: number) => Tensor | null, join: (a: Tensor, b: Tensor) => Tensor): Tensor | null => {
    const parts = axes.flatMap((a, i) => {
      const p = part(a, i)
      return p ? [along(p, i, n)] : []
    })
    return parts.length > 0 ? parts.reduce(join) : null
  }
  const at = joined((a, i) => a.at.mul(steps[i]), (a, b) => a.add(b))!
  const all = at.shape.slice(1)
  const fetched = gather(x.reshape(batch, channels, numel(sizes)), -1, at.reshape(batch, 1, numel(all)).expand(batch, channels, numel(all))).reshape([batch, channels, ...all])
  const inside = joined(a => a.inside, logicalAnd)
  const weight = joined(a => a.weight, mul)
  const kept = inside ? where(inside.unsqueeze(1), fetched, 0) : fetched
  const y = weight ? kept.mul(weight.unsqueeze(1)).sum(all.slice(1).map((_, i) => i + 3)) : kept
  return y.to(x.dtype).reshape([batch, channels, ...grid.shape.slice(1, -1)])
})

/** Places −1 … 1 of n pixels in a row. */
const line = (n: number, alignCorners: boolean, dtype: DType): Tensor => (n < 2 ? tensor([0], { dtype }) : linspace(-1, 1, n, { dtype }).mul(alignCorners ? 1 : (n - 1) / n))

type AffineGrid = ((theta: Tensor, size: readonly number[], alignCorners?: boolean | { alignCorners?: boolean }) => Tensor) & Described
interface AffineArgs {
  readonly theta: Tensor
  readonly size: readonly number[]
  readonly alignCorners?: boolean | null
}
/**
 * The grid of an affine map: theta [N, 2, 3] and the size [N, C, H, W] of the result of `gridSample` → [N, H, W, 2]; or [N, 3, 4] and [N, C, D, H, W]
 * → [N, D, H, W, 3]. As `torch.nn.functional.affine_grid`.
 *
 * @example
 * F.affineGrid(tensor([[[1, 0, 0], [0, 1, 0]]]), [1, 1, 1, 2]) // → tensor([[[[-0.5000,  0.0000],
 * //             [ 0.5000,  0.0000]]]])
 */
export const affineGrid: AffineGrid = define('affineGrid', ['theta', 'size', 'alignCorners'], ({ theta, size, alignCorners }: AffineArgs) => {
  const op = 'affineGrid'
  const n = size.length - 2
  if (!isFloat(needTensor(op, theta).dtype) || (n !== 2 && n !== 3) || theta.ndim !== 3 || theta.shape[0] !== size[0] || theta.shape[1] !== n || theta.shape[2] !== n + 1)
    fail(op, `theta ${theta} does not go with the size [${size}]`, '[N, 2, 3] with [N, C, H, W], or [N, 3, 4] with [N, C, D, H, W]')
  if (size.some(s => !(s > 0))) fail(op, `the size is [${size}]`, 'give sizes ≥ 1')
  const spatial = size.slice(2)
  const column = (i: number): Tensor => theta.select(-1, i).reshape([size[0], ...spatial.map(() => 1), n])
  return spatial.reduce((sum, s, i) => sum.add(mul(column(n - 1 - i), line(s, alignCorners ?? false, theta.dtype === 'float64' ? theta.dtype : 'float32').reshape([s, ...spatial.slice(i + 1).map(() => 1), 1]))), column(n))
})
