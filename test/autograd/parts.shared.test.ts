// Gradients of parts of one tensor: joined where they lie side by side, added where they meet.
import { expect, test } from 'vitest'
import { gradcheck, gradgradcheck } from '../../src/debug/index.ts'
import { cat, compile, grad, manualSeed, randn, tensor, type Tensor } from '../../src/index.ts'
import { eachDevice } from '../each-device.ts'

const x = (): Tensor => tensor([[0.3, -1.2, 0.7], [1.1, 0.4, -0.5], [-0.2, 0.9, 1.3]], { requiresGrad: true })
const wave = (t: Tensor, i: number): Tensor => t.mul(i + 1).sin()

const reads: Record<string, (a: Tensor) => Tensor> = {
  'all rows': a => a.unbind(0).map(wave).reduce((s, t) => s.add(t)).sum(),
  'columns, last first': a => a.unbind(1).map(wave).reverse().reduce((s, t) => s.mul(t)).sum(),
  'some rows': a => a.select(0, 2).mul(a.select(0, 0)).sum(),
  'pieces and a gap': a => cat([a.at('0:1'), a.at('2:3')], 0).square().sum(),
  'parts that meet': a => a.at('0:2').mul(a.at('1:3')).sum(),
  'one row twice': a => a.select(0, 1).mul(a.select(0, 1).sin()).sum(),
  'rows and columns': a => a.select(0, 1).mul(a.select(1, 2)).sum(),
  'rows and the whole': a => a.select(0, 1).mul(2).add(a.exp()).sum().add(a.select(0, 0).sum()),
  'parts of a result': a => a.tanh().unbind(0).map(wave).reduce((s, t) => s.mul(t)).sum(),
  'parts of parts': a => a.tanh().unbind(0).flatMap(r => r.unbind(0)).map(wave).reduce((s, t) => s.add(t.square())),
}

eachDevice(() => {
  for (const [name, read] of Object.entries(reads))
    test(name, async () => {
      expect(await gradcheck(read, [x()])).toBe(true)
      expect(await gradgradcheck(read, [x()])).toBe(true)
      const of = (a: Tensor): Tensor => grad(read(a), [a])[0]
      expect(await compile(of)(x()).toArray()).toEqual(await of(x()).toArray())
    })

  test('leaves gather over two passes, and a result that is asked for has the whole gradient', async () => {
    const a = x()
    for (let i = 0; i < 2; i++) {
      const [p, q, r] = a.unbind(0)
      p.add(q.mul(2)).add(r.mul(3)).sum().backward()
    }
    expect(await a.grad!.toArray()).toEqual([[2, 2, 2], [4, 4, 4], [6, 6, 6]])
    const y = a.mul(2)
    const [gy] = grad(y.select(0, 0).sum().add(y.select(0, 2).mul(5).sum()), [y])
    expect(await gy.toArray()).toEqual([[1, 1, 1], [0, 0, 0], [5, 5, 5]])
  })

  test('the gradients of the steps of a sequence are joined once', async () => {
    manualSeed(0)
    const f = compile((s: Tensor) => grad(s.mul(2).unbind(0).map(wave).reduce((h, t) => h.add(t).tanh()).sum(), [s])[0])
    await f(randn(16, 4).requiresGrad_()).toArray()
    const names = f.graph('traced').nodes.map(n => n.op)
    expect(names.filter(n => n === 'cat')).toHaveLength(1)
    expect(names).not.toContain('selectTranspose')
  })
})
