// What compiling costs and brings, with one thread on wasm. Of a training step without → with fusion: kernels, the bytes that they read and
// write, the most bytes held, milliseconds. Of compiling: milliseconds of the first compilation, and of the best of several with its parts.
import { closeDevice, compile, init, manualSeed, nn, optim, randint, randn, scope, type Compiled, type Tensor } from 'lampas'
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

interface Step {
  readonly step: Compiled<[Tensor, Tensor], Tensor>
  readonly x: Tensor
  readonly y: Tensor
}

function stepOf({ make }: Task, exclude: readonly string[]): Step {
  manualSeed(0)
  const { model, x, y } = make()
  const adam = new optim.Adam(model.parameters(), { lr: 1e-3 })
  const step = compile((a: Tensor, b: Tensor): Tensor => {
    adam.zeroGrad()
    const loss = nn.functional.crossEntropy(model.forward(a), b)
    loss.backward()
    adam.step()
    return loss
  }, { exclude })
  return { step, x, y }
}

const rounded = (n: number): number => Number(n.toPrecision(3))
const mib = (bytes: number): number => rounded(bytes / 2 ** 20)

async function once({ step, x, y }: Step): Promise<number> {
  const start = performance.now()
  const loss = step(x, y)
  await loss.item()
  loss.dispose()
  return performance.now() - start
}

/** Median milliseconds of a step; the ways take turns. */
async function timed(ways: readonly Step[]): Promise<number[]> {
  const times: number[][] = ways.map(() => [])
  for (const way of ways) await once(way)
  for (const end = performance.now() + LONG; times[0].length < LEAST || performance.now() < end; )
    for (const [i, way] of ways.entries()) times[i].push(await once(way))
  return times.map(list => list.sort((a, b) => a - b)[list.length >> 1])
}

/** Of one step without and with fusion. */
async function steps(task: Task): Promise<Record<string, string>> {
  const ways = [stepOf(task, ['fusion']), stepOf(task, [])]
  const times = await timed(ways)
  const facts = ways.map(({ step, x, y }, i) => {
    const kernels = step.graph('plan').plan?.kernels ?? []
    return { kernels: kernels.length, 'MiB moved': mib(kernels.reduce((n, k) => n + k.bytes, 0)), 'MiB at peak': mib(step.memory(x, y).peak), 'step, ms': rounded(times[i]) }
  })
  for (const { step } of ways) step.dispose()
  const [plain, fused] = facts
  return Object.fromEntries(Object.entries(plain).map(([k, v]) => [k, `${v} → ${fused[k as keyof typeof fused]}`]))
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
