// A dynamic axis: one trace, other sizes by formulas, with the numbers of eager code; and what no formula describes is refused by name.
import { describe, expect, test } from 'vitest'
import { compile, LampasError, manualSeed, nn, ones, optim, randint, randn, tensor, type CompileOptions, type Tensor } from '../../src/index.ts'
import { formulaFor } from '../../src/graph/formula.ts'
import * as S from '../../src/symbolic/index.ts'
import { eachDevice } from '../each-device.ts'

const axes = { dynamic: { 0: [0], 1: [0] } } satisfies CompileOptions

interface Case {
  readonly model: () => nn.Module & { forward(x: Tensor): Tensor }
  readonly batch: (n: number) => [Tensor, Tensor]
  readonly loss: (y: Tensor, t: Tensor) => Tensor
}
class Attend extends nn.Module {
  attention = new nn.MultiheadAttention(8, 2, { batchFirst: true })
  head = new nn.Linear(8, 3)
  override forward(x: Tensor): Tensor {
    return this.head.forward(this.attention.forward(x, x, x, { isCausal: true, needWeights: false })[0]).mean(1)
  }
}
const entropy = (y: Tensor, t: Tensor): Tensor => nn.functional.crossEntropy(y, t)
const cases: Readonly<Record<string, Case>> = {
  MLP: { model: () => new nn.Sequential(new nn.Linear(6, 16), new nn.ReLU(), new nn.Linear(16, 3)), batch: n => [randn(n, 6), randint(0, 3, [n])], loss: entropy },
  'MLP with a mean square': { model: () => new nn.Sequential(new nn.Linear(6, 16), new nn.Tanh(), new nn.Linear(16, 2)), batch: n => [randn(n, 6), randn(n, 2)], loss: (y, t) => nn.functional.mseLoss(y, t) },
  'CNN with batch norm': {
    model: () => new nn.Sequential(new nn.Conv2d(1, 4, 3, { padding: 1, bias: false }), new nn.BatchNorm2d(4), new nn.ReLU(), new nn.MaxPool2d(2), new nn.Flatten(), new nn.Linear(36, 3)),
    batch: n => [randn(n, 1, 6, 6), randint(0, 3, [n])],
    loss: entropy,
  },
  attention: { model: () => new Attend(), batch: n => [randn(n, 5, 8), randint(0, 3, [n])], loss: entropy },
  dropout: { model: () => new nn.Sequential(new nn.Linear(6, 16), new nn.Dropout(0.5), new nn.Linear(16, 3)), batch: n => [randn(n, 6), randint(0, 3, [n])], loss: entropy },
}

function stepOf(c: Case, options: CompileOptions | null): { step: ((x: Tensor, y: Tensor) => Tensor) & { info?: () => { traces: number } }; model: nn.Module } {
  manualSeed(7)
  const model = c.model()
  // Adam makes steps of rounding errors where a gradient is 0, as of the biases of keys; and of biases before a batch norm, which the CNN goes without.
  const optimizer = c === cases.attention ? new optim.SGD(model.parameters(), { lr: 0.1 }) : new optim.Adam(model.parameters(), { lr: 0.01 })
  const work = (x: Tensor, y: Tensor): Tensor => {
    optimizer.zeroGrad()
    const loss = c.loss(model.forward(x), y)
    loss.backward()
    optimizer.step()
    return loss
  }
  return { step: options ? compile(work, options) : work, model }
}

