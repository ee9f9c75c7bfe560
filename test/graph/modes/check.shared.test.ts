// check(): the same call eagerly, compiled and on other devices, and whom it blames.
import { afterEach, describe, expect, test, vi } from 'vitest'
import { manualSeed, nn, optim, rand, randn, tensor, zeros, type Tensor } from '../../../src/index.ts'
import { check } from '../../../src/debug/index.ts'
import { allRewrites } from '../../../src/graph/passes/index.ts'
import { eachDevice } from '../../each-device.ts'

afterEach(() => vi.restoreAllMocks())

eachDevice(name => {
  describe('check', () => {
    test('a whole training step: results, gradients and state, which is as before afterwards', async () => {
      manualSeed(2)
      const model = new nn.Sequential(new nn.Linear(4, 6), new nn.Tanh(), new nn.Dropout(0.1), new nn.Linear(6, 3))
      const optimizer = new optim.Adam(model.parameters(), { lr: 0.01 })
      const [x, y] = [randn(5, 4), tensor(new Int32Array([0, 1, 2, 0, 1]))]
      const before = await Promise.all(model.parameters().map(p => p.data()))
      const report = await check(function step(a: Tensor, b: Tensor) {
        optimizer.zeroGrad()
        const loss = nn.functional.crossEntropy(model.forward(a), b)
        loss.backward()
        optimizer.step()
        return { loss }
      }, x, y)
      expect(String(report)).toContain('all the same')
      expect(report.ok).toBe(true)
      expect(report.culprit).toBeNull()
      const whats = new Set(report.values.map(v => v.what))
      expect(whats).toContain('result 0')
      expect(whats).toContain('gradient of parameter 0')
      expect([...whats].filter(w => w.startsWith('captured tensor')).length).toBeGreaterThanOrEqual(12)
      expect(report.values.filter(v => v.what === 'result 0').map(v => v.by)).toContain(name === 'reference' ? 'compiled' : 'reference')
      expect(await Promise.all(model.parameters().map(p => p.data()))).toEqual(before)
      expect(model.parameters().map(p => p.grad)).toEqual(model.parameters().map(() => null))
    })

    test('gradients of arguments, and arguments that are changed', async () => {
      const x = rand(3).requiresGrad_()
      const report = await check((a: Tensor, b: Tensor) => {
        a.mul(a).sum().backward()
        b.add_(1)
      }, x, zeros([2]))
      expect(report.ok).toBe(true)
      expect(report.values.map(v => v.what)).toEqual(expect.arrayContaining(['gradient of argument 0', 'argument 1, afterwards']))
      expect(x.grad).toBeNull()
    })

    test('a wrong rewrite: what differs, by how much, and the rewrite with its line', async () => {
      vi.spyOn(allRewrites.find(r => r.name === 'softplus')!, 'apply').mockImplementation((n, t) => t.pointwise('mul', t.pointwise('softplus', n.inputs[0].node!.inputs[0]), 2))
      const report = await check(function soft(x: Tensor) { return x.exp().log1p() }, tensor([1, 2]))
      expect(report.ok).toBe(false)
      const compiled = report.values.find(v => v.by === 'compiled')!
      expect(compiled.same).toBe(false)
      expect(compiled.difference).toBeCloseTo(Math.log1p(Math.exp(2)), 4)
      expect(report.culprit).toContain("the rewrite 'softplus'")
      expect(report.culprit).toContain('check.shared.test.ts')
      expect(String(report)).toMatch(/^soft: 2 values, eager on \w+ and compiled on .* differ\n {2}compiled: result 0, f32\[2\]: the largest difference is 2\.127, at \[1\]/)
    })

    test('code with state outside of tensors is told apart', async () => {
      let calls = 0
      const report = await check((x: Tensor) => x.add(calls++), tensor([1, 2]))
      expect(report.ok).toBe(false)
      expect(report.culprit).toContain('the trace differs from the code')
    })

    test('random numbers are the same in both, and the generator goes back', async () => {
      manualSeed(7)
      const first = await rand(3).data()
      manualSeed(7)
      expect((await check(() => rand(3))).ok).toBe(true)
      expect(await rand(3).data()).toEqual(first)
    })
  })
})
