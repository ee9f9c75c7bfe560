// No elementwise function is further from the exact value than docs/accuracy.md lets expect.
import { beforeAll, describe, expect, test } from 'vitest'
import { gpu } from '../devices.ts'
import { measure, open } from './measure.ts'
import { subjects } from './subjects.ts'

const COUNT = 6000

function suite(name: 'wasm' | 'webgpu'): void {
  beforeAll(async () => expect(await open(name, gpu ?? undefined)).toBe(true))
  test.each(subjects.map(s => [s.name, s] as const))('%s', async (_, s) => {
    const { worst, at, got, want } = await measure(s, name, COUNT)
    expect(worst, `${s.name}(${at.join(', ')}) is ${got}, want ${want}`).toBeLessThanOrEqual(s[name])
  })
}

describe('wasm', () => suite('wasm'))
if (gpu) describe('webgpu', () => suite('webgpu'))
