// A matrix product at work: the payload as src/backend/wasm/encode-matmul.ts writes it, and what its tasks hand to each other.

/** The payload. Strides are in bytes; `batch` is followed by rank, sizes, and the strides of A, B and C. */
@unmanaged
export class Product {
  m: i32
  n: i32
  k: i32
  aRow: i32
  aColumn: i32
  bRow: i32
  bColumn: i32
  cRow: i32
  cColumn: i32
  way: i32
  kc: i32
  nc: i32
  split: i32
  first: i32 // the view that is A: 1 when the encoder has turned the product round
  batch: i32
  batchRank: i32
}
export const BATCH_SIZES: usize = offsetof<Product>()

export const PACKED: i32 = 0
export const SMALL: i32 = 1
export const ROWS: i32 = 2 // a few rows times a matrix with rows side by side
export const DOTS: i32 = 3 // a row times a matrix with columns side by side
export const ZERO: i32 = 4 // nothing to add up

export const ALONE: i32 = 0
export const INSIDE: i32 = 1 // threads share each product
export const BATCH: i32 = 2 // threads share the batch

/** One product at work. */
@unmanaged
export class Block {
  p: Product
  a: usize
  b: usize
  c: usize
  aside: usize // sums of all parts of k but the first
  across: i32 // parts across of the grid that threads share
  from: i32 // the columns of each part and the steps of k that it is about
  step: i32
  taken: usize // for each part, how many of its strips are taken
}
