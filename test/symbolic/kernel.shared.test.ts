// Kernels of one's own: values, derivatives, dtypes, numbers as operands, WGSL on WebGPU, and what is refused.
import { expect, test } from 'vitest'
import { compile, loadFunction, ones, randn, saveFunction, symbolic, tensor, type Tensor } from '../../src/index.ts'
import { eachDevice } from '../each-device.ts'

const { customKernel, func, matrix, verifyGrad } = symbolic
const list = async (x: Tensor): Promise<number[]> => Array.from(await x.data())
const near = (a: number[], b: number[]): void => a.forEach((v, i) => expect(v).toBeCloseTo(b[i], 4))

const swish = customKernel({
  name: 'swish',
  value: (s, x) => s.mul(x, s.sigmoid(x)),
  wgsl: 'fn swish(x: f32) -> f32 { return x / (1.0 + exp(-x)); }',
  vjp: (g, { inputs: [x], output }) => [g.mul(output.add(x.sigmoid().mul(output.neg().add(1))))],
})
const hypot3 = customKernel({
  name: 'hypot3',
  value: (s, x, y, z) => s.sqrt(s.add(s.mul(x, x), s.add(s.mul(y, y), s.mul(z, z)))),
  vjp: (g, { inputs, output }) => inputs.map(x => g.mul(x).div(output)),
})

eachDevice(name => {
  test('values and derivatives, eager and compiled, of vectors and ragged rows', async () => {
    for (const shape of [[4], [5], [3, 4], [2, 3, 5], []]) {
      const x = randn(shape)
      const want = (await list(x)).map(v => v / (1 + Math.exp(-v)))
      near(await list(swish(x)), want)
      near(await list(compile((v: Tensor) => swish(v))(x)), want)
    }
    const x = randn(3, 4)
    near(await list(swish(x.t().at('1:'))), await list(x.t().at('1:').mul(x.t().at('1:').sigmoid())))
    await verifyGrad(v => swish(v), [randn(6)], name === 'reference' ? {} : { eps: 1e-2, atol: 1e-2, rtol: 1e-2 })
    const step = compile((v: Tensor) => {
      const leaf = v.detach().requiresGrad_()
      swish(leaf.mul(2)).sum().backward()
      return leaf.grad!
    })
    const leaf = x.detach().requiresGrad_()
    swish(leaf.mul(2)).sum().backward()
    near(await list(step(x)), await list(leaf.grad!))
  })

  test('several operands broadcast; numbers, whole numbers and narrow floats', async () => {
    near(await list(hypot3(tensor([[3], [6]]), tensor([4, 8]), 0)), [5, Math.hypot(3, 8), Math.hypot(6, 4), 10])
    near(await list(hypot3(tensor([1, 2], { dtype: 'int32' }), 2, tensor([true, true]))), [Math.hypot(1, 2, 1), 3])
    const half = swish(tensor([1, 2, 3, -1, 0.5], { dtype: 'float16' }))
    expect(half.dtype).toBe('float16')
    ;(await list(half)).forEach((v, i) => expect(v).toBeCloseTo([0.7311, 1.7616, 2.8577, -0.2689, 0.3112][i], 2))
    const m = matrix('m')
    const f = func({ inputs: [m], outputs: symbolic.grad(hypot3(m, m.mul(2), 2).sum(), m) })
    near(await list(f([[1, 2]])), [5 / 3, 10 / Math.sqrt(24)])
    if (name !== 'webgpu') near(await list(swish(tensor([1], { dtype: 'float64' }))), [1 / (1 + Math.exp(-1))])
  })

  test('WebGPU runs the WGSL, the other devices the program; also in compiled and in loaded functions', async () => {
    const three = name === 'webgpu' ? 3 : 2
    const which = customKernel({ name: 'which', value: (s, x, y) => s.add(s.mul(x, 2), y), wgsl: 'fn helper(x: f32) -> f32 { return 3.0 * x; }\nfn which(x: f32, y: f32) -> f32 { return helper(x) + y; }' })
    const x = tensor([1, 2, 3, 4, 5])
    expect(await list(which(x, 1))).toEqual([1, 2, 3, 4, 5].map(v => three * v + 1))
    const f = compile((v: Tensor) => which(v.add(1), v).exp().log())
    near(await list(f(x)), [1, 2, 3, 4, 5].map(v => three * (v + 1) + v))
    near(await list(loadFunction(await saveFunction(f))(x)), await list(f(x)))
    const broken = customKernel({ name: 'broken', value: (s, v) => s.neg(v), wgsl: 'fn broken(x: f32, /* the only one */) -> f32 { return -x }' })
    if (name === 'webgpu') await expect(list(broken(x))).rejects.toThrow(/\[broken\] its WGSL was refused: .*return -x/)
    else expect(await list(broken(x))).toEqual([-1, -2, -3, -4, -5])
  })

  test('a program without WGSL joins with its neighbours', async () => {
    const twice = customKernel({ name: 'twice', value: (s, x) => s.mul(x, 2) })
    const f = compile((v: Tensor) => twice(v.add(1)).mul(3))
    expect(await list(f(tensor([1, 2, 3, 4])))).toEqual([12, 18, 24, 30])
    expect(f.info().kernels).toBe(1)
  })
})

test('what is refused', () => {
  expect(() => customKernel({ name: 'a b', value: (s, x) => s.exp(x) })).toThrow(/the name 'a b'/)
  expect(() => customKernel({ name: 'f', value: (s, x) => s.gt(x, 0) })).toThrow(/gives bool/)
  expect(() => customKernel({ name: 'f', value: (s, x) => s.add(x, s.gt(x, 0)) })).toThrow(/its program is at fault/)
  expect(() => customKernel({ name: 'f', value: (s, x) => s.exp(x), wgsl: 'fn g(x: f32) -> f32 { return x; }' })).toThrow(/no function 'fn f/)
  expect(() => customKernel({ name: 'f', value: (s, x) => s.exp(x), wgsl: 'fn f(x: f32, y: f32) -> f32 { return x; }' })).toThrow(/takes 1 operands, its WGSL 2/)
  expect(() => customKernel({ name: 'f', value: s => s.exp(1), vpj: 1 } as symbolic.CustomKernel)).toThrow(/vpj/)
  expect(() => customKernel({ name: 'f', value: (_s, x) => (x as unknown as number) * 2 })).toThrow(/\[f\] its program is at fault: JavaScript's operators/)
  expect(() => customKernel({ name: 'f', value: (s, x) => (s.exp(x) > s.neg(x) ? 1 : 0) })).toThrow(/\[f\] its program is at fault: JavaScript's operators/)
  expect(() => customKernel({ name: 'f', value: (_s, _x) => undefined as unknown as number })).toThrow(/\[f\] its program gives undefined/)
  expect(() => customKernel({ name: 'f', value: (s, ...x) => s.exp(x[0]) })).toThrow(/\[f\] its program names no operands/)
  const f = customKernel({ name: 'f', value: (s, x) => s.exp(x) })
  expect(() => f(1, 2)).toThrow(/2 operands were given/)
  const x = ones(2).requiresGrad_()
  expect(() => f(x).sum().backward()).toThrow(/gradient|derivative/)
  const wide = customKernel({ name: 'wide', value: (s, v) => s.mul(v, 2), vjp: () => [ones(3)] })
  expect(() => wide(x).sum().backward()).toThrow(/\[wide\] vjp gave f32\[3\] as the gradient of input 0, which is f32\[2\]/)
  expect(() => f(tensor([1], { dtype: 'complex64' }))).toThrow(/real numbers|complex/)
})
