// The promises of the Backend interface beyond the kernels: order of work, life of blocks, prepared launches, errors, flat memory.
import { describe, expect, test } from 'vitest'
import type { Backend, Block } from '../../src/backend/backend.ts'
import { LampasError } from '../../src/core/errors.ts'
import { contiguousView } from '../../src/core/view.ts'
import type { Kernel } from '../../src/ir/kernel.ts'
import { program, S } from '../../src/ir/scalar.ts'
import { input, launch, output, plain, Random } from './data.ts'
import { download, execute, upload } from './run.ts'

const vector = (n: number) => contiguousView('float32', [n])
const x = S.input(0, 'float32')

const kernelOf = (n: number, expression = S.add(x, 1)): Kernel => ({
  kind: 'map', program: program([expression], ['float32']), params: [], inputs: [vector(n)], outputs: [vector(n)],
})
const increment = (n: number): Kernel => kernelOf(n)
const copy = (n: number): Kernel => kernelOf(n, x)

const filled = (n: number, value: number): Float32Array => new Float32Array(n).fill(value)

export function behaviour(current: () => Backend): void {
  const read = (block: Block, n: number) => download(current(), block, new Float32Array(n))

  describe('blocks', () => {
    test('write takes a copy of the data', async () => {
      const data = filled(100, 1)
      const block = upload(current(), data)
      data.fill(2)
      expect(await read(block, 100)).toEqual(filled(100, 1))
      current().free(block)
    })

    test('parts of a block are written and read by byte offset', async () => {
      const backend = current()
      const block = upload(backend, filled(10, 0))
      backend.write(block, 12, Float32Array.of(1, 2, 3))
      backend.write(block, 36, Int32Array.of(-7))
      expect([...new Float32Array(await backend.read(block, 8, 20, 'float32'))]).toEqual([0, 1, 2, 3, 0])
      expect([...new Int32Array(await backend.read(block, 36, 4, 'int32'))]).toEqual([-7])
      backend.free(block)
    })

    test('a write of a part of a larger array takes that part', async () => {
      const block = upload(current(), filled(4, 0))
      current().write(block, 4, Float32Array.of(1, 2, 3, 4, 5).subarray(2, 4))
      expect([...(await read(block, 4))]).toEqual([0, 3, 4, 0])
      current().free(block)
    })

    test('NaN, infinities and the sign of zero survive the way in and out', async () => {
      const values = Float32Array.of(NaN, Infinity, -Infinity, -0, 3.4e38, 1.5e-38)
      const block = upload(current(), values)
      expect(await read(block, 6)).toEqual(values)
      current().free(block)
    })

    test('a block of no bytes can be had, read and given back', async () => {
      const block = current().alloc(0)
      expect((await current().read(block, 0, 0, 'float32')).byteLength).toBe(0)
      current().free(block)
    })

    test('readSync, where there is one, reads the same', async () => {
      const backend = current()
      const block = upload(backend, filled(5, 2.5))
      backend.run(increment(5), [block, block])
      const { readSync } = backend
      if (readSync) expect([...new Float32Array(backend.readSync!(block, 0, 20, 'float32'))]).toEqual([3.5, 3.5, 3.5, 3.5, 3.5])
      expect([...(await read(block, 5))]).toEqual([3.5, 3.5, 3.5, 3.5, 3.5])
      backend.free(block)
    })
  })

  describe('order', () => {
    test('a thousand kernels run one after the other', async () => {
      const block = upload(current(), filled(64, 0))
      for (let i = 0; i < 1000; i++) current().run(increment(64), [block, block])
      expect(await read(block, 64)).toEqual(filled(64, 1000))
      current().free(block)
    })

    test('a kernel sees what was written before it, not after', async () => {
      const backend = current()
      const a = upload(backend, filled(300, 1))
      const b = upload(backend, filled(300, 0))
      backend.run(copy(300), [a, b])
      backend.write(a, 0, filled(300, 2))
      expect(await read(b, 300)).toEqual(filled(300, 1))
      expect(await read(a, 300)).toEqual(filled(300, 2))
      for (const block of [a, b]) backend.free(block)
    })

    test('a kernel that was queued before free still sees the block, also when its memory is used again', async () => {
      const backend = current()
      const results: Block[] = []
      for (let i = 0; i < 20; i++) {
        const a = upload(backend, filled(500, i))
        const b = backend.alloc(2000)
        backend.run(increment(500), [a, b])
        backend.free(a)
        results.push(b)
      }
      for (const [i, block] of results.entries()) expect(await read(block, 500)).toEqual(filled(500, i + 1))
      results.forEach(block => backend.free(block))
    })

    test('equal work gives equal bits', async () => {
      const work = () => {
        const r = new Random('bits')
        const [a, b, long] = [input(r, 'float32', [70, 90]), input(r, 'float32', [90, 50]), input(r, 'float32', [200_000])]
        const index = plain('int32', [5000], Array.from({ length: 5000 }, () => r.int(0, 3)))
        return [
          launch({ kind: 'matmul' }, [a, b], [output('float32', [70, 50])]),
          launch({ kind: 'reduce', op: 'sum' }, [long], [output('float32', [])]),
          launch({ kind: 'scatter', op: 'sum', axis: 0 }, [index, input(r, 'float32', [5000])], [plain('float32', [3], [0, 0, 0])]),
        ]
      }
      const first = await execute(current(), work())
      for (let i = 0; i < 3; i++) expect(await execute(current(), work())).toEqual(first)
    })
  })

  describe('prepare', () => {
    test('runs its launches as often as asked, with blocks swapped for one call', async () => {
      const backend = current()
      const n = 130
      const [a, b, c, other] = [1, 0, 0, 50].map(v => upload(backend, filled(n, v)))
      const prepared = backend.prepare([
        { kernel: increment(n), blocks: [a, b] },
        { kernel: kernelOf(n, S.mul(x, x)), blocks: [b, c] },
        { kernel: increment(n), blocks: [c, c] },
      ])
      prepared.run()
      expect(await read(c, n)).toEqual(filled(n, 5))
      prepared.run(new Map([[a, other]]))
      expect(await read(c, n)).toEqual(filled(n, 2602))
      prepared.run()
      expect(await read(c, n)).toEqual(filled(n, 5))
      prepared.run(new Map([[c, other]]))
      expect(await read(c, n)).toEqual(filled(n, 5))
      expect(await read(other, n)).toEqual(filled(n, 5))
      backend.write(a, 0, filled(n, 3))
      prepared.run()
      expect(await read(c, n)).toEqual(filled(n, 17))
      prepared.dispose()
      for (const block of [a, b, c, other]) backend.free(block)
    })

    test('several calls queued at once follow each other', async () => {
      const backend = current()
      const sum = upload(backend, filled(70, 0))
      const inputs = Array.from({ length: 20 }, (_, i) => upload(backend, filled(70, i)))
      const add: Kernel = { ...increment(70), kind: 'map', params: [], program: program([S.add(x, S.input(1, 'float32'))], ['float32', 'float32']), inputs: [vector(70), vector(70)] }
      const prepared = backend.prepare([{ kernel: add, blocks: [sum, inputs[0], sum] }])
      for (const block of inputs) prepared.run(new Map([[inputs[0], block]]))
      expect(await read(sum, 70)).toEqual(filled(70, 190))
      prepared.dispose()
      for (const block of [sum, ...inputs]) backend.free(block)
    })

    test('every kernel kind can be prepared', async () => {
      const backend = current()
      const r = new Random('kinds')
      const f = (shape: number[]) => input(r, 'float32', shape)
      const o = (shape: number[]) => output('float32', shape)
      const index = plain('int32', [4, 3], Array.from({ length: 12 }, () => r.int(0, 4)))
      const one = { stride: [1, 1], dilation: [1, 1] }
      const steps = [
        launch({ kind: 'reduce', op: 'sum' }, [f([5, 40])], [o([5])]),
        launch({ kind: 'matmul' }, [f([9, 10]), f([10, 11])], [o([9, 11])]),
        launch({ kind: 'conv', ...one, inputDilation: [1, 1], padLow: [1, 1] }, [f([1, 2, 3, 8, 8]), f([1, 4, 3, 3, 3])], [o([1, 2, 4, 8, 8])]),
        launch({ kind: 'gather', axis: 0 }, [f([4, 3]), index], [o([4, 3])]),
        launch({ kind: 'fold', ...one }, [f([2, 3, 4, 2, 2])], [o([2, 4, 5])]),
        launch({ kind: 'cumulate', op: 'sum', reverse: false }, [f([3, 20])], [o([3, 20])]),
        launch({ kind: 'sort', descending: false }, [f([3, 20])], [o([3, 20]), output('int32', [3, 20])]),
      ]
      const want = await execute(backend, steps)
      const blocks = steps.map(({ words }) => words.map(w => upload(backend, w)))
      const prepared = backend.prepare(steps.map(({ kernel }, i) => ({ kernel, blocks: blocks[i] })))
      for (let i = 0; i < 3; i++) prepared.run()
      const got = []
      for (const [i, { kernel, words }] of steps.entries())
        for (let k = kernel.inputs.length; k < words.length; k++) got.push(await download(backend, blocks[i][k], words[k]))
      expect(got).toEqual(want.map(w => w.words))
      prepared.dispose()
      blocks.flat().forEach(block => backend.free(block))
    })
  })

  describe('errors', () => {
    const outside = (kind: 'gather' | 'scatter', index: number) => async () => {
      const at = plain('int32', [3], [0, index, 1])
      const [three, five] = [plain('float32', [3], [1, 2, 3]), plain('float32', [5], [1, 2, 3, 4, 5])]
      const step = kind === 'gather' ? launch({ kind, axis: 0 }, [five, at], [three]) : launch({ kind, op: 'sum', axis: 0 }, [at, three], [five])
      await execute(current(), [step])
    }

    for (const kind of ['gather', 'scatter'] as const)
      test.each([5, -1, 2 ** 31 - 1, -(2 ** 31)])(`${kind} reports index %i outside 0 … 4`, async index => {
        const error: unknown = await outside(kind, index)().catch((e: unknown) => e)
        expect(error).toBeInstanceOf(LampasError)
        expect(String(error)).toMatch(new RegExp(`\\[${kind}\\].*index`))
      })

    test('work goes on after an error', async () => {
      await expect(outside('gather', 9)()).rejects.toThrow(LampasError)
      const block = upload(current(), filled(9, 1))
      current().run(increment(9), [block, block])
      await current().sync()
      expect(await read(block, 9)).toEqual(filled(9, 2))
      current().free(block)
    })

    test('more memory than there is', () => {
      expect(() => current().alloc(2 ** 45)).toThrow(LampasError)
      expect(() => current().alloc(2 ** 45)).toThrow(/35184372088832/)
    })
  })

  describe('memory', () => {
    test('held counts what is allocated', () => {
      const backend = current()
      const before = backend.memory().held
      const blocks = [400, 40000, 4].map(bytes => backend.alloc(bytes))
      expect(backend.memory().held - before).toBeGreaterThanOrEqual(40404)
      blocks.forEach(block => backend.free(block))
      expect(backend.memory().held).toBe(before)
    })

    test('ten thousand times alloc, write, run and free hold memory flat', async () => {
      const backend = current()
      const sizes = [1, 100, 1000, 5000]
      const kernels = sizes.map(increment)
      const data = sizes.map(n => filled(n, 1))
      const cycle = async (times: number) => {
        for (let i = 0; i < times; i++) {
          const k = i % sizes.length
          const a = upload(backend, data[k])
          const b = backend.alloc(data[k].byteLength)
          if (i % 10 === 0) backend.run(kernels[k], [a, b])
          backend.free(a)
          backend.free(b)
          if (i % 100 === 99) await backend.sync()
        }
      }
      const { held } = backend.memory()
      await cycle(1000)
      const { reserved } = backend.memory()
      await cycle(9000)
      expect(backend.memory().held).toBe(held)
      expect(backend.memory().reserved).toBeLessThanOrEqual(reserved)
    })
  })
}
