// Whole training steps, compiled: losses, parameters, buffers, gradients and optimiser state are those of eager code, to the bit without the
// rewrites that round otherwise.
import { expect, test } from 'vitest'
import { compile, manualSeed, nn, optim, randint, randn, rewrites, tensor, type CompileOptions, type Tensor } from '../../src/index.ts'
import { eachDevice } from '../each-device.ts'

const { functional: F } = nn

interface Training {
  readonly model: nn.Module
  readonly optimizer: { zeroGrad(): void; step(): void; lr: number; stateDict(): optim.OptimizerState }
  /** The batch of step i. */
  readonly batch: (i: number) => Tensor[]
  readonly loss: (...batch: Tensor[]) => Tensor
}

class Mlp extends nn.Module {
  fc1 = new nn.Linear(8, 16)
  fc2 = new nn.Linear(16, 3)
  drop = new nn.Dropout(0.3)
  override forward(x: Tensor): Tensor {
    return this.fc2.forward(this.drop.forward(this.fc1.forward(x).relu()))
  }
}

class Cnn extends nn.Module {
  conv1 = new nn.Conv2d(1, 4, 3, { padding: 1 })
  bn1 = new nn.BatchNorm2d(4)
  conv2 = new nn.Conv2d(4, 6, 3, { stride: 2 })
  drop = new nn.Dropout(0.25)
  fc = new nn.Linear(6, 5)
  override forward(x: Tensor): Tensor {
    const y = this.bn1.forward(this.conv1.forward(x)).relu().maxPool2d(2)
    return this.fc.forward(this.drop.forward(this.conv2.forward(y).relu().mean([2, 3])))
  }
}

class Attention extends nn.Module {
  embed = new nn.Embedding(11, 8)
  norm1 = new nn.LayerNorm(8)
  attention = new nn.MultiheadAttention(8, 2, { batchFirst: true })
  norm2 = new nn.LayerNorm(8)
  up = new nn.Linear(8, 16)
  down = new nn.Linear(16, 8)
  head = new nn.Linear(8, 11)
  override forward(tokens: Tensor): Tensor {
    let x = this.embed.forward(tokens)
    const h = this.norm1.forward(x)
    x = x.add(this.attention.forward(h, h, h)[0])
    x = x.add(this.down.forward(F.gelu(this.up.forward(this.norm2.forward(x)))))
    return this.head.forward(x)
  }
}

const trainings: Record<string, () => Training> = {
  'an MLP with dropout, SGD with momentum': () => {
    const model = new Mlp()
    return {
      model,
      optimizer: new optim.SGD(model.parameters(), { lr: 0.1, momentum: 0.9, nesterov: true, weightDecay: 0.01 }),
      batch: () => [randn(6, 8), randint(0, 3, [6])],
      loss: (x, y) => F.crossEntropy(model.forward(x), y),
    }
  },
  'convolutions, batch norm, dropout, pooling, Adam': () => {
    const model = new Cnn()
    return {
      model,
      optimizer: new optim.Adam(model.parameters(), { lr: 0.01 }),
      batch: () => [randn(4, 1, 8, 8), randint(0, 5, [4])],
      loss: (x, y) => F.crossEntropy(model.forward(x), y),
    }
  },
  'embedding, attention, layer norm, AdamW, clipped gradients': () => {
    const model = new Attention()
    return {
      model,
      optimizer: new optim.AdamW(model.parameters(), { lr: 0.01 }),
      batch: () => [randint(0, 11, [2, 5]), randint(0, 11, [2, 5])],
      loss: (x, y) => F.crossEntropy(model.forward(x).flatten(0, 1), y.flatten()),
    }
  },
}

const words = async (x: Tensor): Promise<number[]> => Array.from(await x.data())

