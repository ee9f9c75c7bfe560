// The op families beyond the core that the small script-tag file carries. Importing this module gives Tensor their methods too;
// their types are in methods.ts.
import * as aliases from './aliases.ts'
import { attach, methodsIn } from './attach.ts'
import * as arranging from './arranging.ts'
import * as calculus from './calculus.ts'
import * as complex from './complex.ts'
import * as conversions from './conversions.ts'
import * as distance from './distance.ts'
import * as distributions from './distributions.ts'
import * as extremes from './extremes.ts'
import * as histogram from './histogram.ts'
import { inplaceForms } from './inplace.ts'
import * as info from './info.ts'
import * as joining from './joining.ts'
import * as algebra from './linalg/top.ts'
import * as more from './pointwise-more.ts'
import * as making from './making.ts'
import * as scatter from './scatter.ts'
import * as searching from './searching.ts'
import * as sets from './sets.ts'
import { i0 } from './special-bessel.ts'
import { erfc } from './special-error.ts'
import { digamma, lgamma, mvlgamma, polygammaOf } from './special-gamma.ts'
import { igamma, igammac } from './special-incomplete.ts'
import * as statistics from './statistics.ts'
import * as shortTime from './stft.ts'

export { inspect, print, setPrintoptions, type PrintOptions, type Statistics } from './print.ts'
export {
  H, T, asStrided, constantPadNd, diag, diagEmbed, diagflat, expandAs, fliplr, flipud, moveaxis, narrowCopy, ravel, reshapeAs, rot90, sumToSize, swapaxes,
  swapdims, unravelIndex, viewAs,
} from './arranging.ts'
export { cumulativeTrapezoid, gradient, trapezoid, trapz, type GradientOptions, type TrapezoidOptions } from './calculus.ts'
export { adjoint, complex, conj, conjPhysical, imag, isComplex, mH, polar, real, resolveConj, viewAsComplex, viewAsReal } from './complex.ts'
export { cdist, dist, renorm, type CdistOptions } from './distance.ts'
export { poisson, randintLike } from './distributions.ts'
export { forkRng, getRngState, initialSeed, setRngState } from './rng-state.ts'
export { aminmax, cummax, cummin, kthvalue, mode, msort } from './extremes.ts'
export * as fft from './fft.ts'
export { bincount, bincountAsync, histc, histogram, histogramdd, type BincountOptions, type HistcOptions, type HistogramOptions, type HistogramddOptions } from './histogram.ts'
export * from './linalg/top.ts'
export * as linalg from './linalg/index.ts'
export * from './info.ts'
export * from './joining.ts'
export * from './making.ts'
export * from './scatter.ts'
export * from './searching.ts'
export { unique, uniqueAsync, uniqueConsecutive, uniqueConsecutiveAsync, type ConsecutiveOptions, type UniqueOptions } from './sets.ts'
export { corrcoef, cov, nanmean, nanmedian, nanquantile, nansum, quantile, stdMean, trace, varMean, type CovOptions, type QuantileOptions } from './statistics.ts'
export { istft, stft, type IstftOptions, type StftOptions } from './stft.ts'
export * from './aliases.ts'
export * from './pointwise-more.ts'
export { i0 } from './special-bessel.ts'
export { erfc } from './special-error.ts'
export { digamma, lgamma, mvlgamma, polygamma } from './special-gamma.ts'
export { igamma, igammac } from './special-incomplete.ts'
export * as special from './special.ts'

/** The special functions that are methods too; of polygamma the order comes first. */
const special = { digamma, erfc, i0, igamma, igammac, lgamma, mvlgamma, polygamma: polygammaOf }
const families: readonly object[] = [aliases, more, special, algebra, arranging, calculus, complex, distance, distributions, extremes, histogram, info, joining, making, scatter, searching, sets, shortTime, statistics]
const entries = families.flatMap(methodsIn)
attach([...entries, ...inplaceForms(entries), ...methodsIn(conversions)])
