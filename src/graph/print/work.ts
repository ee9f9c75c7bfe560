// What a kernel does: as a formula, and how much work it is.
import { bytesOf } from '../../core/dtype.ts'
import { numel } from '../../core/shape.ts'
import type { View } from '../../core/view.ts'
import { attentionOperands, type Body, type Kernel } from '../../ir/kernel.ts'
import { innerOf, type PlannedKernel } from '../../ir/when.ts'
import type { Program } from '../../ir/scalar.ts'

const infix: Readonly<Record<string, string>> = { add: '+', sub: '-', mul: '*', div: '/', eq: '==', ne: '!=', lt: '<', le: '<=', gt: '>', ge: '>=', and: '&', or: '|' }
/** Formulas beyond this many signs are cut. */
const LONG = 240

const letter = (i: number): string => (i < 23 ? String.fromCharCode(97 + ((i + 23) % 26)) : `v${i}`)
/** Names of the inputs of kernels: x, y, z, a, b, … */
const inputName = letter

const number = (v: number): string => (Number.isInteger(v) ? String(v) : String(Number(v.toPrecision(6))))

/** The results of a program as formulas of the names of its inputs. */
export function formulas({ steps, outputs }: Program, params: readonly number[], names: (i: number) => string = inputName): string[] {
  const texts: string[] = []
  const bare = (i: number): string => (texts[i].startsWith('(') ? texts[i].slice(1, -1) : texts[i])
  for (const { op, args, index, value, dtype } of steps) {
    const [a, b] = args.map(i => texts[i])
    texts.push(
      op === 'input' ? names(index!)
      : op === 'param' ? number(params[index!] ?? NaN)
      : op === 'const' ? (dtype === 'bool' ? String(value !== 0) : number(value!))
      : op === 'index' ? 'i'
      : op === 'neg' ? `-${a}`
      : infix[op] ? `(${a} ${infix[op]} ${b})`
      : `${op === 'cast' ? dtype : op}(${args.map(bare).join(', ')})`,
    )
    if (texts.at(-1)!.length > LONG) texts[texts.length - 1] = `(${texts.at(-1)!.slice(1, LONG)} …)`
  }
  return outputs.map(bare)
}

const bodyText = ({ program, params }: Body, names?: (i: number) => string): string => formulas(program, params, names).join('; ')

export function kernelText(kernel: PlannedKernel): string {
  switch (kernel.kind) {
    case 'when': return `if it holds: ${kernelText(kernel.kernel)}`
    case 'map': return bodyText(kernel)
    case 'batch': return `${bodyText(kernel)}; over ${kernel.outputs.length / kernel.program.outputs.length} tensors`
    case 'reduce': return `${kernel.op}(x)`
    case 'rows': {
      let count = kernel.inputs.length
      const lines = kernel.stages.map(s => {
        const made = formulas(s.program, s.params)
        return made.map((f, i) => `${inputName(count++)} = ${s.reduce ? `${s.reduce[i]}(${f})` : f}`).join('; ')
      })
      return [...lines, `→ ${kernel.results.map(inputName).join(', ')}`].join('; ')
    }
    case 'matmul': return kernel.epilogue ? `x @ y; ${bodyText(kernel.epilogue, i => (i === 0 ? 'xy' : inputName(i + 1)))}` : 'x @ y'
    case 'conv': return kernel.epilogue ? `conv(x, y); ${bodyText(kernel.epilogue, i => (i === 0 ? 'xy' : inputName(i + 1)))}` : 'conv(x, y)'
    case 'gather': return `gather(x, y) on axis ${kernel.axis}`
    case 'scatter': return `scatter ${kernel.op} on axis ${kernel.axis}`
    case 'cumulate': return `running ${kernel.op}(x)${kernel.reverse ? ' from the end' : ''}`
    case 'sort': return `sort(x)${kernel.descending ? ' descending' : ''}`
    case 'factor': return `${kernel.op}(${kernel.inputs.map((_, i) => inputName(i)).join(', ')})`
    default: return kernel.kind
  }
}

const silent = new Set(['input', 'param', 'const', 'index', 'cast'])
const stepsOf = ({ program }: Body): number => program.steps.filter(s => !silent.has(s.op)).length
const elements = (v: View): number => numel(v.shape)
/** Elements of memory behind a view: a broadcast one is read once. */
const stored = (v: View): number => v.shape.reduce((n, size, i) => n * (v.strides[i] === 0 ? Math.min(size, 1) : size), 1)

export interface Work {
  readonly bytes: number
  readonly flops: number
}

/** Bytes read and written, and arithmetic steps, as an estimate. */
export function workOf(kernel: PlannedKernel): Work {
  const bytes = [...kernel.inputs, ...kernel.outputs].reduce((n, v) => n + bytesOf(v.dtype, stored(v)), 0)
  return { bytes, flops: flopsOf(innerOf(kernel)) }
}

function flopsOf(kernel: Kernel): number {
  const { inputs: [x, y], outputs: [out] } = kernel
  switch (kernel.kind) {
    case 'map': return stepsOf(kernel) * elements(out)
    case 'batch': return (stepsOf(kernel) / kernel.program.outputs.length) * kernel.outputs.reduce((n, v) => n + elements(v), 0)
    case 'rows': {
      const all = Math.max(...kernel.inputs.map(elements))
      return kernel.stages.reduce((n, s) => n + all * (stepsOf(s) + (s.reduce?.length ?? 0)), 0)
    }
    case 'reduce': case 'cumulate': case 'scatter': case 'fold': return elements(x)
    case 'matmul': return 2 * elements(out) * (x.shape.at(-1) ?? 1) + (kernel.epilogue ? stepsOf(kernel.epilogue) * elements(out) : 0)
    case 'conv': return 2 * elements(out) * numel(y.shape.slice(2)) + (kernel.epilogue ? stepsOf(kernel.epilogue) * elements(out) : 0)
    case 'sort': return elements(x) * Math.max(1, Math.ceil(Math.log2(Math.max(x.shape.at(-1) ?? 1, 1))))
    case 'attention': {
      const { q, k, v } = attentionOperands(kernel.pass, kernel.inputs, kernel.outputs)
      const products = kernel.pass === 'forward' ? [1, 1] : [3, 2]
      const all = 2 * elements(q) * k.shape.at(-2)! * (products[0] + (products[1] * v.shape.at(-1)!) / Math.max(q.shape.at(-1)!, 1))
      return kernel.causal ? all / 2 : all
    }
    case 'factor': {
      const n = Math.min(...x.shape.slice(-2))
      return 2 * elements(x) * n
    }
    case 'gather': return 0
  }
}
