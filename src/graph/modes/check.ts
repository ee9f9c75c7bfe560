// check(fn, …): the same call eagerly, compiled, and on the other devices that are open, each from the same arguments and state. What
// differs by more than rounding is reported, with the rewrite or kernel that is to blame.
import type { Backend, BackendName, Block } from '../../backend/backend.ts'
import { createReference } from '../../backend/reference/reference.ts'
import { bytesOf, isDifferentiable, type DType } from '../../core/dtype.ts'
import { LampasError, needFunction } from '../../core/errors.ts'
import { numel, type Shape } from '../../core/shape.ts'
import { toValues, wordsIn } from '../../core/storage.ts'
import { contiguousView } from '../../core/view.ts'
import { noGrad } from '../../autograd/mode.ts'
import { currentBackend, openBackends } from '../../eager/device.ts'
import { eager } from '../../eager/world.ts'
import { handleOn, tensorsIn, type Storage } from '../../eager/storage.ts'
import { copy_ } from '../../ops/inplace.ts'
import { clone } from '../../ops/pointwise.ts'
import type { Tensor } from '../../ops/tensor.ts'
import { rebuild } from '../arguments.ts'
import { compile } from '../compile.ts'
import type { Value } from '../graph.ts'
import { optimize } from '../passes/index.ts'
import { makePlan } from '../plan.ts'
import { Trace, type Traced } from '../trace.ts'
import { differenceText, furthest, isExact, largest, rounding } from './compare.ts'
import { typeOf } from './words.ts'

/** One value, compared with what eager code made. */
export interface Checked {
  /** 'compiled', or the device on which the compiled function ran besides. */
  readonly by: 'compiled' | BackendName
  /** Which value: 'result 0', 'gradient of argument 1', 'captured tensor 2, afterwards'. */
  readonly what: string
  readonly dtype: DType
  readonly shape: Shape
  readonly same: boolean
  /** The largest difference there is. */
  readonly difference: number
  /** Where it differs by more than rounding; null where it does not. */
  readonly where: string | null
}

export class CheckReport {
  constructor(
    readonly name: string,
    readonly device: BackendName,
    readonly values: readonly Checked[],
    /** Devices that could not run it, and why. */
    readonly skipped: readonly (readonly [BackendName, string])[],
    /** What differs first: the rewrite or the kernel, with its op and line; null when nothing differs. */
    readonly culprit: string | null,
  ) {}

  get ok(): boolean {
    return this.values.every(v => v.same)
  }

  toString(): string {
    const count = new Set(this.values.map(v => v.what)).size
    const by = [...new Set(this.values.map(v => v.by))].map(b => (b === 'compiled' ? `compiled on ${this.device}` : `on ${b}`))
    const wrong = this.values.filter(v => !v.same)
    return [
      `${this.name}: ${count} values, eager on ${this.device} and ${by.join(', ')}: ${wrong.length ? `${wrong.length} differ` : 'all the same'}`,
      ...wrong.map(v => `  ${v.by}: ${v.what}, ${typeOf(v)}: ${v.where}`),
      ...(this.culprit === null ? [] : [`first: ${this.culprit}`]),
      ...this.skipped.map(([device, why]) => `  not on ${device}: ${why}`),
    ].join('\n')
  }
}

/** Values by what they are. */
type Outcome = ReadonlyMap<string, { readonly dtype: DType; readonly shape: Shape; readonly values: ArrayLike<number> }>

/** What a function depends on and changes: found by a trace. */
interface State {
  readonly traced: Traced
  /** Memory that the code reaches by itself, with its content of before. */
  readonly captured: readonly { readonly what: string; readonly tensor: Tensor; readonly before: Tensor }[]
}

/**
 * Runs a function eagerly, compiled, and compiled on the other open devices and the reference, each time on clones of the arguments and
 * from the same state, and compares results, gradients and changed state. State is put back afterwards. Pass the plain function, not
 * what `compile` made of it.
 *
 * @example
 * const report = await check((x, y) => x.mul(y).sum(), tensor([1, 2]), tensor([3, 4]))
 * report.ok // → true
 */
