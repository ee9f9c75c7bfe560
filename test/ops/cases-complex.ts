// Op cases of complex numbers and Fourier transforms. Complex tensors go in and come out as pairs of real ones, so that their derivatives are
// compared part by part.
import * as ops from '../../src/ops/index.ts'
import * as extended from '../../src/ops/extended.ts'
import type { Tensor } from '../../src/ops/tensor.ts'
import { b, f, rows, type Input, type OpCase } from './case.ts'

const { complex, fft, viewAsComplex: asComplex, viewAsReal: asReal } = extended

const c = (shape: readonly number[], low = -2, high = 2): Input => f([...shape, 2], low, high)
const c34 = [c([3, 4])]
const two = [c([3, 4]), c([4])]
type OnComplex = (...z: Tensor[]) => Tensor
/** A function of complex tensors as one of pairs. */
const on = (fn: OnComplex) => (...x: Tensor[]): Tensor => {
  const y = fn(...x.map(asComplex))
  return y.dtype === 'complex64' ? asReal(y) : y
}

const unary = [
  'neg', 'reciprocal', 'square', 'sqrt', 'rsqrt', 'exp', 'expm1', 'exp2', 'log', 'log1p', 'log2', 'log10', 'sin', 'cos', 'tan', 'sinh', 'cosh', 'tanh',
  'asin', 'acos', 'atan', 'asinh', 'acosh', 'atanh', 'sigmoid', 'silu', 'abs', 'sign', 'clone', 'zerosLike', 'onesLike',
] as const
const pointwise: OpCase[] = [
  ...unary.flatMap(op => rows(op, [[c34, on(z => ops[op](z)), 'complex']])),
  ...(['sgn', 'angle', 'sinc'] as const).flatMap(op => rows(op, [[c34, on(z => extended[op](z)), 'complex']])),
  ...(['add', 'sub', 'mul', 'div', 'pow'] as const).flatMap(op =>
    rows(op, [
      [two, on((z, w) => ops[op](z, w)), 'complex'],
      [[c([3, 4]), f([4], 0.5, 2)], (x, y) => asReal(ops[op](asComplex(x), y)), 'complex and real'],
      [[f([3, 4], 0.5, 2), c([4])], (x, y) => asReal(ops[op](x, asComplex(y))), 'real and complex'],
      [c34, on(z => ops[op](z, 3)), 'complex and a number'],
      [c34, on(z => ops[op](z, complex(0.5, -1))), 'complex and a complex number'],
    ]),
  ),
  ...rows('pow', [[c34, on(z => ops.pow(z, 2)), 'complex squared']]),
  ...rows('to', [[[c([3, 4])], on(z => ops.to(z.mul(ops.gt(extended.real(z), 0)), 'bool')), 'complex to bool']]),
  ...(['eq', 'ne', 'logicalAnd', 'logicalOr', 'logicalXor'] as const).flatMap(op => rows(op, [[[c([3, 4])], on(z => ops[op](z, ops.where(ops.gt(extended.real(z), 0), z, 0))), 'complex']])),
  ...(['isnan', 'isinf', 'isfinite', 'logicalNot'] as const).flatMap(op => rows(op, [[c34, on(z => ops[op](ops.div(z, ops.where(ops.gt(extended.real(z), 0), 1, 0)))), 'complex']])),
  ...rows('where', [[[b([3, 4]), c([3, 4]), c([4])], (m, x, y) => asReal(ops.where(m, asComplex(x), asComplex(y))), 'complex']]),
  ...rows('lerp', [[two, on((z, w) => ops.lerp(z, w, complex(0.25, 0.5))), 'complex']]),
]

const parts: OpCase[] = [
  ...rows('complex', [[[f([3, 1]), f([4])], (x, y) => asReal(complex(x, y))], [[], () => asReal(complex(1, -2)), 'of numbers']]),
  ...rows('polar', [[[f([3, 1], 0.5, 2), f([4])], (r, phi) => asReal(extended.polar(r, phi))]]),
  ...rows('viewAsComplex', [[[f([3, 2])], x => asReal(asComplex(x).mul(complex(0, 1)))]]),
  ...rows('viewAsReal', [[c34, x => asReal(asComplex(x).t()).sin()]]),
  ...(['real', 'imag', 'conj', 'conjPhysical', 'resolveConj', 'adjoint', 'mH'] as const).flatMap(op => rows(op, [[c34, on(z => extended[op](z.mul(z)))]])),
]

