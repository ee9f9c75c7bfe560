// Optimisers over steps: missing gradients, groups, checkpoints, compiled steps, mistakes.
// (formulas.shared.test.ts has their numbers, test/training PyTorch's own runs.)
import { beforeAll, describe, expect, test } from 'vitest'
import { compile, init, nn, optim, ones, scope, tensor, zeros, type Tensor } from '../../src/index.ts'
import { adam, expectValues, gradientAt, kinds, start, type Make } from './formulas.ts'

beforeAll(async () => {
  await init({ device: 'wasm' })
})

describe('steps', () => {
  test('a parameter without gradient is left alone, and counts its own steps', async () => {
    const params = start.map(v => new nn.Parameter(tensor(v)))
    const want = start.map(v => [...v])
    const updates = start.map(() => adam({ lr: 0.1 }, false))
    const counts = [0, 0]
    const optimizer = new optim.Adam(params, { lr: 0.1 })
    for (const live of [[0], [0, 1], [1], [0, 1], [0, 1]]) {
      optimizer.zeroGrad()
      for (const k of live) {
        const g = gradientAt(++counts[k])[k]
        params[k].grad = tensor(g)
        updates[k](want[k], g, counts[k])
      }
      optimizer.step()
      await expectValues(params, want)
    }
    const { state } = optimizer.stateDict()
    expect(await Promise.all([0, 1].map(i => state[i].step.item()))).toEqual(counts)
  })

  test('groups have their own options', async () => {
    const [a, b] = [new nn.Parameter(ones([1])), new nn.Parameter(ones([1]))]
    const optimizer = new optim.SGD([{ params: [a] }, { params: [b], lr: 1, weightDecay: 0.5 }], { lr: 0.1 })
    for (const p of [a, b]) p.grad = ones([1])
    optimizer.step()
    expect(await a.item()).toBeCloseTo(0.9, 6)
    expect(await b.item()).toBeCloseTo(1 - 1.5, 6)
    optimizer.paramGroups[1].lr = 0
    optimizer.step()
    expect(await b.item()).toBeCloseTo(-0.5, 6)
    optimizer.lr = 0.2
    expect(optimizer.paramGroups.map(g => g.lr)).toEqual([0.2, 0.2])
    const late = new nn.Parameter(ones([1]))
    optimizer.addParamGroup({ params: [late], lr: 0.5 })
    late.grad = ones([1])
    optimizer.step()
    expect(await late.item()).toBeCloseTo(0.5, 6)
    expect(() => optimizer.addParamGroup({ params: [a] })).toThrow(/f32\[1\] is given twice/)
  })

  test('updates are not recorded, and raise the version that backward checks', () => {
    const p = new nn.Parameter(ones([2]))
    const optimizer = new optim.SGD([p], { lr: 0.1 })
    const loss = p.mul(p).sum()
    p.grad = ones([2])
    optimizer.step()
    expect(p.isLeaf).toBe(true)
    expect(() => loss.backward()).toThrow(/changed in place/)
  })

  test('state made in a scope outlives it', async () => {
    const p = new nn.Parameter(ones([1]))
    const optimizer = new optim.Adam([p], { lr: 0.1 })
    for (let i = 0; i < 3; i++)
      scope(() => {
        optimizer.zeroGrad()
        p.square().sum().backward()
        optimizer.step()
      })
    expect(await p.item()).toBeCloseTo(0.7, 2)
  })

  test('a compiled step sees a rate that changed, and begins with fresh state', async () => {
    const [a, b] = [new nn.Parameter(ones([3])), new nn.Parameter(ones([3]))]
    const stepOf = (p: nn.Parameter, o: optim.Adam) => (x: Tensor) => {
      o.zeroGrad()
      const loss = p.mul(x).square().sum()
      loss.backward()
      o.step()
      return loss
    }
    const [oa, ob] = [new optim.Adam([a]), new optim.Adam([b])]
    const [eager, compiled] = [stepOf(a, oa), compile(stepOf(b, ob))]
    for (let i = 0; i < 5; i++) {
      oa.lr = ob.lr = 0.1 / (i + 1)
      const x = tensor([1, 2, i])
      expect(await compiled(x).item()).toBe(await eager(x).item())
      expect(await b.data()).toEqual(await a.data())
    }
    expect(compiled.info().traces).toBe(1)
  })

  test('a rate set inside a compiled step is traced anew, not forgotten', async () => {
    const p = new nn.Parameter(zeros([1]))
    const optimizer = new optim.SGD([p], { lr: 1 })
    const schedule = new optim.lrScheduler.ExponentialLR(optimizer, 0.5)
    const step = compile(() => {
      optimizer.zeroGrad()
      p.sum().backward()
      optimizer.step()
      schedule.step()
      return p.sum()
    })
    const seen: number[] = []
    for (let i = 0; i < 3; i++) seen.push(await step().item())
    expect(seen).toEqual([-1, -1.5, -1.75])
  })
})

