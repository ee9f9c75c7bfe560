// Stacks of transformer layers: what they are made of, that copies begin alike, and that masks mean what they say.
import { beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { cat, init, manualSeed, nn, ones, randn, tensor, zeros, type Tensor } from '../../src/index.ts'

beforeAll(async () => {
  expect((await init({ device: 'wasm' })).name).toBe('wasm')
})
beforeEach(() => manualSeed(11))

const options = { dimFeedforward: 12, batchFirst: true, dropout: 0 } as const
const worst = (a: Tensor, b: Tensor): Promise<number> => a.sub(b).abs().amax().item()

describe('stacks', () => {
  test('an encoder is its layers in a row; copies start with the same weights and are trained apart', async () => {
    const layer = new nn.TransformerEncoderLayer(8, 2, options)
    const encoder = new nn.TransformerEncoder(layer, 3, new nn.LayerNorm(8))
    expect(encoder.parameters()).toHaveLength(3 * 12 + 2)
    expect(Object.keys(encoder.stateDict())).toContain('layers.1.self_attn.in_proj_weight')
    expect(await worst(encoder.layers.at(2).linear1.weight, layer.linear1.weight)).toBe(0)
    const x = randn(2, 5, 8)
    const y = layer.forward(layer.forward(layer.forward(x)))
    expect(await worst(encoder.forward(x), encoder.norm!.forward(y))).toBeLessThan(1e-6)
    encoder.layers.at(1).linear1.weight.detach().zero_()
    expect(await layer.linear1.weight.abs().sum().item()).toBeGreaterThan(0)
  })

  test('a decoder attends to itself, then to the memory', async () => {
    const layer = new nn.TransformerDecoderLayer(8, 2, { ...options, normFirst: true, activation: 'gelu' })
    const [x, memory] = [randn(2, 5, 8), randn(2, 7, 8)]
    const a = x.add(layer.selfAttn.forward(layer.norm1.forward(x), layer.norm1.forward(x), layer.norm1.forward(x))[0])
    const b = a.add(layer.multiheadAttn.forward(layer.norm2.forward(a), memory, memory)[0])
    const y = b.add(layer.linear2.forward(nn.functional.gelu(layer.linear1.forward(layer.norm3.forward(b)))))
    expect(await worst(layer.forward(x, memory), y)).toBeLessThan(1e-6)
    const decoder = new nn.TransformerDecoder(layer, 2)
    expect(await worst(decoder.forward(x, memory), layer.forward(y, memory))).toBeLessThan(1e-6)
    expect(Object.keys(layer.stateDict())).toContain('multihead_attn.in_proj_weight')
  })
})

describe('masks', () => {
  const model = (): nn.Transformer => new nn.Transformer({ dModel: 8, nhead: 2, numEncoderLayers: 2, numDecoderLayers: 2, ...options }).eval()

  test('with tgtIsCausal, or the mask of it, later targets change nothing before them', async () => {
    const m = model()
    const [src, tgt] = [randn(1, 4, 8), randn(1, 5, 8)]
    const y = m.forward(src, tgt, { tgtIsCausal: true })
    expect(await worst(m.forward(src, tgt, { tgtMask: nn.Transformer.generateSquareSubsequentMask(5) }), y)).toBeLessThan(1e-6)
    const other = tgt.clone()
    other.narrow(1, 3, 2).copy_(randn(1, 2, 8))
    const z = m.forward(src, other, { tgtIsCausal: true })
    expect(await worst(z.narrow(1, 0, 3), y.narrow(1, 0, 3))).toBeLessThan(1e-6)
    expect(await worst(z.narrow(1, 3, 2), y.narrow(1, 3, 2))).toBeGreaterThan(1e-3)
  })

  test('padding of the source does not count', async () => {
    const m = model()
    const [src, tgt] = [randn(1, 4, 8), randn(1, 2, 8)]
    const padding = tensor([[false, false, false, true]])
    const y = m.forward(src, tgt, { srcKeyPaddingMask: padding, memoryKeyPaddingMask: padding })
    const other = src.clone()
    other.select(1, 3).copy_(ones(1, 8))
    expect(await worst(m.forward(other, tgt, { srcKeyPaddingMask: padding, memoryKeyPaddingMask: padding }), y)).toBeLessThan(1e-6)
    expect(await worst(m.forward(src.narrow(1, 0, 3), tgt), y)).toBeLessThan(1e-5)
  })

  test('all weights are drawn, and the sizes of PyTorch are the default', () => {
    expect(new nn.Transformer({ numEncoderLayers: 1, numDecoderLayers: 1 }).parameters().reduce((n, p) => n + p.numel, 0)).toBe(7358464)
  })
})

describe('attention', () => {
  /** Heads of [N, L, E]. */
  const split = (x: Tensor, heads: number): Tensor => x.reshape(x.shape[0], x.shape[1], heads, -1).transpose(1, 2)

  test('keys and values of other widths have weights of their own', async () => {
    const m = new nn.MultiheadAttention(8, 2, { kdim: 5, vdim: 3, batchFirst: true })
    expect(Object.keys(m.stateDict())).toEqual(['q_proj_weight', 'k_proj_weight', 'v_proj_weight', 'in_proj_bias', 'out_proj.weight', 'out_proj.bias'])
    const [q, k, v] = [randn(2, 4, 8), randn(2, 6, 5), randn(2, 6, 3)]
    const parts = [q.matmul(m.qProjWeight!.t()), k.matmul(m.kProjWeight!.t()), v.matmul(m.vProjWeight!.t())].map(x => split(x, 2))
    const want = nn.functional.scaledDotProductAttention(parts[0], parts[1], parts[2]).transpose(1, 2).reshape(2, 4, 8)
    expect(await worst(m.forward(q, k, v)[0], m.outProj.forward(want))).toBeLessThan(1e-6)
    expect(String(m)).toMatch(/^MultiheadAttention\(8, 2, batchFirst=true, kdim=5, vdim=3/)
  })

  test('a key of zeros and a trained one stand behind the others, and masks leave them alone', async () => {
    const m = new nn.MultiheadAttention(8, 2, { addBiasKv: true, addZeroAttn: true, batchFirst: true })
    const x = randn(2, 3, 8)
    const [y, weights] = m.forward(x, x, x, { isCausal: true, keyPaddingMask: tensor([[false, false, true], [true, true, true]]), averageAttnWeights: false })
    expect(weights!.shape).toEqual([2, 2, 3, 5])
    expect(await weights!.sum(-1).sub(1).abs().amax().item()).toBeLessThan(1e-6)
    expect(await weights!.select(0, 1).narrow(-1, 0, 3).abs().sum().item()).toBe(0)
    const [q, k, v] = x.matmul(m.inProjWeight!.t()).chunk(3, -1)
    const [keys, values] = [[k, m.biasK!], [v, m.biasV!]].map(([a, b]) => split(cat([a, b.expand(2, 1, 8), zeros(2, 1, 8)], 1), 2))
    const looks = weights!.matmul(values)
    expect(await worst(y, m.outProj.forward(looks.transpose(1, 2).reshape(2, 3, 8)))).toBeLessThan(1e-6)
    // The first row sees itself and the two that were added.
    const scores = split(q, 2).matmul(keys.mT()).div(2).at(0, 0, 0)
    expect(await worst(weights!.at(0, 0, 0, [0, 3, 4]), scores.at([0, 3, 4]).softmax(0))).toBeLessThan(1e-6)
  })

  test('in half precision the masks have the dtype of the scores', async () => {
    const layer = new nn.TransformerEncoderLayer(8, 2, options).to('float16').eval()
    const x = randn(2, 4, 8).to('float16')
    const y = layer.forward(x, { isCausal: true, keyPaddingMask: tensor([[false, false, false, true], [false, false, false, false]]) })
    expect(y.dtype).toBe('float16')
    expect(await y.isfinite().all().item()).toBeTruthy()
  })
})
