// The golden matrix as tests: one test an op for a device and a world, and one each for misuse and programs.
import { describe, expect, test, beforeAll } from 'vitest'
import { closeDevice, init, type DeviceName } from '../../src/index.ts'
import { gpu } from '../devices.ts'
import { goldenBytes } from '../golden-files.ts'
import { runGolden, type Result, type World } from './adapter.ts'
import { runErrors } from './errors.ts'
import { exceptionFor, exceptionsOf } from './exceptions.ts'
import type { ErrorManifest, Manifest } from './format.ts'
import { groups } from './groups.ts'
import { runPrograms, type ProgramManifest } from './programs.ts'

const json = async <T>(name: string): Promise<T> => JSON.parse(new TextDecoder().decode(await goldenBytes(name))) as T

const manifests = await Promise.all(groups.map(async group => {
  const manifest = await json<Manifest>(`${group}.json`)
  return { manifest, buffer: await goldenBytes(manifest.bin) }
}))
const ops = [...new Set(manifests.flatMap(({ manifest }) => Object.keys(manifest.ops)))].sort()
const [errors, programs] = [await json<ErrorManifest>('errors.json'), await json<ProgramManifest>('programs.json')]
const programBytes = await goldenBytes(programs.bin)

/** Failures that are no exceptions, and exceptions that are no failures. */
function judge(results: readonly Result[], device: DeviceName, world: World): void {
  const unknown = results.filter(r => !r.ok && exceptionFor(r, device, world) === null).map(r => `${r.id}: ${r.message}`)
  const listed = new Set(results.flatMap(r => exceptionsOf(r, device, world).flatMap(e => e.cases.filter(name => name === r.id || name === r.op))))
  const stale = [...listed].filter(name => results.every(r => r.ok || (r.id !== name && r.op !== name))).map(name => `${name} has no failing case, but is an exception`)
  expect([...unknown, ...stale]).toEqual([])
}

export function matrix(device: DeviceName, world: World, threads?: number): void {
  describe.skipIf(device === 'webgpu' && !gpu)(`${device}${threads ? `, threads: ${threads}` : ''}, ${world}`, () => {
    const options = { device, world }
    beforeAll(async () => {
      if (threads) closeDevice(device)
      const opened = await init({ device, threads, gpu: device === 'webgpu' ? (gpu ?? undefined) : undefined })
      if (opened.name !== device) throw new Error(`${device} could not be opened: ${opened.why}`)
    })
    for (const op of ops)
      test(op, async () => {
        const results: Result[] = []
        for (const { manifest, buffer } of manifests)
          if (Object.hasOwn(manifest.ops, op)) results.push(...(await runGolden(manifest, buffer, { ...options, filter: c => c.op === op })))
        expect(results).not.toHaveLength(0)
        judge(results, device, world)
      })
    test('misuse throws', async () => judge(await runErrors(errors, options), device, world))
    test('programs', async () => judge(await runPrograms(programs, programBytes, options), device, world))
  })
}