const summed: OpCase[] = [
  ...(['sum', 'mean', 'prod'] as const).flatMap(op => rows(op, [[c34, on(z => ops[op](z, 1)), 'complex'], [c34, on(z => ops[op](z)), 'complex, all']])),
  ...(['cumsum', 'cumprod'] as const).flatMap(op => rows(op, [[c34, on(z => ops[op](z, 1)), 'complex']])),
  ...rows('matmul', [[[c([2, 3, 4]), c([4, 2])], on((z, w) => ops.matmul(z, w)), 'complex'], [[c([4]), c([4])], on((z, w) => ops.matmul(z, w)), 'complex vectors']]),
]

const { fft: f1, ifft, rfft, irfft, hfft, ihfft } = fft
/** Lengths of one product, of several, of a large prime with and without factors beside it. */
const lengths = [1, 2, 5, 16, 67, 70, 131, 134]
const transforms: OpCase[] = [
  ...([['fft', f1], ['ifft', ifft]] as const).flatMap(([op, fn]) => rows(`fft.${op}`, [
    ...lengths.map(n => [[c([2, n])], on(z => fn(z)), `complex ${n}`] as const),
    [[f([2, 6])], (x: Tensor) => asReal(fn(x)), 'real'],
    [[c([5, 2, 3])], on(z => fn(z, { n: 7, dim: 0, norm: 'ortho' })), 'longer, along the first'],
    [[c([2, 90])], on(z => fn(z, { n: 70, norm: 'forward' })), 'shorter'],
    [[c([2, 40])], on(z => fn(z, { n: 90 })), 'longer, in steps'],
    [[c([2, 40])], on(z => fn(z, { n: 137 })), 'longer, by a chirp'],
  ])),
  ...([['rfft', rfft], ['ihfft', ihfft]] as const).flatMap(([op, fn]) => rows(`fft.${op}`, [...lengths.map(n => [[f([2, n])], (x: Tensor) => asReal(fn(x)), String(n)] as const), [[f([5, 3])], (x: Tensor) => asReal(fn(x, 4, 0, 'ortho')), 'shorter']])),
  ...([['irfft', irfft], ['hfft', hfft]] as const).flatMap(([op, fn]) => rows(`fft.${op}`, [
    ...[2, 3, 9, 36, 68].map(n => [[c([2, n])], on(z => fn(z)), String(n)] as const),
    [[c([2, 4])], on(z => fn(z, { n: 7 })), 'odd'], [[c([2, 4])], on(z => fn(z, { n: 12, norm: 'forward' })), 'longer'], [[f([6])], (x: Tensor) => fn(x, 131), 'of real numbers, by a chirp'],
  ])),
  ...(['fftn', 'ifftn', 'fft2', 'ifft2', 'irfftn', 'irfft2', 'hfftn', 'hfft2'] as const).flatMap(op => rows(`fft.${op}`, [[[c([2, 3, 4])], on(z => fft[op](z))], [[c([2, 3, 4])], on(z => fft[op](z, [4, -1], [2, 0], 'ortho')), 'sizes, dims']])),
  ...(['rfftn', 'rfft2', 'ihfftn', 'ihfft2'] as const).flatMap(op => rows(`fft.${op}`, [[[f([2, 3, 4])], x => asReal(fft[op](x))], [[f([2, 3, 4])], x => asReal(fft[op](x, [4, 3], [2, 1])), 'sizes, dims']])),
  ...rows('fft.fftfreq', [[[], () => fft.fftfreq(7, 0.5)], [[], () => fft.fftfreq(8)]]),
  ...rows('fft.rfftfreq', [[[], () => fft.rfftfreq(7, 0.5)], [[], () => fft.rfftfreq(8)]]),
  ...(['fftshift', 'ifftshift'] as const).flatMap(op => rows(`fft.${op}`, [[[f([3, 4])], x => fft[op](x)], [[f([5, 2])], x => fft[op](x, 0)]])),
  ...rows('stft', [
    [[f([40])], x => extended.stft(x, 8)],
    [[f([2, 40]), f([6], 0.5, 1)], (x, w) => asReal(extended.stft(x, 8, { hopLength: 3, winLength: 6, window: w, center: false, normalized: true, returnComplex: true })), 'window, options'],
    [[c([2, 20])], on(z => extended.stft(z, 5, { padMode: 'constant' })), 'complex'],
  ]),
  ...rows('istft', [
    [[c([5, 6])], on(z => extended.istft(z, 8))],
    [[c([2, 5, 6]), f([8], 0.5, 1)], (x, w) => extended.istft(asComplex(x), { nFft: 8, hopLength: 3, window: w, length: 25, normalized: true }), 'window, length'],
    [[c([6, 5])], on(z => extended.istft(z, 6, { onesided: false, returnComplex: true })), 'complex'],
  ]),
]

export const complexCases: readonly OpCase[] = [...pointwise, ...parts, ...summed, ...transforms]
