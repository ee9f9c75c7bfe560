// The meta device: shapes, dtypes and memory without values.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { arange, compile, device, eye, full, init, linspace, memory, nn, ones, optim, rand, scope, tensor, toDevice, zeros, type DeviceName, type Tensor } from '../../src/index.ts'

let before: DeviceName
beforeAll(async () => {
  before = (await init({ device: 'wasm' })).name
})
beforeEach(() => void device('meta'))
afterAll(() => void device(before))

const described = (x: Tensor): string => `${x} on ${x.device}`
const nothing = /\[meta\].*no values/

class Net extends nn.Module {
  conv = new nn.Conv2d(3, 8, 3, { padding: 1 })
  norm = new nn.BatchNorm2d(8)
  fc = new nn.Linear(8 * 16, 10)
  forward(x: Tensor): Tensor {
    return this.fc.forward(this.norm.forward(this.conv.forward(x)).relu().reshape(x.shape[0], 8, 16, -1).mean(3).flatten(1))
  }
}

describe('meta', () => {
  test('needs no init, and device() tells it', () => {
    expect(device().name).toBe('meta')
    expect(device('wasm').name).toBe('wasm')
    expect(described(zeros([2, 3], { device: 'meta' }))).toBe('f32[2,3] on meta')
    expect(device().name).toBe('wasm')
  })

  test('init opens it', async () => {
    expect((await init({ device: 'meta' })).name).toBe('meta')
  })

  test('everything that makes tensors can make them there, of any size', () => {
    device('wasm')
    const o = { device: 'meta' }
    const huge = [1e6, 1e6]
    const made = [
      tensor([[1, 2]], o), zeros(huge, o), ones(huge, { ...o, dtype: 'uint8' }), full(huge, 3, { ...o, dtype: 'float16' }), arange(1e12, o), linspace(0, 1, 5, { ...o, dtype: 'float64' }),
      eye(1e5, o), rand(1e6, 1e5, o),
    ]
    expect(made.map(described)).toEqual([
      'f32[1,2] on meta', 'f32[1000000,1000000] on meta', 'u8[1000000,1000000] on meta', 'f16[1000000,1000000] on meta', 'i32[1000000000000] on meta', 'f64[5] on meta',
      'f32[100000,100000] on meta', 'f32[1000000,100000] on meta',
    ])
    made.forEach(x => x.dispose())
  })

  test('ops give shapes and dtypes, and refuse what does not fit', () => {
    const x = zeros(5, 1, 7)
    const half = zeros([3, 7], { dtype: 'float16' })
    expect(described(x.add(half))).toBe('f32[5,3,7] on meta')
    expect(described(half.mul(2))).toBe('f16[3,7] on meta')
    expect(described(half.to('int32').div(2))).toBe('f32[3,7] on meta')
    expect(described(x.matmul(zeros(5, 7, 2)))).toBe('f32[5,1,2] on meta')
    expect(described(x.argmax(2))).toBe('i32[5,1] on meta')
    expect(() => x.matmul(zeros(5, 6, 2))).toThrow(/\[matmul\]/)
    expect(() => x.add(tensor([1], { device: 'wasm' }))).toThrow(/different devices/)
  })

  test('in-place changes, views and gradients have shapes too', () => {
    const w = rand(4, 6).requiresGrad_()
    const y = w.t().at('1:3').mul(2)
    y.sum().backward()
    expect(described(w.grad!)).toBe('f32[4,6] on meta')
    const x = zeros(3, 3)
    x.at(0).add_(1)
    expect(described(x)).toBe('f32[3,3] on meta')
  })

  test('reading throws a clear error', async () => {
    const x = zeros(2)
    await expect(x.data()).rejects.toThrow(nothing)
    await expect(x.toArray()).rejects.toThrow(nothing)
    await expect(x.sum().item()).rejects.toThrow(nothing)
    await expect(toDevice(x, 'wasm')).rejects.toThrow(nothing)
    expect(() => x.dataSync()).toThrow(nothing)
    expect(() => x.sum().itemSync()).toThrow(nothing)
  })

  test('a tensor goes there without its values', async () => {
    device('wasm')
    const x = tensor([1, 2, 3], { requiresGrad: true })
    const y = await toDevice(x, 'meta')
    expect(described(y)).toBe('f32[3] on meta')
    expect(y.requiresGrad).toBe(true)
    expect(await x.toArray()).toEqual([1, 2, 3])
  })

  test('models are built, run and trained there; memory() tells what they would take', () => {
    scope(() => rand(1)) // the device's generator has memory too
    const start = memory().held
    const net = scope(() => new Net())
    const parameters = net.parameters().reduce((n, p) => n + p.numel, 0)
    expect(parameters).toBe(3 * 8 * 9 + 8 + 16 + 1290)
    // Parameters, and the buffers of the norm: mean, variance and a count.
    expect(memory().held - start).toBe((parameters + 17) * 4)
    expect(memory()).toMatchObject({ device: 'meta', reserved: 0 })
    const optimizer = new optim.Adam(net.parameters())
    const loss = nn.functional.crossEntropy(net.forward(rand(2, 3, 32, 32)), zeros([2], { dtype: 'int32' }))
    loss.backward()
    optimizer.step()
    expect(described(loss)).toBe('f32[] on meta')
    for (const p of net.parameters()) expect(p.grad!.shape).toEqual(p.shape)
  })

  test('a model moves there', async () => {
    device('wasm')
    const net = await new Net().toDevice('meta')
    expect(new Set([...net.parameters(), ...net.buffers()].map(p => p.device))).toEqual(new Set(['meta']))
  })

  test('compiled functions run there', () => {
    const f = compile((x: Tensor) => x.mul(2).sum(0))
    expect(described(f(zeros(4, 5)))).toBe('f32[5] on meta')
  })
})
