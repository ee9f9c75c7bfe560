// Random tensors from a counter-based generator (Threefry-2x32, Salmon et al. 2011): the state is a tensor of two words, the seed and
// the number of draws made, so one seed gives the same bits on every device, and a traced step carries its state along.
import { isComplex, kindRank, needDType, type DType } from '../core/dtype.ts'
import { fail } from '../core/errors.ts'
import { needKnown } from '../core/options.ts'
import { broadcastShapes, type Shape } from '../core/shape.ts'
import { expandView, selectView } from '../core/view.ts'
import { program, S, type Program, type Scalar } from '../ir/scalar.ts'
import { cast } from './cast.ts'
import { place, sizes, type CreationOptions } from './creation.ts'
import { apply1, describe, type Described, type Operand } from './define.ts'
import { label } from './labels.ts'
import { addOp, assign, copy_, fill_ } from './inplace.ts'
import { reshape } from './movement.ts'
import type { Op } from './op.ts'
import { add, div, log, lt, mul, neg } from './pointwise.ts'
import { argmax } from './reduce.ts'
import { argsort, topk } from './sort.ts'
import type { Tensor } from './tensor.ts'
import { lasting, world } from './world.ts'

interface DrawParams {
  readonly shape: Shape
  readonly params: readonly number[]
}

/** The ops that draw random numbers. */
export const drawOps: Set<unknown> = new Set()

/** An op whose elements are a function of fresh random words: `draw(n)` is the n-th word of this element. */
function drawOp(name: string, dtype: DType, words: number, params: readonly DType[], value: (draw: (n: number) => Scalar, params: Scalar[]) => Scalar): Op<DrawParams> {
  const key = [S.input(0, 'int32'), S.input(1, 'int32')]
  const draw = (n: number): Scalar => S.randomBits(key[0], key[1], S.add(S.mul(S.index(), words), n))
  const p: Program = program([value(draw, params.map((t, i) => S.param(i, t)))], ['int32', 'int32'], params)
  const op: Op<DrawParams> = {
    name,
    infer: (_, { shape }) => [{ dtype, shape }],
    lower(k, [state], { shape, params: values }) {
      const out = k.alloc(dtype, shape)
      const word = (i: number) => ({ view: expandView(selectView(state.view, 0, i), shape), slot: state.slot })
      k.run({ kind: 'map', program: p, params: values }, [word(0), word(1)], [out])
      return [out]
    },
    saves: 'nothing',
  }
  drawOps.add(op)
  return op
}

/** The upper 24 bits as a float32 in [0, 1). */
const unit = (bits: Scalar): Scalar => S.mul(S.cast(S.shru(bits, 8), 'float32'), 2 ** -24)

const bitsOp = drawOp('randomBits', 'int32', 1, [], draw => draw(0))
export const uniformOp = drawOp('rand', 'float32', 1, ['float32', 'float32'], (draw, [low, span]) => S.add(low, S.mul(unit(draw(0)), span)))
// Box & Muller 1958: √(−2 log u)·cos 2πv, with u in (0, 1].
const normalOp = drawOp('randn', 'float32', 2, [], draw => S.mul(S.sqrt(S.mul(-2, S.log(S.sub(1, unit(draw(0)))))), S.cos(S.mul(2 * Math.PI, unit(draw(1))))))
export const integerOp = drawOp('randint', 'int32', 1, ['int32', 'int32'], (draw, [low, span]) => S.add(low, S.mod(S.shru(draw(0), 1), span)))

/** A stream of random numbers. The default one of each device is seeded by `manualSeed`. As `torch.Generator`. */
export class Generator {
  /** int32 [2]: the seed and how many draws were made. Save and restore it to repeat a stream. */
  readonly state: Tensor

  constructor(seed = 0, device?: string) {
    this.state = lasting(() => world().create(Int32Array.of(seed | 0, 0), 'int32', [2], device))
    label(this.state, 'generator')
  }

  /** Restarts the stream. */
  manualSeed(seed: number): this {
    fill_(this.state.select(0, 0), seed | 0)
    fill_(this.state.select(0, 1), 0)
    return this
  }

  /** Runs a drawing op on fresh words. */
  draw(op: Op<DrawParams>, shape: Shape, params: readonly number[]): Tensor {
    const out = apply1(op, [this.state], { shape, params })
    assign(addOp, this.state.select(0, 1), 1)
    return out
  }
}

let seed = 0
const defaults = new WeakMap<object, Generator>()
let known: WeakRef<Generator>[] = []

