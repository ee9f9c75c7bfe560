// How a rows kernel walks, and where operands of its stages lie; also read by src/backend/wasm/encode-rows.ts.
export enum RowsWay {
  /** Runs along a row. */
  lines,
  /** Runs across rows, several elements of each row folded at a time. */
  columns,
  /** The same for rows so short that their elements are folded one by one. */
  blocks,
  /** Along rows by a function that was made for the kernel. */
  made,
}

export enum StageKind {
  /** A value for every element. */
  map,
  /** Values for every element, folded over the row. */
  reduce,
  /** Values computed once a row. */
  once,
}

export enum Place {
  view,
  /** Values of every element of a row, or of a block of rows. */
  buffer,
  /** One value a row. */
  slot,
}
