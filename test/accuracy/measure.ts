// How far elementwise functions lie from the exact value, in units in the last place (ulp) of float32. The exact value is what the reference
// computes in float64 from the same float32 operands.
import type { ReferenceBackend } from '../../src/backend/reference/index.ts'
import { device, init, type DeviceName } from '../../src/eager/device.ts'
import '../../src/eager/start.ts'
import { storageOf } from '../../src/eager/storage.ts'
import { tensor } from '../../src/ops/index.ts'
import type { Tensor } from '../../src/ops/tensor.ts'
import { Random } from '../backend/data.ts'

export type Range = readonly [low: number, high: number]

export interface Subject {
  readonly name: string
  readonly run: (...x: Tensor[]) => Tensor
  /** For each operand. */
  readonly ranges: readonly Range[]
  /** The error is counted in ulp of this size at least, because the function crosses zero where no rounding of its parts can follow it. */
  readonly scale?: number
  /** The worst that is allowed. */
  readonly wasm: number
  readonly webgpu: number
}

export interface Measured {
  readonly worst: number
  /** The operands of the worst. */
  readonly at: readonly number[]
  readonly got: number
  readonly want: number
}

const bits = new Int32Array(1)
const float = new Float32Array(bits.buffer)
/** Float32 numbers in ascending order have ascending places. */
const placeOf = (x: number): number => ((float[0] = x), bits[0] < 0 ? -(bits[0] & 0x7fffffff) : bits[0])
const numberAt = (place: number): number => ((bits[0] = place < 0 ? -place | -0x80000000 : place), float[0])

/** Half evenly over the numbers, half evenly over the representable ones; the ends are always among them. */
function draw(r: Random, [low, high]: Range, count: number): Float32Array {
  const [first, last] = [placeOf(low), placeOf(high)]
  return Float32Array.from({ length: count }, (_, i) => (i === 0 ? low : i === 1 ? high : i % 2 ? r.uniform(low, high) : numberAt(Math.round(r.uniform(first, last)))))
}

const LEAST = 2 ** -126
const ulp = (x: number): number => 2 ** (Math.floor(Math.log2(Math.max(Math.abs(x), LEAST))) - 23)

/** Everything that rounds to an infinity counts as it. */
const isHuge = (x: number): boolean => Math.abs(x) >= 2 ** 128 * (1 - 2 ** -25)

function errorOf(got: number, want: number, scale: number): number {
  if (Object.is(got, want) || (isHuge(want) && got === Math.sign(want) * Infinity)) return 0
  // The largest numbers may round up to infinity within an ulp.
  if (Math.abs(got) === Infinity && Math.abs(want) > 2 ** 127 * 1.999) return Math.abs(2 ** 128 - Math.abs(want)) / ulp(want)
  const error = Math.abs(got - want) / ulp(Math.max(Math.abs(want), scale))
  return Number.isNaN(error) ? Infinity : error
}

export async function measure(s: Subject, name: DeviceName, count: number): Promise<Measured> {
  const r = new Random(s.name)
  const operands = s.ranges.map(range => draw(r, range, count))
  const call = (on: DeviceName): Tensor => (device(on), s.run(...operands.map(x => tensor(x.slice()))))
  const exact = call('reference')
  const { backend, block } = storageOf('accuracy', exact)
  const want = (backend as ReferenceBackend).readFloat64(block, 0, count * 4)
  const got = await call(name).data()
  // WGSL lets a device take subnormal numbers for 0.
  const tiny = (x: number): boolean => name === 'webgpu' && x !== 0 && Math.abs(x) < LEAST * 1.01
  let worst: Measured = { worst: 0, at: [], got: 0, want: 0 }
  for (let i = 0; i < count; i++) {
    if (tiny(want[i]) || operands.some(x => tiny(x[i]))) continue
    const error = errorOf(got[i], want[i], s.scale ?? 0)
    if (error > worst.worst) worst = { worst: error, at: operands.map(x => x[i]), got: got[i], want: want[i] }
  }
  return worst
}

/** wasm as every engine has it, wasm with fused multiply-add, and WebGPU. */
export const builds = ['simd', 'relaxed', 'webgpu'] as const
export type Build = (typeof builds)[number]
export const deviceOf = (build: Build): 'wasm' | 'webgpu' => (build === 'webgpu' ? 'webgpu' : 'wasm')

/** Opens the reference and a device beside it. */
export async function open(build: Build, gpu?: GPU): Promise<void> {
  await init({ device: 'reference' })
  const name = deviceOf(build)
  const opened = await init(name === 'webgpu' ? { device: name, gpu } : { device: name, relaxedSimd: build === 'relaxed' })
  if (opened.name !== name) throw new Error(`${name} could not be opened: ${opened.why}`)
}
