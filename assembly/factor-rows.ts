// Rows of float64: what factorisations do with them.

@inline
export function get(a: usize, i: i32): f64 {
  return load<f64>(a + (<usize>i << 3))
}

@inline
export function put(a: usize, i: i32, v: f64): void {
  store<f64>(a + (<usize>i << 3), v)
}

/** y ← y + by·x */
export function axpy(y: usize, x: usize, by: f64, n: i32): void {
  const s = f64x2.splat(by)
  const end = y + (<usize>n << 3)
  for (const whole = y + (<usize>(n & ~1) << 3); y < whole; y += 16, x += 16) v128.store(y, f64x2.add(v128.load(y), f64x2.mul(s, v128.load(x))))
  if (y < end) store<f64>(y, load<f64>(y) + by * load<f64>(x))
}

export function dot(x: usize, y: usize, n: i32): f64 {
  let sum = f64x2.splat(0)
  const end = x + (<usize>n << 3)
  for (const whole = x + (<usize>(n & ~1) << 3); x < whole; x += 16, y += 16) sum = f64x2.add(sum, f64x2.mul(v128.load(x), v128.load(y)))
  const total = f64x2.extract_lane(sum, 0) + f64x2.extract_lane(sum, 1)
  return x < end ? total + load<f64>(x) * load<f64>(y) : total
}

/** x ← by·x */
export function scaleBy(x: usize, by: f64, n: i32): void {
  for (const end = x + (<usize>n << 3); x < end; x += 8) store<f64>(x, load<f64>(x) * by)
}

/** x ← x / by */
export function scale(x: usize, by: f64, n: i32): void {
  for (const end = x + (<usize>n << 3); x < end; x += 8) store<f64>(x, load<f64>(x) / by)
}

export function swap(x: usize, y: usize, n: i32): void {
  for (const end = x + (<usize>n << 3); x < end; x += 8, y += 8) {
    const v = load<f64>(x)
    store<f64>(x, load<f64>(y))
    store<f64>(y, v)
  }
}

/** (x, y) ← (c·x − s·y, s·x + c·y) */
export function rotate(x: usize, y: usize, n: i32, c: f64, s: f64): void {
  const cc = f64x2.splat(c), ss = f64x2.splat(s)
  const end = x + (<usize>n << 3)
  for (const whole = x + (<usize>(n & ~1) << 3); x < whole; x += 16, y += 16) {
    const u = v128.load(x), v = v128.load(y)
    v128.store(x, f64x2.sub(f64x2.mul(cc, u), f64x2.mul(ss, v)))
    v128.store(y, f64x2.add(f64x2.mul(ss, u), f64x2.mul(cc, v)))
  }
  if (x < end) {
    const u = load<f64>(x), v = load<f64>(y)
    store<f64>(x, c * u - s * v)
    store<f64>(y, s * u + c * v)
  }
}
