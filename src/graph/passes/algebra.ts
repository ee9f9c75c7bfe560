// Sums, products, powers, choices and comparisons that are simpler than they look. All but those marked give the same bits, infinities and
// NaN included; x·0 and x − x stay what they are where x may be NaN or infinite.
import { dtypes, isComplex, type DType } from '../../core/dtype.ts'
import { sameShape } from '../../core/shape.ts'
import { castOp } from '../../ops/cast.ts'
import { expandOp, filledBesideOp, flipOp, permuteOp, reshapeOp, selectOp, sliceOp } from '../../ops/movement-ops.ts'
import type { Op } from '../../ops/op.ts'
import { pointwiseOps } from '../../ops/pointwise-record.ts'
import { softmaxOp } from '../../ops/softmax.ts'
import type { Value } from '../graph.ts'
import { formula } from './pattern.ts'
import type { Rewrite } from './rewrite.ts'
import { isCopy, pointwise, type Rewriter } from './rewriter.ts'

const isWhole = (v: Value): boolean => dtypes[v.dtype].kind === 'int'
const never = new Set(['exp', 'exp2', 'sigmoid', 'softplus', 'cosh'].map(pointwise))
const [add, mul, div, square, abs, relu, sqrt] = ['add', 'mul', 'div', 'square', 'abs', 'relu', 'sqrt'].map(pointwise)

/** Ops whose result has no elements but those of the operand. */
const shows = new Set<Op>([reshapeOp, expandOp, permuteOp, sliceOp, selectOp, flipOp] as readonly Op[])

/** True when no element is negative whatever the inputs are (NaN may be). With `strict`, none is 0 either but by rounding. */
export function isPositive(v: Value, t: Rewriter, strict = true, depth = 6): boolean {
  const known = t.literal(v)
  if (known !== null) return strict ? known > 0 : known >= 0
  if (!v.node || depth === 0 || !['float32', 'float64', 'bool'].includes(v.dtype)) return false
  const { op, inputs } = v.node
  const each = (list: readonly Value[]): boolean => list.every(x => isPositive(x, t, strict, depth - 1))
  if (never.has(op) || op === (softmaxOp as Op)) return true
  if (op === add || op === mul || op === div || op.name === 'sum') return each(inputs)
  if (shows.has(op) || isCopy(op)) return each(inputs)
  if (op === sqrt || op.name === 'gather') return each(inputs.slice(0, 1))
  return !strict && (op === square || op === abs || op === relu || (op === (castOp as Op) && inputs[0].dtype === 'bool'))
}

/** Numbers of a dtype that another holds exactly. */
const holds: Readonly<Partial<Record<DType, readonly DType[]>>> = {
  uint8: ['bool'], int32: ['bool', 'uint8'], uint32: ['bool', 'uint8'], float16: ['bool', 'uint8'], bfloat16: ['bool', 'uint8'],
  float32: ['bool', 'uint8', 'float16', 'bfloat16'], float64: ['bool', 'uint8', 'int32', 'uint32', 'float16', 'bfloat16', 'float32'],
}

const casts: Rewrite = {
  name: 'cast-of-cast', phase: 'canonicalise', rule: 'cast(cast(x)) → cast(x); cast(x) → x', when: 'the inner dtype holds every value of x; the dtype stays', rounds: false, ops: [castOp as Op],
  apply({ inputs: [x], params }, t) {
    const { dtype } = params as { dtype: DType }
    if (x.dtype === dtype) return x
    const inner = x.node?.op === (castOp as Op) ? x.node.inputs[0] : null
    return inner && inner.constant === undefined && holds[x.dtype]?.includes(inner.dtype) ? (inner.dtype === dtype ? inner : t.make(castOp, [inner], { dtype })) : null
  },
}

const copies: Rewrite = {
  name: 'useless-copy', phase: 'canonicalise', rule: 'clone(x) → x', when: 'always: values of a graph do not change', rounds: false,
  apply: ({ op, inputs: [x], outputs: [y] }) => (isCopy(op) && x.constant === undefined && x.dtype === y.dtype && sameShape(x.shape, y.shape) ? x : null),
}

/** A tensor that is one number everywhere becomes that number: a parameter of the kernel instead of memory. */
const literals: Rewrite = {
  name: 'literal-operand', phase: 'canonicalise', rule: 'x + full(…) → x + number', when: 'dtype and shape of the result stay', rounds: false, ops: [...pointwiseOps.values()],
  apply(node, t) {
    const { op, inputs, outputs: [y] } = node
    if (inputs.length < 2 || isComplex(y.dtype)) return null
    for (const [i, v] of inputs.entries()) {
      if (v.constant !== undefined) continue
      const known = t.literal(v)
      if (known === null || isComplex(v.dtype)) continue
      const others = inputs.with(i, t.number(v.dtype === 'bool' ? known !== 0 : known))
      if (others.every(x => x.constant !== undefined)) continue
      const [meta] = op.infer(others, null)
      // The same numbers must be computed with: 0.1 in float32 is not 0.1 of a float64 formula.
      if (meta.dtype === y.dtype && sameShape(meta.shape, y.shape) && others.every(x => x.constant !== undefined || x.dtype === v.dtype || v.dtype === 'bool')) return t.make(op, others, null)
    }
    return null
  },
}

