// Who frees what, and when: scopes, dispose, using, the tape, and what is said about memory that is gone.
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { grad, init, manualSeed, memory, nn, noGrad, ones, optim, rand, scope, tensor, trackMemory, zeros, type Tensor } from '../../src/index.ts'
import { eachDevice } from '../each-device.ts'

const list = async (x: Tensor): Promise<number[]> => Array.from(await x.data())
const held = (): number => memory().held

eachDevice(name => {
  let before = 0
  beforeEach(() => {
    before = held()
  })
  /** All that a test makes it must free by its own means. The collector may find what came before it meanwhile. */
  const expectNothingLeft = (): void => expect(held() - before).toBeLessThanOrEqual(0)

  describe('dispose', () => {
    test('frees once, and only the last handle frees the memory', async () => {
      const x = ones(100)
      const v = x.reshape(10, 10)
      x.dispose()
      x.dispose()
      expect([x.alive, v.alive]).toEqual([false, true])
      expect((await list(v)).length).toBe(100)
      expect(held() - before).toBe(400)
      v.dispose()
      expectNothingLeft()
    })

    test('an index leaves nothing behind but its result', () => {
      using x = ones(10, 10)
      using row = x.at(0)
      const mask = row.gt(0)
      for (const part of [x.at(1, 2), x.at('1:', null, 0), x.at([1, 2], 0), ...(name === 'webgpu' ? [] : [x.at(mask, 1)]), mask]) part.dispose()
      expect(held() - before).toBe(400)
    })

    test('works with using', () => {
      let seen: Tensor
      {
        using x = zeros([50])
        seen = x
        expect(held() - before).toBe(200)
      }
      expect(seen.alive).toBe(false)
      expectNothingLeft()
    })

    test('leaves the copy that the tape keeps', async () => {
      const x = tensor([1, 2], { requiresGrad: true })
      const y = x.exp()
      const loss = y.mul(y).sum()
      y.dispose()
      loss.backward()
      expect((await list(x.grad!))[0]).toBeCloseTo(2 * Math.E ** 2, 4)
      for (const t of [x, loss, x.grad!]) t.dispose()
    })

    test('a freed tensor says what is wrong, wherever it is used', async () => {
      const x = ones(2, 3)
      x.dispose()
      const gone = /\[\w+\] f32\[2,3\] was used after it was freed: it was disposed\. help: keep it out of the scope, or clone\(\)/
      for (const use of [() => x.add(1), () => ones(3).add(x), () => x.at(0), () => x.t(), () => x.add_(1), () => x.sum(), () => x.detach(), () => x.clone()]) expect(use).toThrow(gone)
      await expect(x.data()).rejects.toThrow(gone)
      expect([x.shape, x.dtype, String(x)]).toEqual([[2, 3], 'float32', 'f32[2,3]'])
    })
  })

  describe('scope', () => {
    test('frees what was made and keeps what is returned, however deep', async () => {
      const out = scope(() => {
        const x = ones(100)
        const y = x.add(1).mul(2)
        return { y, list: [y.sum(), { z: y.at(0) }], n: 3 }
      })
      expect(await list(out.y.at(':2'))).toEqual([4, 4])
      expect(await (out.list[0] as Tensor).item()).toBe(400)
      for (const t of [out.y, out.list[0] as Tensor, (out.list[1] as { z: Tensor }).z]) t.dispose()
    })

    test('leaves nothing', () => {
      scope(() => {
        const x = ones(100)
        x.add(1).matmul(x).mul(2)
      })
      expectNothingLeft()
    })

    test('nests: what the inner one returns belongs to the outer one', () => {
      let inner: Tensor | null = null
      const kept = scope(() => {
        inner = scope(() => ones(10).add(1))
        expect(inner.alive).toBe(true)
        return inner.mul(2)
      })
      expect([inner!.alive, kept.alive]).toEqual([false, true])
      kept.dispose()
      expectNothingLeft()
    })

    test('frees also when its body throws', () => {
      expect(() =>
        scope(() => {
          ones(100).add(1)
          throw new Error('mine')
        }),
      ).toThrow('mine')
      expectNothingLeft()
    })

    test('may be async, also when it rejects, and return values while another has begun', async () => {
      const work = async (k: number): Promise<Tensor> =>
        scope(async () => {
          const x = ones(100).mul(k)
          await x.sum().item()
          const y = x.add(1)
          await y.sum().item()
          return y.sum()
        })
      const [a, b] = await Promise.all([work(1), work(2)])
      expect([await a.item(), await b.item()]).toEqual([200, 300])
      a.dispose()
      b.dispose()
      await expect(
        scope(async () => {
          await ones(100).sum().item()
          throw new Error('late')
        }),
      ).rejects.toThrow('late')
      expectNothingLeft()
    })

    test('says so when a tensor of it is used later', () => {
      let lost: Tensor | null = null
      scope(() => {
        lost = ones(3)
      })
      expect(() => lost!.add(1)).toThrow(/\[add\] f32\[3\] was used after it was freed: its scope ended/)
    })

    test('keeps what the tape needs, and gradients', async () => {
      const w = tensor([1, 2], { requiresGrad: true })
      const loss = scope(() => w.exp().square().sum())
      scope(() => loss.backward())
      expect((await list(w.grad!))[0]).toBeCloseTo(2 * Math.E ** 2, 4)
      scope(() => w.mul(3).sum().backward())
      expect(w.grad!.alive).toBe(true)
      for (const t of [w, loss, w.grad!]) t.dispose()
    })

    test('keeps the state of optimisers and random generators', async () => {
      // A fresh device has no generator yet: the first draw happens in a scope.
      if (name === 'wasm') await init({ device: 'wasm', threads: 1 })
      manualSeed(0)
      scope(() => void rand(3))
      expect((await list(rand(2))).length).toBe(2)
      const w = tensor([1, 2], { requiresGrad: true })
      const optimizer = scope(() => new optim.Adam([w], { lr: 0.1 }))
      for (let i = 0; i < 3; i++)
        scope(() => {
          optimizer.zeroGrad()
          w.square().sum().backward()
          optimizer.step()
        })
      expect((await list(w))[0]).toBeCloseTo(0.7, 2)
    })

    test('keeps a model made in it, with its buffers', async () => {
      const model = scope(() => new nn.Sequential(new nn.Linear(4, 3), new nn.BatchNorm1d(3)))
      const y = model.forward(ones(2, 4))
      expect((await list(y)).length).toBe(6)
    })
  })

  describe('views', () => {
    test('cost nothing and keep the memory', async () => {
      let v: Tensor
      {
        using x = tensor([[1, 2], [3, 4]])
        v = scope(() => x.t().at(1))
        expect(held() - before).toBe(16)
      }
      expect(await list(v)).toEqual([2, 4])
      v.dispose()
      expectNothingLeft()
    })
  })

  describe('backward', () => {
    test('leaves only the gradients', () => {
      const x = ones(100, { requiresGrad: true })
      const own = held()
      scope(() => {
        const y = x.exp().mul(x).tanh()
        y.square().mean().backward()
      })
      expect(held() - own).toBe(400)
      x.grad!.dispose()
      x.dispose()
    })

    test('grad() leaves only what it returns', () => {
      const x = ones(100, { requiresGrad: true })
      const own = held()
      scope(() => grad(x.exp().sum(), [x])[0]).dispose()
      expect(held()).toBe(own)
      x.dispose()
    })

    test('of a checkpointed chain frees each saved value once', () => {
      const x = ones(1000, { requiresGrad: true })
      const own = held()
      scope(() => {
        let y: Tensor = x
        for (let i = 0; i < 10; i++) y = y.sin()
        const loss = y.sum()
        const full = held()
        loss.backward()
        expect(held()).toBeLessThan(full + 3 * 4000)
      })
      expect(held() - own).toBe(4000)
      x.grad!.dispose()
      x.dispose()
    })
  })

  describe('memory()', () => {
    afterEach(() => trackMemory(false))
    test('counts blocks and bytes, and names the lines that hold most', () => {
      trackMemory(true)
      const { tensors } = memory()
      const x = ones(1000)
      const views = [x.t(), x.reshape(10, 100)]
      const report = memory()
      expect(report.device).toBe(name)
      expect(report.tensors - tensors).toBe(1)
      expect(report.held - before).toBe(4000)
      expect(report.reserved).toBeGreaterThanOrEqual(report.held)
      expect(report.holders[0].site).toMatch(/memory\.shared\.test/)
      expect(report.holders[0]).toMatchObject({ bytes: 4000, count: 1 })
      for (const t of [x, ...views]) t.dispose()
      expectNothingLeft()
    })
  })

  test('with trackMemory, use after free names the line that freed', () => {
    trackMemory(true)
    const x = ones(3)
    x.dispose()
    trackMemory(false)
    expect(() => x.add(1)).toThrow(/was used after it was freed: it was disposed \(.*memory\.shared\.test.*\)\. help/)
  })

  test('noGrad keeps nothing of a forward pass', () => {
    const w = ones(100, { requiresGrad: true })
    const own = held()
    scope(() => noGrad(() => void w.exp().square().sum()))
    expect(held()).toBe(own)
    w.dispose()
  })
})
