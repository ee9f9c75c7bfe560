// vmap beyond single ops: what runs in it, where the examples lie, random numbers, and what it refuses.
import { describe, expect, test } from 'vitest'
import { grad, vmap } from '../../src/func/index.ts'
import { noGrad } from '../../src/autograd/mode.ts'
import { memory } from '../../src/eager/memory.ts'
import { scope } from '../../src/eager/storage.ts'
import { compile } from '../../src/graph/compile.ts'
import '../../src/graph/whole.ts'
import * as nn from '../../src/nn/index.ts'
import { complex } from '../../src/ops/complex.ts'
import * as ops from '../../src/ops/index.ts'
import { arange, manualSeed, ones, rand, randn, tensor, zeros, zerosLike } from '../../src/ops/index.ts'
import type { Tensor } from '../../src/ops/tensor.ts'
import * as symbolic from '../../src/symbolic/index.ts'
import { eachDevice } from '../each-device.ts'
import { each, near } from './near.ts'

type Fn = (x: Tensor) => Tensor
interface Mapped {
  readonly name: string
  readonly shape: readonly number[]
  /** Made on the device. */
  readonly make: () => Fn
}
const table = (): Tensor => arange(12, { dtype: 'float32' }).reshape(4, 3).div(7)
const row = (name: string, fn: Fn, shape: readonly number[] = [4, 3]): Mapped => ({ name, shape, make: () => fn })

const programs: readonly Mapped[] = [
  row('vmap in vmap', x => vmap((r: Tensor) => vmap((s: Tensor) => s.mul(r.sum()))(r))(table().mul(x))),
  row('vmap over what is outside', x => vmap((r: Tensor) => r.mul(x).cumsum(0), { outDims: 1 })(table())),
  row('a loop over entries of the example', x => symbolic.scan((e, s) => s.mul(0.5).add(e).tanh(), { sequences: x, outputsInfo: [tensor(0.1)] }) as Tensor),
  row('a loop from the example', x => symbolic.scan(s => s.mul(x).add(1).sin(), { outputsInfo: [x], nSteps: 4 }) as Tensor),
  row('a loop with an end of its own in each example', x => (symbolic.scan((e, s) => {
    const y = s.add(e.abs())
    return [y, symbolic.until(y.gt(1.2))]
  }, { sequences: x, outputsInfo: [tensor(0.1)] }) as Tensor).at(-1).reshape([]), [6, 5]),
  row('a branch', x => symbolic.ifelse(x.sum().gt(0), () => x.mul(2), () => x.exp())),
  row('a checkpoint', x => symbolic.checkpoint((y: Tensor) => y.exp().sin())(x)),
  row('changes in place', x => {
    const y = x.clone()
    y.select(0, 1).mul_(3)
    y.narrow(0, 0, 2).add_(x.sum())
    return y.exp()
  }),
  row('values written into parts', x => {
    const y = zerosLike(x)
    y.narrow(0, 1, 2).copy_(x.narrow(0, 0, 2))
    y.select(0, 0).fill_(x.sum())
    return y
  }),
  row('a view that is turned in place', x => x.reshape(1, 3).mul(2).t_().mul(x)),
  row('scopes', x => scope(() => x.exp().mul(2).add(scope(() => x.sin().add(1))))),
  row('a convolution of kernels of its own', x => nn.functional.conv2d(ones(2, 2, 3, 4), x.reshape(2, 2, 2, 2)), [3, 16]),
  row('a convolution of both', x => nn.functional.conv2d(x.reshape(2, 2, 2, 2), x.reshape(2, 2, 2, 2).narrow(2, 0, 1)), [3, 16]),
  {
    name: 'a convolution with groups',
    shape: [3, 64],
    make: () => {
      const layer = new nn.Conv2d(2, 4, 3, { padding: 1, groups: 2 })
      return x => layer.forward(x.reshape(2, 2, 4, 4))
    },
  },
  {
    name: 'an LSTM',
    shape: [3, 8],
    make: () => {
      const layer = new nn.LSTM(2, 3)
      return x => layer.forward(x.reshape(4, 2))[0]
    },
  },
  {
    name: 'attention',
    shape: [3, 12],
    make: () => {
      const layer = new nn.MultiheadAttention(4, 2)
      return x => layer.forward(x.reshape(3, 4), x.reshape(3, 4), x.reshape(3, 4))[0]
    },
  },
]

