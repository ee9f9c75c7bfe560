// What a backend need not know. uint32, complex64 and the narrow dtypes reach kernels as the types that these compute with: unsigned
// numbers as int32, complex ones as two float32 views of the same memory, and narrow ones widened
// into fresh memory, but for `map`, which converts as it reads and writes.
import { dtypes, scalarType, type DType } from '../core/dtype.ts'
import { fail } from '../core/errors.ts'
import { program, S, type Program } from '../ir/scalar.ts'
import type { Arg, KernelSpec, Lowering } from './op.ts'
import type { Shape } from '../core/shape.ts'

/** The real (0) or imaginary (1) parts of a complex operand, where they lie. */
export const part = ({ view, slot }: Arg, which: 0 | 1): Arg => ({
  view: { dtype: 'float32', shape: view.shape, strides: view.strides.map(s => 2 * s), offset: 2 * view.offset + which },
  slot,
})

/** A complex operand as pairs of float32, on an axis behind the others. */
export const pairs = ({ view, slot }: Arg): Arg => ({
  view: { dtype: 'float32', shape: [...view.shape, 2], strides: [...view.strides.map(s => 2 * s), 1], offset: 2 * view.offset },
  slot,
})

const retyped = (x: Arg, dtype: DType): Arg => ({ view: { ...x.view, dtype }, slot: x.slot })

const byType = <T>(make: (t: DType) => T): ((t: DType) => T) => {
  const made = new Map<DType, T>()
  return t => made.get(t) ?? (made.set(t, make(t)), made.get(t)!)
}
const copies = byType(t => program([S.input(0, t)], [t]))
const fills = byType(t => program([S.param(0, t)], [], [t]))
/** Exchanges the order of int32 for that of uint32. */
const flipped: Program = program([S.xor(S.input(0, 'int32'), -(2 ** 31))], ['int32'])

export function copyInto(k: Lowering, from: Arg, to: Arg): void {
  if (from.view.dtype === 'complex64') return copyInto(k, pairs(from), pairs(to))
  k.run({ kind: 'map', program: copies(scalarType(from.view.dtype)), params: [] }, [from], [to])
}

/** A real value; the imaginary parts of complex memory become 0. */
export function fillWith(k: Lowering, to: Arg, value: number): void {
  if (to.view.dtype === 'complex64') {
    fillWith(k, part(to, 0), value)
    return fillWith(k, part(to, 1), 0)
  }
  k.run({ kind: 'map', program: fills(scalarType(to.view.dtype)), params: [value] }, [], [to])
}

/** The elements in fresh memory without gaps. */
export function compact(k: Lowering, x: Arg): Arg {
  const out = k.alloc(x.view.dtype, x.view.shape)
  copyInto(k, x, out)
  return out
}

type Legal = 'word' | 'unsigned' | 'narrow' | 'complex'
const legality: Readonly<Record<DType, Legal>> = {
  float32: 'word', int32: 'word', bool: 'word', float64: 'word', uint32: 'unsigned',
  uint8: 'narrow', float16: 'narrow', bfloat16: 'narrow', complex64: 'complex',
}
const has = (list: readonly Arg[], what: Legal): boolean => list.some(x => legality[x.view.dtype] === what)

/** Every kernel passes here; what it hands to `emit` has operands that backends know. */
export abstract class KernelLowering implements Lowering {
  abstract alloc(dtype: DType, shape: Shape): Arg
  protected abstract emit(kernel: KernelSpec, inputs: readonly Arg[], outputs: readonly Arg[]): void

  run(kernel: KernelSpec, inputs: readonly Arg[], outputs: readonly Arg[]): void {
    for (const list of [inputs, outputs])
      for (const x of list) if (legality[x.view.dtype] !== 'word') return this.legalize(kernel, inputs, outputs)
    this.emit(kernel, inputs, outputs)
  }

