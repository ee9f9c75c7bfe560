// What all of linear algebra shares: checks, triangles, identities, and derivative rules for formulas that need a better one than theirs.
import { isFloat, scalarType, type DType } from '../../core/dtype.ts'
import { fail } from '../../core/errors.ts'
import { broadcastShapes, type Shape } from '../../core/shape.ts'
import { permuteView } from '../../core/view.ts'
import { program, S, type Program, type Scalar } from '../../ir/scalar.ts'
import { cast } from '../cast.ts'
import { apply1, needTensor } from '../define.ts'
import { expand, unsqueeze } from '../movement.ts'
import type { Arg, Lowering, Op, Saved } from '../op.ts'
import { eq } from '../pointwise.ts'
import type { Tensor } from '../tensor.ts'

/** Throws unless x is a matrix, or a stack of them, of floats that factorisations know. */
export function needMatrix(op: string, x: unknown, name = 'input'): Tensor {
  const a = needTensor(op, x)
  if (a.ndim < 2) fail(op, `${name} ${a} is no matrix`, 'shape [..., rows, columns]; unsqueeze a vector first')
  needFactorable(op, a, name)
  return a
}

function needFactorable(op: string, x: Tensor, name = 'input'): void {
  if (x.dtype !== 'float32' && x.dtype !== 'float64')
    fail(op, `${name} ${x} is not of a dtype that matrices are factorised in`, isFloat(x.dtype) ? "convert it: x.to('float32')" : 'float32 or float64 is needed')
}

export function needSquare(op: string, x: unknown, name = 'input'): Tensor {
  const a = needMatrix(op, x, name)
  if (a.shape.at(-1) !== a.shape.at(-2)) fail(op, `${name} ${a} holds matrices of ${a.shape.at(-2)} × ${a.shape.at(-1)}`, 'they must be square')
  return a
}

export function sameDType(op: string, a: Tensor, b: Tensor): void {
  if (a.dtype !== b.dtype) fail(op, `${a} and ${b}: dtypes differ`, `convert one: x.to('${a.dtype}')`)
}

export const batchOf = (shape: Shape): Shape => shape.slice(0, -2)

/** Both with their common batch axes. */
export function sameBatch(op: string, a: Tensor, b: Tensor): [Tensor, Tensor] {
  const batch = broadcastShapes(op, [batchOf(a.shape), batchOf(b.shape)])
  const widen = (x: Tensor): Tensor => (x.ndim - 2 === batch.length && batch.every((n, i) => n === x.shape[i]) ? x : expand(x, [...batch, ...x.shape.slice(-2)]))
  return [widen(a), widen(b)]
}

/** The matrices with rows and columns exchanged, in the same memory. */
export function transposed({ view, slot }: Arg): Arg {
  const r = view.shape.length
  return { view: permuteView(view, [...Array(r - 2).keys(), r - 1, r - 2]), slot }
}

const programs = new Map<string, Program>()
/** One program for each key, so that kernels are recognised by it. */
export function cached(key: string, make: () => Program): Program {
  const known = programs.get(key)
  if (known) return known
  const made = make()
  programs.set(key, made)
  return made
}

interface TriangleParams {
  readonly lower: boolean
  readonly diagonal: number
}

const triangleProgram = (dtype: DType, lower: boolean): Program =>
  cached(`triangle ${dtype} ${lower}`, () => {
    const t = scalarType(dtype)
    const [rows, columns, diagonal] = [0, 1, 2].map(i => S.param(i, 'int32'))
    const column = S.mod(S.index(), columns)
    const edge = S.add(S.mod(S.floorDiv(S.index(), columns), rows), diagonal)
    const zero: Scalar = S.constant(0, t)
    return program([S.select(lower ? S.le(column, edge) : S.ge(column, edge), S.input(0, t), zero)], [t], ['int32', 'int32', 'int32'])
  })

/** The part of x on one side of a diagonal, zeros elsewhere, whatever is there. */
export function triangleInto(k: Lowering, x: Arg, to: Arg, lower: boolean, diagonal = 0): void {
  const [m, n] = x.view.shape.slice(-2)
  k.run({ kind: 'map', program: triangleProgram(x.view.dtype, lower), params: [m, n, diagonal] }, [x], [to])
}

const triangleOp: Op<TriangleParams> = {
  name: 'triangle',
  infer: ([x]) => [{ dtype: x.dtype, shape: x.shape }],
  lower(k, [x], { lower, diagonal }) {
    const out = k.alloc(x.view.dtype, x.view.shape)
    triangleInto(k, x, out, lower, diagonal)
    return [out]
  },
  vjp: ([g], { params }) => [g && apply1(triangleOp, [g], params)],
  saves: 'nothing',
}
export const lowerPart = (x: Tensor, diagonal = 0): Tensor => apply1(triangleOp, [x], { lower: true, diagonal })
export const upperPart = (x: Tensor, diagonal = 0): Tensor => apply1(triangleOp, [x], { lower: false, diagonal })

const iotaOp: Op<{ n: number }> = {
  name: 'iota',
  infer: (_, { n }) => [{ dtype: 'int32', shape: [n] }],
  lower(k, _, { n }) {
    const out = k.alloc('int32', [n])
    k.run({ kind: 'map', program: cached('iota', () => program([S.index()], [])), params: [] }, [], [out])
    return [out]
  },
  saves: 'nothing',
}
/** 0 … n−1 on the device of x. */
export const iota = (x: Tensor, n: number): Tensor => apply1(iotaOp, [x], { n })

/** [m, n] with ones on the diagonal, of the dtype and on the device of x. */
export function identityLike(x: Tensor, m: number, n = m): Tensor {
  const columns = iota(x, n)
  return cast(eq(unsqueeze(m === n ? columns : iota(x, m), 1), columns), x.dtype)
}

/** Makes a derivative rule for results that a formula has computed apart from the tape. */
export function ruled<P = null>(name: string, vjp: (g: Tensor, y: Tensor, inputs: readonly Tensor[], saved: Saved<P>) => (Tensor | null)[]): (y: Tensor, inputs: readonly Tensor[], params: P) => Tensor {
  const op: Op<P> = {
    name,
    infer: ([y]) => [{ dtype: y.dtype, shape: y.shape }],
    // The memory of the formula's result becomes that of this one.
    lower: (_, [y]) => [y],
    vjp: ([g], saved) => (g ? [null, ...vjp(g, saved.outputs[0], saved.inputs.slice(1), saved)] : []),
    saves: 'both',
  }
  return (y, inputs, params) => apply1(op, [y.detach(), ...inputs], params)
}

