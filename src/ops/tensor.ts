// The one public tensor class: a view (shape, dtype, strides) into a source (device memory or a value of a graph).
// The ops become methods in index.ts; here is only what no op can say: reading, gradients, lifetime.
import { LampasError, fail } from '../core/errors.ts'
import { dtypes, isDifferentiable, type DType, type TypedArray } from '../core/dtype.ts'
import { formatShape, numel, sameShape, type Shape } from '../core/shape.ts'
import { toValues } from '../core/storage.ts'
import type { View } from '../core/view.ts'
import type { GradNode, Hooks } from './gradnode.ts'
import type { Methods } from './methods.ts'
import { ConstantSource, world, type BackwardOptions, type Source, type World } from './world.ts'

/** Nested arrays of numbers, as deep as the tensor has dimensions; a plain number for a 0-dim tensor. */
export type NestedArray = number | boolean | NestedArray[]

/** A trace listens here to which leaf gradients its code reads and writes. */
export const gradWatch: { hook: ((leaf: Tensor, write: boolean) => void) | null } = { hook: null }

// eslint-disable-next-line no-redeclare -- the ops' methods are merged into the class
export interface Tensor extends Methods {}

export class Tensor {
  /** The tape entry that made this tensor, and which of its outputs it is. */
  gradFn: GradNode | null = null
  gradIndex = 0
  /** For a view: the tensor whose memory it shows, so that in-place changes reach the gradient of both. */
  base: Tensor | null = null
  /** `source.version` when `gradFn` was set. */
  gradVersion = 0
  /** For a handle that the tape keeps: the leaf that it stands for. */
  origin: Tensor | null = null
  /** Hooks of a leaf; of another tensor those that go along when a change in place gives it another entry. */
  hooks: Hooks | null = null
  /** What the world keeps about this handle. */
  handle: object | null = null
  private leafRequiresGrad = false
  private gathered: Tensor | null = null

  constructor(
    /** Where the elements lie in the source. */
    readonly layout: View,
    readonly source: Source,
  ) {}

  get dtype(): DType {
    return this.layout.dtype
  }

  /** Sizes per dimension. */
  get shape(): Shape {
    return this.layout.shape
  }

  /** Number of dimensions. */
  get ndim(): number {
    return this.layout.shape.length
  }

  /** Number of elements. */
  get numel(): number {
    return numel(this.layout.shape)
  }

  get constant(): number | boolean | undefined {
    return this.source instanceof ConstantSource ? this.source.value : undefined
  }

  /** Name of the device that holds the values: `'wasm'`, `'webgpu'`, `'reference'`; `'symbolic'` while traced. */
  get device(): string {
    return this.owner.deviceOf(this)
  }

  /** Leaf gradients gather here; null before the first `backward()` and after `zeroGrad()`. Same shape and dtype as the tensor. */
  get grad(): Tensor | null {
    gradWatch.hook?.(this, false)
    return this.gathered
  }

  set grad(g: Tensor | null) {
    if (g !== null && !(g instanceof Tensor && g.dtype === this.dtype && sameShape(g.shape, this.shape)))
      fail('grad', `${String(g)} cannot be the gradient of ${this}`, 'set null, or a tensor of the same shape and dtype')
    gradWatch.hook?.(this, true)
    this.gathered = g
  }

  /** `grad` without telling a trace that it was looked at. */
  peekGrad(): Tensor | null {
    return this.gathered
  }

  /** True for a leaf that asked for a gradient and for everything computed from one. */
  get requiresGrad(): boolean {
    return this.leafRequiresGrad || this.gradFn !== null || (this.base !== null && this.gradVersion !== this.source.version && this.base.requiresGrad)
  }

  set requiresGrad(on: boolean) {
    this.requiresGrad_(on)
  }

  /** True when no op on the tape made this tensor. Only leaves keep a `grad`. */
  get isLeaf(): boolean {
    return this.gradFn === null || !this.requiresGrad
  }

