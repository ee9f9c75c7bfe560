// Complex numbers: views of their parts, in-place changes through them, conventions of gradients, values at the edges, errors.
import { describe, expect, test } from 'vitest'
import {
  abs, angle, compile, complex, conj, conjPhysical, exp, fft, grad, imag, log, mul, ones, polar, pow, randn, real, sgn, sqrt, tensor, viewAsComplex, viewAsReal, where, zeros,
  type NestedArray, type Tensor,
} from '../../src/index.ts'
import { gradcheck, gradgradcheck } from '../../src/debug/index.ts'
import { eachDevice } from '../each-device.ts'

const pairs = (...list: readonly (readonly [number, number])[]): Tensor => viewAsComplex(tensor(list as [number, number][]))
const list = (z: Tensor): Promise<NestedArray> => z.toArray()

eachDevice(() => {
  describe('views', () => {
    test('show the memory of the numbers', async () => {
      const z = pairs([1, 2], [3, 4])
      real(z).add_(10)
      imag(z).zero_()
      expect(await list(z)).toEqual([[11, 0], [13, 0]])
      viewAsReal(z).select(1, 1).copy_(tensor([5, 6]))
      expect(await list(z)).toEqual([[11, 5], [13, 6]])
      const x = zeros(2, 2)
      viewAsComplex(x).add_(complex(1, -1))
      expect(await list(x)).toEqual([[1, -1], [1, -1]])
    })

    test('are written with real values, whose imaginary part is 0', async () => {
      const z = pairs([1, 2], [3, 4], [5, 6])
      z.at(0).fill_(7)
      z.at(1).copy_(tensor(8, { dtype: 'int32' }))
      z.setAt([2], 9)
      expect(await list(z)).toEqual([[7, 0], [8, 0], [9, 0]])
      expect(await list(z.zero_())).toEqual([[0, 0], [0, 0], [0, 0]])
    })

    test('of other views', async () => {
      const z = complex(tensor([[1, 2, 3], [4, 5, 6]]), tensor([[-1, -2, -3], [-4, -5, -6]])).t()
      expect(await list(real(z))).toEqual([[1, 4], [2, 5], [3, 6]])
      expect(await list(imag(z.narrow(0, 1, 1)))).toEqual([[-2, -5]])
      expect(await list(viewAsReal(z.select(0, 2)))).toEqual([[3, -3], [6, -6]])
      expect(await list(z.flip(0).select(1, 1))).toEqual([[6, -6], [5, -5], [4, -4]])
    })

    test('an operand that overlaps the target in other elements', async () => {
      const z = pairs([1, 2])
      z.mul_(real(z).add(1))
      z.add_(imag(z))
      expect(await list(z)).toEqual([[6, 4]])
    })

    /** What real(z) ← 2·real(z) and a product with i make of the gradient. */
    const change = (x: Tensor): Tensor => {
      const z = x.mul(1)
      real(z).mul_(2)
      viewAsReal(z).select(-1, 1).add_(imag(x))
      return z.mul(complex(0, 1))
    }
    const plain = (x: Tensor): Tensor => complex(real(x).mul(2), imag(x).add(imag(x))).mul(complex(0, 1))

    test('in-place changes carry gradients', async () => {
      const x = (): Tensor => pairs([1, 2], [-3, 0.5]).detach().requiresGrad_()
      const g = pairs([0.5, -1], [2, 3])
      const [a, b] = [x(), x()]
      expect(await list(change(a))).toEqual(await list(plain(b)))
      expect(await list(grad(change(a), a, { gradOutputs: g })[0])).toEqual(await list(grad(plain(b), b, { gradOutputs: g })[0]))
      const pairsIn = (make: (z: Tensor) => Tensor) => (p: Tensor): Tensor => make(viewAsComplex(p.mul(1)))
      await gradcheck(pairsIn(change), [tensor([[1, 2], [-3, 0.5]], { requiresGrad: true })])
    })

    test('in a compiled function', async () => {
      const x = pairs([1, 2], [-3, 0.5])
      const outer = pairs([1, 1], [2, 2])
      const step = compile((z: Tensor) => {
        real(outer).mul_(3)
        imag(outer).add_(1)
        return [change(z), outer.mul(1)]
      })
      const [y, seen] = step(x)
      expect(await list(y)).toEqual(await list(plain(x)))
      expect(await list(seen)).toEqual([[3, 2], [6, 3]])
      expect(await list(outer)).toEqual([[3, 2], [6, 3]])
      step(x)
      expect(await list(outer)).toEqual([[9, 3], [18, 4]])
      step.dispose()
    })
  })

  describe('numbers', () => {
    test('complex numbers go with tensors as plain numbers do', async () => {
      const z = complex(2, -1)
      expect([z.dtype, z.ndim]).toEqual(['complex64', 0])
      const y = tensor([1, 2]).mul(z)
      expect([y.dtype, await list(y)]).toEqual(['complex64', [[2, -1], [4, -2]]])
      expect(tensor([1, 2], { dtype: 'int32' }).add(1).mul(z).dtype).toBe('complex64')
    })

    test('a real tensor is its own conjugate', () => {
      const x = tensor([1, 2])
      expect(conj(x)).toBe(x)
      expect(real(x)).toBe(x)
      expect(conjPhysical(x)).not.toBe(x)
    })

    test('large and small numbers stay in range', async () => {
      const [big, small] = [pairs([3e30, 4e30]), pairs([3e-30, -4e-30])]
      expect(await abs(big).item()).toBeCloseTo(5e30, -25)
      expect((await abs(small).item()) / 5e-30).toBeCloseTo(1, 5)
      const one = (await list(big.div(big))) as number[][]
      expect(one[0][0]).toBeCloseTo(1, 6)
      expect(one[0][1]).toBeCloseTo(0, 6)
      const r = (await list(sqrt(big))) as number[][]
      expect(r[0].map(v => v / 1e15)).toEqual([expect.closeTo(2, 5), expect.closeTo(1, 5)])
    })

    test('branch cuts', async () => {
      const z = pairs([-4, 0], [-4, -0], [0, 0])
      expect(await list(sqrt(z))).toEqual([[0, 2], [0, -2], [0, 0]])
      expect(await list(angle(z))).toEqual([Math.fround(Math.PI), Math.fround(-Math.PI), 0])
      expect(((await list(log(z))) as number[][]).map(([, im]) => im)).toEqual([Math.fround(Math.PI), Math.fround(-Math.PI), 0])
      expect(await list(pow(zeros(2).to('complex64'), tensor([0, 2])))).toEqual([[1, 0], [0, 0]])
      expect(await list(exp(pairs([-Infinity, 1], [1, 0])))).toEqual([[0, 0], [expect.closeTo(Math.E, 5), 0]])
    })
  })

  describe('gradients', () => {
    test('of a real loss are ∂L/∂re + i·∂L/∂im', async () => {
      const z = pairs([3, 4]).detach().requiresGrad_()
      expect(await list(grad(abs(z).sum(), z)[0])).toEqual([[expect.closeTo(0.6, 6), expect.closeTo(0.8, 6)]])
      expect(await list(grad(real(z.mul(complex(0, 1))).sum(), z)[0])).toEqual([[0, -1]])
    })

    test('of a real operand are real', async () => {
      const x = tensor([1, 2], { requiresGrad: true })
      const [g] = grad(real(mul(x, complex(2, 5)).mul(complex(1, 1))).sum(), x)
      expect([g.dtype, await list(g)]).toEqual(['float32', [-3, -3]])
    })

    test('of a zero are zero', async () => {
      const z = zeros(1).to('complex64').requiresGrad_()
      for (const fn of [abs, angle, (x: Tensor) => real(sgn(x))]) expect(await list(grad(fn(z).sum(), z)[0])).toEqual([[0, 0]])
    })

    test('gather in leaves', async () => {
      const z = pairs([1, 2], [3, -1]).detach().requiresGrad_()
      for (let i = 0; i < 2; i++) mul(z, conj(z)).sum().backward({ gradient: complex(1, 0) })
      expect([z.grad!.dtype, await list(z.grad!)]).toEqual(['complex64', [[4, 8], [12, -4]]])
    })

    test('gradcheck and gradgradcheck take complex inputs', async () => {
      const z = pairs([0.7, -0.4], [1.2, 0.3], [-0.5, 0.9]).detach().requiresGrad_()
      await gradcheck((x: Tensor) => fft.fft(x).mul(x), [z])
      await gradgradcheck((x: Tensor) => exp(x).div(x), [z])
      const wrong = (x: Tensor): Tensor => where(real(x).detach().gt(0), x.detach().mul(x), x)
      await expect(gradcheck(wrong, [z])).rejects.toThrow(/the derivative by input 0/)
    })
  })
})