/**
 * The generator of the current device that random functions use unless they are given another.
 * @example defaultGenerator().state.shape // → [ 2 ]
 */
export function defaultGenerator(): Generator {
  const device = world().currentDevice()
  let g = defaults.get(device)
  if (!g) {
    defaults.set(device, (g = new Generator(seed)))
    known.push(new WeakRef(g))
  }
  return g
}

/**
 * Restarts all default generators from a seed. As `torch.manual_seed`.
 * @example manualSeed(1)
 */
export function manualSeed(value: number): void {
  if (!Number.isInteger(value)) fail('manualSeed', `the seed ${value} is not a whole number`, 'give an integer')
  seed = value
  // Generators of closed devices are dropped; those of open ones restart.
  known = known.filter(ref => {
    const g = ref.deref()
    if (!g?.state.alive) return false
    g.manualSeed(value)
    return true
  })
}

/** Numbers are drawn, not differentiated: a parameter's history ends here. */
const still = (v: Operand): Operand => (typeof v === 'object' ? v.detach() : v)

export interface RandomOptions extends CreationOptions {
  generator?: Generator
}
export function drawn(op: Op<DrawParams>, shape: Shape, params: readonly number[], o: RandomOptions): Tensor {
  needKnown(op.name, o, ['dtype', 'device', 'requiresGrad', 'generator'])
  return place(o, () => converted(op, (o.generator ?? defaultGenerator()).draw(op, shape, params), o))
}

function converted(op: Op<DrawParams>, x: Tensor, o: RandomOptions): Tensor {
  if (o.device !== undefined && x.device !== o.device && x.device !== 'symbolic') fail(op.name, `the generator is on ${x.device}, numbers on ${o.device} were asked for`, `make it there: new Generator(seed, '${o.device}')`)
  if (o.dtype === undefined) return x
  needDType(op.name, o.dtype)
  if (isComplex(o.dtype)) fail(op.name, 'complex numbers are not drawn as such', `draw both parts: complex(${op.name}(…), ${op.name}(…))`)
  if (kindRank(o.dtype) < kindRank(x.dtype)) fail(op.name, `numbers of dtype ${o.dtype} were asked for, they are ${x.dtype}`, `convert them: .to('${o.dtype}')`)
  return cast(x, o.dtype)
}

/** `rand(2, 3)`, `rand([2, 3])` and `rand([2, 3], {generator})` mean the same. */
export type DrawFactory = ((...size: (number | readonly number[] | RandomOptions)[]) => Tensor) & Described
const factory = (name: string, op: Op<DrawParams>, params: readonly number[]): DrawFactory => describe((...size: (number | readonly number[] | RandomOptions)[]) => {
  const { shape, options } = sizes(name, size, ['generator'])
  return drawn(op, shape, params, options)
}, name, ['size'])

/**
 * Uniform numbers in [0, 1), multiples of 2⁻²⁴. As `torch.rand`.
 * @example rand(2, 3).shape // → [ 2, 3 ]
 */
export const rand: DrawFactory = factory('rand', uniformOp, [0, 1])
/**
 * Numbers of the standard normal distribution. As `torch.randn`.
 * @example randn([2, 3]).shape // → [ 2, 3 ]
 */
export const randn: DrawFactory = factory('randn', normalOp, [])

/**
 * Whole numbers low … high−1, int32; `randint(high, size)` counts from 0. As `torch.randint`.
 * @example randint(0, 10, [4]).dtype // → int32
 */
export const randint: RandomIntegers = describe((...args: [number, number | Shape, (Shape | RandomOptions)?, RandomOptions?]) => {
  const [low, high, size, options = {}] = (typeof args[1] === 'number' ? args : [0, ...args]) as [number, number, Shape, RandomOptions?]
  if (!(high > low)) fail('randint', `high ${high} is not above low ${low}`, 'randint(low, high, shape) draws low … high − 1')
  return drawn(integerOp, size, [low, high - low], options)
}, 'randint', ['low', 'high', 'size'])

export interface RandomIntegers extends Described {
  (low: number, high: number, size: Shape, options?: RandomOptions): Tensor
  (high: number, size: Shape, options?: RandomOptions): Tensor
}

/**
 * A random order of 0 … n−1, int32. As `torch.randperm`.
 * @example randperm(5).shape // → [ 5 ]
 */
export const randperm: ((n: number, options?: RandomOptions) => Tensor) & Described = describe((n: number, options: RandomOptions = {}) => argsort(drawn(bitsOp, [n], [], options)), 'randperm', ['n'])

