// Expressions: tensors without values. A public function that meets one among its arguments does not run; the call itself becomes an
// expression, and is made when a function of the expressions runs. So everything that eager code can do can be said symbolically.
import type { DType, TypedArray } from '../core/dtype.ts'
import { LampasError, fail } from '../core/errors.ts'
import type { Shape } from '../core/shape.ts'
import { contiguousView, type View } from '../core/view.ts'
import { noGrad } from '../autograd/mode.ts'
import { currentBackend } from '../eager/device.ts'
import { eager } from '../eager/world.ts'
import { isPlain } from '../graph/arguments.ts'
import { Site } from '../graph/site.ts'
import { Trace } from '../graph/trace.ts'
import { recordCalls } from '../ops/define.ts'
import { empty, Tensor, type Generator as RandomGenerator, type NestedArray } from '../ops/index.ts'
import { world, type Source } from '../ops/world.ts'
import type { Run } from './run.ts'

export type AnyFunction = (...args: unknown[]) => unknown

/** What an expression is on examples: a tensor of the device meta, or whatever else a call can give. */
export type Example = { readonly value: unknown } | null

const LIKE = 'give the variables examples, matrix(\'x\', {like: [2, 3]}), or record the whole function as one call: symbolic.call(fn, x)'

/** Stands where a tensor has its sizes. What looks there works with sizes that are not known yet. */
class UnknownView implements View {
  of: Expression | null = null
  private get meta(): View {
    return contiguousView(this.dtype, this.of!.exampleShape())
  }
  get dtype(): DType {
    return this.of!.dtype
  }
  get shape(): Shape {
    return this.meta.shape
  }
  get strides(): readonly number[] {
    return this.meta.strides
  }
  get offset(): number {
    return this.meta.offset
  }
}
class NoSource implements Source {
  readonly world = null
  version = 0
}

export abstract class Expression extends Tensor {
  abstract readonly name: string | null
  /** The expressions that this one is made of. */
  abstract readonly inputs: readonly Expression[]
  abstract readonly example: Example
  /** The value, when those of the inputs are known. */
  abstract compute(run: Run): unknown
  /** Notes of one's own; see `tag`. */
  readonly notes: Record<string, unknown> = {}
  private readonly parts = new Map<string | number, Expression>()

  constructor() {
    const view = new UnknownView()
    super(view, new NoSource())
    view.of = this
  }

  private get tensorExample(): Tensor | null {
    return this.example?.value instanceof Tensor ? this.example.value : null
  }

  exampleShape(): Shape {
    return this.tensorExample?.shape ?? fail(this.label, 'sizes of an expression are not known before a call', LIKE)
  }

  override get dtype(): DType {
    return this.tensorExample?.dtype ?? fail(this.label, 'the dtype of this expression is not known before a call', LIKE)
  }

  override get ndim(): number {
    return this.tensorExample?.ndim ?? fail(this.label, 'the number of dimensions of this expression is not known before a call', LIKE)
  }

  /** Symbolic numbers: `zeros(x.shape[0], 3)` makes as many rows as x has in a call. */
  override get shape(): Shape {
    const rank = this.example === null ? this.knownRank : this.tensorExample?.ndim ?? null
    const at = (i: number): number => asNumber(size(this, i))
    if (rank !== null) return Array.from({ length: rank }, (_, i) => at(i))
    return new Proxy([] as number[], {
      get: (_, key) =>
        typeof key === 'string' && /^\d+$/.test(key) ? at(Number(key))
        : fail(this.label, 'the number of dimensions of this expression is not known before a call', `sizes are: x.shape[0], x.size(-1); ${LIKE}`),
    })
  }

  override get numel(): number {
    return asNumber(call('numel', x => (x as Tensor).numel, [this], { key: '' }))
  }

  /** How many dimensions every value has, where the kind of variable tells. */
  protected get knownRank(): number | null {
    return null
  }

  override get device(): string {
    return 'symbolic'
  }

  override get requiresGrad(): boolean {
    return false
  }

  override get alive(): boolean {
    return true
  }

  override dispose(): void {}

  override detach(): Tensor {
    return call('detach', x => (x as Tensor).detach(), [this], { key: '' })
  }