eachDevice(() => {
  describe.each(programs)('$name', ({ shape, make }) => {
    const cost = (fn: Fn): Fn => x => fn(x).square().sum()

    test('as a loop', async () => {
      const [fn, x] = [make(), randn(shape)]
      await near(vmap(fn)(x), each(fn, x))
      await near(grad(cost(vmap(fn)))(x), grad(cost(y => each(fn, y)))(x))
      await near(vmap(grad(cost(fn)))(x), each(grad(cost(fn)), x))
    })

    test('compiled', async () => {
      const [fn, x] = [make(), randn(shape)]
      const step = compile((y: Tensor) => ({ value: vmap(fn)(y), whole: grad(cost(vmap(fn)))(y), inside: vmap(grad(cost(fn)))(y) }))
      for (const y of [x, x.neg()]) {
        const { value, whole, inside } = step(y)
        await near(value, each(fn, y))
        await near(whole, grad(cost(z => each(fn, z)))(y))
        await near(inside, each(grad(cost(fn)), y))
      }
      expect(step.info().traces).toBe(1)
    })
  })

  test('axes of arguments and results, in lists and objects', async () => {
    const [a, b, c] = [randn(2, 5, 3), randn(3, 5), randn(3)]
    const fn = (x: Tensor, { y, z }: { y: Tensor; z: readonly [Tensor, number] }): { sum: Tensor; parts: [Tensor, Tensor] } => ({ sum: x.add(y).sum(), parts: [x.mul(z[0]).mul(z[1]), z[0]] })
    const mapped = vmap(fn, { inDims: [1, { y: -1, z: null }], outDims: { sum: 0, parts: [-1, null] } })(a, { y: b, z: [c, 2] })
    await near(mapped.sum, a.sum([0, 2]).add(b.sum(0).mul(2)))
    await near(mapped.parts[0], a.permute(0, 2, 1).mul(c.unsqueeze(1)).mul(2))
    expect(mapped.parts[1]).toBe(c)
    await near(vmap((_: Tensor) => c, { inDims: 1 })(b), c.expand(5, 3))
  })

  test('chunks, and batches of one and none', async () => {
    const x = randn(7, 3)
    const fn = (y: Tensor): Tensor => y.softmax(0).mul(y)
    for (const chunkSize of [1, 3, 7, 9]) await near(vmap(fn, { chunkSize, outDims: 1 })(x), each(fn, x).t())
    await near(vmap(fn)(x.narrow(0, 0, 1)), each(fn, x.narrow(0, 0, 1)))
    expect(vmap(fn)(zeros(0, 3)).shape).toEqual([0, 3])
  })

  test('other dtypes', async () => {
    const x = arange(12).reshape(4, 3)
    for (const dtype of ['uint8', 'float16', 'bool', 'int32'] as const) await near(vmap((y: Tensor) => y.flip(0).add(y).cumsum(0))(x.to(dtype)), each(y => y.flip(0).add(y).cumsum(0), x.to(dtype)))
    const z = complex(randn(4, 3), randn(4, 3))
    await near(vmap((y: Tensor) => y.mul(y).exp().abs())(z), each(y => y.mul(y).exp().abs(), z))
    const half = (y: Tensor): Tensor => y.narrow(0, 1, 2).mul(2)
    await near(vmap(half)(x.to('uint8').narrow(0, 1, 2)), each(half, x.to('uint8').narrow(0, 1, 2)))
  })

  test('random numbers', async () => {
    const noisy = (y: Tensor): Tensor => rand(3).add(y)
    manualSeed(1)
    const different = vmap(noisy, { randomness: 'different' })(zeros(4))
    manualSeed(1)
    await near(different, rand(4, 3))
    const same = vmap(noisy, { randomness: 'same' })(zeros(4))
    await near(same, same.narrow(0, 0, 1).expand(4, 3))
    expect(() => vmap(noisy)(zeros(4))).toThrow("[vmap] rand draws numbers, and it is not said whether examples get the same. help: vmap(fn, { randomness: 'different' }), or 'same'")
    const nested = vmap((y: Tensor) => vmap(noisy, { randomness: 'different' })(y), { randomness: 'different' })(zeros(2, 4))
    expect(new Set(await nested.data()).size).toBeGreaterThan(20)
    const inner = vmap((y: Tensor) => vmap(noisy, { randomness: 'different' })(y), { randomness: 'same' })(zeros(2, 4))
    await near(inner.select(0, 0), inner.select(0, 1))
    expect(() => vmap((y: Tensor) => vmap(noisy, { randomness: 'different' })(y))(zeros(2, 4))).toThrow(/vmap\(rand\) draws numbers/)
  })

  test('what is shared is changed once', async () => {
    const count = zeros(1)
    vmap((x: Tensor) => {
      count.add_(1)
      return x.mul(2)
    })(randn(4))
    expect(await count.item()).toBe(1)
    const x = randn(4, 3)
    const twice = x.mul(2)
    vmap((y: Tensor) => y.mul_(2))(x)
    await near(x, twice)
  })

  test('histories around it', async () => {
    const w = randn(3).requiresGrad_()
    const y = vmap((x: Tensor) => x.mul(w).add(x.mul(w.detach())))(ones(4, 3))
    y.sum().backward()
    await near(w.grad!, tensor([4, 4, 4]))
    expect(noGrad(() => vmap((x: Tensor) => x.mul(w))(ones(4, 3))).requiresGrad).toBe(false)
  })

  test('what it refuses', () => {
    const x = randn(4, 3)
    const layer = new nn.BatchNorm1d(3)
    expect(() => vmap((y: Tensor) => layer.forward(y))(randn(4, 5, 3))).toThrow(/would write other values for each example into f32\[3\], which all of them share\. help: use the form without _/)
    expect(() => vmap((y: Tensor) => zeros(3).add_(y))(x)).toThrow(/\[vmap\] add_ would write/)
    expect(() => vmap((y: Tensor) => y.mul(y.sum().itemSync()))(x)).toThrow(/\[vmap\] a value of f32\[\] was read/)
    expect(() => vmap((y: Tensor) => ops.nonzero(y))(x)).toThrow(/\[vmap\] a value of/)
    expect(() => vmap((y: Tensor) => ops.maskedSelect(y, y.gt(0)))(x)).toThrow(/\[vmap\] a value of/)
    expect(() => vmap((y: Tensor) => (y.sum().backward(), y))(x)).toThrow(/\[vmap\] backward\(\) adds to gradients that all examples share.*lampas\/func/)
    expect(() => vmap(async (y: Tensor) => y)(x)).toThrow(/\[vmap\] the function is async/)
    expect(() => vmap((y: Tensor) => [y, 1])(x)).toThrow(/something beside tensors/)
    expect(() => vmap((y: Tensor) => y, { outDims: null })(x)).toThrow(/outDims is null for the result f32\[3\]/)
    expect(() => vmap((y: Tensor) => y, { inDims: [null] })(x)).toThrow(/there is no tensor to map over/)
    expect(() => vmap((y: Tensor) => y, { inDims: 2 })(x)).toThrow(/dim 2 is outside/)
    expect(() => vmap((y: Tensor) => y)(tensor(1))).toThrow(/no axis to map over/)
    expect(() => vmap((y: Tensor, z: Tensor) => y.add(z))(x, randn(3, 3))).toThrow(/f32\[3,3\] has 3 examples, f32\[4,3\] has 4/)
    expect(() => vmap((y: { a: Tensor; b: Tensor }) => y.a, { inDims: [{ a: 0 }] })({ a: x, b: x })).toThrow(/say nothing of 'b'/)
    expect(() => vmap((y: Tensor) => y, { inDims: [0, 0] })(x)).toThrow(/2 dims for 1 values/)
    expect(() => vmap((y: Tensor) => y.mul(ones(2)))(x)).toThrow(/shapes \[3\] and \[2\] do not broadcast/)
    const left: Tensor[] = []
    vmap((y: Tensor) => (left.push(y.mul(2)), y))(x)
    expect(() => left[0].add(1)).toThrow(/\[add\] f32\[3\] is a value of vmap that is over/)
    expect(() => left[0].data()).toThrow(/\[vmap\] a value of f32\[3\] was read/)
  })

  test('nothing of it outlives it but results', () => {
    const x = randn(64, 64)
    const held = memory().tensors
    const y = vmap((row: Tensor) => row.exp().mul(2).sin().sum())(x)
    expect(memory().tensors).toBe(held + 1)
    y.dispose()
    expect(memory().tensors).toBe(held)
  })
})
