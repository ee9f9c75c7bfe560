// Layers and initial values: distributions, dropout's statistics, attention against its definition, clipping.
import { beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { Generator, arange, compile, init, manualSeed, nn, ones, rand, randn, tensor, zeros, type Tensor } from '../../src/index.ts'

beforeAll(async () => {
  await init({ device: 'wasm' })
})
beforeEach(() => manualSeed(7))

async function moments(x: Tensor) {
  const v = [...(await x.data())]
  const mean = v.reduce((a, b) => a + b, 0) / v.length
  return { mean, std: Math.sqrt(v.reduce((a, b) => a + (b - mean) ** 2, 0) / v.length), min: Math.min(...v), max: Math.max(...v) }
}

describe('initial values', () => {
  const uniform = async (x: Tensor, bound: number) => {
    const m = await moments(x)
    expect(m.max).toBeLessThanOrEqual(bound)
    expect(m.min).toBeGreaterThanOrEqual(-bound)
    expect(m.max - m.min).toBeGreaterThan(1.9 * bound)
    expect(Math.abs(m.mean)).toBeLessThan(0.05 * bound)
    expect(m.std / (bound / Math.sqrt(3))).toBeCloseTo(1, 1)
  }

  test('linear and convolution layers: uniform in ±1/√fanIn', async () => {
    const linear = new nn.Linear(100, 400)
    await uniform(linear.weight, 0.1)
    await uniform(linear.bias!, 0.1)
    const conv = new nn.Conv2d(16, 64, 3, { groups: 2 })
    await uniform(conv.weight, 1 / Math.sqrt(8 * 9))
    const up = new nn.ConvTranspose2d(16, 32, 3)
    // PyTorch counts the fan of a transposed weight [in, out, …] by its second size.
    await uniform(up.weight, 1 / Math.sqrt(32 * 9))
  })

  test('embedding: standard normal, the padding row 0', async () => {
    const e = new nn.Embedding(200, 50, { paddingIdx: 3 })
    const m = await moments(e.weight)
    expect(m.std).toBeCloseTo(1, 1)
    expect([...(await e.weight.at(3).data())].every(v => v === 0)).toBe(true)
    e.forward(tensor([3, 3, 4], { dtype: 'int32' })).sum().backward()
    expect(await e.weight.grad!.sum(1).at('3:5').toArray()).toEqual([0, 50])
  })

  test('attention: xavier uniform over the stacked projections', async () => {
    const a = new nn.MultiheadAttention(32, 4)
    await uniform(a.inProjWeight!, Math.sqrt(6 / (32 + 96)))
    expect((await moments(a.inProjBias!)).max).toBe(0)
    expect((await moments(a.outProj.bias!)).max).toBe(0)
  })

  test('norm layers: ones and zeros', async () => {
    expect(await new nn.LayerNorm([2, 2]).weight!.toArray()).toEqual([[1, 1], [1, 1]])
    expect(await new nn.GroupNorm(1, 2).bias!.toArray()).toEqual([0, 0])
  })

  test('nn.init', async () => {
    const w = zeros([200, 50])
    await uniform(nn.init.xavierUniform_(w, 2), 2 * Math.sqrt(6 / 250))
    await uniform(nn.init.kaimingUniform_(w, { nonlinearity: 'relu' }), Math.sqrt(6 / 50))
    expect((await moments(nn.init.kaimingNormal_(w, { mode: 'fanOut', nonlinearity: 'relu' }))).std).toBeCloseTo(Math.sqrt(2 / 200), 2)
    expect((await moments(nn.init.xavierNormal_(w))).std).toBeCloseTo(Math.sqrt(2 / 250), 2)
    const m = await moments(nn.init.truncNormal_(w, 1, 2, 0, 3))
    expect(m.min).toBeGreaterThanOrEqual(0)
    expect(m.max).toBeLessThanOrEqual(3)
    // Mean of N(1, 2²) between 0 and 3: 1 + 2·(φ(−½) − φ(1))/(Φ(1) − Φ(−½)).
    expect(m.mean).toBeCloseTo(1 + (2 * (0.3520653 - 0.2419707)) / (0.8413447 - 0.3085375), 1)
    expect(await nn.init.constant_(w, 3).amax().item()).toBe(3)
    expect(() => nn.init.kaimingUniform_(zeros([3]))).toThrow(/a fan needs at least two dimensions, got f32\[3\]/)
    const [a, b] = [new Generator(5), new Generator(5)]
    expect(await nn.init.normal_(zeros([4]), 0, 1, { generator: a }).data()).toEqual(await nn.init.normal_(zeros([4]), 0, 1, { generator: b }).data())
  })

  test('one seed gives one model', async () => {
    const make = () => {
      manualSeed(11)
      return new nn.Linear(4, 4).weight.data()
    }
    expect(await make()).toEqual(await make())
  })
})

describe('dropout', () => {
  test('drops a share p, keeps the mean, passes gradients where it kept', async () => {
    const x = ones([20_000], { requiresGrad: true })
    const y = nn.functional.dropout(x, 0.3)
    const v = [...(await y.data())]
    const dropped = v.filter(a => a === 0).length / v.length
    // Within 4 standard deviations of a binomial share.
    expect(Math.abs(dropped - 0.3)).toBeLessThan(4 * Math.sqrt((0.3 * 0.7) / v.length))
    expect(v.every(a => a === 0 || Math.abs(a - 1 / 0.7) < 1e-6)).toBe(true)
    y.sum().backward()
    expect(await x.grad!.data()).toEqual(await y.data())
  })

  test('edges: p of 0 and 1, evaluation', async () => {
    const x = ones([8])
    expect(nn.functional.dropout(x, 0)).toBe(x)
    expect(nn.functional.dropout(x, 0.9, { training: false })).toBe(x)
    expect(await nn.functional.dropout(x, 1).sum().item()).toBe(0)
    expect(new nn.Dropout(0.5).eval().forward(x)).toBe(x)
  })

  test('a compiled step draws the numbers of an eager one, others in each call', async () => {
    const x = ones([32])
    const draw = () => nn.functional.dropout(x, 0.5)
    const run = async (step: () => Tensor) => {
      manualSeed(2)
      return [await step().data(), await step().data(), await rand(2).data()]
    }
    const eager = await run(draw)
    expect(await run(compile(draw))).toEqual(eager)
    expect(eager[1]).not.toEqual(eager[0])
  })

  test('channels fall together in dropout2d', async () => {
    const y = (await nn.functional.dropout2d(ones([4, 8, 3, 3])).toArray()) as number[][][][]
    expect(y.flat().every(channel => new Set(channel.flat()).size === 1)).toBe(true)
    expect(new Set(y.flat(3))).toEqual(new Set([0, 2]))
  })
})

describe('attention', () => {
  const split = (x: Tensor, heads: number) => x.reshape(x.shape[0], x.shape[1], heads, -1).transpose(1, 2)
  /** By the book, from the parameters of a module, batch first. */
  const byTheBook = (m: nn.MultiheadAttention, q: Tensor, k: Tensor, v: Tensor, mask?: Tensor) => {
    const [a, b, c] = [q, k, v].map((x, i) => split(x.matmul(m.inProjWeight!.narrow(0, i * m.embedDim, m.embedDim).t()).add(m.inProjBias!.narrow(0, i * m.embedDim, m.embedDim)), m.numHeads))
    const scores = a.matmul(c ? b.mT() : b).div(Math.sqrt(m.embedDim / m.numHeads))
    const weights = (mask ? scores.maskedFill(mask, -Infinity) : scores).softmax(-1)
    return { out: m.outProj.forward(weights.matmul(c).transpose(1, 2).reshape(q.shape)), weights }
  }
  const close = async (a: Tensor, b: Tensor) => {
    expect(a.shape).toEqual(b.shape)
    expect(await a.sub(b).abs().amax().item()).toBeLessThan(1e-5)
  }

  test('self and cross attention, both layouts', async () => {
    const m = new nn.MultiheadAttention(8, 2, { batchFirst: true })
    const [q, kv] = [randn([3, 4, 8]), randn([3, 5, 8])]
    const self = byTheBook(m, q, q, q)
    const [out, weights] = m.forward(q, q, q)
    await close(out, self.out)
    await close(weights!, self.weights.mean(1))
    const [cross, each] = m.forward(q, kv, kv, { averageAttnWeights: false })
    const expected = byTheBook(m, q, kv, kv)
    await close(cross, expected.out)
    await close(each!, expected.weights)
    const lengthFirst = new nn.MultiheadAttention(8, 2)
    await lengthFirst.loadStateDict(m.stateDict())
    const [turned] = lengthFirst.forward(q.transpose(0, 1), kv.transpose(0, 1), kv.transpose(0, 1))
    await close(turned.transpose(0, 1), expected.out)
  })

  test('masks: causal, boolean, added, padding; one sample without a batch', async () => {
    const m = new nn.MultiheadAttention(8, 2, { batchFirst: true })
    const x = randn([2, 4, 8])
    const future = arange(4).gt(arange(4).unsqueeze(1))
    const { out } = byTheBook(m, x, x, x, future)
    await close(m.forward(x, x, x, { isCausal: true })[0], out)
    await close(m.forward(x, x, x, { attnMask: future })[0], out)
    await close(m.forward(x, x, x, { attnMask: zeros([4, 4]).maskedFill(future, -Infinity) })[0], out)
    const padding = tensor([[false, false, true, true], [false, false, false, false]])
    const padded = byTheBook(m, x, x, x, padding.reshape(2, 1, 1, 4))
    await close(m.forward(x, x, x, { keyPaddingMask: padding })[0], padded.out)
    await close(m.forward(x, x, x, { keyPaddingMask: padding, isCausal: true })[0], byTheBook(m, x, x, x, padding.reshape(2, 1, 1, 4).logicalOr(future)).out)
    const one = x.at(0)
    const [y, w] = m.forward(one, one, one, { isCausal: true })
    await close(y, out.at(0))
    expect(w!.shape).toEqual([4, 4])
    expect(m.forward(x, x, x, { needWeights: false })[1]).toBeNull()
  })
})

describe('transformer encoder layer', () => {
  for (const normFirst of [false, true])
    test(normFirst ? 'norm first' : 'norm after', async () => {
      const layer = new nn.TransformerEncoderLayer(8, 2, { dimFeedforward: 16, activation: 'gelu', batchFirst: true, normFirst }).eval()
      const x = randn([2, 5, 8])
      const attend = (y: Tensor) => layer.selfAttn.forward(y, y, y, { isCausal: true })[0]
      const feed = (y: Tensor) => layer.linear2.forward(layer.linear1.forward(y).gelu())
      const [n1, n2] = [layer.norm1, layer.norm2].map(n => (y: Tensor) => n.forward(y))
      const h = normFirst ? x.add(attend(n1(x))) : n1(x.add(attend(x)))
      const want = normFirst ? h.add(feed(n2(h))) : n2(h.add(feed(h)))
      expect(await layer.forward(x, { isCausal: true }).sub(want).abs().amax().item()).toBeLessThan(1e-5)
    })

  test('names are PyTorch’s; dropout is at work in training', async () => {
    const layer = new nn.TransformerEncoderLayer(4, 2)
    expect(Object.keys(layer.stateDict())).toEqual([
      'self_attn.in_proj_weight', 'self_attn.in_proj_bias', 'self_attn.out_proj.weight', 'self_attn.out_proj.bias',
      'linear1.weight', 'linear1.bias', 'linear2.weight', 'linear2.bias', 'norm1.weight', 'norm1.bias', 'norm2.weight', 'norm2.bias',
    ])
    const x = randn([3, 1, 4])
    expect(await layer.forward(x).data()).not.toEqual(await layer.forward(x).data())
  })
})

describe('modules are their functions', () => {
  const F = nn.functional
  const x = () => randn([2, 4, 6, 6])
  const pairs: readonly (readonly [string, nn.Layer, (x: Tensor) => Tensor])[] = [
    ['ReLU', new nn.ReLU(), F.relu],
    ['LeakyReLU', new nn.LeakyReLU(0.2), x => F.leakyRelu(x, 0.2)],
    ['GELU', new nn.GELU(), x => F.gelu(x)],
    ['GELU tanh', new nn.GELU({ approximate: 'tanh' }), x => F.gelu(x, { approximate: 'tanh' })],
    ['SiLU', new nn.SiLU(), F.silu],
    ['ELU', new nn.ELU(0.5), x => F.elu(x, 0.5)],
    ['Tanh', new nn.Tanh(), F.tanh],
    ['Sigmoid', new nn.Sigmoid(), F.sigmoid],
    ['Softmax', new nn.Softmax(1), x => F.softmax(x, 1)],
    ['LogSoftmax', new nn.LogSoftmax(1), x => F.logSoftmax(x, 1)],
    ['MaxPool2d', new nn.MaxPool2d(3, { stride: 2, padding: 1 }), x => F.maxPool2d(x, 3, 2, 1)],
    ['AvgPool2d', new nn.AvgPool2d([2, 3]), x => F.avgPool2d(x, [2, 3])],
    ['AdaptiveAvgPool2d', new nn.AdaptiveAvgPool2d([null, 4]), x => F.adaptiveAvgPool2d(x, [6, 4])],
    ['Flatten', new nn.Flatten(), x => x.flatten(1)],
    ['Unflatten', new nn.Unflatten(1, [2, 2]), x => x.reshape(2, 2, 2, 6, 6)],
    ['Identity', new nn.Identity(), x => x],
  ]
  for (const [name, module, fn] of pairs)
    test(name, async () => {
      const input = x()
      const [got, want] = [module.forward(input), fn(input)]
      expect(got.shape).toEqual(want.shape)
      expect(await got.data()).toEqual(await want.data())
    })
})

describe('clipping', () => {
  const withGrads = (...values: number[][]) =>
    values.map(v => {
      const p = new nn.Parameter(zeros([v.length]))
      p.grad = tensor(v)
      return p
    })

  test('by norm: one factor for all, no change below the limit', async () => {
    const params = withGrads([3, 0], [0, 4])
    expect(await nn.utils.clipGradNorm_(params, 1).item()).toBeCloseTo(5, 5)
    expect([...(await params[1].grad!.data())].map(v => Number(v.toFixed(5)))).toEqual([0, 0.8])
    expect(await nn.utils.clipGradNorm_(params, 10).item()).toBeCloseTo(1, 5)
    expect((await params[0].grad!.data())[0]).toBeCloseTo(0.6, 5)
  })

  test('by other norms; without gradients', async () => {
    expect(await nn.utils.clipGradNorm_(withGrads([3, -1], [4]), 1, { normType: 1 }).item()).toBeCloseTo(8, 5)
    expect(await nn.utils.clipGradNorm_(withGrads([3, -9], [4]), 1, { normType: Infinity }).item()).toBe(9)
    expect(await nn.utils.clipGradNorm_([new nn.Parameter(zeros([2]))], 1).item()).toBe(0)
  })

  test('by value', async () => {
    const [p] = withGrads([-3, 0.5, 2])
    nn.utils.clipGradValue_([p], 1)
    expect(await p.grad!.toArray()).toEqual([-1, 0.5, 1])
  })
})
