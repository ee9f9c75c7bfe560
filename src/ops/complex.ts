// Complex numbers: made of parts, seen as pairs, and taken apart. As PyTorch has it, views show the same memory, and gradients are
// ∂L/∂re + i·∂L/∂im.
import { isComplex as isComplexType } from '../core/dtype.ts'
import { fail } from '../core/errors.ts'
import { broadcastShapes } from '../core/shape.ts'
import { expandView, type View } from '../core/view.ts'
import { complexForm, complexForms } from './complex-form.ts'
import { direction, modulus, phase } from './complex-math.ts'
import { apply1, describe, needTensor, type Described } from './define.ts'
import { compact, copyInto, pairs, part } from './lowering.ts'
import { mT } from './movement.ts'
import type { Op } from './op.ts'
import { abs, add, clone, cos, div, eq, ge, log, logicalAnd, mul, neg, pow, rsqrt, sign, sin, sub, where, zerosLike } from './pointwise.ts'
import { conj as conjugate } from './pointwise-record.ts'
import type { Tensor } from './tensor.ts'
import { world } from './world.ts'

// Records

const nowhere = {}
const pairsOf = (view: View): View => pairs({ view, slot: nowhere }).view
const partOf = (view: View, which: 0 | 1): View => part({ view, slot: nowhere }, which).view

const joinOp: Op<null> = {
  name: 'complex',
  infer: xs => [{ dtype: 'complex64', shape: broadcastShapes('complex', xs.map(x => x.shape)) }],
  lower(k, xs, _, [{ shape }]) {
    const out = k.alloc('complex64', shape)
    xs.forEach((x, i) => copyInto(k, { view: expandView(x.view, shape), slot: x.slot }, part(out, i === 0 ? 0 : 1)))
    return [out]
  },
  vjp: ([g], { needs }) => needs.map((need, i) => (need && g ? apply1(partOp, [g], i === 0 ? 0 : 1) : null)),
  saves: 'nothing',
}
const partOp: Op<0 | 1> = {
  name: 'part',
  infer: ([z]) => [{ dtype: 'float32', shape: z.shape }],
  view: partOf,
  lower: (_, [z], which) => [part(z, which)],
  // A real cotangent of the real part is made complex by the engine.
  vjp: ([g], { params: which }) => [g && (which === 0 ? g : apply1(joinOp, [zerosLike(g), g], null))],
  saves: 'nothing',
}
const asRealOp: Op<null> = {
  name: 'viewAsReal',
  infer: ([z]) => [{ dtype: 'float32', shape: [...z.shape, 2] }],
  view: pairsOf,
  lower: (_, [z]) => [pairs(z)],
  vjp: ([g]) => [g && apply1(asComplexOp, [g], null)],
  saves: 'nothing',
}
const asComplexOp: Op<null> = {
  name: 'viewAsComplex',
  infer: ([x]) => [{ dtype: 'complex64', shape: x.shape.slice(0, -1) }],
  view: complexView,
  lower(k, [x]) {
    const whole = compact(k, x)
    return [{ view: complexView(whole.view)!, slot: whole.slot }]
  },
  vjp: ([g]) => [g && apply1(asRealOp, [g], null)],
  saves: 'nothing',
}

/** Pairs as complex numbers, when each begins at an even place and its two parts are neighbours. */
function complexView({ shape, strides, offset }: View): View | null {
  const outer = strides.slice(0, -1)
  const fits = strides.at(-1) === 1 && offset % 2 === 0 && outer.every((s, i) => s % 2 === 0 || shape[i] === 1)
  if (!fits && !shape.includes(0)) return null
  return { dtype: 'complex64', shape: shape.slice(0, -1), strides: outer.map(s => Math.trunc(s / 2)), offset: Math.floor(offset / 2) }
}

// What is not holomorphic

