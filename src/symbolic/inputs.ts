// The inputs of a function: how a call gives them, what they may be, and which of them are state.
import { fail } from '../core/errors.ts'
import { dtypes, kindRank, promote } from '../core/dtype.ts'
import { needKnown } from '../core/options.ts'
import { isPlain } from '../graph/arguments.ts'
import { Tensor, tensor, type TensorData } from '../ops/index.ts'
import { Expression } from './expression.ts'
import { shared, type Shared } from './shared.ts'
import { Variable } from './variables.ts'

/** What can be passed for a variable. */
export type Given = TensorData

export interface Input {
  variable: Tensor
  /** Taken when a call gives no value. */
  default?: Given
  /** Under which calls give it by name; default: the variable's. */
  name?: string
  /** Its value after each call: the input keeps state, which begins with the default, and a call that gives a value sets it first. */
  update?: Tensor | number
  /** Takes tensors of the variable's dtype alone: no lists, numbers or conversions. */
  strict?: boolean
  /** The caller does without the tensor it passes: results may take its memory, and to use it afterwards is an error. */
  donate?: boolean
  /**
   * What to do with values of another dtype. Default: a conversion that keeps the kind (float64 to float32, int to float). true: any; false:
   * only one that keeps every value.
   */
  allowDowncast?: boolean
}

export interface Target extends Pick<Input, 'update' | 'strict' | 'donate' | 'allowDowncast'> {
  readonly variable: Variable
  readonly name: string | null
  readonly default: Given | undefined
  /** Where it lives, if it keeps state. */
  readonly state: Shared | null
}

export function targetOf(op: string, input: Tensor | Input, allowDowncast?: boolean): Target {
  const i: Input = input instanceof Tensor ? { variable: input } : input
  needKnown(op, i, ['variable', 'default', 'name', 'update', 'strict', 'donate', 'allowDowncast'])
  const { variable, default: value, update } = i
  if (!(variable instanceof Variable))
    fail(op, `the input ${String(variable)} is not a variable`, 'list variables such as symbolic.matrix(…); other expressions are replaced by {givens: [[expression, value]]}')
  const name = i.name ?? variable.name
  if (update !== undefined && value === undefined) fail(op, `the input ${variable} has an update, but no value to begin with`, 'give it a default')
  if (update !== undefined && i.donate) fail(op, `the input ${variable} has an update and is donated`, 'its state is kept from call to call; leave donate out')
  if (value instanceof Tensor && i.donate) fail(op, `the input ${variable} is donated, its default ${value} would be gone after one call`, 'give a number or a list as default')
  const target: Target = { variable, name, default: value, state: null, update, strict: i.strict, donate: i.donate, allowDowncast: i.allowDowncast ?? allowDowncast }
  return update === undefined ? target : { ...target, state: shared(conform(op, { ...target, strict: false }, value!).detach(), name === null ? {} : { name }) }
}

const isWhole = (v: unknown): boolean => (typeof v === 'number' ? Number.isInteger(v) : !(Array.isArray(v) || v instanceof Float32Array || v instanceof Float64Array) || (v as readonly unknown[]).every(isWhole))

/** The value of an input as a tensor of the variable's type. */
export function conform(op: string, { variable, name, strict, allowDowncast }: Target, value: Given): Tensor {
  const { dtype, ndim, single = [] } = variable.type
  const label = name ?? variable.label
  if (strict && !(value instanceof Tensor && (dtype === null || value.dtype === dtype))) fail(op, `input '${label}' is strict and got ${String(value)}`, `pass a tensor of ${dtype ?? 'any dtype'}`)
  if (dtype !== null && dtypes[dtype].kind === 'int' && allowDowncast !== true && !isWhole(value))
    fail(op, `input '${label}' should be ${dtype}, it is given a number that is not whole`, 'round it, or pass {allowDowncast: true}')
  const x = value instanceof Tensor ? value : tensor(value, dtype === null || allowDowncast === false ? {} : { dtype })
  if (x instanceof Expression) fail(op, `input '${label}' is the expression ${x}`, 'functions take values')
  if (ndim !== null && x.ndim !== ndim) fail(op, `input '${label}' is ${x}, it should have ${ndim} dimensions`, 'sizes may be any, their number may not')
  const wide = single.find(axis => x.shape[axis] !== 1)
  if (wide !== undefined) fail(op, `input '${label}' is ${x}, axis ${wide} should have one element`)
  if (dtype === null || x.dtype === dtype) return x
  const refused = allowDowncast === true ? false : allowDowncast === false && value instanceof Tensor ? promote(x.dtype, dtype) !== dtype : kindRank(x.dtype) > kindRank(dtype)
  if (refused) fail(op, `input '${label}' is ${x}, it should be ${dtype}`, `convert it: x.to('${dtype}'), or allowDowncast: true`)
  return x.to(dtype)
}

/** Arguments by position and, in a last plain object, by name; null for state that the call leaves as it is. */
export function bind(name: string, targets: readonly Target[], given: readonly unknown[]): unknown[] {
  const last = given.at(-1)
  const named = isPlain(last) ? last : {}
  const listed = isPlain(last) ? given.slice(0, -1) : given
  const expects = targets.map(t => t.name ?? t.variable.label).join(', ') || 'none'
  if (listed.length > targets.length) fail(name, `${listed.length} inputs were given`, `it takes ${targets.length}: ${expects}`)
  for (const key of Object.keys(named)) if (!targets.some(t => t.name === key)) fail(name, `there is no input '${key}'`, `inputs: ${expects}`)
  return targets.map((t, i) => {
    const byName = t.name !== null && Object.hasOwn(named, t.name)
    if (i < listed.length && byName) fail(name, `input '${t.name}' is given by position and by name`)
    const v = i < listed.length ? listed[i] : byName ? named[t.name!] : t.state ? null : t.default
    if (v === undefined || (v === null && !t.state)) fail(name, `input ${i} ('${t.name ?? 'without name'}') is missing`, `inputs: ${expects}`)
    return v
  })
}
