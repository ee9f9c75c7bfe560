// Formulas that lose their digits, overflow or underflow where the function itself does not, and what to compute instead.
import type { Shape } from '../../core/shape.ts'
import { maxOp, sumOp } from '../../ops/reduce.ts'
import { reshapeOp, expandOp, selectOp, sliceOp } from '../../ops/movement-ops.ts'
import { gatherOp } from '../../ops/gather.ts'
import type { Op } from '../../ops/op.ts'
import { logSoftmaxOp, softmaxOp } from '../../ops/softmax.ts'
import type { Value } from '../graph.ts'
import { formula, isWide } from './pattern.ts'
import { isShifted, products } from './products.ts'
import type { Rewrite } from './rewrite.ts'
import { pointwise, type Rewriter } from './rewriter.ts'

const [log, exp, div] = ['log', 'exp', 'div'].map(pointwise)

/** log Σ e^u, shifted by the maximum. */
function logSumExp(u: Value, axes: readonly number[], t: Rewriter): Value {
  const top = t.make(maxOp, [u], { axes })
  const kept: Shape = u.shape.map((n, i) => (axes.includes(i) ? 1 : n))
  // An infinite maximum is left out: ∞ − ∞ would be NaN.
  const shift = t.pointwise('where', t.pointwise('eq', t.pointwise('abs', top), Infinity), 0, top)
  const rest = t.pointwise('log', t.make(sumOp, [t.pointwise('exp', t.pointwise('sub', u, t.reshape(shift, kept)))], { axes }))
  return t.pointwise('add', rest, shift)
}

const sumOfExps: Rewrite = {
  name: 'log-sum-exp', phase: 'stabilise', rule: 'log(sum(exp(x))) → m + log(sum(exp(x - m))) with m = amax(x); log(sum(exp(x)) / n) → … - log(n)', when: 'x is not shifted already; float32 and float64', rounds: true, ops: [log],
  apply({ inputs: [x], outputs: [y] }, t) {
    let s = x
    let less = 0
    const seen = (v: Value): boolean => v.node?.op === (reshapeOp as Op) || (v.node?.op === div && (t.literal(v.node.inputs[1]) ?? 0) > 0)
    for (; seen(s); [s] = s.node!.inputs) if (s.node!.op === div) less += Math.log(t.literal(s.node!.inputs[1])!)
    const e = s.node?.op === (sumOp as Op) ? s.node.inputs[0] : null
    if (!e || e.node?.op !== exp || !isWide(y) || e.node.inputs[0].dtype !== y.dtype || isShifted(e.node.inputs[0]) || e.shape.includes(0)) return null
    const whole = t.reshape(logSumExp(e.node.inputs[0], (s.node!.params as { axes: readonly number[] }).axes, t), y.shape)
    return less === 0 ? whole : t.pointwise('sub', whole, less)
  },
}

/** Picking and taking the logarithm commute; so the logarithm meets what it is taken of. */
const pickers = new Map<Op, number>([[gatherOp as Op, 0], [selectOp as Op, 0], [sliceOp as Op, 0], [reshapeOp as Op, 0], [expandOp as Op, 0]])
const logOfPicked: Rewrite = {
  name: 'log-of-picked', phase: 'stabilise', rule: 'log(gather(softmax(x), i)) → gather(logSoftmax(x), i)', when: 'what is picked from is a softmax; float32 and float64', rounds: true, ops: [log],
  apply({ inputs: [x], outputs: [y] }, t) {
    const path: { op: Op; params: unknown; rest: readonly Value[] }[] = []
    let v = x
    while (v.node && pickers.has(v.node.op)) {
      path.push({ op: v.node.op, params: v.node.params, rest: v.node.inputs.slice(1) })
      ;[v] = v.node.inputs
    }
    if (path.length === 0 || v.node?.op !== (softmaxOp as Op) || v.dtype !== y.dtype || !isWide(y)) return null
    const start = t.make(logSoftmaxOp as Op, v.node.inputs, v.node.params)
    return path.reduceRight((z, { op, params, rest }) => t.make(op, [z, ...rest], params), start)
  },
}

