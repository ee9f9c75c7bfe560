// What is particular to the webgpu backend: shaders shared between sizes, exactness of the mathematics, and errors, which WebGPU
// reports late and aside.
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { contiguousView } from '../../src/core/view.ts'
import { DeviceLostError, LampasError } from '../../src/core/errors.ts'
import { evaluate } from '../../src/backend/reference/index.ts'
import { openWebGPU, type WebGPUBackend, type WebGPUOptions } from '../../src/backend/webgpu/index.ts'
import type { Kernel } from '../../src/ir/kernel.ts'
import { program, S, type Intrinsic, type Scalar } from '../../src/ir/scalar.ts'
import { gpu } from '../devices.ts'
import { Random } from './data.ts'
import { download, upload } from './run.ts'

const f32 = (shape: readonly number[]) => contiguousView('float32', shape)
const x = S.input(0, 'float32')

const mapOf = (n: number, value: Scalar, inputs = 1): Kernel => ({
  kind: 'map', program: program([value], Array.from({ length: inputs }, () => 'float32' as const)), params: [],
  inputs: Array.from({ length: inputs }, () => f32([n])), outputs: [f32([n])],
})

/** Opens a backend whose device the test can reach. */
async function openWatched(entry: GPU, options: WebGPUOptions = {}): Promise<{ backend: WebGPUBackend; device: GPUDevice }> {
  const devices: GPUDevice[] = []
  const backend = await openWebGPU({
    ...options,
    gpu: {
      requestAdapter: async options => {
        const adapter = await entry.requestAdapter(options)
        if (!adapter) return null
        const request = adapter.requestDevice.bind(adapter)
        adapter.requestDevice = async descriptor => {
          const device = await request(descriptor)
          devices.push(device)
          return device
        }
        return adapter
      },
    },
  })
  return { backend, device: devices[0] }
}

test('without an adapter opening fails with the reason', async () => {
  await expect(openWebGPU({ gpu: { requestAdapter: async () => null } })).rejects.toThrow(LampasError)
  await expect(openWebGPU({ gpu: { requestAdapter: async () => null } })).rejects.toThrow('no graphics adapter for it')
})