  private legalize(kernel: KernelSpec, inputs: readonly Arg[], outputs: readonly Arg[]): void {
    const all = [...inputs, ...outputs]
    if (has(all, 'complex')) return this.byParts(kernel, inputs, outputs)
    if (has(all, 'unsigned')) return this.unsigned(kernel, inputs, outputs)
    // Only maps of 32-bit numbers convert narrow ones by themselves.
    if (kernel.kind === 'map' && all.every(x => x.view.dtype !== 'float64')) return this.emit(kernel, inputs, outputs)
    const isNarrow = (x: Arg): boolean => legality[x.view.dtype] === 'narrow'
    const widened = inputs.map(x => (isNarrow(x) ? this.converted(x, scalarType(x.view.dtype)) : x))
    // What a kernel adds to must be there before it runs.
    const wide = outputs.map(x => (!isNarrow(x) ? x : kernel.kind === 'scatter' ? this.converted(x, scalarType(x.view.dtype)) : this.alloc(scalarType(x.view.dtype), x.view.shape)))
    this.emit(kernel, widened, wide)
    outputs.forEach((x, i) => isNarrow(x) && copyInto(this, wide[i], x))
  }

  private converted(x: Arg, dtype: DType): Arg {
    const out = this.alloc(dtype, x.view.shape)
    copyInto(this, x, out)
    return out
  }

  /** Kernels that ask which of two numbers is larger get them in the order of int32. */
  private unsigned(kernel: KernelSpec, inputs: readonly Arg[], outputs: readonly Arg[]): void {
    const asInt = (x: Arg): Arg => (x.view.dtype === 'uint32' ? retyped(x, 'int32') : x)
    const orders = kernel.kind === 'sort' || ((kernel.kind === 'reduce' || kernel.kind === 'cumulate' || kernel.kind === 'scatter') && !['sum', 'prod', 'set'].includes(kernel.op))
    if (!orders) return this.run(kernel, inputs.map(asInt), outputs.map(asInt))
    const isUnsigned = (x: Arg): boolean => x.view.dtype === 'uint32'
    const flip = (from: Arg, to: Arg): Arg => (this.run({ kind: 'map', program: flipped, params: [] }, [asInt(from)], [asInt(to)]), to)
    const into = inputs.map(x => (isUnsigned(x) ? flip(x, this.alloc('int32', x.view.shape)) : x))
    if (kernel.kind === 'scatter') flip(outputs[0], outputs[0])
    this.run(kernel, into, outputs.map(asInt))
    for (const x of outputs.filter(isUnsigned)) flip(x, x)
  }

  /** Kernels that only add and move do so with both parts; products of numbers take four of the parts. */
  private byParts(kernel: KernelSpec, inputs: readonly Arg[], outputs: readonly Arg[]): void {
    const of = (x: Arg, which: 0 | 1): Arg => (x.view.dtype === 'complex64' ? part(x, which) : x)
    if (kernel.kind === 'matmul' || kernel.kind === 'conv') return this.product(kernel, inputs, outputs[0])
    const linear = kernel.kind === 'gather' || kernel.kind === 'fold' || ((kernel.kind === 'reduce' || kernel.kind === 'cumulate' || kernel.kind === 'scatter') && (kernel.op === 'sum' || kernel.op === 'set'))
    if (!linear) fail(kernel.kind, `not defined for complex numbers (${all(inputs)})`, 'use the real and imaginary parts: viewAsReal(x)')
    for (const which of [0, 1] as const) this.run({ ...kernel }, inputs.map(x => of(x, which)), outputs.map(x => of(x, which)))
  }

  /** (a + bi)(c + di) = (ac − bd) + (ad + bc)i. */
  private product(kernel: KernelSpec, [x, y]: readonly Arg[], out: Arg): void {
    const times = (a: 0 | 1, b: 0 | 1): Arg => {
      const result = this.alloc('float32', out.view.shape)
      this.run({ ...kernel }, [part(x, a), part(y, b)], [result])
      return result
    }
    const join = (a: Arg, b: Arg, rule: Program, to: Arg): void => this.run({ kind: 'map', program: rule, params: [] }, [a, b], [to])
    join(times(0, 0), times(1, 1), difference, part(out, 0))
    join(times(0, 1), times(1, 0), total, part(out, 1))
  }
}

const all = (list: readonly Arg[]): string => list.map(x => `${dtypes[x.view.dtype].short}[${x.view.shape.join()}]`).join(', ')
const [a, b] = [S.input(0, 'float32'), S.input(1, 'float32')]
const difference = program([S.sub(a, b)], ['float32', 'float32'])
const total = program([S.add(a, b)], ['float32', 'float32'])

