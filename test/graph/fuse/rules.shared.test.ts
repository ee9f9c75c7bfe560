// Each rule of fusion fires where it should, leaves alone what it must, and can be switched off; how many kernels models come down to.
import { expect, test } from 'vitest'
import { compile, grad, manualSeed, nn, ones, optim, randint, randn, rewrites, tensor, type Tensor } from '../../../src/index.ts'
import { deviceNames, eachDevice } from '../../each-device.ts'

const { functional: F } = nn

interface Case {
  readonly inputs: () => Tensor[]
  readonly run: (...xs: Tensor[]) => Tensor | Tensor[]
  /** With all rules. */
  readonly kernels: number
  readonly fires: readonly string[]
}
const matrix = (): Tensor[] => [randn(16, 12), randn(16, 12), randn(12)]

const cases: Readonly<Record<string, Case>> = {
  'a chain': { inputs: matrix, run: (x, y) => x.mul(y).add(1).exp().sub(x), kernels: 1, fires: ['map-into-map'] },
  'through a transposed, a reshaped and a sliced view': { inputs: matrix, run: (x, y) => x.mul(y).t().add(1).reshape(6, 32).at('1:5').exp(), kernels: 1, fires: ['map-into-map'] },
  'a value that is a result too': { inputs: matrix, run: (x, y) => [x.mul(y), x.mul(y).exp()], kernels: 1, fires: ['map-into-map'] },
  'a value in two orders is stored': { inputs: matrix, run: x => x.exp().reshape(12, 16).add(x.exp().t()), kernels: 2, fires: [] },
  'a dear value that is repeated is stored': { inputs: matrix, run: (x, _, b) => x.mul(b.exp().sin()), kernels: 2, fires: ['map-into-map'] },
  'a cheap value that is repeated is computed again': { inputs: matrix, run: (x, _, b) => x.mul(b.add(1)), kernels: 1, fires: ['recompute'] },
  'a narrow value is rounded, so it is stored': { inputs: matrix, run: x => x.to('float16').to('float32').exp(), kernels: 2, fires: ['map-into-map'] },
  'softmax': { inputs: matrix, run: x => x.softmax(1), kernels: 1, fires: ['rows-into-map', 'rows-into-rows'] },
  'log softmax of a formula': { inputs: matrix, run: x => x.mul(0.5).logSoftmax(1), kernels: 1, fires: ['map-into-rows', 'rows-into-map', 'rows-into-rows'] },
  'layer norm': { inputs: matrix, run: (x, _, b) => F.layerNorm(x, [12], { weight: b, bias: b }), kernels: 1, fires: ['map-into-rows', 'rows-into-map', 'rows-into-rows'] },
  'a mean square': { inputs: matrix, run: x => x.square().mean(), kernels: 1, fires: ['map-into-rows', 'rows-into-map'] },
  'sums over other rows stay apart': { inputs: matrix, run: x => x.sum(1).mul(x.t().sum(1).sum()), kernels: 3, fires: ['rows-into-map'] },
  'a linear layer': { inputs: () => [randn(16, 12), randn(8, 12), randn(8)], run: (x, w, b) => F.linear(x, w, b).relu(), kernels: 1, fires: ['epilogue'] },
  'a convolution': { inputs: () => [randn(2, 3, 6, 6), randn(4, 3, 3, 3), randn(4)], run: (x, w, b) => F.conv2d(x, w, b).relu(), kernels: 1, fires: ['epilogue'] },
  'gradients of windows side by side': { inputs: () => [randn(2, 3, 8, 6).requiresGrad_()], run: x => grad(F.avgPool2d(x, 2).square().sum(), [x])[0].mul(2), kernels: 2, fires: ['map-into-map', 'recompute', 'rows-into-map'] },
  'a residual': { inputs: () => [randn(16, 12), randn(12, 12), randn(12)], run: (x, w, b) => x.add(F.linear(x, w, b).tanh()), kernels: 1, fires: ['epilogue'] },
  'part of a product is no epilogue': { inputs: () => [randn(16, 12), randn(12, 12)], run: (x, w) => x.matmul(w).at('0:4').exp(), kernels: 2, fires: [] },
  'sums and extremes of one input': { inputs: matrix, run: x => [x.sum(1), x.square().sum(1), x.amax(1)], kernels: 1, fires: ['map-into-rows', 'sibling-reductions'] },
  'sums of two formulas of one input': { inputs: matrix, run: (x, y) => [x.mul(y).sum(0), y.sum(0)], kernels: 1, fires: ['map-into-rows', 'sibling-reductions'] },
  'reductions along other axes stay apart': { inputs: matrix, run: x => [x.sum(1), x.amax(0)], kernels: 2, fires: [] },
  'reductions of other inputs stay apart': { inputs: matrix, run: (x, y) => [x.sum(1), y.amax(1)], kernels: 2, fires: [] },
  'a reduction that needs the other stays apart': { inputs: matrix, run: x => [x.sum(1), x.sub(x.sum(1).sort().values.at('0:12')).amax(1)], kernels: 3, fires: ['map-into-rows'] },
  'maps of one program': { inputs: matrix, run: (x, y, b) => [x.exp(), y.t().exp(), b.exp()], kernels: 1, fires: ['batch'] },
  'maps of one program with other numbers stay apart': { inputs: matrix, run: (x, _, b) => [x.mul(2), b.mul(3)], kernels: 2, fires: [] },
  'maps of one program that need each other stay apart': { inputs: matrix, run: x => x.exp().sort(1).values.exp(), kernels: 3, fires: [] },
  'a sort in between': { inputs: matrix, run: x => x.exp().sort(1).values.add(1), kernels: 3, fires: [] },
}

