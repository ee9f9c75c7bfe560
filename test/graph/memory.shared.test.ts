// What a plan says of its memory before it runs is what is measured then; and budgets are met with the same bits.
import { describe, expect, test } from 'vitest'
import { compile, grad, manualSeed, memory, nn, optim, randint, randn, scope, symbolic, tensor, zeros, type Compiled, type Tensor } from '../../src/index.ts'
import { liveBytes, mostLive, packBlocks, type Lifetime } from '../../src/graph/memory.ts'
import { eachDevice } from '../each-device.ts'

const { functional: F } = nn

class Cnn extends nn.Module {
  conv1 = new nn.Conv2d(1, 4, 3, { padding: 1 })
  bn1 = new nn.BatchNorm2d(4)
  conv2 = new nn.Conv2d(4, 6, 3, { stride: 2 })
  fc = new nn.Linear(6, 5)
  override forward(x: Tensor): Tensor {
    return this.fc.forward(this.conv2.forward(this.bn1.forward(this.conv1.forward(x)).relu().maxPool2d(2)).relu().mean([2, 3]))
  }
}

class Block extends nn.Module {
  norm1 = new nn.LayerNorm(8)
  attention = new nn.MultiheadAttention(8, 2, { batchFirst: true })
  norm2 = new nn.LayerNorm(8)
  up = new nn.Linear(8, 32)
  down = new nn.Linear(32, 8)
  override forward(x: Tensor): Tensor {
    const h = this.norm1.forward(x)
    const y = x.add(this.attention.forward(h, h, h, { needWeights: false })[0])
    return y.add(this.down.forward(F.gelu(this.up.forward(this.norm2.forward(y)))))
  }
}

class Gpt extends nn.Module {
  embed = new nn.Embedding(11, 8)
  blocks: nn.Sequential
  head = new nn.Linear(8, 11)
  constructor(depth: number) {
    super()
    this.blocks = new nn.Sequential(...Array.from({ length: depth }, () => new Block()))
  }
  override forward(tokens: Tensor): Tensor {
    return this.head.forward(this.blocks.forward(this.embed.forward(tokens))).flatten(0, 1)
  }
}

class Recurrent extends nn.Module {
  cell = new nn.LSTMCell(6, 8)
  head = new nn.Linear(8, 3)
  override forward(x: Tensor): Tensor {
    const start = zeros(x.shape[1], 8)
    const [h] = symbolic.scan((a, s, c) => {
      const next = this.cell.forward(a, [s, c])
      return [next[0], next[1]]
    }, { sequences: x, outputsInfo: [start, start] })
    return this.head.forward(h.at(-1))
  }
}

const mlp = (depth: number, width: number): nn.Module & { forward(x: Tensor): Tensor } =>
  new nn.Sequential(...Array.from({ length: depth }, () => [new nn.Linear(width, width), new nn.Tanh()]).flat(), new nn.Linear(width, 4))

interface Model {
  readonly make: () => nn.Module & { forward(x: Tensor): Tensor }
  readonly batch: () => [Tensor, Tensor]
}
const models: Readonly<Record<string, Model>> = {
  'an MLP': { make: () => mlp(3, 16), batch: () => [randn(10, 16), randint(0, 4, [10])] },
  'a CNN': { make: () => new Cnn(), batch: () => [randn(4, 1, 8, 8), randint(0, 5, [4])] },
  'a GPT': { make: () => new Gpt(2), batch: () => [randint(0, 11, [2, 5]), randint(0, 11, [10])] },
  'an LSTM by scan': { make: () => new Recurrent(), batch: () => [randn(7, 3, 6), randint(0, 3, [3])] },
}

type TrainStep = Compiled<[Tensor, Tensor], Tensor>
function training(model: nn.Module & { forward(x: Tensor): Tensor }, options = {}): TrainStep {
  const optimizer = new optim.Adam(model.parameters(), { lr: 0.01 })
  return compile((x: Tensor, y: Tensor) => {
    optimizer.zeroGrad()
    const loss = F.crossEntropy(model.forward(x), y)
    loss.backward()
    optimizer.step()
    return loss
  }, { name: 'train', ...options })
}
const words = async (list: readonly Tensor[]): Promise<number[][]> => Promise.all(list.map(async x => Array.from(await x.data())))

