// Calls any op by PyTorch's name, args and kwargs, and checks the results and gradients of the golden cases, in Node or in a page.
// Nothing here knows a single op: names become camelCase, the rest is in the ops' own parameter names.
import * as lampas from '../../src/index.ts'
import { Tensor, compile, grad, init, tensor, type DeviceName } from '../../src/index.ts'
import { floatOf, numbersOf, type CallKind, type Encoded, type GoldenCase, type Manifest, type Stored, type Tolerance } from './format.ts'

export type World = 'eager' | 'compiled'

export interface Result {
  readonly id: string
  readonly op: string
  readonly ok: boolean
  /** Why not. */
  readonly message: string
  /** The largest error in units of what is allowed. */
  readonly worst: number
  readonly ms: number
}

export interface GoldenOptions<C = GoldenCase> {
  readonly device: DeviceName
  readonly world: World
  readonly filter?: (c: C) => boolean
  /** Hears of each result when it is there. */
  readonly onResult?: (r: Result) => void
}

type Fn = (...args: unknown[]) => unknown

/** The public package lacks this name. */
export class Missing extends Error {}

/** PyTorch's names in camelCase; an underscore at an end stays. */
export const camel = (name: string): string => name.replace(/(?<=[^_])_([a-z0-9])/g, (_, c: string) => c.toUpperCase())

// PyTorch's calls

/** What Python writes with brackets and conversions. */
const spoken: Readonly<Record<string, string>> = { __getitem__: 'at', __setitem__: 'setAt', __bool__: 'item' }

export function lookup(op: string, call: CallKind): readonly [holder: object, name: string] {
  const path = op.split('.').map(part => spoken[part] ?? camel(part))
  const name = path.pop()!
  let holder: object = call === 'function' ? lampas : Tensor.prototype
  for (const part of path) {
    const next: unknown = Reflect.get(holder, part)
    if (typeof next !== 'object' || next === null) throw new Missing(`missing: ${op}`)
    holder = next
  }
  if (!(name in holder)) throw new Missing(`missing: ${call === 'function' ? '' : 'Tensor.'}${[...path, name].join('.')}`)
  return [holder, name]
}

const isTuple = (v: unknown): v is readonly unknown[] => Array.isArray(v)

/** What an op says that has to wait for values, on a device that cannot be read at once. */
const mustWait = (error: unknown): boolean => error instanceof lampas.LampasError && /depends on values|read at once/.test(error.problem)

/**
 * Calls PyTorch's `op` with decoded arguments: tensors, numbers, strings, lists; undefined stands for None. A promise where the op has to wait
 * for values.
 */
export function callTorch(op: string, call: CallKind, args: readonly unknown[], kwargs: Readonly<Record<string, unknown>>): unknown {
  const [holder, name] = lookup(op, call)
  if (call === 'property') {
    const value: unknown = Reflect.get(holder, name, args[0])
    return typeof value === 'function' ? (value as Fn).call(args[0]) : value
  }
  const fn: unknown = Reflect.get(holder, name)
  if (typeof fn !== 'function') throw new Missing(`missing: ${op} is no function`)
  const given = op === '__getitem__' ? [args[0], ...(isTuple(args[1]) ? args[1] : [args[1]])] : op === '__setitem__' ? [args[0], isTuple(args[1]) ? args[1] : [args[1]], args[2]] : [...args]
  const options = new Map(Object.entries(kwargs).map(([k, v]) => [camel(k), v]))
  // The first argument is never an option, so that a function can tell the two apart.
  const first = (fn as { paramNames?: readonly string[] }).paramNames?.[0]
  if (given.length === 0 && first !== undefined && options.has(first)) {
    given.push(options.get(first))
    options.delete(first)
  }
  if (options.size > 0) given.push(Object.fromEntries(options))
  const run = (f: Fn): unknown => (call === 'function' ? f(...given) : f.apply(given[0], given.slice(1)))
  try {
    return run(fn as Fn)
  } catch (error) {
    const twin: unknown = Reflect.get(holder, `${name}Async`)
    if (mustWait(error) && typeof twin === 'function') return run(twin as Fn)
    throw error
  }
}

/** Names of dtypes that are kept in fewer bits here. */
const dtypeNames: Readonly<Record<string, string>> = { int64: 'int32' }

const isList = (v: Encoded): v is readonly Encoded[] => Array.isArray(v)
const bound = (n: number | null): string => (n === null ? '' : String(n))

/** An argument as JavaScript has it. */
export function decode(v: Encoded, tensorAt: (key: number | string) => Tensor): unknown {
  if (v === null || typeof v !== 'object') return v
  if (isList(v)) return v.map(x => decode(x, tensorAt))
  if ('tensor' in v) return tensorAt(v.tensor)
  if ('var' in v) return tensorAt(v.var)
  if ('float' in v) return floatOf(v.float)
  if ('dtype' in v) return dtypeNames[v.dtype] ?? v.dtype
  if ('complex' in v) return callTorch('complex', 'function', v.complex.map(x => tensor(x)), {})
  if ('slice' in v) return v.slice.map(bound).slice(0, v.slice[2] === null ? 2 : 3).join(':')
  if ('list' in v) return v.list.map(x => decode(x, tensorAt))
  return '...'
}

