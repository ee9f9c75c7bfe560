// Graphs as data: what f.graph(stage) says of nodes, memory, kernels and names.
import { describe, expect, test } from 'vitest'
import { compile, manualSeed, nn, optim, randn, symbolic, tensor, type GraphDescription, type Tensor } from '../../../src/index.ts'
import { eachDevice } from '../../each-device.ts'

/** Everything that an id names is there, before it is read. */
function checkIds(g: GraphDescription): void {
  const known = new Set<string>([...g.externals, ...g.constants].map(v => v.id))
  for (const n of g.nodes) {
    for (const id of n.inputs) expect(known).toContain(id)
    for (const v of n.outputs) known.add(v.id)
  }
  for (const id of [...g.outputs, ...g.updates.flatMap(u => [u.external, u.value])]) expect(known).toContain(id)
  expect(g.outputNames).toHaveLength(g.outputs.length)
  expect(new Set(g.nodes.map(n => n.id)).size).toBe(g.nodes.length)
}

eachDevice(() => {
  describe('f.graph()', () => {
    test('the graph after so many rewrites', () => {
      const f = compile((x: Tensor) => x.mul(1).exp().add(1).log().sum())
      f(tensor([1, 2]))
      const { log } = f.explain()
      const ops = (rewrites: number): string[] => {
        const g = f.graph('optimized', { rewrites })
        checkIds(g)
        return g.nodes.map(n => n.op)
      }
      expect(log.slice(0, 2).map(l => l.name)).toEqual(['mul-one', 'softplus'])
      expect(ops(0)).toEqual(['mul', 'exp', 'add', 'log', 'sum'])
      expect(ops(1)).toEqual(['exp', 'add', 'log', 'sum'])
      expect(ops(log.length)).toEqual(f.graph('optimized').nodes.map(n => n.op))
      const [before, after] = [1, 2].map(rewrites => f.graph('optimized', { rewrites }).nodes.map(n => n.id))
      expect(before.filter(id => !after.includes(id))).toHaveLength(3)
      expect(after.filter(id => before.includes(id))).toHaveLength(1)
      expect(() => f.graph('plan', { rewrites: 1 })).toThrow(/after the first three rewrites/)
      expect(() => f.graph('optimized', { rewrites: -1 })).toThrow(/rewrites: -1/)
    })

    test('stages of a training step, with names, lines, kernels and memory', () => {
      manualSeed(0)
      const model = new nn.Sequential(new nn.Linear(4, 8), new nn.ReLU(), new nn.Linear(8, 3))
      const adam = new optim.Adam(model.parameters(), { lr: 0.1 })
      const step = compile((x: Tensor, labels: Tensor) => {
        adam.zeroGrad()
        const loss = nn.functional.crossEntropy(model.forward(x), labels)
        loss.backward()
        adam.step()
        return { loss }
      }, { name: 'step' })
      step(randn(5, 4), tensor(new Int32Array([0, 1, 2, 0, 1])))
      const [traced, optimized, plan] = (['traced', 'optimized', 'plan'] as const).map(stage => step.graph(stage))
      for (const g of [traced, optimized, plan]) {
        expect(JSON.parse(JSON.stringify(g))).toEqual(g)
        checkIds(g)
        expect([g.name, g.outputNames]).toEqual(['step', ['loss']])
        expect(g.externals.filter(e => e.kind === 'argument').map(e => [e.name, e.dtype, e.shape])).toEqual([['x', 'float32', [5, 4]], ['labels', 'int32', [5]]])
        expect(g.externals.filter(e => e.kind === 'parameter').map(e => e.name).sort()).toEqual(['0.bias', '0.weight', '2.bias', '2.weight'])
        expect(g.externals.map(e => e.name)).toContain('0.weight.exp_avg')
        expect(g.externals.find(e => e.name === 'lr')).toMatchObject({ kind: 'state', updated: false })
        expect(g.externals.find(e => e.name === '2.weight')).toMatchObject({ updated: true, bytes: 3 * 8 * 4 })
        expect(g.nodes.filter(n => n.site?.file.includes('describe.shared.test')).length).toBeGreaterThan(g.nodes.length / 2)
      }
      expect(traced.nodes.length).toBeGreaterThan(optimized.nodes.length)
      expect(step.graph()).toEqual(optimized)
      const { kernels, memory } = plan.plan!
      expect(kernels).toHaveLength(step.info().kernels)
      const ids = new Set(plan.nodes.map(n => n.id))
      for (const k of kernels) {
        for (const id of k.nodes) expect(ids).toContain(id)
        for (const id of [...k.reads, ...k.writes]) expect(memory.some(m => m.id === id)).toBe(true)
        expect(k.text).not.toBe('')
      }
      memory.forEach(m => expect([...m.uses].sort((a, b) => a - b)).toEqual(m.uses))
      const product = kernels.find(k => k.kind === 'matmul')!
      expect(product.flops).toBeGreaterThanOrEqual(2 * 5 * 8 * 4)
    })

    test('nested arguments and results; constants; small literals', () => {
      const f = compile((o: { a: Tensor; rest: Tensor[] }) => [o.a.mul(2), { b: o.rest[0].add(tensor([1, NaN])) }])
      f({ a: tensor([1, 2]), rest: [tensor([3, 4])] })
      const g = f.graph('traced')
      expect(g.externals.filter(e => e.kind === 'argument').map(e => e.name)).toEqual(['o.a', 'o.rest[0]'])
      expect(g.outputNames).toEqual(['0', '1.b'])
      expect(g.constants).toMatchObject([{ value: 2 }])
      const values = g.externals.find(e => e.kind === 'literal')!.values
      if (values) expect(values).toEqual([1, 'NaN'])
    })

    test('names that the user gives', () => {
      const w = tensor([1, 2])
      const net = new nn.Linear(2, 2)
      const f = compile((x: Tensor) => net.forward(x.mul(w)))
      f(tensor([1, 2]))
      expect(f.graph('optimized', { names: { w, net } }).externals.map(e => e.name).sort()).toEqual(['net.bias', 'net.weight', 'w', 'x'])
    })

    test('functions of expressions: names of inputs and shared variables, lines where the expression was written', () => {
      const x = symbolic.vector('speed')
      const s = symbolic.shared([1, 2], { name: 'total' })
      const f = symbolic.func({ inputs: [x], outputs: { y: x.mul(s).exp() }, updates: [[s, s.add(x)]] })
      const before = f.graph()
      checkIds(before)
      expect([before.stage, before.nodes.map(n => n.op), before.externals.map(e => e.name)]).toEqual(['expression', ['mul', 'exp', 'add'], ['speed', 'total']])
      expect(() => f.graph('plan')).toThrow(/not called yet/)
      f([3, 4])
      const g = f.graph('optimized')
      checkIds(g)
      expect(g.externals.map(e => [e.name, e.kind, e.updated])).toEqual([['speed', 'argument', false], ['total', 'parameter', true]])
      expect(g.outputNames).toEqual(['y'])
      // The line that wrote the expression, not that of the call.
      expect(g.nodes.map(n => n.site?.line)).toEqual(before.nodes.map(n => n.site?.line))
      expect(symbolic.graph(x.mul(2)).nodes.map(n => n.op)).toEqual(['mul'])
    })

    test('a loop has its step inside', () => {
      const f = compile((x: Tensor) => symbolic.scan((a: Tensor, total: Tensor) => total.mul(0.5).add(a), { sequences: x, outputsInfo: 0 }))
      f(tensor([1, 2, 3]))
      const loop = f.graph().nodes.find(n => n.op === 'scan')!
      checkIds(loop.body!)
      expect(loop.body!.nodes.map(n => n.op)).toContain('add')
      expect(loop.params.steps).toBe('3')
    })

    test('of a function that is watched', () => {
      const f = compile((x: Tensor) => x.exp().sum(), { nanGuard: true })
      f(tensor([1, 2]))
      const g = f.graph('plan')
      checkIds(g)
      const ids = new Set(g.nodes.map(n => n.id))
      for (const k of g.plan!.kernels) for (const id of k.nodes) expect(ids).toContain(id)
      expect(g.plan!.kernels.flatMap(k => k.nodes)).toContain(g.nodes[0].id)
    })

    test('what it refuses', () => {
      const f = compile((x: Tensor) => x.exp())
      expect(() => f.graph()).toThrow(/not called yet/)
      f(tensor(1))
      expect(() => f.graph('expression')).toThrow(/no stage 'expression'/)
      expect(() => f.graph('traced', { nams: {} } as never)).toThrow(/nams/)
    })
  })
})
