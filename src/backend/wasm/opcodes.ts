// The opcode of a step: what it computes, by the dtype of its operands, and what that costs.
import { Op } from '../../../assembly/map-ops.ts'
import { wordType, type WordType } from '../../core/dtype.ts'
import { internal } from '../../core/errors.ts'
import type { Intrinsic, Step } from '../../ir/scalar.ts'

/** Opcode by the dtype of the operands. */
type Opcodes = { readonly [T in WordType]?: Op }

const same = (op: Op): Opcodes => ({ float32: op, int32: op, bool: op })
const float = (float32: Op): Opcodes => ({ float32 })
const int = (int32: Op): Opcodes => ({ int32 })
const number = (float32: Op, int32: Op): Opcodes => ({ float32, int32 })
const bits = (int32: Op, bool = int32): Opcodes => ({ int32, bool })
const any = (float32: Op, int32: Op): Opcodes => ({ float32, int32, bool: int32 })

const opcodes: Record<Intrinsic, Opcodes> = {
  neg: number(Op.negF, Op.negI), abs: number(Op.absF, Op.absI), sign: number(Op.signF, Op.signI),
  floor: float(Op.floor), ceil: float(Op.ceil), trunc: float(Op.trunc), round: float(Op.round),
  sqrt: float(Op.sqrt), exp: float(Op.exp), expm1: float(Op.expm1),
  log: float(Op.log), log1p: float(Op.log1p), log2: float(Op.log2),
  sin: float(Op.sin), cos: float(Op.cos), tan: float(Op.tan),
  asin: float(Op.asin), acos: float(Op.acos), atan: float(Op.atan),
  sinh: float(Op.sinh), cosh: float(Op.cosh), tanh: float(Op.tanh),
  asinh: float(Op.asinh), acosh: float(Op.acosh), atanh: float(Op.atanh),
  sigmoid: float(Op.sigmoid), erf: float(Op.erf),
  not: bits(Op.notI, Op.notB),
  add: number(Op.addF, Op.addI), sub: number(Op.subF, Op.subI), mul: number(Op.mulF, Op.mulI), div: float(Op.div),
  floorDiv: number(Op.floorDivF, Op.floorDivI), mod: number(Op.modF, Op.modI), rem: number(Op.remF, Op.remI),
  pow: float(Op.pow), atan2: float(Op.atan2),
  min: number(Op.minF, Op.minI), max: number(Op.maxF, Op.maxI),
  and: bits(Op.and), or: bits(Op.or), xor: bits(Op.xor),
  shl: int(Op.shl), shr: int(Op.shr), shru: int(Op.shru),
  eq: any(Op.eqF, Op.eqI), ne: any(Op.neF, Op.neI), lt: any(Op.ltF, Op.ltI),
  le: any(Op.leF, Op.leI), gt: any(Op.gtF, Op.gtI), ge: any(Op.geF, Op.geI),
  select: same(Op.select), randomBits: int(Op.randomBits),
}

/** From, to. A bool is already 0 or 1, so it needs no conversion to int32. */
const casts: Record<WordType, Opcodes> = {
  float32: { int32: Op.floatToInt, bool: Op.floatToBool },
  int32: { float32: Op.intToFloat, bool: Op.intToBool },
  bool: { float32: Op.intToFloat },
}

/** Time per element in tenths of a nanosecond, of opcodes that take more than one. */
export const costs: { readonly [op: number]: number } = Object.fromEntries(
  ([
    [3, [Op.sqrt, Op.div, Op.minF, Op.maxF]],
    [15, [Op.exp, Op.expm1, Op.log, Op.log1p, Op.log2, Op.tanh, Op.sigmoid]],
    [25, [Op.erf, Op.sin, Op.cos, Op.tan, Op.asin, Op.acos, Op.atan, Op.atan2, Op.sinh, Op.cosh, Op.asinh, Op.acosh, Op.atanh,
      Op.randomBits, Op.floorDivI, Op.modI, Op.remI, Op.shl, Op.shr, Op.shru]],
    [80, [Op.pow, Op.floorDivF, Op.modF, Op.remF]],
  ] as const).flatMap(([cost, ops]) => ops.map(op => [op, cost])),
)

/** A step, or one that this backend adds: the conversion of a 16-bit float that lies in a word. */
export type Coded = Step & { readonly code?: Op }

/** Undefined where there is nothing to compute. */
export function opcode(steps: readonly Coded[], step: Coded): Op | undefined {
  if (step.code !== undefined) return step.code
  if (step.op === 'input' || step.op === 'param' || step.op === 'const') return undefined
  if (step.op === 'index') return Op.index
  const operand = wordType(steps[step.args[step.args.length - 1]].dtype)
  if (step.op === 'cast') return casts[operand][wordType(step.dtype)]
  return opcodes[step.op][operand] ?? internal(`the wasm backend has no ${step.op} for ${operand}`)
}