eachDevice(device => {
  describe('training with batches of any size', () => {
    for (const [name, c] of Object.entries(cases))
      test(name, async () => {
        const sizes = [8, 5, 8, 12, 3, 64, 33, 2, 8]
        const run = async (options: CompileOptions | null): Promise<{ losses: number[]; weights: number[]; traces: number }> => {
          const { step, model } = stepOf(c, options)
          manualSeed(11)
          const losses: number[] = []
          for (const n of sizes) losses.push(await step(...c.batch(n)).item() as number)
          const weights: number[] = []
          for (const p of model.parameters()) weights.push(...(await p.data()))
          return { losses, weights, traces: step.info?.().traces ?? 0 }
        }
        const [fixed, free, plain] = [await run({}), await run(axes), await run(null)]
        expect(free.traces).toBe(1)
        expect(fixed.traces).toBeGreaterThan(5)
        for (const other of [fixed, plain]) {
          free.losses.forEach((l, i) => expect(l).toBeCloseTo(other.losses[i], 4))
          free.weights.forEach((w, i) => expect(w).toBeCloseTo(other.weights[i], 3))
        }
      })

    test('to the bit, where no rewrite rounds', async () => {
      if (device !== 'wasm') return expect(['reference', 'webgpu']).toContain(device)
      const model = new nn.Sequential(new nn.Linear(6, 16), new nn.ReLU(), new nn.Linear(16, 3))
      const work = (x: Tensor): Tensor => model.forward(x).square().mean(0)
      const f = compile(work, { dynamic: { 0: [0] } })
      for (const n of [4, 7, 32, 100]) {
        const x = randn(n, 6)
        expect([...(await f(x).data())]).toEqual([...(await work(x).data())])
      }
      expect(f.info().traces).toBe(1)
    })

    test('a loop over a sequence of any length, with a batch of any size', async () => {
      const w = randn(3, 3)
      const cell = (v: Tensor, h: Tensor, u: Tensor): Tensor => h.matmul(u).add(v).tanh()
      const byBatch = (x: Tensor, h: Tensor): Tensor => S.scan(cell, { sequences: x, outputsInfo: h, nonSequences: w }).sum(0)
      const f = compile(byBatch, { dynamic: [[1], [0]] })
      const byLength = (x: Tensor, h: Tensor): Tensor => S.scan(cell, { sequences: x, outputsInfo: h, nonSequences: w }).at(-1)
      const g = compile(byLength, { dynamic: { 0: [0] } })
      for (const n of [4, 9, 6]) {
        const [x, h] = [randn(5, n, 3), randn(n, 3)]
        expect((await f(x, h).data()).map(v => Math.round(v * 1e4))).toEqual((await byBatch(x, h).data()).map(v => Math.round(v * 1e4)))
        const [y, k] = [randn(n, 2, 3), randn(2, 3)]
        expect((await g(y, k).data()).map(v => Math.round(v * 1e4))).toEqual((await byLength(y, k).data()).map(v => Math.round(v * 1e4)))
      }
      expect([f.info().traces, g.info().traces]).toEqual([1, 1])
    })

    test('axes that are multiples of each other, and plain results that depend on the size', async () => {
      const f = compile((x: Tensor, y: Tensor) => ({ loss: nn.functional.crossEntropy(x.flatten(0, 1), y), rows: x.shape[0] * 2 }), { dynamic: { 0: [0], 1: [0] } })
      for (const n of [3, 6]) {
        const [x, y] = [randn(n, 4, 5), randint(0, 5, [4 * n])]
        const { loss, rows } = f(x, y)
        expect(await loss.item()).toBeCloseTo(await nn.functional.crossEntropy(x.flatten(0, 1), y).item() as number, 5)
        expect(rows).toBe(2 * n)
      }
      expect(f.info().traces).toBe(1)
      expect(() => f(randn(3, 4, 5), randint(0, 5, [10]))).toThrow(/change together/)
    })

    test('variables of expressions', async () => {
      const x = S.matrix('x', { dynamic: [0] })
      const t = S.ivector('t', { dynamic: [0] })
      const w = S.shared(randn(4, 3), { name: 'w' })
      const cost = nn.functional.crossEntropy(x.matmul(w), t)
      const [g] = S.grad(cost, [w])
      const train = S.func({ inputs: [x, t], outputs: cost, updates: [[w, w.sub(g.mul(0.1))]] })
      for (const n of [6, 10, 33]) {
        const [a, b] = [randn(n, 4), randint(0, 3, [n])]
        const want = await nn.functional.crossEntropy(a.matmul(w.get()), b).item()
        expect(await train(a, b).item()).toBeCloseTo(want as number, 5)
      }
      expect(train.info().traces).toBe(1)
      expect(() => S.matrix('x', { dynamic: [2] })).toThrow(/no axis 2/)
    })

    test('another static size, or another dtype, is traced anew, and says why', () => {
      const f = compile((x: Tensor) => x.mul(2), { dynamic: { 0: [0] } })
      f(randn(4, 3))
      f(randn(6, 3))
      expect(f.info()).toMatchObject({ traces: 1, reasons: [] })
      f(randn(6, 5))
      expect(f.info()).toMatchObject({ traces: 2, reasons: ['argument 0: axis 1 was 3 and is 5'] })
      f(randn(1, 5))
      expect(f.info().traces).toBe(3)
    })

    test('tensors in lists and objects', async () => {
      const f = compile(({ x, more }: { x: Tensor; more: Tensor[] }) => x.mul(more[0]).sum(0), { dynamic: { 0: { x: [0], more: [[0]] } } })
      for (const n of [2, 7, 16]) {
        const [x, y] = [randn(n, 3), randn(n, 3)]
        expect((await f({ x, more: [y] }).data()).map(Math.fround)).toEqual((await x.mul(y).sum(0).data()).map(Math.fround))
      }
      expect(f.info().traces).toBe(1)
    })

    test('memory is let go', () => {
      const f = compile((x: Tensor) => x.sin().sum(), { dynamic: { 0: [0] } })
      for (let n = 2; n < 40; n++) f(randn(n))
      const { bytes } = f.info()
      expect(bytes).toBeLessThan(8 * 4000)
      f.dispose()
      expect(f.info().bytes).toBe(0)
      f(randn(5))
      expect(f.info().traces).toBe(2)
    })
  })

  describe('what no formula describes', () => {
    const refused = (fn: (x: Tensor) => Tensor): LampasError => {
      try {
        compile(fn, { dynamic: { 0: [0] } })(randn(8, 3))
      } catch (error) {
        if (error instanceof LampasError) return error
        throw error
      }
      throw new Error('it was taken')
    }

    test('the code does other things at other sizes', () => {
      const error = refused(x => (x.shape[0] % 2 ? x.exp() : x.sin()))
      expect(error.message).toMatch(/other things.*(exp|sin).*dynamic\.shared\.test/)
      expect(error.help).toMatch(/leave the axis static/)
    })
    test('numbers of another kind', () => {
      expect(refused(x => x.mul(Math.sin(x.shape[0]))).message).toMatch(/mul.*dynamic\.shared\.test.*no formula/)
      expect(refused(x => x.narrow(0, 0, x.shape[0] >> 1)).message).toMatch(/slice.*dynamic\.shared\.test.*no formula/)
    })
    test('a tensor of numbers that depend on the size', () => {
      expect(refused(x => x.mul(tensor(Array.from({ length: x.shape[0] }, (_, i) => [i])))).message).toMatch(/numbers from the code.*mul/)
    })
    test('a size that the code does not take', () => {
      const table = ones(10, 3)
      expect(refused(x => x.add(table.narrow(0, 0, x.shape[0]))).help).toMatch(/leave the axis static/)
    })
    test('names of arguments that are no tensors', () => {
      expect(() => compile((n: number) => ones(n), { dynamic: { 0: [0] } })(3)).toThrow(/not a tensor/)
      expect(() => compile((x: Tensor) => x, { dynamic: { 0: [2] } })(ones(3))).toThrow(/axis 2/)
      expect(() => compile((x: Tensor) => x, { dynamic: { 0: [0.5] } })).toThrow(/axes of arguments/)
    })
  })
})

test('formulas of a size', () => {
  const sizes = [15, 22, 28]
  const found = (f: (n: number) => number): number[] | null => {
    const g = formulaFor(sizes, sizes.map(f))
    return g && [2, 3, 32, 100, 1024].map(g)
  }
  const right: readonly ((n: number) => number)[] = [
    n => n, n => 3 * n + 2, n => n * n, n => 2 * n * n - n, n => 1 / n, n => 1 / (64 * n), n => 2 / n, n => n / (n - 1), n => (36 * n) / (36 * n - 1), n => (n - 1) / n, n => 1 / (n - 1), n => Math.sqrt(n), n => 1 / Math.sqrt(n), n => -Math.log(n), n => n / 8, n => -n,
  ]
  for (const f of right) expect(found(f), String(f)).toEqual([2, 3, 32, 100, 1024].map(f))
  const wrong: readonly ((n: number) => number)[] = [n => n % 2, n => Math.ceil(n / 4) * 4, n => Math.sin(n), n => n ** 3, n => n >> 1, n => 2 ** Math.ceil(Math.log2(n))]
  for (const f of wrong) expect(found(f), String(f)).toBeNull()
})
