// Which functions are methods of Tensor. Types and run-time methods come from the same tables.
import type * as activation from './activation.ts'
import type * as aliases from './aliases.ts'
import type * as arranging from './arranging.ts'
import type * as calculus from './calculus.ts'
import type * as complex from './complex.ts'
import type * as conv from './conv.ts'
import type * as conversions from './conversions.ts'
import type * as creation from './creation.ts'
import type * as distance from './distance.ts'
import type * as distributions from './distributions.ts'
import type * as extremes from './extremes.ts'
import type * as histogram from './histogram.ts'
import type * as cumulate from './cumulate.ts'
import type * as gather from './gather.ts'
import type * as indexing from './indexing.ts'
import type * as inplace from './inplace.ts'
import type * as algebra from './linalg/top.ts'
import type * as info from './info.ts'
import type * as joining from './joining.ts'
import type * as making from './making.ts'
import type * as matmul from './matmul.ts'
import type * as movement from './movement.ts'
import type * as pointwise from './pointwise.ts'
import type * as more from './pointwise-more.ts'
import type * as pool from './pool.ts'
import type { Statistics } from './print.ts'
import type * as random from './random.ts'
import type * as norms from './norm.ts'
import type * as reduce from './reduce.ts'
import type * as scatter from './scatter.ts'
import type * as searching from './searching.ts'
import type * as selecting from './selecting.ts'
import type * as sets from './sets.ts'
import type * as softmaxes from './softmax.ts'
import type * as sort from './sort.ts'
import type { i0 } from './special-bessel.ts'
import type { erfc } from './special-error.ts'
import type { digamma, lgamma, mvlgamma, polygammaOf } from './special-gamma.ts'
import type { igamma, igammac } from './special-incomplete.ts'
import type * as statistics from './statistics.ts'
import type * as shortTime from './stft.ts'

/** A function of a tensor, as a method of it. */
type MethodOf<F> = F extends (x: infer _, ...rest: infer R) => infer T ? (...rest: R) => T : never
export type MethodsOf<Table> = { [K in keyof Table]: MethodOf<Table[K]> }

type Renamed = 'var_' | 'cast' | 'onesLike' | 'root' | 'zerosLike' | 'clampBoth' | 'geluErf' | 'geluTanh' | 'limit' | 'logOdds' | 'logOnePlusExp'
type Creation = Pick<typeof creation, 'fullLike' | 'zerosLike' | 'onesLike' | 'emptyLike' | 'tril' | 'triu'>
type Random = Pick<typeof random, 'randLike' | 'randnLike' | 'bernoulli' | 'multinomial' | 'uniform_' | 'normal_'>
type Movement = Omit<typeof movement, 'cat' | 'stack' | 'broadcastTensors' | 'narrow' | 'fresh' | 'flipView' | `${string}Op`>
type Reduce = Pick<typeof reduce, 'all' | 'amax' | 'amin' | 'any' | 'argmax' | 'argmin' | 'countNonzero' | 'logsumexp' | 'mean' | 'prod' | 'std' | 'sum'> & Pick<typeof norms, 'norm'> & typeof softmaxes
type Gather = Pick<typeof gather, 'gather' | 'scatterAdd' | 'indexSelect' | 'indexAdd'>
type Arranging = Omit<typeof arranging, 'withPart' | 'unravelIndex'> & Pick<typeof joining, 'splitWithSizes' | 'tensorSplit' | 'hsplit' | 'vsplit' | 'dsplit' | 'combinations'>
type Info = Omit<typeof info, 'size' | 'stride'>
type Selecting = Pick<typeof searching, 'bucketize'> & typeof scatter & Pick<typeof making, 'newZeros' | 'newOnes' | 'newEmpty' | 'newFull' | 'newTensor' | 'fill'> & Omit<typeof selecting, 'needMask' | 'nonzero' | 'nonzeroAsync'>
type Inplace = Pick<typeof inplace, 'copy_' | 'fill_' | 'fillDiagonal_' | 'zero_'>
type Sort = Pick<typeof sort, 'sort' | 'argsort' | 'topk' | 'diff'> & Pick<typeof cumulate, 'cumsum' | 'cumprod' | 'logcumsumexp'>
type Statistical = Omit<typeof statistics, 'nanmedian'> & typeof extremes & Pick<typeof distance, 'dist' | 'renorm'> & typeof histogram & Pick<typeof calculus, 'gradient'> & Pick<typeof sets, 'uniqueAsync' | 'uniqueConsecutiveAsync'>
type Complex = Omit<typeof complex, 'complex' | 'polar'>
type Conv = Omit<typeof conv, 'convOp'>
type Product = Omit<typeof matmul, `${string}Op` | 'blend'> & Omit<typeof algebra, 'chainMatmul' | 'einsum' | 'luUnpack' | 'vander' | 'pcaLowrank' | 'svdLowrank'>
interface Special {
  digamma: typeof digamma
  erfc: typeof erfc
  i0: typeof i0
  igamma: typeof igamma
  igammac: typeof igammac
  lgamma: typeof lgamma
  mvlgamma: typeof mvlgamma
  polygamma: typeof polygammaOf
}
type InplaceOf<Table> = { [K in keyof Table & inplace.InplaceName as `${K}_`]: MethodOf<Table[K]> }
type InplaceForms = InplaceOf<typeof pointwise & typeof activation & typeof creation & typeof movement & typeof gather & typeof indexing & typeof selecting & typeof matmul & typeof cumulate & typeof more & typeof aliases & Special & typeof complex & typeof arranging & typeof scatter & typeof algebra & typeof distance>

