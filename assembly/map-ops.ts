// The opcodes of the map interpreter. Plain TypeScript too: src/backend/wasm/encode-map.ts imports the same enum.
export enum Op {
  copy, index,
  negF, absF, signF, floor, ceil, trunc, round, sqrt,
  exp, expm1, log, log1p, log2,
  sin, cos, tan, asin, acos, atan, sinh, cosh, tanh, asinh, acosh, atanh, sigmoid, erf,
  addF, subF, mulF, div, floorDivF, modF, remF, pow, atan2, minF, maxF,
  eqF, neF, ltF, leF, gtF, geF,
  negI, absI, signI, notI, notB,
  addI, subI, mulI, floorDivI, modI, remI, minI, maxI, and, or, xor, shl, shr, shru,
  eqI, neI, ltI, leI, gtI, geI,
  floatToInt, intToFloat, floatToBool, intToBool,
  // 16-bit floats, each in a word of its own, from and to float32.
  halfToFloat, bfloatToFloat, floatToHalf, floatToBfloat,
  select, randomBits,
  // Two steps in one pass, each rounded as on its own: a·b + c, a·b − c, c − a·b, a·b·c, (a + b)·c, (a + b) + c, (a − b)·c.
  mulAdd, mulSub, subMul, mulMul, addMul, addAdd, diffMul,
}

/** How the interpreter reaches the elements of a view while it works on a block. */
export enum Access {
  /** In place: the block's elements lie one behind the other. */
  direct,
  /** One element for all. */
  scalar,
  /** One element for each block. */
  rowScalar,
  /** Read into, or written from, a slot. */
  slot,
  /** Read into a slot once, as it is the same for every block. */
  fixedSlot,
  /** Through a slot although its elements lie one behind the other, since they are shorter than a word. */
  packed,
}

/** How a map runs. Programs that are worth a loop of their own get a way of their own here. */
export enum Way {
  interpret,
  /** A copy whose two sides run along different axes. */
  transpose,
  /** By a loop that src/backend/wasm/emit made for the program. */
  emitted,
}
