// The golden runner as the command line loads it.
import { init, type DeviceName } from '../../src/index.ts'

export { coverage } from './coverage.ts'
export { exceptionFor } from './exceptions.ts'
export { groups } from './groups.ts'
export { runErrors } from './errors.ts'
export { runPrograms } from './programs.ts'
export { runGolden } from './adapter.ts'

/** Opens a device; WebGPU in Node is Dawn. */
export async function open(device: DeviceName, threads: number): Promise<void> {
  const gpu = device === 'webgpu' ? ((await import('../devices.ts')).gpu ?? undefined) : undefined
  const opened = await init({ device, gpu, threads: device === 'wasm' ? threads : undefined })
  if (opened.name !== device) throw new Error(`${device} could not be opened: ${opened.why}`)
}
