// A batch of maps: their descriptors, one behind the other, each with a loop made for it. The threads share all elements evenly, wherever one map
// ends and the next begins. assembly/batch.ts reads the payload: the header, then descriptors whose addresses it fills in.
import { dtypes, WORD } from '../../core/dtype.ts'
import { numel } from '../../core/shape.ts'
import { mapsOf, type BatchKernel } from '../../ir/kernel.ts'
import { arrange, writeEmitted } from './encode-map.ts'
import { loopCost, placeLoop } from './emit/program.ts'
import type { Writer } from './encode.ts'
import { tasksFor } from './work.ts'

/** Whether its maps walk along their operands, so that the loops are the best that there are. */
export const fusesBatch = (kernel: BatchKernel): boolean =>
  [...kernel.inputs, ...kernel.outputs].every(v => dtypes[v.dtype].bytes === WORD) && mapsOf(kernel).every(map => !arrange(map).forms.includes('strided'))

export function encodeBatch(kernel: BatchKernel, w: Writer): void {
  const { program } = kernel
  const maps = mapsOf(kernel).map(map => {
    const arranged = arrange(map)
    return { map, arranged, size: numel(arranged.shape), cost: loopCost(program, arranged.forms), fn: placeLoop(program, arranged.forms, w.functions) }
  })
  const total = maps.reduce((n, m) => n + m.size, 0)
  const work = maps.reduce((n, m) => n + m.size * m.cost, 0)
  w.list([tasksFor(work, Math.ceil(total / 16)), total, maps.length, program.inputs.length, program.outputs.length, Math.max(...maps.map(m => m.fn))])
  const views = program.inputs.length + program.outputs.length
  for (const { map, arranged } of maps) {
    const start = w.length
    w.list([0, 0, views, ...new Array<number>(views).fill(0)])
    writeEmitted(map, arranged, w)
    w.words[start + 1] = w.length - start
  }
}
