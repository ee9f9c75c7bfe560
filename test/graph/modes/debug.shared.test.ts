// mode: 'debug': silent where all is well, and it names the rewrite or the kernel that is wrong. Faults are planted into running records
// and devices.
import { afterEach, describe, expect, test, vi } from 'vitest'
import { compile, LampasError, manualSeed, nn, optim, randn, symbolic, tensor, type Tensor } from '../../../src/index.ts'
import type { Backend, Launch } from '../../../src/backend/backend.ts'
import { createReference } from '../../../src/backend/reference/index.ts'
import { currentBackend } from '../../../src/eager/device.ts'
import { insideOf } from '../../../src/graph/insight.ts'
import { judgeFusion } from '../../../src/graph/modes/fusion.ts'
import { Interpreter } from '../../../src/graph/modes/interpreter.ts'
import { allRewrites, type Rewrite } from '../../../src/graph/passes/index.ts'
import type { Layout } from '../../../src/graph/plan.ts'
import type { Kernel } from '../../../src/ir/kernel.ts'
import { innerOf } from '../../../src/ir/when.ts'
import { eachDevice } from '../../each-device.ts'

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

/** Lets a rewrite do something else. */
const plantRewrite = (name: string, apply: Rewrite['apply']): void => void vi.spyOn(allRewrites.find(r => r.name === name)!, 'apply').mockImplementation(apply)

/** Lets the device prepare another kernel for those of some kinds. */
function plantKernel(other: (k: Kernel) => Kernel): void {
  const backend: Backend = currentBackend()
  const prepare = backend.prepare.bind(backend)
  vi.spyOn(backend, 'prepare').mockImplementation((launches: readonly Launch[]) => prepare(launches.map(l => ({ ...l, kernel: other(innerOf(l.kernel)) }))))
}

afterEach(() => vi.restoreAllMocks())

