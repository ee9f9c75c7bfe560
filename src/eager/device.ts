// Devices: which exist, which is current, and why.
import type { Backend, BackendName, DeviceInfo } from '../backend/backend.ts'
import { createMeta } from '../backend/meta.ts'
import { fetchBinary } from '../backend/wasm/binary.ts'
import { LampasError, fail } from '../core/errors.ts'
import { needKnown } from '../core/options.ts'
import { closed } from './pressure.ts'

export type DeviceName = BackendName
export type Device = DeviceInfo & {
  /** Resolves with the reason when the device is lost. Tensors on it are gone; `await init({device})` opens a fresh one. */
  readonly lost: Promise<string>
}

/** WebGPU's own type where the compiler knows it, so that those who do not use it need not install its declarations. */
type GPUEntry = typeof globalThis extends { GPU: { prototype: infer T } } ? T : object

export interface InitOptions {
  /** The device to use; default: a real GPU for WebGPU when there is one, else wasm. On 'meta' there are shapes and dtypes, but no values. */
  device?: DeviceName
  /** Threads of the wasm device, this one included. Default: one a core, at most 8, where the page is cross-origin isolated. */
  threads?: number
  /** Whether wasm may use relaxed SIMD (fused multiply-add). Default: where the engine has it. */
  relaxedSimd?: boolean
  /** The WebGPU entry point, for hosts without `navigator.gpu` (Dawn for Node). */
  gpu?: GPUEntry
  /**
   * Whether `warm` of a compiled function measures, on webgpu, which tiles compute its products fastest. The answers are kept for this adapter: in
   * IndexedDB for later visits where there is one. Another tile may round the last bits differently. Default: false.
   */
  tune?: boolean
}

/** A page fetches the code of the devices that it opens, of wasm the binary at the same time. */
const openers: { readonly [N in DeviceName]: (o: InitOptions) => Promise<Backend> } = {
  wasm: async ({ threads, relaxedSimd: relaxed }) => {
    const coming = fetchBinary(relaxed)
    return (await import('../backend/wasm/index.ts')).openWasm({ threads, relaxed }, coming)
  },
  webgpu: async ({ gpu, tune }) => (await import('../backend/webgpu/index.ts')).openWebGPU({ gpu, tune }),
  reference: async () => (await import('../backend/reference/index.ts')).openReference(),
  meta: async () => createMeta(),
}
const names = Object.keys(openers)
const open = new Map<string, Backend>()
let current: Backend | null = null

export function currentBackend(): Backend {
  return current ?? fail('lampas', 'no device is open yet', '`await init()` first')
}

export function backendNamed(name: string): Backend {
  if (name === 'meta' && !open.has(name)) open.set(name, createMeta())
  return open.get(name) ?? fail('device', `'${name}' is not open`, `await init({device: '${name}'}) first; open now: ${[...open.keys()].join(', ') || 'none'}`)
}

/** All that are open. */
export const openBackends = (): Backend[] => [...open.values()]

/** Runs `body` with another device as the current one. */
export function onDevice<T>(name: string, body: () => T): T {
  const before = current
  current = backendNamed(name)
  try {
    return body()
  } finally {
    current = before
  }
}

const described = (b: Backend, why = b.info.why): Device => ({ ...b.info, why, lost: b.lost })

/** The last call for each device, so that two at once do not open it twice. */
const opening = new Map<string, Promise<unknown>>()

function openBackend(name: DeviceName, o: InitOptions): Promise<Backend> {
  const before = opening.get(name) ?? Promise.resolve()
  const mine = before.then(() => openNow(name, o), () => openNow(name, o))
  opening.set(name, mine)
  return mine
}

async function openNow(name: DeviceName, o: InitOptions): Promise<Backend> {
  const before = open.get(name)
  const same = before && (o.threads === undefined || o.threads === before.info.threads) && o.relaxedSimd === undefined && (name !== 'webgpu' || o.tune === undefined)
  if (before && same) return before
  const backend = await openers[name](o)
  open.set(name, backend)
  void backend.lost.then(() => {
    closed.add(backend)
    if (open.get(name) === backend) open.delete(name)
  })
  return backend
}

const reason = (error: unknown): string => (error instanceof LampasError ? error.problem : error instanceof Error ? error.message : String(error))

/**
 * Opens a device and makes it current. Never fails but for a name that is none: when the device asked for (or the best one) cannot be had, the next best is opened, and
 * `why` of the result says what was tried.
 *
 * @example
 * const device = await init({ device: 'webgpu' })
 * console.log(device.name, device.why)
 */
export async function init(options: InitOptions = {}): Promise<Device> {
  needKnown('init', options, ['device', 'threads', 'relaxedSimd', 'gpu', 'tune'])
  if (options.device && !names.includes(options.device)) fail('init', `'${String(options.device)}' is not a device`, `devices: ${names.join(', ')}`)
  const wanted: DeviceName[] = options.device ? [options.device, 'wasm', 'reference'] : ['webgpu', 'wasm', 'reference']
  const tried: string[] = []
  for (const name of new Set(wanted)) {
    try {
      const backend = await openBackend(name, options)
      if (name === 'webgpu' && options.device === undefined && 'isFallback' in backend && backend.isFallback) {
        tried.push('webgpu: the adapter is a software one, on which wasm is many times faster')
        continue
      }
      current = backend
      return described(backend, [...tried, backend.info.why].filter(Boolean).join('; '))
    } catch (error) {
      tried.push(`${name}: ${reason(error)}`)
    }
  }
  return fail('init', `no device could be opened (${tried.join('; ')})`)
}

/**
 * The current device; with a name, makes that one current (it must have been opened by `init`, but for 'meta').
 * @example device('wasm').name // → wasm
 */
export function device(name?: DeviceName): Device {
  if (name !== undefined) current = backendNamed(name)
  return described(currentBackend())
}

export interface Availability {
  readonly name: DeviceName
  readonly available: boolean
  /** Why not, or what to know about it. */
  readonly why: string
}

/**
 * Which devices this page or process can open. Opens those that can.
 * @example (await availableDevices()).map(d => d.name) // → [ 'wasm', 'webgpu' ]
 */
export async function availableDevices(options: InitOptions = {}): Promise<Availability[]> {
  const out: Availability[] = []
  for (const name of ['wasm', 'webgpu'] as const) {
    try {
      out.push({ name, available: true, why: (await openBackend(name, options)).info.why })
    } catch (error) {
      out.push({ name, available: false, why: reason(error) })
    }
  }
  return out
}

/**
 * Ends a device: its threads and memory go back to the system. Its tensors cannot be used afterwards.
 * @example closeDevice('reference')
 */
export function closeDevice(name: DeviceName): void {
  const backend = open.get(name)
  if (!backend) return
  open.delete(name)
  if (current === backend) current = open.values().next().value ?? null
  closed.add(backend)
  backend.dispose()
}
