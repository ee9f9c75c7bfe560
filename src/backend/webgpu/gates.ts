// Kernels of a branch are dispatched indirectly: the workgroups that each has are put into a buffer by a small kernel that looks at the
// condition, the real numbers or zeros. So a branch that is not taken costs its gate and nothing more, and nobody reads the condition back.
import type { Block, Launch } from '../backend.ts'
import { wholeStore, type Store } from './pool.ts'
import { gridOfThreads, Memory, printShader, type Field, type Job } from './wgsl.ts'

const WORDS = 3

/** A bool in memory. */
interface Condition {
  readonly block: Block
  readonly offset: number
}
/** What a launch waits for. */
export const conditionOf = ({ kernel, blocks }: Launch): Condition | null => (kernel.kind === 'when' ? { block: blocks[0], offset: kernel.inputs[0].offset } : null)
export const sameCondition = (a: Condition | null | undefined, b: Condition | null | undefined): boolean => a?.block === b?.block && a?.offset === b?.offset

/** Where a dispatch finds its workgroups. */
export interface Gate {
  readonly buffer: GPUBuffer
  readonly offset: number
}

let made = 0
const storeOf = (buffer: GPUBuffer): Store => wholeStore(buffer, -2 - made++)

/** The gates of one list of launches. */
export class Gates {
  readonly #counts: number[] = []
  #stores: readonly [wanted: Store, open: Store] | null = null

  constructor(private readonly device: GPUDevice) {}

  get size(): number {
    return this.#counts.length / WORDS
  }

  /** A place for a dispatch of so many workgroups. */
  put(groups: readonly [number, number, number]): number {
    return this.#counts.push(...groups) / WORDS - 1
  }

  /** What each dispatch has, and what it gets. */
  get stores(): readonly [wanted: Store, open: Store] {
    if (this.#stores) return this.#stores
    const size = this.#counts.length * 4
    const wanted = this.device.createBuffer({ size, usage: GPUBufferUsage.STORAGE, mappedAtCreation: true })
    new Uint32Array(wanted.getMappedRange()).set(this.#counts)
    wanted.unmap()
    const open = this.device.createBuffer({ size, usage: GPUBufferUsage.STORAGE | GPUBufferUsage.INDIRECT })
    return (this.#stores = [storeOf(wanted), storeOf(open)])
  }

  at(dispatch: number): Gate {
    return { buffer: this.stores[1].buffer, offset: dispatch * WORDS * 4 }
  }

  dispose(): void {
    for (const { buffer } of this.#stores ?? []) buffer.destroy()
  }
}

/** Opens or closes `count` dispatches from `first` on. Its blocks: the condition, what the dispatches have, what they get. */
export function gateJob(offset: number, first: number, count: number): Job {
  const fields: Field[] = [['at', offset], ['first', WORDS * first], ['words', WORDS * count]]
  const memory = new Memory(['bool', 'bool', 'bool'], [0, 1, 2])
  return {
    key: 'when', fields, slots: [0, 1, 2], groups: gridOfThreads(WORDS * count),
    source: () => printShader({ fields, memory, body: 'if (i >= p.words) { return; }\nb2[p.first + i] = select(0u, b1[p.first + i], b0[p.at] != 0u);' }),
  }
}
