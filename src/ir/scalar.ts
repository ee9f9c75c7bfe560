// Scalar expressions: what a `map` kernel computes for one element. They are built with `S`, flattened to a `Program`
// (plain data, common subexpressions shared), and each backend runs or prints a program through one table of intrinsics.
import type { DType, ScalarType } from '../core/dtype.ts'
import { scalarType } from '../core/dtype.ts'
import { internal } from '../core/errors.ts'

type Accepts = 'float' | 'int' | 'number' | 'bits' | 'any'
interface IntrinsicInfo {
  readonly arity: 1 | 2 | 3
  /** What operands it takes: floats; int32; numbers; int32 or bool; all. Operands have one common dtype (but for `select`). */
  readonly takes: Accepts
  readonly gives: 'same' | 'bool' | 'int32'
}

const unary = (takes: Accepts): IntrinsicInfo => ({ arity: 1, takes, gives: 'same' })
const binary = (takes: Accepts): IntrinsicInfo => ({ arity: 2, takes, gives: 'same' })
const compare: IntrinsicInfo = { arity: 2, takes: 'any', gives: 'bool' }

/**
 * The intrinsics. Meaning where a name leaves doubt: `round` rounds halves to even; `sign` of NaN and of ±0 is 0;
 * `min` and `max` give NaN when either operand is NaN; `rem` is the remainder of truncated division (C `fmod`), `mod` and
 * `floorDiv` go with floored division (Python `%` and `//`); integer arithmetic wraps, integer division by zero gives 0; `shr`
 * copies the sign bit, `shru` shifts in zeros; `and or xor not` are bitwise on int32 and logical on bool; `select(c, a, b)` is
 * a where c, else b; `randomBits(k0, k1, n)` is the first word of Threefry-2x32 with 20 rounds (Salmon et al. 2011) for key
 * (k0, k1) and counter (n, 0).
 */
export const intrinsics = {
  neg: unary('number'), abs: unary('number'), sign: unary('number'),
  floor: unary('float'), ceil: unary('float'), trunc: unary('float'), round: unary('float'),
  sqrt: unary('float'), exp: unary('float'), expm1: unary('float'),
  log: unary('float'), log1p: unary('float'), log2: unary('float'),
  sin: unary('float'), cos: unary('float'), tan: unary('float'),
  asin: unary('float'), acos: unary('float'), atan: unary('float'),
  sinh: unary('float'), cosh: unary('float'), tanh: unary('float'),
  asinh: unary('float'), acosh: unary('float'), atanh: unary('float'),
  sigmoid: unary('float'), erf: unary('float'),
  not: unary('bits'),
  add: binary('number'), sub: binary('number'), mul: binary('number'), div: binary('float'),
  floorDiv: binary('number'), mod: binary('number'), rem: binary('number'),
  pow: binary('float'), atan2: binary('float'),
  min: binary('number'), max: binary('number'),
  and: binary('bits'), or: binary('bits'), xor: binary('bits'),
  shl: binary('int'), shr: binary('int'), shru: binary('int'),
  eq: compare, ne: compare, lt: compare, le: compare, gt: compare, ge: compare,
  select: { arity: 3, takes: 'any', gives: 'same' } as IntrinsicInfo,
  randomBits: { arity: 3, takes: 'int', gives: 'int32' } as IntrinsicInfo,
} as const satisfies Record<string, IntrinsicInfo>

export type Intrinsic = keyof typeof intrinsics

/** uint32 lives in expressions only: what unsigned numbers do otherwise is said in int32 (see `unsigned`). */
export type ExpressionType = ScalarType | 'uint32'

export type Scalar =
  | { readonly op: 'input'; readonly index: number; readonly dtype: ExpressionType }
  | { readonly op: 'param'; readonly index: number; readonly dtype: ExpressionType }
  | { readonly op: 'const'; readonly value: number; readonly dtype: ExpressionType }
  /** Row-major position of the element in the output, int32. */
  | { readonly op: 'index'; readonly dtype: ExpressionType }
  /** Conversion as in C: to int32 truncates (saturating; NaN gives 0), to bool is `≠ 0`. */
  | { readonly op: 'cast'; readonly args: readonly [Scalar]; readonly dtype: ExpressionType }
  | { readonly op: Intrinsic; readonly args: readonly Scalar[]; readonly dtype: ExpressionType }

