// What the worker tells the page about the functions that the visitor's program compiled.
import type { GraphDescription, LoggedRewrite } from 'lampas'

/** A compiled function that has been called. */
export interface FunctionEntry {
  readonly id: number
  readonly name: string
  /** How often it was traced: another count means another graph. */
  readonly traces: number
}

export interface Insight {
  readonly id: number
  readonly traces: number
  /** The file whose lines are those of the editor. */
  readonly file: string
  /** As the code was written. */
  readonly before: GraphDescription
  /** After all rewrites, with its kernels and memory. */
  readonly after: GraphDescription
  readonly log: readonly LoggedRewrite[]
  /** Milliseconds of each kernel, where they were measured. */
  readonly ms: readonly number[] | null
}

/** The graph around some rewrites of the log. */
export interface Rewriting {
  readonly id: number
  /** From which to which, counted from the first. */
  readonly from: number
  readonly to: number
  readonly before: GraphDescription
  readonly after: GraphDescription
}
