// Attention on wasm gives the same bits whether threads share the batch, the panels of one item, or nothing.
import { expect, test } from 'vitest'
import { openWasm } from '../../src/backend/wasm/index.ts'
import { attentions } from './cases/attention.ts'
import { execute } from './run.ts'

test.each([false, true])('one thread and two give the same bits (relaxed: %s)', async relaxed => {
  const [one, two] = await Promise.all([1, 2].map(threads => openWasm({ threads, relaxed })))
  for (const c of attentions) expect(await execute(two, c.build()), c.name).toEqual(await execute(one, c.build()))
  one.dispose()
  two.dispose()
})
