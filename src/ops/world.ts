// Where ops happen: now, on a device (the eager world), or in a graph that is being traced. Floor 3 only knows this interface.
import type { DType, Words } from '../core/dtype.ts'
import type { LampasError } from '../core/errors.ts'
import type { Shape } from '../core/shape.ts'
import type { Op } from './op.ts'
import type { Tensor } from './tensor.ts'

/** What a tensor's view looks into: device memory, a value of a graph, or one plain number. */
export interface Source {
  readonly world: World | null
  /** Counts in-place changes, so that autograd notices when a value that it saved was overwritten. */
  version: number
}

/** A plain number standing where a tensor may: it belongs to no device and has no dtype of its own. */
export class ConstantSource implements Source {
  readonly world = null
  version = 0
  constructor(readonly value: number | boolean) {}
}

export interface BackwardOptions {
  /** Cotangent of the tensor; ones by default, and required unless the tensor has one element. */
  gradient?: Tensor
  /** Keep what the tape saved, so that backward can run again. Default: the value of `createGraph`. */
  retainGraph?: boolean
  /** Record the gradient computation itself, for derivatives of higher order. */
  createGraph?: boolean
  /** Accumulate only into these leaves. */
  inputs?: readonly Tensor[]
}

export interface World {
  apply<P>(op: Op<P>, inputs: readonly Tensor[], params: P): Tensor[]
  /** targets[i] ← output i of the op, in the memory that the target looks into. */
  assign<P>(op: Op<P>, targets: readonly Tensor[], inputs: readonly Tensor[], params: P): void
  /** A tensor of given row-major values on a device (default: the current one). */
  create(data: Words, dtype: DType, shape: Shape, device?: string): Tensor
  backward(x: Tensor, options: BackwardOptions): void
  /** Runs `make` in the eager world, so that what it makes outlives a trace: optimiser state, a generator's state. */
  outside<T>(make: () => T): T
  /** Notes that code looked at a setting that decides what it does (train or eval mode), so that a trace knows when it is stale. */
  observe(read: () => unknown): void
  /** Does something now, or, in a trace, after each run of what is traced. A promise must be kept before results are read. */
  afterwards(act: () => void | Promise<void>): void | Promise<void>
  read(x: Tensor): Promise<Words>
  readSync(x: Tensor): Words
  /** Runs `make` with another device as the current one. */
  on<T>(device: string, make: () => T): T
  /** Stands for the device on which new tensors are made; another object after the device was lost and opened anew. */
  currentDevice(): object
  /** The same of the device that holds x; in a trace the current one. */
  homeOf(x: Tensor): object
  /** Name of the device that holds x. */
  deviceOf(x: Tensor): string
  /** Another handle on the same memory, with no history. */
  alias(x: Tensor): Tensor
  /** A handle that no scope frees, for the tape; give it back with `release`. */
  hold(x: Tensor): Tensor
  /** x is about to show what its view y shows. */
  replace(x: Tensor, y: Tensor): void
  /** A handle whose use throws. */
  poisoned(x: Tensor, why: LampasError): Tensor
  /** x itself when nothing else shows its memory and it lies without gaps, else a copy. */
  owned(x: Tensor): Tensor
  release(x: Tensor): void
  alive(x: Tensor): boolean
  /** Frees the tensors that `body` makes, but for those it returns. */
  tidy<T extends readonly (Tensor | null)[]>(body: () => T): T
}

let active: World | null = null

export function world(): World {
  if (!active) throw new Error('[lampas] no device is open yet. help: `await init()` first')
  return active
}

/** Makes w the world of all ops from here on; returns the one before. */
export function enterWorld(w: World | null): World | null {
  const before = active
  active = w
  return before
}

/** A tensor that no scope and no trace frees: a parameter's buffer, optimiser state, a generator's state. */
export const lasting = (make: () => Tensor): Tensor =>
  world().outside(() => {
    const made = make()
    const kept = world().hold(made)
    world().release(made)
    return kept
  })
