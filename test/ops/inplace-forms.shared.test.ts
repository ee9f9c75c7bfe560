// Every in-place form against the function it is made of: values, derivatives, the same tensor, views of its memory; eager and compiled.
import { describe, expect, test } from 'vitest'
import { compile, grad, tensor, type Tensor } from '../../src/index.ts'
import { inplaceNames, reshapingNames } from '../../src/ops/inplace.ts'
import { eachDevice } from '../each-device.ts'

type Method = (...args: unknown[]) => Tensor
const method = (x: Tensor, name: string): Method => ((Reflect.get(x, name) as Method | undefined) ?? expect.fail(`there is no ${name}`)).bind(x)

const numbers = [0.5, 0.25, 0.75, 0.625, 0.375, 0.125]
const floats = (shape: readonly number[] = [2, 3], list: readonly number[] = numbers): Tensor => tensor(Float32Array.from(list), { shape })
const ints = (): Tensor => tensor(Int32Array.of(12, -9, 7, 3, 0, 5), { shape: [2, 3] })
const other = (): Tensor => floats([2, 3], [0.9, -0.4, 0.25, 1.5, 2, 0.75])
const wholes = (): Tensor => tensor(Int32Array.of(3, 1, 2, 4, 5, 1), { shape: [2, 3] })

/** Receiver and arguments, where they are not one float tensor. */
const calls: Readonly<Record<string, () => readonly [Tensor, ...unknown[]]>> = {
  ...Object.fromEntries(
    ['add', 'arctan2', 'atan2', 'clampMax', 'clampMin', 'copysign', 'div', 'divide', 'eq', 'floorDivide', 'fmod', 'ge', 'greater', 'greaterEqual', 'gt', 'heaviside', 'hypot', 'igamma', 'igammac',
      'ldexp', 'le', 'less', 'lessEqual', 'logicalAnd', 'logicalOr', 'logicalXor', 'lt', 'maximum', 'minimum', 'mul', 'multiply', 'ne', 'nextafter', 'notEqual', 'pow', 'remainder', 'sub', 'subtract', 'trueDivide', 'xlogy']
      .map(name => [name, () => [floats(), other()] as const]),
  ),
  ...Object.fromEntries(['bitwiseAnd', 'bitwiseLeftShift', 'bitwiseOr', 'bitwiseRightShift', 'bitwiseXor', 'gcd', 'lcm'].map(name => [name, () => [ints(), wholes()] as const])),
  acosh: () => [floats().add(1)],
  addbmm: () => [floats([1, 1], [2]), floats([2, 1, 3]), floats([2, 3, 1])],
  addcdiv: () => [floats(), other(), other(), { value: 2 }],
  addcmul: () => [floats(), other(), other(), { value: 2 }],
  addmm: () => [floats([2, 2], [1, 2, 3, 4]), floats(), floats([3, 2])],
  addmv: () => [floats([2], [1, 2]), floats(), floats([3], [1, 2, 3])],
  addr: () => [floats(), floats([2], [1, 2]), floats([3], [1, 2, 3])],
  arccosh: () => [floats().add(1)],
  baddbmm: () => [floats([1, 2, 2], [1, 2, 3, 4]), floats([1, 2, 3]), floats([1, 3, 2])],
  bitwiseNot: () => [ints()],
  clamp: () => [floats(), 0.3, other()],
  clip: () => [floats(), { max: 0.4 }],
  cumprod: () => [floats(), 1],
  cumsum: () => [floats(), 0],
  floatPower: () => [floats().to('float64'), 2],
  indexAdd: () => [floats(), 1, tensor([0, 2], { dtype: 'int32' }), floats([2, 2], [1, 2, 3, 4])],
  indexCopy: () => [floats(), 1, tensor([0, 2], { dtype: 'int32' }), floats([2, 2], [1, 2, 3, 4])],
  indexFill: () => [floats(), 1, tensor([0, 2], { dtype: 'int32' }), 7],
  indexPut: () => [floats(), [tensor([0, 1], { dtype: 'int32' })], floats([3], [1, 2, 3])],
  indexReduce: () => [floats(), 1, tensor([0, 2], { dtype: 'int32' }), floats([2, 2], [1, 2, 3, 4]), 'amax'],
  lerp: () => [floats(), other(), 0.3],
  maskedFill: () => [floats(), other().gt(0.5), -1],
  maskedScatter: () => [floats(), other().gt(0.5), floats()],
  mvlgamma: () => [floats().add(2), 2],
  polygamma: () => [floats(), 1],
  put: () => [floats(), tensor([0, 4], { dtype: 'int32' }), floats([2], [1, 2])],
  renorm: () => [floats(), 2, 0, 0.5],
  scatter: () => [floats(), 1, tensor([[2], [0]], { dtype: 'int32' }), floats([2, 1], [8, 9])],
  scatterAdd: () => [floats(), 1, tensor([[2], [0]], { dtype: 'int32' }), floats([2, 1], [8, 9])],
  scatterReduce: () => [floats(), 1, tensor([[2], [0]], { dtype: 'int32' }), floats([2, 1], [8, 9]), 'sum'],
}
const callOf = (name: string): readonly [Tensor, ...unknown[]] => (calls[name] ?? (() => [floats()]))()
const values = async (x: Tensor): Promise<number[]> => Array.from(await x.data())
const close = (got: readonly number[], want: readonly number[]): void => want.forEach((v, i) => (Number.isNaN(v) ? expect(got[i]).toBeNaN() : expect(got[i]).toBeCloseTo(v, 4)))

