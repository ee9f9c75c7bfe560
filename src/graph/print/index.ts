// Graphs that one can read: as data, as text, as a picture.
import './describe.ts'

export { toDot, type DotOptions } from './dot.ts'
export { pp } from './formula.ts'
export { debugprint, type DebugprintOptions } from './tree.ts'
export type {
  ConstantDescription, ExternalDescription, GraphDescription, GraphOptions, KernelDescription, MemoryDescription, NodeDescription, PlanDescription, Stage, ValueDescription,
} from './description.ts'
