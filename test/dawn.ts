// WebGPU in Node: Dawn from the package `webgpu`, on a Vulkan driver of the system or, where Chromium is installed, on its software one.
import { existsSync } from 'node:fs'
import { openWebGPU, type WebGPUBackend, type WebGPUOptions } from '../src/backend/webgpu/index.ts'

const SOFTWARE = '/usr/lib/chromium/vk_swiftshader_icd.json'

/** Kept for the life of the process: a GPU that is collected takes its devices with it. */
let gpu: GPU | null = null

/** The device, or null where there is no driver. */
export async function openDawn(options: Omit<WebGPUOptions, 'gpu'> = {}): Promise<WebGPUBackend | null> {
  if (!gpu) {
    if (!process.env.VK_DRIVER_FILES && !process.env.VK_ICD_FILENAMES && existsSync(SOFTWARE)) process.env.VK_DRIVER_FILES = SOFTWARE
    const { create, globals } = await import('webgpu')
    Object.assign(globalThis, globals)
    gpu = create([])
  }
  if (!(await gpu.requestAdapter())) return null
  return openWebGPU({ ...options, gpu })
}
