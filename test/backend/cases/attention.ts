// Attention: both passes, every mask, sizes beside those of tiles and blocks, operands in every layout.
import { provideAttention } from '../../../src/backend/attending.ts'
import type { Shape } from '../../../src/core/shape.ts'
import type { View } from '../../../src/core/view.ts'
import { permuteView } from '../../../src/core/view.ts'
import type { AttentionKernel } from '../../../src/ir/kernel.ts'
import { define, input, launch, layouts, output, type Case, type Layout, type Operand, type Random, type Step } from '../data.ts'

provideAttention()

type Masking = 'none' | 'bool' | 'added' | 'keys'
interface Sizes {
  readonly batch: Shape
  readonly rows: number
  readonly keys: number
  readonly width: number
  readonly depth: number
}
const sizes = (batch: Shape, rows: number, keys: number, width: number, depth = width): Sizes => ({ batch, rows, keys, width, depth })

function maskOf(r: Random, { batch, rows, keys }: Sizes, kind: Masking, layout: Layout): Operand[] {
  if (kind === 'none') return []
  if (kind !== 'keys') return [input(r, kind === 'bool' ? 'bool' : 'float32', [...batch, rows, keys], layout)]
  // The same for all queries; the last keys are hidden.
  const one = input(r, 'float32', [...batch, 1, keys])
  one.words.forEach((_, i) => i % keys > keys / 2 && (one.words[i] = -Infinity))
  return [{ ...one, view: { ...one.view, shape: [...batch, rows, keys], strides: one.view.strides.with(batch.length, 0) } }]
}

/** Heads […, L, width] of which the rows of one position lie side by side. */
function heads(o: Operand): Operand {
  const n = o.view.shape.length
  if (n < 3) return o
  const swap = (v: View): View => permuteView(v, [...v.shape.keys()].with(n - 3, n - 2).with(n - 2, n - 3))
  const turned = swap(o.view)
  const strides = turned.shape.map((_, i) => turned.shape.slice(i + 1).reduce((a, b) => a * b, 1))
  return { ...o, view: swap({ ...turned, strides }) }
}

function attention(r: Random, s: Sizes, { scale = 0.7, causal = false, masking = 'none' as Masking, from = 'plain' as Layout, mask = 'plain' as Layout, side = false } = {}): Step[] {
  const { batch, rows, keys, width, depth } = s
  const put = (o: Operand): Operand => (side ? heads(o) : o)
  const of = (...own: number[]): Operand => put(input(r, 'float32', [...batch, ...own], from))
  const to = (...own: number[]): Operand => put(output('float32', [...batch, ...own]))
  const [q, k, v, g] = [of(rows, width), of(keys, width), of(keys, depth), of(rows, depth)]
  const hidden = maskOf(r, s, masking, mask)
  // Any numbers may stand for the results of the forward pass; those of a blind row are 0 and ∞.
  const lse = input(r, 'float32', [...batch, rows])
  lse.words.forEach((x, i) => (lse.words[i] = i % 5 === 4 ? Infinity : x + 2))
  const kernel = (pass: AttentionKernel['pass']) => ({ kind: 'attention', pass, scale, causal }) as const
  return [
    launch(kernel('forward'), [q, k, v, ...hidden], [to(rows, depth), output('float32', [...batch, rows])]),
    launch(kernel('backward'), [g, of(rows, depth), lse, q, k, v, ...hidden], [to(rows, width), to(keys, width), to(keys, depth)]),
  ]
}

const close = { rel: 2e-5, abs: 3e-5 }
const even: readonly Sizes[] = [sizes([2], 8, 8, 8), sizes([3], 5, 9, 8), sizes([9], 21, 13, 8), sizes([0], 4, 4, 8)]
const odd: readonly Sizes[] = [sizes([1], 1, 1, 3, 6), sizes([1], 9, 17, 3, 6), sizes([4], 20, 11, 3, 6)]

export const attentions: readonly Case[] = [
  define('attention', close, r => [...even, ...odd].flatMap(s => attention(r, s))),
  define('attention with causality', close, r => [...even, ...odd].flatMap(s => attention(r, s, { causal: true }))),
  define('attention with masks', close, r => [
    ...(['bool', 'added', 'keys'] as const).flatMap(masking => even.flatMap(s => attention(r, s, { masking, causal: true }))),
    ...odd.flatMap(s => attention(r, s, { masking: 'added' })),
  ]),
  define('attention in every layout', close, r => [
    ...layouts.flatMap(from => attention(r, sizes([4], 10, 11, 4), { from, masking: 'added' })),
    ...layouts.flatMap(mask => attention(r, sizes([4], 10, 11, 4), { mask, masking: 'bool' })),
    ...attention(r, sizes([2, 3], 12, 9, 8), { side: true }),
  ]),
  define('attention over several blocks', { rel: 2e-5, abs: 1e-4 }, r => [
    ...attention(r, sizes([2], 150, 300, 8)),
    ...attention(r, sizes([2], 301, 275, 8), { causal: true }),
    ...attention(r, sizes([1], 270, 290, 8), { masking: 'keys' }),
  ]),
]
