// Nodes run one by one, on any backend. What the reference makes of a graph, in float64, is what debugging compares with.
import type { Backend, Block } from '../../backend/backend.ts'
import type { ReferenceBackend } from '../../backend/reference/reference.ts'
import { bytesOf, isComplex, WORD, type DType } from '../../core/dtype.ts'
import { numel, type Shape } from '../../core/shape.ts'
import { toValues, wordsIn } from '../../core/storage.ts'
import { contiguousView, type View } from '../../core/view.ts'
import { copyInto, KernelLowering } from '../../ops/lowering.ts'
import { withViews, type Arg, type KernelSpec } from '../../ops/op.ts'
import type { GraphNode, Value } from '../graph.ts'

/** Runs each kernel as it comes. */
export class Direct extends KernelLowering {
  readonly blocks: Block[] = []
  constructor(private readonly backend: Backend) {
    super()
  }

  alloc(dtype: DType, shape: Shape): Arg {
    const block = this.backend.alloc(bytesOf(dtype, numel(shape)))
    this.blocks.push(block)
    return { view: contiguousView(dtype, shape), slot: block }
  }

  when({ view, slot }: Arg, make: () => void): void {
    const word = this.backend.readSync?.(slot as Block, view.offset * WORD, WORD, 'bool')
    if (!word || new Int32Array(word)[0] !== 0) make()
  }

  protected emit(kernel: KernelSpec, inputs: readonly Arg[], outputs: readonly Arg[]): void {
    this.backend.run(withViews(kernel, inputs, outputs), [...inputs, ...outputs].map(x => x.slot as Block))
  }
}

/** Where the elements of a view lie in its block, in row-major order. */
function positions({ shape, strides, offset }: View): Float64Array {
  let out = Float64Array.of(offset)
  shape.forEach((size, axis) => {
    const next = new Float64Array(out.length * size)
    for (let i = 0; i < out.length; i++) for (let j = 0; j < size; j++) next[i * size + j] = out[i] + j * strides[axis]
    out = next
  })
  return out
}

/** The elements of a view as numbers, from all words of its block; complex ones as pairs. */
export function elementsOf(view: View, buffer: ArrayBuffer): Float64Array {
  const values = toValues(view.dtype, wordsIn(view.dtype, buffer))
  return picked(view, values)
}

const picked = (view: View, values: ArrayLike<number>): Float64Array =>
  isComplex(view.dtype)
    ? Float64Array.from([...positions(view)].flatMap(at => [values[2 * at], values[2 * at + 1]]))
    : positions(view).map(at => values[at])

/** The values of a graph on the reference, each computed when somebody asks for it. */
export class Interpreter {
  private readonly direct: Direct
  private readonly args = new Map<Value, Arg>()

  constructor(private readonly backend: ReferenceBackend) {
    this.direct = new Direct(backend)
  }

  /** Gives a value that comes from outside. */
  give(v: Value, buffer: ArrayBuffer): void {
    const arg = this.direct.alloc(v.dtype, v.shape)
    this.backend.write(arg.slot as Block, 0, wordsIn(v.dtype, buffer), v.dtype)
    this.args.set(v, arg)
  }

  /** The numbers of a value. */
  values(v: Value): Float64Array {
    const arg = this.arg(v)
    return arg.constant === undefined ? this.numbers(arg) : Float64Array.of(Number(arg.constant))
  }

  /** What lies in a block of the reference, as a view shows it. */
  numbers({ view, slot }: Arg): Float64Array {
    const whole = this.direct.alloc(view.dtype, view.shape)
    copyInto(this.direct, { view, slot }, whole)
    const block = whole.slot as Block
    const n = numel(view.shape)
    // Words that the reference keeps with 64 bits are read with all of them.
    if (view.dtype === 'float32') return this.backend.readFloat64(block, 0, n * WORD)
    return elementsOf(contiguousView(view.dtype, view.shape), this.backend.readSync(block, 0, bytesOf(view.dtype, n), view.dtype))
  }

  private arg(root: Value): Arg {
    const stack = [root]
    while (stack.length) {
      const v = stack[stack.length - 1]
      const missing = this.args.has(v) || !v.node ? [] : v.node.inputs.filter(x => !this.args.has(x))
      if (missing.length) {
        stack.push(...missing)
        continue
      }
      stack.pop()
      if (this.args.has(v)) continue
      if (v.node) this.run(v.node)
      else this.args.set(v, { view: contiguousView(v.dtype, v.shape), slot: v, constant: v.constant })
    }
    return this.args.get(root)!
  }

  private run(node: GraphNode): void {
    const inputs = node.inputs.map(v => this.args.get(v)!)
    const view = inputs.length === 1 && inputs[0].constant === undefined ? (node.op.view?.(inputs[0].view, node.params) ?? null) : null
    const results = view ? [{ view, slot: inputs[0].slot }] : node.op.lower!(this.direct, inputs, node.params, node.outputs)
    node.outputs.forEach((v, i) => this.args.set(v, results[i]))
  }
}


