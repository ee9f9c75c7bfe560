// batch: maps whose operands lie in the same buffers are one dispatch. It binds those buffers whole, and a table in its parameters says where in them
// each map has its operands; every map has workgroups of its own, which look it up. All others are a dispatch each.
import { WORD } from '../../core/dtype.ts'
import { numel } from '../../core/shape.ts'
import { collapse } from '../../core/view.ts'
import { mapsOf, type BatchKernel, type MapKernel } from '../../ir/kernel.ts'
import { lowerMap } from './map.ts'
import { mathFor } from './math.ts'
import { isNarrow } from './narrow.ts'
import { paramFields, printProgram } from './program.ts'
import { gridOfGroups, Memory, printShader, range, WG, type Field, type Job, type Place, type Target, type Work } from './wgsl.ts'

/** Maps of one dispatch, a power of two: one number for all, so that they share their shaders. */
const MOST = 64

/** Which operands differ from element to element; the others are one number. Null for a map that does not walk along all the others by fours. */
export function walk({ inputs, outputs }: MapKernel): readonly boolean[] | null {
  const views = [...inputs, ...outputs]
  const { shape, strides } = collapse(outputs[0].shape, views.map(v => v.strides))
  const dense = strides.map(([s], k) => s === 1 || k >= inputs.length)
  const isPlain = shape.length === 1 && views.every((v, k) =>
    !isNarrow(v.dtype) && (dense[k] ? (strides[k][0] === 1 || shape[0] === 1) && v.offset % 4 === 0 : strides[k][0] === 0))
  return isPlain ? dense : null
}

/** Fours that a thread computes. It looks its map up once, which costs as much as several of them on adapters that run on a CPU. */
const rounds = { shared: 4, register: 16 } as const

/** Whether its last four is not a whole one. Branches are dear on software adapters, so others do without. */
const isRagged = ({ outputs: [{ shape }] }: MapKernel): boolean => numel(shape) % 4 !== 0

interface Part {
  readonly map: MapKernel
  readonly dense: readonly boolean[]
  /** Of each operand the block that stands for its buffer, and where in that it begins: in fours, or where it is one number in words. */
  readonly buffers: readonly number[]
  readonly starts: readonly number[]
}

export function lowerBatch(kernel: BatchKernel, slots: readonly number[], target: Target, places?: readonly (Place | null)[]): Work {
  const [n, m] = [kernel.program.inputs.length, kernel.program.outputs.length]
  const jobs: Job[] = []
  const groups = new Map<string, { part: Part; slots: readonly number[] }[]>()
  mapsOf(kernel).forEach((map, k) => {
    const own = [...slots.slice(k * n, (k + 1) * n), ...slots.slice(kernel.inputs.length + k * m, kernel.inputs.length + (k + 1) * m)]
    const part = places ? partOf(map, own, places) : null
    if (!part) jobs.push(...lowerMap(map, own, target).jobs)
    else if (numel(map.outputs[0].shape)) {
      const key = `${isRagged(map)} ${part.dense} ${part.buffers}`
      const list = groups.get(key)
      if (list) list.push({ part, slots: own })
      else groups.set(key, [{ part, slots: own }])
    }
  })
  for (const list of groups.values())
    for (let k = 0; k < list.length; k += MOST) {
      const some = list.slice(k, k + MOST)
      jobs.push(...(some.length > 1 ? [joint(some.map(p => p.part), rounds[target.family])] : lowerMap(some[0].part.map, some[0].slots, target).jobs))
    }
  return { jobs, scratch: [] }
}

function partOf(map: MapKernel, slots: readonly number[], places: readonly (Place | null)[]): Part | null {
  const dense = walk(map)
  const own = slots.map(s => places[s])
  if (!dense || !own.every(p => p !== null)) return null
  const starts = [...map.inputs, ...map.outputs].map((v, k) => (own[k].offset / WORD + v.offset) / (dense[k] ? 4 : 1))
  return { map, dense, starts, buffers: own.map(p => places.findIndex(q => q?.buffer === p.buffer)) }
}

/** Maps over the same buffers as one dispatch. */
function joint(parts: readonly Part[], rounds: number): Job {
  const { map: { program, params, inputs, outputs }, dense, buffers } = parts[0]
  const views = [...inputs, ...outputs]
  const memory = new Memory(views.map(v => v.dtype), buffers, views.map(() => true))
  let groups = 0
  // The first workgroup of each map, its size, and where its operands begin; behind the last one, maps that begin nowhere.
  const table = parts.map(({ map, starts }) => {
    const [first, size] = [groups, numel(map.outputs[0].shape)]
    groups += Math.ceil(size / (4 * WG * rounds))
    return [first, size, ...starts]
  })
  const rows = Math.ceil((2 + views.length) / 4)
  const words = range(MOST).flatMap(k => range(4 * rows).map(i => table[k]?.[i] ?? (i === 0 ? 0xffffffff : 0)))
  const fields: Field[] = [['parts', words, 'table'], ...paramFields({ program, params })]
  const source = (): string => {
    const entry = (i: number): string => `p.parts[part + ${i >> 2}u].${'xyzw'[i & 3]}`
    const input = (k: number): string => (dense[k] ? memory.load : memory.loadSplat).call(memory, k, `x${k}`)
    const at = (k: number): number => inputs.length + k
    const stores = outputs.map((_, k) => memory.store(at(k), `x${at(k)}`, `v${program.outputs[k]}`)).join('\n')
    const body = [
      'var part = 0u;',
      `for (var half = ${(MOST / 2) * rows}u; half >= ${rows}u; half /= 2u) {
  if (p.parts[part + half].x <= group) { part += half; }
}`,
      ...views.map((_, k) => `let from${k} = ${entry(2 + k)};`),
      `let size = ${entry(1)};`,
      `var j = (group - ${entry(0)}) * ${rounds * WG}u + lid;`,
      `for (var turn = 0u; turn < ${rounds}u; turn++) {
if (4u * j >= size) { break; }`,
      ...views.map((_, k) => `let x${k} = from${k}${dense[k] ? ' + j' : ''};`),
      printProgram(program, input, 'I(i32(j) * 4) + I(0, 1, 2, 3)'),
      isRagged(parts[0].map) ? `let left = size - 4u * j;
if (left >= 4u) {
${stores}
} else {
${outputs.map((_, k) => memory.storeFew(at(k), `x${at(k)}`, `v${program.outputs[k]}`, 'left')).join('\n')}
}` : stores,
      `j += ${WG}u;
}`,
    ].join('\n')
    return printShader({ fields, memory, lanes: 4, head: mathFor(body), body })
  }
  const form = dense.map(d => (d ? 'd' : 'b')).join('')
  return { key: `batch ${form}${isRagged(parts[0].map) ? ' ragged' : ''} ${memory.key} ${program.key}`, source, fields, slots: memory.slots, whole: true, groups: gridOfGroups(groups) }
}
