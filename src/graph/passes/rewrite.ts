// What a rewrite is: a record that says what it does, when, and how.
import type { Op } from '../../ops/op.ts'
import type { Value } from '../graph.ts'
import type { LiveNode, Rewriter } from './rewriter.ts'

export const phases = ['merge', 'canonicalise', 'stabilise', 'specialise', 'fuse', 'plan'] as const
export type Phase = (typeof phases)[number]

/** Values and what takes their places, of the same shape and dtype. */
export type Replacement = readonly (readonly [from: Value, to: Value])[]

export interface Rewrite {
  readonly name: string
  readonly phase: Phase
  /** before → after */
  readonly rule: string
  /** What must hold besides the pattern. */
  readonly when: string
  /** Whether results may differ in rounding (or be better where the formula overflows). Else they are the same bits, the sign of a zero apart. */
  readonly rounds: boolean
  /** Only where it is included by name. */
  readonly optional?: boolean
  /** Records of the nodes that it looks at; absent: all. */
  readonly ops?: readonly Op[]
  /** What takes the place of the node's first output, or of several values; or null. */
  apply(node: LiveNode, t: Rewriter): Value | Replacement | null
}
