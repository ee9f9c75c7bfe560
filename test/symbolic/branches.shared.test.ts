// Branches in compiled code: only the side that the condition picks runs, on the device, also where nothing can be read at once. An index that
// points nowhere tells: the kernel that uses it faults if it runs.
import { describe, expect, test } from 'vitest'
import { compile, defaultGenerator, grad, loadFunction, manualSeed, nn, noGrad, optim, rand, randn, saveFunction, tensor, zeros, type Tensor } from '../../src/index.ts'
import * as S from '../../src/symbolic/index.ts'
import { eachDevice } from '../each-device.ts'

const list = async (x: Tensor): Promise<number[]> => Array.from(await x.data())
const near = (a: readonly number[], b: readonly number[]): void => {
  expect(a.length).toBe(b.length)
  a.forEach((v, i) => expect(v).toBeCloseTo(b[i], 4))
}
const nowhere = (): Tensor => tensor(new Int32Array([0, 99]))
const somewhere = (): Tensor => tensor(new Int32Array([0, 2]))

eachDevice(() => {
  describe('branches in compiled code', () => {
    const table = (): Tensor => tensor([10, 20, 30])

    test('the side that is not taken does not run', async () => {
      const t = table()
      const f = compile((x: Tensor, at: Tensor) => S.ifelse(x.sum().gt(0), () => t.gather(0, at).exp().log(), () => x.mul(2)))
      expect(await list(f(tensor([-1, -2]), nowhere()))).toEqual([-2, -4])
      near(await list(f(tensor([1, 2]), somewhere())), [10, 30])
      expect(await list(f(tensor([-1, 0.5]), nowhere()))).toEqual([-2, 1])
      await expect((async () => list(f(tensor([1, 2]), nowhere())))()).rejects.toThrow(/index 99 is outside/)
      expect(f.info().traces).toBe(1)
      const g = compile((x: Tensor, at: Tensor) => S.cond(x.sum().gt(0), () => x.mul(2), () => t.gather(0, at).neg()))
      expect(await list(g(tensor([1, 2]), nowhere()))).toEqual([2, 4])
      expect(await list(g(tensor([-1, -2]), somewhere()))).toEqual([-10, -30])
    })

    test('of expressions, with several results, and what others need as well', async () => {
      const [x, y] = S.vectors('x', 'y')
      const at = S.ivector('at')
      const both = x.mul(y)
      const [p, q] = S.ifelse(x.sum().gt(0), [both.exp(), y.mul(3)], [y.gather(0, at), both.neg()])
      const f = S.func({ inputs: [x, y, at], outputs: [p, q, both] })
      const [a, b, c] = f([1, 2], [0, 1], nowhere())
      near(await list(a), [1, Math.E ** 2])
      expect([await list(b), await list(c)]).toEqual([[0, 3], [0, 2]])
      const [d, e] = f([-1, -2], [5, 6], tensor(new Int32Array([1, 1])))
      expect([await list(d), await list(e)]).toEqual([[6, 6], [5, 12]])
    })

    test('branches inside of branches', async () => {
      const t = table()
      const f = compile((x: Tensor, at: Tensor) => S.ifelse(x.sum().gt(0),
        () => S.ifelse(x.sum().gt(10), () => t.gather(0, at).mul(2), () => x.add(1)),
        () => S.ifelse(x.sum().lt(-10), () => t.gather(0, at).mul(3), () => x.sub(1))))
      expect(await list(f(tensor([1, 2]), nowhere()))).toEqual([2, 3])
      expect(await list(f(tensor([-1, -2]), nowhere()))).toEqual([-2, -3])
      expect(await list(f(tensor([10, 2]), somewhere()))).toEqual([20, 60])
      expect(await list(f(tensor([-10, -2]), somewhere()))).toEqual([30, 90])
      await expect((async () => list(f(tensor([-10, -2]), nowhere())))()).rejects.toThrow(/index 99 is outside/)
    })

    test('derivatives are lazy too, and those of the side that was taken', async () => {
      const w = tensor([1, 2, 3], { requiresGrad: true })
      const f = compile((x: Tensor, at: Tensor) => {
        const h = x.mul(w)
        const y = S.ifelse(x.sum().gt(0), () => h.square().sum(), () => w.gather(0, at).mul(h.sum()).sum())
        const [gw, gx] = grad(y.mul(2), [w, h], { createGraph: true })
        return [gw, gx, grad(gw.square().sum(), [w])[0]]
      })
      const slopes = (x: Tensor, at: Tensor, positive: boolean): Tensor[] => {
        const h = x.mul(w)
        const y = positive ? h.square().sum() : w.gather(0, at).mul(h.sum()).sum()
        const [gw, gx] = grad(y.mul(2), [w, h], { createGraph: true })
        return [gw, gx, grad(gw.square().sum(), [w])[0]]
      }
      for (const [values, at, positive] of [[[1, 2, -1], nowhere(), true], [[-1, -2, 1], somewhere(), false]] as const) {
        const [found, expected] = [f(tensor([...values]), at), slopes(tensor([...values]), somewhere(), positive)]
        for (const i of found.keys()) near(await list(found[i]), await list(expected[i]))
      }
    })

    test('inside of loops, and with loops inside; gradients, budgets and other ways to plan', async () => {
      const w = randn(3, 3).mul(0.3).requiresGrad_()
      const t = table()
      const turn = (x: Tensor, h: Tensor, at: Tensor): Tensor => S.ifelse(x.sum().gt(0), () => h.matmul(w).add(x).tanh(), () => h.add(t.gather(0, at).sum().mul(x)))
      const run = (xs: Tensor, at: Tensor): readonly [Tensor, Tensor] => {
        const end = S.ifelse(xs.sum().lt(1e6), () => S.foldl((x, h) => turn(x, h, at), xs, tensor([[0.1, 0.2, 0.3]])), () => xs.select(0, 0).exp())
        return [end, grad(end.square().sum(), [w])[0]]
      }
      const [up, mixed] = [rand(6, 1, 3), randn(6, 1, 3)]
      const expected = [up, mixed].map(xs => run(xs, somewhere()))
      const plain = compile((xs: Tensor, at: Tensor) => run(xs, at))
      const whole = [plain(up, nowhere()), plain(mixed, somewhere())]
      for (const i of [0, 1]) for (const k of [0, 1] as const) near(await list(whole[i][k]), await list(expected[i][k]))
      for (const how of [{ mode: 'fastCompile' }, { exclude: ['fusion'] }, { budget: 1e6 }] as const) {
        const other = compile((xs: Tensor, at: Tensor) => run(xs, at), how)
        const found = [other(up, nowhere()), other(mixed, somewhere())]
        for (const i of [0, 1]) for (const k of [0, 1] as const) near(await list(found[i][k]), await list(whole[i][k]))
      }
    })

    test('gradients of expressions, with respect to an inner one as well', async () => {
      const x = S.vector('x')
      const h = x.exp()
      const y = S.ifelse(x.sum().gt(0), h.square().sum(), h.sum().mul(3))
      const f = S.func({ inputs: [x], outputs: [S.grad(y, x), S.grad(y, h)] })
      const [a, b] = f([0, 1])
      near([...(await list(a)), ...(await list(b))], [2, 2 * Math.E ** 2, 2, 2 * Math.E])
      const [c, d] = f([0, -1])
      near([...(await list(c)), ...(await list(d))], [3, 3 / Math.E, 3, 3])
    })

    test('a training step with two losses goes the way of eager code', async () => {
      const make = (): { net: nn.Linear; adam: optim.Adam } => {
        manualSeed(1)
        const net = new nn.Linear(3, 2)
        return { net, adam: new optim.Adam(net.parameters(), { lr: 0.1 }) }
      }
      const stepOf = ({ net, adam }: ReturnType<typeof make>, pick: (c: Tensor, a: () => Tensor, b: () => Tensor) => Tensor) => (x: Tensor, c: Tensor): Tensor => {
        adam.zeroGrad()
        const y = net.forward(x)
        const loss = pick(c, () => y.square().mean(), () => y.sub(1).abs().sum())
        loss.backward()
        adam.step()
        return loss
      }
      const compiled = compile(stepOf(make(), (c, a, b) => S.ifelse(c, a, b)))
      const x = rand(4, 3)
      const choices = [1, 0, 0, 1]
      const eager = make()
      for (const c of choices) {
        const expected = stepOf(eager, (_, a, b) => (c ? a() : b()))(x, tensor(c))
        near(await list(compiled(x, tensor(c))), await list(expected))
      }
    })

    test('what shows values runs on both sides', async () => {
      const seen: number[] = []
      const f = compile((x: Tensor) => S.ifelse(x.sum().gt(0), () => S.tap(x.mul(2), async v => void seen.push(await v.sum().item())), () => x.add(0)))
      expect(await list(f(tensor([1, 2])))).toEqual([2, 4])
      expect(await list(f(tensor([-1, -2])))).toEqual([-1, -2])
      await expect.poll(() => seen).toEqual([6, -6])
    })

    test('only the side that is taken draws random numbers; its derivative meets the same ones', async () => {
      const w = tensor([1, 2, 3, 4], { requiresGrad: true })
      const side = (x: Tensor): Tensor => x.mul(w).mul(rand(4)).add(rand(4).square())
      const f = compile((x: Tensor) => {
        const y = S.ifelse(x.sum().gt(0), () => side(x), () => x.mul(w))
        return [y, grad(y.sum(), [w])[0], rand(2)]
      })
      manualSeed(5)
      const found = [1, -1, 1].map(sign => f(tensor([1, 2, 3, 4]).mul(sign)))
      const after = rand(3)
      manualSeed(5)
      for (const [i, sign] of [1, -1, 1].entries()) {
        const x = tensor([1, 2, 3, 4]).mul(sign)
        const y = sign > 0 ? side(x) : x.mul(w)
        for (const [k, v] of [y, grad(y.sum(), [w])[0], rand(2)].entries()) near(await list(found[i][k]), await list(v))
      }
      near(await list(after), await list(rand(3)))
      const generator = defaultGenerator()
      expect(await list(generator.state)).toEqual([5, 2 * 2 + 3 + 1])
    })

    test('only the side that is taken writes: state from outside, and values of the code around it', async () => {
      const [a, b] = [zeros(2), zeros(2, 2)]
      const f = compile((x: Tensor) => {
        const own = x.mul(2)
        const y = S.ifelse(x.sum().gt(0), () => (noGrad(() => a.add_(x)), b.select(0, 1).copy_(a), a.mul(1)), () => (own.mul_(-1), b.mul_(2), own.sub(1)))
        return [y, own, a.add(b.sum(0))]
      })
      const found: number[][] = []
      for (const x of [[1, 2], [-1, -3], [2, 2]]) for (const v of f(tensor(x))) found.push(await list(v))
      expect(found).toEqual([[1, 2], [2, 4], [2, 4], [1, 5], [2, 6], [3, 6], [3, 4], [4, 4], [6, 8]])
      expect([await list(a), await list(b)]).toEqual([[3, 4], [0, 0, 3, 4]])
    })

    test('layers with state of their own, in training', async () => {
      const make = (): nn.BatchNorm1d => new nn.BatchNorm1d(3)
      const [norm, plain] = [make(), make()]
      const f = compile((x: Tensor) => S.ifelse(x.sum().gt(0), () => norm.forward(x), () => x.mul(2)))
      const xs = [rand(4, 3), rand(4, 3).neg(), rand(4, 3)]
      for (const [i, x] of xs.entries()) near(await list(f(x)), await list(i === 1 ? x.mul(2) : plain.forward(x)))
      near(await list(norm.runningMean!), await list(plain.runningMean!))
      near(await list(norm.runningVar!), await list(plain.runningVar!))
    })

    test('results of different kinds', async () => {
      const f = compile((x: Tensor) => S.ifelse(x.sum().gt(0), () => [x.mul(2), x.gt(1)], () => [0, x.square()]))
      expect(await Promise.all(f(tensor([1, 2])).map(list))).toEqual([[2, 4], [0, 1]])
      expect(await Promise.all(f(tensor([-1, -2])).map(list))).toEqual([[0, 0], [1, 4]])
      const whole = compile((x: Tensor) => S.ifelse<readonly (Tensor | number)[]>(x.sum().gt(0), () => [x.to('int32'), x.to('int32')], () => [7, 0.5]))
      const parts = whole(tensor([-1, -2]))
      expect(parts.map(y => y.dtype)).toEqual(['int32', 'float32'])
      expect(await Promise.all(parts.map(list))).toEqual([[7, 7], [0.5, 0.5]])
      expect(await S.ifelse(true, 1, 2).add(1).item()).toBe(2)
      const g = compile((x: Tensor) => S.ifelse(x.sum().gt(0), () => x.sum(), () => x))
      expect(() => g(tensor([1, 2]))).toThrow(/\[ifelse\].*\[\].*\[2\].*shape/)
      const h = compile((x: Tensor) => S.ifelse(x.sum().gt(0), () => [x, x], () => [x]))
      expect(() => h(tensor([1, 2]))).toThrow(/2 and 1 results/)
      const w = tensor([1, 2], { requiresGrad: true })
      const k = compile((x: Tensor) => S.ifelse(x.sum().gt(0), () => (w.mul(x).sum().backward(), x), () => x))
      expect(() => k(tensor([1, 2]))).toThrow(/gathers gradients/)
      const two = compile((x: Tensor) => {
        const own = x.mul(2)
        const part = own.narrow(0, 0, 1)
        return S.ifelse(x.sum().gt(0), () => (own.add_(1), part.mul(2)), () => part)
      })
      expect(() => two(tensor([1, 2]))).toThrow(/in two ways/)
    })

    test('one tensor for two arguments', async () => {
      const f = compile((x: Tensor, y: Tensor, c: Tensor) => S.ifelse(c, () => x.mul(y).add(1), () => x.matmul(y)))
      const [x, y] = [tensor([[1, 2], [3, 4]]), tensor([[1, 1], [1, 1]])]
      expect(await list(f(x, y, tensor(1)))).toEqual([2, 3, 4, 5])
      expect(await list(f(x, x, tensor(1)))).toEqual([2, 5, 10, 17])
      expect(await list(f(x, x, tensor(0)))).toEqual([7, 10, 15, 22])
    })

    test('sizes that change', async () => {
      const f = compile((x: Tensor) => S.ifelse(x.sum().gt(0), () => x.mul(2).sum(), () => x.square().sum()), { dynamic: { 0: [0] } })
      for (const n of [3, 5, 9]) {
        const x = randn(n)
        const total = await x.sum().item()
        expect(await f(x).item()).toBeCloseTo(await (total > 0 ? x.mul(2) : x.square()).sum().item(), 4)
      }
      expect(f.info().traces).toBe(1)
    })

    test('saved, loaded and still lazy', async () => {
      const t = table()
      const f = compile((x: Tensor, at: Tensor) => S.ifelse(x.sum().gt(0), () => S.ifelse(x.sum().gt(10), () => t.gather(0, at), () => x.exp()), () => x.mul(2)))
      f(tensor([1, 2]), somewhere())
      const g = loadFunction(await saveFunction(f))
      expect(await list(g(tensor([-1, -2]), nowhere()))).toEqual([-2, -4])
      near(await list(g(tensor([0, 1]), nowhere())), [1, Math.E])
      expect(await list(g(tensor([10, 2]), somewhere()))).toEqual([10, 30])
    })

    test('a function of expressions learns by a choice of two costs; it is saved and loaded with its state', async () => {
      const make = (): S.Func<Tensor> => {
        const [x, c] = [S.vector('x'), S.scalar('c')]
        const w = S.shared(tensor([1, 2, 3]), { name: 'w' })
        const noise = new S.RandomStreams(7).uniform([3])
        const h = x.mul(w)
        const cost = S.ifelse(c.gt(0), h.square().sum(), h.mul(noise).sum().mul(3))
        return S.func({ inputs: [x, c], outputs: cost, updates: [[w, w.sub(S.grad(cost, w).mul(0.1))]] })
      }
      const [once, f] = [make(), make()]
      const x = tensor([1, 0.5, -1])
      const expected: number[] = []
      for (const c of [1, -1, 1, -1]) expected.push(await once(x, c).item())
      near([await f(x, 1).item(), await f({ x, c: -1 }).item()], expected.slice(0, 2))
      expect(f.info().traces).toBe(1)
      const g = loadFunction(await saveFunction(f))
      near([await (g({ x, c: 1 }) as Tensor).item(), await (g(x, -1) as Tensor).item()], expected.slice(2))
      near(await list(g.get('w')), await list(once.get('w')))
      f.free()
    })

    test('modes look at what has run', async () => {
      const make = (mode: 'debug' | 'nanGuard') => compile((x: Tensor) => S.ifelse(x.sum().gt(0), () => x.sub(5).log().exp().sum(1), () => x.neg().mul(2).add(x).sum(1)), { mode })
      for (const mode of ['debug', 'nanGuard'] as const) {
        const f = make(mode)
        expect(await list(f(tensor([[-1, -2]])))).toEqual([3])
        await f.checked()
      }
      const loop = compile((x: Tensor) => S.foldl((a, sum) => sum.add(a.log()), x, tensor(0)), { mode: 'nanGuard' })
      expect(await loop(tensor([1, 1, 1])).item()).toBe(0)
      const guarded = make('nanGuard')
      await expect((async () => {
        await list(guarded(tensor([[1, 2]])))
        await guarded.checked()
      })()).rejects.toThrow(/NaN/)
      const timed = compile((x: Tensor) => S.ifelse(x.sum().gt(0), () => x.exp().sum(1), () => x.neg().sum(1)), { profile: true })
      expect(await list(timed(tensor([[-1, -2]])))).toEqual([3])
      await timed.checked()
      expect(timed.profile().calls).toBe(1)
      expect(timed.graph('plan').plan!.kernels.some(k => k.kind === 'when' && k.text.includes('exp'))).toBe(true)
    })
  })
})
