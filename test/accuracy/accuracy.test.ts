// No elementwise function is further from the exact value than docs/accuracy.md lets expect.
import { beforeAll, describe, expect, test } from 'vitest'
import { gpu } from '../devices.ts'
import { builds, deviceOf, measure, open, type Build } from './measure.ts'
import { subjects } from './subjects.ts'

const COUNT = 6000

function suite(build: Build): void {
  const name = deviceOf(build)
  beforeAll(() => open(build, gpu ?? undefined))
  test.each(subjects.map(s => [s.name, s] as const))('%s', async (_, s) => {
    const { worst, at, got, want } = await measure(s, name, COUNT)
    expect(worst, `${s.name}(${at.join(', ')}) is ${got}, want ${want}`).toBeLessThanOrEqual(s[name])
  })
}

for (const build of builds) if (build !== 'webgpu' || gpu) describe(build, () => suite(build))