  /**
   * Asks for (or gives up) a gradient on this leaf. Returns the tensor. As `torch.Tensor.requires_grad_`.
   * @throws LampasError when the dtype is not floating or the tensor is not a leaf.
   */
  requiresGrad_(on = true): this {
    if (on && !isDifferentiable(this.dtype))
      fail('requiresGrad_', `only float and complex tensors have gradients, this is ${this}`, "use x.to('float32')")
    if (!on && this.gradFn) fail('requiresGrad_', 'this tensor is not a leaf, so it cannot stop requiring a gradient', 'use x.detach()')
    this.leafRequiresGrad = on
    return this
  }

  /**
   * Computes the gradients of this tensor with respect to the leaves it came from and adds them to their `grad`.
   * A tensor alone is the `gradient`. As `torch.Tensor.backward`.
   */
  backward(options: BackwardOptions | Tensor = {}): void {
    this.owner.backward(this, options instanceof Tensor ? { gradient: options } : options)
  }

  /** The same values without history; shares memory. As `torch.Tensor.detach`. */
  detach(): Tensor {
    return this.owner.alias(this)
  }

  /**
   * The elements in row-major order: Float32Array (also for the 16-bit floats; for complex64 real and imaginary parts by turns),
   * Float64Array, Int32Array, Uint32Array, Uint8Array (uint8; 0 and 1 for bool). Waits for the device.
   */
  data(): Promise<TypedArray> {
    return this.owner.read(this).then(words => toValues(this.dtype, words))
  }

  /** As `data()`, at once. On `webgpu` this throws: reading there needs `await`. */
  dataSync(): TypedArray {
    return toValues(this.dtype, this.owner.readSync(this))
  }

  /** The value of a one-element tensor; of a complex one there are two, which toArray gives. */
  item(): Promise<number> {
    return this.isOne ? this.data().then(data => data[0]) : Promise.reject(this.notOne())
  }

  itemSync(): number {
    if (!this.isOne) throw this.notOne()
    return this.dataSync()[0]
  }

  /** The elements as nested arrays; booleans for bool, pairs [re, im] for complex64. */
  toArray(): Promise<NestedArray> {
    return this.data().then(data => nest(data, this.shape, this.dtype))
  }

  toArraySync(): NestedArray {
    return nest(this.dataSync(), this.shape, this.dtype)
  }

  /** False once the memory was freed. */
  get alive(): boolean {
    return this.owner.alive(this)
  }

  /** Frees the memory now (if no view or tape still needs it). Any later use of this tensor throws. */
  dispose(): void {
    this.owner.release(this)
  }

  [Symbol.dispose](): void {
    this.dispose()
  }

  /** Dtype and shape in short, `f32[2,3]`. The full library prints the values here; so does `await print(x)` on any device. */
  toString(): string {
    return this.brief
  }

  /** In templates and messages a tensor is its dtype and shape. JavaScript's operators cannot compute with tensors, so they throw. */
  [Symbol.toPrimitive](hint: string): string {
    if (hint === 'string') return this.brief
    return fail('operator', `JavaScript's operators do not work on ${this.brief}`, 'use methods: x.add(y), x.mul(y), x.lt(y); or take the number first: await x.item()')
  }

  private get brief(): string {
    return `${dtypes[this.dtype].short}${formatShape(this.shape)}`
  }

  private get owner(): World {
    return this.source.world ?? world()
  }

  /** One element that is one number. */
  private get isOne(): boolean {
    return this.numel === 1 && this.dtype !== 'complex64'
  }

  private notOne(): LampasError {
    if (this.numel === 1) return new LampasError('item', `${this} is two numbers`, 'take real(z) or imag(z) first, or both with toArray()')
    return new LampasError('item', `${this} has ${this.numel} elements, not one`, 'reduce it first (x.mean()) or read all with data()')
  }
}

function nest(data: TypedArray, shape: Shape, dtype: DType): NestedArray {
  let at = 0
  const build = (axis: number): NestedArray => {
    if (axis === shape.length) return dtype === 'bool' ? data[at++] !== 0 : dtype === 'complex64' ? [data[at++], data[at++]] : data[at++]
    return Array.from({ length: shape[axis] }, () => build(axis + 1))
  }
  return build(0)
}
