// What compiling costs and brings, with one thread on wasm. Of a training step, eager → compiled without → with fusion: kernels, the bytes that
// they read and write, the most bytes held, milliseconds. Of compiling: milliseconds of the first compilation, and of the best of several with its parts.
import { closeDevice, compile, init, manualSeed, nn, optim, randint, randn, scope, type Compiled, type Tensor } from 'lampas'
import type { Backend, Block } from '../src/backend/backend.ts'
import { bytesOf } from '../src/core/dtype.ts'
import type { Kernel } from '../src/ir/kernel.ts'
import { tasks, type Task } from './models.ts'

type Report = (row: Record<string, string | number>) => void

const deep: Task = {
  name: 'MLP of 100 layers of 64, batch 32',
  make: () => ({
    model: new nn.Sequential(...Array.from({ length: 99 }, () => [new nn.Linear(64, 64), new nn.ReLU()]).flat(), new nn.Linear(64, 10)),
    x: randn(32, 64),
    y: randint(0, 10, [32]),
  }),
}

const ROUNDS = 5
/** Milliseconds of steps, shared by both ways, and how many of each there are at the least. */
const [LONG, LEAST] = [3000, 5]

interface Step<F> {
  readonly step: F
  readonly x: Tensor
  readonly y: Tensor
}
type Body = (x: Tensor, y: Tensor) => Tensor

function eagerStep({ make }: Task): Step<Body> {
  manualSeed(0)
  const { model, x, y } = make()
  const adam = new optim.Adam(model.parameters(), { lr: 1e-3 })
  const step = (a: Tensor, b: Tensor): Tensor => {
    adam.zeroGrad()
    const loss = nn.functional.crossEntropy(model.forward(a), b)
    loss.backward()
    adam.step()
    return loss
  }
  return { step, x, y }
}

function stepOf(task: Task, exclude: readonly string[]): Step<Compiled<[Tensor, Tensor], Tensor>> {
  const { step, x, y } = eagerStep(task)
  return { step: compile(step, { exclude }), x, y }
}

/** The eager step frees what it made at its end. */
function scoped(task: Task): Step<Body> {
  const { step, x, y } = eagerStep(task)
  return { step: (a, b) => scope(() => step(a, b)), x, y }
}

const rounded = (n: number): number => Number(n.toPrecision(3))
const mib = (bytes: number): number => rounded(bytes / 2 ** 20)

async function once({ step, x, y }: Step<Body>): Promise<number> {
  const start = performance.now()
  const loss = step(x, y)
  await loss.item()
  loss.dispose()
  return performance.now() - start
}

interface Facts {
  readonly kernels: number
  readonly moved: number
  readonly peak: number
}

/** Bytes that a kernel reads and writes; what is the same along an axis is read once. */
const movedBy = ({ inputs, outputs }: Kernel): number =>
  [...inputs, ...outputs].reduce((n, { dtype, shape, strides }) => n + bytesOf(dtype, shape.reduce((m, size, i) => m * (strides[i] === 0 ? Math.min(size, 1) : size), 1)), 0)

/** What an eager step asks of the device once the optimiser has its state; of memory, what was taken from the model on and is held. */
async function eagerFacts(task: Task): Promise<Facts> {
  const { source } = randn(1)
  const { backend } = source as typeof source & { readonly backend: Backend }
  const { run, alloc, free } = backend
  const own = new Set<Block>()
  let [kernels, moved, held, peak] = [0, 0, 0, 0]
  Object.assign(backend, {
    run: (...call: Parameters<typeof run>) => {
      kernels++
      moved += movedBy(call[0])
      run.apply(backend, call)
    },
    alloc: (bytes: number) => {
      const block = alloc.call(backend, bytes)
      own.add(block)
      peak = Math.max(peak, (held += bytes))
      return block
    },
    free: (block: Block) => {
      if (own.delete(block)) held -= block.bytes
      free.call(backend, block)
    },
  })
  try {
    const way = scoped(task)
    for (let warm = 0; warm < 2; warm++) await once(way)
    kernels = moved = 0
    peak = held
    await once(way)
    return { kernels, moved, peak }
  } finally {
    Object.assign(backend, { run, alloc, free })
  }
}

/** Median milliseconds of a step; the ways take turns. */
async function timed(ways: readonly Step<Body>[]): Promise<number[]> {
  const times: number[][] = ways.map(() => [])
  for (const way of ways) await once(way)
  for (const end = performance.now() + LONG; times[0].length < LEAST || performance.now() < end; )
    for (const [i, way] of ways.entries()) times[i].push(await once(way))
  return times.map(list => list.sort((a, b) => a - b)[list.length >> 1])
}

/** Of one step: eager → compiled without fusion → with it. */
async function steps(task: Task): Promise<Record<string, string>> {
  const eager = await eagerFacts(task)
  const compiled = [stepOf(task, ['fusion']), stepOf(task, [])]
  const times = await timed([scoped(task), ...compiled])
  const facts = compiled.map(({ step, x, y }): Facts => {
    const kernels = step.graph('plan').plan?.kernels ?? []
    return { kernels: kernels.length, moved: kernels.reduce((n, k) => n + k.bytes, 0), peak: step.memory(x, y).peak }
  })
  for (const { step } of compiled) step.dispose()
  const row = (of: (f: Facts) => number): string => [eager, ...facts].map(of).join(' → ')
  return { kernels: row(f => f.kernels), 'MiB moved': row(f => mib(f.moved)), 'MiB at peak': row(f => mib(f.peak)), 'step, ms': times.map(rounded).join(' → ') }
}

/** Milliseconds of fresh compilations. */
async function compilations(task: Task): Promise<Record<string, number>> {
  const best: Record<string, number> = {}
  for (let round = 0; round < ROUNDS; round++) {
    const { step, x, y } = stepOf(task, [])
    await scope(() => step(x, y)).item()
    const { ms } = step.explain()
    const parts = { trace: ms.trace, passes: ms.merge + ms.canonicalise + ms.stabilise + ms.specialise, fuse: ms.fuse, plan: ms.plan }
    const all = Object.values(parts).reduce((a, b) => a + b)
    if (round === 0) best['first, all'] = all
    for (const [k, v] of Object.entries({ ...parts, all })) best[k] = Math.min(best[k] ?? Infinity, v)
    step.dispose()
  }
  return Object.fromEntries(Object.entries(best).map(([k, v]) => [`${k}, ms`, rounded(v)]))
}

export default async function compiling(report: Report): Promise<void> {
  for (const device of ['wasm', 'webgpu'] as const) {
    if (device === 'wasm') closeDevice('wasm')
    const opened = await init({ device, threads: 1 })
    if (opened.name !== device) continue
    for (const task of [deep, ...tasks]) report({ device, task: task.name, ...(await compilations(task)), ...(await steps(task)) })
  }
}
