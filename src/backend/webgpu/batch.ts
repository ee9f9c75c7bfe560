// batch: a dispatch for each map.
import { mapsOf, type BatchKernel } from '../../ir/kernel.ts'
import { lowerMap } from './map.ts'
import type { Work } from './wgsl.ts'

export function lowerBatch(kernel: BatchKernel, slots: readonly number[]): Work {
  const [n, m] = [kernel.program.inputs.length, kernel.program.outputs.length]
  const works = mapsOf(kernel).map((map, k) => lowerMap(map, [...slots.slice(k * n, (k + 1) * n), ...slots.slice(kernel.inputs.length + k * m, kernel.inputs.length + (k + 1) * m)]))
  return { jobs: works.flatMap(w => w.jobs), scratch: [] }
}
