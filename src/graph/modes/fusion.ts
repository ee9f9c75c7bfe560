// Whether joint kernels compute what their parts did. The reference runs the kernels of a plan in its memory, and beside them the nodes one by
// one, both in float64; where they part, the rules that joined the kernel are named.
import type { Block } from '../../backend/backend.ts'
import type { ReferenceBackend } from '../../backend/reference/index.ts'
import { LampasError } from '../../core/errors.ts'
import { wordsIn } from '../../core/storage.ts'
import { contiguousView, isContiguous } from '../../core/view.ts'
import type { Graph, Value } from '../graph.ts'
import type { Layout } from '../plan.ts'
import { sizeOf } from '../recorder.ts'
import type { Slot, Step } from '../steps.ts'
import { changed, differenceText, isExact } from './compare.ts'
import type { Interpreter } from './interpreter.ts'
import { placeOf, typeOf } from './words.ts'

/** Throws at the first joint kernel of a layout that changes a value; `given` are those of the graph's externals, which the interpreter knows. */
export function judgeFusion(name: string, reference: ReferenceBackend, interpreter: Interpreter, layout: Layout, graph: Graph, given: readonly ArrayBuffer[]): void {
  if (layout.fired.length === 0) return
  const own = layout.blocks.map(bytes => reference.alloc(bytes))
  const outside = [...graph.externals, ...graph.outputs].map(v => reference.alloc(sizeOf(v)))
  graph.externals.forEach((v, i) => reference.write(outside[i], 0, wordsIn(v.dtype, given[i]), v.dtype))
  const blockOf = (slot: Slot): Block => {
    const place = layout.placeOf(slot)
    return 'block' in place ? own[place.block] : outside[place.external]
  }
  const valueIn = new Map<object, Value>()
  for (const [v, { view, slot, constant }] of layout.args) if (constant === undefined && view.offset === 0 && isContiguous(view) && (slot as Slot).bytes === sizeOf(v) && !valueIn.has(slot)) valueIn.set(slot, v)
  const lastWrite = new Map<Slot, Step>()
  for (const step of layout.steps) for (const s of step.slots.slice(step.kernel.inputs.length)) lastWrite.set(s, step)
  for (const step of layout.steps) {
    const { kernel, slots, nodes } = step
    reference.prepare([{ kernel, blocks: slots.map(blockOf) }]).run()
    if (nodes.length < 2) continue
    for (const slot of slots.slice(kernel.inputs.length)) {
      const v = valueIn.get(slot)
      // Floats on two sides of a border by their last digit give other whole numbers.
      if (!v || lastWrite.get(slot) !== step || (isExact(v.dtype) && !kernel.inputs.every(x => isExact(x.dtype)))) continue
      const found = changed(v, interpreter.values(v), interpreter.numbers({ view: contiguousView(v.dtype, v.shape), slot: blockOf(slot) }), false)
      if (found) throw new LampasError('debug', `${name}: fusion (${rulesOf(step, layout).join(', ')}) changes ${v.node ? placeOf(v.node) : 'a value'}, joined of ${nodes.map(placeOf).join(', ')}\n  ${typeOf(v)}: ${differenceText(found, v)}`,
        `compile(fn, { exclude: ['${rulesOf(step, layout)[0]}'] }) does without it. Please report this`)
    }
  }
}

/** The rules that fired on nodes of a kernel. */
function rulesOf({ nodes }: Step, { fired }: Layout): string[] {
  const names = new Set(fired.filter(f => nodes.some(n => n.op.name === f.op && n.site === f.site)).map(f => f.rewrite.name))
  return names.size > 0 ? [...names] : ['fusion']
}
