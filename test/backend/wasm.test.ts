// What is the wasm backend's own: memory, binaries, threads, prepared plans.
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import type { Backend, Block } from '../../src/backend/backend.ts'
import { openWasm } from '../../src/backend/wasm/index.ts'
import { Heap } from '../../src/backend/wasm/memory.ts'
import { fetchBinary, supports } from '../../src/backend/wasm/binary.ts'
import { compileBinary } from '../../src/backend/wasm/module.ts'
import { LampasError } from '../../src/core/errors.ts'
import { contiguousView } from '../../src/core/view.ts'
import type { Kernel, MatmulKernel } from '../../src/ir/kernel.ts'
import { program, S } from '../../src/ir/scalar.ts'
import { Random } from './data.ts'

const PAGE = 65536
const MIB = 2 ** 20

const square = (n: number): MatmulKernel => {
  const view = contiguousView('float32', [n, n])
  return { kind: 'matmul', inputs: [view, view], outputs: [view] }
}

const addOne = (n: number): Kernel => {
  const view = contiguousView('float32', [n])
  return { kind: 'map', program: program([S.add(S.input(0, 'float32'), 1)], ['float32']), params: [], inputs: [view], outputs: [view] }
}

const upload = (backend: Backend, data: Float32Array): Block => {
  const block = backend.alloc(data.byteLength)
  backend.write(block, 0, data)
  return block
}

const download = (backend: Backend, block: Block): Float32Array => new Float32Array(backend.readSync!(block, 0, block.bytes, 'float32'))

/** Numbers as their bits, in a form that is quick to compare. */
const bits = (data: Float32Array): string => new TextDecoder('latin1').decode(new Uint8Array(data.buffer))

const random = (seed: string, n: number): Float32Array => new Random(seed).words('float32', n) as Float32Array

