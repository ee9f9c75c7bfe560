// What an op does depends on the kind of its operands alone: layouts, plain numbers, parameters. So the lowering is written down when such
// operands come first, and followed again whenever they come back. A table for each op keeps its recipes, one at each place of a hash.
import { bytesOf, type DType } from '../core/dtype.ts'
import { internal } from '../core/errors.ts'
import { numel, sameShape, type Shape } from '../core/shape.ts'
import { contiguousView, extent, sameGeometry, type View } from '../core/view.ts'
import type { Kernel } from '../ir/kernel.ts'
import { copyInto, KernelLowering } from '../ops/lowering.ts'
import { withViews, type Arg, type KernelSpec, type Lowering, type Op } from '../ops/op.ts'
import { Tensor } from '../ops/tensor.ts'
import { ConstantSource } from '../ops/world.ts'

/** Memory is meant by its place: that of the operands first, then what the recipe asks for. */
export interface Recipe {
  readonly kind: Kind
  /** Bytes of the memory that it asks for. */
  readonly sizes: readonly number[]
  /** Places that no result shows. */
  readonly aside: readonly number[]
  readonly hasFloat64: boolean
  readonly steps: readonly { readonly kernel: Kernel; readonly at: readonly number[] }[]
  readonly results: readonly { readonly view: View; readonly at: number }[]
}

/** The operands and parameters that a recipe serves. */
interface Kind {
  readonly views: readonly View[]
  readonly constants: readonly Constant[]
  /** For each operand the first one in the same memory. */
  readonly memory: readonly number[]
  readonly params: unknown
}
type Constant = number | boolean | undefined

const constantOf = ({ source }: Tensor): Constant => (source instanceof ConstantSource ? source.value : undefined)

function memoryOf(operands: readonly Tensor[], i: number): number {
  const { source } = operands[i]
  for (let k = 0; k < i; k++) if (operands[k].source === source) return k
  return i
}

/** Parameters belong to the caller, who may change them afterwards. */
function copied(v: unknown): unknown {
  if (Array.isArray(v)) return v.map(copied)
  return isPlain(v) ? Object.fromEntries(Object.entries(v).map(([k, x]) => [k, copied(x)])) : v
}

const isPlain = (v: unknown): v is Record<string, unknown> => typeof v === 'object' && v !== null && Object.getPrototypeOf(v) === Object.prototype

/** Functions and tensors among the parameters are of one call: nothing that lasts should hold them. */
const lasts = (v: unknown): boolean =>
  Array.isArray(v) || isPlain(v) ? Object.values(v).every(lasts) : typeof v !== 'function' && !(v instanceof Tensor)

/** Whether parameters say the same. NaN equals itself here, and 0 is not -0. */
function agree(a: unknown, b: unknown): boolean {
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return Object.is(a, b)
  if (Array.isArray(a)) {
    if (!Array.isArray(b) || a.length !== b.length) return false
    for (let i = 0; i < a.length; i++) if (!agree(a[i], b[i])) return false
    return true
  }
  if (!isPlain(a) || !isPlain(b)) return a === b
  let left = 0
  for (const key in a) {
    if (!agree(a[key], b[key])) return false
    left++
  }
  for (const _ in b) left--
  return left === 0
}

const sameView = (a: View, b: View): boolean => a === b || (a.dtype === b.dtype && a.offset === b.offset && sameShape(a.shape, b.shape) && sameShape(a.strides, b.strides))

function serves({ views, constants, memory, params: known }: Kind, operands: readonly Tensor[], params: unknown): boolean {
  if (views.length !== operands.length) return false
  for (let i = 0; i < views.length; i++)
    if (!sameView(views[i], operands[i].layout) || !Object.is(constants[i], constantOf(operands[i])) || memory[i] !== memoryOf(operands, i)) return false
  return agree(known, params)
}

const mixed = (hash: number, n: number): number => {
  const h = Math.imul(hash ^ n, 0x9e3779b1)
  return h ^ (h >>> 15)
}

function mixedAll(hash: number, v: unknown): number {
  if (typeof v === 'number') return mixed(hash, Number.isInteger(v) ? v : v * 0x10000)
  if (typeof v === 'string') return mixed(hash, v.length)
  if (Array.isArray(v)) for (const x of v) hash = mixedAll(hash, x)
  else if (isPlain(v)) for (const key in v) hash = mixedAll(hash, v[key])
  return hash
}

function hashOf(operands: readonly Tensor[], params: unknown): number {
  let hash = operands.length
  for (let i = 0; i < operands.length; i++) {
    const { shape, strides, offset } = operands[i].layout
    hash = mixed(hash, offset)
    for (let k = 0; k < shape.length; k++) hash = mixed(mixed(hash, shape[k]), strides[k])
    const constant = constantOf(operands[i])
    if (constant !== undefined) hash = mixedAll(hash, constant)
  }
  return params === null ? hash : mixedAll(hash, params)
}

