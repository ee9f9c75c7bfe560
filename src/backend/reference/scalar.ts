// What each intrinsic means, in float64, and the evaluation of a scalar program for one element.
import type { ScalarType } from '../../core/dtype.ts'
import { internal } from '../../core/errors.ts'
import { roundEven } from '../../core/storage.ts'
import type { Intrinsic, Program } from '../../ir/scalar.ts'
import { erf, floorDiv, floorMod, pow, sigmoid, threefry } from './math.ts'

type Rule = (a: number, b: number, c: number) => number

/** One rule for all dtypes, or one for each where they differ. Results of dtype int32 are wrapped afterwards. */
const rules: Record<Intrinsic, Rule | { readonly [T in ScalarType]?: Rule }> = {
  neg: a => -a,
  abs: Math.abs,
  sign: a => Number(a > 0) - Number(a < 0),
  floor: Math.floor,
  ceil: Math.ceil,
  trunc: Math.trunc,
  round: roundEven,
  sqrt: Math.sqrt,
  exp: Math.exp,
  expm1: Math.expm1,
  log: Math.log,
  log1p: Math.log1p,
  log2: Math.log2,
  sin: Math.sin,
  cos: Math.cos,
  tan: Math.tan,
  asin: Math.asin,
  acos: Math.acos,
  atan: Math.atan,
  sinh: Math.sinh,
  cosh: Math.cosh,
  tanh: Math.tanh,
  asinh: Math.asinh,
  acosh: Math.acosh,
  atanh: Math.atanh,
  sigmoid,
  erf,
  not: { int32: a => ~a, bool: a => 1 - a },
  add: (a, b) => a + b,
  sub: (a, b) => a - b,
  mul: { float32: (a, b) => a * b, int32: Math.imul },
  div: (a, b) => a / b,
  floorDiv: { float32: floorDiv, int32: (a, b) => (b === 0 ? 0 : Math.floor(a / b)) },
  mod: { float32: floorMod, int32: (a, b) => (b === 0 ? 0 : floorMod(a, b)) },
  rem: { float32: (a, b) => a % b, int32: (a, b) => (b === 0 ? 0 : a % b) },
  pow,
  atan2: Math.atan2,
  min: (a, b) => Math.min(a, b),
  max: (a, b) => Math.max(a, b),
  and: (a, b) => a & b,
  or: (a, b) => a | b,
  xor: (a, b) => a ^ b,
  shl: (a, b) => a << b,
  shr: (a, b) => a >> b,
  shru: (a, b) => a >>> b,
  eq: (a, b) => Number(a === b),
  ne: (a, b) => Number(a !== b),
  lt: (a, b) => Number(a < b),
  le: (a, b) => Number(a <= b),
  gt: (a, b) => Number(a > b),
  ge: (a, b) => Number(a >= b),
  select: (c, a, b) => (c ? a : b),
  randomBits: (k0, k1, n) => threefry(k0, k1, n, 0)[0],
}

function ruleOf(op: Intrinsic, dtype: ScalarType): Rule {
  const rule = rules[op]
  if (typeof rule === 'function') return rule
  return rule[dtype === 'float64' ? 'float32' : dtype] ?? internal(`${op} means nothing for ${dtype}`)
}

/** A number as a value of `dtype`: int32 truncates and saturates (NaN gives 0), bool is ≠ 0, float32 stays as it is. */
export function castTo(dtype: ScalarType, v: number): number {
  if (dtype === 'float32' || dtype === 'float64') return v
  if (dtype === 'bool') return Number(v !== 0)
  return Number.isNaN(v) ? 0 : Math.max(-(2 ** 31), Math.min(2 ** 31 - 1, Math.trunc(v))) + 0
}

/** Room for the values of each step for n elements; numbers that are the same for all are there already. */
export const valuesOf = (program: Program, params: ArrayLike<number>, n: number): Float64Array[] =>
  program.steps.map(({ op, index = 0, value = 0 }) => new Float64Array(n).fill(op === 'param' ? params[index] : value))

/** Runs a program on n elements, the first of which has the row-major position `first`; the values of its inputs are given. */
export function evaluateBlock(program: Program, values: readonly Float64Array[], first: number, n: number): void {
  program.steps.forEach(({ op, dtype, args }, k) => {
    const to = values[k]
    if (op === 'input' || op === 'param' || op === 'const') return
    if (op === 'index') {
      for (let i = 0; i < n; i++) to[i] = first + i
      return
    }
    const a = values[args[0]]
    if (op === 'cast') {
      for (let i = 0; i < n; i++) to[i] = castTo(dtype, a[i])
      return
    }
    const rule = ruleOf(op, dtype)
    const [b, c] = [values[args[1] ?? args[0]], values[args[2] ?? args[0]]]
    if (dtype === 'int32') for (let i = 0; i < n; i++) to[i] = rule(a[i], b[i], c[i]) | 0
    else for (let i = 0; i < n; i++) to[i] = rule(a[i], b[i], c[i])
  })
}

/** The results of a program for one element; `index` is the element's row-major position. */
export function evaluate(program: Program, inputs: ArrayLike<number>, params: ArrayLike<number> = [], index = 0): number[] {
  const values = valuesOf(program, params, 1)
  program.steps.forEach((s, k) => s.op === 'input' && (values[k][0] = inputs[s.index!]))
  evaluateBlock(program, values, index, 1)
  return program.outputs.map(at => values[at][0])
}
