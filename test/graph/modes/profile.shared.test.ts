// Profiles: that they count and time what runs, and change nothing.
import { describe, expect, test } from 'vitest'
import { compile, manualSeed, nn, optim, randn, symbolic, tensor, type Tensor } from '../../../src/index.ts'
import { profile } from '../../../src/debug/index.ts'
import { currentBackend } from '../../../src/eager/device.ts'
import { eachDevice } from '../../each-device.ts'

const step = (options: { profile?: boolean }) => {
  manualSeed(1)
  const model = new nn.Sequential(new nn.Linear(16, 32), new nn.Tanh(), new nn.Linear(32, 4))
  const optimizer = new optim.Adam(model.parameters(), { lr: 0.01 })
  return compile((x: Tensor, y: Tensor) => {
    optimizer.zeroGrad()
    const loss = nn.functional.crossEntropy(model.forward(x), y)
    loss.backward()
    optimizer.step()
    return loss
  }, { ...options, name: 'step' })
}

eachDevice(name => {
  describe('profile', () => {
    test('the numbers of a training step stay the same to the bit', async () => {
      const data = async (profiled: boolean): Promise<number[]> => {
        const f = step({ profile: profiled })
        const [x, y] = [randn(8, 16), tensor(new Int32Array([0, 1, 2, 3, 0, 1, 2, 3]))]
        const losses: number[] = []
        for (let i = 0; i < 5; i++) losses.push(await f(x, y).item())
        return losses
      }
      expect(await data(true)).toEqual(await data(false))
    })

    test('counts calls, bytes and arithmetic, and names lines', async () => {
      const f = compile((a: Tensor, b: Tensor) => a.matmul(b).add(1).sum(), { profile: true, name: 'f' })
      for (let i = 0; i < 3; i++) await f(randn(64, 32), randn(32, 16)).item()
      await f.checked()
      const p = f.profile()
      expect(p.calls).toBe(3)
      expect(p.kernels.length).toBe(f.info().kernels)
      expect(p.kernels.every(k => k.calls === 3)).toBe(true)
      const product = p.kernels.find(k => k.kind === 'matmul')!
      expect(product.op).toContain('matmul')
      expect(product.flops).toBeGreaterThanOrEqual(3 * 2 * 64 * 32 * 16)
      expect(product.bytes).toBeGreaterThanOrEqual(3 * 4 * (64 * 32 + 32 * 16))
      expect(product.line).toContain('profile.shared.test.ts')
      expect(Object.keys(p.compile)).toEqual(expect.arrayContaining(['trace', 'canonicalise', 'stabilise', 'plan']))
    })

    test('the time of a step of each loop', async () => {
      const w = randn(8, 8)
      const f = compile((xs: Tensor) => symbolic.foldl((x, h) => h.matmul(w).add(x).tanh(), xs, randn(2, 8)), { profile: true, name: 'f' })
      const n = 20
      for (let i = 0; i < 3; i++) await f(randn(n, 2, 8)).data()
      await f.checked()
      const p = f.profile()
      const [loop, ...others] = p.loops
      expect(others).toEqual([])
      expect([loop.steps, loop.calls]).toEqual([n, 3])
      expect(loop.name).toMatch(/^n\d+ scan .*profile\.shared\.test\.ts/)
      expect(String(p)).toContain(`loops:\n  ${loop.name}: ${n} steps`)
      if (p.why === null) expect(loop.msPerStep! * n * 3).toBeCloseTo(loop.ms!, 6)
      else expect(loop.msPerStep).toBeNull()
    })

    test('times of kernels, and shares that make a whole; or plain words why there are none', async () => {
      const f = compile((a: Tensor) => a.matmul(a).tanh().matmul(a).sum(), { profile: true, name: 'f' })
      const x = randn(128, 128)
      for (let i = 0; i < 10; i++) await f(x).item()
      await f.checked()
      const p = f.profile()
      if (p.why !== null) {
        expect(p.ms).toBeNull()
        expect(String(p)).toContain(`no times of kernels: the device '${name}'`)
        return
      }
      expect(p.ms).toBeGreaterThan(0)
      for (const rows of [p.functions, p.ops, p.lines, p.kernels]) expect(rows.reduce((n, r) => n + r.share!, 0)).toBeCloseTo(1, 6)
      expect(p.kernels[0].ms).toBe(Math.max(...p.kernels.map(k => k.ms!)))
      expect(p.ops[0].gflops).toBeGreaterThan(0)
    })

    test('several functions in one table, also symbolic ones and other sizes', async () => {
      const f = compile((x: Tensor) => x.exp(), { profile: true, name: 'first' })
      const v = symbolic.vector('v')
      const g = symbolic.func({ inputs: [v], outputs: v.sum(), profile: true, name: 'second' })
      for (const list of [[1, 2], [1, 2, 3]]) await g(f(tensor(list))).item()
      await f.checked()
      await g.checked()
      const p = profile(f, g)
      expect(p.functions.map(r => [r.name, r.calls])).toEqual([['first', 2], ['second', 2]])
      const text = String(p)
      for (const part of ['first, second: 4 calls', 'functions:', 'ops:', 'kernels:', 'exp', 'sum', 'GFLOP/s']) expect(text).toContain(part)
    })

    test('the times of a device that works behind are there when the result is', async () => {
      const f = compile((x: Tensor) => x.matmul(x), { profile: true })
      await f(randn(64, 64)).data()
      const p = f.profile()
      if (currentBackend().readSync || currentBackend().prepareTimed) expect(p.why).toBeNull()
      else expect(p.why).toContain('does not tell')
      expect(p.calls).toBe(1)
    })

    test('what was not asked for is refused', () => {
      const f = compile((x: Tensor) => x)
      expect(() => f.profile()).toThrow('not profiled')
      expect(() => compile((x: Tensor) => x, { nanGuard: true }).profile()).toThrow('not profiled')
      expect(() => profile()).toThrow('no function is given')
    })
  })
})
