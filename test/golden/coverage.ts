// docs/coverage.md: which ops there are, in which dtypes, and how many of PyTorch's calls agree, by device and world. The counts are those
// that the matrix tests hold; whether an op takes a dtype is tried out.
import * as lampas from '../../src/index.ts'
import { Tensor, init, type DType, type DeviceName } from '../../src/index.ts'
import { build, lookup, perform, runGolden, type World } from './adapter.ts'
import { exceptionFor, exceptions, exceptionsOf } from './exceptions.ts'
import { numbersOf, type GoldenCase, type Manifest } from './format.ts'

export interface Group {
  readonly manifest: Manifest
  readonly buffer: ArrayBuffer
}

type Own = readonly [c: GoldenCase, buffer: ArrayBuffer]

const devices: readonly DeviceName[] = ['reference', 'wasm', 'webgpu']
const worlds: readonly World[] = ['eager', 'compiled']
const short: Readonly<Record<DType, string>> = { float32: 'f32', float64: 'f64', float16: 'f16', bfloat16: 'bf16', int32: 'i32', uint32: 'u32', uint8: 'u8', bool: 'bool', complex64: 'c64' }

/** A call again, with its tensors of one dtype in another: whether that is taken. */
async function takes([c, buffer]: Own, from: DType, to: DType, which: (i: number) => boolean): Promise<boolean> {
  try {
    const inputs = c.inputs.map((s, i) => {
      const x = build({ ...s, requiresGrad: false }, numbersOf(buffer, s))
      return s.dtype === from && which(i) ? x.to(to) : x
    })
    const y = await perform(c, inputs)
    for (const x of y instanceof Tensor ? [y] : typeof y === 'object' && y !== null ? Object.values(y) : []) if (x instanceof Tensor) await x.data()
    return true
  } catch (error) {
    if (error instanceof lampas.LampasError) return false
    throw new Error(`${c.id} in ${to}: ${String(error)}`, { cause: error })
  }
}

/** Dtypes that stand for another one in a call. */
const tried: Readonly<Partial<Record<DType, readonly DType[]>>> = { float32: ['float64', 'float16', 'bfloat16', 'complex64'], int32: ['uint32', 'uint8'] }

async function dtypesOf(cases: readonly Own[]): Promise<string> {
  const found = new Set<DType>(cases.flatMap(([c]) => [...c.inputs, ...(c.inputs.length === 0 ? c.outputs : [])].map(s => s.dtype as DType)))
  for (const [from, others] of Object.entries(tried) as [DType, readonly DType[]][]) {
    const sample = cases.find(([c]) => c.inputs[0]?.dtype === from)
    if (!sample) continue
    for (const to of others) if ((await takes(sample, from, to, () => true)) || (await takes(sample, from, to, i => i === 0))) found.add(to)
  }
  return (Object.keys(short) as DType[]).filter(t => found.has(t)).map(t => short[t]).join(' ')
}

interface Row {
  readonly op: string
  readonly cases: readonly Own[]
  readonly dtypes: string
  /** What is right, by device and world. */
  readonly right: readonly string[]
  readonly gradients: string
}

/** How many gradients are compared; where none are, whether there are any. */
async function gradientsOf(cases: readonly Own[]): Promise<string> {
  const n = cases.filter(([c]) => c.grads).length
  if (n > 0) return String(n)
  const sample = cases.find(([c]) => c.inputs[0]?.dtype === 'float32' && c.outputKind !== 'value')
  if (!sample) return 'none'
  const [c, buffer] = sample
  const y = await perform(c, c.inputs.map(s => build({ ...s, requiresGrad: s.dtype === 'float32' }, numbersOf(buffer, s))))
  return (y instanceof Tensor ? [y] : Object.values(y as object)).some(x => x instanceof Tensor && x.requiresGrad) ? 'own tests' : 'none'
}

