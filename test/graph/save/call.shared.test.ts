// Calls written down with their arguments, to be run again elsewhere, also those that fail.
import { describe, expect, test } from 'vitest'
import { compile, dumpCall, loadCall, loadFunction, memory, nn, randn, saveFunction, symbolic, tensor, type Tensor } from '../../../src/index.ts'
import { eachDevice } from '../../each-device.ts'

const list = async (x: Tensor): Promise<number[]> => Array.from(await x.data())

eachDevice(() => {
  describe('calls as files', () => {
    test('a call that fails fails again, and its parts can be looked at', async () => {
      const table = tensor([1, 2, 3])
      const pick = compile((rows: { at: Tensor; scale: number }) => table.gather(0, rows.at).mul(rows.scale), { name: 'pick' })
      const args = { at: tensor(new Int32Array([0, 7])), scale: 2 }
      const failing = async (): Promise<unknown> => list(pick(args))
      await expect(failing()).rejects.toThrow(/index 7/)
      const call = loadCall(await dumpCall(pick, args))
      await expect((async () => list(call.run()))()).rejects.toThrow(/index 7.*call\.shared/)
      const [given] = call.args as unknown as [{ at: Tensor; scale: number }]
      expect([await list(given.at), given.scale]).toEqual([[0, 7], 2])
      expect(await list(call.f({ at: [0, 2], scale: 2 }))).toEqual([2, 6])
    })

    test('the function keeps the state that it had, and the call is not made', async () => {
      const x = symbolic.vector('x')
      const total = symbolic.shared(10, { name: 'total' })
      const add = symbolic.func({ inputs: [x], outputs: total, updates: [[total, total.add(x.sum())]] })
      const bytes = await dumpCall(add, [1, 2])
      expect(await total.get().item()).toBe(10)
      const call = loadCall(bytes)
      expect(await call.run().item()).toBe(10)
      expect(await call.f.get('total').item()).toBe(13)
      expect(await loadCall(await dumpCall(add, { x: new Float32Array([3, 4]) })).run().item()).toBe(10)
    })

    test('views as arguments, lists of tensors, and nothing is left behind', async () => {
      const net = new nn.Linear(3, 2)
      const f = compile((pair: readonly Tensor[]) => net.forward(pair[0]).add(pair[1]))
      const [x, y] = [randn(3, 4), randn(2)]
      const expected = await list(f([x.t(), y]))
      const before = memory().held
      const bytes = await dumpCall(f, [x.t(), y])
      expect(memory().held).toBe(before)
      const found = await list(loadCall(bytes).run())
      expected.forEach((v, i) => expect(found[i]).toBeCloseTo(v, 5))
    })

    test('what is refused', async () => {
      const f = compile((x: Tensor) => x.mul(2))
      const bytes = await dumpCall(f, tensor([1]))
      expect(() => loadFunction(bytes)).toThrow(/these bytes are a call.*loadCall/)
      expect(() => loadCall(new Uint8Array(5))).toThrow(/no saved function/)
      const saved = await saveFunction(f)
      expect(() => loadCall(saved)).toThrow(/function without arguments.*loadFunction/)
      await expect(dumpCall((() => 1) as never)).rejects.toThrow(/no compiled function/)
      const wrong = compile((x: Tensor) => x.matmul(tensor([[1, 2]])))
      await expect(dumpCall(wrong, tensor([[1, 2, 3]]))).rejects.toThrow(/inner sizes/)
    })
  })
})
