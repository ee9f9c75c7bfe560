// Expressions: what they know before a call, what they refuse, sizes as numbers, layers, several results, the whole of a training step.
import { describe, expect, test, vi } from 'vitest'
import { arange, manualSeed, nn, ones, optim, rand, randn, stack, tensor, where, zeros, type Tensor } from '../../src/index.ts'
import * as S from '../../src/symbolic/index.ts'
import { eachDevice } from '../each-device.ts'

const list = async (x: Tensor): Promise<number[]> => Array.from(await x.data())
const near = (a: readonly number[], b: readonly number[], digits = 4): void => {
  expect(a.length).toBe(b.length)
  a.forEach((v, i) => expect(v).toBeCloseTo(b[i], digits))
}
eachDevice(() => {
  describe('variables', () => {
    test('have a dtype, a number of dimensions and a name', () => {
      expect([S.imatrix('a').dtype, S.imatrix('a').ndim, S.bvector().dtype, S.scalar('s', { dtype: 'int32' }).dtype, S.tensor4('t').ndim, S.dscalar().dtype]).toEqual(['int32', 2, 'bool', 'int32', 4, 'float64'])
      expect(S.vectors('p', 'q').map(v => String(v))).toEqual(['p', 'q'])
      expect(S.scalars(3).length).toBe(3)
      expect(S.matrix('x').shape.length).toBe(2)
    })

    test('rows and columns broadcast, and are checked', async () => {
      const [r, c] = [S.row('r'), S.col('c')]
      const f = S.func({ inputs: [r, c], outputs: r.add(c) })
      expect(await f([[1, 2]], [[10], [20]]).toArray()).toEqual([[11, 12], [21, 22]])
      expect(() => f([[1, 2], [3, 4]], [[1]])).toThrow(/axis 0 should have one element/)
      expect(() => S.row('r', { like: [2, 3] })).toThrow(/axis 0 of the example has 2/)
    })

    test('with examples, a mistake in a shape throws at its line', () => {
      const x = S.matrix('x', { like: [5, 3] })
      const w = S.shared(zeros(4, 2), { name: 'w' })
      expect(() => x.matmul(w)).toThrow(/inner sizes 3 and 4 differ \(built at .*expressions\.shared\.test/)
      expect([x.t().matmul(x).dtype, x.sum(0).ndim, x.max(1).indices.dtype]).toEqual(['float32', 1, 'int32'])
      expect(x.split(1, 1).length).toBe(3)
    })

    test('without examples it throws in the call and says which line built it', () => {
      const x = S.matrix('x')
      const f = S.func({ inputs: [x], outputs: x.matmul(S.shared(zeros(4, 2))) })
      expect(() => f(zeros(5, 3))).toThrow(/built at .*expressions\.shared\.test/)
    })
  })

  describe('sizes', () => {
    test('are symbolic numbers', async () => {
      const x = S.matrix('x')
      const f = S.func({ inputs: [x], outputs: { mean: x.sum(0).div(x.shape[0]), zeros: zeros(x.shape[1], 2), flat: x.reshape(x.shape[0] , -1), half: S.size(x, 0).div(2), count: x.sum().div(x.numel) } })
      const out = f([[1, 2, 3], [3, 4, 5]])
      expect(await list(out.mean)).toEqual([2, 3, 4])
      expect(out.zeros.shape).toEqual([3, 2])
      expect(out.half).toBe(1)
      expect(await out.count.item()).toBe(3)
      expect(f(ones(4, 1)).zeros.shape).toEqual([1, 2])
      expect(() => x.shape[0] * 2).toThrow(/operators do not work/)
      expect(() => x.mul(2).shape.length).toThrow(/not known before a call/)
      const n = S.iscalar('n')
      expect(await S.evaluate(arange(S.asNumber(n.add(1))), { n: 3 }).toArray()).toEqual([0, 1, 2, 3])
      expect(() => S.evaluate(arange(S.asNumber(n)), { n: tensor(3) })).toThrow(/plain number/)
    })
  })

  describe('calls', () => {
    test('functions of several tensors, of lists, with options', async () => {
      const x = S.vector('x')
      const f = S.func({ inputs: [x], outputs: [stack([x, ones(3)]), where(x.gt(1), x, -1), x.clamp({ min: 0.5, max: 1.5 }), ones(3).add(x)] })
      expect(await Promise.all(f([0, 1, 2]).map(list))).toEqual([[0, 1, 2, 1, 1, 1], [-1, -1, 2], [0.5, 1, 1.5], [1, 2, 3]])
    })

    test('several results, by name and by place', async () => {
      const x = S.vector('x')
      const { values, indices } = x.topk(2)
      const [a, b] = x.split(2)
      const f = S.func({ inputs: [x], outputs: { values, indices, a, b } })
      const out = f([3, 9, 4, 7])
      expect([await list(out.values), await list(out.indices), await list(out.a), await list(out.b)]).toEqual([[9, 7], [1, 3], [3, 9], [4, 7]])
    })

    test('random numbers of a symbolic size are drawn once a call', async () => {
      const x = S.vector('x')
      const noise = rand(x.shape[0])
      const f = S.func({ inputs: [x], outputs: [noise, noise.sub(noise)] })
      const [first, zero] = f(ones(3))
      expect(await list(zero)).toEqual([0, 0, 0])
      expect(await list(f(ones(3))[0])).not.toEqual(await list(first))
    })

    test('layers and whole models are one call, user modules are as they are written', async () => {
      manualSeed(4)
      class Net extends nn.Module {
        conv = new nn.Conv2d(1, 2, 3)
        norm = new nn.BatchNorm2d(2)
        fc = new nn.Linear(2 * 4 * 4, 3)
        forward(x: Tensor): Tensor {
          return this.fc.forward(this.norm.forward(this.conv.forward(x)).relu().flatten(1))
        }
      }
      const net = new Net().eval()
      const x = S.tensor4('x')
      const f = S.func({ inputs: [x], outputs: [net.forward(x), S.call((v: Tensor) => net.forward(v).softmax(v.ndim - 3), x)] })
      const data = randn(2, 1, 6, 6)
      const [out, soft] = f(data)
      const eager = net.forward(data)
      near(await list(out), await list(eager))
      near(await list(soft), await list(eager.softmax(1)))
    })

    test('have no values and no memory', async () => {
      const x = S.vector('x')
      await expect(x.add(1).data()).rejects.toThrow(/has no values/)
      expect(() => x.add_(1)).toThrow(/no memory that could be changed/)
      expect(() => x.setAt(0, 1)).toThrow(/no memory/)
      expect(() => x.sum().backward()).toThrow(/symbolic.grad/)
      expect(() => x.dtype && x.mul(2).dtype).toThrow(/not known before a call/)
      expect(`${x.add(1)}`).toBe('add(x)')
      const w = new nn.Parameter(ones(2))
      expect(() => x.add(w.mul(2))).toThrow(/value of today/)
    })

    test('a chain of thousands', async () => {
      const x = S.scalar('x')
      let y: Tensor = x
      for (let i = 0; i < 3000; i++) y = y.add(1)
      expect(await S.func({ inputs: [x], outputs: y, mode: 'eager' })(1).item()).toBe(3001)
    })
  })

  describe('func', () => {
    test('refuses what makes no sense', () => {
      const [x, y] = S.scalars('x', 'y')
      const s = S.shared(0)
      expect(() => S.func({ inputs: [x], outputs: x.add(y) })).toThrow(/depends on y, which is not an input/)
      expect(() => S.func({ inputs: [x, y], outputs: x })).toThrow(/nothing depends on the input y/)
      expect(() => S.func({ inputs: [x, x], outputs: x })).toThrow(/listed twice/)
      expect(() => S.func({ inputs: [x.add(1)], outputs: x })).toThrow(/not a variable/)
      expect(() => S.func({ inputs: [x], updates: [[s, x], [s, x.add(1)]] })).toThrow(/two updates/)
      const f = S.func({ inputs: [x, y], outputs: x.add(y) })
      expect(() => f(1)).toThrow(/input 1 \('y'\) is missing/)
      expect(() => f(1, 2, 3)).toThrow(/3 inputs were given/)
      expect(() => f({ x: 1, z: 2 })).toThrow(/no input 'z'/)
      expect(() => f(1, { x: 2 })).toThrow(/by position and by name/)
      expect(() => f([1, 2], 1)).toThrow(/it should have 0 dimensions/)
      expect(() => S.func({ inputs: [S.iscalar('i')], outputs: [], onUnusedInput: 'ignore' })(tensor(1.5))).toThrow(/it should be int32/)
      expect(() => S.func({ inputs: [x], updates: [[s, stack([x, x])]] })(1)).toThrow(/an update keeps the shape/)
      const warn = vi.spyOn(console, 'warn').mockImplementation(() => {})
      S.func({ inputs: [x, y], outputs: x, onUnusedInput: 'warn' })
      expect(warn).toHaveBeenCalledOnce()
      warn.mockRestore()
    })

    test('outputs as one, list, object or none; updates all from old values; free', async () => {
      const x = S.scalar('x')
      const [a, b] = [S.shared(1), S.shared(2)]
      const swap = S.func({ inputs: [x], outputs: { a, sum: a.add(x) }, updates: new Map<Tensor, Tensor>([[a, b], [b, a]]) })
      const out = swap(10)
      expect([await out.a.item(), await out.sum.item()]).toEqual([1, 11])
      expect([await a.get().item(), await b.get().item()]).toEqual([2, 1])
      swap.free()
      swap(1)
      expect([await a.get().item(), await b.get().item()]).toEqual([1, 2])
      const quiet = S.func({ updates: [[a, 7]] })
      expect(quiet()).toBeUndefined()
      expect(await a.get().item()).toBe(7)
      expect(swap.info().traces).toBe(2)
    })

    test('sizes of a call, and of shared variables, may change', async () => {
      const x = S.vector('x')
      const w = S.shared([1, 2])
      const f = S.func({ inputs: [x], outputs: x.mul(w).sum() })
      expect(await f([1, 1]).item()).toBe(3)
      w.set([1, 2, 3])
      expect(await f([1, 1, 1]).item()).toBe(6)
    })

    test('the mode eager gives the same', async () => {
      const x = S.vector('x')
      const s = S.shared(0)
      const spec = { inputs: [x], outputs: x.exp().sum(), updates: [[s, s.add(1)]] } as const
      near([await S.func({ ...spec, mode: 'eager' })([1, 2]).item()], [await S.func(spec)([1, 2]).item()])
      expect(await s.get().item()).toBe(2)
    })
  })

  test('a multilayer perceptron by givens over shared data, with Adam', async () => {
    manualSeed(7)
    const data = S.shared(randn(64, 2), { name: 'data' })
    const target = S.shared(data.value.detach().select(1, 0).mul(data.value.detach().select(1, 1)).gt(0).to('int32'), { name: 'target' })
    const net = new nn.Sequential(new nn.Linear(2, 16), new nn.Tanh(), new nn.Linear(16, 2))
    const [x, y] = [S.matrix('x'), S.ivector('y')]
    const index = S.iscalar('index')
    const out = net.forward(x)
    const cost = nn.functional.crossEntropy(out, y)
    const adam = new optim.Adam(net.parameters(), { lr: 0.03 })
    const batch = (v: Tensor): Tensor => v.narrow(0, index.mul(16), 16)
    const step = S.func({ inputs: [index], outputs: cost, updates: adam.updates(cost), givens: [[x, batch(data)], [y, batch(target)]] })
    const errors = S.func({ inputs: [], outputs: out.argmax(1).ne(y).to('float32').mean(), givens: [[x, data], [y, target]] })
    const losses: number[] = []
    for (let epoch = 0; epoch < 30; epoch++) for (let i = 0; i < 4; i++) losses.push(await step(i).item())
    expect(losses.at(-1)!).toBeLessThan(losses[0] / 2)
    expect(await errors().item()).toBeLessThan(0.1)
    expect(step.info().traces).toBe(1)
  })
})
