// Lays attention out for assembly/attention-job.ts, where the payload is described.
import { WORD } from '../../core/dtype.ts'
import { numel } from '../../core/shape.ts'
import { collapse } from '../../core/view.ts'
import { attentionOperands, type AttentionKernel } from '../../ir/kernel.ts'
import { align, type Writer } from './encode.ts'
import { PARALLEL_WORK } from './encode-matmul.ts'

/** Keys of one block of scores, and in the backward pass its queries: with what they are multiplied by they stay in the second cache. */
const BLOCK = { forward: 256, backward: 128 } as const
const masks = { none: 0, bool: 1, added: 2 } as const
const splits = { alone: 0, inside: 1, batch: 2 } as const
/** What an item of the batch keeps of itself, in bytes. */
const ITEM = 192
const MORE = 4

const bytes = (strides: readonly number[]): number[] => strides.map(s => s * WORD)

export function encodeAttention({ pass, scale, causal, inputs, outputs }: AttentionKernel, w: Writer): void {
  const views = [...inputs, ...outputs]
  const numbers = attentionOperands(pass, inputs.map((_, i) => i), outputs.map((_, i) => inputs.length + i))
  const { q, v, mask } = attentionOperands(pass, inputs, outputs)
  const lead = q.shape.length - 2
  const [rows, width] = q.shape.slice(lead)
  const [keys, depth] = v.shape.slice(lead)
  const { shape, strides } = collapse(q.shape.slice(0, lead), views.map(x => x.strides.slice(0, lead)))
  const items = numel(shape)
  const work = rows * keys * (width + depth)
  const split = work * items < PARALLEL_WORK ? 'alone' : items >= 8 || (items > 1 && work < PARALLEL_WORK) ? 'batch' : 'inside'
  const block = BLOCK[pass]

  w.list([pass === 'forward' ? 0 : 1, Number(causal), masks[!mask ? 'none' : mask.dtype === 'bool' ? 'bool' : 'added'], splits[split], rows, keys, width, depth, block])
  w.f32(scale)
  w.list([items, shape.length])
  const order = ['q', 'k', 'v', 'mask', 'out', 'lse', 'g', 'dq', 'dk', 'dv'] as const
  for (const name of order) {
    const at = numbers[name]
    const own = at === undefined ? [] : views[at].strides.slice(lead)
    w.list([at ?? -1, ...bytes([own[0] ?? 0, own[1] ?? 0])])
  }
  w.list(shape)
  for (const name of order) w.list(bytes(strides[numbers[name] ?? -1] ?? shape.map(() => 0)))

  // As assembly/attention*.ts ask for it. Tiles may round rows up by `MORE`.
  const piece = (...sizes: number[]): number => align(sizes.reduce((n, size) => n * size, WORD), 64)
  const [e, d, b] = [width + MORE, depth + MORE, block + MORE]
  const most = Math.min(block, align(rows, 8))
  const packed = piece(keys + MORE, width) + piece(d, keys)
  const bytesInAll = pass === 'forward'
    ? packed + piece(e, 8) + 2 * piece(b, 8) + piece(d, 8) + piece(16)
    : packed + piece(keys + MORE, depth) + piece(e, keys) + piece(align(keys, 8), e) + piece(align(keys, 8), d)
      + piece(most, width) + piece(most, depth) + 2 * piece(most, e) + piece(most, d) + 2 * piece(most) + 2 * piece(block, most)
      + Math.max(piece(depth, 8), 3 * piece(b, 8))
  w.scratch(ITEM + bytesInAll, split === 'alone' ? 1 : Infinity)
}
