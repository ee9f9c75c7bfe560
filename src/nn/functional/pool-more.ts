// Pools beyond the common ones: adaptive maxima, the way back from a max pool, power means.
import { fail } from '../../core/errors.ts'
import { formatShape, numel, sameShape, type Shape } from '../../core/shape.ts'
import { apply1, define, needTensor, type Described } from '../../ops/define.ts'
import { firstMax, winners } from '../../ops/first-max.ts'
import { scatterSetOp } from '../../ops/gather.ts'
import { avgPool1d, avgPool2d, avgPool3d, tensor, zeros, type Tensor } from '../../ops/index.ts'
import { flatPositions, perAxis, taps, type Size } from '../../ops/spatial.ts'
import { adaptiveWindow, outputSizes, type OutputSize } from './pool.ts'
import { runs, tapped, type Taps } from './resample.ts'

interface AdaptiveMaxOptions {
  /** Also give where each value was found: `[values, indices]`, int32 positions in the flattened spatial dimensions. */
  returnIndices?: boolean
}
type AdaptiveMax = ((x: Tensor, outputSize: OutputSize, options: { returnIndices: true }) => [values: Tensor, indices: Tensor]) &
  ((x: Tensor, outputSize: OutputSize, options?: { returnIndices?: false }) => Tensor) & Described

/** [… m1, K1, m2, K2 …] from dimension `first` on → [… m1, m2, …, K1, K2, …] */
const tapsLast = (x: Tensor, first: number, n: number): Tensor =>
  x.permute([...Array(first).keys(), ...Array.from({ length: n }, (_, i) => first + 2 * i), ...Array.from({ length: n }, (_, i) => first + 2 * i + 1)])

const adaptiveMax = (name: string, n: number): AdaptiveMax =>
  define(name, ['input', 'outputSize', 'returnIndices'], ({ input: x, outputSize, returnIndices = false }: { input: Tensor; outputSize: OutputSize } & AdaptiveMaxOptions) => {
    const out = outputSizes(name, x, outputSize, n)
    const first = x.ndim - n
    const sizes = x.shape.slice(first)
    const windows = out.map((m, i): Taps => {
      const { from, used } = adaptiveWindow(sizes[i], m)
      return { at: runs(m, from, used) }
    })
    const w = tapsLast(windows.reduce((y, window, i) => tapped(y, first + 2 * i, window), x), first, n)
    const values = firstMax(w, taps(w, n))
    if (!returnIndices) return values
    const lines = windows.map(({ at }) => tensor(Int32Array.from(at.flat())))
    const table = tapsLast(flatPositions(lines, sizes).reshape(windows.flatMap(({ at }) => [at.length, at[0].length])), 0, n)
    return [values, winners(w, table, n)]
  })

/**
 * Largest values of `outputSize` windows: [N, C, L] → [N, C, outputSize]. As `torch.nn.functional.adaptive_max_pool1d`.
 *
 * @example
 * F.adaptiveMaxPool1d(tensor([[[1, 5, 3, 2, 4]]]), 2, { returnIndices: true }) // → [ tensor([[[5., 4.]]]), tensor([[[1, 4]]]) ]
 */
export const adaptiveMaxPool1d: AdaptiveMax = adaptiveMax('adaptiveMaxPool1d', 1)
/**
 * Largest values of windows: [N, C, H, W] → [N, C, …outputSize]; null keeps a size. As `torch.nn.functional.adaptive_max_pool2d`.
 *
 * @example
 * F.adaptiveMaxPool2d(arange(16).to('float32').reshape(1, 1, 4, 4), 2) // → tensor([[[[ 5.,  7.],
 * //             [13., 15.]]]])
 */
export const adaptiveMaxPool2d: AdaptiveMax = adaptiveMax('adaptiveMaxPool2d', 2)
/**
 * Largest values of windows over three dimensions. As `torch.nn.functional.adaptive_max_pool3d`.
 *
 * @example
 * F.adaptiveMaxPool3d(randn(1, 2, 4, 5, 6), [2, 2, null]).shape // → [ 1, 2, 2, 2, 6 ]
 */
export const adaptiveMaxPool3d: AdaptiveMax = adaptiveMax('adaptiveMaxPool3d', 3)

export interface UnpoolOptions {
  stride?: Size | null
  padding?: Size
  /** Sizes of the result: of the spatial dimensions, or of all. Default: the smallest that the pool maps to this input. */
  outputSize?: Shape | null
}
type Unpool = ((x: Tensor, indices: Tensor, kernelSize: Size, stride?: Size | null | UnpoolOptions, padding?: Size | UnpoolOptions, options?: UnpoolOptions) => Tensor) & Described

