// docs/coverage.md is what the golden cases, their exceptions and the library say today.
import { expect, test } from 'vitest'
import { goldenBytes } from '../golden-files.ts'
import { coverage, type Group } from './coverage.ts'
import type { Manifest } from './format.ts'
import { groups } from './groups.ts'

const text = async (path: string): Promise<string> => new TextDecoder().decode(await goldenBytes(path))

test('docs/coverage.md is up to date: node scripts/golden.mjs --coverage', async () => {
  const loaded = await Promise.all(groups.map(async (name): Promise<Group> => {
    const manifest = JSON.parse(await text(`${name}.json`)) as Manifest
    return { manifest, buffer: await goldenBytes(manifest.bin) }
  }))
  expect(await text('../../docs/coverage.md')).toBe(await coverage(loaded))
})