describe.skipIf(!gpu)('webgpu (skipped where there is no adapter)', () => {
  const entry = gpu!

  test('16-bit floats are asked for where the adapter has them, unless told not to', async () => {
    const has = (await entry.requestAdapter())!.features.has('shader-f16')
    for (const [halves, want] of [[undefined, has], [true, has], [false, false]] as const) {
      const { backend, device } = await openWatched(entry, { halves })
      expect(device.features.has('shader-f16')).toBe(want)
      backend.dispose()
    }
  })

  describe('shaders', () => {
    test('are shared by kernels of the same structure, whatever their sizes, offsets and params', async () => {
      const backend = await openWebGPU({ gpu: entry })
      const block = upload(backend, new Float32Array(40000))
      const out = backend.alloc(40000 * 4)
      const runAll = (n: number, factor: number) => {
        const scale = program([S.mul(x, S.param(0, 'float32'))], ['float32'], ['float32'])
        backend.run({ kind: 'map', program: scale, params: [factor], inputs: [f32([4 * n])], outputs: [f32([4 * n])] }, [block, out])
        backend.run({ kind: 'map', program: scale, params: [factor], inputs: [{ ...f32([n, 3]), strides: [1, n] }], outputs: [f32([n, 3])] }, [block, out])
        backend.run({ kind: 'reduce', op: 'sum', inputs: [f32([n, 5])], outputs: [f32([n])] }, [block, out])
        backend.run({ kind: 'matmul', inputs: [f32([8, 4 * n]), f32([4 * n, 8])], outputs: [f32([8, 8])] }, [block, block, out])
      }
      runAll(20, 2)
      const { shaderCount } = backend
      for (const [n, factor] of [[21, 3], [30, 4], [64, -1], [100, 0.5]]) runAll(n, factor)
      await backend.sync()
      expect(shaderCount).toBe(4)
      expect(backend.shaderCount).toBe(shaderCount)
      backend.dispose()
    })
  })

  describe('mathematics, in units of the last place', () => {
    let backend: WebGPUBackend
    beforeAll(async () => {
      backend = await openWebGPU({ gpu: entry })
    })
    afterAll(() => backend.dispose())

    const n = 20000
    const spread = (r: Random, lo: number, hi: number) => Float32Array.from({ length: n }, () => r.uniform(lo, hi))
    /** Even over the orders of magnitude. */
    const scales = (r: Random, lo: number, hi: number) => spread(r, Math.log(lo), Math.log(hi)).map(Math.exp)
    const bits = new Int32Array(1)
    const float = new Float32Array(bits.buffer)
    const ulp = (v: number): number => {
      float[0] = Math.abs(v)
      const low = float[0]
      bits[0]++
      return float[0] - low
    }

    async function worst(op: Intrinsic, columns: readonly Float32Array[]): Promise<number> {
      const p = program([S[op](...columns.map((_, k) => S.input(k, 'float32')))], columns.map(() => 'float32' as const))
      const blocks = columns.map(c => upload(backend, c))
      const out = backend.alloc(n * 4)
      backend.run({ kind: 'map', program: p, params: [], inputs: columns.map(() => f32([n])), outputs: [f32([n])] }, [...blocks, out])
      const got = await download(backend, out, columns[0])
      for (const block of [...blocks, out]) backend.free(block)
      let most = 0
      got.forEach((value, i) => {
        const [want] = evaluate(p, columns.map(c => c[i]))
        // Beyond the normal numbers a device may give zero or infinity.
        if (Math.abs(want) > 3.4e38 || Math.abs(want) < 1.2e-38) return
        most = Math.max(most, Number.isNaN(value) ? Infinity : Math.abs(value - want) / ulp(want))
      })
      return most
    }

    test.each<[Intrinsic, 'spread' | 'scales', number, number]>([
      ['exp', 'spread', -87, 88.7], ['expm1', 'spread', -18, 88.7], ['expm1', 'scales', 1e-10, 1], ['log', 'scales', 1e-37, 1e38], ['log', 'spread', 0.5, 2],
      ['log1p', 'spread', -0.999, 10], ['log1p', 'scales', 1e-9, 1e9], ['log2', 'scales', 1e-37, 1e38], ['log2', 'spread', 0.5, 2],
      ['sin', 'spread', -1000, 1000], ['sin', 'scales', 1e3, 3e38], ['cos', 'spread', -1000, 1000], ['cos', 'scales', 1e3, 3e38], ['tan', 'spread', -100, 100],
      ['asin', 'spread', -1, 1], ['acos', 'spread', -1, 1], ['atan', 'spread', -10, 10], ['atan', 'scales', 1e-5, 1e30],
      ['sinh', 'spread', -88, 88], ['sinh', 'scales', 1e-6, 2], ['cosh', 'spread', -88, 88], ['tanh', 'spread', -10, 10], ['tanh', 'scales', 1e-6, 2],
      ['asinh', 'spread', -100, 100], ['asinh', 'scales', 1e-6, 1e30], ['acosh', 'spread', 1, 10], ['acosh', 'scales', 1, 1e30], ['atanh', 'spread', -1, 1],
      ['sigmoid', 'spread', -80, 80], ['erf', 'spread', -4, 4], ['erf', 'scales', 1e-8, 1],
    ])('%s, %s %d … %d', async (op, kind, lo, hi) => {
      expect(await worst(op, [(kind === 'spread' ? spread : scales)(new Random(op), lo, hi)])).toBeLessThan(4)
    })

    test.each<[string, Intrinsic, (r: Random) => Float32Array[]]>([
      ['pow of moderate numbers', 'pow', r => [spread(r, 0, 10), spread(r, -10, 10)]],
      ['pow near 1 with large exponents', 'pow', r => [spread(r, 0.9995, 1.0005), spread(r, -1e5, 1e5)]],
      ['pow of all magnitudes', 'pow', r => [scales(r, 1e-35, 1e35), spread(r, -1, 1)]],
      ['atan2', 'atan2', r => [spread(r, -2, 2), spread(r, -2, 2)]],
      ['remainder of like magnitudes', 'rem', r => [spread(r, -1e5, 1e5), spread(r, -5, 5)]],
      ['remainder of very unlike ones', 'rem', r => [scales(r, 1e10, 1e30), scales(r, 1e-20, 1)]],
    ])('%s', async (_, op, draw) => {
      expect(await worst(op, draw(new Random(op)))).toBeLessThan(op === 'rem' ? 0.001 : 4)
    })
  })

  describe('errors', () => {
    test('a shader that does not compile makes the next read reject, with the kind and the line', async () => {
      const { backend, device } = await openWatched(entry)
      const create = device.createShaderModule.bind(device)
      device.createShaderModule = d => create({ ...d, code: d.code.replace('let v0 =', 'let v0 = missing +') })
      const block = upload(backend, new Float32Array(8))
      backend.run(mapOf(8, S.add(x, 1)), [block, block])
      const error: unknown = await backend.read(block, 0, 32, 'float32').catch((e: unknown) => e)
      expect(error).toBeInstanceOf(LampasError)
      expect(String(error)).toMatch(/\[map\] internal: .*missing.*line \d+: let v0 = b0/)
      device.createShaderModule = create
      backend.run(mapOf(8, S.add(x, 2)), [block, block])
      expect([...(await download(backend, block, new Float32Array(2)))]).toEqual([2, 2])
      backend.dispose()
    })

    test('an error that nobody caught makes the next sync reject', async () => {
      const { backend, device } = await openWatched(entry)
      device.createBuffer({ size: 4, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.STORAGE })
      await expect(backend.sync()).rejects.toThrow('internal: the graphics device reports')
      await backend.sync()
      backend.dispose()
    })

    test('memory that the device does not have makes the next read reject, and is not handed out again', async () => {
      const { backend, device } = await openWatched(entry)
      const pop = device.popErrorScope.bind(device)
      device.popErrorScope = async () => {
        await pop()
        return new GPUOutOfMemoryError('none left')
      }
      const block = backend.alloc(1000)
      device.popErrorScope = pop
      await expect(backend.read(block, 0, 4, 'float32')).rejects.toThrow(/\[alloc\] the graphics device has no \d+ bytes left; 1000 are held/)
      backend.free(block)
      const { reserved } = backend.memory()
      backend.free(backend.alloc(1000))
      expect(backend.memory().reserved).toBe(reserved)
      await backend.sync()
      backend.dispose()
    })

    test('every read that was waiting hears of a failure', async () => {
      const backend = await openWebGPU({ gpu: entry })
      const table = upload(backend, new Float32Array(4))
      const index = upload(backend, Int32Array.of(9))
      const out = backend.alloc(4)
      backend.run({ kind: 'gather', axis: 0, inputs: [f32([4]), contiguousView('int32', [1])], outputs: [f32([1])] }, [table, index, out])
      const reads = await Promise.allSettled([backend.read(out, 0, 4, 'float32'), backend.sync(), backend.read(table, 0, 4, 'float32')])
      expect(reads.map(r => r.status)).toEqual(['rejected', 'rejected', 'rejected'])
      await backend.sync()
    })

    test('a read that begins when the failure has been told does not hear of it again', async () => {
      const backend = await openWebGPU({ gpu: entry })
      const table = upload(backend, new Float32Array(4))
      const index = upload(backend, Int32Array.of(-1))
      const out = backend.alloc(4)
      backend.run({ kind: 'gather', axis: 0, inputs: [f32([4]), contiguousView('int32', [1])], outputs: [f32([1])] }, [table, index, out])
      const [first, second] = [backend.sync(), backend.sync()]
      await expect(first).rejects.toThrow('[gather] index -1')
      const third = backend.sync()
      await expect(second).rejects.toThrow('[gather] index -1')
      await third
      backend.dispose()
    })

    test('more blocks than the adapter can bind', async () => {
      const backend = await openWebGPU({ gpu: entry })
      const many = backend.maxBlocks
      const blocks = Array.from({ length: many + 1 }, () => backend.alloc(16))
      const sum = Array.from({ length: many }, (_, k) => S.input(k, 'float32')).reduce((a, b) => S.add(a, b))
      expect(() => backend.run(mapOf(4, sum, many), blocks)).toThrow(LampasError)
      expect(() => backend.run(mapOf(4, sum, many), blocks)).toThrow(`${many + 1} tensors at once`)
      backend.dispose()
    })

    test('a lost device: it is told, waiting reads reject, all later work throws', async () => {
      const { backend, device } = await openWatched(entry)
      const block = upload(backend, new Float32Array(8))
      const waiting = backend.read(block, 0, 32, 'float32').catch((e: unknown) => e)
      device.destroy()
      expect(await backend.lost).not.toBe('')
      expect(await waiting).toBeInstanceOf(DeviceLostError)
      expect(() => backend.alloc(4)).toThrow(DeviceLostError)
      expect(() => backend.write(block, 0, new Float32Array(1))).toThrow(DeviceLostError)
      expect(() => backend.run(mapOf(8, S.add(x, 1)), [block, block])).toThrow(DeviceLostError)
      await expect(backend.read(block, 0, 4, 'float32')).rejects.toThrow(DeviceLostError)
      await expect(backend.sync()).rejects.toThrow(DeviceLostError)
      backend.dispose()
    })
  })

  test('a prepared launch whose swapped block is another of its blocks', async () => {
    const backend = await openWebGPU({ gpu: entry })
    const [a, b, c] = [1, 2, 0].map(v => upload(backend, new Float32Array(8).fill(v)))
    const prepared = backend.prepare([{ kernel: mapOf(8, S.add(x, S.input(1, 'float32')), 2), blocks: [a, b, c] }])
    prepared.run(new Map([[b, a]]))
    expect([...(await download(backend, c, new Float32Array(1)))]).toEqual([2])
    prepared.run(new Map([[a, c]]))
    expect([...(await download(backend, c, new Float32Array(1)))]).toEqual([4])
    prepared.dispose()
    backend.dispose()
  })

  describe('small blocks', () => {
    const twice = S.mul(x, 2)
    const doubled = (sizes: readonly number[]): Kernel => ({ kind: 'batch', program: program([twice], ['float32']), params: [], inputs: sizes.map(n => f32([n])), outputs: sizes.map(n => f32([n])) })
    const filled = (backend: WebGPUBackend, n: number, value: number) => upload(backend, new Float32Array(n).fill(value))
    const valuesOf = async (backend: WebGPUBackend, block: ReturnType<WebGPUBackend['alloc']>, n: number) => [...new Set(await download(backend, block, new Float32Array(n)))]

    test('share a buffer, which stays while one of them is in use', async () => {
      const backend = await openWebGPU({ gpu: entry })
      const made = vi.spyOn(GPUDevice.prototype, 'createBuffer')
      const blocks = [1, 70, 300, 5000, 65536].map((n, k) => ({ n, k, block: filled(backend, n, k + 1) }))
      expect(made).toHaveBeenCalledTimes(1)
      made.mockRestore()
      const { reserved } = backend.memory()
      expect(backend.memory().held).toBe(4 * (1 + 70 + 300 + 5000 + 65536))
      for (const { n, k, block } of blocks) expect(await valuesOf(backend, block, n)).toEqual([k + 1])
      for (const { block } of blocks.slice(1)) backend.free(block)
      // So much lies idle now that all that can be given back is.
      const idle = Array.from({ length: 3 }, () => backend.alloc(100 * 2 ** 20))
      for (const block of idle) backend.free(block)
      expect(backend.memory()).toEqual({ held: 4, reserved })
      expect(await valuesOf(backend, blocks[0].block, 1)).toEqual([1])
      backend.free(backend.alloc(70 * 4))
      backend.free(blocks[0].block)
      for (const block of Array.from({ length: 3 }, () => backend.alloc(100 * 2 ** 20))) backend.free(block)
      expect(backend.memory()).toEqual({ held: 0, reserved: 0 })
      backend.dispose()
    })

    test('of a batch are bound together: few dispatches, of one shader whatever the sizes', async () => {
      const backend = await openWebGPU({ gpu: entry })
      const sizes = Array.from({ length: 150 }, (_, k) => 1 + 37 * (k % 50))
      const blocks = sizes.map((n, k) => filled(backend, n, k))
      const plan = backend.prepare([{ kernel: doubled(sizes), blocks: [...blocks, ...blocks] }])
      const dispatched = vi.spyOn(GPUComputePassEncoder.prototype, 'dispatchWorkgroups')
      plan.run()
      expect(dispatched.mock.calls.length).toBeGreaterThan(0)
      expect(dispatched.mock.calls.length).toBeLessThan(8)
      dispatched.mockRestore()
      for (const k of [0, 1, 49, 63, 64, 127, 128, 149]) expect(await valuesOf(backend, blocks[k], sizes[k])).toEqual([2 * k])
      const { shaderCount } = backend
      backend.run(doubled([8, 300, 4]), [...blocks.slice(20, 23), ...blocks.slice(20, 23)])
      expect(await valuesOf(backend, blocks[22], 4)).toEqual([88])
      expect(backend.shaderCount).toBe(shaderCount)
      plan.dispose()
      backend.dispose()
    })

    test('are written after a batch that was asked for before', async () => {
      const backend = await openWebGPU({ gpu: entry })
      const [a, b, c, d] = [1, 2, 3, 4].map(v => filled(backend, 100, v))
      backend.run(doubled([100, 100]), [a, b, c, d])
      backend.write(a, 0, new Float32Array(100).fill(9))
      backend.write(d, 0, new Float32Array(100).fill(8))
      expect(await Promise.all([a, b, c, d].map(block => valuesOf(backend, block, 100)))).toEqual([[9], [2], [2], [8]])
      backend.dispose()
    })

    test('of a prepared batch may be swapped, stand-ins and others', async () => {
      const backend = await openWebGPU({ gpu: entry })
      const [a, b, c, d, e, f] = [1, 2, 3, 4, 5, 6].map(v => filled(backend, 100, v))
      const [input, output] = [backend.standIn(400), backend.standIn(400)]
      const plan = backend.prepare([{ kernel: doubled([100, 100, 100]), blocks: [a, b, input, c, d, output] }])
      plan.run(new Map([[input, e], [output, f]]))
      expect(await Promise.all([c, d, f].map(block => valuesOf(backend, block, 100)))).toEqual([[2], [4], [10]])
      plan.run(new Map([[input, f], [output, e], [a, c], [c, a]]))
      expect(await Promise.all([a, c, d, e].map(block => valuesOf(backend, block, 100)))).toEqual([[4], [2], [4], [20]])
      plan.run(new Map([[input, d], [output, f]]))
      expect(await Promise.all([c, d].map(block => valuesOf(backend, block, 100)))).toEqual([[8], [4]])
      plan.dispose()
      backend.dispose()
    })
  })

  test('buffers are used again, and given back when too many lie idle', async () => {
    const backend = await openWebGPU({ gpu: entry })
    const big = 100 * 2 ** 20
    const first = backend.memory().reserved
    for (let i = 0; i < 5; i++) backend.free(backend.alloc(big))
    expect(backend.memory().reserved - first).toBeLessThan(1.3 * big)
    const blocks = Array.from({ length: 4 }, () => backend.alloc(big))
    for (const block of blocks) backend.free(block)
    expect(backend.memory()).toEqual({ held: 0, reserved: expect.any(Number) })
    expect(backend.memory().reserved).toBeLessThan(3 * big)
    await backend.sync()
    backend.dispose()
  })
})
