// Every public op in the dtypes that its own cases do not have: results and gradients as on the reference, or refused as there.
import { beforeAll, describe, expect, test } from 'vitest'
import { compile, device, grad, init, manualSeed, tensor, type DeviceName, type DType, type Tensor } from '../../src/index.ts'
import { dtypes } from '../../src/core/dtype.ts'
import { gpu } from '../devices.ts'
import { Random } from '../backend/data.ts'
import { cases, type OpCase } from '../ops/cases.ts'
import { dataOf, nameOf } from '../ops/inputs.ts'
import { pointwiseCases } from '../ops/pointwise-cases.ts'

type Other = 'float16' | 'bfloat16' | 'float64' | 'uint8' | 'uint32'
const isFloat = (t: DType): boolean => dtypes[t].kind === 'float'

/** Relative to the largest number of a tensor. float64 is far sharper than float32 could be. */
const tolerance: Readonly<Record<Other, number>> = { float16: 4e-3, bfloat16: 3e-2, float64: 1e-11, uint8: 1e-5, uint32: 1e-5 }
/** Partly in float32: random numbers are drawn in it, and int32 operands of functions of real numbers become it. */
const partly = new Set(['randLike', 'randnLike', 'nn.functional.rrelu', 'rrelu', 'nn.functional.gumbelSoftmax', 'igamma', 'igammac'])

interface Value {
  readonly what: string
  readonly numbers: readonly number[]
}

/** The inputs of a case, its float32 (or int32) ones in another dtype. */
function inputsOf(c: OpCase, t: Other): Tensor[] {
  const r = new Random(nameOf(c))
  return c.inputs.map(x => {
    const data = Array.from(dataOf(x, r))
    if (isFloat(t) && x.dtype === 'float32') return tensor(data, { shape: x.shape, dtype: t, requiresGrad: true })
    if (!isFloat(t) && x.dtype === 'int32') return tensor(data.map(v => Math.abs(v) % 256), { shape: x.shape, dtype: t })
    return tensor(data, { shape: x.shape, dtype: x.dtype })
  })
}

/** Results and gradients, or why not. */
async function outcome(c: OpCase, t: Other, name: DeviceName, compiled = false): Promise<readonly Value[] | string> {
  device(name)
  manualSeed(0)
  try {
    const run = (...inputs: Tensor[]): Tensor[] => {
      const made = c.run(...inputs)
      const outputs = Array.isArray(made) ? (made as Tensor[]) : [made as Tensor]
      const floats = outputs.filter(y => y.requiresGrad && isFloat(y.dtype))
      if (floats.length === 0) return outputs
      const total = floats.map(y => y.sum()).reduce((a, b) => a.add(b))
      return [...outputs, ...grad(total, inputs.filter(x => x.requiresGrad), { allowUnused: true }).filter(g => g !== null)]
    }
    const shown = (compiled ? compile(run) : run)(...inputsOf(c, t))
    return await Promise.all(shown.map(async x => ({ what: `${x.dtype} [${x.shape}]`, numbers: Array.from(await x.data()) })))
  } catch (error) {
    return String(error)
  }
}

function difference(got: readonly Value[] | string, want: readonly Value[] | string, limit: number): string | null {
  if (typeof want === 'string' || typeof got === 'string')
    return (typeof want === 'string' ? want : 'values') === (typeof got === 'string' ? got : 'values') ? null : `${JSON.stringify(got)}, want ${JSON.stringify(want)}`
  for (const [k, { what, numbers }] of want.entries()) {
    if (got[k].what !== what) return `result ${k} is ${got[k].what}, want ${what}`
    const scale = numbers.reduce((most, v) => (Number.isFinite(v) ? Math.max(most, Math.abs(v)) : most), 1e-2)
    const at = numbers.findIndex((v, i) => !(Object.is(got[k].numbers[i], v) || got[k].numbers[i] === v || Math.abs(got[k].numbers[i] - v) <= limit * scale))
    if (at >= 0) return `result ${k}, ${what}: element ${at} is ${got[k].numbers[at]}, want ${numbers[at]}`
  }
  return null
}

const all = [...pointwiseCases, ...cases]
const ops = [...new Set(all.map(c => c.op))]
/** The negative of a small uint32 is near 2³², where float32 cannot tell neighbours apart. */
const applies = (c: OpCase, t: Other): boolean => !(c.op === 'softmin' && t === 'uint32') && c.inputs.some(x => x.dtype === (isFloat(t) ? 'float32' : 'int32'))

function suite(name: DeviceName, others: readonly Other[], compiled = false): void {
  beforeAll(async () => {
    for (const d of ['reference', name] as const) expect((await init({ device: d, gpu: gpu ?? undefined })).name).toBe(d)
  })
  for (const op of ops)
    test(op, async () => {
      const faults: string[] = []
      for (const t of others)
        for (const c of all.filter(x => x.op === op && applies(x, t) && !(x.reads && (compiled || name === 'webgpu')))) {
          const want = await outcome(c, t, 'reference')
          const fault = difference(await outcome(c, t, name, compiled), want, partly.has(op) ? Math.max(tolerance[t], 1e-5) : tolerance[t])
          if (fault) faults.push(`${c.title} in ${t}: ${fault}`)
        }
      expect(faults, faults.join('\n')).toEqual([])
    })
}

describe('wasm', () => suite('wasm', ['float16', 'bfloat16', 'float64', 'uint8', 'uint32']))
describe('wasm, compiled', () => suite('wasm', ['float16', 'float64', 'uint8'], true))
if (gpu) describe('webgpu', () => suite('webgpu', ['float16']))
