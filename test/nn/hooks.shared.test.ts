// Hooks on modules: when they are called, with what, and what becomes of their answers.
import { describe, expect, test } from 'vitest'
import { compile, manualSeed, nn, noGrad, ones, randn, tensor, zeros, type Tensor } from '../../src/index.ts'
import { eachDevice } from '../each-device.ts'

const list = async (x: Tensor | null | undefined): Promise<number[]> => Array.from(await x!.data())

class Scale extends nn.Module {
  weight = new nn.Parameter(tensor([2, 3]))
  override forward(x: Tensor): Tensor {
    return x.mul(this.weight)
  }
}

/** Two inputs, one of them no tensor, and outputs within outputs. */
class Pair extends nn.Module {
  override forward(x: Tensor, times: number, y: Tensor): [Tensor, [Tensor, number]] {
    return [x.mul(times), [x.add(y), times]]
  }
}

eachDevice(() => {
  describe('forward', () => {
    test('hooks see and exchange inputs and outputs, in the order of registration', async () => {
      const layer = new Scale()
      const x = tensor([1, 1])
      const seen: unknown[] = []
      layer.registerForwardPreHook((module, inputs) => void seen.push(module === layer, inputs[0] === x))
      layer.registerForwardPreHook((_, [x]) => [x.add(1)])
      layer.registerForwardPreHook((_, [x]) => x.mul(10))
      layer.registerForwardHook((_, [x], y) => y.sub(x))
      const handle = layer.registerForwardHook((_, __, y) => y.mul(2))
      expect(await list(layer.forward(x))).toEqual([40, 80])
      expect(seen).toEqual([true, true])
      handle.remove()
      expect(await list(layer.forward(x))).toEqual([20, 40])
    })

    test('fires inside of other modules, once for each call, and not in what it does not see', () => {
      const model = new nn.Sequential(new nn.Linear(2, 3), new nn.Sequential(new nn.ReLU(), new nn.Linear(3, 1)))
      const names: string[] = []
      const handles = [...model.namedModules()].map(([path, m]) => m.registerForwardHook(() => void names.push(path)))
      model.forward(ones([1, 2]))
      expect(names).toEqual(['0', '1.0', '1.1', '1', ''])
      handles.forEach(h => h.remove())
      model.forward(ones([1, 2]))
      expect(names.length).toBe(5)
      expect(Object.keys(model.stateDict())).toEqual(['0.weight', '0.bias', '1.1.weight', '1.1.bias'])
      expect(String(model)).toContain('(0): Linear(')
    })

    test('a forward of the module’s own, and one that is called by that of its class', async () => {
      class Twice extends Scale {
        override forward(x: Tensor): Tensor {
          return super.forward(super.forward(x))
        }
      }
      const layer = new Twice()
      let calls = 0
      layer.registerForwardHook(() => void calls++)
      expect(await list(layer.forward(ones([2])))).toEqual([4, 9])
      expect(calls).toBe(1)
      expect(await list(layer.functionalCall({ weight: tensor([1, 5]) }, ones([2])))).toEqual([1, 25])
      expect(calls).toBe(2)
    })

    test('wants a function', () => expect(() => new Scale().registerForwardHook(1 as never)).toThrow('[registerForwardHook]'))
  })

  describe('backward', () => {
    test('hooks see and exchange the gradients of outputs and inputs', async () => {
      const layer = new Scale()
      const x = tensor([1, 1], { requiresGrad: true })
      const seen: (Tensor | null)[] = []
      layer.registerFullBackwardPreHook((_, [g]) => g!.mul(10))
      layer.registerFullBackwardHook((module, gradInput, gradOutput) => {
        expect(module).toBe(layer)
        seen.push(...gradInput, ...gradOutput)
      })
      layer.registerFullBackwardHook((_, [g]) => g!.add(1))
      layer.forward(x).mul(tensor([1, 2])).sum().backward()
      expect(await Promise.all(seen.map(list))).toEqual([[20, 60], [10, 20]])
      expect([await list(x.grad), await list(layer.weight.grad)]).toEqual([[21, 61], [10, 20]])
    })

    test('come for all inputs and outputs at once, with null where there is no gradient', async () => {
      const layer = new Pair()
      const [x, y] = [tensor([1, 2], { requiresGrad: true }), tensor([3, 4])]
      const seen: (readonly (Tensor | null)[])[] = []
      layer.registerFullBackwardHook((_, gradInput, gradOutput) => {
        seen.push(gradInput, gradOutput)
        return [gradInput[0]!.neg(), null]
      })
      const [a, [b, times]] = layer.forward(x, 5, y)
      expect(times).toBe(5)
      a.add(b).sum().backward({ retainGraph: true })
      expect([await list(seen[0][0]), seen[0][1]]).toEqual([[6, 6], null])
      expect(await Promise.all(seen[1].map(list))).toEqual([[1, 1], [1, 1]])
      expect(await list(x.grad)).toEqual([-6, -6])
      b.sum().backward()
      expect([await list(seen[2][0]), seen[3][0], await list(seen[3][1])]).toEqual([[1, 1], null, [1, 1]])
    })

    test('where no input wants a gradient, and where nothing is recorded', async () => {
      const layer = new Scale()
      const seen: (readonly (Tensor | null)[])[] = []
      layer.registerFullBackwardHook((_, gradInput, gradOutput) => void seen.push(gradInput, gradOutput))
      layer.forward(ones([2])).sum().backward()
      expect([seen[0], await list(seen[1][0])]).toEqual([[null], [1, 1]])
      noGrad(() => layer.forward(ones([2])))
      expect(seen.length).toBe(2)
    })

    test('leave changes in place as they were, inside and outside', async () => {
      class Shift extends nn.Module {
        override forward(x: Tensor): Tensor {
          return x.add_(1)
        }
      }
      const layer = new Shift()
      const x = tensor([-1, 2], { requiresGrad: true })
      layer.forward(x.mul(3)).mul_(4).sum().backward()
      const expected = await list(x.grad)
      x.grad = null
      let calls = 0
      layer.registerFullBackwardHook(() => void calls++)
      const given = x.mul(3)
      const y = layer.forward(given).mul_(4)
      y.sum().backward()
      expect([await list(x.grad), await list(given), await list(y), calls]).toEqual([expected, [-8, 28], [-8, 28], 1])
    })

    test('say what is wrong', () => {
      const layer = new Scale()
      const handle = layer.registerFullBackwardHook((_, [g]) => [g, g])
      const x = tensor([1, 1], { requiresGrad: true })
      expect(() => layer.forward(x).sum().backward()).toThrow('[registerFullBackwardHook] the hook gave 2 gradients in place of 1')
      handle.remove()
      layer.registerFullBackwardHook(() => [ones([2])])
      expect(() => layer.forward(ones([2])).sum().backward()).toThrow('the hook gave f32[2] in place of no gradient')
    })
  })

  test('recurrent layers and attention', () => {
    manualSeed(0)
    for (const [layer, inputs, counts] of [
      [new nn.LSTM(3, 2), [randn(4, 1, 3), [zeros([1, 1, 2]), zeros([1, 1, 2])]], [3, 3]],
      [new nn.MultiheadAttention(4, 2), [randn(3, 1, 4), randn(3, 1, 4), randn(3, 1, 4)], [3, 2]],
    ] as [nn.Module & { forward(...inputs: unknown[]): [Tensor, ...unknown[]] }, unknown[], number[]][]) {
      const seen: number[] = []
      layer.registerFullBackwardHook((_, gradInput, gradOutput) => void seen.push(gradInput.length, gradOutput.length))
      layer.forward(...inputs)[0].sum().backward()
      expect(seen).toEqual(counts)
    }
  })

  test('in compiled code they are part of the graph, and their coming and going is noticed', async () => {
    const model = new nn.Sequential(new Scale(), new Scale())
    const slopes = zeros([2])
    const step = compile((x: Tensor) => {
      const y = model.forward(x)
      y.sum().backward()
      model.zeroGrad()
      return y
    })
    const x = tensor([1, 1])
    expect(await list(step(x))).toEqual([4, 9])
    const handles = [
      model.children()[0].registerForwardHook((_, __, y) => (y as Tensor).add(1)),
      model.children()[0].registerFullBackwardHook((_, __, [g]) => void noGrad(() => slopes.add_(g!))),
    ]
    for (let i = 0; i < 2; i++) expect(await list(step(x))).toEqual([6, 12])
    expect(await list(slopes)).toEqual([4, 6])
    expect(step.info().traces).toBe(2)
    handles.forEach(h => h.remove())
    expect(await list(step(x))).toEqual([4, 9])
    expect(step.info().traces).toBe(2)
  })
})
