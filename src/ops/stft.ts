// Short-time Fourier transforms: windows of a signal, each transformed, and the way back by overlapping and adding (Griffin & Lim 1984).
import { isComplex, isDifferentiable } from '../core/dtype.ts'
import { fail } from '../core/errors.ts'
import { viewAsComplex, viewAsReal } from './complex.ts'
import { ones } from './creation.ts'
import { apply1, define, needTensor, type Described } from './define.ts'
import { fft, ifft, irfft, rfft } from './fft.ts'
import { contiguous, expand, narrow, pad, reshape, squeeze, transpose, unfold, unsqueeze, type PadMode } from './movement.ts'
import { foldOp } from './movement-ops.ts'
import { div, mul } from './pointwise.ts'
import type { Tensor } from './tensor.ts'

interface WindowOptions {
  /** How far windows are apart, nFft/4 by default. */
  hopLength?: number | null
  /** Length of the window, nFft by default; a shorter one stands in the middle. */
  winLength?: number | null
  /** The window, of winLength; ones by default. */
  window?: Tensor | null
  /** Windows are centred on their positions, so the signal is continued by nFft/2 on both sides. */
  center?: boolean
  /** Factor 1/√nFft. */
  normalized?: boolean
  /** Only the first half of the frequencies; the default where all is real. */
  onesided?: boolean | null
}
export interface StftOptions extends WindowOptions {
  padMode?: PadMode
  /** false: pairs of real numbers, the default where all is real. */
  returnComplex?: boolean | null
}
export interface IstftOptions extends WindowOptions {
  /** Length of the signal. */
  length?: number | null
  /** The signal is complex; then all frequencies are needed. */
  returnComplex?: boolean
}
type Size<O> = number | null | O
type Choice<O> = boolean | null | O
type Stft<O = StftOptions> = ((
  input: Tensor, nFft: number | (O & { nFft: number }), hopLength?: Size<O>, winLength?: Size<O>, window?: Tensor | null | O, center?: boolean | O,
  padMode?: PadMode | O, normalized?: boolean | O, onesided?: Choice<O>, returnComplex?: Choice<O>,
) => Tensor) & Described
type Istft<O = IstftOptions> = ((
  input: Tensor, nFft: number | (O & { nFft: number }), hopLength?: Size<O>, winLength?: Size<O>, window?: Tensor | null | O, center?: boolean | O,
  normalized?: boolean | O, onesided?: Choice<O>, length?: Size<O>, returnComplex?: boolean | O,
) => Tensor) & Described

interface Windows {
  readonly hop: number
  /** Of nFft elements; null: ones. */
  readonly window: Tensor | null
}

const needWhole = (op: string, what: string, n: number, high: number): void => {
  if (!Number.isInteger(n) || n < 1 || n > high) fail(op, `${what} is ${n}`, high === Infinity ? 'give a whole number of at least 1' : `give a whole number from 1 to ${high}`)
}

function windows(op: string, nFft: number, { hopLength, winLength, window }: WindowOptions): Windows {
  needWhole(op, 'nFft', nFft, Infinity)
  const hop = hopLength ?? Math.floor(nFft / 4)
  const length = winLength ?? nFft
  needWhole(op, 'hopLength', hop, Infinity)
  needWhole(op, 'winLength', length, nFft)
  if (!window) return { hop, window: length === nFft ? null : centred(ones(length), nFft) }
  if (needTensor(op, window).ndim !== 1 || window.shape[0] !== length) fail(op, `the window is ${window}, winLength ${length}`, 'the window is a vector of winLength elements')
  return { hop, window: centred(window, nFft) }
}

function centred(window: Tensor, nFft: number): Tensor {
  const low = Math.floor((nFft - window.shape[0]) / 2)
  return window.shape[0] === nFft ? window : pad(window, [low, nFft - window.shape[0] - low])
}

const common = ['input', 'nFft', 'hopLength', 'winLength', 'window', 'center']

interface StftArgs extends StftOptions {
  input: Tensor
  nFft: number
}
/**
 * Short-time Fourier transform of a signal [length] or signals [batch, length]: […, frequencies, windows], complex64 where the signal or the window is
 * complex or `returnComplex` is true, else pairs of float32. As `torch.stft`.
 *
 * @example
 * const spectrogram = stft(randn(1000), 64, { hopLength: 16, window: ones(64), returnComplex: true }).abs()   // f32[33,63]
 */
