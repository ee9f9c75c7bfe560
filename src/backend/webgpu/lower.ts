// The kernel kinds and what turns each into dispatches.
import type { KernelKind, KernelOf } from '../../ir/kernel.ts'
import { attention, factor } from '../late.ts'
import { lowerBatch } from './batch.ts'
import { lowerConv } from './conv.ts'
import { lowerCumulate } from './cumulate.ts'
import { lowerFold, lowerGather } from './indexed.ts'
import { lowerMap } from './map.ts'
import { lowerMatmul } from './matmul.ts'
import { lowerReduce } from './reduce.ts'
import { lowerRows } from './rows.ts'
import { lowerScatter } from './scatter.ts'
import { lowerSort } from './sort.ts'
import type { Place, Target, Work } from './wgsl.ts'

/**
 * `slots` names the block of each input and output; equal numbers are one block. `places` says where each block lies, if that is known and stays: work that
 * makes use of it is right for those alone.
 */
export type Lower<K extends KernelKind> = (kernel: KernelOf<K>, slots: readonly number[], target: Target, places?: readonly (Place | null)[]) => Work

const table: { readonly [K in KernelKind]: Lower<K> } = {
  map: lowerMap,
  batch: lowerBatch,
  reduce: lowerReduce,
  rows: lowerRows,
  matmul: lowerMatmul,
  conv: lowerConv,
  gather: lowerGather,
  scatter: lowerScatter,
  fold: lowerFold,
  cumulate: lowerCumulate,
  sort: lowerSort,
  attention: (kernel, slots, target) => attention.lower(kernel, slots, target),
  factor: (kernel, slots, target) => factor.lower(kernel, slots, target),
}

export function lower<K extends KernelKind>(kernel: KernelOf<K>, slots: readonly number[], target: Target, places?: readonly (Place | null)[]): Work {
  const rule = table[kernel.kind as K]
  return rule(kernel, slots, target, places)
}