eachDevice(name => {
  describe('the prediction is what is measured', () => {
    for (const [title, { make, batch }] of Object.entries(models))
      test(title, () => {
        manualSeed(1)
        const before = memory().held
        // Within a scope, so that nothing waits for the collector.
        scope(() => {
          const model = make()
          const [x, y] = batch()
          const f = training(model)
          // Optimisers make their state in the first trace, in a scope of the trace's own.
          const said = scope(() => {
            const { arguments: args, captured, constants, results, intermediates, scratch, peak } = f.memory(x, y)
            return { args, captured, constants, results, intermediates, scratch, peak }
          })
          expect(said.peak).toBe(said.args + said.captured + said.constants + said.results + said.intermediates + said.scratch)
          expect(f.info().traces).toBe(1)
          const planned = memory().held
          const loss = f(x, y)
          expect(memory().held - planned).toBe(said.results)
          expect(f.info().traces).toBe(1)
          const state = said.captured + said.constants
          expect(planned - before).toBeGreaterThanOrEqual(said.args + state + said.intermediates + said.scratch)
          expect(f.info().bytes).toBe(said.intermediates + said.scratch)
          expect(f.memory().peak).toBe(said.peak)
          loss.dispose()
          expect(memory().held).toBe(planned)
          f.dispose()
          expect(planned - memory().held).toBeGreaterThanOrEqual(said.intermediates + said.scratch)
        })
      })

    test('to the byte, where nothing else is alive', () => {
      manualSeed(1)
      const before = memory().held
      scope(() => {
        const [w, x] = [randn(5, 3), randn(7, 5)]
        const f = compile((v: Tensor) => ({ a: v.matmul(w).tanh().sum(1), b: tensor([1, 2, 3]).mul(2).exp().add(v.sum()) }))
        const said = f.memory(x)
        expect([said.arguments, said.captured, said.results]).toEqual([7 * 5 * 4, 5 * 3 * 4, (7 + 3) * 4])
        f(x)
        expect(memory().held - before).toBe(said.peak)
        f.dispose()
      })
    })

    test('arguments that are views are copied for the call', () => {
      const x = randn(4, 6)
      const f = compile((v: Tensor) => v.mul(2))
      expect(f.memory(x.t()).arguments).toBe(2 * 4 * 6 * 4)
      expect(f.memory(x.t().contiguous()).arguments).toBe(4 * 6 * 4)
    })

    test('bytes are whole words', () => {
      const f = compile((v: Tensor) => v.eq(1).to('uint8').add(1).to('float32').exp())
      const said = f.memory(randn(5))
      expect([said.arguments, said.results]).toEqual([20, 20])
      expect(said.intermediates % 4).toBe(0)
      const g = compile((v: Tensor) => v.to('uint8'))
      const held = memory().held
      const x = randn(5)
      expect(g.memory(x).results).toBe(8)
      const planned = memory().held
      g(x)
      expect(memory().held - planned).toBe(8)
      expect(planned).toBeGreaterThan(held)
    })
  })

  test('a table, and a timeline', () => {
    const model = mlp(3, 16)
    const f = training(model)
    expect(() => f.memory()).toThrow(/\[memory\] train was not called yet.*pass the arguments/)
    const said = f.memory(randn(10, 16), randint(0, 4, [10]))
    expect(said.timeline.length).toBe(f.info().kernels)
    expect(Math.max(...said.timeline.map(k => k.live))).toBe(said.live)
    expect(said.intermediates).toBeGreaterThanOrEqual(said.live)
    const at = said.timeline.find(k => k.live === said.live)!
    expect(at.largest[0].bytes).toBeGreaterThanOrEqual(at.largest[1].bytes)
    const text = String(said)
    expect(text).toMatch(/^train: [\d.]+ KiB during a call\n {2}arguments +[\d.]+ (B|KiB)\n {2}captured +[\d.]+ KiB {2}parameters/)
    expect(text).toMatch(/most of them live in kernel \d+ of \d+/)
    expect(text).toMatch(/memory\.shared\.test/)
    f.dispose()
  })

  test('symbolic functions say it too', () => {
    const x = symbolic.matrix('x')
    const f = symbolic.func({ inputs: [x], outputs: x.mul(2).sum() })
    expect(f.memory([[1, 2], [3, 4]]).results).toBe(4)
    expect(f.memory().arguments).toBe(16)
  })

  describe('budgets', () => {
    const cases: Readonly<Record<string, Model & { readonly share: number }>> = {
      'a deep MLP': { make: () => mlp(16, 8), batch: () => [randn(200, 8), randint(0, 4, [200])], share: 0.6 },
      'a GPT': { make: () => new Gpt(4), batch: () => [randint(0, 11, [16, 10]), randint(0, 11, [160])], share: 0.6 },
    }
    for (const [title, { make, batch, share }] of Object.entries(cases))
      test(`${title} in a part of its memory`, { timeout: 120_000 }, async () => {
        /** Parameters after some steps. */
        const run = async (budget: number | null): Promise<{ values: number[][]; peak: number; text: string; again: number }> => {
          manualSeed(5)
          const model = make()
          const [x, y] = batch()
          const f = training(model, budget === null ? {} : { budget })
          const losses = Array.from({ length: 3 }, () => f(x, y))
          const { peak, recomputed } = f.memory()
          const text = String(f.explain())
          const values = await words([...losses, ...model.parameters(), ...[...model.parameters()].map(p => p.grad!)])
          f.dispose()
          return { values, peak, text, again: recomputed.length }
        }
        const plain = await run(null)
        const budget = Math.floor(plain.peak * share)
        const fitted = await run(budget)
        expect(fitted.peak).toBeLessThanOrEqual(budget)
        expect(fitted.again).toBeGreaterThan(0)
        expect(fitted.text).toMatch(/rematerialise ×\d+/)
        expect(plain.text).not.toContain('rematerialise')
        expect(fitted.values).toEqual(plain.values)
      })

    test('planned anew for a smaller budget; what cannot be met says the least', async () => {
      manualSeed(2)
      const [x, w] = [randn(64, 8), randn(8, 8)]
      const f = compile((v: Tensor) => {
        const leaf = v.detach().requiresGrad_()
        let y = leaf
        for (let i = 0; i < 8; i++) y = y.matmul(w).tanh()
        return grad(y.sum(), [leaf])[0]
      }, { name: 'deep' })
      expect(() => f.memory({ budget: 1000 })).toThrow(/\[memory\] deep was not called yet/)
      const plain = f.memory(x)
      const [before] = await words([f(x)])
      const fitted = f.memory({ budget: Math.floor(plain.peak * 0.75) })
      expect(fitted.peak).toBeLessThanOrEqual(plain.peak * 0.75)
      expect(String(fitted)).toContain('computed again: ')
      expect((await words([f(x)]))[0]).toEqual(before)
      expect(f.info().traces).toBe(1)
      expect(() => f.memory({ budget: 5000 })).toThrow(/\[compile\] deep cannot run in 5000 bytes: the least peak that was found is \d+ bytes, of which \d+ are arguments/)
      expect(() => compile((v: Tensor) => v, { budget: -1 })).toThrow(/a budget of -1/)
      expect(() => compile((x: Tensor) => x.exp(), { budget: 100, exclude: ['rematerialise'] })).toThrow(/rematerialise is excluded, by which a budget is met/)
      expect((await words([f(x)]))[0]).toEqual(before)
    })

    test('random draws are the same again', async () => {
      const run = async (share: number | null): Promise<number[][]> => {
        manualSeed(9)
        const layers = Array.from({ length: 6 }, () => new nn.Linear(8, 8))
        const drop = new nn.Dropout(0.4)
        const make = (options = {}): Compiled<[Tensor], Tensor[]> => compile((v: Tensor) => {
          let y = v
          for (const l of layers) y = drop.forward(l.forward(y).tanh())
          return grad(y.square().sum(), layers.map(l => l.weight))
        }, options)
        const x = randn(100, 8)
        const f = make()
        const { peak } = f.memory(x)
        if (share !== null) f.memory({ budget: Math.floor(peak * share) })
        return words([...f(x), ...f(x), randn(3)])
      }
      expect(await run(0.7)).toEqual(await run(null))
    })
  })

  if (name !== 'webgpu') test('blocks are a little more than what lives at once', () => {
    let seed = 7
    const random = (n: number): number => (seed = (seed * 48271) % 2147483647) % n
    for (let round = 0; round < 50; round++) {
      const values = Array.from({ length: 1 + random(60) }, (): Lifetime => {
        const first = random(80)
        return { bytes: 4 * (1 + random(500)), first, last: first + random(20) }
      })
      const { blocks, blockOf } = packBlocks(values)
      const most = mostLive(values, 100)
      const total = blocks.reduce((n, b) => n + b, 0)
      expect(Math.max(...liveBytes(values, 100))).toBe(most.bytes)
      expect(total).toBeGreaterThanOrEqual(most.bytes)
      expect(total).toBeLessThanOrEqual(1.6 * most.bytes)
      values.forEach((v, i) => {
        expect(blocks[blockOf[i]]).toBeGreaterThanOrEqual(v.bytes)
        values.forEach((u, k) => {
          if (k < i && blockOf[k] === blockOf[i] && u.first <= v.last && v.first <= u.last) expect([u, v]).toBe('apart')
        })
      })
    }
  })
})
