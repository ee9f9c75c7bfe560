// How a reduction walks; also read by src/backend/wasm/encode-reduce.ts.
export enum Way {
  /** Each output folds its own run of memory. */
  lines,
  /** Neighbouring outputs fold whole rows. */
  columns,
  /** Blocks of outputs take one element each at a time. */
  blocks,
  /** Windows of pairs that lie side by side. */
  pairs,
  /** The same, but columns, for positions of extremes. */
  positionsByLines,
  positionsByBlocks,
  positionsByPairs,
}

/** Elements of a block of outputs. */
export const BLOCK = 512
