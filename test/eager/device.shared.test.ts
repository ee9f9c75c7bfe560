// Devices: init never fails, says what it tried, and goes on after a device was closed or lost.
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { DeviceLostError, availableDevices, closeDevice, compile, device, init, manualSeed, memory, nn, ones, optim, rand, tensor, toDevice, type Tensor } from '../../src/index.ts'
import { gpu } from '../devices.ts'
import { inBrowser } from '../each-device.ts'

const names = ['wasm', 'webgpu', 'reference'] as const
beforeEach(() => {
  for (const name of names) closeDevice(name)
})
afterEach(() => {
  vi.restoreAllMocks()
  vi.unstubAllGlobals()
})

/** An entry to WebGPU that answers as told. */
const entry = (requestAdapter: () => Promise<GPUAdapter | null>) => ({ requestAdapter }) as unknown as GPU

describe('init', () => {
  test('is needed first', () => {
    expect(() => ones(2)).toThrow(/^\[lampas\] no device is open yet\. help: `await init\(\)` first/)
    expect(() => device()).toThrow(/no device is open yet/)
    expect(() => memory()).toThrow(/no device is open yet/)
  })

  test('opens the best device, makes it current, and gives the same one again', async () => {
    const first = await init({ threads: 1 })
    expect(first).toMatchObject({ name: 'wasm', threads: 1 })
    expect(first.detail).toMatch(/simd128.*1 thread/)
    const x = ones(2)
    const again = await init()
    expect(again.name).toBe('wasm')
    expect(await x.add(1).sum().item()).toBe(4)
    expect(device()).toMatchObject({ name: 'wasm' })
  })

  test('called twice at once opens one device', async () => {
    const [a, b] = await Promise.all([init({ device: 'wasm', threads: 1 }), init({ device: 'wasm', threads: 1 })])
    expect(a.lost).toBe(b.lost)
  })

  test('refuses a name that is none, and a number of threads that is none', async () => {
    await expect(init({ device: 'gpu' as never })).rejects.toThrow(/^\[init\] 'gpu' is not a device\. help: devices: wasm, webgpu, reference/)
    expect(await init({ device: 'wasm', threads: 0 })).toMatchObject({ name: 'reference', why: expect.stringMatching(/wasm: threads is 0/) as string })
  })

  test('without a graphics adapter: wasm, and why', async () => {
    expect(await init({ device: 'webgpu', gpu: entry(async () => null), threads: 1 })).toMatchObject({ name: 'wasm', why: expect.stringMatching(/webgpu: there is WebGPU but no graphics adapter/) as string })
    const failing = await init({ device: 'webgpu', gpu: entry(() => Promise.reject(new Error('blocked by policy'))), threads: 1 })
    expect(failing).toMatchObject({ name: 'wasm', why: expect.stringMatching(/webgpu: .*blocked by policy/) as string })
  })

  test.skipIf(!gpu)('with an adapter of software: wasm, and why; webgpu where it was asked for (skipped without an adapter)', async () => {
    const isSoftware = (await gpu!.requestAdapter())!.info.isFallbackAdapter
    const best = isSoftware ? { name: 'wasm', why: expect.stringMatching(/^webgpu: the adapter is a software one, on which wasm is many times faster/) as string } : { name: 'webgpu', why: '' }
    expect(await init({ gpu: gpu!, threads: 1 })).toMatchObject(best)
    expect(await init({ gpu: gpu!, device: 'webgpu' })).toMatchObject({ name: 'webgpu', why: '' })
  })

  test('without WebGPU: wasm, and why', async () => {
    vi.stubGlobal('navigator', { hardwareConcurrency: 2 })
    expect(await init({ device: 'webgpu', threads: 1 })).toMatchObject({ name: 'wasm', why: expect.stringMatching(/webgpu: navigator\.gpu is missing/) as string })
  })

  test('without SIMD: the reference, and why', async () => {
    vi.spyOn(WebAssembly, 'validate').mockReturnValue(false)
    expect(await init({ device: 'wasm' })).toMatchObject({ name: 'reference', why: expect.stringMatching(/wasm: this engine has no WebAssembly SIMD/) as string })
    expect(await ones(3).sum().item()).toBe(3)
  })

  test('without WebAssembly at all', async () => {
    vi.stubGlobal('WebAssembly', undefined)
    expect(await init({ device: 'wasm' })).toMatchObject({ name: 'reference', why: expect.stringMatching(/wasm: /) as string })
  })

  test('under a policy that forbids compiling', async () => {
    vi.spyOn(WebAssembly, 'compile').mockRejectedValue(new Error('blocked by Content Security Policy'))
    expect(await init({ device: 'wasm', threads: 1 })).toMatchObject({ name: 'reference', why: expect.stringMatching(/wasm: WebAssembly does not compile here.*Content Security Policy/) as string })
  })

  if (inBrowser) test('on a page that is not isolated: one thread, and why', async () => {
    vi.stubGlobal('crossOriginIsolated', false)
    expect(await init({ device: 'wasm', threads: 2 })).toMatchObject({ name: 'wasm', threads: 1, why: expect.stringMatching(/one thread: the page is not cross-origin isolated.*Cross-Origin-Opener-Policy/) as string })
  })

  test('with other threads opens the device anew; tensors of the former one say so', async () => {
    await init({ device: 'wasm', threads: 1 })
    const x = ones(2)
    expect(await init({ device: 'wasm', threads: 2 })).toMatchObject({ threads: 2 })
    expect(() => x.add(ones(2))).toThrow(/\[add\] .*opened before/)
    expect(await ones(2).sum().item()).toBe(2)
  })
})

