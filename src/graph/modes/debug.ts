// mode: 'debug'. Each rewrite is judged on the arguments of the call: the reference computes, in float64, what was there and what takes its
// place. Joint kernels are judged by the nodes that they were made of (in fusion.ts), and every kernel on the device: the reference runs it on
// the very same inputs. The first that is wrong by more than rounding is named.
import type { Backend, Block, Launch } from '../../backend/backend.ts'
import { createReference } from '../../backend/reference/reference.ts'
import { evaluateBlock, valuesOf } from '../../backend/reference/scalar.ts'
import { bytesOf } from '../../core/dtype.ts'
import { LampasError } from '../../core/errors.ts'
import { numel } from '../../core/shape.ts'
import { wordsIn } from '../../core/storage.ts'
import { contiguousView, extent, type View } from '../../core/view.ts'
import { mapsOf, type Kernel, type MapKernel } from '../../ir/kernel.ts'
import type { Graph, GraphNode, Value } from '../graph.ts'
import { optimize, type Rewrite } from '../passes/index.ts'
import type { Layout, Plan } from '../plan.ts'
import { kernelText } from '../print/work.ts'
import type { Watched } from '../watch.ts'
import { changed, differenceText, furthest, isExact, largest, rounding } from './compare.ts'
import { judgeFusion } from './fusion.ts'
import { elementsOf, Interpreter } from './interpreter.ts'
import type { Runner } from './runner.ts'
import { placeOf, rangeOf, rangeText, typeOf } from './words.ts'

// Rewrites

/** Applies the rewrites once more to the traced graph, on given values of its externals, and throws at the first that changes a value; so for what was fused. */
export function judgeRewrites(name: string, { traced, graph, externals, passes }: Watched, given: readonly ArrayBuffer[], layout: Layout): void {
  const reference = createReference()
  try {
    const interpreter = new Interpreter(reference)
    externals.forEach(({ value }, i) => interpreter.give(value, given[i]))
    optimize(traced, passes, (rewrite, node, pairs) => {
      for (const [before, after] of pairs) judgeRewrite(name, interpreter, rewrite, node, before, after)
    })
    judgeWhole(name, interpreter, traced, graph)
    judgeFusion(name, reference, interpreter, layout, graph, given)
  } finally {
    reference.dispose()
  }
}

function judgeRewrite(name: string, interpreter: Interpreter, rewrite: Rewrite, node: GraphNode, before: Value, after: Value): void {
  const found = changed(before, interpreter.values(before), interpreter.values(after), rewrite.rounds)
  if (!found) return
  const inputs = node.inputs.map((v, i) => `  input ${i}: ${typeOf(v)} ${rangeText(rangeOf(interpreter.values(v)))}`)
  throw new LampasError('debug', [
    `${name}: the rewrite '${rewrite.name}' (${rewrite.rule}) changes ${placeOf(node)}`,
    `  ${typeOf(before)}: ${differenceText(found, before)}`,
    ...inputs,
  ].join('\n'), `compile(fn, { exclude: ['${rewrite.name}'] }) does without it. Please report this`)
}

/** What single rewrites do not show: merging of equal nodes, and folding of constants. */
function judgeWhole(name: string, interpreter: Interpreter, traced: Graph, graph: Graph): void {
  const ends = (g: Graph): readonly Value[] => [...g.outputs, ...g.updates.map(u => u.value)]
  ends(graph).forEach((v, i) => {
    const before = ends(traced)[i]
    const found = changed(before, interpreter.values(before), interpreter.values(v), true)
    if (found)
      throw new LampasError('debug', `${name}: merging or constant folding changes result ${i}${before.node ? `, ${placeOf(before.node)}` : ''}\n  ${typeOf(before)}: ${differenceText(found, before)}`, "compile(fn, { exclude: ['merge', 'constant-folding'] }) does without them. Please report this")
  })
}

// Kernels

/** What lay in the blocks of a launch before it ran, and what in those of its outputs afterwards. */
interface Seen {
  readonly before: readonly ArrayBuffer[]
  readonly after: readonly ArrayBuffer[]
}

