// Derivatives of functions, after torch.func: what they differentiate by are arguments, so that they nest and map. All is the tape's work: forward
// derivatives are the transpose of the transpose, and Jacobians are products with all unit vectors at once, by vmap.
import { grad as pullBack } from '../autograd/engine.ts'
import { enableGrad, isGradEnabled } from '../autograd/mode.ts'
import { edgeOf } from '../autograd/tape.ts'
import { isComplex, isDifferentiable } from '../core/dtype.ts'
import { fail, needFunction, NoGradientError } from '../core/errors.ts'
import { needKnown } from '../core/options.ts'
import { sameShape } from '../core/shape.ts'
import { tensorsIn } from '../eager/storage.ts'
import { rebuild } from '../graph/arguments.ts'
import { apply1, beside } from '../ops/define.ts'
import type { GradNode } from '../ops/gradnode.ts'
import { eye, movedim, onesLike, reshape, zerosLike } from '../ops/index.ts'
import { expandOp } from '../ops/movement-ops.ts'
import { Tensor } from '../ops/tensor.ts'
import { world } from '../ops/world.ts'
import { Batch } from './batch.ts'
import { vmap } from './vmap.ts'

/** Numbers of arguments. */
type ArgNums = number | readonly number[]
/** Of one argument its own kind, of several a list. */
type Of<A extends unknown[], N extends ArgNums> = N extends readonly number[] ? { -readonly [K in keyof N]: A[N[K] & keyof A] } : A[N & number]

export interface GradOptions<N extends ArgNums = ArgNums> {
  /** Which argument the derivative is taken by, or a list of several; -1 is the last. Default 0. */
  argnums?: N
}
/** The function gives more than what is differentiated: [value, more]. */
interface Aux {
  hasAux: true
}
export interface JacobianOptions<N extends ArgNums = ArgNums> extends GradOptions<N> {
  /** At most so many rows (or columns) at a time, for less memory. */
  chunkSize?: number
}

/** Whether something beside x wants derivatives of what follows: in this world, and in those around it. */
interface Followed {
  readonly here: boolean
  readonly around: boolean
}
const nobody: Followed = { here: false, around: false }

function followed(values: readonly Tensor[], own: readonly Tensor[] = []): Followed {
  if (!isGradEnabled()) return nobody
  const around = values.some(x => {
    for (let y: unknown = x.handle; y instanceof Tensor; y = y.handle) if (y.requiresGrad) return true
    return false
  })
  const leaves = new Set(own)
  const seen = new Set<GradNode>()
  const stack = values.map(edgeOf)
  for (let edge = stack.pop(); edge !== undefined; edge = stack.pop()) {
    if (edge === null) continue
    if ('leaf' in edge) {
      if (!leaves.has(edge.leaf)) return { here: true, around }
    } else if (!seen.has(edge.node)) {
      seen.add(edge.node)
      stack.push(...edge.node.edges)
    }
  }
  return { here: false, around }
}

/** x as a tensor of the world that runs. */
const local = (x: Tensor): Tensor => {
  const own = world()
  return own instanceof Batch ? own.inside(x) : x
}

/** x to differentiate by, with the history that it has. */
function variable(op: string, given: Tensor): Tensor {
  const x = local(given)
  if (!isDifferentiable(x.dtype)) throw new NoGradientError(op, `an argument to differentiate by is ${x}`, 'only float and complex tensors have derivatives; see argnums')
  return x.requiresGrad ? apply1(expandOp, [x], { shape: x.shape }) : world().alias(x).requiresGrad_()
}

/** Cotangents of xs from those of ys; zeros where nothing flows. */
function pull(ys: readonly Tensor[], gs: readonly Tensor[], xs: readonly Tensor[], createGraph: boolean, retainGraph: boolean): Tensor[] {
  const from = [...ys.keys()].filter(i => ys[i].requiresGrad)
  const found = from.length ? pullBack(from.map(i => ys[i]), xs, { gradOutputs: from.map(i => gs[i]), createGraph, retainGraph, allowUnused: true }) : []
  return xs.map((x, i) => found[i] ?? zerosLike(x))
}

const cut = (x: Tensor): Tensor => (x.requiresGrad ? world().alias(x) : x)

/** A function at given arguments: its value, and what is needed for derivatives. */
class Point<R> {
  private constructor(
    private readonly given: R,
    /** Its tensors. */
    readonly ys: readonly Tensor[],
    readonly xs: readonly Tensor[],
    private readonly follows: Followed,
    /** Values by the variables, in the form of the arguments. */
    readonly form: (values: readonly Tensor[]) => unknown,
  ) {}

