// The text of shaders for a few kernels, so that a change in printing shows.
import { expect, test } from 'vitest'
import '../../src/backend/factoring.ts'
import { loadLowerings } from '../../src/backend/late.ts'
import { contiguousView, permuteView } from '../../src/core/view.ts'
import { lower } from '../../src/backend/webgpu/lower.ts'
import type { Target } from '../../src/backend/webgpu/wgsl.ts'
import type { Kernel } from '../../src/ir/kernel.ts'
import { program, S } from '../../src/ir/scalar.ts'
import { softmaxStages, stage } from './cases/rows.ts'

const f32 = (...shape: number[]) => contiguousView('float32', shape)
const x = S.input(0, 'float32')
const y = S.input(1, 'float32')
const relu = program([S.max(S.add(x, y), 0)], ['float32', 'float32'])
const plane = { stride: [1, 1], dilation: [1, 1], inputDilation: [1, 1], padLow: [1, 1] } as const

test.each<[string, Kernel, readonly number[], Target['family'] | 'quad' | 'subgroups' | 'halves']>([
  ['map-vector', { kind: 'map', program: relu, params: [], inputs: [f32(8, 16), { ...f32(8, 16), strides: [0, 1] }], outputs: [f32(8, 16)] }, [0, 1, 0], 'shared'],
  ['map-ragged', { kind: 'map', program: program([S.tanh(x)], ['float32']), params: [], inputs: [f32(7)], outputs: [f32(7)] }, [0, 1], 'shared'],
  ['map-strided', { kind: 'map', program: program([S.cast(x, 'int32'), S.index()], ['float32']), params: [], inputs: [permuteView(f32(5, 3), [1, 0])], outputs: [contiguousView('int32', [3, 5]), contiguousView('int32', [3, 5])] }, [0, 1, 0], 'shared'],
  ['map-halves', { kind: 'map', program: relu, params: [], inputs: [{ ...f32(7), dtype: 'float16' }, { ...f32(7), strides: [0] }], outputs: [{ ...f32(7), dtype: 'bfloat16' }] }, [0, 1, 2], 'shared'],
  ['map-halves-known', { kind: 'map', program: relu, params: [], inputs: [{ ...f32(7), dtype: 'float16' }, { ...f32(7), dtype: 'float16', strides: [0] }], outputs: [{ ...f32(7), dtype: 'float16' }] }, [0, 1, 0], 'halves'],
  ['map-halves-scattered', { kind: 'map', program: relu, params: [], inputs: [{ ...f32(3, 5), dtype: 'float16', strides: [1, 3] }, { ...f32(3, 5), strides: [0, 0] }], outputs: [{ ...f32(3, 5), dtype: 'float16' }] }, [0, 1, 2], 'halves'],
  ['map-halves-beside-words', { kind: 'map', program: relu, params: [], inputs: [{ ...f32(4), dtype: 'float16' }, f32(4)], outputs: [{ ...f32(4), dtype: 'float16' }] }, [0, 1, 1], 'halves'],
  ['map-bytes', { kind: 'map', program: program([S.add(S.input(0, 'uint8'), 1)], ['uint8']), params: [], inputs: [{ ...f32(3, 5), dtype: 'uint8' }], outputs: [{ ...f32(3, 5), dtype: 'uint8', strides: [1, 3] }] }, [0, 0], 'shared'],
  ['reduce-thread', { kind: 'reduce', op: 'argmin', inputs: [f32(6, 9)], outputs: [contiguousView('int32', [6])] }, [0, 1], 'register'],
  ['reduce-group', { kind: 'reduce', op: 'argmax', inputs: [f32(6, 900)], outputs: [contiguousView('int32', [6])] }, [0, 1], 'shared'],
  ['matmul-register', { kind: 'matmul', inputs: [f32(4, 8), f32(8, 4)], outputs: [f32(4, 4)] }, [0, 1, 2], 'register'],
  ['matmul-quad', { kind: 'matmul', inputs: [f32(16, 8), f32(8, 20)], outputs: [f32(16, 20)] }, [0, 1, 2], 'quad'],
  ['matmul-shared', { kind: 'matmul', inputs: [f32(30, 40), f32(40, 20)], outputs: [f32(30, 20)] }, [0, 1, 2], 'shared'],
  ['conv-register', { kind: 'conv', ...plane, inputs: [f32(1, 2, 3, 6, 6), f32(1, 4, 3, 3, 3)], outputs: [f32(1, 2, 4, 6, 6)] }, [0, 1, 2], 'register'],
  ['factor-lu', { kind: 'factor', op: 'lu', strict: 'linalg.inv', inputs: [f32(2, 5, 5)], outputs: [f32(2, 5, 5), contiguousView('int32', [2, 5]), contiguousView('int32', [2])] }, [0, 1, 2, 3], 'shared'],
  ['gather', { kind: 'gather', axis: 0, inputs: [f32(9, 4), contiguousView('int32', [3, 4])], outputs: [f32(3, 4)] }, [0, 1, 2], 'shared'],
  ['rows-softmax-thread', { kind: 'rows', axes: 1, stages: softmaxStages, results: [4], inputs: [f32(6, 12)], outputs: [f32(6, 12)] }, [0, 1], 'register'],
  ['rows-softmax-team', { kind: 'rows', axes: 1, stages: softmaxStages, results: [4], inputs: [f32(6, 120)], outputs: [f32(6, 120)] }, [0, 1], 'shared'],
  ['rows-sum-subgroups', { kind: 'rows', axes: 1, stages: [stage([S.mul(x, x)], ['sum'])], results: [1], inputs: [f32(6, 900)], outputs: [f32(6)] }, [0, 1], 'subgroups'],
  ['rows-chunks', { kind: 'rows', axes: 2, stages: [stage([S.mul(x, y)], ['sum']), stage([S.neg(S.input(2, 'float32'))])], results: [3], inputs: [f32(90, 100), f32(90, 100)], outputs: [f32()] }, [0, 1, 2], 'register'],
  ['matmul-epilogue', { kind: 'matmul', epilogue: { program: relu, params: [] }, inputs: [f32(4, 8), f32(8, 4), { ...f32(4, 4), strides: [0, 1] }], outputs: [f32(4, 4)] }, [0, 1, 2, 3], 'register'],
])('%s', async (name, kernel, slots, family) => {
  await loadLowerings()
  const target: Target = family === 'quad' ? { family: 'register', quads: true } : {
    family: family === 'register' ? family : 'shared', quads: false, subgroups: family === 'subgroups', halves: family === 'halves',
  }
  const { jobs } = lower(kernel, slots, target)
  await expect(jobs.map(job => `// ${job.key}\n${job.source()}`).join('\n')).toMatchFileSnapshot(`shaders/${name}.wgsl`)
})
