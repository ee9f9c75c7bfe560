// Symbolic variables: what a function takes. The names are Theano's: a word for the number of dimensions, before it a letter for the dtype.
import type { DType } from '../core/dtype.ts'
import { fail } from '../core/errors.ts'
import { needKnown } from '../core/options.ts'
import type { Shape } from '../core/shape.ts'
import { Tensor } from '../ops/index.ts'
import { blank, Expression, listen, metaOf, type Example } from './expression.ts'

export interface VariableOptions {
  name?: string
  dtype?: DType
  /** Sizes to try expressions with as they are written (of a tensor, its own), so that a mistake throws at the line that makes it. */
  like?: Tensor | Shape
  /** Axes whose size changes from call to call, such as the batch: functions are not compiled anew for each. */
  dynamic?: readonly number[]
}

/** What a variable takes; null: anything. */
export interface VariableType {
  readonly dtype: DType | null
  readonly ndim: number | null
  /** Axes that have one element: of a row the first, of a column the second. */
  readonly single?: readonly number[]
  /** Axes whose size changes without a new trace. */
  readonly dynamic?: readonly number[]
}

const key = ({ dtype, ndim, single = [], dynamic = [] }: VariableType): string => `${dtype} ${ndim} ${single.join()} ${dynamic.join()}`

/**
 * Whether two variables take the same: the dtype, the number of dimensions, which of them have one element, which change their size.
 *
 * @example
 * const [x, y] = symbolic.vectors('x', 'y')
 * symbolic.sameType(x, y) // → true
 * symbolic.sameType(x, symbolic.ivector('i')) // → false
 */
export const sameType = (x: Variable, y: Variable): boolean => key(x.type) === key(y.type)

export class Variable extends Expression {
  readonly inputs: readonly Expression[] = []
  readonly example: Example

  constructor(
    readonly name: string | null,
    readonly type: VariableType,
    example: Example = null,
  ) {
    super()
    listen()
    this.example = example
  }

  override get label(): string {
    return this.name ?? 'a variable without name'
  }

  override get dtype(): DType {
    return this.type.dtype ?? super.dtype
  }

  override get ndim(): number {
    return this.type.ndim ?? super.ndim
  }

  protected override get knownRank(): number | null {
    return this.type.ndim
  }

  compute(): never {
    return fail('func', `the value of ${this.label} is wanted, and it is not among the inputs`, 'list it in {inputs: […]}, or give it a value by givens')
  }
}

type Maker = (name?: string | VariableOptions, options?: VariableOptions) => Variable

function maker(ndim: number, own: DType | null, single: readonly number[] = []): Maker {
  return (first, second = {}) => {
    const options = typeof first === 'object' ? first : second
    needKnown('variable', options, ['name', 'dtype', 'like', 'dynamic'])
    const name = typeof first === 'string' ? first : (options.name ?? null)
    const dtype = own ?? options.dtype ?? 'float32'
    const { like, dynamic } = options
    const beyond = dynamic?.find(axis => !(Number.isInteger(axis) && axis >= 0 && axis < ndim))
    if (beyond !== undefined) fail('variable', `${name ?? 'a variable'} has ${ndim} dimensions, no axis ${beyond}`, 'dynamic lists axes from 0')
    const shape = like instanceof Tensor ? like.shape : like
    if (shape && shape.length !== ndim) fail('variable', `the example of ${name ?? 'a variable'} has ${shape.length} dimensions`, `this variable has ${ndim}`)
    const wide = single.find(axis => shape && shape[axis] !== 1)
    if (wide !== undefined) fail('variable', `axis ${wide} of the example has ${shape![wide]} elements`, 'a row is [1, n], a column [n, 1]')
    return new Variable(name, { dtype, ndim, single, dynamic }, shape ? { value: like instanceof Tensor && like.dtype === dtype ? metaOf(like) : blank(dtype, shape) } : null)
  }
}

/** Theano's letters; its int64 is int32 here, complex128 complex64. */
const letters = { b: 'bool', i: 'int32', l: 'int32', f: 'float32', d: 'float64', c: 'complex64', z: 'complex64' } as const
const words = { scalar: [0], vector: [1], row: [2, 0], col: [2, 1], matrix: [2], tensor3: [3], tensor4: [4], tensor5: [5], tensor6: [6], tensor7: [7] } as const