/** Throws when the device made something else of a kernel's inputs than the reference does. */
function judgeKernel(name: string, { kernel, blocks }: Launch, nodes: readonly GraphNode[], { before, after }: Seen): void {
  if (kernel.kind === 'when') {
    // Of a branch that was not taken there is nothing to judge.
    if (elementsOf(kernel.inputs[0], before[0])[0] !== 0) judgeKernel(name, { kernel: kernel.kernel, blocks: blocks.slice(1) }, nodes, { before: before.slice(1), after })
    return
  }
  const views = [...kernel.inputs, ...kernel.outputs]
  const reference = createReference()
  try {
    const copies = views.map((view, i) => {
      const block = reference.alloc(before[i].byteLength)
      reference.write(block, 0, wordsIn(view.dtype, before[i]), view.dtype)
      return block
    })
    reference.run(kernel, copies)
    kernel.outputs.forEach((view, k) => {
      const block = copies[kernel.inputs.length + k]
      const expected = elementsOf(view, reference.readSync(block, 0, block.bytes, view.dtype))
      const values = kernel.inputs.map((v, i) => elementsOf(v, before[i]))
      const map = mapAt(kernel, k)
      const found = furthest(expected, elementsOf(view, after[k]), allowance(kernel, k, expected, values), at => !!map && tolerable(map.kernel, map.output, at, values.slice(map.input), elementsOf(view, after[k])[at], expected[at]))
      if (!found) return
      const inputs = kernel.inputs.map((v, i) => `  input ${i}: ${typeOf(v)} ${rangeText(rangeOf(values[i]))}`)
      const where = nodes.length ? `of ${nodes.map(placeOf).join(', ')}` : 'that copies a value into its place'
      throw new LampasError('debug', [`${name}: the kernel ${kernel.kind} (${kernelText(kernel)}) ${where} is wrong on this device`, `  ${typeOf(view)}: ${differenceText(found, view, 'by the reference, here')}`, ...inputs].join('\n'), "please report this; another device may do: init({ device: 'wasm' })")
    })
  } finally {
    reference.dispose()
  }
}

/** The map that computes a result, which of its results that is, and with which input of the kernel its own begin. */
function mapAt(kernel: Kernel, output: number): { kernel: MapKernel; output: number; input: number } | null {
  if (kernel.kind === 'map') return { kernel, output, input: 0 }
  if (kernel.kind !== 'batch') return null
  const { inputs, outputs } = kernel.program
  const at = Math.floor(output / outputs.length)
  return { kernel: mapsOf(kernel)[at], output: output - at * outputs.length, input: at * inputs.length }
}

/** How far results of a kernel may be off: what rounding its sums and its functions can do. */
function allowance(kernel: Kernel, output: number, expected: Float64Array, inputs: readonly Float64Array[]): (e: number) => number {
  const { dtype } = kernel.outputs[output]
  if (isExact(dtype)) return () => 0
  // Transcendental functions are right to some units in the last place.
  const unit = 32 * rounding[dtype]
  const scale = unit * Math.max(largest(expected), sumsOf(kernel, inputs))
  return e => 8 * unit * Math.abs(e) + scale + 1e-37
}

/** The size that sums in a kernel may reach on the way. */
function sumsOf(kernel: Kernel, inputs: readonly Float64Array[]): number {
  const sizes = inputs.map(largest)
  const { inputs: [x, y], outputs: [out] } = kernel
  switch (kernel.kind) {
    case 'matmul': return Math.sqrt(x.shape.at(-1)!) * sizes[0] * sizes[1]
    case 'conv': return Math.sqrt(numel(y.shape.slice(2))) * sizes[0] * sizes[1]
    case 'reduce': case 'fold': return kernel.kind === 'reduce' && kernel.op !== 'sum' ? 0 : Math.sqrt(numel(x.shape) / Math.max(numel(out.shape), 1)) * sizes[0]
    case 'cumulate': case 'scatter': return Math.sqrt(numel(x.shape)) * Math.max(...sizes)
    case 'rows': return Math.sqrt(numel(x.shape.slice(-kernel.axes))) * Math.max(...sizes, 0)
    case 'attention': return Math.sqrt(x.shape.at(-1)!) * Math.max(...sizes) ** 2
    case 'factor': return (x.shape.at(-1) ?? 1) * Math.max(...sizes)
    default: return 0
  }
}

/**
 * Whether an element of a map differs only because the device rounds each step: by as much as the reference does when it rounds them too,
 * or because a step leaves the range of float32.
 */
