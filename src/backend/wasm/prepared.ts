// A fixed list of launches, laid out once as descriptors in wasm memory and run by one call. Another block in the place of one
// is a patch of the words that hold its address.
import { WORD } from '../../core/dtype.ts'
import { internal } from '../../core/errors.ts'
import type { Block, Launch, Prepared } from '../backend.ts'
import { Writer } from './encode.ts'
import { encode, HEADER } from './kinds.ts'
import type { Kernel } from '../../ir/kernel.ts'
import type { Heap, WasmBlock } from './memory.ts'

/** What a plan needs of its backend. */
export interface PlanHost {
  readonly heap: Heap
  executePlan(list: number, n: number): number
  /** Gives memory back, also after the end of the device. */
  release(block: WasmBlock): void
  /** Gives every thread scratch memory of at least `bytes`. */
  growScratch(bytes: number): void
  /** Throws the error that the kernel just run has left behind. */
  raise(kernel: Kernel): never
}

export function preparePlan(backend: PlanHost, launches: readonly Launch[]): Prepared {
  const w = new Writer()
  /** Where the words lie that hold an address inside a block. */
  const uses = new Map<Block, number[]>()
  for (const { kernel, blocks } of launches) {
    const start = w.length
    encode(kernel, blocks, w)
    blocks.forEach((block, i) => {
      const list = uses.get(block)
      if (list) list.push(start + HEADER + i)
      else uses.set(block, [start + HEADER + i])
    })
  }
  backend.growScratch(w.scratchBytes)
  const list = backend.heap.alloc(w.length * WORD)
  backend.heap.write(list.address, w.words.subarray(0, w.length))

  const move = (from: Block, distance: number): void => {
    const words = backend.heap.i32
    for (const at of uses.get(from) ?? []) words[list.address / WORD + at] += distance
  }
  const distance = (from: Block, to: Block): number => (to as WasmBlock).address - (from as WasmBlock).address

  return {
    run(swap) {
      if (!list.live) internal('a plan was run after dispose()')
      swap?.forEach((to, from) => {
        if (to.bytes < from.bytes) internal(`a block of ${to.bytes} bytes was swapped in for one of ${from.bytes}`)
      })
      swap?.forEach((to, from) => move(from, distance(from, to)))
      const failed = backend.executePlan(list.address, launches.length)
      swap?.forEach((to, from) => move(from, -distance(from, to)))
      if (failed >= 0) backend.raise(launches[failed].kernel)
    },
    dispose() {
      if (list.live) backend.release(list)
    },
  }
}