export type ScalarLike = Scalar | number | boolean

const isFloatScalar = (t: ExpressionType): boolean => t === 'float32' || t === 'float64'
const fits: Record<Accepts, (t: ExpressionType) => boolean> = {
  float: isFloatScalar,
  int: t => t === 'int32' || t === 'uint32',
  number: t => t !== 'bool',
  bits: t => !isFloatScalar(t),
  any: () => true,
}

function apply(op: Intrinsic, args: readonly ScalarLike[]): Scalar {
  const info = intrinsics[op]
  const typed = op === 'select' ? args.slice(1) : args
  const lead = typed.find((a): a is Scalar => typeof a === 'object')
  const dtype = lead ? lead.dtype : 'float32'
  const lift = (a: ScalarLike, t: ExpressionType): Scalar => (typeof a === 'object' ? a : { op: 'const', value: Number(a), dtype: t })
  const lifted = args.map((a, i) => lift(a, op === 'select' && i === 0 ? 'bool' : dtype))
  lifted.forEach((a, i) => {
    const want = op === 'select' && i === 0 ? 'bool' : dtype
    if (a.dtype !== want || !fits[info.takes](dtype)) internal(`scalar ${op} got ${lifted.map(x => x.dtype).join(', ')}`)
  })
  const other = dtype === 'uint32' && op !== 'select' ? unsigned[op] : undefined
  return other ? other(lifted[0], lifted[1]) : { op, args: lifted, dtype: info.gives === 'same' ? dtype : info.gives }
}

/** The same bits under another name. */
const as = (x: Scalar, dtype: 'int32' | 'uint32'): Scalar => ({ ...x, dtype })
/** Moves 0 … 2³² − 1 to −2³¹ … 2³¹ − 1, keeping the order. */
const ordered = (x: Scalar): Scalar => S.xor(as(x, 'int32'), -(2 ** 31))
/** Quotient of unsigned numbers: that of the halves, doubled, is at most one short. A divisor from 2³¹ up goes in at most once. */
function quotient(a: Scalar, b: Scalar): Scalar {
  const [x, y] = [as(a, 'int32'), as(b, 'int32')]
  const nearly = S.shl(S.floorDiv(S.shru(x, 1), y), 1)
  const rest = S.sub(x, S.mul(nearly, y))
  const small = S.add(nearly, S.cast(S.ge(as(rest, 'uint32'), b), 'int32'))
  return as(S.select(S.eq(y, 0), 0, S.select(S.lt(y, 0), S.cast(S.ge(a, b), 'int32'), small)), 'uint32')
}
const remainder = (a: Scalar, b: Scalar): Scalar => S.select(S.eq(b, 0), S.constant(0, 'uint32'), S.sub(a, S.mul(quotient(a, b), b)))

/** Where unsigned arithmetic differs from int32. */
const unsigned: { readonly [K in Intrinsic]?: (a: Scalar, b: Scalar) => Scalar } = {
  abs: a => a,
  sign: a => S.select(S.eq(a, 0), S.constant(0, 'uint32'), 1),
  lt: (a, b) => S.lt(ordered(a), ordered(b)),
  le: (a, b) => S.le(ordered(a), ordered(b)),
  gt: (a, b) => S.gt(ordered(a), ordered(b)),
  ge: (a, b) => S.ge(ordered(a), ordered(b)),
  min: (a, b) => S.select(S.lt(a, b), a, b),
  max: (a, b) => S.select(S.gt(a, b), a, b),
  floorDiv: quotient,
  mod: remainder,
  rem: remainder,
  shr: (a, b) => S.shru(a, b),
}