interface SizesMethod {
  (): number[]
  (dim: number): number
}

export interface Methods
  extends MethodsOf<Omit<typeof pointwise, Renamed>>,
    MethodsOf<Movement>, MethodsOf<Reduce>, MethodsOf<Gather>, MethodsOf<Selecting>, MethodsOf<Info>, MethodsOf<Arranging>, MethodsOf<Product>, MethodsOf<Conv>, MethodsOf<typeof pool>,
    MethodsOf<typeof indexing>, MethodsOf<Inplace>, MethodsOf<Sort>, MethodsOf<Statistical>, MethodsOf<Complex>, MethodsOf<typeof shortTime>, MethodsOf<Creation>, MethodsOf<Random>, MethodsOf<typeof distributions>, MethodsOf<typeof activation>, MethodsOf<typeof conversions>, MethodsOf<typeof more & typeof aliases & Special>, InplaceForms {
  /** Range, mean, spread and oddities of the values: `console.log(String(await x.inspect()))`. */
  inspect(): Promise<Statistics>
  /** Variance over dimensions, with `correction` 1 by default. As `torch.var`. */
  var: MethodOf<typeof reduce.var_>
  /** Largest value: of all elements, along a dimension with its position, or elementwise. As `torch.max`. */
  max: reduce.ExtremeMethod
  /** Smallest value: of all elements, along a dimension with its position, or elementwise. As `torch.min`. */
  min: reduce.ExtremeMethod
  /** The sizes of all dimensions, or of one. As `torch.Tensor.size`. */
  size: SizesMethod
  /** Steps in memory from one position of each dimension (or of one) to the next. As `torch.Tensor.stride`. */
  stride: SizesMethod
  /** Coordinates of the elements that are not 0. As `torch.nonzero`. */
  nonzero: selecting.NonzeroMethod
  /** As `nonzero`, on every device. */
  nonzeroAsync: selecting.NonzeroAsyncMethod
  /** Middle value (the lower of two): of all elements, or along a dimension with its position. As `torch.median`. */
  median: reduce.ChosenMethod
  /** `median` of what is not NaN. As `torch.nanmedian`. */
  nanmedian: reduce.ChosenMethod
  /** The distinct values in ascending order; with options where and how often each occurs. As `torch.unique`. */
  unique: sets.UniqueMethod
  /** The first of each run of equal values; with options where and how long each is. As `torch.unique_consecutive`. */
  uniqueConsecutive: sets.ConsecutiveMethod
}
