// Every class of nn: that it does what its function does, what it prints, what its checkpoints hold, and that none is forgotten here.
import { beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { defaultGenerator, init, manualSeed, nn, ones, pad, randn, tensor, zeros, type Tensor } from '../../src/index.ts'

const F = nn.functional

beforeAll(async () => {
  expect((await init({ device: 'wasm' })).name).toBe('wasm')
})
beforeEach(() => manualSeed(7))

const ints = (values: number[], ...shape: number[]): Tensor => tensor(Int32Array.from(values), { shape: shape.length ? shape : [values.length] })

interface Row {
  /** Made in the test, when a device is open. */
  readonly make: () => { forward(...x: never[]): unknown }
  readonly inputs: () => unknown[]
  /** The same by functions, from the module and its inputs. */
  readonly want: (m: never, ...x: never[]) => unknown
  readonly prints: string
  readonly state?: readonly string[]
}
const row = <M extends { forward(...x: never[]): unknown }, I extends [unknown, ...unknown[]]>(make: () => M, inputs: () => I, want: (m: M, ...x: I) => unknown, prints: string, state: readonly string[] = []): Row =>
  ({ make, inputs, want: want as unknown as Row['want'], prints, state })

const image = (): [Tensor] => [randn(2, 4, 6, 6)]
const line = (): [Tensor] => [randn(2, 4, 7)]
const volume = (): [Tensor] => [randn(1, 2, 4, 3, 4)]
const two = (): [Tensor, Tensor] => [randn(3, 4), randn(3, 4)]
const trained = ['weight', 'bias']

const rows: Record<string, Row> = {
  Conv1d: row(() => new nn.Conv1d(4, 6, 3, { padding: 2, paddingMode: 'circular' }), line, (m, x) => F.conv1d(pad(x, [2, 2], { mode: 'circular' }), m.weight, m.bias), '4, 6, 3, padding=2, paddingMode=circular', trained),
  Conv2d: row(() => new nn.Conv2d(4, 2, [3, 2], { padding: 'same', paddingMode: 'reflect', bias: false }), image, (m, x) => F.conv2d(pad(x, [0, 1, 1, 1], { mode: 'reflect' }), m.weight), '4, 2, [3,2], padding=same, bias=false, paddingMode=reflect', ['weight']),
  Conv3d: row(() => new nn.Conv3d(2, 3, 2, { padding: 1, paddingMode: 'replicate', stride: 2 }), volume, (m, x) => F.conv3d(pad(x, [1, 1, 1, 1, 1, 1], { mode: 'replicate' }), m.weight, m.bias, { stride: 2 }), '2, 3, 2, stride=2, padding=1, paddingMode=replicate', trained),
  ConvTranspose1d: row(() => new nn.ConvTranspose1d(4, 6, 3, { stride: 2, outputPadding: 1 }), line, (m, x) => F.convTranspose1d(x, m.weight, m.bias, { stride: 2, outputPadding: 1 }), '4, 6, 3, stride=2, outputPadding=1', trained),
  ConvTranspose2d: row(() => new nn.ConvTranspose2d(4, 6, 3, { stride: 2, groups: 2 }), image, (m, x) => F.convTranspose2d(x, m.weight, m.bias, { stride: 2, groups: 2 }), '4, 6, 3, stride=2, groups=2', trained),
  ConvTranspose3d: row(() => new nn.ConvTranspose3d(2, 3, 2), volume, (m, x) => F.convTranspose3d(x, m.weight, m.bias), '2, 3, 2', trained),
  Bilinear: row(() => new nn.Bilinear(4, 4, 5), two, (m, x, y) => F.bilinear(x, y, m.weight, m.bias), '4, 4, 5', trained),
  MaxPool1d: row(() => new nn.MaxPool1d(3), line, (_, x) => F.maxPool1d(x, 3), '3'),
  MaxPool2d: row(() => new nn.MaxPool2d(2, { stride: 1, returnIndices: true }), image, (_, x) => F.maxPool2d(x, 2, { stride: 1, returnIndices: true }), '2, stride=1'),
  MaxPool3d: row(() => new nn.MaxPool3d([2, 1, 2]), volume, (_, x) => F.maxPool3d(x, [2, 1, 2]), '[2,1,2]'),
  AvgPool1d: row(() => new nn.AvgPool1d(3, { padding: 1 }), line, (_, x) => F.avgPool1d(x, 3, { padding: 1 }), '3'),
  AvgPool2d: row(() => new nn.AvgPool2d(2, { divisorOverride: 3 }), image, (_, x) => F.avgPool2d(x, 2, { divisorOverride: 3 }), '2'),
  AvgPool3d: row(() => new nn.AvgPool3d(2, { ceilMode: true }), volume, (_, x) => F.avgPool3d(x, 2, { ceilMode: true }), '2'),
  AdaptiveAvgPool1d: row(() => new nn.AdaptiveAvgPool1d(3), line, (_, x) => F.adaptiveAvgPool1d(x, 3), '3'),
  AdaptiveAvgPool3d: row(() => new nn.AdaptiveAvgPool3d([2, null, 3]), volume, (_, x) => F.adaptiveAvgPool3d(x, [2, 3, 3]), '[2,null,3]'),
  AdaptiveMaxPool1d: row(() => new nn.AdaptiveMaxPool1d(3), line, (_, x) => F.adaptiveMaxPool1d(x, 3), '3'),
  AdaptiveMaxPool2d: row(() => new nn.AdaptiveMaxPool2d([2, null], { returnIndices: true }), image, (_, x) => F.adaptiveMaxPool2d(x, [2, 6], { returnIndices: true }), '[2,null]'),
  AdaptiveMaxPool3d: row(() => new nn.AdaptiveMaxPool3d(2), volume, (_, x) => F.adaptiveMaxPool3d(x, 2), '2'),
  MaxUnpool1d: row(() => new nn.MaxUnpool1d(2), () => F.maxPool1d(randn(2, 4, 7), 2, { returnIndices: true }), (_, x, at) => F.maxUnpool1d(x, at, 2), '2'),
  MaxUnpool2d: row(() => new nn.MaxUnpool2d(2), () => [...F.maxPool2d(randn(1, 2, 5, 5), 2, { returnIndices: true }), [5, 5]] as [Tensor, Tensor, number[]], (_, x, at, size) => F.maxUnpool2d(x, at, 2, { outputSize: size }), '2'),
  MaxUnpool3d: row(() => new nn.MaxUnpool3d(2), () => F.maxPool3d(randn(1, 2, 4, 4, 4), 2, { returnIndices: true }), (_, x, at) => F.maxUnpool3d(x, at, 2), '2'),
  LPPool1d: row(() => new nn.LPPool1d(2, 3), line, (_, x) => F.lpPool1d(x, 2, 3), '2, 3'),
  LPPool2d: row(() => new nn.LPPool2d(2, 2, { stride: 1 }), image, (_, x) => F.lpPool2d(x, 2, 2, 1), '2, 2'),
  LPPool3d: row(() => new nn.LPPool3d(2, 2), volume, (_, x) => F.lpPool3d(x, 2, 2), '2, 2'),
  ZeroPad1d: row(() => new nn.ZeroPad1d([1, 2]), line, (_, x) => pad(x, [1, 2]), '[1, 2]'),
  ZeroPad2d: row(() => new nn.ZeroPad2d(1), image, (_, x) => pad(x, [1, 1, 1, 1]), '[1, 1, 1, 1]'),
  ZeroPad3d: row(() => new nn.ZeroPad3d(1), volume, (_, x) => pad(x, [1, 1, 1, 1, 1, 1]), '[1, 1, 1, 1, 1, 1]'),
  ConstantPad1d: row(() => new nn.ConstantPad1d(1, 5), line, (_, x) => pad(x, [1, 1], { value: 5 }), '[1, 1], value=5'),
  ConstantPad2d: row(() => new nn.ConstantPad2d([1, 0, 2, 0], -1), image, (_, x) => pad(x, [1, 0, 2, 0], { value: -1 }), '[1, 0, 2, 0], value=-1'),
  ConstantPad3d: row(() => new nn.ConstantPad3d(1, 2), volume, (_, x) => pad(x, [1, 1, 1, 1, 1, 1], { value: 2 }), '[1, 1, 1, 1, 1, 1], value=2'),
  ...Object.fromEntries(
    ([['Reflection', 'reflect'], ['Replication', 'replicate'], ['Circular', 'circular']] as const).flatMap(([name, mode]) =>
      ([[1, line], [2, image], [3, volume]] as const).map(([n, x]) => {
        const sides = new Array<number>(2 * n).fill(2)
        return [`${name}Pad${n}d`, row(() => new nn[`${name}Pad${n}d`](2), x, (_, y) => pad(y, sides, { mode }), `[${sides.join(', ')}]`)]
      }),
    ),
  ),
  BatchNorm3d: row(() => new nn.BatchNorm3d(2), volume, (_, x) => F.batchNorm(x, null, null, { training: true }), '2', ['weight', 'bias', 'running_mean', 'running_var', 'num_batches_tracked']),
  InstanceNorm1d: row(() => new nn.InstanceNorm1d(4), line, (_, x) => F.instanceNorm(x), '4'),
  InstanceNorm2d: row(() => new nn.InstanceNorm2d(4, { affine: true }), image, (m, x) => F.instanceNorm(x, { weight: m.weight, bias: m.bias }), '4, affine=true', trained),
  InstanceNorm3d: row(() => new nn.InstanceNorm3d(2, { trackRunningStats: true }), volume, (_, x) => F.instanceNorm(x), '2, trackRunningStats=true', ['running_mean', 'running_var', 'num_batches_tracked']),
  LocalResponseNorm: row(() => new nn.LocalResponseNorm(3, { alpha: 0.5 }), image, (_, x) => F.localResponseNorm(x, 3, { alpha: 0.5 }), '3, alpha=0.5, beta=0.75, k=1'),
  PixelShuffle: row(() => new nn.PixelShuffle(2), image, (_, x) => F.pixelShuffle(x, 2), 'upscaleFactor=2'),
  PixelUnshuffle: row(() => new nn.PixelUnshuffle(2), image, (_, x) => F.pixelUnshuffle(x, 2), 'downscaleFactor=2'),
  ChannelShuffle: row(() => new nn.ChannelShuffle(2), image, (_, x) => F.channelShuffle(x, 2), 'groups=2'),
  Upsample: row(() => new nn.Upsample({ size: [7, 8], mode: 'bicubic' }), image, (_, x) => F.interpolate(x, { size: [7, 8], mode: 'bicubic' }), "size=7,8, mode='bicubic'"),
  UpsamplingNearest2d: row(() => new nn.UpsamplingNearest2d({ scaleFactor: 2 }), image, (_, x) => F.interpolate(x, { scaleFactor: 2 }), "scaleFactor=2, mode='nearest'"),
  UpsamplingBilinear2d: row(() => new nn.UpsamplingBilinear2d({ size: 9 }), image, (_, x) => F.interpolate(x, { size: 9, mode: 'bilinear', alignCorners: true }), "size=9, mode='bilinear'"),
  Unfold: row(() => new nn.Unfold(3, { padding: 1 }), image, (_, x) => F.unfold(x, 3, { padding: 1 }), '3'),
  Fold: row(() => new nn.Fold([4, 5], 2), () => [randn(2, 12, 12)], (_, x) => F.fold(x, [4, 5], 2), '[4,5], 2'),
  Embedding: row(() => new nn.Embedding(5, 3, { paddingIdx: 1 }), () => [ints([1, 4, 0])], (m, at) => F.embedding(at, m.weight), '5, 3, paddingIdx=1', ['weight']),
  EmbeddingBag: row(() => new nn.EmbeddingBag(5, 3, { mode: 'max' }), () => [ints([1, 4, 0, 2]), ints([0, 3])], (m, at, from) => F.embeddingBag(at, m.weight, from, { mode: 'max' }), "5, 3, mode='max'", ['weight']),
  CosineSimilarity: row(() => new nn.CosineSimilarity(0), two, (_, x, y) => F.cosineSimilarity(x, y, { dim: 0 }), 'dim=0'),
  PairwiseDistance: row(() => new nn.PairwiseDistance(1), two, (_, x, y) => F.pairwiseDistance(x, y, 1), 'p=1'),
  ReLU6: row(() => new nn.ReLU6(), image, (_, x) => F.relu6(x), ''),
  SELU: row(() => new nn.SELU(), image, (_, x) => F.selu(x), ''),
  Mish: row(() => new nn.Mish(), image, (_, x) => F.mish(x), ''),
  Hardsigmoid: row(() => new nn.Hardsigmoid(), image, (_, x) => F.hardsigmoid(x), ''),
  Hardswish: row(() => new nn.Hardswish(), image, (_, x) => F.hardswish(x), ''),
  LogSigmoid: row(() => new nn.LogSigmoid(), image, (_, x) => F.logsigmoid(x), ''),
  Softsign: row(() => new nn.Softsign(), image, (_, x) => F.softsign(x), ''),
  Softplus: row(() => new nn.Softplus(2), image, (_, x) => F.softplus(x, 2), 'beta=2, threshold=20'),
  Tanhshrink: row(() => new nn.Tanhshrink(), image, (_, x) => F.tanhshrink(x), ''),
  CELU: row(() => new nn.CELU(0.5), image, (_, x) => F.celu(x, 0.5), '0.5'),
  GLU: row(() => new nn.GLU(1), image, (_, x) => F.glu(x, 1), 'dim=1'),
  Hardshrink: row(() => new nn.Hardshrink(0.3), image, (_, x) => F.hardshrink(x, 0.3), '0.3'),
  Softshrink: row(() => new nn.Softshrink(0.3), image, (_, x) => F.softshrink(x, 0.3), '0.3'),
  Hardtanh: row(() => new nn.Hardtanh(-0.5, 2), image, (_, x) => F.hardtanh(x, -0.5, 2), '-0.5, 2'),
  Threshold: row(() => new nn.Threshold(0.1, 7), image, (_, x) => F.threshold(x, 0.1, 7), '0.1, 7'),
  PReLU: row(() => new nn.PReLU(4, { init: 0.1 }), image, (_, x) => F.leakyRelu(x, 0.1), '4', ['weight']),
  RReLU: row(() => new nn.RReLU(0.1, 0.3).eval(), image, (_, x) => F.leakyRelu(x, 0.2), '0.1, 0.3'),
  Softmin: row(() => new nn.Softmin(1), image, (_, x) => F.softmin(x, 1), 'dim=1'),
  Softmax2d: row(() => new nn.Softmax2d(), image, (_, x) => F.softmax(x, 1), ''),
  CrossEntropyLoss: row(() => new nn.CrossEntropyLoss({ weight: tensor([1, 2, 3, 4]) }), () => [randn(3, 4), ints([0, 3, 1])], (_, x, t) => F.crossEntropy(x, t, { weight: tensor([1, 2, 3, 4]) }), '', ['weight']),
  GaussianNLLLoss: row(() => new nn.GaussianNLLLoss({ full: true }), () => [...two(), ones(3, 4)], (_, x, t, v) => F.gaussianNllLoss(x, t, v, { full: true }), ''),
  PoissonNLLLoss: row(() => new nn.PoissonNLLLoss(), two, (_, x, t) => F.poissonNllLoss(x, t), ''),
  CTCLoss: row(() => new nn.CTCLoss({ blank: 3 }), () => [randn(5, 1, 4).logSoftmax(2), ints([1, 2], 1, 2), [5], [2]] as [Tensor, Tensor, number[], number[]], (_, x, t, n, k) => F.ctcLoss(x, t, n, k, { blank: 3 }), ''),
  HingeEmbeddingLoss: row(() => new nn.HingeEmbeddingLoss({ margin: 2 }), () => [randn(3), tensor([1, -1, 1])], (_, x, t) => F.hingeEmbeddingLoss(x, t, { margin: 2 }), ''),
  SoftMarginLoss: row(() => new nn.SoftMarginLoss(), two, (_, x, t) => F.softMarginLoss(x, t), ''),
  MarginRankingLoss: row(() => new nn.MarginRankingLoss({ margin: 0.5 }), () => [...two(), ones(3, 4)], (_, x, y, t) => F.marginRankingLoss(x, y, t, { margin: 0.5 }), ''),
  CosineEmbeddingLoss: row(() => new nn.CosineEmbeddingLoss(), () => [...two(), tensor([1, -1, 1])], (_, x, y, t) => F.cosineEmbeddingLoss(x, y, t), ''),
  MultiLabelMarginLoss: row(() => new nn.MultiLabelMarginLoss(), () => [randn(1, 4), ints([2, 0, -1, 1], 1, 4)], (_, x, t) => F.multilabelMarginLoss(x, t), ''),
  MultiMarginLoss: row(() => new nn.MultiMarginLoss({ p: 2 }), () => [randn(3, 4), ints([0, 3, 1])], (_, x, t) => F.multiMarginLoss(x, t, { p: 2 }), ''),
  MultiLabelSoftMarginLoss: row(() => new nn.MultiLabelSoftMarginLoss(), () => [randn(3, 4), ones(3, 4)], (_, x, t) => F.multilabelSoftMarginLoss(x, t), ''),
  TripletMarginLoss: row(() => new nn.TripletMarginLoss({ swap: true }), () => [...two(), randn(3, 4)], (_, x, y, z) => F.tripletMarginLoss(x, y, z, { swap: true }), ''),
  TripletMarginWithDistanceLoss: row(() => new nn.TripletMarginWithDistanceLoss({ margin: 2 }), () => [...two(), randn(3, 4)], (_, x, y, z) => F.tripletMarginWithDistanceLoss(x, y, z, { margin: 2 }), ''),
}

const listed = (y: unknown): Tensor[] => (Array.isArray(y) ? (y as Tensor[]) : [y as Tensor])

describe('modules are their functions', () => {
  test.each(Object.entries(rows))('%s', async (name, { make, inputs, want, prints, state }) => {
    const module = make() as nn.Module & { forward(...x: unknown[]): unknown }
    const x = inputs()
    const [got, expected] = [listed(module.forward(...x)), listed(want(module as never, ...(x as never[])))]
    expect(got.map(y => y.shape)).toEqual(expected.map(y => y.shape))
    for (const [i, y] of got.entries()) expect(await y.data()).toEqual(await expected[i].data())
    expect(String(module).startsWith(`${name}(${prints})`)).toBe(true)
    expect(Object.keys(module.stateDict())).toEqual(state)
  })
})

test('every class is tested, here or in the other files', () => {
  const elsewhere = new Set(
    `Module Parameter Sequential ModuleList ModuleDict ParameterList ParameterDict Linear Identity Flatten Unflatten Dropout Dropout1d Dropout2d Dropout3d
    AlphaDropout FeatureAlphaDropout MultiheadAttention TransformerEncoderLayer BatchNorm1d BatchNorm2d LayerNorm RMSNorm GroupNorm AdaptiveAvgPool2d
    ReLU SiLU Tanh Sigmoid LeakyReLU ELU GELU Softmax LogSoftmax NLLLoss MSELoss L1Loss SmoothL1Loss HuberLoss BCELoss BCEWithLogitsLoss KLDivLoss
    RNN LSTM GRU RNNCell LSTMCell GRUCell Transformer TransformerEncoder TransformerDecoder TransformerDecoderLayer
    LazyLinear LazyConv1d LazyConv2d LazyConv3d LazyConvTranspose1d LazyConvTranspose2d LazyConvTranspose3d LazyBatchNorm1d LazyBatchNorm2d LazyBatchNorm3d
    LazyInstanceNorm1d LazyInstanceNorm2d LazyInstanceNorm3d`.split(/\s+/),
  )
  const classes = Object.entries(nn).filter(([name, value]) => typeof value === 'function' && /^[A-Z]/.test(name)).map(([name]) => name)
  expect(classes.filter(name => !(name in rows) && !elsewhere.has(name))).toEqual([])
})

describe('dropout layers drop in training alone', () => {
  test.each(['Dropout', 'Dropout1d', 'Dropout2d', 'Dropout3d', 'AlphaDropout', 'FeatureAlphaDropout'] as const)('%s', async name => {
    const module = new nn[name](0.4)
    const x = ones(10, 10, 2, 2, 2)
    expect(await module.forward(x).sub(1).abs().sum().item()).toBeGreaterThan(0)
    expect(module.eval().forward(x)).toBe(x)
    expect(String(module)).toBe(`${name}(p=0.4)`)
  })
})

describe('dictionaries and lists', () => {
  test('ModuleDict: keys are names in checkpoints, as they are', () => {
    class Net extends nn.Module {
      readonly heads = new nn.ModuleDict({ headA: new nn.Linear(2, 1), other: new nn.Linear(2, 3, { bias: false }) })
      readonly scales = new nn.ParameterDict({ gainX: ones(2) })
      readonly steps = new nn.ParameterList([zeros(1), zeros(2)])
      override forward(x: Tensor): Tensor {
        return this.heads.get('headA').forward(x)
      }
    }
    const net = new Net()
    expect(Object.keys(net.stateDict())).toEqual(['heads.headA.weight', 'heads.headA.bias', 'heads.other.weight', 'scales.gainX', 'steps.0', 'steps.1'])
    expect([...net.namedParameters()].map(([name]) => name)).toEqual(Object.keys(net.stateDict()))
    expect(net.parameters()).toHaveLength(6)
    expect(net.heads.keys()).toEqual(['headA', 'other'])
    expect(net.forward(ones(1, 2)).shape).toEqual([1, 1])
  })

  test('modules, parameters and buffers by their paths', () => {
    const net = new nn.Sequential(new nn.Linear(2, 3), new nn.ModuleDict({ norm: new nn.BatchNorm1d(3) }) as unknown as nn.Layer)
    expect(net.getSubmodule('')).toBe(net)
    expect(String(net.getSubmodule('1.norm'))).toContain('BatchNorm1d(3)')
    expect(net.getParameter('0.weight').shape).toEqual([3, 2])
    expect(net.getBuffer('1.norm.running_mean').shape).toEqual([3])
    expect(() => net.getParameter('0.weigth')).toThrow(/did you mean '0.weight'/)
    expect(() => net.getSubmodule('somewhere.else')).toThrow(/there is no module/)
  })

  test('what is not there, and what cannot be a key', () => {
    const dict = new nn.ModuleDict({ a: new nn.ReLU() })
    expect(() => dict.get('b')).toThrow(/there is no 'b'/)
    expect(() => dict.set('a.b', new nn.ReLU())).toThrow(/cannot be a key/)
    expect(() => new nn.ModuleDict({ a: ((x: Tensor) => x) as unknown as nn.Layer })).toThrow(/not a module/)
    expect(dict.delete('a')).toBe(true)
    expect(dict.length).toBe(0)
  })
})

describe('initial values', () => {
  test('orthogonal_: rows or columns at right angles', async () => {
    for (const shape of [[3, 5], [5, 3], [4, 2, 2]]) {
      const w = nn.init.orthogonal_(zeros(shape), 2)
      const m = w.reshape(shape[0], -1)
      const product = shape[0] < m.shape[1] ? m.matmul(m.t()) : m.t().matmul(m)
      const n = product.shape[0]
      expect(await product.sub(nn.init.eye_(zeros(n, n)).mul(4)).abs().amax().item()).toBeLessThan(1e-5)
    }
  })

  test('dirac_: a convolution passes its channels on', async () => {
    const conv = new nn.Conv2d(4, 4, 3, { padding: 1, groups: 2, bias: false })
    nn.init.dirac_(conv.weight, 2)
    const [x] = image()
    expect(await conv.forward(x).data()).toEqual(await x.data())
  })

  test('sparse_: so many zeros in each column', async () => {
    const w = nn.init.sparse_(zeros(10, 6), 0.3, 1)
    expect([...(await w.eq(0).to('int32').sum(0).data())]).toEqual([3, 3, 3, 3, 3, 3])
    expect(await w.std().item()).toBeGreaterThan(0.4)
  })
})

test('parameters as a vector and back', async () => {
  const model = new nn.Sequential(new nn.Linear(2, 3), new nn.PReLU())
  const vector = nn.utils.parametersToVector(model.parameters())
  expect(vector.shape).toEqual([10])
  nn.utils.vectorToParameters(vector.detach().mul(0).add(2), model.parameters())
  expect(await nn.utils.getTotalNorm(model.parameters()).item()).toBeCloseTo(Math.sqrt(40), 4)
  expect(() => nn.utils.vectorToParameters(zeros(9), model.parameters())).toThrow(/10 values/)
})

test('skipInit: no numbers are drawn, also not for layers inside; afterwards they are again', async () => {
  class Net extends nn.Module {
    readonly body = new nn.Sequential(new nn.Linear(3, 4), new nn.Linear(4, 2))
    readonly square = nn.init.orthogonal_(new nn.Parameter(zeros(2, 2)))
    constructor(readonly scale: number) {
      super()
      if (scale < 0) throw new Error('too small')
    }
    override forward = (x: Tensor): Tensor => this.body.forward(x).mul(this.scale)
  }
  const { state } = defaultGenerator()
  const before = await state.toArray()
  const net = nn.utils.skipInit(Net, 3)
  expect(await state.toArray()).toEqual(before)
  expect(net.scale).toBe(3)
  expect(() => nn.utils.skipInit(Net, -1)).toThrow(/too small/)
  expect(Object.keys(net.stateDict())).toEqual(Object.keys(new Net(3).stateDict()))
  expect(await state.toArray()).not.toEqual(before)
  expect(await new nn.Linear(100, 10).weight.std().item()).toBeGreaterThan(0.01)
})

test('a pretrained table is frozen unless it is asked not to be', () => {
  expect(nn.Embedding.fromPretrained(zeros(3, 2)).weight.requiresGrad).toBe(false)
  expect(nn.Embedding.fromPretrained(zeros(3, 2), { freeze: false }).weight.requiresGrad).toBe(true)
})

test('outputSize of a transposed convolution chooses among the sizes of a stride', () => {
  const up = new nn.ConvTranspose2d(4, 2, 3, { stride: 2 })
  const [x] = image()
  expect(up.forward(x, [14, 13]).shape).toEqual([2, 2, 14, 13])
  expect(() => up.forward(x, [15, 13])).toThrow(/outputSize/)
})

test('running statistics of an instance norm are the mean over the batch', async () => {
  const norm = new nn.InstanceNorm1d(4, { trackRunningStats: true, momentum: 1 })
  const [x] = line()
  norm.forward(x)
  expect(await norm.runningMean!.sub(x.mean([0, 2])).abs().amax().item()).toBeLessThan(1e-6)
  expect(await norm.runningVar!.sub(x.var(2).mean(0)).abs().amax().item()).toBeLessThan(1e-5)
  norm.eval()
  expect(await norm.forward(x).sub(F.instanceNorm(x, norm.runningMean, norm.runningVar, { useInputStats: false })).abs().amax().item()).toBe(0)
})
