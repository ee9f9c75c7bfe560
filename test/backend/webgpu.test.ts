// The webgpu backend in Node, through Dawn, with the shaders for software adapters. The browser runs the same suite.
import { describe } from 'vitest'
import { openDawn } from '../dawn.ts'
import { conformance } from './conformance.ts'

const probe = await openDawn()
probe?.dispose()

describe.skipIf(!probe)('webgpu through Dawn (skipped where no Vulkan driver is installed)', () => {
  conformance(async () => (await openDawn({ family: 'register' }))!)
})