export const stft: Stft = define('stft', [...common, 'padMode', 'normalized', 'onesided', 'returnComplex'], (a: StftArgs) => {
  const { input, nFft, center = true, padMode = 'reflect', normalized = false, ...o } = a
  const { dtype, ndim } = needTensor('stft', input)
  if (ndim < 1 || ndim > 2 || !isDifferentiable(dtype))
    fail('stft', `expected a float or complex signal of one or two dimensions, got ${input}`, 'signals are [length] or [batch, length]')
  const { hop, window } = windows('stft', nFft, o)
  const complex = isComplex(dtype) || (window !== null && isComplex(window.dtype))
  const onesided = o.onesided ?? !complex
  if (onesided && complex) fail('stft', 'onesided is true for a complex signal or window', 'only of real signals is one half enough')
  const batch = ndim === 1 ? unsqueeze(input, 0) : input
  const side = Math.floor(nFft / 2)
  const signal = center ? squeeze(pad(unsqueeze(batch, 0), [side, side], padMode), 0) : batch
  if (signal.shape[1] < nFft) fail('stft', `nFft is ${nFft}, the signal is ${input}`, 'windows cannot be longer than the signal')
  const cut = unfold(signal, 1, nFft, hop)
  const framed = window ? mul(cut, window) : cut
  const norm = normalized ? 'ortho' : 'backward'
  const spectrum = transpose(onesided ? rfft(framed, { norm }) : fft(framed, { norm }), 1, 2)
  const out = ndim === 1 ? squeeze(spectrum, 0) : spectrum
  return o.returnComplex ?? complex ? out : viewAsReal(out)
})

interface IstftArgs extends IstftOptions {
  input: Tensor
  nFft: number
}
/**
 * The signal of which `stft` with the same options gives […, frequencies, windows] (complex64, or pairs of float32), in the sense of least squares:
 * [length] or [batch, length], float32 unless `returnComplex` is true. Where no window reaches, the result is not finite. As `torch.istft`.
 *
 * @example
 * const x = arange(16, { dtype: 'float32' })
 * istft(stft(x, 8), 8).shape // → [ 16 ]
 */
export const istft: Istft = define('istft', [...common, 'normalized', 'onesided', 'length', 'returnComplex'], (a: IstftArgs) => {
  const { input, nFft, center = true, normalized = false, length, returnComplex = false, ...o } = a
  const given = isComplex(needTensor('istft', input).dtype) ? input : viewAsComplex(contiguous(input))
  if (given.ndim < 2 || given.ndim > 3 || given.numel === 0)
    fail('istft', `expected [frequencies, windows] or [batch, frequencies, windows], got ${input}`, 'give what stft gives')
  const { hop, window } = windows('istft', nFft, o)
  const batch = given.ndim === 2 ? unsqueeze(given, 0) : given
  const [, frequencies, frames] = batch.shape
  const half = Math.floor(nFft / 2)
  const onesided = o.onesided ?? frequencies !== nFft
  const expected = onesided ? half + 1 : nFft
  if (frequencies !== expected) fail('istft', `${frequencies} frequencies in ${input}, nFft ${nFft}`, `${onesided ? 'of one half' : 'of all'} there are ${expected}`)
  if (returnComplex && onesided) fail('istft', 'a complex signal of one half of its frequencies', 'give all frequencies: onesided: false')
  if (!returnComplex && window && isComplex(window.dtype)) fail('istft', 'a real signal with a complex window', 'returnComplex: true')
  const spectrum = transpose(batch, 1, 2)
  const norm = normalized ? 'ortho' : 'backward'
  const pieces = returnComplex ? ifft(spectrum, { norm }) : irfft(spectrum, { n: nFft, norm })
  const full = nFft + hop * (frames - 1)
  const added = (x: Tensor): Tensor => apply1(foldOp, [x], { axes: [1], size: [nFft], stride: [hop], dilation: [1], spatial: [full] })
  const weight = window ?? ones(nFft)
  const start = center ? half : 0
  const end = typeof length === 'number' ? start + length : center ? full - half : full
  const within = (x: Tensor): Tensor => narrow(x, 1, start, Math.max(0, Math.min(end, full) - start))
  const signal = div(within(added(window ? mul(pieces, window) : pieces)), within(added(expand(mul(weight, weight), [1, frames, nFft]))))
  const whole = end > full ? pad(signal, [0, end - full]) : signal
  return given.ndim === 2 ? reshape(whole, whole.shape[1]) : whole
})