describe('errors', () => {
  const ints = (): Tensor => tensor([1, 2, 3], { dtype: 'int32' })
  test.each<readonly [string, () => unknown, RegExp]>([
    ['complex of a tensor and a number', () => complex(ints(), 2), /^\[complex\] expected a tensor, got the number 2/],
    ['complex of ints', () => complex(ints(), ints()), /^\[complex\] expected float32 tensors, got i32\[3\] and i32\[3\]/],
    ['complex of two dtypes', () => complex(ints(), ones(3)), /^\[complex\] real is i32\[3\] and imag is f32\[3\]/],
    ['polar of numbers', () => polar(ones(1), 2 as never), /^\[polar\] expected a tensor/],
    ['shapes that do not broadcast', () => complex(ones(2), ones(3)), /^\[complex\] .*\[2\].*\[3\]/],
    ['viewAsComplex of triples', () => viewAsComplex(ones(3)), /^\[viewAsComplex\] expected float32 pairs/],
    ['viewAsComplex of parts that lie apart', () => viewAsComplex(ones(2, 4).t()), /^\[viewAsComplex\] the pairs of f32\[4,2\] do not lie together/],
    ['imag of a real tensor', () => imag(ones(2)), /^\[imag\] expected a complex tensor, got f32\[2\]/],
    ['one number of two', () => complex(1, 2).itemSync(), /^\[item\] c64\[\] is two numbers/],
    ['random complex numbers', () => randn([2], { dtype: 'complex64' }), /^\[randn\] complex numbers are not drawn/],
    ['order', () => complex(1, 2).gt(0), /^\[gt\] not defined for complex64/],
    ['a complex result in a real tensor', () => ones(2).add_(complex(1, 1)), /^\[add_\] a complex64 result cannot be stored in f32\[2\]/],
    ['a transform of no points', () => fft.fft(ones(3), 0), /^\[fft.fft\] a transform of 0 points/],
    ['a real transform of complex numbers', () => fft.rfft(ones(3).to('complex64')), /^\[fft.rfft\] expected a real tensor, got c64\[3\]/],
    ['a norm that is none', () => fft.fft(ones(3), { norm: 'both' as never }), /^\[fft.fft\] norm is "both"/],
    ['a dimension twice', () => fft.fftn(ones(3, 3), { dim: [0, -2] }), /^\[fft.fftn\] a dimension of \[0,-2\] is named twice/],
    ['too many lengths', () => fft.fftn(ones(3), { s: [3, 3] }), /^\[fft.fftn\] 2 lengths for 1 dimensions of f32\[3\]/],
    ['a transform of a number', () => fft.fft(tensor(1)), /^\[fft.fft\] f32\[\] has no dimension/],
    ['windows longer than the signal', () => ones(5).stft(8, { center: false }), /^\[stft\] nFft is 8, the signal is f32\[5\]/],
    ['a window of another length', () => ones(50).stft(8, { window: ones(5) }), /^\[stft\] the window is f32\[5\], winLength 8/],
    ['half of a complex spectrum', () => ones(50).to('complex64').stft(8, { onesided: true }), /^\[stft\] onesided is true/],
    ['too few frequencies', () => ones(4, 3).to('complex64').istft(8), /^\[istft\] 4 frequencies/],
  ])('%s', (_, call, message) => expect(call).toThrow(message))
})
