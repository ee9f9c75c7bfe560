// Each rewrite fires where it should and only there, and what it leaves has the same values and gradients; and the user's line survives.
import { describe, expect, test } from 'vitest'
import { compile, grad, rewrites, type Compiled, type Tensor } from '../../../src/index.ts'
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
})
