// Donated arguments: results take their memory, the numbers stay, and the tensors are gone.
import { describe, expect, test } from 'vitest'
import { compile, memory, randn, scope, sub, symbolic, tensor, type Tensor } from '../../src/index.ts'
import { eachDevice } from '../each-device.ts'

const list = async (x: Tensor): Promise<number[]> => Array.from(await x.data())

eachDevice(() => {
  describe('donated arguments', () => {
    test('a result takes their memory, so the peak falls by it', async () => {
      const step = (state: Tensor, g: Tensor): Tensor => sub(state.mul(0.9), g)
      const [plain, donating] = [compile(step), compile(step, { donate: ['state'] })]
      const [x, g] = [randn(64, 32), randn(64, 32)]
      const want = await list(plain(x, g))
      const bytes = 64 * 32 * 4
      const [before, after] = [plain.memory(x, g), donating.memory(x, g)]
      expect([before.results, after.results, before.donated, after.donated]).toEqual([bytes, 0, 0, bytes])
      expect(after.peak).toBe(before.peak - bytes)
      expect(String(after)).toContain('donated')
      const { held } = memory()
      const y = donating(x, g)
      expect(memory().held).toBe(held)
      expect(await list(y)).toEqual(want)
      expect(x.alive).toBe(false)
      expect(g.alive).toBe(true)
    })

    test('the memory goes from call to call', () => scope(() => {
      const step = compile((s: Tensor) => s.mul(2).add(1), { donate: [0] })
      let s = tensor([1, 2, 3])
      step.memory(s)
      const { held } = memory()
      for (let i = 0; i < 5; i++) s = step(s)
      expect(memory().held).toBe(held)
      expect(step.info().traces).toBe(1)
      return list(s).then(v => expect(v).toEqual([63, 95, 127]))
    }))

    test('to use one afterwards says where it went', () => {
      const train = compile((s: Tensor) => s.mul(2), { name: 'train', donate: [0] })
      const x = tensor([1, 2])
      train(x)
      expect(() => x.add(1)).toThrow(/add.*was used after it was freed: it was donated to train/)
      expect(() => train(x)).toThrow(/it was donated to train/)
    })

    test('not where an old element is still read when the new one is written', async () => {
      for (const f of [(x: Tensor) => x.flip(0).add(x), (x: Tensor) => x.matmul(x), (x: Tensor) => x.t().mul(2), (x: Tensor) => x.cumsum(0).mul(x), (x: Tensor) => x.softmax(1).matmul(x)]) {
        const [x, twin] = [randn(6, 6), randn(6, 6)]
        twin.copy_(x)
        const want = await list(compile(f)(twin))
        expect(await list(compile(f, { donate: [0] })(x))).toEqual(want)
      }
    })

    test('parts of lists and objects, several results, results as they came', async () => {
      const f = compile((s: { m: Tensor; v: Tensor[] }, g: Tensor) => ({ m: s.m.mul(0.5).add(g), v: [s.v[0].add(g.mul(g)), s.v[1]], sum: g.sum() }), { donate: ['s.m', 's.v'] })
      const make = () => ({ m: tensor([2, 4]), v: [tensor([1, 1]), tensor([7, 8])] })
      const g = tensor([1, 2])
      expect(f.memory(make(), g).donated).toBe(3 * 8)
      const s = make()
      const out = f(s, g)
      expect(await Promise.all([out.m, ...out.v, out.sum].map(list))).toEqual([[2, 4], [2, 5], [7, 8], [3]])
      expect([s.m.alive, s.v[0].alive, s.v[1].alive]).toEqual([false, false, false])
    })

    test('one that no result fits is freed all the same, and what the code changes of it is not written', async () => {
      const f = compile((x: Tensor) => { x.add_(1); return x.sum() }, { donate: [0] })
      const x = randn(100)
      const want = (await list(x)).reduce((a, b) => a + b, 100)
      f.memory(x)
      const { held } = memory()
      const y = f(x)
      expect(memory().held).toBe(held - 400 + 4)
      expect((await list(y))[0]).toBeCloseTo(want, 3)
    })

    test('memory that others show is copied first', async () => {
      const f = compile((x: Tensor, y: Tensor) => x.mul(10).add(y), { donate: [0] })
      const base = tensor([[1, 2], [3, 4]])
      expect(await list(f(base.t(), tensor([[1, 1], [1, 1]])))).toEqual([11, 31, 21, 41])
      expect(await list(base)).toEqual([1, 2, 3, 4])
      const x = tensor([[1, 2], [3, 4]])
      expect(await list(f(x, x))).toEqual([11, 22, 33, 44])
      const whole = tensor([1, 2, 3, 4])
      const front = compile((v: Tensor) => v.neg(), { donate: [0] })(whole.at('0:2'))
      expect([await list(front), await list(whole)]).toEqual([[-1, -2], [1, 2, 3, 4]])
    })

    test('within a budget that only donation meets, and in the modes that watch', async () => {
      const f = (x: Tensor): Tensor => x.mul(3).sub(1)
      const x = (): Tensor => tensor([1, 2, 3, 4])
      const { peak } = compile(f, { donate: [0] }).memory(x())
      expect(() => compile(f, { budget: peak }).memory(x())).toThrow(/cannot run in/)
      expect(await list(compile(f, { budget: peak, donate: [0] })(x()))).toEqual([2, 5, 8, 11])
      for (const options of [{ mode: 'debug' as const }, { nanGuard: true }, { profile: true }, { monitor: { after: () => {} } }]) {
        const g = compile((v: Tensor) => { v.mul_(3); return v.sub(1) }, { ...options, donate: [0] })
        const given = x()
        expect(await list(g(given))).toEqual([2, 5, 8, 11])
        await g.checked()
        expect(given.alive).toBe(false)
      }
    })

    test('inputs of symbolic functions', async () => {
      const [w, g] = symbolic.vectors('w', 'g')
      for (const mode of ['fastRun', 'eager'] as const) {
        const step = symbolic.func({ inputs: [{ variable: w, donate: true }, g], outputs: w.sub(g.mul(0.5)), mode, name: 'step' })
        const x = tensor([1, 2])
        expect(await list(step(x, [2, 2]))).toEqual([0, 1])
        expect(() => x.neg()).toThrow(/it was donated to step/)
        expect(await list(step([1, 2], [2, 2]))).toEqual([0, 1])
      }
      expect(() => symbolic.func({ inputs: [{ variable: w, donate: true, default: tensor([1]) }], outputs: w })).toThrow(/would be gone after one call/)
      expect(() => symbolic.func({ inputs: [{ variable: w, donate: true, default: 0, update: w }], outputs: w })).toThrow(/has an update and is donated/)
    })

    test('what cannot be donated is said', () => {
      const f = (x: Tensor, n: number): Tensor => x.mul(n)
      expect(() => compile(f, { donate: ['y'] })).toThrow(/has no argument 'y' that could be donated.*x, n/s)
      expect(() => compile(f, { donate: [1] })(tensor([1]), 2)).toThrow(/without a tensor in '1', which is to be donated.*tensors are in: 0/s)
    })
  })
})
