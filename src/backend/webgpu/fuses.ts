// Which joint kernels this backend runs well as one.
import { mapsOf, type Body, type Kernel } from '../../ir/kernel.ts'
import { walk } from './batch.ts'
import { isNarrow } from './narrow.ts'
import { rowsFit } from './rows.ts'
import type { Target } from './wgsl.ts'

/** Steps beyond which shaders take long to compile. */
const LONGEST = 256

const isShort = (bodies: readonly Body[]): boolean => bodies.reduce((n, { program }) => n + program.steps.length, 0) <= LONGEST

/** `blocks` counts the different blocks of the operands, `limit` how many a shader may have. */
export function fuses(kernel: Kernel, blocks: number, limit: number, target: Target): boolean {
  if (blocks > limit) return false
  switch (kernel.kind) {
    case 'batch':
      return mapsOf(kernel).every(walk)
    case 'map':
      return isShort([kernel])
    case 'rows':
      return isShort(kernel.stages) && rowsFit(kernel, blocks, limit, target)
    case 'matmul':
    case 'conv':
      // Epilogues store single words, and do not know at which place of the result they are.
      return !kernel.epilogue || (
        isShort([kernel.epilogue]) && !kernel.epilogue.program.steps.some(s => s.op === 'index') && ![...kernel.inputs, ...kernel.outputs].some(v => isNarrow(v.dtype)))
    default:
      return true
  }
}