complexForms.set('abs', { value: modulus, result: 'float32', vjp: [(g, z) => mul(g, sign(z))] })
complexForms.set('angle', {
  value: phase, result: 'float32',
  vjp: [(g, z) => {
    const size = abs(z)
    return where(eq(size, 0), 0, div(mul(g, apply1(joinOp, [neg(imag(z)), real(z)], null)), mul(size, size)))
  }],
})
const turning = (g: Tensor, z: Tensor): Tensor => {
  const [size, unit] = [abs(z), sign(z)]
  return where(eq(size, 0), 0, div(sub(g, mul(unit, real(mul(g, conjugate(unit))))), size))
}
// As √(z − 1)·√(z + 1), which has the branch of acosh, unlike √(z² − 1).
complexForms.set('acosh', { ...complexForm('acosh'), vjp: [(g, z) => mul(g, conjugate(mul(rsqrt(sub(z, 1)), rsqrt(add(z, 1)))))] })
complexForms.set('pow', {
  ...complexForm('pow'),
  vjp: [
    (g, a, b) => where(eq(b, 0), 0, mul(g, conjugate(mul(b, pow(a, sub(b, 1)))))),
    (g, a, b) => where(logicalAnd(eq(a, 0), ge(real(b), 0)), 0, mul(g, conjugate(mul(pow(a, b), log(a))))),
  ],
})
for (const op of ['sign', 'sgn']) complexForms.set(op, { value: direction, vjp: [turning] })

// Public functions

type Unary = ((x: Tensor) => Tensor) & Described
const unary = (name: string, body: (x: Tensor) => Tensor): Unary => describe((x: Tensor) => body(needTensor(name, x)), name, ['input'])

function needParts(op: string, names: readonly [string, string], a: unknown, b: unknown): readonly [Tensor, Tensor] {
  const [x, y] = [needTensor(op, a), needTensor(op, b)]
  if (x.dtype !== y.dtype) fail(op, `${names[0]} is ${x} and ${names[1]} is ${y}: they must be of one dtype`, "convert one: x.to('float32')")
  if (x.dtype !== 'float32') fail(op, `expected float32 tensors, got ${x} and ${y}`, "complex64 is made of float32 parts: x.to('float32')")
  return [x, y]
}

/**
 * real + i·imag, complex64, of two float32 tensors that broadcast; of two plain numbers a 0-dim tensor, which goes with any tensor as a number does.
 * As `torch.complex`.
 *
 * @example
 * complex(tensor([1, 2]), tensor([0, -1])).mul(complex(0, 1)) // → tensor([0.+1.j, 1.+2.j])
 */
export const complex: ((real: Tensor | number, imag: Tensor | number) => Tensor) & Described = describe((real: Tensor | number, imag: Tensor | number) => {
  if (typeof real === 'number' && typeof imag === 'number') return world().create(Float32Array.of(real, imag), 'complex64', [])
  return apply1(joinOp, needParts('complex', ['real', 'imag'], real, imag), null)
}, 'complex', ['real', 'imag'])

/**
 * abs·(cos angle + i·sin angle), complex64, of two float32 tensors that broadcast. As `torch.polar`.
 *
 * @example
 * polar(tensor([1, 2]), tensor([0, 0])) // → tensor([1.+0.j, 2.+0.j])
 */
export const polar: ((abs: Tensor, angle: Tensor) => Tensor) & Described = describe((size: Tensor, turn: Tensor) => {
  const [r, phi] = needParts('polar', ['abs', 'angle'], size, turn)
  return apply1(joinOp, [mul(r, cos(phi)), mul(r, sin(phi))], null)
}, 'polar', ['abs', 'angle'])

/**
 * Complex numbers as pairs: c64[…] as f32[…, 2], the same memory. As `torch.view_as_real`.
 *
 * @example
 * viewAsReal(complex(tensor([1, 2]), tensor([0, -1]))) // → tensor([[ 1.,  0.],
 * //           [ 2., -1.]])
 */
export const viewAsReal: Unary = unary('viewAsReal', x => apply1(asRealOp, [needComplex('viewAsReal', x)], null))

