// reduce: sums, products and extremes are rows without anything around them. Positions of extremes are found here: one thread for each
// result, or one workgroup that ends in a tree of shared memory; where there are few results and much to reduce, rows are cut into chunks and the
// chunks' results reduced in a second pass.
import { scalarType, type DType } from '../../core/dtype.ts'
import { collapse, type View } from '../../core/view.ts'
import { contiguousStrides, numel } from '../../core/shape.ts'
import type { ReduceKernel } from '../../ir/kernel.ts'
import { program, S } from '../../ir/scalar.ts'
import { mathFor } from './math.ts'
import { lowerRows } from './rows.ts'
import {
  dot, gridOfGroups, gridOfThreads, indent, Memory, NOTHING, printShader, scratchSlot, single, unravel, WG, type Field, type Job, type Target, type Work,
} from './wgsl.ts'

type Kind = 'thread' | 'group'
type ArgOp = 'argmax' | 'argmin'
type Numeric = 'float32' | 'int32'

/** Declares `Acc`, a value and where it is, and `join`, which does not mind the order of its operands' positions. */
function accumulator(op: ArgOp, dtype: Numeric): { declare: string; identity: string } {
  const float = dtype === 'float32'
  const type = float ? 'F' : 'I'
  const [x, y] = op === 'argmax' ? ['y', 'x'] : ['x', 'y']
  const ahead = float ? `(is_nan(x) & !is_nan(y)) | lt_f(${x}, ${y})` : `${x} < ${y}`
  return {
    declare: `const none = 0xffffffffu;
struct Acc { value: ${type}, at: u32 }
fn ahead(x: ${type}, y: ${type}) -> bool { return ${ahead}; }
fn join(a: Acc, b: Acc) -> Acc {
  let wins = (b.at != none) & ((a.at == none) | ahead(b.value, a.value) | (!ahead(a.value, b.value) & (b.at < a.at)));
  return Acc(select(a.value, b.value, wins), select(a.at, b.at, wins));
}
`,
    identity: `Acc(${type}(0), none)`,
  }
}

interface Stage {
  readonly op: ArgOp
  readonly kind: Kind
  /** The input, kept axes first. After a first stage: the results of the chunks, and their positions. */
  readonly from: readonly View[]
  readonly kept: number
  /** The final result, or none: then this is a first stage, and writes all results of the first chunk, then of the second … */
  readonly out: View | null
  readonly slots: readonly number[]
  readonly chunks: number
}

function stage({ op, kind, from, kept, out, slots, chunks }: Stage): Job {
  const x = from[0]
  const shape = x.shape.slice(0, kept)
  const rest = x.shape.slice(kept)
  const outer = collapse(shape, out ? [x.strides.slice(0, kept), out.strides] : [x.strides.slice(0, kept)])
  const inner = collapse(rest, [x.strides.slice(kept)])
  const total = numel(rest)
  const rank = outer.shape.length
  const deep = inner.shape.length
  const second = from.length > 1
  const type: Numeric = x.dtype === 'float32' ? 'float32' : 'int32'
  const results: DType[] = out ? [out.dtype] : [type, 'int32']
  const memory = new Memory([...from.map(v => v.dtype), ...results], slots)
  const units = numel(shape) * chunks
  const split = !out
  const length = Math.ceil(total / chunks)
  const lanes = kind === 'group' ? WG : 1
  const fields: Field[] = [
    ['n', units], ['rows', numel(shape)], ['total', total], ['length', length],
    ['d', outer.shape], ['x', x.offset], ['xs', outer.strides[0]], ['rd', inner.shape], ['rs', inner.strides[0]],
    ['o', out?.offset ?? 0], ['os', out ? outer.strides[1] : []],
  ]
  const source = (): string => {
    const { declare, identity } = accumulator(op, type)
    const first = kind === 'group' ? 'start + lid' : 'start'
    const address = `base + ${deep === 1 ? 'r * p.rs_0' : dot(deep, 'e', 'rs')}`
    const element = `Acc(${memory.load(0, address)}, ${second ? `U(${memory.load(1, address)})` : 'r'})`
    const at = out ? `p.o + ${dot(rank, 'c', 'os')}` : 'unit'
    const stores = out ? memory.store(from.length, at, 'I(acc.at)') : `${memory.store(1, at, 'acc.value')}\n${memory.store(2, at, 'I(acc.at)')}`
    const finish = kind === 'thread' ? stores : `tree[lid] = acc;
workgroupBarrier();
for (var half = ${WG / 2}u; half > 0u; half >>= 1u) {
  if (lid < half) { tree[lid] = join(tree[lid], tree[lid + half]); }
  workgroupBarrier();
}
if (lid == 0u) {
  acc = tree[0];
${indent(stores)}
}`
    const body = `
let unit = ${kind === 'group' ? 'group' : 'i'};
if (unit >= p.n) { return; }
let row = unit${split ? ' % p.rows' : ''};
${unravel('row', rank, 'd', 'c')}
let base = p.x + ${dot(rank, 'c', 'xs')};
let start = ${split ? 'unit / p.rows * p.length' : '0u'};
let end = ${split ? 'min(start + p.length, p.total)' : 'p.total'};
var acc = ${identity};
for (var r = ${first}; r < end; r += ${lanes}u) {
${indent(deep === 1 ? '' : unravel('r', deep, 'rd', 'e'))}
  acc = join(acc, ${element});
}
${finish}`.replace(/\n\s*\n/g, '\n')
    const tree = kind === 'group' ? `var<workgroup> tree: array<Acc, ${WG}>;\n` : ''
    return printShader({ fields, memory, head: mathFor(declare + body) + declare + tree, body })
  }
  return {
    key: `reduce ${op} ${kind} ${rank} ${deep} ${x.dtype[0]} ${split ? 'first' : second ? 'second' : ''} ${memory.key}`,
    source, fields, slots: memory.slots, groups: kind === 'group' ? gridOfGroups(units) : gridOfThreads(units),
  }
}