/** Whether 1 − σ(x) is more than a factor beside σ(x). */
function onItsOwn({ a, x }: Readonly<Record<string, Value>>, t: Rewriter): boolean {
  const s = t.pointwise('sigmoid', x)
  if (a) return a !== s
  const rest = t.pointwise('sub', 1, s)
  return t.isRoot(rest) || [...t.readersOf(rest)].some(n => n.op !== pointwise('mul') || !n.inputs.includes(s))
}

/** Whether only products and quotients read what is masked, which all take the mask over. */
const masksFactors = ({ c, x }: Readonly<Record<string, Value>>, t: Rewriter): boolean =>
  [...t.readersOf(x)].some(n => n.op === pointwise('where') && n.inputs[0] === c && !t.isRoot(n.outputs[0]) && [...t.readersOf(n.outputs[0])].every(r => r.op === pointwise('mul') || r.op === div))

const rounds = { rounds: true }
export const stabilising: readonly Rewrite[] = [
  formula('stabilise', 'log-softmax', 'log(softmax(x)) → logSoftmax(x)', rounds),
  logOfPicked,
  sumOfExps,
  formula('stabilise', 'log-of-exp', 'log(exp(x)) → x', { rounds: true, when: 'float32 and float64; also where eˣ overflows' }),
  formula('stabilise', 'softplus', 'log(1 + exp(x)) → softplus(x)\nlog1p(exp(x)) → softplus(x)', rounds),
  formula('stabilise', 'log-add-exp', 'log(exp(x) + exp(y)) → logaddexp(x, y)', rounds),
  formula('stabilise', 'log-sigmoid', 'log(sigmoid(x)) → logSigmoid(x)\nlog(1 - sigmoid(x)) → logSigmoid(-x)\nlog1p(-sigmoid(x)) → logSigmoid(-x)\n-softplus(-x) → logSigmoid(x)', rounds),
  formula('stabilise', 'one-minus-sigmoid', '1 - sigmoid(x) → sigmoid(-x)\na * (1 - sigmoid(x)) → a * sigmoid(-x)', { ...rounds, when: 'float32 and float64; not in σ(x)(1 - σ(x)), the derivative of σ', check: onItsOwn }),
  formula('stabilise', 'sigmoid-complement', 'a - a * sigmoid(x) → a * sigmoid(-x)\na + -(a * sigmoid(x)) → a * sigmoid(-x)\na * sigmoid(x) - a → -(a * sigmoid(-x))', { ...rounds, when: 'float32 and float64; a finite' }),
  formula('stabilise', 'log-of-quotient', 'log(1 / (1 + exp(x))) → logSigmoid(-x)\nlog(reciprocal(1 + exp(x))) → logSigmoid(-x)\nlog(reciprocal(x)) → -log(x)', rounds),
  formula('stabilise', 'log1p', 'log(1 + x) → log1p(x)\nlog(1 - x) → log1p(-x)', { ...rounds, when: 'float32 and float64; x is not eʸ or a sigmoid, which have rules of their own', check: ({ x }) => x.node?.op !== exp && x.node?.op !== pointwise('sigmoid') }),
  formula('stabilise', 'expm1', 'exp(x) - 1 → expm1(x)\n1 - exp(x) → -expm1(x)', rounds),
  formula('stabilise', 'root-of-square', 'sqrt(square(x)) → abs(x)\nsqrt(x * x) → abs(x)', { rounds: true, when: 'float32 and float64; also where x² overflows' }),
  formula('stabilise', 'tanh', '(exp(x) - exp(-x)) / (exp(x) + exp(-x)) → tanh(x)', rounds),
  formula('stabilise', 'product-of-mask', 'where(c, x, 0) * y → where(c, x * y, 0)\nwhere(c, 0, x) * y → where(c, 0, x * y)\nwhere(c, x, 0) / y → where(c, x / y, 0)\nwhere(c, 0, x) / y → where(c, 0, x / y)', { ...rounds, when: 'float32 and float64; only products and quotients read what is masked. What is masked stays 0 also where y is infinite or NaN, as in the gradient of a branch that is not taken', check: masksFactors }),
  ...products,
]
