// Times of launches on the graphics device: each runs in a pass of its own, which writes a timestamp as it begins and one as it ends.
import type { Block, Prepared, TimedPrepared } from '../backend.ts'
import type { Queue } from './queue.ts'

/** A query set has room for 4096 timestamps, two a launch. */
const MOST = 2048
const STAMP = 8

/** `parts` are the launches, prepared one by one. */
export function timed(device: GPUDevice, queue: Queue, parts: readonly Prepared[]): TimedPrepared {
  const sets = Array.from({ length: Math.ceil(parts.length / MOST) }, (_, i) => {
    const count = 2 * Math.min(MOST, parts.length - i * MOST)
    return { count, set: device.createQuerySet({ type: 'timestamp', count }), resolved: device.createBuffer({ size: count * STAMP, usage: GPUBufferUsage.QUERY_RESOLVE | GPUBufferUsage.COPY_SRC }) }
  })
  return {
    run(swap?: ReadonlyMap<Block, Block>) {
      parts.forEach((part, i) => {
        const at = 2 * (i % MOST)
        queue.begin({ querySet: sets[Math.floor(i / MOST)].set, beginningOfPassWriteIndex: at, endOfPassWriteIndex: at + 1 })
        part.run(swap)
      })
      const encoder = device.createCommandEncoder()
      const stagings = sets.map(({ set, count, resolved }) => {
        const staging = device.createBuffer({ size: count * STAMP, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST })
        encoder.resolveQuerySet(set, 0, count, resolved, 0)
        encoder.copyBufferToBuffer(resolved, 0, staging, 0, count * STAMP)
        return staging
      })
      device.queue.submit([encoder.finish()])
      return stamps(stagings)
    },
    dispose() {
      for (const part of parts) part.dispose()
      for (const { set, resolved } of sets) {
        set.destroy()
        resolved.destroy()
      }
    },
  }
}

/** Nanoseconds come in pairs of 64 bits; a clock that was set anew in between gives 0. */
async function stamps(stagings: readonly GPUBuffer[]): Promise<Float64Array> {
  const ms: number[] = []
  for (const staging of stagings) {
    await staging.mapAsync(GPUMapMode.READ)
    const ns = new BigUint64Array(staging.getMappedRange())
    for (let i = 0; i < ns.length; i += 2) ms.push(ns[i + 1] > ns[i] ? Number(ns[i + 1] - ns[i]) / 1e6 : 0)
    staging.destroy()
  }
  return Float64Array.from(ms)
}
