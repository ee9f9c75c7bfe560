// docs/coverage.md is what the golden cases, their exceptions and the library say today.
import { describe, expect, test } from 'vitest'
import { init } from '../../src/index.ts'
import { gpu } from '../devices.ts'
import { goldenBytes } from '../golden-files.ts'
import { coverage, type Group } from './coverage.ts'
import type { Manifest } from './format.ts'
import { groups } from './groups.ts'

const text = async (path: string): Promise<string> => new TextDecoder().decode(await goldenBytes(path))

const loaded = await Promise.all(groups.map(async (name): Promise<Group> => {
  const manifest = JSON.parse(await text(`${name}.json`)) as Manifest
  return { manifest, buffer: await goldenBytes(manifest.bin) }
}))
const page = await text('../../docs/coverage.md')

describe('docs/coverage.md is up to date: node scripts/golden.mjs --coverage', () => {
  test('on the reference', async () => expect(page).toBe(await coverage(loaded, 'reference')))
  test('on wasm', async () => expect(page).toBe(await coverage(loaded, 'wasm')))
  test.skipIf(!gpu)('on webgpu, which has no float64', async () => {
    await init({ device: 'webgpu', gpu: gpu! })
    expect(page.replaceAll(/(\| f32) f64\b/g, '$1')).toBe(await coverage(loaded, 'webgpu'))
  }, 240_000)
})
