// A graph as plain data: what pictures, texts and saved files of it are made of. It can be written as JSON and read again.
import type { Place } from '../site.ts'

/** As the code was written, after all rewrites, or with kernels and memory. 'expression' is what was written down before there were values. */
export type Stage = 'expression' | 'traced' | 'optimized' | 'plan'
export const stages: readonly Stage[] = ['expression', 'traced', 'optimized', 'plan']

export interface GraphOptions {
  /** Modules (anything with `namedParameters()`) or tensors, whose names the graph should show; names known by themselves need not be given. */
  names?: Readonly<Record<string, unknown>>
  /** At the stage 'optimized': as it is after so many rewrites of `explain().log`. */
  rewrites?: number
}

/** 'n12' is result 0 of node n12, 'n12.1' its result 1, 'x3' external 3, 'c0' constant 0. */
export type ValueId = string

export interface ValueDescription {
  readonly id: ValueId
  /** null: not known before a call (expressions only); so are shape and bytes. */
  readonly dtype: string | null
  readonly shape: readonly number[] | null
  readonly bytes: number | null
}

export interface ExternalDescription extends ValueDescription {
  /** `parameter`: requires a gradient; `state`: other memory that the code reached by itself; `literal`: numbers written in the code. */
  readonly kind: 'argument' | 'parameter' | 'state' | 'literal'
  /** Of an argument or variable, the path of a parameter, the name of a shared variable. */
  readonly name: string | null
  /** Which argument, tensors counted through. */
  readonly argument: number | null
  /** Whether a call changes it. */
  readonly updated: boolean
  /** Of small literals, where the device can be read at once. */
  readonly values?: readonly Plain[]
}

/** A number as JSON can say it. */
export type Plain = number | boolean | 'NaN' | 'Infinity' | '-Infinity'

export interface ConstantDescription {
  readonly id: ValueId
  readonly dtype: string
  readonly value: Plain
}

export interface NodeDescription {
  readonly id: string
  readonly op: string
  /** The name that the user gave the result. */
  readonly name: string | null
  /** Readable, as `{ axes: '[1]' }`. */
  readonly params: Readonly<Record<string, string>>
  readonly inputs: readonly ValueId[]
  readonly outputs: readonly ValueDescription[]
  /** The user's line that built it. */
  readonly site: Place | null
  /** The step of a loop. */
  readonly body?: GraphDescription
}

export interface KernelDescription {
  /** 'k0', 'k1' …, in the order in which they run. */
  readonly id: string
  readonly kind: string
  /** What it computes, as `(a + b) * 2`. */
  readonly text: string
  /** The nodes that it computes; none: a copy that the plan itself needs. */
  readonly nodes: readonly string[]
  readonly reads: readonly string[]
  readonly writes: readonly string[]
  /** Of its first result. */
  readonly shape: readonly number[]
  /** Read and written. */
  readonly bytes: number
  /** An estimate: one for each arithmetic step. */
  readonly flops: number
}

export interface MemoryDescription {
  /** 'm0', 'm1' … */
  readonly id: string
  readonly bytes: number
  readonly kind: 'external' | 'output' | 'own'
  /** Of what comes from outside or is returned. */
  readonly value: ValueId | null
  /** Which kernels touch it, by position: from first to last it is in use. Memory of the plan's own may serve several values. */
  readonly uses: readonly number[]
}

export interface PlanDescription {
  readonly kernels: readonly KernelDescription[]
  readonly memory: readonly MemoryDescription[]
  /** What the plan keeps for itself. */
  readonly bytes: number
}

export interface GraphDescription {
  readonly format: 'lampas-graph'
  readonly version: 1
  readonly name: string
  readonly stage: Stage
  readonly device: string | null
  readonly externals: readonly ExternalDescription[]
  readonly constants: readonly ConstantDescription[]
  /** In an order in which they can run. */
  readonly nodes: readonly NodeDescription[]
  readonly outputs: readonly ValueId[]
  /** What the function's result calls them: 'loss', '0', '' for a single one. */
  readonly outputNames: readonly string[]
  /** State after a call. */
  readonly updates: readonly { readonly external: ValueId; readonly value: ValueId }[]
  /** At stage 'plan'. */
  readonly plan?: PlanDescription
}