eachDevice(name => {
  describe('debug', () => {
    test('is silent where all is well, and the numbers are those of the plain function', async () => {
      const train = async (mode: 'debug' | 'fastRun'): Promise<number[]> => {
        manualSeed(3)
        const model = new nn.Sequential(new nn.Linear(5, 8), new nn.GELU(), new nn.LayerNorm(8), new nn.Dropout(0.2), new nn.Linear(8, 3))
        const optimizer = new optim.AdamW(model.parameters(), { lr: 0.01 })
        const step = compile((x: Tensor, y: Tensor) => {
          optimizer.zeroGrad()
          const loss = nn.functional.crossEntropy(model.forward(x), y)
          loss.backward()
          optimizer.step()
          return loss
        }, { mode })
        const losses: number[] = []
        const [x, y] = [randn(6, 5), tensor(new Int32Array([0, 1, 2, 0, 1, 2]))]
        for (let i = 0; i < 3; i++) losses.push(await step(x, y).item())
        return losses
      }
      const [debugged, plain] = [await train('debug'), await train('fastRun')]
      debugged.forEach((v, i) => expect(v).toBeCloseTo(plain[i], 6))
    })

    test('a fusion that changes values is named by its rules', async () => {
      const f = compile(function shifted(x: Tensor) { return x.exp().mul(3) })
      const x = tensor([[1, 2], [3, 4]])
      f(x)
      const { plan, graph } = insideOf(f)!.last()!
      const reference = createReference()
      try {
        const given = [await x.data()].map(d => new Float32Array(d).buffer)
        const judged = (layout: Layout): string => {
          const interpreter = new Interpreter(reference)
          graph.externals.forEach((v, i) => interpreter.give(v, given[i]))
          try {
            judgeFusion('shifted', reference, interpreter, layout, graph, given)
          } catch (error) {
            return (error as Error).message
          }
          return 'no fault'
        }
        expect(plan.layout.fired.map(r => r.rewrite.name)).toContain('map-into-map')
        expect(judged(plan.layout)).toBe('no fault')
        const steps = plan.layout.steps.map(s => (s.nodes.length > 1 && s.kernel.kind === 'map' ? { ...s, kernel: { ...s.kernel, params: s.kernel.params.map(p => p + 1) } } : s))
        expect(judged({ ...plan.layout, steps })).toMatch(/shifted: fusion \(map-into-map\) changes mul.*debug\.shared\.test\.ts[^]*the largest difference[^]*exclude: \['map-into-map'\]/)
      } finally {
        reference.dispose()
      }
    })

    test('is silent about rewrites that are better than the formula as it stands', async () => {
      const x = tensor([-1000, -30, 0, 30, 1000])
      for (const fn of [(v: Tensor) => v.exp().add(1).log(), (v: Tensor) => v.softmax(0).log(), (v: Tensor) => v.exp().sum().log(), (v: Tensor) => v.exp().div(v.exp().add(1))])
        expect(await faultOf(() => compile(fn, { mode: 'debug' })(x))).toBe('no fault')
    })

    test('names a wrong rewrite, its line and the largest difference', async () => {
      plantRewrite('softplus', (n, t) => t.pointwise('add', t.pointwise('softplus', n.inputs[0]), 1))
      const told = await faultOf(() => compile((x: Tensor) => x.exp().log1p().mul(2), { mode: 'debug', name: 'f' })(tensor([1, 2])))
      expect(told).toContain("f: the rewrite 'softplus' (log(1 + exp(x)) → softplus(x)")
      expect(told).toContain('changes log1p at')
      expect(told).toContain('debug.shared.test.ts')
      expect(told).toMatch(/f32\[2\]: the largest difference is [\d.]+, at \[[01]\]: [\d.]+ became [\d.]+/)
      expect(told).toContain('input 0: f32[2] from 2.718 to 7.389')
      expect(told).toContain("exclude: ['softplus']")
    })

    test('names a rewrite that is wrong in exact numbers, and one that makes NaN of numbers', async () => {
      plantRewrite('add-zero', (n, t) => t.pointwise('neg', n.inputs[0]))
      const add = compile((x: Tensor) => x.add(0), { mode: 'debug' })
      expect(await faultOf(() => add(tensor(new Int32Array([3, -4]))))).toContain("the rewrite 'add-zero'")
      plantRewrite('mul-one', (n, t) => t.pointwise('log', n.inputs[0]))
      expect(await faultOf(() => compile((x: Tensor) => x.mul(1), { mode: 'debug' })(tensor([-1, 1])))).toMatch(/'mul-one'.*\n.*−1 became NaN/)
    })

    if (name !== 'reference')
      test('names a wrong kernel, its node and line', async () => {
        plantKernel(k => (k.kind === 'reduce' ? { ...k, op: 'max' } : k.kind === 'rows' ? { ...k, stages: k.stages.map(s => ({ ...s, reduce: s.reduce && ['max'] })) } : k))
        const told = await faultOf(() => compile((x: Tensor) => x.mul(2).sum(1), { mode: 'debug', name: 'f' })(tensor([[1, 2], [3, 5]])))
        expect(told).toMatch(/f: the kernel (reduce|rows) \(.*\) of .*sum at/)
        expect(told).toContain('debug.shared.test.ts')
        expect(told).toMatch(/f32\[2\]: the largest difference is 6, at \[1\]: 16 by the reference, here 10/)
        expect(told).toContain('input 0: f32[2,2] from')
      })

    if (name !== 'reference')
      test('names a kernel that is a little wrong', async () => {
        plantKernel(k => (k.kind === 'map' ? { ...k, params: k.params.map(p => p * 1.001) } : k))
        expect(await faultOf(() => compile((x: Tensor) => x.mul(2.5).exp(), { mode: 'debug' })(tensor([0.1, 0.2])))).toContain('the kernel map')
      })

    test('symbolic functions have it too', async () => {
      const x = symbolic.vector('x')
      const f = symbolic.func({ inputs: [x], outputs: x.exp().log1p(), mode: 'debug', name: 'soft' })
      expect(await faultOf(() => f([1, 2]) as Tensor)).toBe('no fault')
      plantRewrite('softplus', (n, t) => t.pointwise('neg', n.inputs[0]))
      expect(await faultOf(() => symbolic.func({ inputs: [x], outputs: x.exp().log1p(), mode: 'debug', name: 'soft' })([1, 2]) as Tensor)).toContain("soft: the rewrite 'softplus'")
    })

    test('one way of running at a time', () => {
      expect(() => compile((x: Tensor) => x, { mode: 'debug', profile: true })).toThrow("mode: 'debug' and profile at once")
    })
  })
})
