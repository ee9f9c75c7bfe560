// Expressions and functions: the first programs of Theano's tutorial, and what func, shared variables and expressions promise.
import { describe, expect, test } from 'vitest'
import { add, manualSeed, optim, randn, tensor, zeros, type Tensor } from '../../src/index.ts'
import * as S from '../../src/symbolic/index.ts'
import { eachDevice } from '../each-device.ts'

const list = async (x: Tensor): Promise<number[]> => Array.from(await x.data())
const near = (a: readonly number[], b: readonly number[], digits = 5): void => {
  expect(a.length).toBe(b.length)
  a.forEach((v, i) => expect(v).toBeCloseTo(b[i], digits))
}

eachDevice(() => {
  test('trustInput takes tensors as they are; tag keeps notes through clone', async () => {
    const x = S.vector('x')
    const y = x.mul(2)
    S.tag(y).layer = 3
    const f = S.func({ inputs: [x], outputs: y, trustInput: true })
    expect(await list(f(tensor([[1, 2], [3, 4]])))).toEqual([2, 4, 6, 8])
    expect(await list(f([1, 2]))).toEqual([2, 4])
    expect(() => S.func({ inputs: [x], outputs: y })(tensor([[1, 2], [3, 4]]))).toThrow(/should have 1 dimensions/)
    const other = S.clone(y.exp(), [[x, S.vector('z')]])
    expect(S.ancestors(other).flatMap(e => S.tag(e).layer ?? [])).toEqual([3])
    expect(() => S.tag(tensor([1]))).toThrow(/is no expression/)
  })

  describe('the tutorial: algebra and functions', () => {
    test('adding two scalars', async () => {
      const [x, y] = S.scalars('x', 'y')
      const z = x.add(y)
      const f = S.func({ inputs: [x, y], outputs: z })
      expect(await f(2, 3).item()).toBe(5)
      expect(await f(16.3, 12.1).item()).toBeCloseTo(28.4, 4)
      expect(await S.evaluate(z, [[x, 16.3], [y, 12.1]]).item()).toBeCloseTo(28.4, 4)
    })

    test('adding two matrices', async () => {
      const [x, y] = S.matrices('x', 'y')
      const f = S.func({ inputs: [x, y], outputs: add(x, y) })
      expect(await f([[1, 2], [3, 4]], [[10, 20], [30, 40]]).toArray()).toEqual([[11, 22], [33, 44]])
    })

    test('the exercise a² + b² + 2ab', async () => {
      const [a, b] = [S.vector('a'), S.vector('b')]
      const f = S.func({ inputs: [a, b], outputs: a.pow(2).add(b.pow(2)).add(a.mul(b).mul(2)) })
      expect(await list(f([1, 2], [4, 5]))).toEqual([25, 49])
    })

    test('the logistic function, in two ways', async () => {
      const x = S.matrix('x')
      const logistic = S.func({ inputs: [x], outputs: x.neg().exp().add(1).reciprocal() })
      const other = S.func({ inputs: [x], outputs: x.div(2).tanh().add(1).div(2) })
      for (const f of [logistic, other]) near(await list(f([[0, 1], [-1, -2]])), [0.5, 0.73105858, 0.26894142, 0.11920292])
    })

    test('several outputs at once', async () => {
      const [a, b] = S.matrices('a', 'b')
      const diff = a.sub(b)
      const f = S.func({ inputs: [a, b], outputs: [diff, diff.abs(), diff.pow(2)] })
      const [d, e, g] = f([[1, 1], [1, 1]], [[0, 1], [2, 3]])
      expect([await list(d), await list(e), await list(g)]).toEqual([[1, 0, -1, -2], [1, 0, 1, 2], [1, 0, 1, 4]])
    })

    test('default values and names', async () => {
      const [x, y, w] = S.scalars('x', 'y', 'w')
      const f = S.func({ inputs: [x, { variable: y, default: 1 }, { variable: w, default: 2, name: 'w_by_name' }], outputs: x.add(y).mul(w) })
      expect(await f(33).item()).toBe(68)
      expect(await f(33, 2).item()).toBe(70)
      expect(await f(33, 0, 1).item()).toBe(33)
      expect(await f(33, { w_by_name: 1 }).item()).toBe(34)
      expect(await f(33, { w_by_name: 1, y: 0 }).item()).toBe(33)
    })

    test('the accumulator', async () => {
      const state = S.shared(0, { name: 'state' })
      const inc = S.iscalar('inc')
      const accumulator = S.func({ inputs: [inc], outputs: state, updates: [[state, state.add(inc)]] })
      expect(await state.get().item()).toBe(0)
      expect(await accumulator(1).item()).toBe(0)
      expect(await state.get().item()).toBe(1)
      expect(await accumulator(300).item()).toBe(1)
      expect(await state.get().item()).toBe(301)
      state.set(-1)
      expect(await accumulator(3).item()).toBe(-1)
      expect(await state.get().item()).toBe(2)
      const decrementor = S.func({ inputs: [inc], outputs: state, updates: [[state, state.sub(inc)]] })
      expect(await decrementor(2).item()).toBe(2)
      expect(await state.get().item()).toBe(0)
    })

    test('givens', async () => {
      const state = S.shared(0, { name: 'state' })
      const inc = S.iscalar('inc')
      const foo = S.scalar('foo')
      const expression = state.mul(2).add(inc)
      const f = S.func({ inputs: [inc, foo], outputs: expression, givens: [[state, foo]] })
      expect(await f(1, 3).item()).toBe(7)
      expect(await state.get().item()).toBe(0)
    })

    test('copying functions', async () => {
      const state = S.shared(0)
      const inc = S.iscalar('inc')
      const accumulator = S.func({ inputs: [inc], outputs: state, updates: [[state, state.add(inc)]] })
      accumulator(10)
      expect(await state.get().item()).toBe(10)
      const fresh = S.shared(0)
      const other = accumulator.copy({ swap: [[state, fresh]] })
      expect(await other(100).item()).toBe(0)
      expect([await fresh.get().item(), await state.get().item()]).toEqual([100, 10])
      const still = accumulator.copy({ deleteUpdates: true })
      expect(await still(9000).item()).toBe(10)
      expect(await state.get().item()).toBe(10)
    })

    test('random streams', async () => {
      const srng = new S.RandomStreams(234)
      const u = srng.uniform([2, 2])
      const n = srng.normal([2, 2])
      const f = S.func({ outputs: u })
      const g = S.func({ outputs: n, noDefaultUpdates: true })
      const zeros = S.func({ outputs: u.add(u).sub(u.mul(2)) })
      const [a, b] = [await list(f()), await list(f())]
      expect(a).not.toEqual(b)
      expect(a.every(v => v >= 0 && v < 1)).toBe(true)
      expect(await list(g())).toEqual(await list(g()))
      expect(await list(zeros())).toEqual([0, 0, 0, 0])
      // One stream is seeded alone, all are seeded together.
      S.generatorOf(u).manualSeed(89234)
      const c = await list(f())
      S.generatorOf(u).manualSeed(89234)
      expect(await list(f())).toEqual(c)
      srng.seed(902340)
      const d = [await list(f()), await list(g())]
      srng.seed(902340)
      expect([await list(f()), await list(g())]).toEqual(d)
    })
  })

  describe('the tutorial: logistic regression', () => {
    test('learns, as the program with explicit updates and with an optimiser', async () => {
      manualSeed(1)
      const [n, features] = [40, 7]
      const data = randn(n, features)
      const labels = data.select(1, 0).add(data.select(1, 1)).gt(0).to('float32')
      const train = (how: 'pairs' | 'optimizer'): { step: S.Func<readonly [Tensor, Tensor]>; predict: S.Func<Tensor>; w: S.Shared } => {
        const x = S.matrix('x')
        const y = S.vector('y')
        const w = S.shared(zeros(features), { name: 'w' })
        const b = S.shared(0, { name: 'b' })
        const p1 = x.matmul(w).neg().sub(b).exp().add(1).reciprocal()
        const prediction = p1.gt(0.5)
        const xent = y.neg().mul(p1.log()).sub(y.neg().add(1).mul(p1.neg().add(1).log()))
        const cost = xent.mean().add(w.pow(2).sum().mul(0.01))
        const [gw, gb] = S.grad(cost, [w, b])
        const sgd = new optim.SGD([w.value, b.value], { lr: 0.1 })
        const updates = how === 'pairs' ? [[w, w.sub(gw.mul(0.1))], [b, b.sub(gb.mul(0.1))]] as const : [sgd.updates(cost)]
        return { step: S.func({ inputs: [x, y], outputs: [prediction, xent.mean()] as const, updates }), predict: S.func({ inputs: [x], outputs: prediction }), w }
      }
      const [a, b] = [train('pairs'), train('optimizer')]
      const losses: number[] = []
      for (let i = 0; i < 60; i++) {
        losses.push(await a.step(data, labels)[1].item())
        b.step(data, labels)
      }
      expect(losses[0]).toBeCloseTo(Math.LN2, 5)
      expect(losses.at(-1)!).toBeLessThan(0.4)
      near(await list(a.w.get()), await list(b.w.get()), 5)
      const right = a.predict(data).to('float32').eq(labels).to('float32').mean()
      expect(await right.item()).toBeGreaterThan(0.9)
      expect(b.w.value.grad).toBeNull()
    })
  })
})