  override requiresGrad_(): this {
    return fail('requiresGrad_', `${this} is an expression`, 'symbolic.grad(cost, x) takes derivatives with respect to any expression')
  }

  override backward(): void {
    fail('backward', `${this} is an expression`, 'symbolic.grad(cost, wrt) gives its gradient as expressions')
  }

  override data(): Promise<TypedArray> {
    return Promise.reject(this.unread('data'))
  }

  override dataSync(): TypedArray {
    throw this.unread('dataSync')
  }

  override item(): Promise<number> {
    return Promise.reject(this.unread('item'))
  }

  override itemSync(): number {
    throw this.unread('itemSync')
  }

  override toArray(): Promise<NestedArray> {
    return Promise.reject(this.unread('toArray'))
  }

  override toArraySync(): NestedArray {
    throw this.unread('toArraySync')
  }

  private unread(op: string): LampasError {
    return new LampasError(op, `${this} is an expression, it has no values`, 'symbolic.evaluate(e, {x: …}) gives them, or a function: symbolic.func({inputs, outputs})')
  }

  /** Its name, or the op that makes it. */
  get label(): string {
    return this.name ?? 'expression'
  }

  override toString(): string {
    return this.label
  }

  override [Symbol.toPrimitive](hint: string): string {
    if (hint === 'string') return this.label
    return fail('operator', `JavaScript's operators do not work on ${this.label}, whose value is not known yet`, 'use methods, of sizes too: symbolic.size(x, 0).mul(2)')
  }

  /** A field of a result that is an object, or an entry of one that is a list. */
  part(key: string | number): Expression {
    let e = this.parts.get(key)
    if (!e) {
      e = new Call('part', (v, k) => (v as Record<string | number, unknown>)[k as string | number], [this, key], { key: '' })
      this.parts.set(key, e)
    }
    return e
  }

  /** The entries of a result that is a list, for destructuring: as many as are asked for. */
  *[Symbol.iterator](): Generator<Expression> {
    for (let i = 0; i < 64; i++) yield this.part(i)
    fail(this.label, 'an expression was spread, but how many entries it has is not known before a call', `take them one by one: const [a, b] = …; ${LIKE}`)
  }
}

/** What ops with several results call them. */
const fields = [
  'values', 'indices', 'Q', 'R', 'P', 'L', 'U', 'S', 'Vh', 'LU', 'pivots', 'info', 'eigenvalues', 'eigenvectors', 'solution', 'residuals',
  'logabsdet', 'mantissa', 'exponent', 'hist', 'binEdges', 'counts', 'inverse',
]
for (const field of fields)
  if (!(field in Tensor.prototype))
    Object.defineProperty(Expression.prototype, field, {
      get(this: Expression) {
        return this.part(field)
      },
    })

/** All expressions inside a value, however nested. */
export function expressionsIn(v: unknown, into: Set<Expression> = new Set()): Set<Expression> {
  if (v instanceof Expression) into.add(v)
  else if (Array.isArray(v)) for (const x of v) expressionsIn(x, into)
  else if (isPlain(v)) for (const x of Object.values(v)) expressionsIn(x, into)
  return into
}

/** Whether there is an expression inside a value. */
export function mentions(v: unknown): boolean {
  if (v instanceof Tensor) return v instanceof Expression
  return Array.isArray(v) ? v.some(mentions) : isPlain(v) && Object.values(v).some(mentions)
}

/** A nested value with each expression replaced. */
export function mapExpressions(v: unknown, f: (e: Expression) => unknown): unknown {
  if (v instanceof Expression) return f(v)
  if (Array.isArray(v)) return v.map(x => mapExpressions(x, f))
  return isPlain(v) ? Object.fromEntries(Object.entries(v).map(([k, x]) => [k, mapExpressions(x, f)])) : v
}

