// Fixed random inputs for op cases: the same numbers on every device.
import { manualSeed, tensor } from '../../src/ops/index.ts'
import type { Tensor } from '../../src/ops/tensor.ts'
import { numel } from '../../src/core/shape.ts'
import type { Words } from '../../src/core/dtype.ts'
import { Random } from '../backend/data.ts'
import type { Input, OpCase } from './cases.ts'

export const nameOf = (c: OpCase): string => `${c.op} ${c.title}`

export function dataOf({ shape, dtype, range = [-2, 2], values }: Input, r: Random): Words {
  const draw = (): number => (dtype === 'float32' ? r.uniform(...range) : r.int(...range))
  const list = values ?? Array.from({ length: numel(shape) }, draw)
  return dtype === 'float32' ? Float32Array.from(list) : Int32Array.from(list)
}

/** The inputs of a case on the current device; float ones require a gradient. Random ops start anew with them. */
export function inputsOf(c: OpCase): Tensor[] {
  manualSeed(0)
  const r = new Random(nameOf(c))
  return c.inputs.map(x => tensor(dataOf(x, r), { shape: x.shape, dtype: x.dtype, requiresGrad: x.dtype === 'float32' }))
}

/** A fixed random tensor of the shape of `like`, for a purpose that `name` says. */
export function direction(name: string, like: Tensor): Tensor {
  const r = new Random(name)
  return tensor(Float32Array.from({ length: like.numel }, () => r.uniform()), { shape: like.shape, requiresGrad: true })
}
