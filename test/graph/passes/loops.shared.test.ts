// Loops whose steps were made smaller give the values and gradients that they gave before, and run fewer kernels.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { compile, grad, manualSeed, randn, tanh, zeros, type Compiled, type Tensor } from '../../../src/index.ts'
import * as S from '../../../src/symbolic/index.ts'
import { deviceNames, eachDevice } from '../../each-device.ts'

const names = ['scan-unused', 'scan-last', 'scan-invariant', 'scan-sum-after', 'scan-product-before']
const fired = (f: { explain(): { rewrites: readonly { name: string }[] } }): string[] => f.explain().rewrites.map(r => r.name).filter(n => n.startsWith('scan'))

async function expectNear(got: readonly Tensor[], want: readonly Tensor[], slack = 2e-5): Promise<void> {
  expect(got.map(String)).toEqual(want.map(String))
  for (const [i, w] of want.entries()) {
    const [a, b] = [[...(await got[i].data())], [...(await w.data())]]
    const scale = Math.max(1, ...b.map(Math.abs))
    a.forEach((x, k) => expect(Math.abs(x - b[k]), `result ${i} at ${k}: ${x}, want ${b[k]}`).toBeLessThanOrEqual(slack * scale))
  }
}

type Given = readonly [x: Tensor, h: Tensor, w: Tensor, u: Tensor, b: Tensor]
const given = (steps: number): Given => {
  manualSeed(steps)
  return [randn(steps, 4, 3), randn(4, 5), randn(3, 5), randn(5, 5).mul(0.4), randn(5)]
}
/** The loss of a recurrent net over the last state or all, and its gradients. */
const trained = (cell: (v: Tensor, h: Tensor, w: Tensor, u: Tensor, b: Tensor) => Tensor, last: boolean) => ([x, ...more]: Given): Tensor[] => {
  const leaves = more.map(p => p.detach().requiresGrad_())
  const [h, ...weights] = leaves
  const states = S.scan(cell, { sequences: x, outputsInfo: h, nonSequences: weights })
  const loss = (last ? states.at(-1) : states).square().mean()
  return [loss.detach(), ...grad(loss, leaves)]
}
const simple = (v: Tensor, h: Tensor, w: Tensor, u: Tensor, b: Tensor): Tensor => tanh(v.matmul(w).add(h.matmul(u)).add(b))
const gated = (v: Tensor, h: Tensor, w: Tensor, u: Tensor, b: Tensor): Tensor => {
  const z = v.matmul(w).add(h.matmul(u)).add(b).sigmoid()
  return z.mul(h).add(z.neg().add(1).mul(tanh(v.matmul(w.exp().mul(0.1)).add(h.mul(z).matmul(u)))))
}

eachDevice(() => {
  describe('recurrent nets', () => {
    for (const [name, cell] of Object.entries({ simple, gated }))
      for (const last of [true, false])
        test(`${name}, ${last ? 'the last state' : 'all states'}: products of the inputs and of the gradients are taken out of the loops`, async () => {
          const args = given(6)
          const work = trained(cell, last)
          const f = compile(work)
          const plain = compile(work, { exclude: names })
          const [a, b, c] = [f(args), plain(args), work(args)]
          await expectNear(b, c)
          await expectNear(a, c)
          expect(fired(f)).toEqual(expect.arrayContaining(['scan-sum-after', 'scan-product-before']))
          expect(fired(plain)).toEqual([])
          expect(f.info().kernels).toBeLessThan(plain.info().kernels * 0.8)
        })

    test('of a long loop of which the last value is read, nothing else is kept', () => {
      const steps = 200
      const run = (exclude: readonly string[]): Compiled<[Tensor], Tensor> => {
        const f = compile((x: Tensor) => S.scan((v, h) => h.mul(0.5).add(v), { sequences: x, outputsInfo: zeros(64) }).at(-1), { exclude })
        f(randn(steps, 64))
        return f
      }
      expect(run(['scan-last']).info().bytes - run([]).info().bytes).toBeGreaterThan(steps * 64 * 4 * 0.9)
    })

    test('the last k values', async () => {
      const x = randn(9, 3)
      const work = (v: Tensor): Tensor[] => {
        const s = S.scan((a, h) => h.mul(0.5).add(a), { sequences: v, outputsInfo: zeros(3) })
        return [s.narrow(0, 6, 3), s.select(0, 7).mul(2)]
      }
      const f = compile(work)
      await expectNear(f(x), work(x), 0)
      expect(fired(f)).toContain('scan-last')
    })

    test('equal loops are one', async () => {
      const x = randn(5, 3)
      const loop = (v: Tensor): Tensor => S.scan((a, h) => h.mul(0.5).add(a), { sequences: v, outputsInfo: zeros(3) })
      const work = (v: Tensor): Tensor => loop(v).mul(loop(v))
      const f = compile(work)
      const once = compile(loop)
      await expectNear([f(x)], [work(x)], 0)
      once(x)
      expect(f.info().kernels).toBeLessThanOrEqual(once.info().kernels + 1)
    })

    test('a map of products is one product, without a loop', async () => {
      const [x, w] = [randn(7, 2, 3), randn(3, 4)]
      const work = (v: Tensor, u: Tensor): Tensor => S.map((a, b) => a.matmul(b).relu(), v, u)
      const f = compile(work)
      await expectNear([f(x, w)], [work(x, w)], 1e-6)
      expect(f.info().kernels).toBeLessThanOrEqual(2)
    })

    test('random steps', async () => {
      const rounds = deviceNames.includes('webgpu') ? 12 : 40
      const unary = fc.constantFrom((t: Tensor) => t.tanh(), (t: Tensor) => t.mul(0.5), (t: Tensor) => t.sigmoid(), (t: Tensor) => t.neg().add(1))
      const term = fc.tuple(fc.constantFrom('x', 'h', 'w', 'xw', 'hu', 'b', 'rows', 'turned'), unary)
      await fc.assert(fc.asyncProperty(fc.array(term, { minLength: 1, maxLength: 5 }), fc.integer({ min: 2, max: 5 }), fc.constantFrom('all', 'last', 'sum'), fc.boolean(), async (terms, steps, read, goBackwards) => {
        const args = given(steps)
        const cell = (v: Tensor, h: Tensor, w: Tensor, u: Tensor, b: Tensor): Tensor =>
          terms.reduce((sum, [kind, f]) => sum.add(f(({
            x: () => v.sum(1, true), h: () => h, w: () => w.mean(0), xw: () => v.matmul(w), hu: () => h.matmul(u), b: () => b,
            rows: () => v.matmul(w).sum(0), turned: () => v.t().matmul(h.mul(0.1)).t().matmul(w).mean(0),
          })[kind as 'x']())), h.mul(0.25))
        const work = ([x, ...more]: Given): Tensor[] => {
          const leaves = [x, ...more].map(p => p.detach().requiresGrad_())
          const states = S.scan(cell, { sequences: leaves[0], outputsInfo: leaves[1], nonSequences: leaves.slice(2), goBackwards })
          const loss = (read === 'all' ? states : read === 'last' ? states.at(-1) : states.sum(0)).sin().sum()
          return [loss.detach(), ...grad(loss, leaves, { allowUnused: true }).filter(g => g !== null)]
        }
        const f = compile(work)
        const plain = compile(work, { exclude: names })
        await expectNear(f(args), plain(args), 1e-4)
        f.dispose()
        plain.dispose()
      }), { numRuns: rounds, seed: 5 })
    })
  })
})