/** Everything that training changes, after some steps. */
async function train({ model, optimizer, batch, loss }: Training, options: CompileOptions | null): Promise<Record<string, number[]>> {
  const step = (x: Tensor, y: Tensor): Tensor => {
    optimizer.zeroGrad()
    const value = loss(x, y)
    value.backward()
    nn.utils.clipGradNorm_(model.parameters(), 1)
    optimizer.step()
    return value
  }
  const run = options ? compile(step, options) : step
  const out: Record<string, number[]> = {}
  for (let i = 0; i < 5; i++) {
    if (i === 3) optimizer.lr /= 3
    const [x, y] = batch(i)
    out[`loss ${i}`] = await words(run(x, y))
  }
  for (const [name, p] of model.namedParameters()) {
    out[name] = await words(p)
    out[`${name}.grad`] = await words(p.grad!)
  }
  for (const [name, b] of model.namedBuffers()) out[name] = await words(b)
  for (const [i, state] of Object.entries(optimizer.stateDict().state)) for (const [name, s] of Object.entries(state)) out[`${i} ${name}`] = await words(s)
  out['the next random number'] = await words(randn(2))
  if (options) expect((run as ReturnType<typeof compile>).info()).toMatchObject({ traces: 1, reasons: [] })
  return out
}

eachDevice(() => {
  for (const [name, make] of Object.entries(trainings))
    test(name, { timeout: 60_000 }, async () => {
      const trained = (options: CompileOptions | null): ReturnType<typeof train> => {
        manualSeed(7)
        return train(make(), options)
      }
      const eager = await trained(null)
      const exact = await trained({ exclude: rewrites().filter(r => r.rounds).map(r => r.name) })
      expect(Object.keys(exact)).toEqual(Object.keys(eager))
      for (const key of Object.keys(eager)) expect(exact[key], key).toEqual(eager[key])
      const compiled = await trained({})
      // Not the parameters: Adam makes whole steps of gradients that are nothing but rounding, such as that of the bias of attention's keys.
      for (const key of Object.keys(eager).filter(k => /^loss|grad$/.test(k)))
        eager[key].forEach((v, i) => expect(Math.abs(compiled[key][i] - v), `${key} ${i}`).toBeLessThan(1e-5 * Math.max(1, Math.abs(v))))
    })

  test('gradients that are gathered over two calls, then stepped', async () => {
    const run = async (compiled: boolean): Promise<number[][]> => {
      manualSeed(3)
      const { model, optimizer, loss } = trainings['an MLP with dropout, SGD with momentum']()
      const accumulate = (x: Tensor, y: Tensor): Tensor => {
        const value = loss(x, y)
        value.backward()
        return value
      }
      const add = compiled ? compile(accumulate) : accumulate
      const out: number[][] = []
      for (let i = 0; i < 6; i++) {
        out.push(await words(add(randn(6, 8), randint(0, 3, [6]))))
        if (i % 2 === 1) {
          optimizer.step()
          optimizer.zeroGrad()
        }
      }
      return [...out, ...(await Promise.all(model.parameters().map(words)))]
    }
    expect(await run(true)).toEqual(await run(false))
  })

  test('train and eval are traced apart, and found again', async () => {
    manualSeed(1)
    const model = new Cnn()
    const forward = compile((x: Tensor) => model.forward(x))
    const x = randn(4, 1, 8, 8)
    forward(x)
    expect(forward.info().traces).toBe(1)
    model.eval()
    const compiled = await words(forward(x))
    expect(forward.info()).toMatchObject({ traces: 2, reasons: [expect.stringMatching(/train and eval/)] })
    expect(compiled).toEqual(await words(model.forward(x)))
    const before = await words(model.bn1.runningMean!)
    forward(x)
    expect(await words(model.bn1.runningMean!)).toEqual(before)
    model.train()
    forward(x)
    expect(forward.info().traces).toBe(2)
    expect(await words(model.bn1.runningMean!)).not.toEqual(before)
  })

  test('a scheduler changes the rate between calls without a new trace', async () => {
    const w = tensor([1, 1], { requiresGrad: true })
    const optimizer = new optim.SGD([w], { lr: 1 })
    const schedule = new optim.lrScheduler.StepLR(optimizer, { stepSize: 1, gamma: 0.5 })
    const step = compile(() => {
      optimizer.zeroGrad()
      w.sum().backward()
      optimizer.step()
    })
    const seen: number[] = []
    for (let i = 0; i < 4; i++) {
      step()
      schedule.step()
      seen.push((await words(w))[0])
    }
    expect(seen).toEqual([0, -0.5, -0.75, -0.875])
    expect(step.info().traces).toBe(1)
  })
})