const shapeOnly: Rewrite = {
  name: 'shape-only', phase: 'canonicalise', rule: 'zerosLike(f(x)) → zeros; onesLike(f(x)) → ones', when: 'always: only the shape is used', rounds: false, ops: [pointwise('zerosLike'), pointwise('onesLike'), filledBesideOp as Op],
  apply: ({ op, params, outputs: [y] }, t) => (isComplex(y.dtype) ? null : t.filled(op === pointwise('zerosLike') ? 0 : op === pointwise('onesLike') ? 1 : (params as { value: number }).value, y)),
}

const fold: Readonly<Record<string, (a: number, b: number) => number>> = {
  add: (a, b) => a + b, sub: (a, b) => a - b, mul: (a, b) => a * b, div: (a, b) => a / b, neg: a => -a,
  eq: (a, b) => Number(a === b), ne: (a, b) => Number(a !== b), lt: (a, b) => Number(a < b), le: (a, b) => Number(a <= b), gt: (a, b) => Number(a > b), ge: (a, b) => Number(a >= b),
  logicalAnd: (a, b) => Number(a !== 0 && b !== 0), logicalOr: (a, b) => Number(a !== 0 || b !== 0), logicalNot: a => Number(a === 0),
}
/** Arithmetic of numbers that the compiler knows. */
const numbers: Rewrite = {
  name: 'known-numbers', phase: 'canonicalise', rule: '2 · 3 → 6', when: 'float32 holds the operands and the result', rounds: false, ops: Object.keys(fold).map(pointwise),
  apply({ op, inputs, outputs: [y] }, t) {
    if (y.dtype !== 'float32' && y.dtype !== 'bool') return null
    const known = inputs.map(v => t.literal(v))
    if (!known.every(x => x !== null && Math.fround(x) === x)) return null
    const value = fold[op.name](known[0]!, known[1] ?? 0)
    return Object.is(Math.fround(value), value) ? t.filled(value, y) : null
  },
}

/** x·c·d and x·c/d with numbers c and d. */
const scales: Rewrite = {
  name: 'scale-of-scale', phase: 'canonicalise', rule: '(x * c) * d → x * (c·d)', when: 'c and d are numbers, one of them a power of two, so that rounding stays; float32, c·d of size 1e-6 to 1e6', rounds: false, ops: [mul, div],
  apply({ op, inputs, outputs: [y] }, t) {
    if (y.dtype !== 'float32') return null
    const outer = scaleOf(op, inputs)
    const inner = outer?.x.node && outer.x.dtype === 'float32' && t.isPrivate(outer.x) ? scaleOf(outer.x.node.op, outer.x.node.inputs) : null
    if (!outer || !inner || inner.x.dtype !== 'float32') return null
    if (!isPowerOfTwo(outer.factor) && !isPowerOfTwo(inner.factor)) return null
    const c = outer.factor * inner.factor
    return Math.abs(c) >= 1e-6 && Math.abs(c) <= 1e6 ? t.fit(t.pointwise('mul', inner.x, c), y) : null
  },
}
export const isPowerOfTwo = (c: number): boolean => c !== 0 && Number.isInteger(Math.log2(Math.abs(c)))

/** x·c as x and c, where c is a number. A division counts where it is a multiplication to the bit. */
export function scaleOf(op: Op, inputs: readonly Value[]): { x: Value; factor: number } | null {
  const of = (x: Value, { constant: c }: Value, invert = false): { x: Value; factor: number } | null =>
    typeof c === 'number' && c !== 0 && (!invert || isPowerOfTwo(c)) ? { x, factor: invert ? 1 / c : c } : null
  const [a, b] = inputs
  return op === mul ? (of(a, b) ?? of(b, a)) : op === div ? of(a, b, true) : null
}

/** Division by a power of two is exact either way. */
const halves: Rewrite = {
  name: 'div-by-power-of-two', phase: 'specialise', rule: 'x / 2ᵏ → x * 2⁻ᵏ', when: 'float32, k from −100 to 100', rounds: false, ops: [div],
  apply({ inputs: [x, c], outputs: [y] }, t) {
    const n = typeof c.constant === 'number' ? Math.log2(Math.abs(c.constant)) : NaN
    return y.dtype === 'float32' && x.dtype === 'float32' && Number.isInteger(n) && Math.abs(n) <= 100 && n !== 0 ? t.pointwise('mul', x, 1 / Number(c.constant)) : null
  },
}