const PLACES = 64
type Tables = WeakMap<Op<never>, (Recipe | undefined)[]>
const [plain, inPlace]: Tables[] = [new WeakMap(), new WeakMap()]

function tableOf(tables: Tables, op: Op<never>): (Recipe | undefined)[] {
  let table = tables.get(op)
  if (table === undefined) tables.set(op, (table = new Array<Recipe | undefined>(PLACES).fill(undefined)))
  return table
}

type Write = <P>(op: Op<P>, targets: number, operands: readonly Tensor[], params: P) => Recipe

function recipeIn<P>(tables: Tables, write: Write, op: Op<P>, targets: number, operands: readonly Tensor[], params: P): Recipe {
  const table = tableOf(tables, op)
  const place = hashOf(operands, params) & (PLACES - 1)
  const known = table[place]
  if (known !== undefined && serves(known.kind, operands, params)) return known
  const recipe = write(op, targets, operands, params)
  if (lasts(params)) table[place] = recipe
  return recipe
}

/** How an op makes results. Throws when the operands do not fit. */
export const recipeOf = <P>(op: Op<P>, inputs: readonly Tensor[], params: P): Recipe => recipeIn(plain, written, op, 0, inputs, params)

/** How an op writes over targets; the operands of the recipe are the targets, then the inputs. */
export const recipeInto = <P>(op: Op<P>, targets: number, operands: readonly Tensor[], params: P): Recipe => recipeIn(inPlace, writtenInto, op, targets, operands, params)

/** Stands for memory. */
class Place {
  constructor(readonly at: number) {}
}
const placeOf = ({ slot }: Arg): number => (slot instanceof Place ? slot.at : internal('a lowering reads memory that is no operand of its op'))

/** Writes kernels down in place of running them. */
class Writer extends KernelLowering {
  readonly operands: readonly Arg[]
  private readonly kind: Kind
  private readonly sizes: number[] = []
  private readonly steps: Recipe['steps'][number][] = []
  private hasFloat64 = false

  constructor(operands: readonly Tensor[], params: unknown) {
    super()
    const memory = operands.map((_, i) => memoryOf(operands, i))
    this.kind = { views: operands.map(x => x.layout), constants: operands.map(constantOf), memory, params: copied(params) }
    const places = operands.map((_, i) => new Place(i))
    this.operands = operands.map((x, i) => ({ view: x.layout, slot: places[memory[i]], constant: x.constant }))
  }

  alloc(dtype: DType, shape: Shape): Arg {
    if (dtype === 'float64') this.hasFloat64 = true
    return { view: contiguousView(dtype, shape), slot: new Place(this.operands.length + this.sizes.push(bytesOf(dtype, numel(shape))) - 1) }
  }

  protected emit(spec: KernelSpec, inputs: readonly Arg[], outputs: readonly Arg[]): void {
    this.steps.push({ kernel: withViews(spec, inputs, outputs), at: [...inputs, ...outputs].map(placeOf) })
  }

  done(args: readonly Arg[]): Recipe {
    const results = args.map(a => ({ view: a.view, at: placeOf(a) }))
    const aside = this.sizes.map((_, i) => this.operands.length + i).filter(at => results.every(r => r.at !== at))
    return { kind: this.kind, sizes: this.sizes, aside, hasFloat64: this.hasFloat64, steps: this.steps, results }
  }
}

function written<P>(op: Op<P>, _targets: number, inputs: readonly Tensor[], params: P): Recipe {
  const metas = op.infer(inputs, params)
  const w = new Writer(inputs, params)
  return w.done(op.lower!(w, w.operands, params, metas))
}

function writtenInto<P>(op: Op<P>, targets: number, operands: readonly Tensor[], params: P): Recipe {
  const w = new Writer(operands, params)
  const places = w.operands.slice(0, targets)
  const args = w.operands.slice(targets).map(x => safeInput(w, x, places))
  if (op.lowerInto) op.lowerInto(w, args, params, places)
  else op.lower!(w, args, params, op.infer(operands.slice(targets), params)).forEach((a, i) => copyInto(w, a, places[i]))
  return w.done([])
}

/** Inputs that overlap the target in another order than elementwise are copied first. */
function safeInput(k: Lowering, x: Arg, places: readonly Arg[]): Arg {
  const clash = places.some(p => p.slot === x.slot && (p.view.dtype !== x.view.dtype || (!sameGeometry(p.view, x.view) && overlap(p.view, x.view))))
  if (!clash) return x
  const copy = k.alloc(x.view.dtype, x.view.shape)
  copyInto(k, x, copy)
  return copy
}

function overlap(a: View, b: View): boolean {
  const [ea, eb] = [extent(a), extent(b)]
  return ea !== null && eb !== null && ea[0] <= eb[1] && eb[0] <= ea[1]
}