  /** The arguments whose numbers are given become variables. */
  static at<A extends unknown[], R>(op: string, fn: (...args: A) => R, args: A, argnums: ArgNums): Point<R> {
    const chosen = [argnums].flat().map(n => {
      const i = n < 0 ? n + args.length : n
      return Number.isInteger(n) && i in args ? i : fail(op, `argnums names argument ${n} of ${args.length}`, 'arguments count from 0')
    })
    const xs: Tensor[] = []
    const inner = [...args] as A
    for (const i of new Set(chosen)) inner[i] = rebuild(args[i], x => xs[xs.push(variable(op, x)) - 1])
    if (xs.length === 0) fail(op, 'there is no tensor among the arguments to differentiate by', 'see argnums')
    const value = enableGrad(() => fn(...inner))
    if (value instanceof Promise) fail(op, 'the function is async', 'derivatives need its values at once')
    const ys = tensorsIn(value).map(local)
    const form = (values: readonly Tensor[]): unknown => {
      const of = new Map(xs.map((x, i) => [x, values[i]]))
      const parts = chosen.map(i => rebuild(inner[i], x => of.get(x)!))
      return Array.isArray(argnums) ? parts : parts[0]
    }
    return new Point(value, ys, xs, followed(ys, xs), form)
  }

  /** The value, as it is seen from outside. */
  get value(): R {
    return this.like(this.ys.map(y => this.shown(y)))
  }

  /** Tensors in the lists and objects of the value. */
  like(tensors: readonly Tensor[]): R {
    return this.each((_, i) => tensors[i]) as R
  }

  /** The value with something else for each tensor. */
  each(make: (y: Tensor, i: number) => unknown): unknown {
    let i = 0
    return rebuild(this.given, () => make(this.ys[i], i++) as Tensor)
  }

  /** What comes of the value, without history by the variables where nothing else follows it. */
  shown(x: Tensor): Tensor {
    return this.follows.here ? x : cut(x)
  }

  private how(given: readonly Tensor[]): { readonly here: boolean; readonly again: boolean } {
    const more = followed(given)
    const here = this.follows.here || more.here
    return { here, again: isGradEnabled() && (here || this.follows.around || more.around) }
  }

  /** Cotangents of the variables from those of the value. */
  pull(gs: readonly Tensor[], { ys = this.ys, retain = true }: { ys?: readonly Tensor[]; retain?: boolean } = {}): Tensor[] {
    const { here, again } = this.how(gs)
    const found = pull(ys, gs, this.xs, again, again || retain)
    return here ? found : found.map(cut)
  }

  /** Tangents of the value from those of the variables: cotangents are linear in those of the value, and this is their transpose. */
  push(): (tangents: readonly Tensor[]) => Tensor[] {
    const us = this.ys.map(y => (isDifferentiable(y.dtype) ? zerosLike(y).detach().requiresGrad_() : null))
    const known = us.filter(u => u !== null)
    const from = this.ys.filter((_, i) => us[i])
    const gs = enableGrad(() => pull(from, known, this.xs, true, true))
    return vs => {
      const { here, again } = this.how(vs)
      const found = pull(gs, vs, known, again, true)
      return us.map((u, i) => {
        const t = u ? found[known.indexOf(u)] : zerosLike(this.ys[i])
        return here ? t : cut(t)
      })
    }
  }
}

/** The tensors of a value given for others, which must have their shapes. */
function like(op: string, what: string, given: unknown, wanted: readonly Tensor[]): Tensor[] {
  const found = tensorsIn(given).map(local)
  if (found.length !== wanted.length) fail(op, `${found.length} ${what}s for ${wanted.length} tensors`, 'give one for each, in the same lists and objects')
  found.forEach((t, i) => sameShape(t.shape, wanted[i].shape) || fail(op, `the ${what} ${t} is for ${wanted[i]}`, 'give one of the same shape'))
  return found
}

function needOptions(op: string, fn: unknown, options: object, names: readonly string[]): void {
  needFunction(op, fn)
  needKnown(op, options, names)
}

/** The gradient at given arguments, the value, and what came beside it. */
function gradientOf(op: string, fn: (...args: never[]) => unknown, args: unknown[], argnums: ArgNums, hasAux: boolean): { gradient: unknown; value: Tensor; aux: unknown } {
  let aux: unknown
  const cost = (...inner: unknown[]): unknown => {
    const made = fn(...(inner as never[]))
    if (!hasAux) return made
    if (!Array.isArray(made) || made.length !== 2) fail(op, 'with hasAux the function must give a list of two', '[value, what else is wanted]')
    aux = made[1]
    return made[0]
  }
  const point = Point.at(op, cost, args, argnums)
  const { value, ys: [y] } = point
  if (!(value instanceof Tensor) || value.numel !== 1) fail(op, `the function gave ${String(value)}`, 'a gradient is that of one number: return loss.mean(), or take jacrev')
  const gradient = point.form(point.pull([onesLike(y)], { retain: aux !== undefined }))
  return { gradient, value, aux: rebuild(aux, x => point.shown(local(x))) }
}

