// Folding of windows: three spatial axes each, the outer axes collapsed.
import { WORD } from '../../core/dtype.ts'
import { internal } from '../../core/errors.ts'
import { numel } from '../../core/shape.ts'
import { collapse } from '../../core/view.ts'
import type { FoldKernel } from '../../ir/kernel.ts'
import type { Writer } from './encode.ts'
import { PARALLEL_WORK } from './encode-matmul.ts'

const three = (list: readonly number[], fill: number): number[] => [...new Array<number>(3 - list.length).fill(fill), ...list]

export function encodeFold(kernel: FoldKernel, w: Writer): void {
  const [x] = kernel.inputs
  const [out] = kernel.outputs
  const axes = kernel.stride.length
  const rank = out.shape.length - axes
  const positions = three(x.shape.slice(rank, rank + axes), 1)
  const taps = three(x.shape.slice(rank + axes), 1)
  const sizes = three(out.shape.slice(rank), 1)
  const stride = three(kernel.stride, 1)
  const dilation = three(kernel.dilation, 1)
  sizes.forEach((size, i) => {
    if (numel(x.shape) > 0 && (positions[i] - 1) * stride[i] + (taps[i] - 1) * dilation[i] >= size) internal(`fold: windows reach past ${size}`)
  })
  const outer = collapse(out.shape.slice(0, rank), [x.strides.slice(0, rank), out.strides.slice(0, rank)])

  w.list([numel(outer.shape), outer.shape.length, numel(x.shape) >= PARALLEL_WORK ? 1 : 0])
  for (const list of [positions, taps, sizes, stride, dilation]) w.list(list)
  const strides = [...three(x.strides.slice(rank, rank + axes), 0), ...three(x.strides.slice(rank + axes), 0), ...three(out.strides.slice(rank), 0)]
  for (const s of strides) w.i32(s * WORD)
  w.list(outer.shape)
  for (const list of outer.strides) for (const s of list) w.i32(s * WORD)
}
