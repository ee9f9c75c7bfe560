// The record of constant folding; what it does is in fold.ts, which runs after the phases because it needs the device.
import type { Rewrite } from './rewrite.ts'

export const folding: Rewrite = {
  name: 'constant-folding', phase: 'specialise', rule: 'f(numbers) → numbers', when: 'all operands were written down in the code; at most 2²⁰ elements', rounds: false, ops: [],
  apply: () => null,
}