export interface CallOptions {
  /** With respect to which expressions the function differentiates: their values are made such that it can. */
  readonly wrt?: readonly Expression[]
  /** Expressions whose values must be plain numbers, since they decide how the graph looks. */
  readonly plain?: readonly Expression[]
  /** The first argument is computed, the others are passed as functions that compute them. */
  readonly lazy?: boolean
  /** What it draws random numbers from. */
  readonly generator?: RandomGenerator
  /** What draws inside of its function: of a loop, the random variables of a step. */
  readonly draws?: readonly RandomGenerator[]
  /** It runs code of the user, whose lines are nearer than that of the call. */
  readonly open?: boolean
  /** Functions of one op and one key do the same, though each call has its own. */
  readonly key?: string
  /** Makes the example; default: the call itself, on the examples of its arguments. */
  readonly example?: (() => Example) | null
}

/** What sizes can be computed with, as plain numbers. */
const arithmetic: Readonly<Record<string, (a: number, b: number) => number | boolean>> = {
  add: (a, b) => a + b, sub: (a, b) => a - b, mul: (a, b) => a * b, div: (a, b) => a / b, neg: a => -a, abs: a => Math.abs(a),
  floorDivide: (a, b) => Math.floor(a / b), remainder: (a, b) => a - b * Math.floor(a / b), pow: (a, b) => a ** b,
  maximum: (a, b) => Math.max(a, b), minimum: (a, b) => Math.min(a, b), ceil: a => Math.ceil(a), floor: a => Math.floor(a),
  lt: (a, b) => a < b, le: (a, b) => a <= b, gt: (a, b) => a > b, ge: (a, b) => a >= b, eq: (a, b) => a === b, ne: (a, b) => a !== b,
}
const isNumber = (v: unknown): v is number => typeof v === 'number'

export class Call extends Expression {
  /** How many there are so far. */
  static made = 0
  /** Its place among all. */
  readonly order = Call.made++
  name: string | null = null
  readonly inputs: readonly Expression[]
  readonly example: Example
  readonly site: Site

  constructor(
    readonly op: string,
    readonly fn: AnyFunction,
    readonly args: readonly unknown[],
    readonly options: CallOptions = {},
  ) {
    super()
    this.site = Site.here(op)
    this.inputs = [...expressionsIn(args)]
    this.example = options.example === undefined ? this.onExamples() : (options.example?.() ?? null)
  }

  override get label(): string {
    return this.name ?? `${this.op}(${this.inputs.map(e => (e instanceof Call ? `${e.op}(…)` : e.label)).join(', ')})`
  }

  get generators(): readonly RandomGenerator[] {
    const { generator, draws = [] } = this.options
    return generator ? [generator, ...draws] : draws
  }

  /** What must be known before `compute`. */
  get needed(): readonly Expression[] {
    return this.options.lazy ? [...expressionsIn(this.args[0])] : this.inputs
  }

  compute(run: Run): unknown {
    const value = (v: unknown): unknown => mapExpressions(v, e => run.get(e))
    return Site.during(this.options.open ? null : this.site, () => this.called(value, run))
  }

  private called(value: (v: unknown) => unknown, run: Run): unknown {
    try {
      if (this.options.lazy) return this.fn(value(this.args[0]), ...this.args.slice(1).map(a => run.later(a)))
      const args = value(this.args) as unknown[]
      const rule = args.every(isNumber) ? arithmetic[this.op] : undefined
      return rule ? rule(...(args as [number, number])) : this.fn(...args)
    } catch (error) {
      throw this.sited(error)
    }
  }

  /** The same call of other arguments. */
  over(f: (e: Expression) => unknown): Call {
    const { options } = this
    const each = (list: readonly Expression[] | undefined): Expression[] | undefined => list?.map(f).filter(e => e instanceof Expression)
    const example = options.example === undefined ? undefined : null
    const made = new Call(this.op, this.fn, mapExpressions(this.args, f) as unknown[], { ...options, wrt: each(options.wrt), plain: each(options.plain), example })
    made.name = this.name
    Object.assign(made.notes, this.notes)
    return made
  }

  /** Traces the call on the examples of its arguments, which computes nothing: there a mistake shows at the line that made it. */
  private onExamples(): Example {
    if (this.inputs.some(e => e.example === null)) return null
    const trace = new Trace(currentBackend())
    let count = 0
    const [first, ...rest] = mapExpressions(this.args, e => mapTensors(e.example!.value, x => trace.argument(x, count++))) as unknown[]
    try {
      const { result } = trace.run(() => noGrad(() => (this.options.lazy ? this.fn(first, ...rest.map(x => () => x)) : this.fn(first, ...rest))), () => [])
      return { value: mapTensors(result, metaOf) }
    } catch (error) {
      throw this.sited(error)
    }
  }

