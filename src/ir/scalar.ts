// Scalar expressions: what a `map` kernel computes for one element. They are built with `S`, flattened to a `Program`
// (plain data, common subexpressions shared), and each backend runs or prints a program through one table of intrinsics.
import { dtypes, type DType } from '../core/dtype.ts'
import { internal } from '../core/errors.ts'

type Accepts = 'float' | 'int' | 'number' | 'bits' | 'any'
interface IntrinsicInfo {
  readonly arity: 1 | 2 | 3
  /** What operands it takes: float32; int32; either of them; int32 or bool; all. Operands have one common dtype (but for `select`). */
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

export type Scalar =
  | { readonly op: 'input'; readonly index: number; readonly dtype: DType }
  | { readonly op: 'param'; readonly index: number; readonly dtype: DType }
  | { readonly op: 'const'; readonly value: number; readonly dtype: DType }
  /** Row-major position of the element in the output, int32. */
  | { readonly op: 'index'; readonly dtype: 'int32' }
  /** Conversion as in C: to int32 truncates (saturating; NaN gives 0), to bool is `≠ 0`. */
  | { readonly op: 'cast'; readonly args: readonly [Scalar]; readonly dtype: DType }
  | { readonly op: Intrinsic; readonly args: readonly Scalar[]; readonly dtype: DType }

export type ScalarLike = Scalar | number | boolean

const fits: Record<Accepts, (t: DType) => boolean> = {
  float: t => t === 'float32',
  int: t => t === 'int32',
  number: t => t !== 'bool',
  bits: t => t !== 'float32',
  any: () => true,
}

function apply(op: Intrinsic, args: readonly ScalarLike[]): Scalar {
  const info = intrinsics[op]
  const typed = op === 'select' ? args.slice(1) : args
  const lead = typed.find((a): a is Scalar => typeof a === 'object')
  const dtype = lead ? lead.dtype : 'float32'
  const lift = (a: ScalarLike, t: DType): Scalar => (typeof a === 'object' ? a : { op: 'const', value: Number(a), dtype: t })
  const lifted = args.map((a, i) => lift(a, op === 'select' && i === 0 ? 'bool' : dtype))
  lifted.forEach((a, i) => {
    const want = op === 'select' && i === 0 ? 'bool' : dtype
    if (a.dtype !== want || !fits[info.takes](dtype)) internal(`scalar ${op} got ${lifted.map(x => x.dtype).join(', ')}`)
  })
  return { op, args: lifted, dtype: info.gives === 'same' ? dtype : info.gives }
}

type Build = { readonly [K in Intrinsic]: (...args: ScalarLike[]) => Scalar }

/** Builders of scalar expressions: `S.mul(x, S.exp(S.neg(x)))`. A plain number takes the dtype of its neighbours. */
export const S = {
  ...(Object.fromEntries((Object.keys(intrinsics) as Intrinsic[]).map(op => [op, (...args: ScalarLike[]) => apply(op, args)])) as Build),
  input: (index: number, dtype: DType): Scalar => ({ op: 'input', index, dtype }),
  param: (index: number, dtype: DType): Scalar => ({ op: 'param', index, dtype }),
  constant: (value: number, dtype: DType): Scalar => ({ op: 'const', value, dtype }),
  index: (): Scalar => ({ op: 'index', dtype: 'int32' }),
  cast: (x: Scalar, dtype: DType): Scalar => (x.dtype === dtype ? x : { op: 'cast', args: [x], dtype }),
}

/** One step of a program; `args` are positions of earlier steps. */
export interface Step {
  readonly op: Scalar['op']
  readonly dtype: DType
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
  readonly inputs: readonly DType[]
  readonly params: readonly DType[]
  /** Equal keys mean equal programs. */
  readonly key: string
}

const keyOfNumber = (v: number): string => (Object.is(v, -0) ? '-0' : String(v))

/** Flattens expressions to steps in dependency order; equal subexpressions become one step. */
export function program(outputs: readonly Scalar[], inputs: readonly DType[], params: readonly DType[] = []): Program {
  const steps: Step[] = []
  const byKey = new Map<string, number>()
  const seen = new Map<Scalar, number>()
  const visit = (s: Scalar): number => {
    const known = seen.get(s)
    if (known !== undefined) return known
    const args = 'args' in s ? s.args.map(visit) : []
    const key = `${s.op}${s.op === 'const' ? keyOfNumber(s.value) : 'index' in s ? s.index : ''}:${dtypes[s.dtype].short}(${args.join()})`
    let at = byKey.get(key)
    if (at === undefined) {
      at = steps.length
      byKey.set(key, at)
      steps.push({ op: s.op, dtype: s.dtype, args, ...('index' in s && { index: s.index }), ...('value' in s && { value: s.value }) })
    }
    seen.set(s, at)
    return at
  }
  const outs = outputs.map(visit)
  const short = (list: readonly DType[]) => list.map(t => dtypes[t].short).join()
  return { steps, outputs: outs, inputs, params, key: `${short(inputs)}|${short(params)}|${[...byKey.keys()].join(';')}>${outs.join()}` }
}