/**
 * Pairs as complex numbers: f32[…, 2] as c64[…], the same memory. As `torch.view_as_complex`.
 * @throws LampasError when the last size is not 2 or the pairs do not lie together.
 *
 * @example
 * viewAsComplex(tensor([[1, 2], [3, 4]])) // → tensor([1.+2.j, 3.+4.j])
 */
export const viewAsComplex: ((x: Tensor) => Tensor) & Described = describe((x: Tensor) => {
  if (needTensor('viewAsComplex', x).dtype !== 'float32' || x.shape.at(-1) !== 2)
    fail('viewAsComplex', `expected float32 pairs, f32[…, 2], got ${x}`, 'complex(re, im) joins two tensors')
  if (!complexView(x.layout))
    fail('viewAsComplex', `the pairs of ${x} do not lie together: strides [${x.layout.strides}], offset ${x.layout.offset}`, 'x.contiguous() makes a copy where they do')
  return apply1(asComplexOp, [x], null)
}, 'viewAsComplex', ['input'])

function needComplex(op: string, x: Tensor): Tensor {
  if (!isComplexType(needTensor(op, x).dtype)) fail(op, `expected a complex tensor, got ${x}`, "complex(re, im), or x.to('complex64')")
  return x
}

/**
 * The real parts of a complex tensor, the same memory; a real tensor itself. As `torch.real`.
 *
 * @example
 * complex(tensor([1, 2]), tensor([0, -1])).real() // → tensor([1., 2.])
 */
export const real: Unary = unary('real', x => (isComplexType(x.dtype) ? apply1(partOp, [x], 0) : x))
/**
 * The imaginary parts of a complex tensor, the same memory. As `torch.imag`.
 *
 * @example
 * const z = complex(tensor([1, 2]), tensor([0, -1]))
 * z.imag().add_(1)
 * z // → tensor([1.+1.j, 2.+0.j])
 */
export const imag: Unary = unary('imag', x => apply1(partOp, [needComplex('imag', x)], 1))

/**
 * re − i·im; a real tensor itself. It is computed at once, where PyTorch keeps a flag. As `torch.conj`.
 *
 * @example
 * complex(1, 2).conj() // → tensor(1.-2.j)
 */
export const conj: Unary = unary('conj', conjugate)
/**
 * re − i·im, of a real tensor a copy. As `torch.conj_physical`.
 *
 * @example
 * complex(1, 2).conjPhysical() // → tensor(1.-2.j)
 */
export const conjPhysical: Unary = unary('conjPhysical', x => (isComplexType(x.dtype) ? conjugate(x) : clone(x)))
/**
 * x itself: conjugates are never pending here. As `torch.resolve_conj`.
 *
 * @example
 * complex(1, 2).conj().resolveConj() // → tensor(1.-2.j)
 */
export const resolveConj: Unary = unary('resolveConj', x => x)
/**
 * The conjugate of the transpose of the last two dimensions. As `torch.adjoint`.
 *
 * @example
 * complex(tensor([[1, 2]]), tensor([[3, 4]])).adjoint() // → tensor([[1.-3.j],
 * //           [2.-4.j]])
 */
export const adjoint: Unary = unary('adjoint', x => conjugate(mT(x)))
/**
 * As `adjoint`. As `torch.Tensor.mH`.
 *
 * @example
 * complex(tensor([[1, 2]]), tensor([[3, 4]])).mH() // → tensor([[1.-3.j],
 * //           [2.-4.j]])
 */
export const mH: Unary = unary('mH', x => conjugate(mT(x)))

/**
 * Whether the dtype is complex. As `torch.is_complex`.
 *
 * @example
 * isComplex(complex(1, 2)) // → true
 */
export const isComplex: ((x: Tensor) => boolean) & Described = describe((x: Tensor) => isComplexType(needTensor('isComplex', x).dtype), 'isComplex', ['input'])