export async function check<A extends unknown[]>(fn: (...args: A) => unknown, ...args: A): Promise<CheckReport> {
  needFunction('check', fn)
  const name = fn.name || 'the function'
  const backend = currentBackend()
  const state = stateOf(backend, fn, args)
  const graphs: { readonly values: Outcome; readonly by: Checked['by'] }[] = []
  const skipped: (readonly [BackendName, string])[] = []
  try {
    const eagerly = await outcome(state, fn, args)
    const compiled = compile(fn, { name })
    graphs.push({ by: 'compiled', values: await outcome(state, compiled, args) })
    compiled.dispose()
    const given = await inputsOf(state, args)
    for (const other of others(backend))
      try {
        graphs.push({ by: other.info.name, values: await elsewhere(other, state, given) })
      } catch (error) {
        if (!(error instanceof LampasError)) throw error
        skipped.push([other.info.name, error.problem])
      }
    const values = graphs.flatMap(({ by, values }) => [...values].flatMap(([what, v]) => compared(by, what, eagerly.get(what), v)))
    return new CheckReport(name, backend.info.name, values, skipped, values.every(v => v.same) ? null : await culprit(state, fn, args))
  } finally {
    for (const { before } of state.captured) before.dispose()
  }
}

/** Arguments with memory of their own; one tensor that is passed twice stays one. */
function cloned<A extends unknown[]>(args: A): A {
  const known = new Map<Tensor, Tensor>()
  return rebuild(args, x => {
    const y = known.get(x) ?? noGrad(() => x.clone())
    if (!known.has(x) && x.requiresGrad) y.requiresGrad_()
    known.set(x, y)
    return y
  }) as A
}

function stateOf<A extends unknown[]>(backend: Backend, fn: (...args: A) => unknown, args: A): State {
  const trace = new Trace(backend)
  let count = 0
  const copies = cloned(args)
  const given = rebuild(copies, x => trace.argument(x, count++)) as A
  const { traced } = trace.run(() => fn(...given), r => [...tensorsIn(r)])
  for (const { leaf, before } of traced.grads) leaf.grad = before
  const made = new Set(traced.grads.flatMap(({ grad, before }) => (grad && grad !== before ? [grad.source] : [])))
  const captured = traced.externals
    .filter(e => e.argument === null && !e.literal && !made.has(e.storage))
    .map((e, i) => {
      const tensor = handleOn(e.storage, contiguousView(e.value.dtype, e.value.shape))
      return { what: `captured tensor ${i}`, tensor, before: noGrad(() => clone(tensor)) }
    })
  return { traced, captured }
}

/** Runs the function and tells what it made and changed; then everything is as before. */
async function outcome<A extends unknown[]>({ traced, captured }: State, fn: (...args: A) => unknown, args: A): Promise<Outcome> {
  const copies = cloned(args)
  const inputs = [...new Set(tensorsIn(copies))]
  const found = new Map<string, Tensor>()
  // Copies, since what the function changes is put back before they are read.
  const note = (what: string, x: Tensor | null): void => void (x && found.set(what, noGrad(() => x.detach().clone())))
  try {
    const results = [...tensorsIn(fn(...copies))]
    results.forEach((y, i) => note(`result ${i}`, y))
    inputs.forEach((x, i) => {
      note(`argument ${i}, afterwards`, x)
      if (isDifferentiable(x.dtype)) note(`gradient of argument ${i}`, x.grad)
    })
    captured.forEach(({ what, tensor }) => note(`${what}, afterwards`, tensor))
    traced.grads.forEach(({ leaf }, i) => note(`gradient of parameter ${i}`, leaf.peekGrad()))
  } finally {
    for (const { leaf, before } of traced.grads) leaf.grad = before
    for (const { tensor, before } of captured) noGrad(() => copy_(tensor, before))
  }
  const entries = await Promise.all([...found].map(async ([what, x]) => [what, { dtype: x.dtype, shape: x.shape, values: await x.data() }] as const))
  for (const x of [...found.values(), ...inputs]) x.dispose()
  return new Map(entries)
}

/** The externals of the traced graph as numbers. */
function inputsOf<A extends unknown[]>({ traced }: State, args: A): Promise<ArrayBuffer[]> {
  const tensors = [...tensorsIn(args)]
  return Promise.all(traced.externals.map(async e => {
    const x = e.argument === null ? handleOn(e.storage, contiguousView(e.value.dtype, e.value.shape)) : tensors[e.argument]
    const words = await eager.read(x)
    return words.buffer.slice(words.byteOffset, words.byteOffset + bytesOf(x.dtype, x.numel)) as ArrayBuffer
  }))
}

