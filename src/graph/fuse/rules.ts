// The records of fusion; what they do is in index.ts, which works on kernels rather than on nodes.
import type { Rewrite } from '../passes/rewrite.ts'

const rule = (name: string, rule: string, when: string, rounds = false): Rewrite => ({ name, phase: 'fuse', rule, when, rounds, ops: [], apply: () => null })

/** Excluding this one switches fusion off. */
export const fusion: Rewrite = rule('fusion', 'kernels → one kernel', 'the device runs it well as one; all rules of this phase')
export const fusionRules = {
  mapIntoMap: rule('map-into-map', 'f(x) stored, g(f(x)) → g(f(x))', 'the indices of one follow from those of the other; f is read nowhere else, or is a further result over the same elements'),
  recompute: rule('recompute', 'f(x) stored, g(f(x)), h(f(x)) → g(f(x)), h(f(x))', 'f is a number, a copy or a few additions: cheaper than to store and read'),
  mapIntoRows: rule('map-into-rows', 'f(x) stored, sum(f(x)) → sum(f(x))', 'also further results; a reduction may add in another order', true),
  rowsIntoMap: rule('rows-into-map', 's = sum(x) stored, f(x, s) → f(x, sum(x))', 'both go over the same rows, of which there are several', true),
  rowsIntoRows: rule('rows-into-rows', 's = sum(x) stored, sum(f(x, s)) → one pass over the rows', 'both go over the same rows', true),
  epilogue: rule('epilogue', 'x = a @ b stored, f(x) → f(a @ b)', 'a product or a convolution, and a map over all its elements; not where it updates memory in place; the product may add in another order', true),
  siblings: rule('sibling-reductions', 'sum(f(x)), max(g(x)) → one pass over x', 'over the same rows, and each element of x is read', true),
  batch: rule('batch', 'f(x), f(y) → f of both in one kernel', 'maps of one program over tensors of any shapes that do not need each other: the update of all parameters by an optimiser; large ones only where no memory waits for it'),
} as const satisfies Readonly<Record<string, Rewrite>>

export const fusions: readonly Rewrite[] = [fusion, ...Object.values(fusionRules)]
