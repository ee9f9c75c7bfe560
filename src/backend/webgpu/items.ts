// Batches of matrices as shaders see them: which item a workgroup or a thread works on, and where its elements lie.
import { numel } from '../../core/shape.ts'
import { collapse, contiguousView, type View } from '../../core/view.ts'
import { factorRanks, type FactorKernel } from '../../ir/kernel.ts'
import { dot, gridOfGroups, gridOfThreads, Memory, printShader, unravel, type Field, type Job } from './wgsl.ts'

export const sizesOf = ({ inputs, outputs }: FactorKernel) => {
  const [m, n] = inputs[0].shape.slice(-2)
  return { m, n, last: inputs.at(-1)!.shape.at(-1) ?? 1, out: outputs[0].shape.at(-1) ?? 1 }
}

export interface Scratch {
  readonly rows: number
  readonly columns: number
  readonly slot: number
}

/** The operands of a factorisation, then scratch matrices, each one for each item. */
export class Items {
  readonly count: number
  readonly #views: readonly View[]
  readonly #batchAxes: number
  readonly #batch: readonly number[]
  readonly #over: readonly (readonly number[])[]
  readonly #slots: readonly number[]

  constructor(kernel: FactorKernel, slots: readonly number[], scratch: readonly Scratch[] = []) {
    const first = kernel.inputs[0].shape
    this.#batchAxes = first.length - factorRanks[kernel.op].inputs[0]
    const batch = first.slice(0, this.#batchAxes)
    this.count = numel(batch)
    this.#views = [...kernel.inputs, ...kernel.outputs, ...scratch.map(s => contiguousView('float32', [...batch, s.rows, s.columns]))]
    this.#slots = [...slots, ...scratch.map(s => s.slot)]
    const { shape, strides } = collapse(batch, this.#views.map(v => v.strides.slice(0, this.#batchAxes)))
    this.#batch = shape
    this.#over = strides
  }

  /**
   * A job over some of the operands, by number. `print` is given the readers and writers of elements; in its text `item` is the item. One
   * workgroup has each item; or `parts` workgroups, or as many threads, and `own` is the number among them.
   */
  job(name: string, uses: readonly number[], more: readonly Field[], print: (get: Get, set: Set) => { head?: string; body: string }, unit: 'groups' | 'threads' = 'groups', parts = 1): Job {
    const memory = new Memory(uses.map(k => this.#views[k].dtype), uses.map(k => this.#slots[k]))
    const rank = this.#batch.length
    const fields: Field[] = [['items', this.count], ['parts', parts], ['d', this.#batch]]
    for (const k of uses) {
      const { offset, strides } = this.#views[k]
      fields.push([`v${k}`, offset], [`s${k}`, this.#over[k]], [`r${k}`, strides[this.#batchAxes] ?? 0], [`c${k}`, strides[this.#batchAxes + 1] ?? 0])
    }
    fields.push(...more)
    const at = (k: number, r: string, c: string): string => `x${k} + (${r}) * p.r${k} + (${c}) * p.c${k}`
    const get: Get = (k, r = '0u', c = '0u') => memory.load(uses.indexOf(k), at(k, r, c))
    const set: Set = (k, value, r = '0u', c = '0u') => memory.store(uses.indexOf(k), at(k, r, c), value)
    const source = (): string => {
      const { head, body } = print(get, set)
      return printShader({
        fields, memory, head,
        body: `let item = ${unit === 'threads' ? 'i' : 'group'} / p.parts;
if (item >= p.items) { return; }
let own = ${unit === 'threads' ? 'i' : 'group'} % p.parts;
${unravel('item', rank, 'd', 'c')}
${uses.map(k => `let x${k} = p.v${k} + ${dot(rank, 'c', `s${k}`)};`).join('\n')}
${body}`,
      })
    }
    return { key: `factor ${name} ${rank} ${memory.key}`, source, fields, slots: memory.slots, groups: (unit === 'threads' ? gridOfThreads : gridOfGroups)(this.count * parts) }
  }
}

/** The element of operand k as an expression. */
export type Get = (k: number, row?: string, column?: string) => string
/** A statement that writes it. */
export type Set = (k: number, value: string, row?: string, column?: string) => string