/**
 * Uniform numbers of x's shape. As `torch.rand_like`.
 * @example randLike(ones(2, 3)).shape // → [ 2, 3 ]
 */
export const randLike: ((x: Tensor, options?: RandomOptions) => Tensor) & Described = describe((x: Tensor, options: RandomOptions = {}) => drawn(uniformOp, x.shape, [0, 1], options), 'randLike', ['input'])
/**
 * Standard normal numbers of x's shape. As `torch.randn_like`.
 * @example randnLike(ones(2, 3)).shape // → [ 2, 3 ]
 */
export const randnLike: ((x: Tensor, options?: RandomOptions) => Tensor) & Described = describe((x: Tensor, options: RandomOptions = {}) => drawn(normalOp, x.shape, [], options), 'randnLike', ['input'])
/**
 * Normal numbers with given mean and standard deviation, each a number or a tensor; `size` where both are numbers. As `torch.normal`.
 * @example normal(0, 1, [2, 3]).shape // → [ 2, 3 ]
 */
export const normal: ((mean: Operand, std: Operand, size?: Shape, options?: RandomOptions) => Tensor) & Described = describe((mean: Operand, std: Operand, size?: Shape, options: RandomOptions = {}) => {
  const shape = size ?? broadcastShapes('normal', [mean, std].map(v => (typeof v === 'object' ? v.shape : [])))
  return add(mul(drawn(normalOp, shape, [], options), still(std)), still(mean))
}, 'normal', ['mean', 'std', 'size', '*', 'generator'])
/**
 * 1 with probability x (or p, for all elements), else 0, in x's dtype. As `torch.bernoulli`.
 * @example bernoulli(full([3], 1)) // → tensor([1., 1., 1.])
 */
export const bernoulli: ((x: Tensor, p?: number | RandomOptions, options?: RandomOptions) => Tensor) & Described = describe((x: Tensor, p?: number | RandomOptions, options?: RandomOptions) => {
  const chance = typeof p === 'number' ? p : x.detach()
  return lt(drawn(uniformOp, x.shape, [0, 1], options ?? (typeof p === 'object' ? p : {})), chance).to(x.dtype)
}, 'bernoulli', ['input', 'p', '*', 'generator'])

/**
 * Positions drawn in proportion to the weights of each row, int32 [..., numSamples]. As `torch.multinomial`.
 * The winner of independent exponential clocks of those rates has that distribution.
 * @example multinomial(tensor([0, 1, 0]), 2, { replacement: true }) // → tensor([1, 1])
 */
export const multinomial: ((x: Tensor, numSamples: number, options?: RandomOptions & { replacement?: boolean }) => Tensor) & Described = describe((x: Tensor, numSamples: number, options: RandomOptions & { replacement?: boolean } = {}) => {
  const n = x.shape.at(-1) ?? 0
  if (x.ndim < 1 || x.ndim > 2 || n === 0) fail('multinomial', `expected a row or rows of weights, got ${x}`, '[categories] or [rows, categories]')
  if (!options.replacement && numSamples > n) fail('multinomial', `${numSamples} samples from ${n} categories without replacement`, 'pass {replacement: true}')
  const weights = x.detach()
  const clocks = (shape: Shape) => neg(log(drawn(uniformOp, shape, [1, -1], { generator: options.generator })))
  if (!options.replacement) return topk(div(weights, clocks(x.shape)), numSamples).indices
  const rows = x.shape.slice(0, -1)
  const races = div(reshape(weights, [...rows, 1, n]), clocks([...rows, numSamples, n]))
  return argmax(races, -1)
}, 'multinomial', ['input', 'numSamples', '*', 'replacement'])

/** Fills x with uniform numbers from … to, in place. As `torch.Tensor.uniform_`. */
export const uniform_: ((x: Tensor, from?: number, to?: number, options?: RandomOptions) => Tensor) & Described = describe((x: Tensor, from = 0, to = 1, o: RandomOptions = {}) => copy_(x, drawn(uniformOp, x.shape, [from, to - from], o)), 'uniform_', ['input', 'from', 'to'])
/** Fills x with normal numbers, in place. As `torch.Tensor.normal_`. */
export const normal_: ((x: Tensor, mean?: number, std?: number, options?: RandomOptions) => Tensor) & Described = describe((x: Tensor, mean = 0, std = 1, o: RandomOptions = {}) => copy_(x, drawn(normalOp, x.shape, [], o).mul(std).add(mean)), 'normal_', ['input', 'mean', 'std'])