describe('memory', () => {
  const heapOf = (maximum: number) => new Heap(new WebAssembly.Memory({ initial: 1, maximum }), 4096, maximum)

  test('blocks are aligned to 64 bytes and do not overlap', () => {
    const heap = heapOf(1000)
    const sizes = [0, 1, 4, 63, 64, 65, 100, 1000, 1024, 1025, 5000, 70_000, 2 ** 20 + 1]
    const blocks = sizes.map(s => heap.alloc(s)).sort((a, b) => a.address - b.address)
    for (const [i, b] of blocks.entries()) {
      expect(b.address % 64).toBe(0)
      if (i > 0) expect(b.address).toBeGreaterThanOrEqual(blocks[i - 1].address + blocks[i - 1].bytes)
    }
    expect(blocks.at(-1)!.address + blocks.at(-1)!.bytes).toBeLessThanOrEqual(heap.reserved)
  })

  test('a size class wastes at most an eighth beyond 64 bytes', () => {
    const heap = heapOf(60_000)
    for (const bytes of [64, 576, 577, 10_000, 123_456, 5_000_001]) {
      const first = heap.alloc(bytes)
      const next = heap.alloc(64)
      expect(next.address - first.address).toBeLessThanOrEqual(bytes * 1.125 + 64)
    }
  })

  test('a freed block is the next one of its size', () => {
    const heap = heapOf(100)
    const first = heap.alloc(5000)
    heap.release(first)
    expect(heap.alloc(5000).address).toBe(first.address)
  })

  test('freeing twice is told', () => {
    const heap = heapOf(10)
    const block = heap.alloc(10)
    heap.release(block)
    expect(() => heap.release(block)).toThrow(/freed twice/)
  })

  test('freed neighbours are joined when there is nothing else', () => {
    const heap = heapOf(20)
    const blocks = Array.from({ length: 19 }, () => heap.alloc(PAGE - 4096))
    for (const b of blocks) heap.release(b)
    const large = heap.alloc(15 * PAGE)
    expect(large.address + large.bytes).toBeLessThanOrEqual(20 * PAGE)
  })

  test('ever new sizes do not fill the memory', () => {
    const heap = heapOf(65536)
    for (let i = 0; i < 400; i++) heap.release(heap.alloc(MIB * (1 + (i % 97) / 7)))
    expect(heap.reserved).toBeLessThan(300 * MIB)
    expect(heap.held).toBe(0)
  })

  test('running out names what was asked, what is held, the limit, and what to do', () => {
    const heap = heapOf(16)
    heap.alloc(MIB / 2)
    expect(() => heap.alloc(MIB)).toThrow(LampasError)
    expect(() => heap.alloc(MIB)).toThrow(/1048576 bytes.*524288 bytes are held.*limit is 1048576.*batch.*scope\(.*compile\(/)
    expect(() => heap.alloc(2 ** 45)).toThrow(/35184372088832 bytes/)
    expect(heap.alloc(MIB / 4).bytes).toBe(MIB / 4)
  })

  test('all four gigabytes can be had', async () => {
    const backend = await openWasm({ threads: 1 })
    const blocks = [1, 2, 3].map(() => backend.alloc(1024 * MIB))
    expect(() => backend.alloc(1024 * MIB)).toThrow(/no memory/)
    const last = blocks[2]
    backend.write(last, last.bytes - 8, Float32Array.of(1, 2))
    const view = { ...contiguousView('float32', [2]), offset: last.bytes / 4 - 2 }
    backend.run({ ...addOne(2), inputs: [view], outputs: [view] } as Kernel, [last, last])
    expect([...new Float32Array(backend.readSync!(last, last.bytes - 8, 8, 'float32'))]).toEqual([2, 3])
    expect(backend.memory().held).toBe(3 * 1024 * MIB)
    backend.dispose()
  })
})

test('a device that has ended says so, and lets tensors be finalised', async () => {
  const backend = await openWasm({ threads: 2 })
  const block = backend.alloc(64)
  backend.dispose()
  backend.free(block)
  expect(() => backend.alloc(64)).toThrow(/\[device\] the wasm device was disposed of.*init\(\)/)
  expect(backend.memory()).toEqual({ held: 0, reserved: 0 })
  backend.dispose()
})

describe('binaries', () => {
  test('a binary fits shared memory, or memory that is not shared', async () => {
    const shared = new WebAssembly.Memory({ initial: 16, maximum: 65536, shared: true })
    const own = new WebAssembly.Memory({ initial: 16, maximum: 65536 })
    const bytes = await fetchBinary(false).bytes
    const [forShared, forOwn] = [await compileBinary(bytes, true), await compileBinary(bytes, false)]
    await expect(WebAssembly.instantiate(forShared, { env: { memory: shared } })).resolves.toBeDefined()
    await expect(WebAssembly.instantiate(forOwn, { env: { memory: own } })).resolves.toBeDefined()
    await expect(WebAssembly.instantiate(forOwn, { env: { memory: shared } })).rejects.toThrow(WebAssembly.LinkError)
  })

  test('both builds multiply, the relaxed one with one rounding', async () => {
    const plain = await openWasm({ threads: 1, relaxed: false })
    const relaxed = await openWasm({ threads: 1, relaxed: true })
    expect(supports('relaxed')).toBe(true)
    expect([plain.info.detail, relaxed.info.detail]).toEqual(['simd128, 1 thread', 'simd128 + relaxed, 1 thread'])
    const results = [plain, relaxed].map(backend => {
      const a = upload(backend, random('a', 64))
      const c = backend.alloc(256)
      backend.run(square(8), [a, a, c])
      return download(backend, c)
    })
    expect(results[0]).not.toEqual(results[1])
    results[0].forEach((v, i) => expect(v).toBeCloseTo(results[1][i], 5))
    plain.dispose()
    relaxed.dispose()
  })
})

describe('threads', () => {
  let one: Backend
  let three: Backend
  beforeAll(async () => {
    one = await openWasm({ threads: 1, relaxed: false })
    three = await openWasm({ threads: 3, relaxed: false })
  })
  afterAll(() => {
    one.dispose()
    three.dispose()
  })

  test('are as many as asked for', () => {
    expect([one.info.threads, three.info.threads]).toEqual([1, 3])
    expect([one.info.why, three.info.why]).toEqual(['', ''])
  })

  test.each([0, 1.5, 65, NaN])('%s threads are refused', async threads => {
    await expect(openWasm({ threads })).rejects.toThrow(/threads is/)
  })

  test.each([[70, 70, 70], [300, 40, 500], [5, 900, 100], [1, 2000, 300]])('a product of %i × %i × %i has the same bits', (m, n, k) => {
    const kernel: MatmulKernel = {
      kind: 'matmul',
      inputs: [contiguousView('float32', [m, k]), contiguousView('float32', [k, n])],
      outputs: [contiguousView('float32', [m, n])],
    }
    const results = [one, three].map(backend => {
      const blocks = [upload(backend, random('a', m * k)), upload(backend, random('b', k * n)), backend.alloc(m * n * 4)]
      backend.run(kernel, blocks)
      const result = bits(download(backend, blocks[2]))
      blocks.forEach(b => backend.free(b))
      return result
    })
    expect(results[1] === results[0]).toBe(true)
  })

  test('equal work gives equal bits, however the tasks fall', () => {
    const a = upload(three, random('a', 200 * 200))
    const c = three.alloc(200 * 200 * 4)
    three.run(square(200), [a, a, c])
    const first = bits(download(three, c))
    for (let i = 0; i < 50; i++) {
      three.run(square(200), [a, a, c])
      expect(bits(download(three, c)) === first).toBe(true)
    }
    three.free(a)
    three.free(c)
  })

  test('work goes on when threads end, with one warning for each', async () => {
    const module = process.getBuiltinModule('node:worker_threads')
    const Original = module.Worker
    const workers: InstanceType<typeof Original>[] = []
    module.Worker = class extends Original {
      constructor(...args: ConstructorParameters<typeof Original>) {
        super(...args)
        workers.push(this)
      }
    }
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => {})
    try {
      const backend = await openWasm({ threads: 3, relaxed: false })
      const a = upload(backend, random('a', 150 * 150))
      const [before, after] = [backend.alloc(a.bytes), backend.alloc(a.bytes)]
      backend.run(square(150), [a, a, before])
      await workers[0].terminate()
      await vi.waitFor(() => expect(warn).toHaveBeenCalledTimes(1))
      expect(warn.mock.calls[0][0]).toMatch(/a thread ended.*2 of 3 go on/)
      backend.run(square(150), [a, a, after])
      expect(bits(download(backend, after)) === bits(download(backend, before))).toBe(true)
      // Functions made from now on go to the threads that are left.
      const view = contiguousView('float32', [150 * 150])
      const formula = program([S.exp(S.tanh(S.mul(S.input(0, 'float32'), 0.5)))], ['float32'])
      const kernel: Kernel = { kind: 'map', program: formula, params: [], inputs: [view], outputs: [view] }
      const plan = backend.prepare([{ kernel, blocks: [a, after] }])
      for (let i = 0; i < 20; i++) plan.run()
      backend.run(kernel, [a, before])
      expect(bits(download(backend, after)) === bits(download(backend, before))).toBe(true)
      backend.dispose()
      await new Promise(resolve => setTimeout(resolve, 50))
      expect(warn).toHaveBeenCalledTimes(1)
    } finally {
      module.Worker = Original
      warn.mockRestore()
    }
  })

  test('a host that starts no workers gives one thread, and says why', async () => {
    const module = process.getBuiltinModule('node:worker_threads')
    const Original = module.Worker
    module.Worker = class extends Original {
      constructor() {
        super('throw new Error("not allowed here")', { eval: true })
      }
    }
    try {
      const backend = await openWasm({ threads: 2, relaxed: false })
      expect(backend.info.threads).toBe(1)
      expect(backend.info.why).toMatch(/could not be started.*not allowed here/)
      const a = upload(backend, random('a', 150 * 150))
      backend.run(square(150), [a, a, backend.alloc(a.bytes)])
      backend.dispose()
    } finally {
      module.Worker = Original
    }
  })
})

describe('prepared plans', () => {
  test('a swap holds for one call, for every use and offset of a block', async () => {
    const backend = await openWasm({ threads: 2 })
    const [x, y, z] = [1, 10, 100].map(v => upload(backend, new Float32Array(8).fill(v)))
    const tail = { ...contiguousView('float32', [4]), offset: 4 }
    const bump = { ...addOne(4), inputs: [tail], outputs: [tail] } as Kernel
    const plan = backend.prepare([{ kernel: bump, blocks: [x, x] }, { kernel: bump, blocks: [x, x] }, { kernel: addOne(8), blocks: [x, y] }])
    const read = () => [x, y, z].map(b => [...download(backend, b)].filter((_, i) => i % 4 === 0))
    plan.run()
    expect(read()).toEqual([[1, 3], [2, 4], [100, 100]])
    plan.run(new Map([[x, z]]))
    expect(read()).toEqual([[1, 3], [101, 103], [100, 102]])
    plan.run(new Map([[y, z], [x, y]]))
    expect(read()).toEqual([[1, 3], [101, 105], [102, 106]])
    plan.run()
    expect(read()).toEqual([[1, 5], [2, 6], [102, 106]])
    plan.dispose()
    expect(() => plan.run()).toThrow(/after dispose/)
    backend.dispose()
  })

  test('takes memory when it is made and none when it runs', async () => {
    const backend = await openWasm({ threads: 1 })
    const a = upload(backend, random('a', 300 * 300))
    const c = backend.alloc(a.bytes)
    const plan = backend.prepare([{ kernel: square(300), blocks: [a, a, c] }])
    const before = backend.memory()
    for (let i = 0; i < 5; i++) plan.run()
    expect(backend.memory()).toEqual(before)
    expect(before.held).toBe(2 * a.bytes)
    backend.dispose()
  })

  test('a block too small is refused', async () => {
    const backend = await openWasm({ threads: 1 })
    const [x, small] = [backend.alloc(32), backend.alloc(16)]
    const plan = backend.prepare([{ kernel: addOne(8), blocks: [x, x] }])
    expect(() => plan.run(new Map([[x, small]]))).toThrow(/16 bytes was swapped in for one of 32/)
    backend.dispose()
  })

  test('an error in a plan names its kernel, and the plan can run again', async () => {
    const backend = await openWasm({ threads: 1 })
    const view = contiguousView('float32', [4])
    const index = backend.alloc(16)
    const [x, y] = [upload(backend, Float32Array.of(1, 2, 3, 4)), backend.alloc(16)]
    backend.write(index, 0, Int32Array.of(3, 2, 1, 4))
    const plan = backend.prepare([
      { kernel: addOne(4), blocks: [x, x] },
      { kernel: { kind: 'gather', axis: 0, inputs: [view, contiguousView('int32', [4])], outputs: [view] }, blocks: [x, index, y] },
    ])
    expect(() => plan.run()).toThrow(/^\[gather\] index 4 is outside 0 … 3/)
    backend.write(index, 0, Int32Array.of(3, 2, 1, 0))
    plan.run()
    expect([...download(backend, y)]).toEqual([6, 5, 4, 3])
    backend.dispose()
  })
})
