// compile(): what is an input, what is an output, what changes, when it traces again, and what it refuses.
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { compile, enableGrad, grad, memory, noGrad, ones, rand, randn, manualSeed, scope, tensor, zeros, type Tensor } from '../../src/index.ts'
import { storageOf } from '../../src/eager/storage.ts'
import { flipView } from '../../src/ops/movement.ts'
import { eachDevice } from '../each-device.ts'

const list = async (x: Tensor | null): Promise<number[]> => Array.from(await x!.data())

eachDevice(() => {
  describe('arguments and results', () => {
    test('nested structures of tensors and plain values', async () => {
      const f = compile((o: { a: Tensor; rest: [Tensor, number] }, on: boolean) => ({ sum: o.a.add(o.rest[0]).mul(o.rest[1]), parts: [o.a, { b: o.rest[0].neg() }], on, name: 'x' }))
      const out = f({ a: tensor([1, 2]), rest: [tensor([3, 4]), 10] }, true)
      expect(await list(out.sum)).toEqual([40, 60])
      expect(await list(out.parts[0] as Tensor)).toEqual([1, 2])
      expect(await list((out.parts[1] as { b: Tensor }).b)).toEqual([-3, -4])
      expect([out.on, out.name]).toEqual([true, 'x'])
    })

    test('no result, and the same tensor twice', async () => {
      const total = zeros([2])
      const add = compile((x: Tensor) => { total.add_(x) })
      expect(add(ones(2))).toBeUndefined()
      add(tensor([1, 5]))
      expect(await list(total)).toEqual([2, 6])
      const twice = compile((x: Tensor) => { const y = x.mul(2); return [y, y, y.add(1)] })
      const [a, b, c] = twice(tensor([1, 2]))
      expect([await list(a), await list(b), await list(c)]).toEqual([[2, 4], [2, 4], [3, 5]])
      a.add_(1)
      expect(await list(c)).toEqual([3, 5])
    })

    test('an argument, a captured tensor, and views of them, returned', async () => {
      const w = tensor([[1, 2], [3, 4]])
      const f = compile((x: Tensor) => [x, w, x.at(0), w.t(), w.at(':', 1)])
      for (const shift of [0, 1]) {
        const out = f(tensor([[10, 20], [30, 40 + shift]]))
        expect(await Promise.all(out.map(list))).toEqual([[10, 20, 30, 40 + shift], [1, 2, 3, 4], [10, 20], [1, 3, 2, 4], [2, 4]])
      }
    })

    test('a result does not change when the next call runs', async () => {
      const f = compile((x: Tensor) => x.mul(2))
      const first = f(tensor([1, 2]))
      f(tensor([3, 4]))
      expect(await list(first)).toEqual([2, 4])
    })

    test('arguments that are transposed, sliced, flipped, expanded', async () => {
      const f = compile((x: Tensor) => x.mul(10).add(x))
      const base = tensor([[1, 2, 3], [4, 5, 6]])
      const plain = (x: Tensor): Tensor => x.mul(10).add(x)
      for (const x of [base.t(), base.at(':', '1:'), base.at(1), flipView(base, 1), base.at('0:1').expand(2, 3), base.t()]) expect(await list(f(x))).toEqual(await list(plain(x)))
    })

    test('0-dim and empty tensors, ints and bools', async () => {
      const f = compile((a: Tensor, b: Tensor, c: Tensor, d: Tensor) => [a.add(1), b.sum(), c.mul(2), d.logicalNot()])
      const out = f(tensor(2), zeros([0, 3]), tensor(new Int32Array([1, 2])), tensor([true, false]))
      expect(await Promise.all(out.map(list))).toEqual([[3], [0], [2, 4], [0, 1]])
      expect(out.map(String)).toEqual(['f32[]', 'f32[]', 'i32[2]', 'bool[2]'])
    })

    test('values without elements, which no kernel writes, in the middle', async () => {
      const f = compile((x: Tensor) => x.logcumsumexp(1).add(1))
      expect(await f(zeros([2, 0])).toArray()).toEqual([[], []])
    })

    test('a result says that it depends on parameters, and that it cannot be differentiated', () => {
      const w = tensor([1, 2], { requiresGrad: true })
      const f = compile((x: Tensor) => x.mul(w).sum())
      const y = f(ones(2))
      expect(y.requiresGrad).toBe(true)
      expect(() => y.backward()).toThrow(/\[backward\] this value was made by a compiled function.*inside the compiled function/)
      const detached = noGrad(() => f(ones(2)))
      expect(detached.requiresGrad).toBe(false)
      expect(f.info().traces).toBe(2)
    })
  })

  describe('in-place changes', () => {
    test('of an argument reach the caller, also through a view of it', async () => {
      const f = compile((x: Tensor) => { x.add_(1); return x.mul(2) })
      const x = tensor([1, 2, 3, 4])
      expect(await list(f(x))).toEqual([4, 6, 8, 10])
      expect(await list(x)).toEqual([2, 3, 4, 5])
      const part = x.at('1:3')
      expect(await list(f(part))).toEqual([8, 10])
      expect(await list(x)).toEqual([2, 4, 5, 5])
    })

    test('of a captured tensor and of views of it, seen through others', async () => {
      const make = (): { run: (i: Tensor) => Tensor[]; state: Tensor } => {
        const state = tensor([[1, 2, 3], [4, 5, 6]])
        const [row, turned] = [state.at(1), state.t()]
        return { state, run: i => { row.mul_(i); turned.at(0).add_(100); state.at(':', 2).fill_(7); return [state.clone(), row.add(0), turned.clone()] } }
      }
      const [a, b] = [make(), make()]
      const f = compile(b.run)
      for (const k of [2, 3, 4]) {
        const [want, got] = [a.run(tensor(k)), f(tensor(k))]
        expect(await Promise.all(got.map(list))).toEqual(await Promise.all(want.map(list)))
        expect(await list(b.state)).toEqual(await list(a.state))
      }
    })

    test('two tensors change places', async () => {
      const [a, b] = [tensor([1, 2]), tensor([3, 4])]
      const swap = compile(() => {
        const old = a.clone()
        a.copy_(b)
        b.copy_(old)
      })
      swap()
      expect([await list(a), await list(b)]).toEqual([[3, 4], [1, 2]])
      swap()
      expect([await list(a), await list(b)]).toEqual([[1, 2], [3, 4]])
    })

    test('three tensors in a ring, and sums of the old values', async () => {
      const [a, b, c] = [tensor([1]), tensor([2]), tensor([3])]
      const turn = compile(() => {
        const [x, y, z] = [a.clone(), b.add(c), a.mul(b)]
        a.copy_(b)
        b.copy_(c)
        c.copy_(x)
        return [y, z]
      })
      const out = turn()
      expect(await Promise.all([a, b, c, ...out].map(list))).toEqual([[2], [3], [1], [5], [2]])
    })

    test('a tensor that shifts along itself', async () => {
      const history = tensor([1, 2, 3, 4])
      const push = compile((x: Tensor) => {
        history.at('1:').copy_(history.at(':-1'))
        history.at(0).copy_(x)
      })
      push(tensor(9))
      push(tensor(8))
      expect(await list(history)).toEqual([8, 9, 1, 2])
    })

    test('a literal in the code starts afresh in each call', async () => {
      const f = compile((x: Tensor) => { const sum = tensor([0, 0]); sum.add_(x); return sum })
      expect(await list(f(ones(2)))).toEqual([1, 1])
      expect(await list(f(ones(2)))).toEqual([1, 1])
    })

    test('a constant fill, then a view of what was filled', async () => {
      const f = compile((x: Tensor) => { const y = zeros([3]); const v = y.at('1:'); y.fill_(2); v.add_(x); return [y, v] })
      const [y, v] = f(tensor([1, 2]))
      expect([await list(y), await list(v)]).toEqual([[2, 3, 4], [3, 4]])
    })

    test('the same tensor in two places of the arguments', async () => {
      const f = compile((a: Tensor, b: Tensor) => { a.add_(1); return b.mul(10) })
      const [x, y] = [tensor([1, 2]), tensor([5, 6])]
      expect(await list(f(x, y))).toEqual([50, 60])
      const z = tensor([1, 2])
      expect(await list(f(z, z))).toEqual([20, 30])
      expect(await list(f(z.at(':1'), z.at('1:')))).toEqual([30])
      expect(await list(f(y, x))).toEqual([20, 30])
    })

    test('the same tensor in two places, read between two changes', async () => {
      const f = compile((a: Tensor, b: Tensor) => { a.add_(1); const r = b.mul(10); a.add_(1); b.mul_(2); return r })
      const [x, y, z] = [tensor([1, 2]), tensor([5, 6]), tensor([1, 2])]
      expect([await list(f(x, y)), await list(x), await list(y)]).toEqual([[50, 60], [3, 4], [10, 12]])
      expect([await list(f(z, z)), await list(z)]).toEqual([[20, 30], [6, 8]])
      expect([await list(f(z, z)), await list(z)]).toEqual([[70, 90], [16, 20]])
      expect([await list(f(z.at(':1'), z.at('1:'))), await list(z)]).toEqual([[200], [18, 40]])
      expect([await list(f(y, x)), await list(y), await list(x)]).toEqual([[30, 40], [12, 14], [6, 8]])
    })

    test('an argument that is also captured', async () => {
      const w = tensor([1, 2])
      const f = compile((x: Tensor) => { w.add_(1); return x.mul(10) })
      const other = tensor([5, 6])
      expect(await list(f(other))).toEqual([50, 60])
      expect(await list(f(w))).toEqual([30, 40])
      expect(await list(f(other))).toEqual([50, 60])
      expect(await list(w)).toEqual([4, 5])
      const g = compile((x: Tensor) => { x.add_(1); return w.mul(10) })
      expect(await list(g(w))).toEqual([50, 60])
      expect(await list(g(other))).toEqual([50, 60])
      expect(await list(other)).toEqual([6, 7])
      const h = compile((t: Tensor) => { const old = w.mul(10); t.add_(1); w.mul_(2); return [old, t.mul(1)] })
      expect(await Promise.all(h(w).map(list))).toEqual([[50, 60], [12, 14]])
      expect(await Promise.all(h(other).map(list))).toEqual([[120, 140], [7, 8]])
      expect(await Promise.all(h(w.at(0)).map(list))).toEqual([[240, 280], [50]])
    })

    test('views made before a change outside notice it', async () => {
      const x = tensor([1, 2, 3], { requiresGrad: true })
      const y = x.mul(1)
      const z = y.square()
      compile((t: Tensor) => { t.add_(1) })(y.detach())
      expect(() => z.sum().backward()).toThrow(/changed in place after square saved it/)
    })
  })

  describe('gradients', () => {
    test('of captured leaves, of arguments, and of both', async () => {
      const w = tensor([2, 3], { requiresGrad: true })
      const f = compile((x: Tensor) => {
        const loss = x.mul(w).square().sum()
        loss.backward()
        return loss
      })
      const x = tensor([1, 10], { requiresGrad: true })
      f(x)
      expect([await list(w.grad), await list(x.grad)]).toEqual([[4, 600], [8, 180]])
    })

    test('of arguments that were computed flow on to where they came from', async () => {
      const f = compile((x: Tensor, y: Tensor) => x.mul(y).sum().backward())
      for (const run of [f, (x: Tensor, y: Tensor) => x.mul(y).sum().backward()]) {
        const w = tensor([1, 2], { requiresGrad: true })
        const trunk = w.square()
        const [x, y] = [trunk.mul(3), trunk.add(1)]
        scope(() => run(x, y))
        expect([await list(w.grad), x.grad]).toEqual([[18, 108], null])
      }
    })

    test('of arguments outlive a scope around the call', async () => {
      const x = tensor([1, 2], { requiresGrad: true })
      const f = compile((t: Tensor) => t.square().sum().backward())
      scope(() => f(x))
      scope(() => f(x))
      expect(await list(x.grad)).toEqual([4, 8])
    })

    test('gather over calls as eager ones do, until they are set to null', async () => {
      const w = tensor([2, 3], { requiresGrad: true })
      const f = compile((x: Tensor) => x.mul(w).sum().backward())
      for (const want of [[1, 1], [2, 2], [3, 3]]) {
        f(ones(2))
        expect(await list(w.grad)).toEqual(want)
      }
      w.grad = null
      f(ones(2))
      expect(await list(w.grad)).toEqual([1, 1])
      f(ones(2))
      expect(await list(w.grad)).toEqual([2, 2])
      expect(f.info().traces).toBeLessThanOrEqual(3)
    })

    test('set to null inside', async () => {
      const w = tensor([2, 3], { requiresGrad: true })
      const f = compile((x: Tensor) => { w.grad = null; x.mul(w).sum().backward() })
      for (const k of [1, 2, 3]) {
        f(ones(2).mul(k))
        expect(await list(w.grad)).toEqual([k, k])
      }
      const clear = compile(() => { w.grad = null })
      clear()
      expect(w.grad).toBeNull()
    })

    test('grad() and second order', async () => {
      const f = compile((x: Tensor) => {
        const [g] = grad(x.pow(3).sum(), [x], { createGraph: true })
        const [h] = grad(g.sum(), [x])
        return [g, h]
      })
      const [g, h] = f(tensor([1, 2], { requiresGrad: true }))
      expect([await list(g), await list(h)]).toEqual([[3, 12], [6, 12]])
    })

    test('of an argument that does not ask for one, asked for inside', async () => {
      const f = compile((x: Tensor) => enableGrad(() => { const leaf = x.detach().requiresGrad_(); return grad(leaf.square().sum(), [leaf])[0] }))
      expect(await list(noGrad(() => f(tensor([1, 2]))))).toEqual([2, 4])
    })
  })

  describe('random state', () => {
    test('is carried from call to call as in eager code', async () => {
      const noise = (): Tensor => rand(3).add(randn(3))
      manualSeed(5)
      const want = [await list(noise()), await list(noise()), await list(noise())]
      manualSeed(5)
      const f = compile(noise)
      expect([await list(f()), await list(noise()), await list(f())]).toEqual(want)
      manualSeed(5)
      expect(await list(f())).toEqual(want[0])
    })
  })

  describe('tracing again', () => {
    test('for another size, dtype, plain value or number of arguments; it says which, and finds old plans', async () => {
      const f = compile((x: Tensor, k: number, ...rest: Tensor[]) => rest.reduce((s, r) => s.add(r), x.mul(k)))
      f(zeros([2, 3]), 1)
      f(zeros([4, 3]), 1)
      f(zeros([4, 3]), 2)
      f(zeros([4, 3], { dtype: 'int32' }), 2)
      f(zeros([4]), 2)
      f(zeros([4]), 2, ones(4))
      expect(f.info().traces).toBe(6)
      expect(f.info().reasons).toEqual([
        'argument 0: axis 0 was 2 and is 4',
        'argument 1: 1 became 2',
        expect.stringMatching(/^argument 0: f32\[4,3\].* became i32\[4,3\]/),
        expect.stringMatching(/^argument 0: i32\[4,3\].* became f32\[4\]/),
        'arguments: 2 became 3',
      ])
      f(zeros([2, 3]), 1)
      f(zeros([4]), 2, ones(4))
      expect(f.info().traces).toBe(6)
    })

    test('inside nested arguments too', () => {
      const f = compile((o: { x: Tensor[] }) => o.x[0].add(1))
      f({ x: [zeros([2])] })
      f({ x: [zeros([3])] })
      expect(f.info().reasons).toEqual([expect.stringMatching(/axis 0 was 2 and is 3/)])
    })

    describe('many times', () => {
      const warn = vi.fn<(text: string) => void>()
      beforeEach(() => {
        vi.spyOn(console, 'warn').mockImplementation(warn)
      })
      afterEach(() => {
        vi.restoreAllMocks()
      })
      test('warns once, with the reason', () => {
        function scale(x: Tensor, k: number): Tensor {
          return x.mul(k)
        }
        const f = compile(scale)
        for (let k = 0; k < 20; k++) f(ones(2), k)
        expect(warn).toHaveBeenCalledTimes(1)
        expect(warn).toHaveBeenCalledWith(expect.stringMatching(/\[compile\] scale was traced 16 times.*argument 1: 14 became 15.*help: pass what changes as a tensor/))
      })
    })

    test('a compiled function inside another becomes part of it', async () => {
      const inner = compile((x: Tensor) => x.mul(2))
      const outer = compile((x: Tensor) => inner(x).add(1))
      expect(await list(outer(tensor([1, 2])))).toEqual([3, 5])
      expect([inner.info().traces, outer.info().traces]).toEqual([0, 1])
    })
  })

  describe('refused', () => {
    test('reading values while tracing', () => {
      const x = tensor([1, 2])
      const w = tensor(3)
      const text = /\[compile\] a value was read.*while the function was being traced.*where\(\)/
      expect(() => compile((t: Tensor) => t.sum().itemSync())(x)).toThrow(text)
      expect(() => compile(() => w.itemSync())()).toThrow(text)
      expect(() => compile((t: Tensor) => t.toArraySync())(x)).toThrow(text)
      // The promise would be looked at by nobody.
      for (const read of [(t: Tensor) => t.sum().item(), (t: Tensor) => t.data(), (t: Tensor) => t.toArray(), () => w.item()])
        expect(() => compile((t: Tensor) => { void read(t) })(x)).toThrow(text)
    })

    test('an async function', () => {
      expect(() => compile(async (x: Tensor) => x.mul(2))(ones(2))).toThrow(/\[compile\] the function is async.*await loss\.item\(\)/)
    })

    test('an async function that reads: only one error', async () => {
      expect(() => compile(async (x: Tensor) => (await x.sum().item()) > 0)(ones(2))).toThrow(/\[compile\]/)
      await new Promise(resolve => setTimeout(resolve, 0))
    })

    test('a typed array as argument', () => {
      expect(() => compile((x: Float32Array) => tensor(x))(new Float32Array(2))).toThrow(/\[compile\] an argument is a Float32Array, of which a trace would keep today's values\. help: pass tensor\(array\)/)
    })

    test('use after dispose, as in eager code', () => {
      const f = compile((x: Tensor) => {
        const y = x.add(1)
        const z = y.mul(2)
        y.dispose()
        expect([y.alive, z.alive]).toEqual([false, true])
        return [z, y]
      })
      expect(() => f(ones(2))).toThrow(/\[return\] f32\[2\] was used after it was freed: it was disposed/)
    })

    test('a class instance or function as result', () => {
      class Box {}
      expect(() => compile(() => new Box())()).toThrow(/\[compile\].*returned a Box.*plain objects/)
      expect(() => compile(() => () => 1)()).toThrow(/returned a function/)
      expect(() => compile(() => ({ deep: [new Map()] }))()).toThrow(/returned a Map/)
    })

    test('a symbolic tensor that leaked out', () => {
      let leaked: Tensor | null = null
      const f = compile((x: Tensor) => { leaked = x.mul(2); return leaked.add(1) })
      f(ones(2))
      expect(() => leaked!.add(1)).toThrow(/\[add\] f32\[2\] is a value of a compiled step that is over.*return it from the compiled function/)
      expect(() => leaked!.dataSync()).toThrow(/\[data\] f32\[2\] is a value of a compiled step that is over/)
      const g = compile((x: Tensor) => x.add(leaked!))
      expect(() => g(ones(2))).toThrow(/value of another compiled step/)
    })

    test('an argument on a freed tensor', () => {
      const f = compile((x: Tensor) => x.mul(2))
      const x = ones(2)
      x.dispose()
      expect(() => f(x)).toThrow(/\[compile\] f32\[2\] was used after it was freed/)
    })

    test('an error in the function leaves the world, the switch and the gradients as they were', async () => {
      const w = tensor([1, 2], { requiresGrad: true })
      w.grad = tensor([5, 5])
      const kept = w.grad
      const f = compile(() => noGrad(() => { w.grad = null; throw new Error('mine') }))
      expect(f).toThrow('mine')
      expect(w.grad).toBe(kept)
      expect(await list(w.mul(2))).toEqual([2, 4])
      expect(w.mul(2).requiresGrad).toBe(true)
    })
  })

  describe('memory', () => {
    test('a call keeps only its results; dispose gives everything back', () => {
      const w = ones(64, 64)
      const f = compile((x: Tensor) => x.matmul(w).relu().matmul(w).sum(1))
      const x = ones(64, 64)
      f(x).dispose()
      const before = memory().held
      const y = f(x)
      expect(memory().held - before).toBe(64 * 4)
      y.dispose()
      for (let i = 0; i < 20; i++) f(x).dispose()
      expect(memory().held).toBe(before)
      f.dispose()
      f.dispose()
      expect(f.info().bytes).toBe(0)
      expect(memory().held).toBeLessThan(before)
      f(x).dispose()
      expect(f.info().traces).toBe(2)
      f.dispose()
      for (const t of [w, x]) t.dispose()
    })

    test('a call allocates its results and nothing else', () => {
      const w = ones(16, 16, { requiresGrad: true })
      const f = compile((x: Tensor) => {
        w.grad = null
        const loss = x.matmul(w).tanh().square().mean()
        loss.backward()
        noGrad(() => w.sub_(w.grad!.mul(0.1)))
        return [loss, x.add(1)]
      })
      const x = ones(16, 16)
      f(x)
      const alloc = vi.spyOn(storageOf('test', x).backend, 'alloc')
      f(x)
      expect(alloc).toHaveBeenCalledTimes(2)
      vi.restoreAllMocks()
    })

    test('intermediate values of a long chain share memory', () => {
      const f = compile((x: Tensor) => {
        let y = x
        for (let i = 0; i < 20; i++) y = y.mul(2).cumsum(0)
        return y.sum()
      })
      const x = ones(1000)
      f(x)
      expect(f.info().bytes).toBeLessThan(5 * 4000)
      f.dispose()
    })

    test('inside a scope results follow its rules, state does not', async () => {
      const w = tensor([1, 2], { requiresGrad: true })
      const f = compile((x: Tensor) => { w.grad = null; x.mul(w).sum().backward(); return [x.add(1), x.add(2)] })
      let lost: Tensor | null = null
      const kept = scope(() => { const [a, b] = f(ones(2)); lost = b; return a })
      expect(kept.alive).toBe(true)
      expect(lost!.alive).toBe(false)
      expect(await list(w.grad)).toEqual([1, 1])
      expect(await list(f(ones(2))[1])).toEqual([3, 3])
    })

    test('captured tensors stay usable by the plan when the caller frees its handle', async () => {
      const w = tensor([1, 2])
      const f = compile((x: Tensor) => x.add(w))
      f(ones(2))
      w.dispose()
      expect(await list(f(ones(2)))).toEqual([2, 3])
    })
  })
})
