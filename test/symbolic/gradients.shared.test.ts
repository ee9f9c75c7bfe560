// Derivatives of expressions, eager tensors and functions: Theano's tutorial, and what each function promises.
import { describe, expect, test, vi } from 'vitest'
import { compile, grad as torchGrad, memory, nn, ones, randn, manualSeed, scope, sigmoid, tensor, type Tensor } from '../../src/index.ts'
import * as S from '../../src/symbolic/index.ts'
import { eachDevice } from '../each-device.ts'

const list = async (x: Tensor): Promise<number[]> => Array.from(await x.data())
const near = (a: readonly number[], b: readonly number[], digits = 4): void => {
  expect(a.length).toBe(b.length)
  a.forEach((v, i) => expect(v).toBeCloseTo(b[i], digits))
}

eachDevice(() => {
  describe('the tutorial: derivatives', () => {
    test('of x², and of the logistic function', async () => {
      const x = S.scalar('x')
      const f = S.func({ inputs: [x], outputs: S.grad(x.pow(2), x) })
      expect(await f(4).item()).toBe(8)
      expect(await f(94.2).item()).toBeCloseTo(188.4, 3)
      const X = S.matrix('X')
      const dlogistic = S.func({ inputs: [X], outputs: S.grad(sigmoid(X).sum(), X) })
      near(await list(dlogistic([[0, 1], [-1, -2]])), [0.25, 0.19661193, 0.19661193, 0.10499359])
    })

    test('Jacobian, Hessian', async () => {
      const x = S.vector('x')
      const J = S.func({ inputs: [x], outputs: S.jacobian(x.pow(2), x) })
      expect(await J([4, 4]).toArray()).toEqual([[8, 0], [0, 8]])
      const H = S.func({ inputs: [x], outputs: S.hessian(x.pow(2).sum(), x) })
      expect(await H([4, 4]).toArray()).toEqual([[2, 0], [0, 2]])
      // By a loop over rows, as the tutorial does it first.
      const y = x.pow(2)
      const byScan = S.func({ inputs: [x], outputs: S.grad(S.scan(v => v.mul(v), { sequences: x }).sum(), x) })
      expect(await list(byScan([4, 4]))).toEqual([8, 8])
      expect(S.dependsOn(y, x)).toBe(true)
    })

    test('Jacobians and Hessians of many rows: a loop in compiled code, of any order, with the values of eager code', async () => {
      manualSeed(4)
      const w = randn(12, 12).mul(0.3).requiresGrad_()
      const net = (v: Tensor): Tensor => v.matmul(w).tanh().mul(v)
      const all = (x: Tensor): Tensor[] => {
        const v = x.detach().requiresGrad_()
        const J = S.jacobian(net(v), v)
        const [Jw] = S.jacobian(net(v).cumsum(0), [w])
        const H = S.hessian(net(v).square().sum(), v)
        return [J, H, Jw.sum([1, 2]), ...torchGrad(J.square().sum().add(H.sum()), [v, w])]
      }
      const f = compile(all)
      const x = randn(12)
      const expected = all(x)
      for (const [i, found] of f(x).entries()) {
        expect(found.shape).toEqual(expected[i].shape)
        near(await list(found), await list(expected[i]), 3)
      }
      const nodesOf = (n: number): number => {
        const g = compile((v: Tensor) => S.jacobian(u => u.square().sin(), v))
        g(randn(n))
        return g.graph('traced').nodes.length
      }
      expect(nodesOf(40)).toBe(nodesOf(10))
      const apart = compile((v: Tensor) => S.jacobian(_ => w.sum(1), v))
      expect(() => apart(randn(12))).toThrow(/does not depend on input 0/)
    })

    test('R-operator and L-operator', async () => {
      const [W, V] = S.matrices('W', 'V')
      const [x, v] = [S.vector('x'), S.vector('v')]
      const y = x.matmul(W)
      const JV = S.func({ inputs: [W, V, x], outputs: S.Rop(y, W, V) })
      expect(await list(JV([[1, 1], [1, 1]], [[2, 2], [2, 2]], [0, 1]))).toEqual([2, 2])
      const VJ = S.func({ inputs: [v, x, W], outputs: S.Lop(y, W, v), onUnusedInput: 'ignore' })
      expect(await VJ([2, 2], [0, 1], [[1, 1], [1, 1]]).toArray()).toEqual([[0, 0], [2, 2]])
    })

    test('the product of a Hessian and a vector, in two ways', async () => {
      const [x, v] = [S.vector('x'), S.vector('v')]
      const y = x.pow(2).sum()
      const gy = S.grad(y, x)
      const ways = [S.grad(gy.mul(v).sum(), x), S.Rop(gy, x, v)]
      const f = S.func({ inputs: [x, v], outputs: ways })
      for (const hv of f([4, 4], [2, 2])) expect(await list(hv)).toEqual([4, 4])
    })
  })

  describe('grad', () => {
    test('of higher order, by inner expressions, by lists', async () => {
      const x = S.scalar('x')
      const h = x.pow(3)
      const cost = h.mul(x)
      const d1 = S.grad(cost, x)
      const d2 = S.grad(d1, x)
      const f = S.func({ inputs: [x], outputs: [d1, d2, S.grad(d2, x), S.grad(cost, h)] })
      expect(await Promise.all(f(2).map(v => v.item()))).toEqual([32, 48, 48, 2])
      // An op that gives its operand back is a node of its own.
      const v = S.vector('v')
      const same = v.reshape(-1)
      const both = S.func({ inputs: [v], outputs: S.grad(same.sum().add(v.mul(2).sum()), [same, v]) })
      expect((await Promise.all(both([1, 2]).map(list))).flat()).toEqual([1, 1, 3, 3])
    })

    test('considerConstant, knownGrads, disconnectedInputs', async () => {
      const x = S.scalar('x')
      const c = x.pow(2)
      const [y, g, z] = S.scalars('y', 'g', 'z')
      const f = S.func({ inputs: [x], outputs: S.grad(c.mul(x), x, { considerConstant: [c] }) })
      expect(await f(3).item()).toBe(9)
      const out = y.mul(4)
      const k = S.func({ inputs: [y, g], outputs: S.grad(null, y, { knownGrads: [[out, g]] }), onUnusedInput: 'ignore' })
      expect(await k(1, 5).item()).toBe(20)
      expect(() => S.func({ inputs: [x, z], outputs: S.grad(c, z), onUnusedInput: 'ignore' })(1, 2)).toThrow(/does not depend on input 0/)
      expect(await S.func({ inputs: [x, z], outputs: S.grad(c, z, { disconnectedInputs: 'ignore' }), onUnusedInput: 'ignore' })(1, 2).item()).toBe(0)
      const warn = vi.spyOn(console, 'warn').mockImplementation(() => {})
      S.func({ inputs: [x, z], outputs: S.grad(c, z, { disconnectedInputs: 'warn' }), onUnusedInput: 'ignore' })(1, 2)
      expect(warn).toHaveBeenCalledOnce()
      warn.mockRestore()
      expect(() => S.func({ inputs: [S.ivector('i')], outputs: S.grad(S.vector('q').sum(), x) })).toThrow(/depends on/)
      const v = S.vector('v')
      expect(() => S.func({ inputs: [v], outputs: S.grad(v, v) })([1, 2])).toThrow(/2 elements/)
    })

    test('gradients of what has a name have one', () => {
      const [x, y] = S.vectors('x', 'y')
      const cost = S.named(x.mul(y).sum(), 'cost')
      const [dx, dy] = S.grad(cost, [x, y])
      expect([String(dx), String(dy)]).toEqual(['dcost/dx', 'dcost/dy'])
      expect(String(S.grad(x.mul(y).sum(), x))).not.toContain('dcost')
    })

    test('returnDisconnected, nullGradients', async () => {
      const [x, y, i] = [S.scalar('x'), S.scalar('y'), S.iscalar('i')]
      const c = x.pow(2).mul(i)
      const [a, b, n] = S.grad(c, [x, y, i], { returnDisconnected: 'null', nullGradients: 'return' })
      expect([b, n]).toEqual([null, null])
      expect(await S.func({ inputs: [x, i], outputs: a! })(3, 2).item()).toBe(12)
      expect(S.grad(S.stopGradient(y).mul(x), [y], { returnDisconnected: 'null' })[0]).not.toBeNull()
      expect(S.grad(c.mul(x), c, { considerConstant: [c], returnDisconnected: 'null' })).toBeNull()
      expect(() => S.func({ inputs: [x, i], outputs: S.grad(c, i) })(1, 2)).toThrow(/has no derivative/)
      const [u, v] = [tensor([1, 2], { requiresGrad: true }), tensor([3, 4], { requiresGrad: true })]
      const [g, none] = S.grad(u.square().sum(), [u, v], { returnDisconnected: 'null' })
      expect([await list(g!), none]).toEqual([[2, 4], null])
      expect(() => S.grad(u.square().sum(), [v])).toThrow(/does not depend/)
    })

    test('through indexing, losses and layers', async () => {
      manualSeed(0)
      const [x, t] = [S.matrix('x'), S.ivector('t')]
      const layer = new nn.Linear(3, 2)
      const loss = nn.functional.crossEntropy(layer.forward(x), t)
      const parameters = layer.parameters()
      const f = S.func({ inputs: [x, t], outputs: [loss, ...S.grad(loss, parameters), S.grad(loss, x)] })
      const [data, labels] = [randn(4, 3), tensor(new Int32Array([0, 1, 1, 0]))]
      const leaf = data.detach().requiresGrad_()
      const expected = nn.functional.crossEntropy(layer.forward(leaf), labels)
      const found = f(data, labels)
      near(await list(found[0]), await list(expected))
      const wanted = torchGrad(expected, [...parameters, leaf])
      for (const [i, g] of wanted.entries()) near(await list(found[i + 1]), await list(g))
    })
  })

  describe('eagerly, of tensors and of functions', () => {
    test('grad, jacobian, hessian, Rop, Lop', async () => {
      const x = tensor([1, 2], { requiresGrad: true })
      expect(await list(S.grad(x.pow(3).sum(), x))).toEqual([3, 12])
      expect(await list(S.grad(v => v.pow(3).sum(), tensor([1, 2])))).toEqual([3, 12])
      const [a, b] = S.grad((p, q) => p.mul(q).sum(), [tensor([1, 2]), tensor([3, 4])])
      expect([await list(a), await list(b)]).toEqual([[3, 4], [1, 2]])
      expect(await S.jacobian(v => v.pow(2), tensor([1, 2])).toArray()).toEqual([[2, 0], [0, 4]])
      expect(await S.hessian(v => v.pow(3).sum(), tensor([1, 2])).toArray()).toEqual([[6, 0], [0, 12]])
      expect(await list(S.Rop(v => v.pow(2), tensor([1, 2]), tensor([3, 5])))).toEqual([6, 20])
      expect(await list(S.Lop(v => v.pow(2), tensor([1, 2]), tensor([3, 5])))).toEqual([6, 20])
      expect(await S.jacobian(v => v.pow(2).sum(), tensor([[1, 2], [3, 4]])).toArray()).toEqual([[2, 4], [6, 8]])
    })

    test('inside compile', async () => {
      const f = compile((x: Tensor) => S.hessian(v => v.pow(3).sum(), x))
      expect(await f(tensor([1, 2])).toArray()).toEqual([[6, 0], [0, 12]])
    })

    test('verifyGrad', async () => {
      await S.verifyGrad(x => x.sin().mul(x), [tensor([0.3, -1.2])], { atol: 3e-2, rtol: 3e-2 })
      const wrong = S.customOp({ name: 'wrong', value: x => x.sin(), vjp: g => [g] })
      await expect(S.verifyGrad(x => wrong(x), [tensor([0.9, -1.2])])).rejects.toThrow(/the derivative by input 0/)
    })
  })

  describe('what changes a gradient on its way', () => {
    test('gradClip, gradScale, stopGradient', async () => {
      const x = S.vector('x')
      const of = (y: Tensor): Tensor => S.grad(y.mul(tensor([5, -7])).sum(), x, { disconnectedInputs: 'ignore' })
      const f = S.func({ inputs: [x], outputs: [of(S.gradClip(x, -1, 2)), of(S.gradScale(x, 0.5)), of(S.stopGradient(x)), S.gradClip(x, -1, 2)] })
      expect((await Promise.all(f([1, 2]).map(list))).flat()).toEqual([2, -1, 2.5, -3.5, 0, 0, 1, 2])
      const e = tensor([1, 2], { requiresGrad: true })
      S.gradScale(S.gradClip(e, -1, 1), 3).mul(10).sum().backward()
      expect(await list(e.grad!)).toEqual([1, 1])
      expect(() => S.gradClip(e, 2, 1)).toThrow(/low ≤ high/)
    })

    test('ops of one’s own, eager, compiled and in expressions', async () => {
      const cube = S.customOp({ name: 'cube', value: x => x.pow(3), vjp: (g, { inputs: [x] }) => [g.mul(x.square()).mul(3)] })
      const x = S.scalar('x')
      const d = S.grad(cube(x), x)
      const f = S.func({ inputs: [x], outputs: [cube(x), d, S.grad(d, x)] })
      expect(await Promise.all(f(2).map(v => v.item()))).toEqual([8, 12, 12])
      const eager = tensor(2, { requiresGrad: true })
      const step = compile((v: Tensor) => torchGrad(cube(v), v)[0])
      expect([await cube(eager).item(), await torchGrad(cube(eager), eager)[0].item(), await step(eager).item()]).toEqual([8, 12, 12])
      expect(() => torchGrad(S.customOp({ name: 'two', value: v => v.mul(2), vjp: () => [] })(eager), eager)).toThrow(/0 gradients for 1 inputs/)
      const at = ones(2, 3).requiresGrad_()
      const wrong = (g: unknown): (() => unknown) => () => torchGrad(S.customOp({ name: 'two', value: v => v.mul(2), vjp: () => [g as Tensor] })(at).sum(), at)
      for (const g of [ones(3, 2), ones(3), 2]) expect(wrong(g)).toThrow(/\[two\] vjp gave .* as the gradient of input 0, which is f32\[2,3\]/)
    })

    test('opFromGraph, with a derivative of its own or without', async () => {
      const [x, y] = S.scalars('x', 'y')
      const w = S.shared(10)
      const plain = S.opFromGraph([x, y], x.mul(y).add(w))
      const own = S.opFromGraph([x, y], x.mul(y).add(w), { name: 'odd', vjp: (g, { inputs: [, b] }) => [g.mul(b).mul(100), null] })
      const [p, q] = S.scalars('p', 'q')
      const f = S.func({ inputs: [p, q], outputs: [plain(p, q), own(p, q), S.grad(plain(p, q), p), S.grad(own(p, q), p), S.grad(plain(p, q), w)] })
      expect(await Promise.all(f(2, 3).map(v => v.item()))).toEqual([16, 16, 3, 300, 1])
      expect(await S.opFromGraph([x, y], x.sub(y))(tensor(5), tensor(3)).item()).toBe(2)
    })
  })

  describe('checkpoint', () => {
    test('gives the gradients of the function, of parameters and inputs, twice too', async () => {
      manualSeed(5)
      const layer = new nn.Linear(3, 3)
      const piece = (x: Tensor): Tensor => layer.forward(x).tanh().exp()
      const x = randn(2, 3).requiresGrad_()
      const parameters = layer.parameters()
      const wanted = torchGrad(piece(piece(x)).sum(), [x, ...parameters])
      const less = S.checkpoint(piece)
      const found = torchGrad(less(less(x)).sum(), [x, ...parameters])
      const traced = compile((v: Tensor) => { const leaf = v.detach().requiresGrad_(); return torchGrad(less(less(leaf)).sum(), [leaf, ...parameters]) })(x.detach())
      const e = S.matrix('e')
      const symbolic = S.func({ inputs: [e], outputs: S.grad(less(less(e)).sum(), [e, ...parameters]) })(x.detach())
      for (const [i, w] of wanted.entries()) for (const g of [found[i], traced[i], symbolic[i]]) near(await list(g), await list(w))
      const twice = (f: (v: Tensor) => Tensor): Tensor => { const [d] = torchGrad(f(x).sum(), x, { createGraph: true }); return torchGrad(d.square().sum(), x)[0] }
      near(await list(twice(less)), await list(twice(piece)))
    })

    test('random numbers are drawn alike in both passes, integers pass', async () => {
      const x = tensor([1, 1, 1, 1, 1, 1, 1, 1], { requiresGrad: true })
      const index = tensor(new Int32Array([7, 6, 5, 4, 3, 2, 1, 0]))
      const y = S.checkpoint((v, i) => nn.functional.dropout(v.indexSelect(0, i).mul(3), 0.5))(x, index)
      y.sum().backward()
      near((await list(x.grad!)).reverse(), await list(y))
    })

    test('refuses what it cannot follow', () => {
      const h = tensor([1, 2], { requiresGrad: true }).mul(2)
      expect(() => S.checkpoint(v => v.mul(h))(tensor([1, 2]))).toThrow(/computed outside/)
    })

    test('keeps less memory', () => {
      const x = tensor(new Float32Array(10000), { requiresGrad: true })
      const deep = (v: Tensor): Tensor => { let y = v; for (let i = 0; i < 20; i++) y = y.sin(); return y }
      const held = (f: (v: Tensor) => Tensor): number => { const before = memory().held; const y = scope(() => f(x)); const now = memory().held; y.dispose(); return now - before }
      expect(held(S.checkpoint(deep))).toBeLessThan(held(deep) / 4)
    })
  })

  test('replace and clone', async () => {
    const [x, y, z] = S.scalars('x', 'y', 'z')
    const e = x.mul(y).add(x.square())
    const f = S.func({ inputs: [y, z], outputs: S.replace(e, [[x, z.add(1)]]) })
    expect(await f(2, 3).item()).toBe(24)
    const g = S.clone(S.grad(e, x), [[y, z]])
    expect(await S.func({ inputs: [x, z], outputs: g })(3, 4).item()).toBe(10)
    expect(S.variablesOf(e).map(v => v.name)).toEqual(['x', 'y'])
  })
})
