// Random streams: expressions that draw anew in each call of a function. The state of a stream, a seed and a count, is an input of the
// function that updates itself; one seed gives the same numbers on every device.
import { Generator, multinomial, normal, bernoulli, rand, randint, randn, randperm } from '../ops/random.ts'
import { poisson } from '../ops/distributions.ts'
import { argsort, erfinv, full, gather, indexSelect, ones, type Tensor } from '../ops/index.ts'
import { call, Call, listen, type AnyFunction } from './expression.ts'
import { fail } from '../core/errors.ts'

type Size = readonly (number | Tensor)[]

export class RandomStreams {
  private made = 0
  private readonly generators: Generator[] = []

  constructor(private seedOf = 0) {
    listen()
  }

  /** Restarts all variables made so far, and those to come, from a seed. */
  seed(seed: number): this {
    this.seedOf = seed
    this.generators.forEach((g, i) => g.manualSeed(this.mixed(i)))
    return this
  }

  /** Frees the states now, 8 bytes a variable, which the collector would do later; functions that draw cannot be called afterwards. */
  dispose(): void {
    for (const g of this.generators) g.state.dispose()
  }

  /** A seed of its own for each variable: a Weyl sequence over 32 bits. */
  private mixed(i: number): number {
    return (this.seedOf + Math.imul(i, 0x9e3779b9)) | 0
  }

  private draw(op: string, fn: (generator: Generator, ...args: never[]) => Tensor, args: readonly unknown[]): Tensor {
    const generator = new Generator(this.mixed(this.made++))
    this.generators.push(generator)
    return call(op, ((...values: never[]) => fn(generator, ...values)) as unknown as AnyFunction, args, { generator, example: null })
  }

  /** Uniform numbers between low and high. */
  uniform(size: Size = [], { low = 0, high = 1 }: { low?: number; high?: number } = {}): Tensor {
    return this.draw('uniform', (generator, s: number[]) => rand(s, { generator }).mul(high - low).add(low), [size])
  }

  /** Normal numbers. */
  normal(size: Size = [], { mean = 0, std = 1 }: { mean?: number; std?: number } = {}): Tensor {
    return this.draw('normal', (generator, s: number[]) => randn(s, { generator }).mul(std).add(mean), [size])
  }

  /** Normal numbers around a tensor of means. */
  normalAround(mean: Tensor, std: Tensor | number = 1): Tensor {
    return this.draw('normal', (generator, m: Tensor, s: Tensor | number) => normal(m, s, undefined, { generator }), [mean, std])
  }

  /** Whole numbers low … high, both included, as Theano's `random_integers`. */
  integers(size: Size, low: number, high: number): Tensor {
    return this.draw('integers', (generator, s: number[]) => randint(low, high + 1, s, { generator }), [size])
  }

  /** 1 with probability p, else 0; p may be a tensor of probabilities, which then gives the size. */
  bernoulli(size: Size | null, p: number | Tensor = 0.5): Tensor {
    if (size === null && typeof p === 'number') fail('bernoulli', 'neither a size nor a tensor of probabilities is given')
    if (size === null) return this.draw('bernoulli', (generator, chances: Tensor) => bernoulli(chances, { generator }), [p])
    return this.draw('bernoulli', (generator, s: number[], chance: number | Tensor) => rand(s, { generator }).lt(chance).to('float32'), [size, p])
  }

  /** How often something with probability p comes in n tries. */
  binomial(size: Size, n: number, p: number): Tensor {
    return this.draw('binomial', (generator, s: number[]) => rand([...s, n], { generator }).lt(p).sum(-1), [size])
  }

  /** Counts of what comes at these rates. */
  poisson(rates: Tensor): Tensor {
    return this.draw('poisson', (generator, r: Tensor) => poisson(r, { generator }), [rates])
  }

  /** Normal numbers no further than `bound` standard deviations from the mean, by the inverse of the distribution. */
  truncatedNormal(size: Size, { mean = 0, std = 1, bound = 2 }: { mean?: number; std?: number; bound?: number } = {}): Tensor {
    return this.draw('truncatedNormal', (generator, s: number[]) => {
      const u = rand(s, { generator }).mul(2).sub(1)
      const edge = full([], bound / Math.SQRT2).erf()
      return erfinv(u.mul(edge)).mul(Math.SQRT2 * std).add(mean).clamp(mean - bound * std, mean + bound * std)
    }, [size])
  }

  /** Entries of 0 … n−1 (or of a vector), with or without replacement, all as likely or in proportion to the weights `p`. */
  choice(size: number, from: number | Tensor, { replacement = true, p = null }: { replacement?: boolean; p?: Tensor | null } = {}): Tensor {
    return this.draw('choice', (generator, a: number | Tensor, weights: Tensor | null) => {
      const n = typeof a === 'number' ? a : a.shape[0]
      if (!replacement && size > n) fail('choice', `${size} of ${n} without replacement`, 'draw at most as many as there are')
      const places = multinomial(weights ?? ones(n), size, { replacement, generator })
      return typeof a === 'number' ? places : indexSelect(a, 0, places)
    }, [from, p])
  }

  /** The elements of each row in a random order of its own. */
  shuffleRows(x: Tensor): Tensor {
    return this.draw('shuffleRows', (generator, v: Tensor) => gather(v, -1, argsort(rand(v.shape, { generator }), -1)), [x])
  }

  /** A random order of 0 … n−1. */
  permutation(n: number | Tensor): Tensor {
    return this.draw('permutation', (generator, count: number) => randperm(count, { generator }), [n])
  }

  /** Positions drawn in proportion to the weights of each row. */
  multinomial(weights: Tensor, samples = 1, replacement = false): Tensor {
    return this.draw('multinomial', (generator, w: Tensor) => multinomial(w, samples, { replacement, generator }), [weights])
  }
}

/** The generator behind a random variable: its `state` can be kept and put back. */
export function generatorOf(x: Tensor): Generator {
  return (x instanceof Call && x.options.generator) || fail('generatorOf', `${x} is not a variable of a random stream`)
}

/** Streams of random variables from a seed. As Theano's `RandomStreams`. */
export const randomStreams = (seed = 0): RandomStreams => new RandomStreams(seed)
