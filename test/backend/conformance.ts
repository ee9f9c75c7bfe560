// The conformance suite: every backend must give what the reference gives, for every kernel kind, and keep the promises of the
// Backend interface. It runs in Node and in the browser, so it imports nothing of either.
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Backend } from '../../src/backend/backend.ts'
import { createReference } from '../../src/backend/reference/index.ts'
import type { Case } from './data.ts'
import { behaviour } from './behaviour.ts'
import { attentions } from './cases/attention.ts'
import { factors } from './cases/factor.ts'
import { indexing } from './cases/indexing.ts'
import { batches } from './cases/batch.ts'
import { maps } from './cases/map.ts'
import { narrows } from './cases/narrow.ts'
import { pointwise } from './cases/pointwise.ts'
import { products } from './cases/products.ts'
import { randomCases } from './cases/random.ts'
import { reductions } from './cases/reduce.ts'
import { execute, mismatch, type Result } from './run.ts'

export const cases: readonly Case[] = [...pointwise, ...maps, ...batches, ...narrows, ...reductions, ...products, ...indexing, ...factors, ...attentions, ...randomCases('random', 6)]

/** What the reference gives; computed once, as several backends may ask. */
const expected = new Map<Case, Promise<Result[]>>()

async function expectedOf(c: Case): Promise<Result[]> {
  const known = expected.get(c)
  if (known) return known
  const reference = createReference()
  const results = execute(reference, c.build())
  expected.set(c, results)
  void results.finally(() => reference.dispose())
  return results
}

/** Registers one test for each case and each promise; call it inside a `describe`. */
export function conformance(open: () => Promise<Backend>): void {
  let backend: Backend
  beforeAll(async () => {
    backend = await open()
  })
  afterAll(() => backend.dispose())

  for (const c of cases)
    test(c.name, async () => {
      const steps = c.build()
      const want = await expectedOf(c)
      const got = await execute(backend, steps)
      const faults = got.flatMap((result, i) => mismatch(result, want[i], c.tolerance).map(text => `launch ${i}, ${result.name}: ${text}`))
      expect(faults, faults.join('\n')).toEqual([])
    })

  behaviour(() => backend)
}
