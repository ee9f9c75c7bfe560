// Each rewrite fires where it should and only there, and what it leaves has the same values and gradients; and the user's line survives.
import { describe, expect, test } from 'vitest'
import { compile, full, grad, rewrites, tensor, type Compiled, type Tensor } from '../../../src/index.ts'
import { eachDevice } from '../../each-device.ts'
import { rows, values, type Inputs } from './rewrites.ts'

/** The value, and the gradients of its weighted sum. */
function derived(f: (v: Inputs) => Tensor, v: Inputs): Tensor[] {
  const y = f(v)
  if (!y.requiresGrad) return [y]
  const weights = y.detach().sin().add(1.5)
  return [y, ...grad(y.mul(weights).sum(), [v.x, v.p], { allowUnused: true }).filter(g => g !== null)]
}

type Step = Compiled<[Inputs], Tensor[]>
const firedIn = (step: Step): string[] => step.explain().rewrites.map(r => r.name)

async function expectSame(step: Step, f: (v: Inputs) => Tensor): Promise<void> {
  const want = derived(f, values())
  const got = step(values())
  expect(got.map(String)).toEqual(want.map(String))
  const slack = step.explain().rounds ? 1e-6 : 0
  for (const [i, w] of want.entries()) {
    const [a, b] = [[...(await got[i].data())], [...(await w.data())]]
    const scale = Math.max(1, ...b.map(Math.abs).filter(Number.isFinite))
    a.forEach((g, k) => expect(Object.is(g, b[k]) || g === b[k] || Math.abs(g - b[k]) <= slack * scale, `result ${i} at ${k}: ${g}, want ${b[k]}\n${step.explain()}`).toBe(true))
  }
}

eachDevice(() => {
  describe('every rewrite', () => {
    // Rules of fusion have tests of their own, in test/graph/fuse, and budgets in test/graph/memory.shared.test.ts.
    for (const { name, optional } of rewrites().filter(r => r.phase !== 'fuse' && r.phase !== 'plan'))
      test(name, async () => {
        const row = rows[name]
        expect(row, `no rows for ${name}`).toBeDefined()
        const include = optional ? [name] : []
        const step = compile((v: Inputs) => derived(row.fires, v), { include })
        await expectSame(step, row.fires)
        expect(firedIn(step), String(step.explain())).toContain(name)
        if (name !== 'merge') expect(step.explain().rewrites.find(r => r.name === name)!.where.join()).toContain('rewrites')

        const without = compile((v: Inputs) => derived(row.fires, v), optional ? {} : { exclude: [name] })
        await expectSame(without, row.fires)
        expect(firedIn(without)).not.toContain(name)

        const other = compile((v: Inputs) => row.not(v), { include })
        await expectSame(compile((v: Inputs) => derived(row.not, v), { include }), row.not)
        other(values())
        expect(other.explain().rewrites.map(r => r.name), String(other.explain())).not.toContain(name)
      })
  })

  test('what was written is read through any view of the same part, and only that', async () => {
    const wrote = (read: (y: Tensor) => Tensor) => compile((x: Tensor) => {
      const y = x.mul(1.5)
      y.at(0).copy_(x.at(1))
      y.at('1:', '::2').copy_(x.at('1:', '2:'))
      return read(y).mul(2)
    })
    const x = values().x.detach()
    const [same, other] = [wrote(y => y.at('1:', '::2')), wrote(y => y.at('1:', '1::2'))]
    expect(await same(x).toArray()).toEqual(await x.at('1:', '2:').mul(2).toArray())
    expect(await other(x).toArray()).toEqual(await x.mul(1.5).at('1:', '1::2').mul(2).toArray())
    const writes = (f: typeof same): number => f.graph().nodes.filter(n => n.op === 'writeStrided').length
    expect([writes(same), writes(other)]).toEqual([0, 2])
  })

  test('views of numbers are numbers', async () => {
    const step = compile((x: Tensor) => full([3, 4], 3).at('1:', 2).add(full([4], 2).flip(0).at('1:3')).mul(x))
    expect(await step(tensor([1, 2])).toArray()).toEqual([5, 10])
    expect(step.graph().nodes.map(n => n.op)).toEqual(['mul'])
  })
})