function cast(x: Scalar, dtype: ExpressionType): Scalar {
  if (x.dtype === dtype) return x
  const isFloat = isFloatScalar(dtype)
  if (x.dtype === 'uint32') {
    if (dtype === 'bool') return S.ne(x, 0)
    const bits = as(x, 'int32')
    // Both parts are exact, so the sum rounds once.
    return isFloat ? S.add(S.mul(cast(S.shru(bits, 8), dtype), 256), cast(S.and(bits, 255), dtype)) : bits
  }
  if (dtype === 'uint32') {
    if (!isFloatScalar(x.dtype)) return as(cast(x, 'int32'), 'uint32')
    const high = S.ge(x, 2 ** 31)
    return as(S.xor(cast(S.select(high, S.sub(x, 2 ** 31), x), 'int32'), S.select(high, S.constant(-(2 ** 31), 'int32'), 0)), 'uint32')
  }
  return { op: 'cast', args: [x], dtype }
}

type Build = { readonly [K in Intrinsic]: (...args: ScalarLike[]) => Scalar }

/** Builders of scalar expressions: `S.mul(x, S.exp(S.neg(x)))`. A plain number takes the dtype of its neighbours. */
export const S = {
  ...(Object.fromEntries((Object.keys(intrinsics) as Intrinsic[]).map(op => [op, (...args: ScalarLike[]) => apply(op, args)])) as Build),
  input: (index: number, dtype: DType): Scalar => ({ op: 'input', index, dtype: expressionType(dtype) }),
  param: (index: number, dtype: DType): Scalar => ({ op: 'param', index, dtype: expressionType(dtype) }),
  constant: (value: number, dtype: DType): Scalar => ({ op: 'const', value, dtype: expressionType(dtype) }),
  /** A number of the dtype of x. */
  like: (x: Scalar, value: number): Scalar => ({ op: 'const', value, dtype: x.dtype }),
  index: (): Scalar => ({ op: 'index', dtype: 'int32' }),
  cast: (x: Scalar, dtype: DType): Scalar => cast(x, expressionType(dtype)),
}

const expressionType = (t: DType): ExpressionType => (t === 'uint32' ? t : scalarType(t))

/** One step of a program; `args` are positions of earlier steps. */
export interface Step {
  readonly op: Scalar['op']
  readonly dtype: ScalarType
  readonly args: readonly number[]
  /** Which input or param. */
  readonly index?: number
  /** Of a const; NaN and infinities are allowed. */
  readonly value?: number
}

export interface Program {
  readonly steps: readonly Step[]
  /** Positions of the results, one for each output of the kernel. */
  readonly outputs: readonly number[]
  readonly inputs: readonly ScalarType[]
  readonly params: readonly ScalarType[]
  /** Equal keys mean equal programs. */
  readonly key: string
}

const keyOfNumber = (v: number): string => (Object.is(v, -0) ? '-0' : String(v))

const short: Record<ScalarType, string> = { float32: 'f32', int32: 'i32', bool: 'bool', float64: 'f64' }

/** Flattens expressions to steps in dependency order; equal subexpressions become one step. */
export function program(outputs: readonly Scalar[], inputs: readonly DType[], params: readonly DType[] = []): Program {
  const types = { inputs: inputs.map(scalarType), params: params.map(scalarType) }
  const steps: Step[] = []
  const byKey = new Map<string, number>()
  const seen = new Map<Scalar, number>()
  const visit = (s: Scalar): number => {
    const known = seen.get(s)
    if (known !== undefined) return known
    const args = 'args' in s ? s.args.map(visit) : []
    const key = `${s.op}${s.op === 'const' ? keyOfNumber(s.value) : 'index' in s ? s.index : ''}:${short[scalarType(s.dtype)]}(${args.join()})`
    let at = byKey.get(key)
    if (at === undefined) {
      at = steps.length
      byKey.set(key, at)
      steps.push({ op: s.op, dtype: scalarType(s.dtype), args, ...('index' in s && { index: s.index }), ...('value' in s && { value: s.value }) })
    }
    seen.set(s, at)
    return at
  }
  const outs = outputs.map(visit)
  const list = (of: readonly ScalarType[]) => of.map(t => short[t]).join()
  return { steps, outputs: outs, ...types, key: `${list(types.inputs)}|${list(types.params)}|${[...byKey.keys()].join(';')}>${outs.join()}` }
}
