// Records of what is done after the phases, which needs the device: constant folding (fold.ts) and computing values again (../remat.ts).
import type { Rewrite } from './rewrite.ts'

export const folding: Rewrite = {
  name: 'constant-folding', phase: 'specialise', rule: 'f(numbers) → numbers', when: 'all operands were written down in the code; at most 2²⁰ elements', rounds: false, ops: [],
  apply: () => null,
}

/** What explain() says of each node that is computed a second time. */
export const rematerialise: Rewrite = {
  name: 'rematerialise', phase: 'plan', rule: 'x kept → x computed again when it is needed', when: 'the budget of memory asks for it', rounds: false, ops: [],
  apply: () => null,
}
