// Runs the same tests on every device of the place: the reference and wasm in Node, wasm and WebGPU in the page.
import { beforeAll, beforeEach, describe } from 'vitest'
import { device, init, type DeviceName } from '../src/eager/device.ts'
import '../src/backend/float64.ts'
import '../src/eager/start.ts'

export const inBrowser = typeof document === 'object'
export const deviceNames: readonly DeviceName[] = inBrowser ? ['wasm', 'webgpu'] : ['reference', 'wasm']

export function eachDevice(suite: (name: DeviceName) => void, names: readonly DeviceName[] = deviceNames): void {
  for (const name of names)
    describe(name, () => {
      beforeAll(async () => {
        const opened = await init({ device: name })
        if (opened.name !== name) throw new Error(`${name} could not be opened: ${opened.why}`)
      })
      beforeEach(() => {
        device(name)
      })
      suite(name)
    })
}
