// Loops that end before their limit: in compiled code too the steps behind the end do not run. A table that has no entry for them tells: the
// kernel that reads it faults if it runs.
import { describe, expect, test } from 'vitest'
import { cat, compile, grad, loadFunction, manualSeed, noGrad, ones, rand, randn, saveFunction, stack, tensor, zeros, type Tensor } from '../../src/index.ts'
import * as S from '../../src/symbolic/index.ts'
import { eachDevice } from '../each-device.ts'

const list = async (x: Tensor): Promise<number[]> => Array.from(await x.data())
const near = async (a: Tensor, b: Tensor): Promise<void> => {
  expect(a.shape).toEqual(b.shape)
  const [x, y] = [await list(a), await list(b)]
  const size = Math.max(1, ...y.map(Math.abs))
  x.forEach((v, i) => expect(v / size).toBeCloseTo(y[i] / size, 4))
}
const allNear = async (as: readonly Tensor[], bs: readonly Tensor[]): Promise<void> => {
  expect(as.length).toBe(bs.length)
  for (const [i, a] of as.entries()) await near(a, bs[i])
}

eachDevice(() => {
  describe('loops with an end, in compiled code', () => {
    const factors = [1.5, 2, 0.5, 3]
    /** Multiplies by entries of the table while the sum is below the limit: at most 9 steps, of which the table allows four. */
    const grown = (x: Tensor, table: Tensor, limit: Tensor): Tensor =>
      S.whileLoop((h: Tensor) => h.sum().lt(limit), (h: Tensor, i: Tensor) => [h.mul(table.gather(0, i.reshape(1))).tanh().add(h), i.add(1)], [x, zeros([], { dtype: 'int32' })], { maxSteps: 9 })[0]
    const grownTimes = (n: number) => (x: Tensor, table: Tensor): Tensor => {
      let h = x
      for (let i = 0; i < n; i++) h = h.mul(table.narrow(0, i, 1)).tanh().add(h)
      return h
    }
    const slopes = (f: (x: Tensor, table: Tensor) => Tensor, x: Tensor, table: Tensor): Tensor[] => {
      const y = f(x.requiresGrad ? x : x.detach().requiresGrad_(), table)
      const [gx, gt] = grad(y.square().sum(), [x, table], { createGraph: true, allowUnused: true }).map((g, i) => g ?? (i ? table : x).mul(0))
      return [y, gx, gt, ...(gt.requiresGrad ? grad(gt.square().sum().add(gx.mul(gx).sum()), [x, table], { allowUnused: true }).map((g, i) => g ?? (i ? table : x).mul(0)) : [])]
    }

    test('whileLoop: what it computes, its derivatives and theirs', async () => {
      const make = (): [Tensor, Tensor] => [tensor([0.3, 0.4], { requiresGrad: true }), tensor(factors, { requiresGrad: true })]
      const f = compile((x: Tensor, table: Tensor, limit: Tensor) => slopes((a, b) => grown(a, b, limit), x, table))
      for (const [limit, steps] of [[1, 1], [2, 2], [4, 3], [6, 4]] as const) {
        const [x, table] = make()
        await allNear(f(x, table, tensor(limit)), slopes(grownTimes(steps), ...make()))
      }
      const [x, table] = make()
      const still = f(x, table, tensor(0.5))
      await allNear(still.slice(0, 3), [x, x.mul(2), table.mul(0)])
      expect(f.info().traces).toBe(1)
    })

    test('whileLoop over values of the code around it, of expressions, and to its limit', async () => {
      const f = compile((x: Tensor, w: Tensor) => {
        const m = w.exp()
        const [h, n] = S.whileLoop((a: Tensor) => a.sum().lt(50), (a: Tensor, k: Tensor) => [a.matmul(m).add(x), k.add(1)], [x, zeros([])], { maxSteps: 6 })
        return [h, n, ...grad(h.sum(), [x, w])]
      })
      const by = (x: Tensor, w: Tensor, steps: number): Tensor[] => {
        const m = w.exp()
        let h = x
        for (let i = 0; i < steps; i++) h = h.matmul(m).add(x)
        return [h, tensor(steps), ...grad(h.sum(), [x, w])]
      }
      const w = tensor([[0, -1], [-1, 0.2]], { requiresGrad: true })
      for (const [values, steps] of [[[[2, 1]], 5], [[[0.01, 0.02]], 6], [[[30, 30]], 0]] as const) {
        const x = tensor(values.map(v => [...v]), { requiresGrad: true })
        if (steps === 0) await allNear(f(x, w), [x, tensor(0), ones(1, 2), zeros(2, 2)])
        else await allNear(f(x, w), by(x, w, steps))
      }
      const [a, b] = S.scalars('a', 'b')
      const c = a.mul(b)
      const g = S.func({ inputs: [a, b], outputs: [S.whileLoop((v: Tensor) => v.lt(c), (v: Tensor) => v.mul(2).add(c.mul(0)), a, { maxSteps: 30 })] })
      expect(await list(g(3, 10)[0])).toEqual([48])
    })

    const rows = (): Tensor => randn(9, 2)
    test('scan with until: rows behind the end repeat the last one', async () => {
      const table = tensor(factors)
      const f = compile((x: Tensor, w: Tensor, limit: Tensor) => {
        const [h, twice] = S.scan((xt, i, before) => {
          const now = before.mul(w).add(xt.mul(table.gather(0, i.reshape(1))))
          return [now, now.square().sum(), S.until(i.ge(limit))]
        }, { sequences: [x, tensor(new Int32Array([0, 1, 2, 3, 99, 99, 99, 99, 99]))], outputsInfo: [tensor([0.1, 0.2]), null] })
        const cost = h.mul(tensor([[1], [2], [3], [4], [5], [6], [7], [8], [9]])).square().sum().add(twice.sum())
        const gs = grad(cost, [x, w], { createGraph: true })
        return [h, twice, ...gs, ...grad(gs[1].sum(), [x, w])]
      })
      const by = (x: Tensor, w: Tensor, steps: number): Tensor[] => {
        let h = tensor([0.1, 0.2])
        const all: Tensor[] = []
        for (let i = 0; i < 9; i++) all.push((h = i < steps ? h.mul(w).add(x.select(0, i).mul(factors[i])) : h))
        const y = stack(all)
        const twice = stack(all.map(v => v.square().sum()))
        const gs = grad(y.mul(tensor([[1], [2], [3], [4], [5], [6], [7], [8], [9]])).square().sum().add(twice.sum()), [x, w], { createGraph: true })
        return [y, twice, ...gs, ...grad(gs[1].sum(), [x, w])]
      }
      for (const steps of [1, 2, 3, 4]) {
        const [x, w] = [rows().requiresGrad_(), tensor([0.5, -0.7], { requiresGrad: true })]
        await allNear(f(x, w, tensor(new Int32Array([steps - 1])).select(0, 0)), by(x, w, steps))
      }
    })

    test('folds with until, backwards, and results that no step asks for', async () => {
      const w = tensor([2, 3], { requiresGrad: true })
      const f = compile((x: Tensor) => {
        const end = S.foldr((xt, h) => [h.mul(w).add(xt), S.until(xt.sum().lt(0))], x, tensor([1, 1]))
        const [sums] = [S.map(xt => [xt.mul(w), S.until(xt.sum().lt(0))], x)].flat()
        return [end, sums, grad(end.sum().add(sums.sum()), [w])[0]]
      })
      const x = tensor([[1, 1], [-5, 1], [1, 2], [3, 1]])
      const [a, b, c] = [x.select(0, 3), x.select(0, 2), x.select(0, 1)]
      const end = tensor([1, 1]).mul(w).add(a).mul(w).add(b).mul(w).add(c)
      const sums = stack([x.select(0, 0).mul(w), c.mul(w), c.mul(w), c.mul(w)])
      await allNear(f(x), [end, sums, grad(end.sum().add(sums.sum()), [w])[0]])
    })

    test('in branches and loops, saved and loaded, of sizes that change, and in other modes', async () => {
      const collatz = (n: Tensor): Tensor => S.whileLoop((a: Tensor) => a.gt(1), (a: Tensor, k: Tensor) => [S.ifelse(a.remainder(2).eq(0), () => a.div(2), () => a.mul(3).add(1)), k.add(1)], [n, zeros([])], { maxSteps: 9 })[1]
      const expected = [0, 1, 7, 2]
      const all = (x: Tensor): Tensor => S.ifelse(x.sum().gt(0), () => S.map(n => collatz(n), x), () => x)
      const x = tensor([1, 2, 3, 4])
      const f = compile(all)
      expect(await list(f(x))).toEqual(expected)
      expect(await list(f(x.neg()))).toEqual([-1, -2, -3, -4])
      expect(await list(loadFunction(await saveFunction(f))(x))).toEqual(expected)
      for (const mode of ['debug', 'nanGuard', 'fastCompile'] as const) {
        const g = compile(collatz, { mode })
        expect(await g(tensor(6)).item()).toBe(8)
        if (mode !== 'fastCompile') await g.checked()
      }
      const total = compile((v: Tensor) => S.whileLoop((a: Tensor) => a.sum().lt(100), (a: Tensor) => a.mul(2), v, { maxSteps: 12 }), { dynamic: { 0: [0] } })
      for (const n of [3, 5, 8]) expect(await list(total(ones(n)))).toEqual(new Array(n).fill(2 ** Math.ceil(Math.log2(100 / n))))
      expect(total.info().traces).toBe(1)
    })

    test('steps that cannot stand alone end too: with random numbers, memory from outside and taps of results', async () => {
      const total = zeros(1)
      const f = compile((x: Tensor) => {
        const [drawn, k] = S.whileLoop((_: Tensor, i: Tensor) => i.lt(3), (a: Tensor, i: Tensor) => {
          noGrad(() => total.add_(1))
          return [a.add(rand(2)), i.add(1)]
        }, [x, zeros([])], { maxSteps: 6 })
        const fibonacci = S.scan((older, newer) => [older.add(newer), S.until(newer.gt(4))], { outputsInfo: { initial: tensor([1, 1]), taps: [-2, -1] }, nSteps: 8 })
        const doubled = S.scan(before => (noGrad(() => total.add_(10)), [before.mul(2), S.until(before.gt(3))]), { outputsInfo: x.sum(), nSteps: 6 })
        return [drawn, k, rand(2), fibonacci, doubled]
      })
      manualSeed(7)
      const found = f(tensor([1, 2]))
      manualSeed(7)
      await allNear(found.slice(0, 3), [tensor([1, 2]).add(rand(2)).add(rand(2)).add(rand(2)), tensor(3), rand(2)])
      expect(await list(found[3])).toEqual([2, 3, 5, 8, 8, 8, 8, 8])
      expect(await list(found[4])).toEqual([6, 12, 12, 12, 12, 12])
      expect(await list(total)).toEqual([23])
    })

    test('one step at most, and a state that changes its shape', async () => {
      const f = compile((x: Tensor) => S.whileLoop((a: Tensor) => a.sum().lt(100), (a: Tensor) => a.mul(2), x, { maxSteps: 1 }))
      expect(await list(f(tensor([1, 2])))).toEqual([2, 4])
      expect(await list(f(tensor([100, 2])))).toEqual([100, 2])
      const g = compile((x: Tensor) => S.whileLoop((a: Tensor) => a.sum().lt(100), (a: Tensor) => cat([a, a]), x, { maxSteps: 3 }))
      expect(() => g(tensor([1, 2]))).toThrow(/\[4\].*\[2\]/)
    })
  })
})
