// The difference of two binaries, written by the build and applied in the page, gives the second one back.
import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { difference } from '../scripts/patch.mjs'
import { patched } from '../src/backend/wasm/patch.ts'

const binary = (name: string) => new Uint8Array(readFileSync(new URL(`../build/lampas.${name}.wasm`, import.meta.url)))

it('gives any target back from any base', () => {
  // Few letters, so that runs in common are frequent.
  const bytes = fc.uint8Array({ max: 3, maxLength: 300 })
  fc.assert(fc.property(bytes, bytes, bytes, (a, b, c) => {
    const base = Uint8Array.from([...a, ...b, ...c])
    const target = Uint8Array.from([...c, ...b, ...a])
    expect(patched(base, difference(base, target))).toEqual(target)
  }))
})

it('copies where it can', () => {
  const base = Uint8Array.from({ length: 1000 }, (_, i) => (i * i) % 251)
  const target = Uint8Array.from([...base.subarray(0, 400), 7, 7, 7, ...base.subarray(500), ...base.subarray(0, 50)])
  const patch = difference(base, target)
  expect(patched(base, patch)).toEqual(target)
  expect(patch.length).toBeLessThan(40)
})

it('is small for the two binaries', () => {
  const [simd, relaxed] = [binary('simd'), binary('relaxed')]
  const patch = difference(simd, relaxed)
  expect(patched(simd, patch)).toEqual(relaxed)
  expect(patch.length).toBeLessThan(relaxed.length / 10)
})
