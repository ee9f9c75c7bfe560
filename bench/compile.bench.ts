// What compiling costs and brings: milliseconds of tracing, passes, fusion and planning, of the first and of the best of several fresh
// compilations; and kernels of a step, and the bytes that they read and write, without fusion → with it. The deep MLP has 100 layers.
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

function stepOf({ make }: Task, exclude: readonly string[]): { step: Compiled<[Tensor, Tensor], Tensor>; x: Tensor; y: Tensor } {
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

/** Kernels, and the bytes that they read and write, of one step. */
async function traffic(task: Task, exclude: readonly string[]): Promise<{ kernels: number; mib: number }> {
  const { step, x, y } = stepOf(task, exclude)
  await scope(() => step(x, y)).item()
  const kernels = step.graph('plan').plan?.kernels ?? []
  step.dispose()
  return { kernels: kernels.length, mib: Number((kernels.reduce((n, k) => n + k.bytes, 0) / 2 ** 20).toFixed(1)) }
}

export default async function compiling(report: Report): Promise<void> {
  for (const device of ['wasm', 'webgpu'] as const) {
    if (device === 'wasm') closeDevice('wasm')
    const opened = await init({ device })
    if (opened.name !== device) continue
    for (const task of [deep, ...tasks]) {
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
      const [plain, fused] = [await traffic(task, ['fusion']), await traffic(task, [])]
      report({
        device, task: task.name, kernels: `${plain.kernels} → ${fused.kernels}`, 'MiB moved': `${plain.mib} → ${fused.mib}`,
        ...Object.fromEntries(Object.entries(best).map(([k, v]) => [`${k}, ms`, Number(v.toFixed(1))])),
      })
    }
  }
}
