// What compiling costs and brings: milliseconds of tracing, passes and planning, best of several fresh compilations, and kernels and bytes
// of a step. The deep MLP has 100 layers; the GPT is that of the training table with the shape of the names example.
import { closeDevice, compile, init, manualSeed, nn, optim, randint, randn, scope, type Tensor } from 'lampas'
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

export default async function compiling(report: Report): Promise<void> {
  for (const device of ['wasm', 'webgpu'] as const) {
    if (device === 'wasm') closeDevice('wasm')
    const opened = await init({ device })
    if (opened.name !== device) continue
    for (const { name, make } of [deep, ...tasks]) {
      const best: Record<string, number> = {}
      const row: Record<string, string | number> = { device, task: name }
      for (let round = 0; round < ROUNDS; round++) {
        manualSeed(0)
        const { model, x, y } = make()
        const adam = new optim.Adam(model.parameters(), { lr: 1e-3 })
        const step = compile((a: Tensor, b: Tensor): Tensor => {
          adam.zeroGrad()
          const loss = nn.functional.crossEntropy(model.forward(a), b)
          loss.backward()
          adam.step()
          return loss
        })
        await scope(() => step(x, y)).item()
        const { ms, nodes, kernels } = step.explain()
        const parts = { trace: ms.trace, passes: ms.merge + ms.canonicalise + ms.stabilise + ms.specialise, plan: ms.plan }
        for (const [k, v] of Object.entries({ ...parts, all: parts.trace + parts.passes + parts.plan })) best[k] = Math.min(best[k] ?? Infinity, v)
        Object.assign(row, { nodes: nodes.join(' → '), kernels: kernels.join(' → '), 'KiB planned': Math.round(step.info().bytes / 1024) })
        step.dispose()
      }
      report({ ...row, ...Object.fromEntries(Object.entries(best).map(([k, v]) => [`${k}, ms`, Number(v.toFixed(1))])) })
    }
  }
}