function tolerable({ program, params, inputs }: MapKernel, output: number, at: number, values: readonly Float64Array[], found: number, expected: number): boolean {
  if (inputs.some(v => v.dtype === 'float64' || v.dtype === 'complex64')) return false
  const run = (round: (x: number) => number): { result: number; within: boolean } => {
    const steps = valuesOf(program, params, 1)
    let within = true
    program.steps.forEach((s, k) => {
      if (s.op === 'input') steps[k][0] = values[s.index!][at]
      evaluateBlock({ ...program, steps: program.steps.map((t, j) => (j === k ? t : { ...t, op: 'const' as const })) }, steps, at, 1)
      if (s.dtype !== 'float32') return
      const size = Math.abs(steps[k][0])
      if (size > MOST || (size > 0 && size < LEAST)) within = false
      steps[k][0] = round(steps[k][0])
    })
    return { result: steps[program.outputs[output]][0], within }
  }
  const exact = run(x => x)
  if (!exact.within) return true
  return Math.abs(found - expected) <= 16 * Math.abs(run(Math.fround).result - exact.result)
}
const MOST = 3.4028234663852886e38
const LEAST = 1.1754943508222875e-38

// Running

/** Bytes of a block up to the last element of a view. */
const bytesBehind = (view: View): number => bytesOf(view.dtype, (extent(view)?.[1] ?? -1) + 1)

/** Runs the kernels one by one and judges them; the rewrites at the first call. */
export class Debugging implements Runner {
  private judged = false
  private readonly backend: Backend

  constructor(private readonly name: string, private readonly step: Watched) {
    this.backend = step.backend
  }

  run(plan: Plan, swap: ReadonlyMap<Block, Block>): Promise<void> | void {
    const launches = plan.launches.map(({ kernel, blocks }): Launch => ({ kernel, blocks: blocks.map(b => swap.get(b) ?? b) }))
    const given = this.step.externals.map(({ storage, argument }, i) => [argument === null ? storage.block : swap.get(plan.placeholders[i])!, this.step.graph.externals[i]] as const)
    const first = !this.judged
    this.judged = true
    return this.backend.readSync ? this.now(plan, launches, first ? given : []) : this.later(plan, launches, first ? given : [])
  }

  private now(plan: Plan, launches: readonly Launch[], given: readonly (readonly [Block, Value])[]): void {
    const { backend, name, step } = this
    const read = (block: Block, view: View): ArrayBuffer => backend.readSync!(block, 0, bytesBehind(view), view.dtype)
    if (given.length) judgeRewrites(name, step, given.map(([b, v]) => read(b, contiguousView(v.dtype, v.shape))), plan.layout)
    launches.forEach((launch, i) => {
      const { kernel, blocks } = launch
      const views = [...kernel.inputs, ...kernel.outputs]
      const before = views.map((v, k) => read(blocks[k], v))
      this.launch(launch)
      const after = kernel.outputs.map((v, k) => read(blocks[kernel.inputs.length + k], v))
      judgeKernel(name, launch, plan.origins[i], { before, after })
    })
  }

  /** The same where values come later: they are copied as the kernels run, and looked at when they are there. */
  private async later(plan: Plan, launches: readonly Launch[], given: readonly (readonly [Block, Value])[]): Promise<void> {
    const { backend, name, step } = this
    const read = (block: Block, view: View): Promise<ArrayBuffer> => backend.read(block, 0, bytesBehind(view), view.dtype)
    const outside = Promise.all(given.map(([b, v]) => read(b, contiguousView(v.dtype, v.shape))))
    const seen = Promise.all(launches.map(launch => {
      const { kernel, blocks } = launch
      const before = Promise.all([...kernel.inputs, ...kernel.outputs].map((v, k) => read(blocks[k], v)))
      this.launch(launch)
      return Promise.all([before, Promise.all(kernel.outputs.map((v, k) => read(blocks[kernel.inputs.length + k], v)))])
    }))
    // Until the rewrites are judged nobody waits for it.
    seen.catch(() => {})
    const values = await outside
    if (given.length) judgeRewrites(name, step, values, plan.layout)
    for (const [i, [before, after]] of (await seen).entries()) judgeKernel(name, launches[i], plan.origins[i], { before, after })
  }

  /** One kernel, in the way in which plans run theirs. */
  private launch(launch: Launch): void {
    const prepared = this.backend.prepare([launch])
    prepared.run()
    prepared.dispose()
  }

  dispose(): void {}
}
