// A fixed list of launches, laid out once as descriptors in wasm memory and run by one call, or by one for each stretch between kernels
// over float64 and those of branches, which run only if their condition holds. Another block in the place of one is a patch of the words
// that hold its address.
import { WORD } from '../../core/dtype.ts'
import { internal } from '../../core/errors.ts'
import type { Block, DeviceInfo, Launch, Prepared } from '../backend.ts'
import { inPlace } from '../failures.ts'
import { Writer } from './encode.ts'
import type { Functions } from './emit/functions.ts'
import { runFloat64, usesFloat64 } from './float64.ts'
import { encode, HEADER } from './kinds.ts'
import type { Kernel } from '../../ir/kernel.ts'
import { innerOf } from '../../ir/when.ts'
import type { Heap, WasmBlock } from './memory.ts'

/** What a plan needs of its backend. */
export interface PlanHost {
  readonly heap: Heap
  readonly functions: Functions
  readonly info: DeviceInfo
  executePlan(list: number, n: number): number
  /** Gives memory back, also after the end of the device. */
  release(block: WasmBlock): void
  /** Gives every thread scratch memory of at least `bytes`, and the calling one of at least `caller`. */
  growScratch(bytes: number, caller: number): void
  /** Throws the error that the kernel just run has left behind. */
  raise(kernel: Kernel): never
}

/** A bool in memory. */
interface Condition {
  readonly block: Block
  readonly offset: number
}

/** Launches from `first` on whose descriptors begin at word `at`; or one that runs in JavaScript. They run if the condition holds. */
interface Stretch {
  readonly at: number
  readonly first: number
  readonly when: Condition | null
  count: number
}
interface Alone {
  readonly kernel: Kernel
  readonly blocks: readonly Block[]
  readonly when: Condition | null
}

export function preparePlan(backend: PlanHost, launches: readonly Launch[]): Prepared {
  const w = new Writer(backend.functions, backend.info.threads, true)
  /** Where the words lie that hold an address inside a block. */
  const uses = new Map<Block, number[]>()
  const parts: (Stretch | Alone)[] = []
  launches.forEach((launch, i) => {
    const kernel = innerOf(launch.kernel)
    const branched = launch.kernel !== kernel
    const blocks = branched ? launch.blocks.slice(1) : launch.blocks
    const when = branched ? { block: launch.blocks[0], offset: launch.kernel.inputs[0].offset } : null
    if (usesFloat64(kernel)) return void parts.push({ kernel, blocks, when })
    const start = w.length
    const last = parts.at(-1)
    if (last && 'count' in last && last.when?.block === when?.block && last.when?.offset === when?.offset) last.count++
    else parts.push({ at: start, first: i, when, count: 1 })
    encode(kernel, blocks, w)
    blocks.forEach((block, i) => {
      const list = uses.get(block)
      if (list) list.push(start + HEADER + i)
      else uses.set(block, [start + HEADER + i])
    })
  })
  w.functions.finish()
  backend.growScratch(w.scratchBytes, w.callerBytes)
  const list = backend.heap.alloc(w.length * WORD)
  backend.heap.write(list.address, w.words.subarray(0, w.length))

  const move = (from: Block, distance: number): void => {
    const words = backend.heap.i32
    for (const at of uses.get(from) ?? []) words[list.address / WORD + at] += distance
  }
  const holds = ({ block, offset }: Condition, swap?: ReadonlyMap<Block, Block>): boolean =>
    backend.heap.i32[((swap?.get(block) ?? block) as WasmBlock).address / WORD + offset] !== 0
  const distance = (from: Block, to: Block): number => (to as WasmBlock).address - (from as WasmBlock).address

  return {
    run(swap) {
      if (!list.live) internal('a plan was run after dispose()')
      swap?.forEach((to, from) => {
        if (to.bytes < from.bytes) internal(`a block of ${to.bytes} bytes was swapped in for one of ${from.bytes}`)
      })
      swap?.forEach((to, from) => move(from, distance(from, to)))
      try {
        for (const part of parts) {
          if (part.when && !holds(part.when, swap)) continue
          if ('kernel' in part) inPlace(part.kernel, () => runFloat64(part.kernel, swap ? part.blocks.map(b => swap.get(b) ?? b) : part.blocks, backend.heap))
          else {
            const failed = backend.executePlan(list.address + part.at * WORD, part.count)
            if (failed < 0) continue
            const kernel = innerOf(launches[part.first + failed].kernel)
            inPlace(kernel, () => backend.raise(kernel))
          }
        }
      } finally {
        swap?.forEach((to, from) => move(from, -distance(from, to)))
      }
    },
    dispose() {
      if (list.live) backend.release(list)
    },
  }
}
