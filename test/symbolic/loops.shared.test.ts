// Loops and branches: the examples of Theano's tutorial with their documented results, and the same functions on eager tensors.
import { describe, expect, test } from 'vitest'
import { arange, compile, grad as torchGrad, manualSeed, nn, ones, onesLike, rand, randn, tanh, tensor, zeros, zerosLike, type Tensor } from '../../src/index.ts'
import * as S from '../../src/symbolic/index.ts'
import { eachDevice } from '../each-device.ts'

const list = async (x: Tensor): Promise<number[]> => Array.from(await x.data())
const near = (a: readonly number[], b: readonly number[], digits = 4): void => {
  expect(a.length).toBe(b.length)
  a.forEach((v, i) => expect(v).toBeCloseTo(b[i], digits))
}

eachDevice(name => {
  describe('the tutorial: loops', () => {
    test('A to the power k', async () => {
      const k = S.iscalar('k')
      const A = S.vector('A')
      const result = S.scan((prior, a) => prior.mul(a), { outputsInfo: onesLike(A), nonSequences: A, nSteps: k })
      const power = S.func({ inputs: [A, k], outputs: result.at(-1) })
      expect(await list(power(arange(10).to('float32'), 2))).toEqual([0, 1, 4, 9, 16, 25, 36, 49, 64, 81])
      expect(await list(power(arange(10).to('float32'), 4))).toEqual([0, 1, 16, 81, 256, 625, 1296, 2401, 4096, 6561])
    })

    test('a polynomial', async () => {
      const coefficients = S.vector('coefficients')
      const x = S.scalar('x')
      const components = S.scan((c, power, free) => c.mul(free.pow(power)), { sequences: [coefficients, arange(100)], outputsInfo: null, nonSequences: x })
      const calculate = S.func({ inputs: [coefficients, x], outputs: components.sum() })
      expect(await calculate([1, 0, 2], 3).item()).toBe(19)
    })

    test('a sum that is carried along', async () => {
      const up = S.iscalar('up_to')
      const triangular = S.scan((value, sum) => sum.add(value), { sequences: arange(S.asNumber(up)), outputsInfo: tensor(0) })
      const f = S.func({ inputs: [up], outputs: triangular })
      expect(await list(f(15))).toEqual([0, 1, 3, 6, 10, 15, 21, 28, 36, 45, 55, 66, 78, 91, 105])
    })

    test('entries of a matrix set one by one', async () => {
      const location = S.imatrix('location')
      const values = S.vector('values')
      const model = S.matrix('output_model')
      const set = (at: Tensor, value: Tensor, like: Tensor): Tensor => zerosLike(like).indexPut([at.select(0, 0), at.select(0, 1)], value)
      const result = S.scan(set, { sequences: [location, values], outputsInfo: null, nonSequences: model })
      const assign = S.func({ inputs: [location, values, model], outputs: result })
      const out = assign(tensor(new Int32Array([1, 1, 2, 3]), { shape: [2, 2] }), [42, 50], zeros(5, 5))
      expect(out.shape).toEqual([2, 5, 5])
      const found = await list(out)
      expect([found[6], found[25 + 13], found.reduce((a, b) => a + b)]).toEqual([42, 50, 92])
    })

    test('tanh(xW + b) row by row', async () => {
      const [X, W] = S.matrices('X', 'W')
      const b = S.vector('b_sym')
      const results = S.scan(v => tanh(v.matmul(W).add(b)), { sequences: X })
      const f = S.func({ inputs: [X, W, b], outputs: results })
      const [x, w] = [[[1, 0.5], [-1, 2]], [[0.1, 0.2], [0.3, 0.4]]]
      const c = tensor([2, 2])
      near(await list(f(x, w, c)), await list(tanh(tensor(x).matmul(tensor(w)).add(c))))
    })

    test('a recurrence with a sequence, and one that runs backwards', async () => {
      const [X, W, Y, U, P, V] = ['X', 'W', 'Y', 'U', 'P', 'V'].map(n => S.matrix(n))
      const x0 = S.vector('X0')
      const results = S.scan((y, p, before) => tanh(before.matmul(W).add(y.matmul(U)).add(p.matmul(V))), { sequences: [Y, P.flip(0)], outputsInfo: x0 })
      const f = S.func({ inputs: [x0, W, Y, U, P, V], outputs: results })
      manualSeed(3)
      const [w, y, u, p, v] = [randn(2, 2), randn(5, 2), randn(2, 2), randn(5, 2), randn(2, 2)]
      let state: Tensor = zeros(2)
      const expected: Tensor[] = []
      for (let i = 0; i < 5; i++) expected.push((state = tanh(state.matmul(w).add(y.select(0, i).matmul(u)).add(p.select(0, 4 - i).matmul(v)))))
      near(await list(f(zeros(2), w, y, u, p, v)), (await Promise.all(expected.map(list))).flat())
      expect(() => S.func({ inputs: [X], outputs: results })).toThrow(/depends on/)
    })

    test('norms of rows and of columns, and a trace', async () => {
      const X = S.matrix('X')
      const rows = S.map(x => x.pow(2).sum().sqrt(), X)
      const columns = S.map(x => x.pow(2).sum().sqrt(), X.t())
      const n = S.scan((i, j, sum) => sum.add(X.at(i, j)), { sequences: [arange(5), arange(5)], outputsInfo: tensor(0) })
      const f = S.func({ inputs: [X], outputs: { rows, columns, trace: n.at(-1) } })
      const out = f(arange(25).reshape(5, 5).to('float32'))
      near(await list(out.rows), [30, 255, 730, 1455, 2430].map(Math.sqrt))
      near(await list(out.columns), [750, 855, 970, 1095, 1230].map(Math.sqrt))
      expect(await out.trace.item()).toBe(60)
    })

    test('a recurrence over two steps back', async () => {
      const [U, V, W] = S.matrices('U', 'V', 'W')
      const X0 = S.matrix('X0')
      const results = S.scan((older, newer) => older.matmul(U).add(newer.matmul(V)).add(tanh(newer.matmul(W))), { outputsInfo: { initial: X0, taps: [-2, -1] }, nSteps: 4 })
      const f = S.func({ inputs: [X0, U, V, W], outputs: results })
      const eye = [[0.5, 0], [0, 0.5]]
      const out = await list(f([[1, 1], [2, 2]], eye, eye, eye))
      const expected: number[] = [1, 2]
      for (let i = 0; i < 4; i++) expected.push(0.5 * expected[i] + 0.5 * expected[i + 1] + Math.tanh(0.5 * expected[i + 1]))
      near(out, expected.slice(2).flatMap(v => [v, v]))
    })

    test('the Jacobian by a loop over its rows', async () => {
      const v = S.vector('v')
      const y = tanh(v.mul(tensor([[1, 2], [3, 4]])).sum(1))
      const J = S.func({ inputs: [v], outputs: S.jacobian(y, v) })
      const at = [0.1, 0.2]
      const out = await list(J(at))
      const [d0, d1] = [1 - Math.tanh(0.5) ** 2, 1 - Math.tanh(1.1) ** 2]
      near(out, [d0, 2 * d0, 3 * d1, 4 * d1])
    })

    test('a shared variable as the argument of a loop, and Bernoulli masks', async () => {
      const W = S.shared([[1, 2], [3, 4]], { name: 'W' })
      const trng = new S.RandomStreams(1234)
      const d = trng.bernoulli(W.shape.slice(0, 1) as readonly number[], 0.5)
      const bernoulli = S.scan(v => d.mul(W).matmul(v), { sequences: S.matrix('v') })
      const v = S.variablesOf(bernoulli)[0]
      const f = S.func({ inputs: [v], outputs: [bernoulli, d] })
      const [out, mask] = f([[1, 1], [2, 2]])
      const m = await list(mask)
      near(await list(out), [m[0] + 2 * m[1], 3 * m[0] + 4 * m[1], 2 * (m[0] + 2 * m[1]), 2 * (3 * m[0] + 4 * m[1])])
    })

    test('powers of two until a limit', async () => {
      const max = S.scalar('max_value')
      const values = S.scan((before, limit) => [before.mul(2), S.until(before.mul(2).gt(limit))], { outputsInfo: tensor(1), nonSequences: max, nSteps: 12 })
      const f = S.func({ inputs: [max], outputs: values })
      expect((await list(f(45))).slice(0, 6)).toEqual([2, 4, 8, 16, 32, 64])
      expect((await list(f(45))).at(-1)).toBe(64)
      if (name === 'webgpu') return
      const now = S.scan((before, limit) => [before.mul(2), S.until(before.mul(2).gt(limit))], { outputsInfo: 1, nonSequences: 45, nSteps: 1024 })
      expect(await list(now)).toEqual([2, 4, 8, 16, 32, 64])
    })
  })

  describe('loops, eager and compiled', () => {
    test('map, reduce, foldl, foldr', async () => {
      const x = tensor([1, 2, 3, 4])
      expect(await list(S.map(v => v.square(), x))).toEqual([1, 4, 9, 16])
      expect(await S.reduce((v, sum) => sum.add(v), x).item()).toBe(10)
      expect(await S.foldl((v, sum) => sum.mul(2).add(v), x).item()).toBe(26)
      expect(await S.foldr((v, sum) => sum.mul(2).add(v), x).item()).toBe(49)
      const s = S.vector('s')
      const f = S.func({ inputs: [s], outputs: [S.foldl((v, sum) => sum.mul(2).add(v), s), S.foldr((v, sum) => sum.mul(2).add(v), s)] })
      expect((await Promise.all(f(x).map(list))).flat()).toEqual([26, 49])
    })

    test('several results, taps of a sequence, backwards', async () => {
      const step = (older: Tensor, newer: Tensor, sum: Tensor): Tensor[] => [sum.add(newer), newer.sub(older)]
      const how = (x: Tensor): S.ScanOptions => ({ sequences: { input: x, taps: [-1, 0] }, outputsInfo: [0, null] })
      const x = tensor([1, 4, 9, 16])
      const s = S.vector('s')
      const f = S.func({ inputs: [s], outputs: S.scan(step, how(s)) as Tensor[] })
      for (const [sums, differences] of [S.scan(step, how(x)) as Tensor[], f(x)]) expect([await list(sums), await list(differences)]).toEqual([[4, 13, 29], [3, 5, 7]])
      expect(await list(S.scan((v, sum) => sum.add(v), { sequences: x, outputsInfo: 0, goBackwards: true }))).toEqual([16, 25, 29, 30])
    })

    test('gradients flow through, and are cut', async () => {
      const w = tensor(0.5, { requiresGrad: true })
      const x = tensor([1, 2, 3])
      const step = (v: Tensor, h: Tensor, weight: Tensor): Tensor => h.mul(weight).add(v)
      const last = (k: number): Tensor => S.scan(step, { sequences: x, outputsInfo: 0, nonSequences: w, truncateGradient: k }).at(-1)
      // h3 = w²·1 + w·2 + 3
      expect(await S.grad(last(-1), w).item()).toBeCloseTo(3, 5)
      // Of the last step alone: d(h2·w) with h2 fixed.
      expect(await S.grad(last(1), w).item()).toBeCloseTo(2.5, 5)
      const s = S.vector('s')
      const p = S.shared(0.5)
      const cost = S.scan(step, { sequences: s, outputsInfo: tensor(0), nonSequences: p }).at(-1)
      expect(await S.func({ inputs: [s], outputs: S.grad(cost, p) })(x).item()).toBeCloseTo(3, 5)
    })

    test('a recurrent net of 1,000 steps is one function', async () => {
      const steps = name === 'webgpu' ? 200 : 1000
      const W = S.shared([[0.3, -0.2], [0.1, 0.4]])
      const x = S.matrix('x')
      const h = S.scan((v, before) => tanh(before.matmul(W).add(v)), { sequences: x, outputsInfo: zeros(2) })
      const f = S.func({ inputs: [x], outputs: [h.at(-1), S.grad(h.at(-1).sum(), W)] })
      const [state, gradient] = f(ones(steps, 2).mul(0.1))
      const w = [[0.3, -0.2], [0.1, 0.4]]
      let s = [0, 0]
      for (let i = 0; i < steps; i++) s = [0, 1].map(j => Math.tanh(s[0] * w[0][j] + s[1] * w[1][j] + 0.1))
      near(await list(state), s)
      expect(gradient.shape).toEqual([2, 2])
    })

    test('one node in a graph: values and gradients, twice too, are those of eager code', async () => {
      manualSeed(11)
      const [x, h0, w, scale] = [randn(7, 3), randn(3), randn(3, 3).mul(0.5), tensor(0.7)]
      type Body = (x: Tensor, h0: Tensor, w: Tensor, scale: Tensor) => Tensor
      const cell = (v: Tensor, h: Tensor, weight: Tensor): Tensor => tanh(h.matmul(weight).add(v))
      const bodies: readonly Body[] = [
        (a, b, c) => S.scan(cell, { sequences: a, outputsInfo: b, nonSequences: c }),
        (a, b, c) => S.foldl(cell, a, b, c),
        (a, b, c) => S.scan(cell, { sequences: a, outputsInfo: b, nonSequences: c, goBackwards: true, nSteps: 5 }),
        (a, b, c) => S.scan((older, newer, h, weight) => cell(older.mul(newer), h, weight), { sequences: { input: a, taps: [-2, 1] }, outputsInfo: b, nonSequences: c }),
        (a, b, c, d) => (S.scan((v, h, m, weight, factor) => [cell(v, h, weight), m.add(h.mul(factor)), h.square().sum()], { sequences: a, outputsInfo: [b, b.mul(2), null], nonSequences: [c, d] }) as Tensor[]).map(r => r.sum()).reduce((p, q) => p.add(q)),
        (a, _b, c) => S.map((v, weight) => v.matmul(weight).sigmoid(), a, c),
        (_a, b, c) => S.scan((h, weight) => cell(h, h, weight), { outputsInfo: b, nonSequences: c, nSteps: 4 }),
      ]
      for (const [k, body] of bodies.entries()) {
        const work = (...given: Tensor[]): Tensor[] => {
          const leaves = given.map(v => v.detach().requiresGrad_()) as [Tensor, Tensor, Tensor, Tensor]
          const y = body(...leaves).sin().sum()
          const first = torchGrad(y, leaves, { createGraph: true, allowUnused: true }) as (Tensor | null)[]
          const again = torchGrad(first.filter(g => g !== null).map(g => g.square().sum()).reduce((p, q) => p.add(q)), leaves, { allowUnused: true }) as (Tensor | null)[]
          return [y, ...first, ...again].filter(v => v !== null).map(v => v.detach())
        }
        const f = compile(work)
        const [now, then] = [work(x, h0, w, scale), f(x, h0, w, scale)]
        expect(then.length).toBe(now.length)
        for (const [i, v] of now.entries()) {
          const [a, b] = [await list(then[i]), await list(v)]
          const size = Math.max(1, ...b.map(Math.abs))
          near(a.map(n => n / size), b.map(n => n / size))
        }
        // A dozen steps would be hundreds of nodes.
        if (k === 0) expect(f.explain().nodes[0]).toBeLessThan(120)
      }
    })

    test('with parameters of layers inside, twice', async () => {
      manualSeed(2)
      const layer = new nn.Linear(2, 2)
      const x = randn(8, 2)
      const [weight, bias] = layer.parameters()
      const work = (v: Tensor): Tensor[] => {
        const y = S.foldl((entry, h) => layer.forward(h).tanh().add(entry), v, zeros(2)).sum()
        const [d] = torchGrad(y, [weight], { createGraph: true })
        return [...torchGrad(y, [weight, bias], { retainGraph: true }), ...torchGrad(d.square().sum(), [weight, bias])].map(g => g.detach())
      }
      const f = compile(work)
      const wanted = work(x)
      for (const [i, g] of f(x).entries()) near(await list(g), await list(wanted[i]), 3)
      expect(f.explain().nodes[0]).toBeLessThan(120)
      const v = S.matrix('v')
      const cost = S.foldl((entry, h) => layer.forward(h).tanh().add(entry), v, zeros(2)).sum()
      const g = S.func({ inputs: [v], outputs: S.grad(cost, [weight, bias]) })(x)
      for (const i of [0, 1]) near(await list(g[i]), await list(wanted[i]), 3)
    })

    test('steps that draw random numbers stand in a row', async () => {
      const noise = compile((v: Tensor) => S.map(entry => entry.add(rand(2)), v))
      const [a, b] = [await list(noise(zeros(3, 2))), await list(noise(zeros(3, 2)))]
      expect(new Set([...a, ...b]).size).toBe(12)
    })

    test('mistakes', () => {
      expect(() => S.scan(v => v, {})).toThrow(/neither sequences nor nSteps/)
      expect(() => S.scan(v => v, { sequences: tensor([1, 2]), nSteps: 3 })).toThrow(/lasts for 2/)
      expect(() => S.scan(() => [tensor(1), tensor(2)], { nSteps: 2, outputsInfo: 0 })).toThrow(/2 results/)
      expect(() => S.scan(v => v, { sequences: tensor(1) })).toThrow(/no dimension/)
    })
  })

  describe('branches', () => {
    test('switch and ifelse of the tutorial', async () => {
      const [a, b] = S.scalars('a', 'b')
      const [x, y] = S.matrices('x', 'y')
      const lazy = S.ifelse(a.lt(b), x.mean(), y.mean())
      const f = S.func({ inputs: [a, b, x, y], outputs: lazy })
      expect(await f(0, 1, ones(3, 4), zeros(3, 4)).item()).toBe(1)
      expect(await f(1, 0, ones(3, 4), zeros(3, 4)).item()).toBe(0)
    })

    test('several results, gradients', async () => {
      const c = S.scalar('c')
      const x = S.vector('x')
      const [p, q] = S.ifelse(c.gt(0), () => [x.square(), x.mul(2)], () => [x.neg(), x.mul(3)])
      const f = S.func({ inputs: [c, x], outputs: [p, q, S.grad(p.sum(), x)] })
      expect((await Promise.all(f(1, [1, 2]).map(list))).flat()).toEqual([1, 4, 2, 4, 2, 4])
      expect((await Promise.all(f(-1, [1, 2]).map(list))).flat()).toEqual([-1, -2, 3, 6, -1, -1])
    })

    test('eager: only the branch that is taken runs, where values can be read', async () => {
      const taken: string[] = []
      const y = S.ifelse(tensor(2).gt(1), () => (taken.push('then'), tensor(5)), () => (taken.push('else'), tensor(6)))
      expect(await y.item()).toBe(5)
      expect(taken).toEqual(name === 'webgpu' ? ['then', 'else'] : ['then'])
    })

    test('whileLoop', async () => {
      expect(await S.whileLoop(x => x.lt(100), x => x.mul(2), tensor(3), { maxSteps: 10 }).item()).toBe(192)
      const x = S.scalar('x')
      const [last, count] = S.whileLoop(v => v.lt(100), (v, n) => [v.mul(2), n.add(1)], [x, tensor(0)], { maxSteps: 10 })
      const f = S.func({ inputs: [x], outputs: [last, count, S.grad(last, x)] })
      expect(await Promise.all(f(3).map(v => v.item()))).toEqual([192, 6, 64])
      expect(await Promise.all(f(200).map(v => v.item()))).toEqual([200, 0, 1])
      expect(() => S.func({ inputs: [x], outputs: S.whileLoop(v => v.lt(100), v => v.mul(2), x) })(1)).toThrow(/maxSteps/)
    })
  })
})