const others = (backend: Backend): Backend[] => {
  const open = openBackends().filter(b => b !== backend && b.info.name !== 'meta')
  return open.some(b => b.info.name === 'reference') || backend.info.name === 'reference' ? open : [...open, createReference()]
}

/** Plans and runs the graph on another device. */
async function elsewhere(backend: Backend, { traced, captured }: State, given: readonly ArrayBuffer[]): Promise<Outcome> {
  const owned: Block[] = []
  const place = (v: Value, content?: ArrayBuffer): Block => {
    const block = backend.alloc(bytesOf(v.dtype, numel(v.shape)))
    owned.push(block)
    if (content?.byteLength) backend.write(block, 0, wordsIn(v.dtype, content), v.dtype)
    return block
  }
  try {
    const { graph } = optimize(traced.graph, {})
    const inside = graph.externals.map((v, i) => place(v, given[i]))
    const plan = makePlan(graph, backend, inside)
    const outside = graph.outputs.map(v => place(v))
    const swap = new Map(outside.map((b, i) => [plan.placeholders[inside.length + i], b]))
    plan.prepared.run(swap)
    const read = async (v: Value, block: Block) => ({ dtype: v.dtype, shape: v.shape, values: toValues(v.dtype, wordsIn(v.dtype, await backend.read(block, 0, bytesOf(v.dtype, numel(v.shape)), v.dtype)).subarray(0, numel(v.shape) * (v.dtype === 'complex64' ? 2 : 1))) })
    const own = graph.outputs.length - traced.argumentGrads.length
    const wanted: [string, Value, Block][] = graph.outputs.map((v, i) => [i < own ? `result ${i}` : `gradient of argument ${traced.argumentGrads[i - own]}`, v, outside[i]])
    const storages = new Map<Storage, string>(captured.map(({ what, tensor }) => [tensor.source as Storage, `${what}, afterwards`]))
    traced.grads.forEach(({ grad }, i) => grad && storages.set(grad.source as Storage, `gradient of parameter ${i}`))
    for (const u of graph.updates) {
      const i = graph.externals.indexOf(u.external)
      const e = traced.externals[i]
      const what = e.argument === null ? storages.get(e.storage) : `argument ${e.argument}, afterwards`
      if (what) wanted.push([what, u.external, inside[i]])
    }
    const found = new Map(await Promise.all(wanted.map(async ([what, v, block]) => [what, await read(v, block)] as const)))
    plan.dispose()
    return found
  } finally {
    for (const b of owned) backend.free(b)
  }
}

/** How many units in the last place the work of one call may gather, of the number and of the largest one. */
const UNITS = 512

function compared(by: Checked['by'], what: string, expected: { readonly values: ArrayLike<number> } | undefined, { dtype, shape, values }: { readonly dtype: DType; readonly shape: Shape; readonly values: ArrayLike<number> }): Checked[] {
  if (!expected) return []
  const unit = isExact(dtype) ? 0 : UNITS * rounding[dtype]
  const scale = unit * largest(expected.values)
  const found = furthest(expected.values, values, e => unit * Math.abs(e) + scale)
  const most = furthest(expected.values, values, () => 0)
  const difference = most ? Math.abs(most.expected - most.found) : 0
  return [{ by, what, dtype, shape, same: found === null, difference, where: found && differenceText(found, { dtype, shape }, 'eagerly, here') }]
}

/** Runs the function once more in the mode 'debug', which names what goes wrong first. */
async function culprit<A extends unknown[]>(state: State, fn: (...args: A) => unknown, args: A): Promise<string> {
  const debugged = compile(fn, { mode: 'debug', name: fn.name || 'the function' })
  try {
    await outcome(state, debugged, args)
    await debugged.checked()
  } catch (error) {
    if (error instanceof LampasError && error.op === 'debug') return error.problem
    throw error
  } finally {
    debugged.dispose()
  }
  return 'each rewrite and each kernel is right. So the trace differs from the code, which keeps something outside of tensors (a counter, a list, the time), or rounding grew large'
}