describe('checkpoints', () => {
  const stopped: readonly (readonly [string, Make])[] = [...[3, 6, 8, 13].map((i): [string, Make] => [kinds[i][0], kinds[i][1]]), ['NAdam', p => new optim.NAdam(p, { lr: 0.1 })], ['Rprop', p => new optim.Rprop(p)]]
  for (const [name, make] of stopped)
    test(`${name}: training goes on as if never stopped`, async () => {
      const train = (params: Tensor[], o: optim.Optimizer<{ lr: number }>, from: number, to: number) => {
        for (let t = from; t < to; t++) {
          gradientAt(t).forEach((g, k) => (params[k].grad = tensor(g)))
          o.step()
        }
      }
      const whole = start.map(v => new nn.Parameter(tensor(v)))
      const optimizer = make(whole)
      train(whole, optimizer, 0, 3)
      const resumed = whole.map(p => new nn.Parameter(p.detach().clone()))
      const again = make(resumed)
      again.lr = 9
      await again.loadStateDict(optimizer.stateDict())
      expect(again.lr).toBe(optimizer.lr)
      train(whole, optimizer, 3, 6)
      train(resumed, again, 3, 6)
      for (const [k, p] of resumed.entries()) expect(await p.data()).toEqual(await whole[k].data())
    })

  test('names are PyTorch’s, mismatches are refused', async () => {
    const p = new nn.Parameter(ones([2]))
    const optimizer = new optim.Adam([p], { amsgrad: true })
    p.grad = ones([2])
    optimizer.step()
    const saved = optimizer.stateDict()
    expect(Object.keys(saved.state[0])).toEqual(['step', 'exp_avg', 'exp_avg_sq', 'max_exp_avg_sq'])
    expect(saved.paramGroups[0]).toEqual({ lr: 1e-3, betas: [0.9, 0.999], eps: 1e-8, weightDecay: 0, amsgrad: true, maximize: false, params: [0] })
    await expect(new optim.SGD([p], { momentum: 0.9 }).loadStateDict(saved)).rejects.toThrow(/needs 'momentum_buffer' of shape \[2\]/)
    await expect(new optim.Adam([new nn.Parameter(ones([3]))], { amsgrad: true }).loadStateDict(saved)).rejects.toThrow(/parameter 0 \(f32\[3\]\) needs 'exp_avg' of shape \[3\]/)
  })
})

describe('mistakes', () => {
  const p = () => new nn.Parameter(ones([2]))
  const cases: readonly (readonly [string, () => unknown, RegExp])[] = [
    ['a model', () => new optim.Adam(new nn.Linear(1, 1) as unknown as Tensor[]), /\[Adam\] expected a list of parameters, got a Linear\. help: pass model\.parameters\(\)/],
    ['nothing to train', () => new optim.Adam([]), /\[Adam\] there is nothing to train/],
    ['misspelt option', () => new optim.Adam([p()], { weigthDecay: 1 } as object), /unknown option 'weigthDecay'.*did you mean 'weightDecay'/],
    ['rate', () => new optim.SGD([p()], { lr: -1 }), /the learning rate is -1/],
    ['rate set later', () => (new optim.SGD([p()]).lr = NaN), /the learning rate is NaN/],
    ['beta', () => new optim.AdamW([p()], { betas: [1, 0.9] }), /betas\[0\] is 1.*< 1/],
    ['nesterov without momentum', () => new optim.SGD([p()], { nesterov: true }), /nesterov with momentum 0/],
    ['not a leaf', () => new optim.SGD([p().mul(2)]), /f32\[2\] is not a leaf of a float dtype/],
    ['twice', () => {
      const q = p()
      return new optim.SGD([q, q])
    }, /f32\[2\] is given twice/],
    ['not tensors', () => new optim.SGD([1] as unknown as Tensor[]), /a group has no parameters/],
  ]
  for (const [name, run, message] of cases)
    test(name, () => {
      expect(run).toThrow(message)
    })
})
