// Monitors: what the callbacks see, when, and that they change nothing.
import { describe, expect, test } from 'vitest'
import { compile, manualSeed, memory, nn, optim, randn, symbolic, tensor, zeros, type Tensor } from '../../../src/index.ts'
import { detectNan, type MonitoredNode } from '../../../src/debug/index.ts'
import { currentBackend } from '../../../src/eager/device.ts'
import { eachDevice } from '../../each-device.ts'

eachDevice(() => {
  describe('monitor', () => {
    test('sees each node before and after, with its op, line, order and values', async () => {
      const seen: string[] = []
      const values: Promise<number[]>[] = []
      const f = compile((x: Tensor, y: Tensor) => x.add(y).mul(3).sum(), {
        monitor: {
          before: n => void seen.push(`${n.index} before ${n.op} of ${n.inputs.length}, ${n.outputs.length}`),
          after: n => {
            seen.push(`${n.index} after ${n.op}: ${n.outputs[0].shape.join()}`)
            expect(n.line).toContain('monitor.shared.test.ts')
            values.push(n.outputs[0].data().then(d => Array.from(d)))
          },
        },
      })
      expect(await f(tensor([1, 2]), tensor([3, 4])).item()).toBe(30)
      expect(seen).toEqual(['0 before add of 2, 0', '0 after add: 2', '1 before mul of 2, 0', '1 after mul: 2', '2 before sum of 1, 0', '2 after sum: '])
      expect(await Promise.all(values)).toEqual([[4, 6], [12, 18], [30]])
    })

    test('a training step gives the same numbers, and its state goes on', async () => {
      const train = async (monitored: boolean): Promise<number[]> => {
        manualSeed(5)
        const model = new nn.Sequential(new nn.Linear(4, 6), new nn.ReLU(), new nn.BatchNorm1d(6), new nn.Linear(6, 2))
        const optimizer = new optim.Adam(model.parameters(), { lr: 0.05 })
        let nodes = 0
        const step = compile((x: Tensor, y: Tensor) => {
          optimizer.zeroGrad()
          const loss = nn.functional.mseLoss(model.forward(x), y)
          loss.backward()
          optimizer.step()
          return loss
        }, monitored ? { monitor: { after: () => void nodes++ }, nanGuard: true } : {})
        const [x, y] = [randn(5, 4), randn(5, 2)]
        const losses: number[] = []
        for (let i = 0; i < 4; i++) losses.push(await step(x, y).item())
        expect(nodes > 0).toBe(monitored)
        return losses
      }
      const [a, b] = [await train(true), await train(false)]
      a.forEach((v, i) => expect(v).toBeCloseTo(b[i], 5))
    })

    test('a callback that waits keeps its tensors, and sees state as it was', async () => {
      const total = zeros([2])
      const seen: number[][] = []
      const f = compile((x: Tensor) => { total.add_(x) }, {
        monitor: {
          async after({ inputs }: MonitoredNode) {
            await new Promise(resolve => setTimeout(resolve, 5))
            for (const v of inputs) seen.push(Array.from(await v.data()))
          },
        },
      })
      f(tensor([1, 2]))
      f(tensor([3, 4]))
      await f.checked()
      expect(seen).toEqual([[0, 0], [1, 2], [1, 2], [3, 4]])
      expect(Array.from(await total.data())).toEqual([4, 6])
    })

    test('what a callback throws reaches the caller, at once or where it is waited for', async () => {
      const f = compile((x: Tensor) => x.exp(), { monitor: { before: () => { throw new Error('seen') } } })
      expect(() => f(tensor(1))).toThrow('seen')
      const g = compile((x: Tensor) => x.exp(), { monitor: { after: async () => { throw new Error('late') } } })
      await expect(g(tensor(1)).item()).rejects.toThrow('late')
      g(tensor(1))
      await expect(g.checked()).rejects.toThrow('late')
    })

    test('memory goes back', () => {
      const f = compile((x: Tensor) => x.mul(x).sum(), { monitor: { after: () => {} } })
      const x = randn(100)
      f(x).dispose()
      const before = memory()
      for (let i = 0; i < 3; i++) f(x).dispose()
      expect(memory().tensors).toBe(before.tensors)
      expect(currentBackend().memory().held).toBe(before.held)
    })

    test('detectNan names the node, its line and its inputs', async () => {
      const f = compile((x: Tensor) => x.sub(1).log().sum(), { monitor: detectNan() })
      expect(await f(tensor([2, 2])).item()).toBe(0)
      const call = async (): Promise<number> => f(tensor([0.5, 3])).item()
      await expect(call()).rejects.toThrow(/log at .*monitor\.shared\.test\.ts.* gives NaN\n {2}input 0: f32\[2\] from −0\.5 to 2\n {2}result: f32\[2\]/)
      const names: string[] = []
      const g = compile((x: Tensor) => x.log().mul(2), { monitor: detectNan(n => void names.push(n.op)) })
      await g(tensor([-1])).data()
      expect(names).toEqual(['log', 'mul'])
    })

    test('symbolic functions have it too; a misspelt callback is refused', async () => {
      const x = symbolic.vector('x')
      const ops: string[] = []
      const f = symbolic.func({ inputs: [x], outputs: x.exp().sum(), monitor: { after: n => void ops.push(n.op) } })
      await (f([1, 2]) as Tensor).data()
      expect(ops).toEqual(expect.arrayContaining(['exp', 'sum']))
      expect(() => compile((v: Tensor) => v, { monitor: { afterwards: () => {} } as object })).toThrow("unknown option 'afterwards'")
    })
  })
})
