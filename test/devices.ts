// The devices that tests run on: every build of the wasm backend, and WebGPU: the page's, in Node through Dawn where there is a Vulkan
// driver. What is tested in both places is tested on WebGPU in the page alone: Node has the same adapter.
import type { Backend } from '../src/backend/backend.ts'
import '../src/backend/float64.ts'
import { openWasm } from '../src/backend/wasm/index.ts'
import { openWebGPU } from '../src/backend/webgpu/index.ts'
import { inBrowser } from './each-device.ts'

/** Software drivers that come with Chromium, for machines without a graphics card. */
const drivers = ['/usr/lib/chromium/vk_swiftshader_icd.json', '/usr/lib/chromium-browser/vk_swiftshader_icd.json']

/** The name is not a literal, so that the browser's bundler does not follow it. */
const dawn = 'webgpu'

async function inNode(): Promise<GPU | null> {
  const { existsSync } = process.getBuiltinModule('node:fs')
  process.env.VK_DRIVER_FILES ??= drivers.find(path => existsSync(path))
  const { create, globals } = (await import(/* @vite-ignore */ dawn)) as typeof import('webgpu')
  Object.assign(globalThis, globals)
  const gpu = create([])
  return (await gpu.requestAdapter()) ? gpu : null
}

/** The entry to WebGPU: always there in the page; in Node null where there is no driver. */
export const gpu: GPU | null = inBrowser ? navigator.gpu : await inNode()

/** The same for tests of both places: null in Node. */
export const gpuOfPage: GPU | null = inBrowser ? gpu : null

export interface TestDevice {
  readonly name: string
  readonly open: () => Promise<Backend>
}

export const backends: readonly TestDevice[] = [
  { name: 'wasm, one thread', open: () => openWasm({ threads: 1, relaxed: false }) },
  { name: 'wasm, two threads', open: () => openWasm({ threads: 2, relaxed: false }) },
  { name: 'wasm, two threads, relaxed', open: () => openWasm({ threads: 2, relaxed: true }) },
  ...(gpuOfPage ? [{ name: 'webgpu', open: () => openWebGPU({ gpu: gpuOfPage }) }] : []),
]
