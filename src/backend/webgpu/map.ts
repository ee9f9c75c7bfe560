// map: each thread computes one element, or four that lie side by side. The vector form wants every operand to be either without gaps
// along the last axis or broadcast along it; all others are addressed element by element. Vectors of elements that are shorter than a
// word fill whole words; one by one those that shaders have no type for are stored by atomics, so that neighbours in a word do not undo
// each other's work.
import { numel } from '../../core/shape.ts'
import { collapse, type View } from '../../core/view.ts'
import type { MapKernel, Override } from '../../ir/kernel.ts'
import { mathFor } from './math.ts'
import { paramFields, printProgram } from './program.ts'
import { isNarrow } from './narrow.ts'
import { dot, gridOfThreads, Memory, NOTHING, printShader, single, unravel, type Field, type Target, type Work } from './wgsl.ts'

/** Whether elements of different sizes lie in one block, which is bound in one way only. */
export const sharesWords = (views: readonly View[], slots: readonly number[]): boolean =>
  views.some((v, k) => isNarrow(v.dtype) && views.some((w, j) => slots[j] === slots[k] && w.dtype !== v.dtype))

/** A function of one's own for each lane. */
function callOf({ entry, operands }: Override, lanes: number): string {
  const lane = (end: string): string => `${entry}(${operands.outputs.map(k => `v${k}${end}`).join(', ')})`
  return lanes === 1 ? lane('') : `F(${['.x', '.y', '.z', '.w'].map(lane).join(', ')})`
}

export function lowerMap(kernel: MapKernel, slots: readonly number[], target: Target): Work {
  const { inputs, outputs, program, override } = kernel
  const views = [...inputs, ...outputs]
  const n = numel(outputs[0].shape)
  if (n === 0) return NOTHING
  const { shape, strides } = collapse(outputs[0].shape, views.map(v => v.strides))
  const rank = shape.length
  const last = rank - 1

  // A run of four may not straddle two rows, and vectors begin at multiples of four elements.
  const dense = strides.map(s => s[last] === 1)
  const vector =
    (rank === 1 || shape[last] % 4 === 0) && n >= 4 && !sharesWords(views, slots) &&
    views.every((v, k) => {
      if (!dense[k]) return strides[k][last] === 0 && k < inputs.length
      return v.offset % 4 === 0 && strides[k].every((s, d) => d === last || s % 4 === 0)
    })
  const lanes = vector ? 4 : 1
  const total = vector ? Math.ceil(n / 4) : n
  const ragged = vector && n % 4 !== 0
  // Adapters that run on a CPU pay for each parameter that a thread reads, and most operands begin where their block does.
  const placed = views.some(v => v.offset !== 0)
  const memory = new Memory(views.map(v => v.dtype), slots, views.map(() => vector), views.map((v, k) => !vector && k >= inputs.length && isNarrow(v.dtype)), target)

  const perLane = (v: number, k: number, d: number): number => (vector && dense[k] && d !== last ? v / 4 : v)
  const fields: Field[] = [
    ['n', n], ['units', total],
    ['d', vector ? shape.with(last, Math.ceil(shape[last] / 4)) : shape],
    ...(placed ? views.map((v, k): Field => [`o${k}`, vector && dense[k] ? v.offset / 4 : v.offset]) : []),
    ...strides.map((row, k): Field => [`s${k}`, row.map((s, d) => perLane(s, k, d))]),
    ...paramFields(kernel),
  ]
  const source = (): string => {
    const address = (k: number): string => {
      const column = rank > 1 ? `c_${last}` : 'i'
      const along = dense[k] ? [column] : strides[k][last] === 0 ? [] : [`${column} * p.s${k}_${last}`]
      return [...(placed ? [`p.o${k}`] : []), ...(rank > 1 ? [dot(last, 'c', `s${k}`)] : []), ...along].join(' + ') || '0u'
    }
    const input = (k: number): string => (vector && !dense[k] ? memory.loadSplat(k, `x${k}`) : memory.load(k, `x${k}`))
    const index = vector ? 'I(i32(i) * 4) + I(0, 1, 2, 3)' : 'I(i)'
    const store = (k: number): string => {
      const at = inputs.length + k
      const value = override ? 'y' : `v${program.outputs[k]}`
      if (!ragged) return memory.store(at, `x${at}`, value)
      return `if (left >= 4u) {
  ${memory.store(at, `x${at}`, value)}
} else {
  ${memory.storeFew(at, `x${at}`, value, 'left')}
}`
    }
    const body = [
      'if (i >= p.units) { return; }',
      rank > 1 ? unravel('i', rank, 'd', 'c') : '',
      ...views.map((_, k) => `let x${k} = ${address(k)};`),
      printProgram(override?.operands ?? program, input, index),
      override ? `let y = ${callOf(override, lanes)};` : '',
      ragged ? 'let left = p.n - i * 4u;' : '',
      ...outputs.map((_, k) => store(k)),
    ].filter(Boolean).join('\n')
    return printShader({ fields, memory, lanes, head: mathFor(body) + (override ? `\n// WGSL of ${override.entry}\n${override.wgsl}\n` : ''), body })
  }
  const form = strides.map((row, k) => (dense[k] ? 'd' : row[last] === 0 ? 'b' : 's')).join('')
  const key = `map ${rank} ${form}${placed ? ' placed' : ''}${ragged ? ' ragged' : ''} ${memory.key} ${override ? `${override.entry} ${override.operands.key} ${override.wgsl}` : program.key}`
  return single({ key, source, fields, slots: memory.slots, groups: gridOfThreads(total) })
}
