// Scalar programs printed as WGSL: one `let` for each step, on the aliases F, I, U, B, so the text is the same for one lane and four.
import { wordType, type ScalarType, type WordType } from '../../core/dtype.ts'
import { internal } from '../../core/errors.ts'
import type { Body } from '../../ir/kernel.ts'
import type { Intrinsic, Program, Step } from '../../ir/scalar.ts'
import type { Field } from './wgsl.ts'

/** Prints an intrinsic from the names of its operands, whose dtype is `t`. */
type Print = (args: readonly string[], t: WordType) => string

const call = (name: string): Print => args => `${name}(${args.join(', ')})`
const infix = (sign: string): Print => ([a, b]) => `${a} ${sign} ${b}`
const byType = (table: Partial<Record<WordType, Print>>): Print => (args, t) => (table[t] ?? internal(`an intrinsic was printed for ${t}`))(args, t)
const flip = (print: Print): Print => ([a, b], t) => print([b, a], t)
const not = (print: Print): Print => (args, t) => `!(${print(args, t)})`

/** Bools are ordered as 0 and 1. */
const order = (float: Print, sign: string): Print => byType({ float32: float, int32: infix(sign), bool: ([a, b]) => `U(${a}) ${sign} U(${b})` })
const lt = order(call('lt_f'), '<')
const le = order(call('le_f'), '<=')
const eq = byType({ float32: call('eq_f'), int32: infix('=='), bool: infix('==') })

const print: Record<Intrinsic, Print> = {
  neg: ([a]) => `-${a}`,
  abs: call('abs'),
  sign: byType({ float32: call('sign_f'), int32: call('sign') }),
  floor: call('floor'),
  ceil: call('ceil'),
  trunc: call('trunc'),
  round: call('round'),
  sqrt: call('sqrt'),
  exp: call('exp_f'),
  expm1: call('expm1_f'),
  log: call('log_f'),
  log1p: call('log1p_f'),
  log2: call('log2_f'),
  sin: call('sin_f'),
  cos: call('cos_f'),
  tan: call('tan_f'),
  asin: call('asin_f'),
  acos: call('acos_f'),
  atan: call('atan_f'),
  sinh: call('sinh_f'),
  cosh: call('cosh_f'),
  tanh: call('tanh_f'),
  asinh: call('asinh_f'),
  acosh: call('acosh_f'),
  atanh: call('atanh_f'),
  sigmoid: call('sigmoid_f'),
  erf: call('erf_f'),
  not: byType({ int32: ([a]) => `~${a}`, bool: ([a]) => `!${a}` }),
  add: infix('+'),
  sub: infix('-'),
  mul: infix('*'),
  // The divisor is a number that no compiler knows to be the one it is: it may take (x · y) / y for x, and then 0 / 0 is lost.
  div: ([a, b]) => `${a} / bitcast<F>(bitcast<U>(${b}) ^ U(p.zero))`,
  floorDiv: byType({ float32: call('floor_div_f'), int32: call('div_i') }),
  mod: byType({ float32: call('mod_f'), int32: call('mod_i') }),
  rem: byType({ float32: call('rem_f'), int32: call('rem_i') }),
  pow: call('pow_f'),
  atan2: call('atan2_f'),
  min: byType({ float32: call('min_f'), int32: call('min') }),
  max: byType({ float32: call('max_f'), int32: call('max') }),
  and: infix('&'),
  or: infix('|'),
  xor: byType({ int32: infix('^'), bool: infix('!=') }),
  shl: ([a, b]) => `${a} << (U(${b}) & U(31u))`,
  shr: ([a, b]) => `${a} >> (U(${b}) & U(31u))`,
  shru: ([a, b]) => `I(U(${a}) >> (U(${b}) & U(31u)))`,
  eq,
  ne: not(eq),
  lt,
  le,
  gt: flip(lt),
  ge: flip(le),
  select: ([c, a, b]) => `select(${b}, ${a}, ${c})`,
  randomBits: args => `I(random_bits(${args.map(a => `U(${a})`).join(', ')}))`,
}

const casts: Record<WordType, Record<WordType, (a: string) => string>> = {
  float32: { float32: a => a, int32: a => `to_int(${a})`, bool: a => `to_bool(${a})` },
  int32: { float32: a => `F(${a})`, int32: a => a, bool: a => `${a} != I(0)` },
  bool: { float32: a => `F(${a})`, int32: a => `I(${a})`, bool: a => a },
}

/** A number as an expression whose value no compiler may change. */
export function literal(value: number, dtype: ScalarType): string {
  if (dtype === 'bool') return `B(${value !== 0})`
  if (dtype === 'int32') return `I(${value | 0})`
  const f = Math.fround(value)
  if (Number.isNaN(f)) return 'nan()'
  if (!Number.isFinite(f)) return f > 0 ? 'inf()' : '-inf()'
  if (Object.is(f, -0)) return 'F(bitcast<f32>(0x80000000u))'
  return `F(${f}f)`
}

const paramOf: Record<WordType, (name: string) => string> = {
  float32: name => `F(${name})`,
  int32: name => `I(${name})`,
  bool: name => `B(${name} != 0u)`,
}

/** How the steps and the params of a program are called: `v0, v1 …` and the fields `a0, a1 …`. */
export interface Names {
  readonly step: string
  readonly param: string
}
const plainNames: Names = { step: 'v', param: 'a' }

const paramType = { float32: 'f32', int32: 'i32', bool: 'u32' } as const

/** The params of a program as fields. */
export const paramFields = ({ program, params }: Body, name = plainNames.param): Field[] =>
  params.map((v, k) => [name + k, v, paramType[wordType(program.params[k])]])

/**
 * Steps of a program, in order, as declarations; all of them when no list is given. `input` prints the value of an input, `index` the row-major
 * position of the element.
 */
export function printProgram(program: Program, input: (k: number) => string, index: string, names = plainNames, only?: readonly number[]): string {
  const value = (step: Step): string => {
    const args = step.args.map(a => names.step + a)
    const to = wordType(step.dtype)
    const from = step.args.length ? wordType(program.steps[step.args.at(-1)!].dtype) : to
    switch (step.op) {
      case 'input': return input(step.index!)
      case 'param': return paramOf[to](`p.${names.param}${step.index}`)
      case 'const': return literal(step.value!, step.dtype)
      case 'index': return index
      case 'cast': return casts[from][to](args[0])
      default: return print[step.op](args, from)
    }
  }
  return (only ?? [...program.steps.keys()]).map(k => `let ${names.step}${k} = ${value(program.steps[k])};`).join('\n')
}