/** A whole argument: None means that nothing was given, except as an index, where it adds a dimension. */
export const argument = (v: Encoded, tensorAt: (key: number | string) => Tensor, op: string): unknown =>
  v === null && op !== '__getitem__' && op !== '__setitem__' ? undefined : decode(v, tensorAt)

// Tensors

/** A tensor of given storage: a true view where it has strides. */
export function build(s: Omit<Stored, 'offset' | 'nbytes'>, storage: Float32Array | Int32Array | Uint8Array): Tensor {
  const isComplex = s.dtype === 'complex64'
  const dtype = (isComplex ? 'float32' : s.dtype) as 'float32' | 'int32' | 'bool'
  const n = storage.length / (isComplex ? 2 : 1)
  const shape = s.strides ? [n] : s.shape
  // A copy: the file's numbers are not the device's to keep.
  let x = tensor(storage.slice(), { shape: isComplex ? [...shape, 2] : shape, dtype })
  if (isComplex) x = callTorch('view_as_complex', 'function', [x], {}) as Tensor
  if (s.strides) x = callTorch('as_strided', 'function', [x, s.shape, s.strides, s.storageOffset ?? 0], {}) as Tensor
  if (isComplex || s.strides) x = x.detach()
  return s.requiresGrad ? x.requiresGrad_() : x
}

/** What is wrong with a tensor, or null; and the largest error in units of what is allowed. */
export type Verdict = readonly [message: string | null, worst: number]

const named = (dtype: string, shape: readonly number[]): string => `${dtype}[${shape.join()}]`

export async function compare(what: string, got: unknown, want: Omit<Stored, 'offset' | 'nbytes'>, values: ArrayLike<number>, { rtol, atol }: Tolerance): Promise<Verdict> {
  if (!(got instanceof Tensor)) return [`${what} is ${got === null ? 'null' : typeof got}, want ${named(want.dtype, want.shape)}`, Infinity]
  const [is, should] = [named(got.dtype, got.shape), named(want.dtype, want.shape)]
  if (is !== should) return [`${what} is ${is}, want ${should}`, Infinity]
  if (want.compare === 'shape') return [null, 0]
  const data = await (want.dtype === 'complex64' ? (callTorch('view_as_real', 'function', [got], {}) as Tensor) : got).data()
  let worst = 0
  let message: string | null = null
  for (let i = 0; i < values.length; i++) {
    const [a, b] = [data[i], values[i]]
    if (a === b || (a !== a && b !== b)) continue
    const error = Math.abs(a - b) / (atol + rtol * Math.abs(b))
    const size = Number.isFinite(error) && Number.isFinite(b) ? error : Infinity
    if (size <= worst) continue
    worst = size
    if (size > 1) message = `${what}[${i}] is ${a}, want ${b}`
  }
  return [message, worst]
}

// Cases

interface Answer {
  readonly outputs: readonly Tensor[]
  readonly grads: readonly (Tensor | null)[]
}

function resultsOf(c: GoldenCase, y: unknown): Tensor[] {
  if (c.outputKind === 'tensor' || y instanceof Tensor) return [y as Tensor]
  if (typeof y !== 'object' || y === null) throw new Error(`the result is ${String(y)}, want a list`)
  const fields = y as Readonly<Record<string, Tensor>>
  const count = Object.keys(fields).length
  if (!c.outputSelect && count !== c.outputs.length) throw new Error(`the result has ${count} parts, want ${c.outputs.length}`)
  if (!c.outputNames) return c.outputSelect ? c.outputSelect.map(i => Object.values(fields)[i]) : Object.values(fields)
  return c.outputNames.map(n => {
    const x = fields[n] ?? fields[camel(n)]
    if (!x) throw new Error(`the result has fields ${Object.keys(fields).join()}, want ${c.outputNames!.join()}`)
    return x
  })
}

function answerOf(c: GoldenCase, y: unknown, inputs: readonly Tensor[], cotangents: readonly (Tensor | null)[]): Answer {
  const raw = resultsOf(c, y)
  const outputs = c.post ? raw.map((x, i) => (c.post![i] ? (callTorch(c.post![i]!, 'function', [x], {}) as Tensor) : x)) : raw
  const used = outputs.flatMap((_, i) => (cotangents[i] ? [i] : []))
  const wanted = inputs.filter(x => x.requiresGrad)
  if (used.length === 0 || wanted.length === 0) return { outputs, grads: [] }
  const found: (Tensor | null)[] = grad(used.map(i => outputs[i]), wanted, { gradOutputs: used.map(i => cotangents[i]!), allowUnused: true })
  return { outputs, grads: inputs.map(x => (x.requiresGrad ? (found[wanted.indexOf(x)] ?? x.detach().mul(0)) : null)) }
}