describe('availableDevices', () => {
  test('says what can be opened and why not', async () => {
    const all = await availableDevices({ threads: 1, gpu: entry(async () => null) })
    expect(all).toEqual([
      { name: 'wasm', available: true, why: '' },
      { name: 'webgpu', available: false, why: expect.stringMatching(/no graphics adapter/) as string },
    ])
  })
})

describe('device', () => {
  test('chooses where new tensors are made', async () => {
    await init({ device: 'reference' })
    await init({ device: 'wasm', threads: 1 })
    expect([ones(1).device, device('reference').name, ones(1).device]).toEqual(['wasm', 'reference', 'reference'])
    expect(ones(2, { device: 'wasm' }).device).toBe('wasm')
  })

  test('toDevice copies values, and keeps the wish for a gradient', async () => {
    await init({ device: 'reference' })
    await init({ device: 'wasm', threads: 1 })
    const x = tensor([[1, 2], [3, 4]], { requiresGrad: true })
    const y = await toDevice(x.t(), 'reference')
    expect([y.device, await y.toArray()]).toEqual(['reference', [[1, 3], [2, 4]]])
    expect((await toDevice(x, 'reference')).requiresGrad).toBe(true)
    expect(await toDevice(x, 'wasm')).toBe(x)
    const model = new nn.Linear(2, 2)
    await model.toDevice('reference')
    expect(model.parameters().map(p => p.device)).toEqual(['reference', 'reference'])
  })
})

describe('closeDevice', () => {
  test('ends a device; its tensors say so; the next open one is current', async () => {
    await init({ device: 'reference' })
    await init({ device: 'wasm', threads: 1 })
    const x = ones(2)
    const step = compile((t: Tensor) => t.add(1))
    step(x)
    closeDevice('wasm')
    expect(device().name).toBe('reference')
    expect(() => x.add(1)).toThrow(/the wasm device was disposed of\. help: open it again/)
    expect(() => x.add(ones(2))).toThrow(/operands are on different devices: f32\[2\] on wasm, f32\[2\] on reference/)
    await expect(x.data()).rejects.toThrow(/the wasm device was disposed of/)
    expect(() => x.dispose()).not.toThrow()
    expect(() => step.dispose()).not.toThrow()
    expect(() => closeDevice('wasm')).not.toThrow()
    expect(await ones(2).sum().item()).toBe(2)
  })

  test('and init opens a fresh one, with its own random stream', async () => {
    await init({ device: 'wasm', threads: 1 })
    manualSeed(4)
    const first = Array.from(await rand(3).data())
    closeDevice('wasm')
    await init({ device: 'wasm', threads: 1 })
    manualSeed(4)
    expect(Array.from(await rand(3).data())).toEqual(first)
    expect(memory().tensors).toBeLessThan(5)
  })
})

if (gpu) describe('a lost device', () => {
  /** WebGPU, and the device that it gave. */
  async function openWatched(): Promise<{ lost: Promise<string>; destroy: () => void }> {
    const devices: GPUDevice[] = []
    const watched = entry(async () => {
      const adapter = await gpu!.requestAdapter()
      const request = adapter!.requestDevice.bind(adapter)
      adapter!.requestDevice = async descriptor => {
        const made = await request(descriptor)
        devices.push(made)
        return made
      }
      return adapter
    })
    const opened = await init({ device: 'webgpu', gpu: watched })
    expect(opened.name).toBe('webgpu')
    return { lost: opened.lost, destroy: () => devices[0].destroy() }
  }

  test('is told; everything on it throws DeviceLostError; init opens a fresh one', async () => {
    const { lost, destroy } = await openWatched()
    const x = ones(4)
    const w = ones(4, { requiresGrad: true })
    const optimizer = new optim.Adam([w], { lr: 0.1 })
    const step = compile((t: Tensor) => {
      optimizer.zeroGrad()
      const loss = w.mul(t).sum()
      loss.backward()
      optimizer.step()
      return loss
    })
    expect(await step(x).item()).toBe(4)
    const waiting = x.add(1).data().catch((e: unknown) => e)
    destroy()
    expect(await lost).not.toBe('')
    expect(await waiting).toBeInstanceOf(DeviceLostError)
    for (const use of [() => x.add(1), () => ones(2), () => step(x), () => w.sum().backward()]) expect(use).toThrow(DeviceLostError)
    await expect(x.data()).rejects.toThrow(DeviceLostError)
    expect(() => x.dispose()).not.toThrow()
    expect(() => step.dispose()).not.toThrow()

    const fresh = await init({ device: 'webgpu', gpu: gpu! })
    expect(fresh.name).toBe('webgpu')
    expect(await ones(4).add(1).sum().item()).toBe(8)
    expect(await rand(3).data()).toHaveLength(3)
    expect(() => w.add(ones(4))).toThrow(/\[add\] f32\[4\] is on a webgpu device that was opened before or lost/)
    const again = compile((t: Tensor) => t.mul(2).sum())
    expect(await again(ones(3)).item()).toBe(6)
  })
})
