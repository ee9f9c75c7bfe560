// nanGuard: what it finds, what it leaves alone, whom it names, and how the news reach the caller.
import { describe, expect, test } from 'vitest'
import { compile, LampasError, nn, optim, ones, rand, symbolic, tensor, where, zeros, type Tensor } from '../../../src/index.ts'
import { currentBackend } from '../../../src/eager/device.ts'
import { eachDevice } from '../../each-device.ts'

/** What a call that gives a tensor is found guilty of: at once, or when the result is read. */
async function faultOf(call: () => Tensor): Promise<string> {
  try {
    const y = call()
    await y.data().finally(() => y.dispose())
  } catch (error) {
    if (error instanceof LampasError) return error.message
    throw error
  }
  return 'no fault'
}

eachDevice(() => {
  describe('nanGuard', () => {
    test('names the first bad node, its line, its shape and the ranges of its inputs', async () => {
      const f = compile((x: Tensor) => x.sub(2).log().mul(3).sum(), { nanGuard: true, name: 'f' })
      expect(await f(tensor([3, 4, 5])).item()).toBeCloseTo(3 * Math.log(6), 5)
      const told = await faultOf(() => f(tensor([3, 1, 5])))
      expect(told).toContain('f: log at')
      expect(told).toContain('nan-guard.shared.test.ts')
      expect(told).toContain('gives NaN, as the first')
      expect(told).toMatch(/input 0: f32\[3\] of sub .*: from −1 to 3, no NaN/)
      expect(told).toContain('result: f32[3]')
      expect(told).toContain('log wants numbers above 0')
      await expect(f.checked()).resolves.toBeUndefined()
      expect(await f(tensor([3, 4, 5])).item()).toBeCloseTo(3 * Math.log(6), 5)
    })

    test('an argument and a captured tensor that are bad already', async () => {
      const w = tensor([1, NaN])
      const f = compile((x: Tensor) => x.mul(w).sum(), { mode: 'nanGuard', name: 'f' })
      expect(await faultOf(() => f(tensor([1, Infinity])))).toContain('f: argument 0, f32[2], holds an infinity before anything is computed')
      expect(await faultOf(() => f(tensor([1, 2])))).toContain('f: a captured tensor, f32[2], holds NaN before')
    })

    test('infinities and large numbers only when they are asked for', async () => {
      const x = tensor([1, 1000])
      expect(await faultOf(() => compile((v: Tensor) => v.exp(), { nanGuard: true })(x))).toContain('gives an infinity')
      expect(await faultOf(() => compile((v: Tensor) => v.exp(), { nanGuard: { inf: false } })(x))).toBe('no fault')
      expect(await faultOf(() => compile((v: Tensor) => v.mul(3), { nanGuard: { big: 2000 } })(x))).toContain('gives numbers of size 3000')
      expect(await faultOf(() => compile((v: Tensor) => v.mul(3), { nanGuard: { big: 4000 } })(x))).toBe('no fault')
      expect(await faultOf(() => compile((v: Tensor) => v.sub(2000).log(), { nanGuard: { nan: false } })(x))).toBe('no fault')
    })

    test('a mask of −∞ that the code wrote down is fine, a NaN behind it is not', async () => {
      const masked = (x: Tensor): Tensor => where(x.gt(0), x, -Infinity).softmax(-1)
      const f = compile(masked, { nanGuard: true })
      expect(Array.from(await f(tensor([1, -1, 1])).data())).toEqual([0.5, 0, 0.5])
      expect(await faultOf(() => f(tensor([-1, -1, -1])))).toContain('gives NaN')
    })

    test('every float dtype of the device, and no fault where there are whole numbers, views and empty tensors', async () => {
      const dtypes = ['float32', 'float16', 'bfloat16', 'complex64', ...(currentBackend().hasFloat64 ? (['float64'] as const) : [])] as const
      for (const dtype of dtypes) {
        const f = compile((x: Tensor) => x.div(x.sub(x)), { nanGuard: true, exclude: ['minus-itself'] })
        expect(await faultOf(() => f(ones([2, 2], { dtype }))), dtype).toMatch(/div at .* gives (NaN|an infinity)/)
        const g = compile((x: Tensor) => x.mul(x).t().sum(), { nanGuard: true })
        expect(await faultOf(() => g(ones([2, 2], { dtype }))), dtype).toBe('no fault')
      }
      const h = compile((x: Tensor, e: Tensor) => [x.add(1), e.mul(2)] as const, { nanGuard: true })
      expect(Array.from(await h(tensor(new Int32Array([1, 2])), zeros([0, 3]))[0].data())).toEqual([2, 3])
    })

    test('a whole training step: the same numbers as without, and the fault of a step that is too large', async () => {
      const train = async (guarded: boolean, lr: number): Promise<number[]> => {
        const model = new nn.Sequential(new nn.Linear(3, 4), new nn.Tanh(), new nn.Linear(4, 1))
        for (const p of model.parameters()) p.detach().fill_(0.3)
        const optimizer = new optim.SGD(model.parameters(), { lr })
        const step = compile((x: Tensor) => {
          optimizer.zeroGrad()
          const loss = model.forward(x).square().exp().sum()
          loss.backward()
          optimizer.step()
          return loss
        }, { nanGuard: guarded, name: 'step' })
        const losses: number[] = []
        for (let i = 0; i < 4; i++) losses.push(await step(ones(2, 3)).item())
        await step.checked()
        return losses
      }
      expect(await train(true, 0.01)).toEqual(await train(false, 0.01))
      await expect(train(true, 1e20)).rejects.toThrow(/step: .* (gives|holds)/)
    })

    test('where reads wait, the next call and checked() tell what nobody read', async () => {
      const f = compile((x: Tensor) => x.log(), { nanGuard: true, name: 'f' })
      if (currentBackend().readSync) {
        expect(() => f(tensor([-1]))).toThrow('gives NaN')
        return
      }
      f(tensor([-1]))
      await expect(f.checked()).rejects.toThrow('gives NaN')
      await expect(f.checked()).resolves.toBeUndefined()
      f(tensor([-1]))
      await new Promise(resolve => setTimeout(resolve, 200))
      expect(() => f(tensor([1]))).toThrow('gives NaN')
    })

    test('symbolic functions have it too', async () => {
      const x = symbolic.vector('x')
      const f = symbolic.func({ inputs: [x], outputs: x.sqrt(), nanGuard: true, name: 'root' })
      expect(await faultOf(() => f([1, -4]) as Tensor)).toContain('root: sqrt')
    })

    test('memory goes back when a call is at fault', async () => {
      const f = compile((x: Tensor) => x.log(), { nanGuard: true })
      const x = rand(1000)
      const bad = x.neg()
      await faultOf(() => f(x))
      await faultOf(() => f(bad))
      const before = currentBackend().memory().held
      for (let i = 0; i < 5; i++) await faultOf(() => f(bad))
      expect(currentBackend().memory().held).toBe(before)
    })

    test('options that make no sense are refused', () => {
      expect(() => compile((x: Tensor) => x, { nanGuard: { nan: false, inf: false } })).toThrow('look for nothing')
      expect(() => compile((x: Tensor) => x, { nanGuard: { big: -1 } })).toThrow('big is -1')
      expect(() => compile((x: Tensor) => x, { nanGuard: { infinite: true } as object })).toThrow("unknown option 'infinite'")
    })
  })
})
