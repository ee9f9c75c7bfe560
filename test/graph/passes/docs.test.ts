// docs/compiler.md lists every rewrite as `rewrites()` tells it.
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { rewrites } from '../../../src/index.ts'
import { tableOf } from './table.ts'

test('the page lists every rewrite', () => {
  const page = readFileSync(new URL('../../../docs/compiler.md', import.meta.url), 'utf8')
  for (const phase of new Set(rewrites().map(r => r.phase))) expect(page, `### ${phase}\n\n${tableOf(phase)}`).toContain(tableOf(phase))
})
