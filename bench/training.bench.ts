// Whole training steps, eager, compiled without fusion, and compiled, all with Adam. Contenders take turns; a row gives the
// median and the best time of a step.
import { closeDevice, compile, init, manualSeed, memory, nn, optim, scope, type Tensor } from 'lampas'
import { tasks } from './models.ts'

type Report = (row: Record<string, string | number>) => void

async function timed(run: () => Tensor, rounds: number, budget: number): Promise<{ median: number; best: number; loss: number }> {
  const times: number[] = []
  let loss = 0
  const end = performance.now() + budget
  for (let i = 0; i < rounds || (performance.now() < end && times.length < 200); i++) {
    const start = performance.now()
    loss = await scope(() => run()).item()
    if (i > 1 || rounds < 4) times.push(performance.now() - start)
  }
  times.sort((a, b) => a - b)
  return { median: times[times.length >> 1], best: times[0], loss }
}

export default async function training(report: Report): Promise<void> {
  const devices = [
    { device: 'wasm', threads: 1 },
    { device: 'wasm', threads: undefined },
    { device: 'webgpu', threads: undefined },
  ] as const
  for (const { device, threads } of devices) {
    if (device === 'wasm') closeDevice('wasm')
    const opened = await init({ device, threads })
    if (opened.name !== device) continue
    for (const { name, make } of tasks) {
      const row: Record<string, string | number> = { device: `${opened.name}: ${opened.detail}`, task: name }
      for (const how of ['eager', 'unfused', 'compiled'] as const) {
        manualSeed(0)
        const { model, x, y } = make()
        const adam = new optim.Adam(model.parameters(), { lr: 1e-3 })
        const eager = (a: Tensor, b: Tensor): Tensor => {
          adam.zeroGrad()
          const loss = nn.functional.crossEntropy(model.forward(a), b)
          loss.backward()
          adam.step()
          return loss
        }
        const step = how === 'eager' ? eager : compile(eager, { exclude: how === 'unfused' ? ['fusion'] : [] })
        const slow = device === 'webgpu'
        const { median, best } = await timed(() => step(x, y), slow ? 3 : 10, slow ? 5_000 : 3_000)
        row[`${how}, ms (median)`] = Number(median.toFixed(2))
        row[`${how}, ms (best)`] = Number(best.toFixed(2))
      }
      row['MiB held'] = Number((memory().held / 2 ** 20).toFixed(1))
      report(row)
    }
  }
}
