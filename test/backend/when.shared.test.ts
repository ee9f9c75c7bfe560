// Launches that wait for a condition in memory, on every device: they run if it holds as they come, else their outputs stay as they were.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Backend, Block, Launch } from '../../src/backend/backend.ts'
import { openReference } from '../../src/backend/reference/index.ts'
import type { DType } from '../../src/core/dtype.ts'
import { contiguousView, type View } from '../../src/core/view.ts'
import type { Kernel } from '../../src/ir/kernel.ts'
import { program, S } from '../../src/ir/scalar.ts'
import { backends } from '../devices.ts'
import { download, upload } from './run.ts'

const N = 300
const vector = (dtype: DType = 'float32'): View => contiguousView(dtype, [N])
const flag = (offset: number): View => ({ dtype: 'bool', shape: [], strides: [], offset })
const increment = (dtype: 'float32' | 'float64' = 'float32'): Kernel => ({ kind: 'map', program: program([S.add(S.input(0, dtype), 1)], [dtype]), params: [], inputs: [vector(dtype)], outputs: [vector(dtype)] })
const larger: Kernel = { kind: 'map', program: program([S.gt(S.input(0, 'float32'), 5)], ['float32']), params: [], inputs: [{ dtype: 'float32', shape: [], strides: [], offset: 0 }], outputs: [flag(1)] }
const when = (offset: number, condition: Block, kernel: Kernel, blocks: readonly Block[]): Launch =>
  ({ kernel: { kind: 'when', kernel, inputs: [flag(offset), ...kernel.inputs], outputs: kernel.outputs }, blocks: [condition, ...blocks] })

for (const { name, open } of [...backends, { name: 'reference', open: openReference }])
  describe(name, () => {
    let backend: Backend
    beforeAll(async () => {
      backend = await open()
    })
    afterAll(() => backend.dispose())
    const filled = (value: number): Block => upload(backend, new Float32Array(N).fill(value))
    const first = async (b: Block): Promise<number> => (await download(backend, b, new Float32Array(N)))[0]

    test('they run as the condition says, which other blocks may give in each call', async () => {
      const flags = (...on: number[]): Block => upload(backend, new Int32Array(on), 'bool')
      const [conditions, stand] = [flags(1, 0), backend.standIn(8)]
      const [x, y, z] = [filled(1), filled(10), filled(100)]
      const steps = [when(0, stand, increment(), [x, y]), when(0, stand, increment(), [y, y]), when(1, stand, increment(), [x, z])]
      const prepared = backend.prepare(steps)
      prepared.run(new Map([[stand, conditions]]))
      expect([await first(y), await first(z)]).toEqual([3, 100])
      prepared.run(new Map([[stand, flags(0, 1)]]))
      expect([await first(y), await first(z)]).toEqual([3, 2])
      backend.write(conditions, 0, new Int32Array([0, 0]), 'bool')
      prepared.run(new Map([[stand, conditions], [x, filled(7)]]))
      expect([await first(y), await first(z)]).toEqual([3, 2])
      prepared.dispose()
    })

    test('the condition is the one that an earlier kernel of the list has written', async () => {
      const [x, y] = [filled(4), filled(0)]
      const on = upload(backend, new Int32Array([0, 0]), 'bool')
      const prepared = backend.prepare([{ kernel: increment(), blocks: [x, x] }, { kernel: larger, blocks: [x, on] }, when(1, on, increment(), [x, y]), { kernel: increment(), blocks: [y, y] }])
      prepared.run()
      expect([await first(x), await first(y)]).toEqual([5, 1])
      prepared.run()
      expect([await first(x), await first(y)]).toEqual([6, 8])
      prepared.dispose()
    })

    test('kernels that run otherwise wait too', async () => {
      if (!backend.hasFloat64) return expect(backend.info.name).toBe('webgpu')
      const numbers = (v: number): Block => upload(backend, new Float64Array(N).fill(v), 'float64')
      const [x, y] = [numbers(1), numbers(5)]
      const on = upload(backend, new Int32Array([0]), 'bool')
      const prepared = backend.prepare([when(0, on, increment('float64'), [x, y])])
      const value = async (): Promise<number> => (await download(backend, y, new Float64Array(N), 'float64'))[0]
      prepared.run()
      expect(await value()).toBe(5)
      backend.write(on, 0, new Int32Array([1]), 'bool')
      prepared.run()
      expect(await value()).toBe(2)
      prepared.dispose()
    })
  })
