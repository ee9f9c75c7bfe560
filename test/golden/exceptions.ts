// Golden cases that do not pass, each with its reason. The tests fail when a case fails that is not here, and when a name that is here has
// no failing case any more.
import type { DeviceName } from '../../src/index.ts'
import type { Result, World } from './adapter.ts'

export interface Exception {
  /** Ids of cases, or names of ops for those of their cases that fail with `message`. */
  readonly cases: readonly string[]
  /** Only there; default: everywhere. */
  readonly devices?: readonly DeviceName[]
  readonly world?: World
  readonly message?: RegExp
  readonly reason: string
}

export const exceptions: readonly Exception[] = [
  {
    cases: ['creation/tensor/0', 'creation/tensor/2', 'creation/full/4'],
    reason: 'JavaScript has one kind of number: whole ones make float32 tensors unless a dtype is given',
  },
  {
    cases: ['errors/linspace/1'],
    reason: 'JavaScript cannot tell the count 1.0 from 1',
  },
  {
    cases: ['errors/gather/1', 'errors/scatter/0', 'errors/scatter_add/0'],
    reason: 'int32 indices are wrong only where indices are int64; here int32 is what they are',
  },
  {
    cases: ['errors/numpy/0'],
    reason: 'There is no NumPy to share memory with; data() copies, and no gradient can go astray in a copy',
  },
  {
    cases: ['errors/floor_divide/0'],
    reason: 'An integer divided by zero is 0: to throw, every integer division would have to be read back',
  },
  {
    cases: ['special/polygamma/6', 'special/polygamma/15', 'special/polygamma/24'],
    devices: ['reference'],
    reason: 'At the poles PyTorch gives what the rounding of π·x in float32 leaves of an infinity; the reference rounds in float64',
  },
  {
    cases: ['indexing/masked_select/11'],
    reason: "PyTorch 1.13's gradient of masked_select of a transposed tensor puts the cotangents in the order of memory, not of the mask",
  },
  {
    cases: ['complex/matmul/0'],
    reason: 'The product of two complex vectors is 0 in this build of PyTorch; it is 42.195 + 88.598i',
  },
  {
    cases: ['complex/abs/0'],
    devices: ['reference'],
    reason: 'To the bit PyTorch gives √(re² + im²) with every step rounded to float32; the reference rounds once',
  },
  {
    cases: ['complex/abs/2'],
    devices: ['wasm', 'webgpu'],
    reason: 'To the bit; of tensors with gaps PyTorch computes |z| by another function than of those without, which rounds once',
  },
  {
    cases: ['complex/stft/7'],
    devices: ['webgpu'],
    reason: 'One element of the gradient is -0.83, a sum of 78 products of up to 135; what the rounding of the terms leaves is more than the file allows',
  },
  {
    cases: ['masked_select', 'nonzero', '__getitem__', 'nn.functional.one_hot', 'unique', 'unique_consecutive', 'bincount', 'repeat_interleave'],
    world: 'compiled',
    message: /^\[compile\] a value was read/,
    reason: 'The size of the result depends on values, and a trace has none: such an op belongs outside of the compiled function',
  },
  {
    cases: ['allclose', 'equal'],
    world: 'compiled',
    message: /^\[compile\] a value was read/,
    reason: 'The result is no tensor but true or false, which a trace cannot know',
  },
]

/** The entries that say something about a case there. */
export const exceptionsOf = ({ id, op }: Pick<Result, 'id' | 'op'>, device: DeviceName, world: World): readonly Exception[] =>
  exceptions.filter(e => (e.cases.includes(id) || (e.cases.includes(op) && !id.startsWith('errors/'))) && (e.devices?.includes(device) ?? true) && (e.world === undefined || e.world === world))

/** The reason why a case may fail as it did, or null. */
export const exceptionFor = (r: Result, device: DeviceName, world: World): string | null =>
  r.ok ? null : (exceptionsOf(r, device, world).find(e => e.message?.test(r.message) ?? true)?.reason ?? null)