async function rightOf(op: string, groups: readonly Group[], cases: readonly Own[], notes: Map<string, number>): Promise<string[]> {
  const cells: string[] = []
  for (const device of devices)
    for (const world of worlds) {
      const listed = exceptions.filter(e => cases.some(([c]) => exceptionsOf(c, device, world).includes(e)))
      const wrong = new Set(listed.flatMap(e => (e.message ? [] : cases.map(([c]) => c.id).filter(id => e.cases.includes(id)))))
      // Which cases of an op have the fault does not depend on the device.
      if (listed.some(e => e.message))
        for (const { manifest, buffer } of groups)
          for (const r of await runGolden(manifest, buffer, { device: 'reference', world, filter: c => c.op === op })) if (exceptionFor(r, device, world) !== null) wrong.add(r.id)
      for (const e of listed) if (!notes.has(e.reason)) notes.set(e.reason, notes.size + 1)
      cells.push(wrong.size === 0 ? String(cases.length) : `${cases.length - wrong.size}/${cases.length} ${listed.map(e => `[^${notes.get(e.reason)}]`).join('')}`)
    }
  return cells
}

/** Public functions that no golden case calls, by namespace. */
function others(called: ReadonlySet<unknown>): string[] {
  const spaces: Readonly<Record<string, object>> = { lampas, 'lampas.linalg': lampas.linalg, 'lampas.fft': lampas.fft, 'lampas.special': lampas.special, 'lampas.nn.functional': lampas.nn.functional }
  return Object.entries(spaces).flatMap(([space, table]) => {
    const names = Object.entries(table).flatMap(([name, value]: [string, unknown]) => {
      if (typeof value !== 'function' || !('opName' in value) || called.has(value) || name.endsWith('Async')) return []
      return [`\`${name}\``]
    })
    return names.length > 0 ? [`- \`${space}\`: ${names.sort().join(', ')}`] : []
  })
}

/** The text, with the dtypes that this device takes. */
export async function coverage(groups: readonly Group[], device: DeviceName): Promise<string> {
  await init({ device })
  const byOp = new Map<string, Own[]>()
  for (const { manifest, buffer } of groups) for (const c of manifest.cases) byOp.set(c.op, [...(byOp.get(c.op) ?? []), [c, buffer]])
  const notes = new Map<string, number>()
  const called = new Set<unknown>()
  const ops = [...byOp].sort(([a], [b]) => (a < b ? -1 : 1))
  const dtypes = new Map<string, string>()
  for (const [op, cases] of ops) dtypes.set(op, await dtypesOf(cases))
  await init({ device: 'reference' })
  const rows: Row[] = []
  for (const [op, cases] of ops) {
    for (const [c] of cases) {
      const [holder, name] = lookup(op, c.call)
      called.add(holder === Tensor.prototype ? Reflect.get(lampas, name) : Reflect.get(holder, name))
    }
    const own = groups.filter(g => Object.hasOwn(g.manifest.ops, op))
    rows.push({ op, cases, dtypes: dtypes.get(op)!, right: await rightOf(op, own, cases, notes), gradients: await gradientsOf(cases) })
  }
  const total = rows.reduce((n, r) => n + r.cases.length, 0)
  return `# Coverage

Made by \`node scripts/golden.mjs --coverage\`; a test fails when it is stale. The tests run every call below on every device, eagerly
and compiled, and hold values, dtypes, shapes and gradients against what PyTorch 1.13.1 gives: ${total.toLocaleString('en')} calls of ${rows.length} names. What is
allowed is the same on every device: 1.3e-5 of the value and 1e-5, or what PyTorch's own float32 is off from its float64.

- **dtypes**: those that the op takes. In float32, int32, bool and complex64 the numbers are PyTorch's own where its calls have them; that
  the others are taken is tried out. float64 is there on \`wasm\` and \`reference\`; \`webgpu\` refuses it by name. A dtype that is not
  named is refused with an error.
- **gradients**: calls whose gradients are compared; *none*: there is nothing to differentiate; *own tests*: compared with finite
  differences instead.
- The other columns: calls that agree, of all or of as many as stand behind the stroke. The notes below say why others do not.

| op | dtypes | gradients | ${devices.flatMap(d => worlds.map(w => `${d}, ${w}`)).join(' | ')} |
| --- | --- | --- | ${devices.flatMap(() => worlds.map(() => '---')).join(' | ')} |
${rows.map(r => `| \`${r.op}\` | ${r.dtypes} | ${r.gradients} | ${r.right.join(' | ')} |`).join('\n')}

${[...notes].map(([reason, n]) => `[^${n}]: ${reason}.`).join('\n')}

## Beyond PyTorch's calls

These have tests of their own: every device against the float64 reference, derivatives against finite differences, compiled against
eager. Ops whose size depends on values have a second form that ends in \`Async\`, which the calls above use on \`webgpu\`.

${others(called).join('\n')}
`
}
