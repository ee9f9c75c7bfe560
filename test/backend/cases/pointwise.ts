// Every intrinsic on every dtype that it takes: a dense random sample of its domain and the values where it may go wrong.
import { dtypes, isFloat, wordType, type WordType } from '../../../src/core/dtype.ts'
import { toValues } from '../../../src/core/storage.ts'
import { intrinsics, program, S, type Intrinsic, type Scalar } from '../../../src/ir/scalar.ts'
import { define, launch, output, plain, type Case, type Random, type Tolerance } from '../data.ts'

interface Sample extends Tolerance {
  /** Where the dense float samples of each operand lie; the last is for the operands that follow too. */
  readonly over?: readonly (readonly [number, number])[]
  /** The dense samples are multiples of this (so that quotients are exact, or ties are met). */
  readonly grid?: number
  /** Edge values that are left out: where float32 itself cannot know the answer. */
  readonly without?: (edge: number) => boolean
}

const exact: Sample = { over: [[-100, 100]], zeros: true }
const near = (lo: number, hi: number, more: Sample = {}): Sample => ({ over: [[lo, hi]], rel: 1e-6, ...more })
const whole: Sample = { over: [[-20, 20]], grid: 1 }
const huge = (edge: number): boolean => Number.isFinite(edge) && Math.abs(edge) > 1e4
/** Quotients are exact on a grid of eighths. */
const quotient: Sample = { over: [[-50, 50]], grid: 0.125, rel: 1e-6, without: edge => huge(edge) || (edge !== 0 && Math.abs(edge) < 0.1) }

const samples: Record<Intrinsic, Sample> = {
  neg: exact,
  abs: exact,
  sign: { over: [[-2, 2]] },
  floor: exact,
  ceil: exact,
  trunc: exact,
  round: { ...exact, grid: 0.25 },
  sqrt: near(0, 1000, { zeros: true }),
  exp: near(-87, 88),
  expm1: near(-4, 4),
  log: near(0, 1000, { abs: 2e-7 }),
  log1p: near(-0.99, 10),
  log2: near(0, 1000, { abs: 2e-7 }),
  sin: near(-30, 30, { abs: 5e-7, without: huge }),
  cos: near(-30, 30, { abs: 5e-7, without: huge }),
  tan: near(-1.5, 1.5, { rel: 3e-6, without: huge }),
  asin: near(-1, 1, { rel: 2e-6 }),
  acos: near(-1, 1, { abs: 5e-7 }),
  atan: near(-20, 20),
  sinh: near(-20, 20, { rel: 2e-6 }),
  cosh: near(-20, 20, { rel: 2e-6 }),
  tanh: near(-10, 10),
  asinh: near(-100, 100, { rel: 2e-6 }),
  acosh: near(1, 100, { rel: 2e-6, abs: 2e-7 }),
  atanh: near(-0.999, 0.999, { rel: 2e-6 }),
  sigmoid: near(-40, 40),
  erf: near(-4, 4),
  not: whole,
  add: exact,
  sub: exact,
  mul: exact,
  div: { over: [[-100, 100]], rel: 4e-7, zeros: true },
  floorDiv: quotient,
  mod: quotient,
  rem: quotient,
  pow: { over: [[0.01, 20], [-8, 8]], rel: 4e-6 },
  atan2: { over: [[-10, 10]], rel: 1e-6 },
  min: { over: [[-100, 100]] },
  max: { over: [[-100, 100]] },
  and: whole,
  or: whole,
  xor: whole,
  shl: whole,
  shr: whole,
  shru: whole,
  eq: whole,
  ne: whole,
  lt: whole,
  le: whole,
  gt: whole,
  ge: whole,
  select: exact,
  randomBits: whole,
}

const edges: Readonly<Record<WordType, readonly number[]>> = {
  float32: [
    0, -0, 1, -1, 0.5, -0.5, 1.5, 2, 2.5, -2.5, 3, -3, 7, 1e-4, -1e-4, 1e-8, -1e-8, 1e-20, -1e-30, 0.9999999, -0.9999999, Math.PI, 9.21875, -88.5,
    88.5, 89, -104, 700, -700, 10000, 16777215, -8388609, 1e10, -1e10, 3e38, -3e38, Infinity, -Infinity, NaN,
  ],
  int32: [0, 1, -1, 2, -2, 3, 7, -7, 31, 100, -100, 65536, 123456789, -123456789, 2 ** 31 - 1, -(2 ** 31)],
  bool: [0, 1],
}

