// cumulate: one thread runs along a row. Long rows are cut into chunks: totals of the chunks, running results of the totals, then each
// chunk from where the ones before it end. The same cut keeps rounding errors small.
import type { DType } from '../../core/dtype.ts'
import { numel } from '../../core/shape.ts'
import { contiguousView, collapse, type View } from '../../core/view.ts'
import type { CumulateKernel, CumulateOp } from '../../ir/kernel.ts'
import { mathFor } from './math.ts'
import { dot, gridOfThreads, Memory, NOTHING, opaque, printShader, scratchSlot, single, unravel, type Field, type Job, type Work } from './wgsl.ts'

/** Rows up to this length are walked in one go, longer ones in chunks. */
const LONG = 256
const CHUNK = 64

/** Takes `value` into `sum`. Float sums carry what rounding took away (Kahan 1965), as long as they are finite. */
function step(op: CumulateOp, dtype: DType): string {
  if (op === 'sum' && dtype === 'float32') return `let part = value - carry;
  let next = ${opaque('sum + part')};
  carry = select((next - sum) - part, 0.0, (bitcast<u32>(next) & 0x7fffffffu) >= 0x7f800000u);
  sum = next;`
  const result = {
    sum: 'sum + value',
    prod: 'sum * value',
    max: dtype === 'float32' ? 'max_f(sum, value)' : 'max(sum, value)',
    min: dtype === 'float32' ? 'min_f(sum, value)' : 'min(sum, value)',
  }[op]
  return `sum = ${result};`
}

interface Pass {
  readonly op: CumulateOp
  readonly reverse: boolean
  readonly x: View
  /** Where running results go; none when only the totals of chunks are asked for. */
  readonly out: View | null
  /** Totals of the chunks of a row: written when there is no `out`, else what came before is read from them. */
  readonly totals: View | null
  readonly slots: readonly number[]
  readonly chunk: number
}

function pass({ op, reverse, x, out, totals, slots, chunk }: Pass): Job {
  const views = [x, out, totals].filter(v => v !== null)
  const rowShape = x.shape.slice(0, -1)
  const along = x.shape.at(-1)!
  const rows = collapse(rowShape, [x.strides.slice(0, -1), (out ?? x).strides.slice(0, -1)])
  const rank = rows.shape.length
  const chunks = Math.ceil(along / chunk)
  const memory = new Memory(views.map(v => v.dtype), slots)
  const n = numel(rowShape) * chunks
  /** Where a row is begun, and the way to the next element. */
  const walk = (v: View): { start: number; step: number } => {
    const step = v.strides.at(-1)!
    return reverse ? { start: v.offset + (along - 1) * step, step: -step } : { start: v.offset, step }
  }
  const from = walk(x)
  const to = walk(out ?? x)
  const fields: Field[] = [
    ['n', n], ['chunks', chunks], ['chunk', chunk], ['along', along], ['d', rows.shape],
    ['x', from.start], ['xs', rows.strides[0]], ['xstep', from.step], ['o', to.start], ['os', rows.strides[1]], ['ostep', to.step],
  ]
  const source = (): string => {
    const take = step(op, x.dtype)
    const value = (r: string): string => memory.load(0, `x0 + ${r} * p.xstep`)
    const body = `if (i >= p.n) { return; }
let row = i / p.chunks;
${unravel('row', rank, 'd', 'c')}
let x0 = p.x + ${dot(rank, 'c', 'xs')};
let o0 = p.o + ${dot(rank, 'c', 'os')};
let start = (i % p.chunks) * p.chunk;
let end = min(start + p.chunk, p.along);
var sum = ${value('start')};
${take.includes('carry') ? 'var carry = 0.0;' : ''}
${out && totals ? `if (start > 0u) {
  let value = sum;
  sum = ${memory.load(2, 'i - 1u')};
  ${take}
}` : ''}
${out ? memory.store(1, 'o0 + start * p.ostep', 'sum') : ''}
for (var r = start + 1u; r < end; r++) {
  let value = ${value('r')};
  ${take}
  ${out ? memory.store(1, 'o0 + r * p.ostep', 'sum') : ''}
}
${out ? '' : memory.store(1, 'i', 'sum')}`.replace(/\n\s*(?=\n)/g, '')
    return printShader({ fields, memory, head: mathFor(body), body })
  }
  const key = `cumulate ${op} ${rank} ${out ? 'o' : ''}${totals ? 't' : ''} ${memory.key}`
  return { key, source, fields, slots: memory.slots, groups: gridOfThreads(n) }
}

export function lowerCumulate({ op, reverse, inputs: [x], outputs: [out] }: CumulateKernel, slots: readonly number[]): Work {
  if (numel(x.shape) === 0) return NOTHING
  const along = x.shape.at(-1) ?? 1
  const one = (v: View): View => (v.shape.length ? v : { ...v, shape: [1], strides: [1] })
  if (along <= LONG) return single(pass({ op, reverse, x: one(x), out: one(out), totals: null, slots, chunk: along }))
  const totals = contiguousView(x.dtype, [...x.shape.slice(0, -1), Math.ceil(along / CHUNK)])
  const at = scratchSlot(slots)
  const between = lowerCumulate({ kind: 'cumulate', op, reverse: false, inputs: [totals], outputs: [totals] }, [at, at])
  return {
    jobs: [
      pass({ op, reverse, x, out: null, totals, slots: [slots[0], at], chunk: CHUNK }),
      ...between.jobs,
      pass({ op, reverse, x, out, totals, slots: [...slots, at], chunk: CHUNK }),
    ],
    scratch: [numel(totals.shape) * 4, ...between.scratch],
  }
}
