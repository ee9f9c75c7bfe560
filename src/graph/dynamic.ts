// Axes whose size may change from call to call without a new trace. The function is traced at three sizes; where the three graphs, rewritten,
// differ only in numbers that formulas of the size give, any other size is put into these formulas: no trace and no rewriting, only a plan.
import { LampasError, fail } from '../core/errors.ts'
import { contiguousView } from '../core/view.ts'
import { empty } from '../ops/creation.ts'
import { Tensor } from '../ops/tensor.ts'
import { handleOn } from '../eager/storage.ts'
import { eager } from '../eager/world.ts'
import { hooksOf, isPlain, kindOf } from './arguments.ts'
import { Comparison, valueAt, type Probe } from './compare.ts'
import { optimize, type Optimized, type PassOptions } from './passes/index.ts'
import type { Traced } from './trace.ts'

/** Of arguments, by their places, the axes whose size may change: `{ 0: [0], 1: [0] }`. Of lists and objects of tensors by places and names inside. */
export type DynamicAxes = readonly (readonly number[] | DynamicAxes)[] | { readonly [place: string | number]: readonly number[] | DynamicAxes }

/** Of each tensor among the arguments, by its path, its dynamic axes and how many times the size each has. */
type Times = ReadonlyMap<string, ReadonlyMap<number, number>>

const isAxes = (v: unknown): v is readonly number[] => Array.isArray(v) && v.every(a => typeof a === 'number')
const areAxes = (v: unknown): boolean => (isAxes(v) ? v.every(a => Number.isInteger(a) && a >= 0) : (isPlain(v) || Array.isArray(v)) && Object.values(v).every(areAxes))

/** Arguments with their tensors, known by paths, exchanged; lists and objects become new ones. */
function exchanged(value: unknown, path: string, of: (x: Tensor, path: string) => unknown): unknown {
  if (value instanceof Tensor) return of(value, path)
  if (Array.isArray(value)) return value.map((v, i) => exchanged(v, `${path}.${i}`, of))
  return isPlain(value) ? Object.fromEntries(Object.entries(value).map(([k, v]) => [k, exchanged(v, `${path}.${k}`, of)])) : value
}

/** A graph at one size. */
export interface Instance {
  readonly traced: Traced
  readonly optimized: Optimized
  readonly result: unknown
  /** Whether the function was traced for it. */
  readonly fresh: boolean
}

/** Sizes 0 and 1 are traced by themselves: at 1 axes broadcast, and means of nothing are errors. */
const SMALLEST = 2

/**
 * Three sizes unlike each other: odd, twice odd and a multiple of four, none a power of two, none a size that occurs otherwise. Below the
 * given one where there is room, since some functions have a largest size.
 */
function probesNear(n: number, taken: ReadonlySet<number>): number[] {
  const search = (step: 1 | -1): number[] => {
    const found: number[] = []
    for (let k = n + step; found.length < 3 && k < 2 ** 20 && (step > 0 || k > 4); k += step)
      if (!Number.isInteger(Math.log2(k)) && k > 4 && !taken.has(k) && !found.some(f => twos(f) === twos(k) || f % 3 === k % 3)) found.push(k)
    return found
  }
  const below = n < 32 ? [] : search(-1)
  return below.length === 3 ? below : search(1)
}
const twos = (k: number): number => (k % 2 ? 0 : k % 4 ? 1 : 2)

export class Dynamic {
  private readonly templates = new Map<string, Template>()

  constructor(
    private readonly name: string,
    private readonly axes: DynamicAxes,
    private readonly passes: PassOptions,
  ) {
    if (!areAxes(axes)) fail('compile', 'dynamic lists axes of arguments', 'compile(fn, { dynamic: { 0: [0], 1: [0] } }): axis 0 of the first argument and of the second')
  }

  /** The graph for these arguments; null where they must be traced as they are. `at` traces the function on arguments. */
  instance(args: readonly unknown[], context: string, at: (args: readonly unknown[]) => Probe): Instance | null {
    const known = this.sizeOf(args)
    if (!known || known.n < SMALLEST) return null
    const { n, times } = known
    const taken = new Set<number>()
    const kinds: string[] = []
    const plain = exchanged(args, '', (x, path) => {
      const own = times.get(path)
      for (const [k, size] of x.shape.entries()) if (!own?.has(k)) taken.add(size)
      kinds.push(own ? `${x.dtype}[${x.shape.map((s, k) => (own.has(k) ? `${own.get(k)}n` : s)).join()}]${x.requiresGrad}${hooksOf(x)}` : kindOf(x))
      return null
    })
    const key = `${context} ${kindOf(plain)} ${kinds.join()}`
    let template = this.templates.get(key)
    const fresh = !template?.holds
    if (!template || fresh) {
      template?.dispose()
      const sized = (size: number) => (x: Tensor, path: string): Tensor => {
        const own = times.get(path)
        if (!own) return x
        const like = eager.on('meta', () => empty(x.shape.map((s, k) => (own.get(k) ?? 0) * size || s), { dtype: x.dtype }))
        like.hooks = x.hooks
        return x.requiresGrad ? like.requiresGrad_() : like
      }
      template = new Template(this.name, probesNear(n, taken), this.passes, size => at(exchanged(args, '', sized(size)) as unknown[]))
      this.templates.set(key, template)
    }
    return { ...template.at(n), fresh }
  }