export const algebra: readonly Rewrite[] = [
  shapeOnly, copies, casts, literals, numbers,
  formula('canonicalise', 'add-zero', 'x + 0 → x\nx - 0 → x', { any: true, when: 'dtype and shape stay; −0 stays −0' }),
  formula('canonicalise', 'mul-one', 'x * 1 → x\nx / 1 → x', { any: true, when: 'dtype and shape stay' }),
  formula('canonicalise', 'mul-minus-one', 'x * -1 → -x\nx / -1 → -x', { when: 'floats' }),
  formula('canonicalise', 'divide-by-one', 'floorDivide(x, 1) → x\nremainder(x, 1) → 0', { any: true, when: 'whole numbers', check: ({ x }) => isWhole(x) }),
  formula('canonicalise', 'zero-times', 'x * 0 → 0', { any: true, when: 'whole numbers, in which there is no NaN', check: ({ x }) => isWhole(x) }),
  formula('canonicalise', 'minus-itself', 'x - x → 0', { any: true, when: 'whole numbers: a float may be NaN or infinite', check: ({ x }) => isWhole(x) }),
  formula('canonicalise', 'neg-neg', '-(-x) → x', { any: true }),
  formula('canonicalise', 'add-neg', 'x + -y → x - y\nx - -y → x + y', { any: true }),
  formula('canonicalise', 'neg-mul-neg', '-x * -y → x * y\n-x / -y → x / y', { any: true }),
  formula('canonicalise', 'even-of-neg', 'abs(-x) → abs(x)\nsquare(-x) → square(x)\ncosh(-x) → cosh(x)\ncos(-x) → cos(x)'),
  formula('canonicalise', 'twice-the-same', 'abs(abs(x)) → abs(x)\nrelu(relu(x)) → relu(x)\nmaximum(x, x) → x\nminimum(x, x) → x\nfloor(floor(x)) → floor(x)\nceil(ceil(x)) → ceil(x)\nround(round(x)) → round(x)\ntrunc(trunc(x)) → trunc(x)', { any: true }),
  formula('canonicalise', 'not-not', 'logicalNot(logicalNot(x)) → x', { any: true, when: 'bool', check: ({ x }) => x.dtype === 'bool' }),
  formula('canonicalise', 'clamp-of-clamp', 'clampMin(clampMin(x, a), a) → clampMin(x, a)\nclampMax(clampMax(x, a), a) → clampMax(x, a)\nclampMin(relu(x), 0) → relu(x)\nrelu(clampMin(x, 0)) → relu(x)', { any: true }),
  formula('canonicalise', 'sign-known', 'abs(x) → x\nrelu(x) → x\nclampMin(x, 0) → x', { when: 'x is made by exp, sigmoid, softmax, square, … which are never negative', check: ({ x }, t) => isPositive(x, t, false) }),
  formula('canonicalise', 'same-choice', 'where(c, x, x) → x\nwhere(1, x, y) → x\nwhere(0, x, y) → y', { any: true, when: 'dtype and shape stay' }),
  formula('canonicalise', 'choice-of-not', 'where(logicalNot(c), x, y) → where(c, y, x)', { any: true, when: 'c is bool', check: ({ c }) => c.dtype === 'bool' }),
  formula('canonicalise', 'choice-of-choice', 'where(c, where(c, x, y), z) → where(c, x, z)\nwhere(c, x, where(c, y, z)) → where(c, x, z)', { any: true }),
  formula('canonicalise', 'compare-itself', 'lt(x, x) → 0\ngt(x, x) → 0', { any: true, when: 'also of NaN' }),
  formula('canonicalise', 'compare-itself-whole', 'eq(x, x) → 1\nle(x, x) → 1\nge(x, x) → 1\nne(x, x) → 0', { any: true, when: 'not of floats, where NaN ≠ NaN', check: ({ x }) => isWhole(x) || x.dtype === 'bool' }),
  formula('canonicalise', 'logic-constant', 'logicalAnd(x, 1) → x\nlogicalOr(x, 0) → x\nlogicalAnd(x, x) → x\nlogicalOr(x, x) → x\nlogicalAnd(x, 0) → 0\nlogicalOr(x, 1) → 1', { any: true, when: 'bool', check: ({ x }) => x.dtype === 'bool' }),
  scales,
  formula('specialise', 'pow-one', 'pow(x, 1) → x\npow(x, 0) → 1', { any: true, when: 'dtype and shape stay; x⁰ is 1 of NaN too' }),
  formula('specialise', 'pow-square', 'pow(x, 2) → square(x)\npow(x, -2) → reciprocal(square(x))\npow(x, -1) → reciprocal(x)', { rounds: true }),
  formula('specialise', 'pow-root', 'pow(x, 0.5) → sqrt(x)\npow(x, -0.5) → rsqrt(x)', { rounds: true, when: 'float32 and float64; differs at −∞ (NaN) and −0' }),
  formula('specialise', 'mul-to-square', 'x * x → square(x)', { any: true, when: 'numbers' }),
  formula('specialise', 'reciprocal', '1 / x → reciprocal(x)\nreciprocal(sqrt(x)) → rsqrt(x)\n1 / sqrt(x) → rsqrt(x)'),
  formula('specialise', 'mul-reciprocal', 'x * reciprocal(y) → x / y', { rounds: true, when: 'float32 and float64; nothing else reads 1/y', check: ({ y }, t) => [...t.readersOf(y)].every(n => n.op !== pointwise('reciprocal') || t.isPrivate(n.outputs[0])) }),
  halves,
]
