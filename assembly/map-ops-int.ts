// What each opcode on int32 and bool does to four elements, or to one where SIMD has no such instruction. Bools are 0 or 1.
import * as math from './math'

@inline
function one(mask: v128): v128 {
  return v128.and(mask, i32x4.splat(1))
}

export class Copy { @inline of(a: v128): v128 { return a } }
export class NegI { @inline of(a: v128): v128 { return i32x4.neg(a) } }
export class AbsI { @inline of(a: v128): v128 { return i32x4.abs(a) } }
export class SignI { @inline of(a: v128): v128 { return i32x4.max_s(i32x4.min_s(a, i32x4.splat(1)), i32x4.splat(-1)) } }
export class NotI { @inline of(a: v128): v128 { return v128.not(a) } }
export class NotB { @inline of(a: v128): v128 { return v128.xor(a, i32x4.splat(1)) } }
export class IntToBool { @inline of(a: v128): v128 { return one(i32x4.ne(a, i32x4.splat(0))) } }

export class AddI { @inline of(a: v128, b: v128): v128 { return i32x4.add(a, b) } }
export class SubI { @inline of(a: v128, b: v128): v128 { return i32x4.sub(a, b) } }
export class MulI { @inline of(a: v128, b: v128): v128 { return i32x4.mul(a, b) } }
export class MinI { @inline of(a: v128, b: v128): v128 { return i32x4.min_s(a, b) } }
export class MaxI { @inline of(a: v128, b: v128): v128 { return i32x4.max_s(a, b) } }
export class And { @inline of(a: v128, b: v128): v128 { return v128.and(a, b) } }
export class Or { @inline of(a: v128, b: v128): v128 { return v128.or(a, b) } }
export class Xor { @inline of(a: v128, b: v128): v128 { return v128.xor(a, b) } }
export class EqI { @inline of(a: v128, b: v128): v128 { return one(i32x4.eq(a, b)) } }
export class NeI { @inline of(a: v128, b: v128): v128 { return one(i32x4.ne(a, b)) } }
export class LtI { @inline of(a: v128, b: v128): v128 { return one(i32x4.lt_s(a, b)) } }
export class LeI { @inline of(a: v128, b: v128): v128 { return one(i32x4.le_s(a, b)) } }
export class GtI { @inline of(a: v128, b: v128): v128 { return one(i32x4.gt_s(a, b)) } }
export class GeI { @inline of(a: v128, b: v128): v128 { return one(i32x4.ge_s(a, b)) } }

// Division by zero gives 0, and the lowest number divided by −1 wraps: both would trap.
export class RemI { @inline of(a: i32, b: i32): i32 { return b == 0 || b == -1 ? 0 : a % b } }
export class ModI {
  /** The remainder with the sign of the divisor. */
  @inline of(a: i32, b: i32): i32 {
    if (b == 0 || b == -1) return 0
    const r = a % b
    return r != 0 && (r ^ b) < 0 ? r + b : r
  }
}
export class FloorDivI {
  @inline of(a: i32, b: i32): i32 {
    if (b == 0) return 0
    if (b == -1) return -a
    const q = a / b
    return q * b != a && (a ^ b) < 0 ? q - 1 : q
  }
}
// Shift distances are taken modulo 32, as in JavaScript.
export class Shl { @inline of(a: i32, b: i32): i32 { return a << b } }
export class Shr { @inline of(a: i32, b: i32): i32 { return a >> b } }
export class Shru { @inline of(a: i32, b: i32): i32 { return <i32>(<u32>a >> b) } }

export class Select { @inline of(c: v128, a: v128, b: v128): v128 { return v128.bitselect(a, b, i32x4.neg(c)) } }
export class RandomBits { @inline of(k0: v128, k1: v128, n: v128): v128 { return math.threefry(k0, k1, n) } }