  dispose(): void {
    for (const t of this.templates.values()) t.dispose()
    this.templates.clear()
  }

  /** The size n, and how many times n each dynamic axis has. */
  private sizeOf(args: readonly unknown[]): { n: number; times: Times } | null {
    let n = -1
    let empty = false
    const times = new Map<string, Map<number, number>>()
    const visit = (axes: DynamicAxes | readonly number[], x: unknown, path: string): void => {
      const label = `argument ${path.slice(1)}`
      if (!isAxes(axes)) {
        if (!isPlain(x) && !Array.isArray(x)) fail('compile', `dynamic names parts of ${label} of ${this.name}, which is no list or object`, 'name places of tensors')
        for (const [place, inner] of Object.entries(axes)) visit(inner, (x as Record<string, unknown>)[place], `${path}.${place}`)
        return
      }
      if (!(x instanceof Tensor)) return fail('compile', `dynamic names ${label} of ${this.name}, which is ${x === undefined ? 'missing' : 'not a tensor'}`, 'name places of tensors among the arguments')
      const own = new Map<number, number>()
      for (const axis of axes) {
        if (axis >= x.ndim) fail('compile', `dynamic names axis ${axis} of ${label} of ${this.name}, ${x}`, `axes 0 to ${x.ndim - 1}`)
        const size = x.shape[axis]
        if (n < 0) n = size
        if (size === 0) empty = true
        else if (n > 0 && size % n !== 0) fail('compile', `axis ${axis} of ${label} of ${this.name} has ${size} elements, the first dynamic axis ${n}`, 'dynamic axes change together: equal sizes, or multiples of the first')
        own.set(axis, size / n)
      }
      times.set(path, own)
    }
    for (const [place, axes] of Object.entries(this.axes)) visit(axes, args[Number(place)], `.${place}`)
    return n < 0 || empty ? null : { n, times }
  }
}

/** What three traces have in common. */
class Template {
  private readonly first: Probe
  private readonly optimized: Optimized
  private readonly common: Comparison
  private readonly result: unknown
  /** Memory that the code reached lives as long as other sizes may come. */
  private readonly held: readonly Tensor[]

  constructor(name: string, sizes: readonly number[], passes: PassOptions, at: (size: number) => Probe) {
    const probes = sizes.map(size => probe(name, size, at))
    const optimized = probes.map(p => optimize(p.traced.graph, passes))
    this.first = probes[0]
    this.held = this.first.traced.externals.filter(e => e.argument === null).map(e => handleOn(e.storage, contiguousView(e.value.dtype, e.value.shape), false))
    this.optimized = optimized[0]
    this.common = new Comparison(name, sizes)
    const graphs = optimized.map(o => o.graph)
    this.common.captured(probes, graphs[0])
    this.common.graphs(graphs)
    this.common.solve('which arguments gather gradients', probes.map(p => p.traced.argumentGrads))
    this.common.solve('how often the code decided by what is outside', probes.map(p => p.traced.guards.length))
    this.result = this.common.solve('the result', probes.map(p => p.result))
    for (const { traced } of probes.slice(1)) for (const { grad, before } of traced.grads) if (grad && grad !== before) eager.release(grad)
  }

  /** Whether what the code decided by is as it was. */
  get holds(): boolean {
    return this.first.traced.guards.every(g => g.read() === g.value)
  }

  dispose(): void {
    for (const x of this.held) eager.release(x)
  }

  at(n: number): Omit<Instance, 'fresh'> {
    const { graph, valueOf } = this.common.instance(this.optimized.graph, n)
    const externals = this.first.traced.externals.map(e => ({ ...e, value: valueOf(e.value) }))
    return { traced: { ...this.first.traced, graph, externals }, optimized: { ...this.optimized, graph }, result: valueAt(this.result, n) }
  }
}

/** One trace, which leaves the gradients of leaves as they are. */
function probe(name: string, size: number, at: (size: number) => Probe): Probe {
  try {
    const found = at(size)
    for (const { leaf, before } of found.traced.grads) leaf.grad = before
    return found
  } catch (error) {
    if (!(error instanceof LampasError)) throw error
    throw new LampasError(error.op, `${error.problem} (${name} was traced with ${size} for the size of its dynamic axis)`, `${error.help ? `${error.help}; or ` : ''}leave the axis static`)
  }
}