  /** An error that says which line built the call. */
  private sited(error: unknown): unknown {
    const { line } = this.site
    if (line === null || !(error instanceof LampasError) || error.message.includes('(built ')) return error
    const Kind = error.constructor as typeof LampasError
    return new Kind(error.op, `${error.problem} (built ${line})`, error.help)
  }
}

function mapTensors(v: unknown, f: (x: Tensor) => Tensor): unknown {
  if (v instanceof Tensor) return v.source.world === null ? v : f(v)
  if (Array.isArray(v)) return v.map(x => mapTensors(x, f))
  return isPlain(v) ? Object.fromEntries(Object.entries(v).map(([k, x]) => [k, mapTensors(x, f)])) : v
}

/** A tensor of given dtype and shape without values. */
export const blank = (dtype: DType, shape: Shape): Tensor => world().outside(() => eager.on('meta', () => empty(shape, { dtype })))
const twins = new WeakMap<Tensor, Tensor>()
/** One like x. */
export function metaOf(x: Tensor): Tensor {
  let y = twins.get(x)
  if (!y) twins.set(x, (y = blank(x.dtype, x.shape)))
  return y
}

/** Tensors that eager code has computed from parameters would enter an expression as constants, and gradients would end there. */
function needNoHistory(op: string, v: unknown): void {
  if (v instanceof Tensor && !(v instanceof Expression) && v.gradFn !== null)
    fail(op, `${v} was computed eagerly from parameters, so an expression would keep its value of today`, 'start from expressions: symbolic.shared(parameter), or detach() what is meant as a constant')
  if (Array.isArray(v)) for (const x of v) needNoHistory(op, x)
}

/** A call as an expression; where examples say that its result is a list or an object, such a one of expressions. */
export function call(op: string, fn: AnyFunction, args: readonly unknown[], options: CallOptions = {}): Expression {
  for (const a of args) needNoHistory(op, a)
  return new Call(op, fn, args, options)
}
function structured(e: Expression, example: unknown): unknown {
  if (Array.isArray(example)) return example.map((x, i) => structured(e.part(i), x))
  if (isPlain(example)) return Object.fromEntries(Object.entries(example).map(([k, x]) => [k, structured(e.part(k), x)]))
  return e
}

/** As `call`, with a result that looks like that of the function. */
export function recorded(op: string, fn: AnyFunction, args: readonly unknown[], options: CallOptions = {}): unknown {
  const e = call(op, fn, args, options)
  return e.example ? structured(e, e.example.value) : e
}

const changing = new Set(['setAt', 'setAtAsync'])
/** Functions that make tensors of sizes, and those that take sizes behind a tensor: they want plain numbers. */
const makers = new Set(['arange', 'empty', 'eye', 'linspace', 'logspace', 'ones', 'rand', 'randint', 'randn', 'randperm', 'zeros'])
const shapers = new Set(['broadcastTo', 'expand', 'repeat', 'reshape', 'tile', 'unflatten', 'view'])
let listening = false
/** Public functions note calls with expressions from here on; before the first expression they do not even look. */
export function listen(): void {
  if (listening) return
  listening = true
  recordCalls((fn, name, args) => {
    if (!mentions(args)) return fn(...args)
    if (name.endsWith('_') || changing.has(name))
      fail(name, 'an expression has no memory that could be changed', 'use the form without _ and go on with its result; shared variables change by updates')
    const sizes = makers.has(name) ? args : shapers.has(name) ? args.slice(1) : []
    return recorded(name, fn, args, { plain: [...expressionsIn(sizes)] })
  })
}

/** Size of a dimension as a symbolic number: `size(x, 0).mul(2)`. */
export const size = (x: Tensor, dim: number): Tensor =>
  call('size', (v, d) => (v as Tensor).size(d as number), [x, dim], { key: '' })
/** A symbolic number where TypeScript wants a number: `arange(asNumber(n))`. */
export const asNumber = (x: Tensor): number => x as unknown as number