const names = rewrites().filter(r => r.phase === 'fuse').map(r => r.name)

eachDevice(name => {
  for (const [text, { inputs, run, kernels, fires }] of Object.entries(cases))
    test(text, async () => {
      manualSeed(1)
      const given = inputs()
      const of = async (exclude: string[]): Promise<{ values: number[]; kernels: number; fired: string[] }> => {
        // Rewrites of the graph would take away what the case is about.
        const f = compile((...xs: Tensor[]) => [run(...xs)].flat(), { exclude: [...rewrites().filter(r => r.phase !== 'fuse' && r.phase !== 'merge').map(r => r.name), ...exclude] })
        const values: number[] = []
        for (const y of f(...given)) values.push(...(await y.data()))
        const fired = f.explain().rewrites.filter(r => r.phase === 'fuse').map(r => r.name).sort()
        const result = { values, kernels: f.info().kernels, fired }
        f.dispose()
        return result
      }
      const [fused, plain] = [await of([]), await of(['fusion'])]
      expect(plain.fired).toEqual([])
      expect(fused.values.length).toBe(plain.values.length)
      fused.values.forEach((x, i) => expect(Math.abs(x - plain.values[i]), `${i}: ${x}, want ${plain.values[i]}`).toBeLessThanOrEqual(1e-5 * (1 + Math.abs(x))))
      expect(fused.kernels).toBeLessThanOrEqual(plain.kernels)
      // Other devices may decline.
      if (name !== 'reference') return
      expect(fused.kernels).toBe(kernels)
      expect(fused.fired).toEqual(fires)
      for (const rule of fires) expect((await of([rule])).fired).not.toContain(rule)
    })

  test('the mask of a rectifier is computed where it is read, from what the product before it stores', () => {
    const f = compile((x: Tensor, w: Tensor, v: Tensor) => grad(F.relu(x.matmul(w)).matmul(v).square().sum(), [w])[0])
    f(randn(16, 12), randn(12, 8).requiresGrad_(), randn(8, 4))
    const [first] = f.graph('plan').plan!.kernels
    expect([first.kind, first.writes.length]).toEqual(['matmul', 1])
    f.dispose()
  })
})

test('every rule fires in some case', () => {
  const seen = new Set(Object.values(cases).flatMap(c => c.fires))
  expect(names.filter(n => n !== 'fusion' && !seen.has(n))).toEqual([])
})

