// Programs run whole, and step by step as kernels of their own: whatever a backend makes of a program must give the same bits.
import type { Backend } from '../../src/backend/backend.ts'
import type { DType, Words } from '../../src/core/dtype.ts'
import { contiguousView, type View } from '../../src/core/view.ts'
import type { MapKernel } from '../../src/ir/kernel.ts'
import { program, S, type Program, type Step } from '../../src/ir/scalar.ts'
import { download, upload } from './run.ts'

/** The blocks of a kernel's outputs afterwards. In a plan it may run in another way. */
export async function run(backend: Backend, kernel: MapKernel, words: readonly Words[], inPlan = false): Promise<Words[]> {
  const blocks = new Map([...new Set(words)].map(w => [w, upload(backend, w)]))
  const operands = words.map(w => blocks.get(w)!)
  if (inPlan) {
    const plan = backend.prepare([{ kernel, blocks: operands }])
    plan.run()
    plan.dispose()
  } else backend.run(kernel, operands)
  const results = await Promise.all(words.slice(kernel.inputs.length).map(w => download(backend, blocks.get(w)!, w)))
  for (const b of blocks.values()) backend.free(b)
  return results
}

export const wordsOf = (dtype: DType, n: number): Words => (dtype === 'float32' ? new Float32Array(n) : new Int32Array(n))
/** Every NaN with the same bits. */
export const bits = (w: Words): Int32Array => new Int32Array(w.buffer, w.byteOffset, w.length).map((b, i) => (Number.isNaN(w[i]) ? 0x7fc00000 : b))

export function elements(v: View, words: Words): Words {
  let at = [v.offset]
  v.shape.forEach((size, axis) => (at = at.flatMap(o => Array.from({ length: size }, (_, i) => o + i * v.strides[axis]))))
  return wordsOf(v.dtype, at.length).map((_, i) => words[at[i]])
}

/** A step with its operands, params and constants as inputs of its own. */
function alone(p: Program, { op, args, dtype }: Step): Program {
  const operands = args.map((a, i) => S.input(i, p.steps[a].dtype))
  const inputs = args.map(a => p.steps[a].dtype)
  if (op === 'index') return program([S.index()], [])
  if (op === 'cast') return program([S.cast(operands[0], dtype)], inputs)
  return program([S[op as 'add'](...operands)], inputs)
}

/** The outputs of a program, computed step by step on contiguous operands; inputs may be one number for all, as `layout` says. */
export async function stepwise(backend: Backend, p: Program, inputs: readonly Words[], params: readonly number[], n: number, layout?: readonly View[]): Promise<Words[]> {
  const values: Words[] = []
  for (const s of p.steps) {
    if (s.op === 'input') values.push(inputs[s.index!])
    else if (s.op === 'param' || s.op === 'const') values.push(wordsOf(s.dtype, n).fill(s.op === 'param' ? params[s.index!] : s.value!))
    else {
      const views = s.args.map(a => {
        const view = contiguousView(p.steps[a].dtype, [n])
        return p.steps[a].op === 'input' && layout ? { ...view, strides: layout[p.steps[a].index!].strides } : view
      })
      const kernel: MapKernel = { kind: 'map', program: alone(p, s), params: [], inputs: views, outputs: [contiguousView(s.dtype, [n])] }
      values.push((await run(backend, kernel, [...s.args.map(a => values[a]), wordsOf(s.dtype, n)]))[0])
    }
  }
  return p.outputs.map(o => values[o])
}

/** Where two runs of words differ first; −1 where they do not. */
export function difference(a: Words, b: Words): number {
  const [x, y] = [bits(a), bits(b)]
  return x.length === y.length ? x.findIndex((v, i) => v !== y[i]) : Math.min(x.length, y.length)
}