eachDevice(device => {
  const names = inplaceNames.filter(name => device !== 'webgpu' || name !== 'floatPower')
  test.each(names)('%s_', async name => {
    const [x, ...args] = callOf(name)
    const want = method(x, name)(...args).to(x.dtype)
    const view = x.flatten()
    expect(method(x, `${name}_`)(...args)).toBe(x)
    close(await values(view), await values(want))
    // Another dtype of the result is converted, as bools to 0 and 1.
    expect(x.dtype).toBe(callOf(name)[0].dtype)
  })

  // Of the incomplete gamma functions the derivative by the first operand is refused.
  test.each(names.filter(name => !name.startsWith('igamma')))('derivative of %s_', async name => {
    const [x, ...args] = callOf(name)
    if (x.dtype !== 'float32') return expect(x.requiresGrad).toBe(false)
    const slope = (form: string): Tensor[] => {
      const leaf = x.clone().requiresGrad_()
      const y = method(leaf.mul(1), form)(...args)
      return y.dtype === 'float32' && y.requiresGrad ? (grad([y.mul(other().reshape(-1).at(`:${y.numel}`).reshape(y.shape)).sum()], [leaf], { allowUnused: true }).filter(g => g !== null) as Tensor[]) : []
    }
    const [got, want] = [slope(`${name}_`), slope(name)]
    if (want.length > 0) close(await values(got[0]), await values(want[0]))
    else expect(await Promise.all(got.map(async g => (await values(g)).every(v => v === 0)))).not.toContain(false)
  })

  test('compiled, as a whole and through a view', async () => {
    const f = (x: Tensor): Tensor => {
      const y = x.mul(1)
      y.clamp_(0.2, 0.6)
      y.at(0).addcmul_(x.at(1), x.at(1), { value: 2 })
      y.transpose_(0, 1)
      return y.mul(3)
    }
    const step = compile(f)
    expect(await step(floats()).toArray()).toEqual(await f(floats()).toArray())
    step.dispose()
  })

  describe('views in place', () => {
    const forms: Readonly<Record<(typeof reshapingNames)[number], readonly unknown[]>> = { squeeze: [], swapaxes: [0, 1], swapdims: [0, 2], t: [], transpose: [0, 2], unsqueeze: [1] }
    test.each(reshapingNames)('%s_', async name => {
      const shape = name === 't' ? [2, 3] : [2, 1, 3]
      const leaf = floats(shape).requiresGrad_()
      const x = leaf.mul(2)
      const before = x.flatten()
      const want = method(x, name)(...forms[name])
      expect(method(x, `${name}_`)(...forms[name])).toBe(x)
      expect(x.shape).toEqual(want.shape)
      expect(await x.toArray()).toEqual(await want.toArray())
      x.mul_(10)
      close(await values(before), numbers.map(v => v * 20))
      const [g] = grad([x.mul(x).sum()], [leaf])
      expect(g.shape).toEqual(shape)
      close(await values(g), numbers.map(v => 800 * v))
    })

    test('a leaf that requires a gradient is refused', () => {
      expect(() => floats().requiresGrad_().t_()).toThrow(/leaf that requires a gradient/)
    })
  })

  test('results that do not fit are refused', () => {
    expect(() => floats([3], [1, 2, 3]).add_(floats())).toThrow(/does not fit/)
    expect(() => ints().mul_(0.5)).toThrow(/cannot be stored/)
    expect(() => ints().pow_(-1)).toThrow(/no negative whole powers/)
    expect(() => floats([1, 3], [1, 2, 3]).expand(2, 3).addcmul_(floats(), floats())).toThrow(/more than once/)
  })

  test('fillDiagonal_ of tall, wide and deep tensors', async () => {
    const zero = (shape: readonly number[]): Tensor => tensor(new Float32Array(shape.reduce((a, b) => a * b, 1)), { shape })
    expect(await zero([2, 3]).fillDiagonal_(5).toArray()).toEqual([[5, 0, 0], [0, 5, 0]])
    expect(await zero([5, 2]).fillDiagonal_(1, true).toArray()).toEqual([[1, 0], [0, 1], [0, 0], [1, 0], [0, 1]])
    expect(await zero([2, 2, 2]).fillDiagonal_(3).toArray()).toEqual([[[3, 0], [0, 0]], [[0, 0], [0, 3]]])
    expect(() => zero([2, 2, 3]).fillDiagonal_(3)).toThrow(/no main diagonal/)
  })
})