const stride = (v: View, from: number, to?: number): number => collapse(v.shape.slice(from, to), [v.strides.slice(from, to)]).strides[0].at(-1)!

/** How many chunks each row is cut into, and who reduces one. */
function choose({ family }: Target, x: View, kept: number): { kind: Kind; chunks: number } {
  const results = numel(x.shape.slice(0, kept))
  const total = Math.max(1, numel(x.shape.slice(kept)))
  /** Chunks of about `length` elements, at most so many that there are `units` of them in all. */
  const cut = (length: number, units: number): number => {
    const chunks = Math.max(1, Math.min(Math.ceil(total / length), Math.ceil(units / results)))
    return Math.ceil(total / Math.ceil(total / chunks))
  }
  if (family === 'register') return { kind: 'thread', chunks: results < 128 && total > 2048 ? cut(512, 4096) : 1 }
  // Threads side by side should read words side by side: of one row, or of rows that are themselves side by side.
  if (total < 64 || (results > 1 && stride(x, 0, kept) === 1 && stride(x, kept) !== 1)) return { kind: 'thread', chunks: cut(64, 16384) }
  return { kind: 'group', chunks: results < 128 && total > 16384 ? cut(4096, 512) : 1 }
}

/** Forms that were chosen before, as calls one by one ask for the same again and again. */
const chosen = new Map<string, Work>()
const MAX_CHOSEN = 1000

export function lowerReduce(kernel: ReduceKernel, slots: readonly number[], target: Target): Work {
  const { op, inputs: [x], outputs: [out] } = kernel
  if (op === 'argmax' || op === 'argmin') return lowerArg(op, x, out, slots, target)
  const key = `${target.family} ${op} ${slots.join()} ${[x, out].map(v => `${v.dtype} ${v.offset} ${v.shape.join()} ${v.strides.join()}`).join(';')}`
  const known = chosen.get(key)
  if (known) return known
  const stages = [{ program: program([S.input(0, scalarType(x.dtype))], [x.dtype]), params: [], reduce: [op] }]
  const work = lowerRows({ kind: 'rows', axes: x.shape.length - out.shape.length, stages, results: [1], inputs: [x], outputs: [out] }, slots, target)
  if (chosen.size >= MAX_CHOSEN) chosen.clear()
  chosen.set(key, work)
  return work
}

function lowerArg(op: ArgOp, x: View, out: View, slots: readonly number[], target: Target): Work {
  const kept = out.shape.length
  const results = numel(out.shape)
  if (results === 0) return NOTHING
  const { kind, chunks } = choose(target, x, kept)
  if (chunks === 1) return single(stage({ op, kind, from: [x], kept, out, slots, chunks }))
  const types: Numeric[] = [x.dtype === 'float32' ? 'float32' : 'int32', 'int32']
  const parts = types.map((dtype): View => ({ dtype, shape: [...out.shape, chunks], strides: [...contiguousStrides(out.shape), results], offset: 0 }))
  const partSlots = parts.map((_, k) => scratchSlot(slots, k))
  return {
    jobs: [
      stage({ op, kind, from: [x], kept, out: null, slots: [slots[0], ...partSlots], chunks }),
      stage({ op, kind: choose(target, parts[0], kept).kind, from: parts, kept, out, slots: [...partSlots, slots[1]], chunks: 1 }),
    ],
    scratch: parts.map(() => results * chunks * 4),
  }
}