/** Calls the op on these inputs; what comes back is a promise where the op waits for values. */
export function perform(c: GoldenCase, inputs: readonly Tensor[]): unknown {
  const at = (i: number | string): Tensor => inputs[i as number]
  const args = c.args.map(v => argument(v, at, c.op))
  const kwargs = Object.fromEntries(Object.entries(c.kwargs).map(([k, v]) => [k, argument(v, at, c.op)]))
  if (!c.inplace) return callTorch(c.op, c.call, args, kwargs)
  const target = (args[0] as Tensor).clone()
  const done = callTorch(c.op, c.call, [target, ...args.slice(1)], kwargs)
  return done instanceof Promise ? done.then(() => target) : target
}

const sameValue = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b)

async function runCase(c: GoldenCase, buffer: ArrayBuffer, world: World): Promise<Verdict> {
  const make = (s: Stored): Tensor => build(s, numbersOf(buffer, s))
  const inputs = c.inputs.map(make)
  const cotangents = (c.cotangents ?? []).map(s => s && make(s))
  if (c.outputKind === 'value') {
    const got = await (world === 'eager' ? perform(c, inputs) : compile((xs: readonly Tensor[]) => perform(c, xs))(inputs))
    const value: unknown = got instanceof Tensor ? await got.toArray() : got
    return sameValue(value, c.outputs[0].value) ? [null, 0] : [`the value is ${String(value)}, want ${String(c.outputs[0].value)}`, Infinity]
  }
  let answer: Answer
  if (world === 'eager') {
    const y = perform(c, inputs)
    answer = answerOf(c, y instanceof Promise ? await y : y, inputs, cotangents)
  } else {
    const seeds = cotangents.filter(x => x !== null)
    const step = compile((xs: readonly Tensor[], gs: readonly Tensor[]) => {
      const rest = [...gs]
      return answerOf(c, perform(c, xs), xs, cotangents.map(g => g && rest.shift()!))
    })
    try {
      answer = step(inputs, seeds)
    } finally {
      step.dispose()
    }
  }
  const checks: Promise<Verdict>[] = c.outputs.map((want, i) => compare(c.outputs.length > 1 ? `output ${i}` : 'output', answer.outputs[i], want, numbersOf(buffer, want), c.tol))
  for (const m of c.mutated ?? []) checks.push(compare(`input ${m.input} afterwards`, inputs[m.input], m, numbersOf(buffer, m), c.tol))
  c.grads?.forEach((want, i) => {
    if (want) checks.push(compare(`gradient ${i}`, answer.grads[i], want, numbersOf(buffer, want), c.gradTol ?? c.tol))
  })
  const verdicts = await Promise.all(checks)
  for (const x of [...inputs, ...cotangents, ...answer.outputs, ...answer.grads]) x?.dispose()
  return [verdicts.find(v => v[0] !== null)?.[0] ?? null, Math.max(0, ...verdicts.map(v => v[1]))]
}

export const describeError = (error: unknown): string => (error instanceof Error ? (error instanceof lampas.LampasError || error instanceof Missing ? error.message : `${error.name}: ${error.message}`) : String(error))

/** Cases under way at once where reading takes a while, so that their reads overlap. */
const WIDTH = 16

/** Judges cases on a device that can be opened. */
export async function runEach<C extends { readonly id: string; readonly op?: string }>(cases: readonly C[], options: GoldenOptions<C>, verdictOf: (c: C) => Promise<Verdict>, width = 1): Promise<Result[]> {
  const opened = await init({ device: options.device })
  if (opened.name !== options.device) throw new Error(`${options.device} could not be opened: ${opened.why}`)
  const chosen = options.filter ? cases.filter(options.filter) : cases
  const results: Result[] = []
  let next = 0
  const runner = async (): Promise<void> => {
    while (next < chosen.length) {
      const at = next++
      const { id, op = 'programs' } = chosen[at]
      const started = performance.now()
      const [message, worst] = await verdictOf(chosen[at]).catch((error: unknown): Verdict => [describeError(error), Infinity])
      results[at] = { id, op, ok: message === null, message: message ?? '', worst, ms: performance.now() - started }
      options.onResult?.(results[at])
    }
  }
  await Promise.all(Array.from({ length: width }, runner))
  return results
}

/** Runs the cases of a manifest whose numbers lie in `buffer`, and says of each whether it is right. */
export const runGolden = (manifest: Pick<Manifest, 'cases'>, buffer: ArrayBuffer, options: GoldenOptions): Promise<Result[]> =>
  runEach(manifest.cases, options, c => runCase(c, buffer, options.world), options.device === 'webgpu' ? WIDTH : 1)