const takes: Record<(typeof intrinsics)[Intrinsic]['takes'], readonly WordType[]> = {
  float: ['float32'],
  int: ['int32'],
  number: ['float32', 'int32'],
  bits: ['int32', 'bool'],
  any: ['float32', 'int32', 'bool'],
}

const isShift = (op: Intrinsic): boolean => op === 'shl' || op === 'shr' || op === 'shru'

/** Every edge value for one operand, every pair for two, a diagonal of triples for three. */
function edgeTuples(values: readonly number[], arity: number): number[][] {
  if (arity === 1) return values.map(v => [v])
  const pairs = values.flatMap(a => values.map(b => [a, b]))
  return arity === 2 ? pairs : pairs.map(([a, b], i) => [a, b, values[(i * 7) % values.length]])
}

function tuples(r: Random, op: Intrinsic, dtype: WordType): number[][] {
  const { arity } = intrinsics[op]
  const { over = [[-9, 9]], grid, without = () => false } = samples[op]
  const dense = (operand: number): number => {
    if (dtype === 'bool') return r.int(0, 2)
    const [lo, hi] = over[Math.min(operand, over.length - 1)]
    if (dtype === 'int32') return op === 'randomBits' ? r.int(-(2 ** 31), 2 ** 31) : r.int(lo, hi)
    const v = r.uniform(lo, hi)
    return grid ? Math.round(v / grid) * grid : v
  }
  const list = edgeTuples(edges[dtype].filter(e => !without(e)), arity)
  for (let i = 0; i < 700; i++) list.push(Array.from({ length: arity }, (_, k) => dense(k)))
  return isShift(op) ? list.map(([a, b]) => [a, b & 31]) : list
}

/** Some answers hang on the last bit of an operand that no float32 device is held to. */
const doubtful: Partial<Record<Intrinsic, (args: readonly number[]) => boolean>> = {
  pow: ([x, y]) => Math.abs(y) > 1e4 || (Math.abs(x) > 0.99 && Math.abs(x) < 1) || Math.abs(Math.log(Math.abs(x)) * y) > 80,
  atan2: ([y, x]) => Math.abs(y) > 1e20 || Math.abs(x) > 1e20 ? Number.isFinite(y) && Number.isFinite(x) : false,
}

function intrinsicCase(op: Intrinsic, dtype: WordType): Case {
  const { rel, abs, zeros } = samples[op]
  const tolerance = { rel, abs, zeros }
  return define(`map ${op} ${dtypes[dtype].short}`, tolerance, r => {
    const finite = (args: readonly number[]) => args.every(a => Number.isFinite(a) && a !== 0)
    const list = tuples(r, op, dtype).filter(args => !(finite(args) && doubtful[op]?.(args)))
    const isSelect = op === 'select'
    const types: WordType[] = list[0].map((_, k) => (isSelect && k === 0 ? 'bool' : dtype))
    const args: Scalar[] = types.map((t, k) => S.input(k, t))
    const result = S[op](...args)
    const inputs = types.map((t, k) => plain(t, [list.length], list.map(tuple => (t === 'bool' ? Number(tuple[k] > 0) : tuple[k]))))
    return [launch({ kind: 'map', program: program([result], types), params: [] }, inputs, [output(result.dtype, [list.length])])]
  })
}

/** What a map reads and writes on every device. */
type Convertible = WordType | 'uint8' | 'float16' | 'bfloat16'

const castCase = (from: Convertible, to: Convertible): Case =>
  define(`map cast ${dtypes[from].short} to ${dtypes[to].short}`, { zeros: true }, r => {
    const more = Array.from(toValues(from, r.words(from, 200)), v => (isFloat(from) ? v * 1000 : v))
    const values = [...edges[wordType(from)].filter(v => from !== 'uint8' || v >= 0), ...(from === 'float32' ? [2147483520, -2147483648, 2147483648, 4e9, 0.99, -0.99] : []), ...more]
    const x = S.input(0, from)
    return [launch({ kind: 'map', program: program([S.cast(x, to)], [from]), params: [] }, [plain(from, [values.length], values)], [output(to, [values.length])])]
  })

const all: readonly Convertible[] = ['float32', 'int32', 'bool', 'uint8', 'float16', 'bfloat16']

export const pointwise: readonly Case[] = [
  ...(Object.keys(intrinsics) as Intrinsic[]).flatMap(op => takes[intrinsics[op].takes].map(dtype => intrinsicCase(op, dtype))),
  ...all.flatMap(from => all.map(to => castCase(from, to))),
]
