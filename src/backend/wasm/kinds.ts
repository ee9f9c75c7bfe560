// The kernel kinds of this backend: number and encoder. tsc names a kind that is missing; assembly/plan.ts has the same numbers.
import type { Block } from '../backend.ts'
import { contiguousView, type View } from '../../core/view.ts'
import { dtypes, scalarType, WORD } from '../../core/dtype.ts'
import { numel } from '../../core/shape.ts'
import type { Body, ConvKernel, Kernel, KernelKind, KernelOf, MapKernel, MatmulKernel } from '../../ir/kernel.ts'
import { align, HEADER, type Writer } from './encode.ts'
import { encodeAttention } from './encode-attention.ts'
import { encodeBatch } from './encode-batch.ts'
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
  batch: { id: 12, encode: encodeBatch },
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
  attention: { id: 13, encode: encodeAttention },
}

function addresses(views: readonly View[], blocks: readonly Block[], first: number, w: Writer): void {
  for (let i = 0; i < views.length; i++) w.i32((blocks[first + i] as WasmBlock).address + views[i].offset * dtypes[views[i].dtype].bytes)
}

/** A descriptor; `place` writes the addresses of the kernel's views. */
function encodeAs<K extends KernelKind>(kind: K, kernel: KernelOf<K>, w: Writer, place: () => void): void {
  const start = w.length
  w.i32(kinds[kind].id)
  w.i32(0)
  w.i32(kernel.inputs.length + kernel.outputs.length)
  place()
  kinds[kind].encode(kernel, w)
  w.words[start + 1] = w.length - start
}

const WITH_EPILOGUE = 11

/**
 * Product and epilogue as kernels of their own, in one descriptor that hands its addresses on. The product is put where a result goes,
 * or aside when an operand of the epilogue lies there.
 */
function encodeWithEpilogue(kernel: MatmulKernel | ConvKernel, { program, params }: Body, blocks: readonly Block[], w: Writer, place: () => void): void {
  const { inputs, outputs } = kernel
  // A descriptor that is kept may be used again with blocks that lie otherwise.
  const target = !w.inPlan ? -1 : outputs.findIndex((v, k) => v.dtype === 'float32' && !blocks.slice(0, inputs.length).includes(blocks[inputs.length + k]))
  const product = target < 0 ? contiguousView('float32', outputs[0].shape) : outputs[target]
  const aside = target < 0 ? align(numel(product.shape) * WORD, 64) : 0
  const start = w.length
  w.i32(WITH_EPILOGUE)
  w.i32(0)
  w.i32(inputs.length + outputs.length)
  place()
  w.i32(target < 0 ? -1 : inputs.length + target)
  w.i32(aside)
  const own = { ...kernel, inputs: inputs.slice(0, 2), outputs: [product], epilogue: undefined }
  encodeAs(kernel.kind, own as KernelOf<typeof kernel.kind>, w, () => w.list([0, 0, 0]))
  const read = [product, ...inputs.slice(2)]
  const map: MapKernel = { kind: 'map', program: { ...program, inputs: read.map(v => scalarType(v.dtype)) }, params, inputs: read, outputs }
  encodeAs('map', map, w, () => w.list(new Array<number>(map.inputs.length + outputs.length).fill(0)))
  w.words[start + 1] = w.length - start
  if (aside > 0) w.scratch(aside + Math.max(w.scratchBytes, w.callerBytes), 1)
}

/** Appends the descriptor of a kernel; word `HEADER + i` from its start is the address of view i. */
export function encode(kernel: Kernel, blocks: readonly Block[], w: Writer): void {
  const place = (): void => {
    addresses(kernel.inputs, blocks, 0, w)
    addresses(kernel.outputs, blocks, kernel.inputs.length, w)
  }
  if ((kernel.kind === 'matmul' || kernel.kind === 'conv') && kernel.epilogue) encodeWithEpilogue(kernel, kernel.epilogue, blocks, w, place)
  else encodeAs(kernel.kind, kernel as KernelOf<typeof kernel.kind>, w, place)
}

export { HEADER }
