// 16-bit floats in words: what the opcodes that widen and narrow them do to four elements. Rounding is to nearest, ties to even.

/** Its exponent is 15 less biased, so a product with 2¹¹² sets it right, subnormals included; only infinity and NaN are left. */
export class HalfToFloat {
  @inline of(h: v128): v128 {
    const magnitude = i32x4.shl(v128.and(h, i32x4.splat(0x7fff)), 13)
    const scaled = f32x4.mul(magnitude, i32x4.splat(0x77800000))
    const endless = v128.and(i32x4.gt_s(magnitude, i32x4.splat(0x0f7fffff)), i32x4.splat(0x7f800000))
    return v128.or(v128.or(scaled, endless), i32x4.shl(v128.and(h, i32x4.splat(0x8000)), 16))
  }
}

/** Adding ½ to a number that will be subnormal lets the hardware round it: the last bit of the sum is 2⁻²⁴. */
export class FloatToHalf {
  @inline of(x: v128): v128 {
    const a = v128.and(x, i32x4.splat(0x7fffffff))
    const odd = v128.and(i32x4.shr_u(a, 13), i32x4.splat(1))
    const normal = i32x4.shr_u(i32x4.add(i32x4.add(a, odd), i32x4.splat(0xfff - (112 << 23))), 13)
    const small = i32x4.sub(f32x4.add(a, f32x4.splat(0.5)), i32x4.splat(0x3f000000))
    const finite = v128.bitselect(small, normal, i32x4.lt_s(a, i32x4.splat(113 << 23)))
    const endless = v128.or(i32x4.splat(0x7c00), v128.and(i32x4.gt_s(a, i32x4.splat(0x7f800000)), i32x4.splat(0x200)))
    const h = v128.bitselect(endless, finite, i32x4.gt_s(a, i32x4.splat(0x477fffff)))
    return v128.or(h, i32x4.shl(i32x4.shr_u(x, 31), 15))
  }
}

export class BfloatToFloat { @inline of(h: v128): v128 { return i32x4.shl(h, 16) } }

export class FloatToBfloat {
  @inline of(x: v128): v128 {
    const odd = v128.and(i32x4.shr_u(x, 16), i32x4.splat(1))
    const rounded = i32x4.add(i32x4.add(x, odd), i32x4.splat(0x7fff))
    const isNumber = f32x4.eq(x, x)
    return i32x4.shr_u(v128.bitselect(rounded, v128.or(x, i32x4.splat(0x400000)), isNumber), 16)
  }
}
