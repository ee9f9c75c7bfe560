// How many shaders models need on webgpu: few, whatever their sizes, and no more when they grow deeper.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { backendNamed } from '../../src/eager/device.ts'
import type { WebGPUBackend } from '../../src/backend/webgpu/index.ts'
import { arange, closeDevice, compile, init, nn, optim, rand, randint, type Tensor } from '../../src/index.ts'
import { gpu } from '../devices.ts'

const shaders = (): number => (backendNamed('webgpu') as WebGPUBackend).shaderCount

class Block extends nn.Module {
  private readonly norm1: nn.LayerNorm
  private readonly qkv: nn.Linear
  private readonly out: nn.Linear
  private readonly norm2: nn.LayerNorm
  private readonly up: nn.Linear
  private readonly down: nn.Linear
  constructor(private readonly width: number, private readonly heads: number) {
    super()
    this.norm1 = new nn.LayerNorm(width)
    this.qkv = new nn.Linear(width, 3 * width)
    this.out = new nn.Linear(width, width)
    this.norm2 = new nn.LayerNorm(width)
    this.up = new nn.Linear(width, 4 * width)
    this.down = new nn.Linear(4 * width, width)
  }
  override forward(x: Tensor): Tensor {
    const [b, t, c] = x.shape
    const [q, k, v] = this.qkv.forward(this.norm1.forward(x)).reshape(b, t, 3, this.heads, this.width / this.heads).permute(2, 0, 3, 1, 4).unbind(0)
    const mixed = nn.functional.scaledDotProductAttention(q, k, v, { isCausal: true }).transpose(1, 2).reshape(b, t, c)
    const y = x.add(this.out.forward(mixed))
    return y.add(this.down.forward(nn.functional.gelu(this.up.forward(this.norm2.forward(y)), { approximate: 'tanh' })))
  }
}

class Gpt extends nn.Module {
  private readonly tokens: nn.Embedding
  private readonly places: nn.Embedding
  private readonly blocks: nn.Sequential
  private readonly head: nn.Linear
  private readonly at: Tensor
  constructor(layers: number, width: number, context: number) {
    super()
    this.tokens = new nn.Embedding(20, width)
    this.places = new nn.Embedding(context, width)
    this.blocks = new nn.Sequential(...Array.from({ length: layers }, () => new Block(width, 2)))
    this.head = new nn.Linear(width, 20)
    this.at = arange(context, { dtype: 'int32' })
  }
  override forward(x: Tensor): Tensor {
    return this.head.forward(this.blocks.forward(this.tokens.forward(x).add(this.places.forward(this.at)))).flatten(0, 1)
  }
}

/** Shaders that a training step needs which are not there yet, all compiled side by side before its first call. */
async function needs(model: nn.Module & { forward(x: Tensor): Tensor }, x: Tensor, y: Tensor): Promise<number> {
  const optimizer = new optim.AdamW(model.parameters(), { lr: 1e-3 })
  const step = compile((input: Tensor, labels: Tensor) => {
    optimizer.zeroGrad()
    const loss = nn.functional.crossEntropy(model.forward(input), labels)
    loss.backward()
    optimizer.step()
    return loss
  })
  const before = shaders()
  await step.warm([x, y])
  const after = shaders()
  await step(x, y).item()
  expect(shaders()).toBe(after)
  step.dispose()
  return after - before
}

describe.skipIf(!gpu)('shaders of a training step (skipped where there is no adapter)', () => {
  beforeAll(async () => {
    closeDevice('webgpu')
    await init({ device: 'webgpu', gpu: gpu! })
  })
  afterAll(() => closeDevice('webgpu'))

  const mlp = (...sizes: number[]) => new nn.Sequential(...sizes.slice(1).flatMap((n, k) => [new nn.Linear(sizes[k], n), ...(k < sizes.length - 2 ? [new nn.ReLU()] : [])]))

  test('an MLP: few, and no more for one of other sizes and more layers', async () => {
    expect(await needs(mlp(24, 32, 16, 12), rand([32, 24]), randint(0, 12, [32]))).toBeLessThanOrEqual(16)
    expect(await needs(mlp(36, 64, 32, 48, 12), rand([64, 36]), randint(0, 12, [64]))).toBe(0)
  })

  test('a GPT: one of four layers needs what one of two needs', async () => {
    const data = (batch: number, context: number): [Tensor, Tensor] => [randint(0, 20, [batch, context]), randint(0, 20, [batch * context])]
    expect(await needs(new Gpt(2, 16, 8), ...data(4, 8))).toBeLessThanOrEqual(24)
    expect(await needs(new Gpt(4, 16, 8), ...data(4, 8))).toBe(0)
  })
})
