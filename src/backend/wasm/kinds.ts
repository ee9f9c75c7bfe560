// The kernel kinds of this backend: number and encoder. tsc names a kind that is missing; assembly/plan.ts has the same numbers.
import type { Block } from '../backend.ts'
import type { View } from '../../core/view.ts'
import { dtypes } from '../../core/dtype.ts'
import type { Kernel, KernelKind, KernelOf } from '../../ir/kernel.ts'
import { HEADER, type Writer } from './encode.ts'
import { encodeConv } from './encode-conv.ts'
import { encodeCumulate } from './encode-cumulate.ts'
import { encodeFactor } from './encode-factor.ts'
import { encodeFold } from './encode-fold.ts'
import { encodeGather, encodeScatter } from './encode-gather.ts'
import { encodeMap } from './encode-map.ts'
import { encodeMatmul } from './encode-matmul.ts'
import { encodeReduce } from './encode-reduce.ts'
import { encodeRows } from './encode-rows.ts'
import { encodeSort } from './encode-sort.ts'
import type { WasmBlock } from './memory.ts'

interface Kind<K extends KernelKind> {
  readonly id: number
  readonly encode: (kernel: KernelOf<K>, w: Writer) => void
}

const kinds: { readonly [K in KernelKind]: Kind<K> } = {
  map: { id: 0, encode: encodeMap },
  reduce: { id: 1, encode: encodeReduce },
  rows: { id: 10, encode: encodeRows },
  matmul: { id: 2, encode: encodeMatmul },
  conv: { id: 3, encode: encodeConv },
  gather: { id: 4, encode: encodeGather },
  scatter: { id: 5, encode: encodeScatter },
  fold: { id: 6, encode: encodeFold },
  cumulate: { id: 7, encode: encodeCumulate },
  sort: { id: 8, encode: encodeSort },
  factor: { id: 9, encode: encodeFactor },
}

function addresses(views: readonly View[], blocks: readonly Block[], first: number, w: Writer): void {
  for (let i = 0; i < views.length; i++) w.i32((blocks[first + i] as WasmBlock).address + views[i].offset * dtypes[views[i].dtype].bytes)
}

function encodeAs<K extends KernelKind>(kind: K, kernel: KernelOf<K>, blocks: readonly Block[], w: Writer): void {
  const start = w.length
  w.i32(kinds[kind].id)
  w.i32(0)
  w.i32(kernel.inputs.length + kernel.outputs.length)
  addresses(kernel.inputs, blocks, 0, w)
  addresses(kernel.outputs, blocks, kernel.inputs.length, w)
  kinds[kind].encode(kernel, w)
  w.words[start + 1] = w.length - start
}

/** Appends the descriptor of a kernel; word `HEADER + i` from its start is the address of view i. */
export function encode(kernel: Kernel, blocks: readonly Block[], w: Writer): void {
  encodeAs(kernel.kind, kernel as KernelOf<typeof kernel.kind>, blocks, w)
}

export { HEADER }