/**
 * The function that gives the gradient of `fn`, which gives one number, by one of its arguments, a tensor or lists and objects of them. Nothing is
 * added to any `grad`; `grad(grad(fn))` and `vmap(grad(fn))` work. As `torch.func.grad`.
 *
 * @example
 * func.grad(x => x.pow(3).sum())(tensor([1, 2])) // → tensor([ 3., 12.])
 * func.grad(func.grad(x => x.pow(3)))(tensor(2)) // → tensor(12.)
 * func.grad((w, x) => w.scale.mul(x).sum())({ scale: tensor(2) }, tensor([3, 4])) // → { scale: tensor(7.) }
 */
export function grad<A extends unknown[], More, const N extends ArgNums = 0>(fn: (...args: A) => readonly [Tensor, More], options: GradOptions<N> & Aux): (...args: A) => [Of<A, N>, More]
export function grad<A extends unknown[], const N extends ArgNums = 0>(fn: (...args: A) => Tensor, options?: GradOptions<N>): (...args: A) => Of<A, N>
export function grad(fn: (...args: never[]) => unknown, o: GradOptions & Partial<Aux> = {}): (...args: unknown[]) => unknown {
  needOptions('grad', fn, o, ['argnums', 'hasAux'])
  return (...args) => {
    const { gradient, aux } = gradientOf('grad', fn, args, o.argnums ?? 0, o.hasAux ?? false)
    return o.hasAux ? [gradient, aux] : gradient
  }
}

/**
 * As `grad`, with the value behind the gradient: [gradient, value]. As `torch.func.grad_and_value`.
 *
 * @example
 * func.gradAndValue(x => x.square().sum())(tensor([1, 2])) // → [ tensor([2., 4.]), tensor(5.) ]
 */
export function gradAndValue<A extends unknown[], More, const N extends ArgNums = 0>(fn: (...args: A) => readonly [Tensor, More], options: GradOptions<N> & Aux): (...args: A) => [Of<A, N>, [Tensor, More]]
export function gradAndValue<A extends unknown[], const N extends ArgNums = 0>(fn: (...args: A) => Tensor, options?: GradOptions<N>): (...args: A) => [Of<A, N>, Tensor]
export function gradAndValue(fn: (...args: never[]) => unknown, o: GradOptions & Partial<Aux> = {}): (...args: unknown[]) => unknown {
  needOptions('gradAndValue', fn, o, ['argnums', 'hasAux'])
  return (...args) => {
    const { gradient, value, aux } = gradientOf('gradAndValue', fn, args, o.argnums ?? 0, o.hasAux ?? false)
    return [gradient, o.hasAux ? [value, aux] : value]
  }
}

const every = (args: readonly unknown[]): number[] => [...args.keys()]

/**
 * The value of `fn` at given arguments, and the function that takes a cotangent of the value to those of the arguments, a list. As `torch.func.vjp`.
 *
 * @example
 * const [y, pull] = func.vjp(x => x.square(), tensor([1, 2]))
 * y // → tensor([1., 4.])
 * pull(tensor([1, 10])) // → [ tensor([ 2., 40.]) ]
 */
export function vjp<A extends unknown[], R>(fn: (...args: A) => R, ...primals: A): [R, (cotangents: R) => A] {
  needFunction('vjp', fn)
  const point = Point.at('vjp', fn, primals, every(primals))
  return [point.value, cotangents => point.form(point.pull(like('vjp', 'cotangent', cotangents, point.ys))) as A]
}

/**
 * The value of `fn` at given arguments, and the function that takes tangents of the arguments to that of the value: its derivative there, which
 * is linear. As `torch.func.linearize`.
 *
 * @example
 * const [y, push] = func.linearize(x => x.square(), tensor([1, 2]))
 * push(tensor([1, 10])) // → tensor([ 2., 40.])
 */
export function linearize<A extends unknown[], R>(fn: (...args: A) => R, ...primals: A): [R, (...tangents: A) => R] {
  needFunction('linearize', fn)
  const point = Point.at('linearize', fn, primals, every(primals))
  const push = point.push()
  return [point.value, (...tangents) => point.like(push(like('linearize', 'tangent', tangents, point.xs)))]
}

