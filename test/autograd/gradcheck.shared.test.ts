// gradcheck itself: it accepts right derivatives and finds wrong ones.
import { describe, expect, test } from 'vitest'
import { gradcheck, gradgradcheck } from '../../src/debug/index.ts'
import { linear, randn, manualSeed, tensor, type Tensor } from '../../src/index.ts'
import { eachDevice } from '../each-device.ts'

const x = (): Tensor => tensor([[0.3, -1.2, 0.7], [1.1, 0.4, -0.5]], { requiresGrad: true })

eachDevice(name => {
  describe('gradcheck', () => {
    test('accepts one input, several, several outputs, and inputs without gradient', async () => {
      manualSeed(0)
      expect(await gradcheck(a => a.sin().mul(a), [x()])).toBe(true)
      expect(await gradcheck((a, w, b) => linear(a, w, b).tanh(), [x(), randn(4, 3).requiresGrad_(), randn(4).requiresGrad_()])).toBe(true)
      expect(await gradcheck(a => a.unbind(0), [x()])).toBe(true)
      expect(await gradcheck((a, k) => a.gather(1, k), [x(), tensor(new Int32Array([2, 0]), { shape: [2, 1] })])).toBe(true)
    })

    test('is sharp on the reference, which computes in float64', async () => {
      const sharp = name === 'reference' ? { eps: 1e-3, atol: 1e-5, rtol: 1e-5 } : {}
      expect(await gradcheck(a => a.tanh().mul(a.exp()), [x()], sharp)).toBe(true)
      expect(await gradgradcheck(a => a.tanh().mul(a.exp()), [x()], sharp)).toBe(true)
    })

    test('rejects a derivative that is cut off, or wrong', async () => {
      await expect(gradcheck(a => a.mul(a.detach()), [x()])).rejects.toThrow(/\[gradcheck\] the derivative by input 0 \(f32\[2,3\]\) along direction 0 is .*by differences it is/)
      await expect(gradcheck((a, b) => a.add(b.detach()), [x(), x()])).rejects.toThrow(/by input 1/)
      await expect(gradcheck(a => a.detach(), [x()])).rejects.toThrow(/do not depend on the inputs.*detach/)
      await expect(gradcheck(a => a, [tensor([1])])).rejects.toThrow(/no input requires a gradient/)
    })

    test('of second order', async () => {
      expect(await gradgradcheck(a => a.pow(3).sin(), [x()])).toBe(true)
      expect(await gradgradcheck((a, b) => a.matmul(b), [x(), randn(3, 2).requiresGrad_()])).toBe(true)
      await expect(gradgradcheck(a => a.mul(a).mul(a.detach()), [x()])).rejects.toThrow(/\[gradcheck\]/)
    })
  })
})
