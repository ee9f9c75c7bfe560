// sort: stable rank sorting without barriers. Elements become unsigned keys whose order is theirs; runs of 16 are ranked by counting, then
// runs are merged in pairs: each element finds its place by a binary search in the run beside its own.
import { wordType } from '../../core/dtype.ts'
import { numel } from '../../core/shape.ts'
import { collapse } from '../../core/view.ts'
import type { SortKernel } from '../../ir/kernel.ts'
import { mathFor } from './math.ts'
import { dot, gridOfThreads, Memory, NOTHING, printShader, scratchSlot, unravel, type Field, type Job, type Work } from './wgsl.ts'

const RUN = 16

/** NaN is greatest, and −0 equals 0. */
const keyOf = {
  float32: 'select(bits ^ select(0x80000000u, 0xffffffffu, bits > 0x80000000u), 0xffffffffu, is_nan(x))',
  int32: 'bits ^ 0x80000000u',
  bool: 'bits',
} as const

export function lowerSort({ descending, inputs: [x], outputs: [values, positions] }: SortKernel, slots: readonly number[]): Work {
  const n = numel(x.shape)
  if (n === 0) return NOTHING
  const along = x.shape.at(-1) ?? 1
  const rows = collapse(x.shape.slice(0, -1), [x, values, positions].map(v => v.strides.slice(0, -1)))
  const rank = rows.shape.length
  const steps = [x, values, positions].map(v => v.strides.at(-1) ?? 1)
  const [xSlot, valueSlot, positionSlot] = slots
  const scratch = [scratchSlot(slots), scratchSlot(slots, 1)]
  const shape: Field[] = [['n', n], ['along', along], ['d', rows.shape]]
  const reading: Field[] = [['x', x.offset], ['xs', rows.strides[0]], ['xstep', steps[0]]]
  const bits = { float32: 'bitcast<u32>(select(x, 0.0, x == 0.0))', int32: 'bitcast<u32>(x)', bool: 'u32(x)' }[wordType(x.dtype)]

  // A scratch block holds the keys, then the positions that go with them.
  const first = (): Job => {
    const memory = new Memory([x.dtype, 'bool'], [xSlot, scratch[0]])
    const fields = [...shape, ...reading]
    const source = (): string => {
      const body = `if (i >= p.n) { return; }
let row = i / p.along;
let own = i % p.along;
${unravel('row', rank, 'd', 'c')}
let x0 = p.x + ${dot(rank, 'c', 'xs')};
let start = own - own % ${RUN}u;
let end = min(start + ${RUN}u, p.along);
let key = key_of(x0 + own * p.xstep);
var rank = 0u;
for (var r = start; r < end; r++) {
  let other = key_of(x0 + r * p.xstep);
  rank += select(0u, 1u, (other < key) | ((other == key) & (r < own)));
}
let at = row * p.along + start + rank;
b1[at] = key;
b1[p.n + at] = own;`
      const key = `fn key_of(at: u32) -> u32 {
  let x = ${memory.load(0, 'at')};
  let bits = ${bits};
  return ${descending ? '~' : ''}(${keyOf[wordType(x.dtype)]});
}
`
      return printShader({ fields, memory, head: mathFor(key) + key, body })
    }
    return { key: `sort first ${descending} ${rank} ${memory.key}`, source, fields, slots: memory.slots, groups: gridOfThreads(n) }
  }

  const merge = (run: number, from: number, to: number): Job => {
    const memory = new Memory(['bool', 'bool'], [from, to])
    const fields: Field[] = [...shape.slice(0, 2), ['run', run]]
    const source = (): string => printShader({
      fields, memory,
      body: `if (i >= p.n) { return; }
let own = i % p.along;
let row = i - own;
let place = own / p.run;
let left = (place & 1u) == 0u;
let begin = min(select((place - 1u) * p.run, (place + 1u) * p.run, left), p.along);
let end = min(begin + p.run, p.along);
let key = b0[row + own];
var lo = begin;
var hi = end;
while (lo < hi) {
  let mid = (lo + hi) / 2u;
  let other = b0[row + mid];
  if ((other < key) | (!left & (other == key))) { lo = mid + 1u; } else { hi = mid; }
}
let pair = (place & ~1u) * p.run;
let at = row + pair + own - place * p.run + lo - begin;
b1[at] = key;
b1[p.n + at] = b0[p.n + row + own];`,
    })
    return { key: `sort merge ${memory.key}`, source, fields, slots: memory.slots, groups: gridOfThreads(n) }
  }

  const last = (from: number): Job => {
    const memory = new Memory([x.dtype, 'bool', values.dtype, 'int32'], [xSlot, from, valueSlot, positionSlot])
    const fields: Field[] = [
      ...shape, ...reading,
      ['v', values.offset], ['vs', rows.strides[1]], ['vstep', steps[1]], ['o', positions.offset], ['os', rows.strides[2]], ['ostep', steps[2]],
    ]
    const source = (): string => printShader({
      fields, memory,
      body: `if (i >= p.n) { return; }
let row = i / p.along;
let own = i % p.along;
${unravel('row', rank, 'd', 'c')}
let at = ${memory.raw(1, 'p.n + i')};
${memory.store(2, `p.v + own * p.vstep + ${dot(rank, 'c', 'vs')}`, memory.load(0, `p.x + at * p.xstep + ${dot(rank, 'c', 'xs')}`))}
${memory.store(3, `p.o + own * p.ostep + ${dot(rank, 'c', 'os')}`, 'I(at)')}`,
    })
    return { key: `sort last ${rank} ${memory.key}`, source, fields, slots: memory.slots, groups: gridOfThreads(n) }
  }

  const jobs = [first()]
  let [from, to] = scratch
  for (let run = RUN; run < along; run *= 2) {
    jobs.push(merge(run, from, to))
    ;[from, to] = [to, from]
  }
  return { jobs: [...jobs, last(from)], scratch: [n * 8, n * 8] }
}