/**
 * The value of `fn`, and its derivative in the direction of given tangents, one for each argument. As `torch.func.jvp`.
 *
 * @example
 * func.jvp((x, y) => x.mul(y), [tensor(3), tensor(4)], [tensor(1), tensor(0)]) // → [ tensor(12.), tensor(4.) ]
 */
export function jvp<A extends unknown[], R>(fn: (...args: A) => R, primals: readonly [...A], tangents: readonly [...A]): [R, R] {
  needFunction('jvp', fn)
  const point = Point.at('jvp', fn, [...primals] as A, every(primals))
  return [point.value, point.like(point.push()(like('jvp', 'tangent', tangents, point.xs)))]
}

/** For each tensor of a value. */
type Each<R, J> = R extends Tensor ? J : { -readonly [K in keyof R]: Each<R[K], J> }

/** [n, ...shape]: all unit vectors of the shape of x. */
function units(op: string, x: Tensor): Tensor {
  if (!isDifferentiable(x.dtype) || isComplex(x.dtype)) throw new NoGradientError(op, `there is no Jacobian of ${x}`, isComplex(x.dtype) ? 'take real and imaginary parts: viewAsReal(z)' : 'only floats have derivatives')
  return beside(x, () => reshape(eye(x.numel, { dtype: x.dtype }), [x.numel, ...x.shape]))
}

/**
 * The function that gives the Jacobian of `fn` by one of its arguments, of shape [...value, ...argument], row by row: all rows are products
 * with cotangents, computed at once. Right where the value is smaller than the argument. As `torch.func.jacrev`.
 *
 * @example
 * func.jacrev(x => x.square())(tensor([1, 2])) // → tensor([[2., 0.],
 * //           [0., 4.]])
 */
export function jacrev<A extends unknown[], R, const N extends ArgNums = 0>(fn: (...args: A) => R, options: JacobianOptions<N> = {}): (...args: A) => Each<R, Of<A, N>> {
  needOptions('jacrev', fn, options, ['argnums', 'chunkSize'])
  const { argnums = 0, chunkSize } = options
  return (...args) => {
    const point = Point.at('jacrev', fn, args, argnums)
    return point.each(y => {
      const rows = vmap((g: Tensor) => point.pull([g], { ys: [y] }), { chunkSize })(units('jacrev', y))
      return point.form(rows.map((r, i) => point.shown(reshape(r, [...y.shape, ...point.xs[i].shape]))))
    }) as Each<R, Of<A, N>>
  }
}

/**
 * The function that gives the Jacobian of `fn` by one of its arguments, of shape [...value, ...argument], column by column: all columns are
 * derivatives in a direction, computed at once. Right where the argument is smaller than the value. As `torch.func.jacfwd`.
 *
 * @example
 * func.jacfwd(x => stack([x, x.square()]))(tensor(3)) // → tensor([1., 6.])
 */
export function jacfwd<A extends unknown[], R, const N extends ArgNums = 0>(fn: (...args: A) => R, options: JacobianOptions<N> = {}): (...args: A) => Each<R, Of<A, N>> {
  needOptions('jacfwd', fn, options, ['argnums', 'chunkSize'])
  const { argnums = 0, chunkSize } = options
  return (...args) => {
    const point = Point.at('jacfwd', fn, args, argnums)
    const push = point.push()
    const columns = point.xs.map((x, i) => vmap((t: Tensor) => push(point.xs.map((o, k) => (k === i ? t : zerosLike(o)))), { chunkSize })(units('jacfwd', x)))
    return point.each((y, k) => point.form(columns.map((c, i) => {
      const { shape } = point.xs[i]
      return point.shown(reshape(movedim(c[k], 0, -1), [...y.shape, ...shape]))
    }))) as Each<R, Of<A, N>>
  }
}

/**
 * The function that gives the second derivatives of `fn`, which gives one number: for the argument its shape twice. As `torch.func.hessian`.
 *
 * @example
 * func.hessian(x => x.prod())(tensor([2, 3])) // → tensor([[0., 1.],
 * //           [1., 0.]])
 */
export function hessian<A extends unknown[], const N extends ArgNums = 0>(fn: (...args: A) => Tensor, options: JacobianOptions<N> = {}): (...args: A) => Each<Of<A, N>, Of<A, N>> {
  needOptions('hessian', fn, options, ['argnums', 'chunkSize'])
  return jacfwd(jacrev(fn, options) as (...args: A) => Of<A, N>, options)
}
