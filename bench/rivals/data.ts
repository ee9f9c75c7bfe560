// The same weights and data for every contender: random numbers from a small generator with a fixed seed. `torch_rows.py` has the same.
export interface Values {
  readonly shape: readonly number[]
  /** Made anew each time it is asked for, so that a page pays for what it uses. */
  readonly data: Float32Array<ArrayBuffer>
}

/** Uniform in [0, 1): mulberry32, whose state is a plain count. */
function uniform(seed: number): () => number {
  let a = seed
  return () => {
    a = (a + 0x6d2b79f5) | 0
    let t = Math.imul(a ^ (a >>> 15), 1 | a)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
}

const size = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1)

/** Uniform with mean 0 and the standard deviation `scale`. */
export const random = (seed: number, shape: readonly number[], scale = 1): Values => ({
  shape,
  get data() {
    const next = uniform(seed)
    const width = scale * Math.sqrt(12)
    const data = new Float32Array(size(shape))
    for (let i = 0; i < data.length; i++) data[i] = width * (next() - 0.5)
    return data
  },
})

export function integers(seed: number, length: number, below: number): Int32Array<ArrayBuffer> {
  const next = uniform(seed)
  return Int32Array.from({ length }, () => Math.floor(next() * below))
}

const filled = (shape: readonly number[], value: number): Values => ({ shape, data: new Float32Array(size(shape)).fill(value) })

/** Weights by name, dense ones as [in, out], filters as [out, in, height, width]. */
export type Weights = Readonly<Record<string, Values>>

/** Of layers given as name → shape: weights are random with variance 1/fan-in, vectors named `…g` are ones, other vectors zeros. */
function weights(shapes: Readonly<Record<string, readonly number[]>>): Weights {
  return Object.fromEntries(
    Object.entries(shapes).map(([name, shape], i) => {
      if (shape.length === 1) return [name, filled(shape, name.endsWith('g') ? 1 : 0)]
      const fanIn = shape.length === 4 ? size(shape.slice(1)) : shape[0]
      return [name, random(i + 1, shape, name.startsWith('embed') ? 0.02 : 1 / Math.sqrt(fanIn))]
    }),
  )
}

export const mlp = {
  batch: 128,
  classes: 10,
  weights: weights({ w1: [784, 512], b1: [512], w2: [512, 256], b2: [256], w3: [256, 10], b3: [10] }),
  x: random(101, [128, 784]),
  y: integers(102, 128, 10),
} as const

/** A model so small that its step costs calls rather than arithmetic. */
export const small = {
  weights: weights({ w1: [8, 16], b1: [16], w2: [16, 1], b2: [1] }),
  x: random(109, [16, 8]),
  y: random(110, [16, 1]),
} as const

export const cnn = {
  batch: 64,
  classes: 10,
  weights: weights({ w1: [32, 1, 3, 3], b1: [32], w2: [64, 32, 3, 3], b2: [64], w3: [3136, 128], b3: [128], w4: [128, 10], b4: [10] }),
  x: random(103, [64, 1, 28, 28]),
  y: integers(104, 64, 10),
} as const

const layers = 4
export const gpt = {
  batch: 16,
  context: 64,
  vocabulary: 65,
  width: 128,
  heads: 4,
  layers,
  decay: 0.01,
  weights: weights({
    embedTokens: [65, 128],
    embedPlaces: [64, 128],
    ...Object.fromEntries(
      Array.from({ length: layers }, (_, i) =>
        Object.entries({ '1g': [128], '1b': [128], 'qkv': [128, 384], 'qkvb': [384], 'out': [128, 128], 'outb': [128], '2g': [128], '2b': [128], 'up': [128, 512], 'upb': [512], 'down': [512, 128], 'downb': [128] })
          .map(([name, shape]): [string, number[]] => [`${i}.${name}`, shape])).flat(),
    ),
    g: [128],
    b: [128],
    head: [128, 65],
    headb: [65],
  }),
  x: integers(105, 16 * 64, 65),
  y: integers(106, 16 * 64, 65),
} as const

export const lstm = {
  batch: 64,
  steps: 32,
  width: 128,
  classes: 10,
  /** Gates in the order input, forget, cell, output. */
  weights: weights({ wx: [128, 512], wh: [128, 512], b: [512], head: [128, 10], headb: [10] }),
  x: random(107, [64, 32, 128]),
  y: integers(108, 64, 10),
} as const

export const learningRate = 1e-3

/** Sizes of the products, square unless said. */
export const products: Readonly<Record<string, readonly [m: number, k: number, n: number]>> = {
  ...Object.fromEntries([64, 128, 256, 512, 1024].map(n => [`matmul ${n}`, [n, n, n] as const])),
  'matmul 128×784×512': [128, 784, 512],
  'vector·matrix 1024': [1, 1024, 1024],
}