type Word = keyof typeof words
type Typed = { readonly [K in `${keyof typeof letters}${Word}`]: Maker }

const make = (word: Word, dtype: DType | null): Maker => maker(words[word][0], dtype, words[word].slice(1))
const typed = Object.fromEntries(Object.entries(letters).flatMap(([letter, dtype]) => Object.keys(words).map(word => [`${letter}${word}`, make(word as Word, dtype)]))) as unknown as Typed

/** A number: `scalar('x')`, `scalar('n', {dtype: 'int32'})`. */
export const scalar: Maker = make('scalar', null)
/** One dimension. */
export const vector: Maker = make('vector', null)
/** [1, n]. */
export const row: Maker = make('row', null)
/** [n, 1]. */
export const col: Maker = make('col', null)
/** Two dimensions: `matrix('x', {like: [64, 784]})`. */
export const matrix: Maker = make('matrix', null)
/** Three dimensions. */
export const tensor3: Maker = make('tensor3', null)
/** Four dimensions. */
export const tensor4: Maker = make('tensor4', null)
/** Five dimensions. */
export const tensor5: Maker = make('tensor5', null)
/** Six dimensions. */
export const tensor6: Maker = make('tensor6', null)
/** Seven dimensions. */
export const tensor7: Maker = make('tensor7', null)
export const {
  bscalar, bvector, brow, bcol, bmatrix, btensor3, btensor4, btensor5, btensor6, btensor7, iscalar, ivector, irow, icol, imatrix, itensor3, itensor4, itensor5, itensor6, itensor7,
  lscalar, lvector, lrow, lcol, lmatrix, ltensor3, ltensor4, ltensor5, ltensor6, ltensor7, fscalar, fvector, frow, fcol, fmatrix, ftensor3, ftensor4, ftensor5, ftensor6, ftensor7,
  dscalar, dvector, drow, dcol, dmatrix, dtensor3, dtensor4, dtensor5, dtensor6, dtensor7, cscalar, cvector, crow, ccol, cmatrix, ctensor3, ctensor4, ctensor5, ctensor6, ctensor7,
  zscalar, zvector, zrow, zcol, zmatrix, ztensor3, ztensor4, ztensor5, ztensor6, ztensor7,
}: Typed = typed

type Makers = (count: number | string, ...more: string[]) => Variable[]
const several = (one: Maker): Makers => (first, ...more) => (typeof first === 'number' ? Array.from({ length: first }, () => one()) : [first, ...more].map(name => one(name)))
/** Several at once, by count or by names: `const [x, y] = scalars('x', 'y')`. */
export const scalars: Makers = several(scalar)
export const vectors: Makers = several(vector)
export const rows: Makers = several(row)
export const cols: Makers = several(col)
export const matrices: Makers = several(matrix)

const plurals = { scalars: 'scalar', vectors: 'vector', rows: 'row', cols: 'col', matrices: 'matrix' } as const
type TypedPlurals = { readonly [K in `${keyof typeof letters}${keyof typeof plurals}`]: Makers }
const typedPlurals = Object.fromEntries(
  Object.entries(letters).flatMap(([letter, dtype]) => Object.entries(plurals).map(([name, word]) => [`${letter}${name}`, several(make(word, dtype))])),
) as unknown as TypedPlurals
export const {
  bscalars, bvectors, brows, bcols, bmatrices, iscalars, ivectors, irows, icols, imatrices, lscalars, lvectors, lrows, lcols, lmatrices,
  fscalars, fvectors, frows, fcols, fmatrices, dscalars, dvectors, drows, dcols, dmatrices, cscalars, cvectors, crows, ccols, cmatrices,
  zscalars, zvectors, zrows, zcols, zmatrices,
}: TypedPlurals = typedPlurals

/**
 * A type of variables of one's own: a dtype, and of each dimension whether it has one element. As `theano.tensor.TensorType`.
 *
 * @example
 * const filters = symbolic.tensorType('float32', [false, true, false])
 * filters('w').ndim // → 3
 */
export const tensorType = (dtype: DType, one: readonly boolean[]): Maker => maker(one.length, dtype, one.flatMap((single, axis) => (single ? [axis] : [])))