class Block extends nn.Module {
  norm1 = new nn.LayerNorm(8)
  attention = new nn.MultiheadAttention(8, 2, { batchFirst: true })
  norm2 = new nn.LayerNorm(8)
  mlp = new nn.Sequential(new nn.Linear(8, 32), new nn.GELU(), new nn.Linear(32, 8))
  override forward(x: Tensor): Tensor {
    const n = this.norm1.forward(x)
    const y = x.add(this.attention.forward(n, n, n, { isCausal: true, needWeights: false })[0])
    return y.add(this.mlp.forward(this.norm2.forward(y)))
  }
}
class Gpt extends nn.Module {
  tokens = new nn.Embedding(11, 8)
  places = new nn.Embedding(4, 8)
  blocks = new nn.Sequential(new Block(), new Block())
  norm = new nn.LayerNorm(8)
  head = new nn.Linear(8, 11)
  readonly at = ones(4).cumsum(0).sub(1).to('int32')
  override forward(x: Tensor): Tensor {
    return this.head.forward(this.norm.forward(this.blocks.forward(this.tokens.forward(x).add(this.places.forward(this.at))))).flatten(0, 1)
  }
}
class Cnn extends nn.Module {
  conv1 = new nn.Conv2d(1, 4, 3, { padding: 1 })
  conv2 = new nn.Conv2d(4, 8, 3, { padding: 1 })
  fc = new nn.Linear(32, 10)
  override forward(x: Tensor): Tensor {
    const a = this.conv1.forward(x).relu().maxPool2d(2)
    return this.fc.forward(this.conv2.forward(a).relu().maxPool2d(2).flatten(1))
  }
}

/** Kernels of a step with Adam, at most. */
const models: Readonly<Record<string, { readonly make: () => { model: nn.Module & { forward(x: Tensor): Tensor }; x: Tensor; y: Tensor }; readonly most: number }>> = {
  'MLP': { make: () => ({ model: new nn.Sequential(new nn.Linear(12, 16), new nn.ReLU(), new nn.Linear(16, 8), new nn.ReLU(), new nn.Linear(8, 10)), x: randn(16, 12), y: randint(0, 10, [16]) }), most: 20 },
  'CNN': { make: () => ({ model: new Cnn(), x: randn(4, 1, 8, 8), y: randint(0, 10, [4]) }), most: 24 },
  'GPT, two blocks': { make: () => ({ model: new Gpt(), x: randint(0, 11, [3, 4]), y: randint(0, 11, [12]) }), most: 83 },
}

eachDevice(name => {
  for (const [text, { make, most }] of Object.entries(models))
    test(`a training step: ${text}`, async () => {
      const losses: number[][] = []
      for (const exclude of [['fusion'], []]) {
        manualSeed(3)
        const { model, x, y } = make()
        const adam = new optim.Adam(model.parameters(), { lr: 0.01 })
        const step = compile((a: Tensor, b: Tensor) => {
          adam.zeroGrad()
          const loss = F.crossEntropy(model.forward(a), b)
          loss.backward()
          adam.step()
          return loss
        }, { exclude })
        const list: number[] = []
        for (let i = 0; i < 3; i++) list.push(await step(x, y).item())
        losses.push(list)
        if (exclude.length === 0 && name === 'reference') {
          expect(step.info().kernels, String(step.explain())).toBeLessThanOrEqual(most)
          // One kernel updates all parameters, and each of its parts knows the line that asked for it.
          const { nodes, plan } = step.graph('plan')
          const updates = new Set(nodes.filter(n => n.op === 'adam').map(n => n.id))
          expect(plan!.kernels.filter(k => k.nodes.some(n => updates.has(n)))).toHaveLength(1)
          expect(step.explain().rewrites.find(r => r.name === 'batch')!.where).toContainEqual(expect.stringMatching(/^adam at .*rules\.shared\.test\.ts/))
        }
        step.dispose()
      }
      losses[0].forEach((l, i) => expect(losses[1][i]).toBeCloseTo(l, 5))
    })
}, deviceNames.slice(0, 1))

eachDevice(() => {
  test('a kernel that copies memory onto itself and elsewhere is no idle one', async () => {
    const turned = (): Tensor => tensor([[1, 2, 3], [4, 5, 6]]).t()
    const change = (state: Tensor, x: Tensor): Tensor => {
      state.t().mul_(1)
      const before = state.add(0)
      state.copy_(x)
      return before.clamp(2, 5)
    }
    const [state, plain, x] = [turned(), turned(), tensor([[7, 8], [9, 10], [11, 12]])]
    const step = compile((y: Tensor) => change(state, y))
    for (let call = 0; call < 2; call++) {
      expect(await step(x).toArray()).toEqual(await change(plain, x).toArray())
      expect(await state.toArray()).toEqual(await plain.toArray())
    }
  })
})
