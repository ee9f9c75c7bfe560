// Hooks on tensors: when they are called, with what, and what becomes of their answers.
import { describe, expect, test } from 'vitest'
import { compile, enableGrad, grad, memory, nn, noGrad, ones, optim, scope, symbolic, tensor, zeros, type Tensor } from '../../src/index.ts'
import { eachDevice } from '../each-device.ts'

const leaf = (values: number[] | number[][] | number): Tensor => tensor(values, { requiresGrad: true })
const list = async (x: Tensor | null | undefined): Promise<number[]> => Array.from(await x!.data())

eachDevice(() => {
  describe('registerHook', () => {
    test('sees the sum of all uses, in the order of registration, and puts others in its place', async () => {
      const x = leaf([1, 2])
      const y = x.mul(3)
      const seen: Tensor[] = []
      y.registerHook(g => void seen.push(g))
      y.registerHook(g => g.mul(10))
      y.registerHook(g => void seen.push(g))
      x.registerHook(g => g.add(1))
      y.square().add(y.mul(5)).sum().backward()
      expect(await Promise.all(seen.map(list))).toEqual([[11, 17], [110, 170]])
      expect(await list(x.grad)).toEqual([331, 511])
    })

    test('is called once in each backward pass, until it is removed', async () => {
      const x = leaf([1, 2])
      const handle = x.registerHook(g => g.mul(2))
      const loss = x.square().sum()
      loss.backward({ retainGraph: true })
      loss.backward({ retainGraph: true })
      expect(await list(x.grad)).toEqual([8, 16])
      handle.remove()
      handle.remove()
      expect(x.hooks).toBeNull()
      loss.backward()
      expect(await list(x.grad)).toEqual([10, 20])
    })

    test('on the loss itself sees its cotangent', async () => {
      const x = leaf([1, 2])
      const loss = x.sum()
      loss.registerHook(g => g.mul(7))
      loss.backward()
      expect(await list(x.grad)).toEqual([7, 7])
    })

    test('acts on what grad() gives of leaves, of what lies between, and of the ends of the walk', async () => {
      const x = leaf([1, 2])
      const y = x.mul(3)
      x.registerHook(g => g.mul(100))
      y.registerHook(g => g.mul(10))
      const loss = y.square().sum()
      expect(await list(grad(loss, [y], { retainGraph: true })[0])).toEqual([60, 120])
      expect(await list(grad(loss, [x], { retainGraph: true })[0])).toEqual([18000, 36000])
      const [gx, gy] = grad(loss, [x, y])
      expect([await list(gx), await list(gy)]).toEqual([[18000, 36000], [60, 120]])
      expect(x.grad).toBeNull()
    })

    test('stays silent where no gradient comes by', () => {
      const [x, y] = [leaf([1, 2]), leaf([3])]
      let calls = 0
      const unused = x.mul(2)
      unused.registerHook(() => void calls++)
      y.registerHook(() => void calls++)
      x.sum().backward()
      y.mul(x).sum().backward({ inputs: [x] })
      expect(calls).toBe(0)
    })

    test('on one output of several, and on parts of a tensor', async () => {
      const x = leaf([1, 2, 3, 4])
      const [a, b] = x.split(2)
      a.registerHook(g => g.mul(2))
      b.registerHook(g => g.mul(3))
      x.registerHook(g => g.add(1))
      a.add(b).sum().backward()
      expect(await list(x.grad)).toEqual([3, 3, 4, 4])
      const s = leaf([[1, 2], [3, 4]])
      s.registerHook(g => g.mul(10))
      s.select(0, 1).sum().backward()
      expect(await list(s.grad)).toEqual([0, 0, 10, 10])
    })

    test('has a history when the tape is recorded', async () => {
      const x = leaf([3])
      const y = x.square()
      y.registerHook(g => g.mul(x))
      const [dx] = grad(y.mul(2).sum(), [x], { createGraph: true })
      expect(await list(dx)).toEqual([2 * 3 * 2 * 3])
      expect(await list(grad(dx, [x])[0])).toEqual([8 * 3])
      x.registerHook(g => g.mul(x))
      x.pow(2).backward({ createGraph: true })
      expect(await list(x.grad)).toEqual([18])
      expect(x.grad!.requiresGrad).toBe(true)
    })

    test('may keep what it sees, whatever is added to the gradient later', async () => {
      const x = leaf([1, 2])
      const kept: Tensor[] = []
      x.registerHook(g => void kept.push(g))
      const loss = x.mul(3).sum()
      loss.backward({ retainGraph: true })
      loss.backward()
      expect(await Promise.all(kept.map(list))).toEqual([[3, 3], [3, 3]])
      expect(await list(x.grad)).toEqual([6, 6])
    })

    test('may give a tensor that it keeps', async () => {
      const x = leaf([1, 2])
      const own = tensor([5, 6])
      x.registerHook(() => own)
      const loss = x.sum()
      loss.backward({ retainGraph: true })
      loss.backward()
      expect([await list(x.grad), await list(own)]).toEqual([[10, 12], [5, 6]])
    })

    test('before a change in place sees the gradient of what was there', async () => {
      const x = leaf([1, 2])
      const y = x.mul(3)
      const [before, after]: Tensor[][] = [[], []]
      y.registerHook(g => void before.push(g))
      y.mul_(2)
      y.registerHook(g => void after.push(g))
      y.square().sum().backward()
      expect([await list(before[0]), await list(after[0]), await list(x.grad)]).toEqual([[24, 48], [12, 24], [72, 144]])
    })

    test('of a leaf waits for the whole gradient where a derivative rule asks for a part', async () => {
      const w = leaf([2, 3])
      w.registerHook(g => g.mul(10))
      const block = symbolic.checkpoint((x: Tensor) => x.mul(w).square())
      block(ones([2])).add(w).sum().backward()
      expect(await list(w.grad)).toEqual([50, 70])
    })

    test('says what is wrong', () => {
      const x = leaf([1, 2])
      expect(() => ones([2]).registerHook(() => {})).toThrow('[registerHook] f32[2] does not require a gradient')
      expect(() => x.registerHook(2 as never)).toThrow('registerHook')
      x.registerHook(() => ones([3]))
      expect(() => x.sum().backward()).toThrow('[registerHook] the hook gave f32[3] in place of the gradient f32[2]. help: return a tensor of the same shape and dtype')
      const y = leaf([1])
      y.registerHook((async () => {}) as never)
      expect(() => y.backward()).toThrow('the hook gave a promise')
    })
  })

  describe('registerPostAccumulateGradHook', () => {
    test('finds the gradient in place, and layers behind it are not done yet', async () => {
      const [a, b] = [leaf([2]), leaf([3])]
      const order: string[] = []
      const steps = [a, b].map((p, i) => p.registerPostAccumulateGradHook(q => {
        expect(q).toBe(p)
        order.push(`${'ab'[i]} ${a.grad ? 'with' : 'without'} a`)
        noGrad(() => q.sub_(q.grad!))
        q.grad = null
      }))
      tensor([1]).mul(a).mul(b).sum().backward()
      expect(order).toEqual(['b without a', 'a with a'])
      expect([await list(a), await list(b), a.grad, b.grad]).toEqual([[-1], [1], null, null])
      grad(a.mul(b).sum(), [a, b])
      expect(order.length).toBe(2)
      for (const handle of steps) handle.remove()
      a.mul(b).sum().backward()
      expect(order.length).toBe(2)
    })

    test('waits for the last use', async () => {
      const w = leaf([2])
      const seen: Tensor[] = []
      w.registerPostAccumulateGradHook(q => void seen.push(q.grad!.clone()))
      tensor([3]).mul(w).mul(w).mul(w).sum().backward()
      expect(await Promise.all(seen.map(list))).toEqual([[36]])
    })

    test('wants a leaf', () => {
      expect(() => leaf([1]).mul(2).registerPostAccumulateGradHook(() => {})).toThrow('[registerPostAccumulateGradHook] f32[1] is not a leaf')
      expect(() => ones([1]).registerPostAccumulateGradHook(() => {})).toThrow('does not require a gradient')
    })
  })

  describe('retainGrad', () => {
    test('gathers, behind all other hooks', async () => {
      const x = leaf([1])
      const y = x.mul(2)
      y.registerHook(g => g.mul(3))
      y.retainGrad()
      y.retainGrad()
      y.registerHook(g => g.mul(5))
      const loss = y.sum()
      loss.backward({ retainGraph: true })
      expect([await list(y.grad), await list(x.grad)]).toEqual([[15], [30]])
      loss.backward()
      expect([await list(y.grad), await list(x.grad)]).toEqual([[30], [60]])
      expect([y.retainsGrad, x.retainsGrad, y.square().retainsGrad]).toEqual([true, false, false])
    })

    test('follows a tensor, its base and its views through changes in place', async () => {
      const x = leaf([1, 2])
      const y = x.mul(3)
      y.retainGrad()
      y.mul_(2)
      y.square().sum().backward()
      expect([await list(y.grad), await list(x.grad)]).toEqual([[12, 24], [72, 144]])
      const base = x.mul(3)
      base.retainGrad()
      const view = base.select(0, 0)
      view.retainGrad()
      base.mul_(2)
      view.mul(5).add(base.sum()).backward()
      expect([await list(base.grad), await list(view.grad)]).toEqual([[6, 1], [5]])
      const turned = leaf([[1, 2], [3, 4]]).mul(1)
      turned.retainGrad()
      turned.t_()
      turned.mul(tensor([[1, 2], [3, 4]])).sum().backward()
      expect(await list(turned.grad)).toEqual([1, 2, 3, 4])
    })

    test('does nothing on a leaf, and wants a gradient', () => {
      const x = leaf([1])
      x.retainGrad()
      expect(x.hooks).toBeNull()
      expect(() => ones([2]).retainGrad()).toThrow('[retainGrad] f32[2] does not require a gradient')
    })
  })

  describe('in compiled code', () => {
    test('hooks are part of the graph, and the plan notices when they come and go', async () => {
      const w = leaf([1, 2])
      const seen = zeros([2])
      const step = compile((x: Tensor) => {
        const y = w.mul(x)
        y.retainGrad()
        y.registerHook(g => void noGrad(() => seen.add_(g)))
        const loss = y.square().sum()
        loss.backward()
        const [g] = grad(w.mul(x).sum(), [w])
        return [loss, y.grad!, g]
      })
      const run = async (): Promise<number[][]> => {
        w.grad = null
        const results = step(tensor([1, 3]))
        return Promise.all([...results, w.grad, seen].map(list))
      }
      expect(await run()).toEqual([[37], [2, 12], [1, 3], [2, 36], [2, 12]])
      const handle = w.registerHook(g => g.mul(2))
      expect(await run()).toEqual([[37], [2, 12], [2, 6], [4, 72], [4, 24]])
      expect(await run()).toEqual([[37], [2, 12], [2, 6], [4, 72], [6, 36]])
      expect(step.info().traces).toBe(2)
      handle.remove()
      expect(await run()).toEqual([[37], [2, 12], [1, 3], [2, 36], [8, 48]])
      expect(step.info().traces).toBe(2)
    })

    test('hooks of arguments', async () => {
      const f = compile((x: Tensor) => {
        x.square().sum().backward()
        return grad(x.sum(), [x])[0]
      })
      const [plain, hooked] = [leaf([1, 2]), leaf([1, 2])]
      hooked.registerHook(g => g.mul(3))
      expect([await list(f(plain)), await list(f(hooked)), await list(f(plain))]).toEqual([[1, 1], [3, 3], [1, 1]])
      expect([await list(plain.grad), await list(hooked.grad)]).toEqual([[4, 8], [6, 12]])
      expect(f.info().traces).toBe(2)
    })

    test('what a compiled function gave has no tape to hang them on', () => {
      const w = leaf([1, 2])
      const y = compile(() => w.mul(2))()
      for (const call of [() => y.registerHook(() => {}), () => y.retainGrad()]) expect(call).toThrow('this value was made by a compiled function')
      expect(y.hooks).toBeNull()
    })

    test('a step for each parameter as soon as its gradient is there', async () => {
      const train = async (wrap: (step: () => Tensor) => () => Tensor): Promise<number[]> => {
        const model = new nn.Sequential(new nn.Linear(3, 4), new nn.Tanh(), new nn.Linear(4, 1))
        noGrad(() => model.parameters().forEach((p, i) => p.fill_(0.1 * (i + 1))))
        for (const p of model.parameters()) {
          const sgd = new optim.SGD([p], { lr: 0.1, momentum: 0.9 })
          p.registerPostAccumulateGradHook(() => {
            sgd.step()
            sgd.zeroGrad()
          })
        }
        const step = wrap(() => {
          const loss = model.forward(ones([2, 3])).sub(1).square().mean()
          loss.backward()
          return loss
        })
        const losses: number[] = []
        for (let i = 0; i < 4; i++) losses.push(await step().item())
        expect(model.parameters().map(p => p.grad)).toEqual([null, null, null, null])
        return losses
      }
      const [eager, compiled] = [await train(step => step), await train(step => compile(step))]
      expect(eager[3]).toBeLessThan(eager[0])
      compiled.forEach((loss, i) => expect(loss).toBeCloseTo(eager[i], 5))
    })
  })

  test('nothing is left behind', () => {
    const w = leaf([1, 2])
    w.registerHook(g => g.mul(2))
    const step = (): void => scope(() => {
      const y = w.mul(3)
      y.retainGrad()
      y.registerHook(g => g.add(1))
      y.square().sum().backward()
      y.grad!.dispose()
      w.grad!.dispose()
      w.grad = null
    })
    step()
    const before = memory().tensors
    for (let i = 0; i < 3; i++) step()
    expect(memory().tensors).toBe(before)
  })

  test('a hook may ask for other gradients', async () => {
    const [x, w] = [leaf([2]), leaf([3])]
    w.registerHook(g => g.mul(10))
    x.registerHook(g => g.mul(enableGrad(() => grad(w.square().sum(), [w])[0])))
    x.square().sum().backward()
    expect([await list(x.grad), w.grad]).toEqual([[240], null])
  })
})
