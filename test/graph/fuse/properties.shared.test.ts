// Fused programs compute what the same kernels do one by one, gradients and changed memory included.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { compile, tensor, type Tensor } from '../../../src/index.ts'
import { eachDevice, inBrowser } from '../../each-device.ts'
import { formulas, kept, mixed, run, type Step } from './programs.ts'

const numbers = fc.array(fc.constantFrom(0.5, -1.5, 2, -0.25, 3, 1, 0, -1, 0.1, -0.7, 1.3, 0.9), { minLength: 12, maxLength: 12 })
const matrix = (values: readonly number[]): Tensor => tensor(values).reshape(3, 4)
const runs = inBrowser ? 15 : 40

interface Outcome {
  readonly values: number[][]
  readonly text: string
  readonly rules: readonly string[]
}

/** What two calls give, and what they leave in memory. */
async function outcome(steps: readonly Step[], keep: number, given: readonly number[][], exclude: string[]): Promise<Outcome> {
  const state = [matrix(given[2]), matrix(given[0])]
  const step = compile((a: Tensor, b: Tensor) => run(steps, keep, a, b, state), { exclude })
  const values: number[][] = []
  for (const order of [[0, 1], [1, 2]]) {
    const [a, b] = order.map(i => matrix(given[i]).requiresGrad_())
    for (const y of [...step(a, b), ...state]) values.push([...(await y.data())])
  }
  const explained = step.explain()
  step.dispose()
  return { values, text: String(explained), rules: explained.rewrites.filter(r => r.phase === 'fuse').map(r => r.name) }
}

eachDevice(name => {
  /** The reference rounds nothing; elsewhere a sum may be added in another order, and a shader may contract a product and a sum. */
  const near = (x: number, y: number): boolean => Object.is(x, y) || x === y || (name !== 'reference' && Math.abs(x - y) <= 2e-4 * Math.max(1, Math.abs(x), Math.abs(y)))

  const check = async (programs: fc.Arbitrary<Step[]>, seed: number): Promise<Set<string>> => {
    const seen = new Set<string>()
    await fc.assert(
      fc.asyncProperty(programs, kept, fc.tuple(numbers, numbers, numbers), async (steps, keep, given) => {
        const fused = await outcome(steps, keep, given, [])
        const plain = await outcome(steps, keep, given, ['fusion'])
        for (const [i, want] of plain.values.entries()) {
          const got = fused.values[i]
          expect(got.every((x, k) => near(x, want[k])), `value ${i}: ${got}, want ${want}\n${steps.map(s => s.text).join('\n')}\n${fused.text}`).toBe(true)
        }
        for (const r of fused.rules) seen.add(r)
      }),
      { numRuns: runs, seed },
    )
    return seen
  }

  test('formulas and their gradients', { timeout: 180_000 }, async () => {
    const seen = await check(formulas, 7)
    // The programs would prove nothing if nothing fired on them.
    if (name === 'reference') expect([...seen].sort()).toEqual(['batch', 'epilogue', 'map-into-map', 'map-into-rows', 'recompute', 'rows-into-map', 'rows-into-rows', 'sibling-reductions'])
  })
  test('memory that is changed in between', { timeout: 180_000 }, async () => {
    expect((await check(mixed, 8)).size).toBeGreaterThan(0)
  })
})