const maxUnpool = (name: string, n: number): Unpool =>
  define(name, ['input', 'indices', 'kernelSize', 'stride', 'padding', 'outputSize'], (a: { input: Tensor; indices: Tensor; kernelSize: Size } & UnpoolOptions) => {
    const { input: x, indices, kernelSize, stride, padding = 0, outputSize } = a
    if (needTensor(name, x).ndim !== n + 1 && x.ndim !== n + 2) fail(name, `expected ${n + 1} or ${n + 2} dimensions, got ${x}`, `[batch, channels, …${n} spatial]`)
    if (needTensor(name, indices).dtype !== 'int32' || !sameShape(indices.shape, x.shape)) fail(name, `indices ${indices} do not fit ${x}`, 'they come from a max pool with {returnIndices: true}')
    const kernel = perAxis(name, 'kernelSize', kernelSize, n, 1)
    const step = perAxis(name, 'stride', stride ?? kernel, n, 1)
    const pad = perAxis(name, 'padding', padding, n)
    const natural = kernel.map((k, i) => (x.shape[x.ndim - n + i] - 1) * step[i] + k - 2 * pad[i])
    const size = outputSize ? outputSize.slice(-n) : natural
    if (size.length !== n || size.some((s, i) => Math.abs(s - natural[i]) >= step[i]))
      fail(name, `outputSize ${formatShape(size)} is too far from ${formatShape(natural)}`, 'give the size that the max pool had; a stride may hide a part of it')
    const lead = x.shape.slice(0, -n)
    const flat = (t: Tensor): Tensor => t.reshape([...lead, numel(x.shape.slice(-n))])
    return apply1(scatterSetOp, [zeros([...lead, numel(size)], { dtype: x.dtype }), flat(indices), flat(x)], { axis: lead.length }).reshape([...lead, ...size])
  })

/**
 * The way back from `maxPool1d`: values at their positions, zeros elsewhere. As `torch.nn.functional.max_unpool1d`.
 *
 * @example
 * F.maxUnpool1d(tensor([[[3, 5]]]), tensor([[[1, 3]]], { dtype: 'int32' }), 2) // → tensor([[[0., 3., 0., 5.]]])
 */
export const maxUnpool1d: Unpool = maxUnpool('maxUnpool1d', 1)
/**
 * The way back from `maxPool2d`: values at their positions, zeros elsewhere. As `torch.nn.functional.max_unpool2d`.
 *
 * @example
 * const [y, at] = F.maxPool2d(arange(4).to('float32').reshape(1, 1, 2, 2), 2, { returnIndices: true })
 * F.maxUnpool2d(y, at, 2) // → tensor([[[[0., 0.],
 * //             [0., 3.]]]])
 */
export const maxUnpool2d: Unpool = maxUnpool('maxUnpool2d', 2)
/**
 * The way back from `maxPool3d`. As `torch.nn.functional.max_unpool3d`.
 *
 * @example
 * const [y, at] = F.maxPool3d(randn(1, 1, 2, 2, 2), 2, { returnIndices: true })
 * F.maxUnpool3d(y, at, 2).shape // → [ 1, 1, 2, 2, 2 ]
 */
export const maxUnpool3d: Unpool = maxUnpool('maxUnpool3d', 3)

export interface LpPoolOptions {
  stride?: Size | null
  /** Let windows end outside. */
  ceilMode?: boolean
}
type LpPool = ((x: Tensor, normType: number, kernelSize: Size, stride?: Size | null | LpPoolOptions, ceilMode?: boolean) => Tensor) & Described

const lpPool = (name: string, n: number, pool: typeof avgPool1d): LpPool =>
  define(name, ['input', 'normType', 'kernelSize', 'stride', 'ceilMode'], ({ input: x, normType, kernelSize, stride, ceilMode }: { input: Tensor; normType: number; kernelSize: Size } & LpPoolOptions) => {
    const mean = pool(x.pow(normType), kernelSize, { stride, ceilMode })
    // The mean itself, with slope 0 where it is 0.
    return mean.sign().mul(mean.abs().relu()).mul(numel(perAxis(name, 'kernelSize', kernelSize, n, 1))).pow(1 / normType)
  })
/**
 * (Σ xᵖ)^(1/p) of each window: [N, C, L] → [N, C, L']. As `torch.nn.functional.lp_pool1d`.
 *
 * @example
 * F.lpPool1d(tensor([[[3, 4, 6, 8]]]), 2, 2) // → tensor([[[ 5., 10.]]])
 */
export const lpPool1d: LpPool = lpPool('lpPool1d', 1, avgPool1d)
/**
 * (Σ xᵖ)^(1/p) of each window: [N, C, H, W] → [N, C, H', W']. As `torch.nn.functional.lp_pool2d`.
 *
 * @example
 * F.lpPool2d(ones(1, 1, 4, 4), 2, 2) // → tensor([[[[2., 2.],
 * //             [2., 2.]]]])
 */
export const lpPool2d: LpPool = lpPool('lpPool2d', 2, avgPool2d)
/**
 * (Σ xᵖ)^(1/p) of each window over three dimensions. As `torch.nn.functional.lp_pool3d`.
 *
 * @example
 * F.lpPool3d(ones(1, 1, 2, 2, 2), 3, 2) // → tensor([[[[[2.]]]]])
 */
export const lpPool3d: LpPool = lpPool('lpPool3d', 3, avgPool3d)
