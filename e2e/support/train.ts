// A small training run that is sent into pages and workers: it uses nothing but the global `lampas`.
import type * as Lampas from 'lampas'

export interface Run {
  readonly device: string
  readonly threads: number
  readonly why: string
  readonly losses: readonly number[]
}

export async function train(): Promise<Run> {
  const { compile, init, manualSeed, nn, optim, tensor } = (globalThis as unknown as { lampas: typeof Lampas }).lampas
  const device = await init({ device: 'wasm' })
  manualSeed(0)
  const xs = Array.from({ length: 64 }, (_, i) => [i / 32 - 1])
  const x = tensor(xs)
  const y = tensor(xs.map(([v]) => [Math.sin(3 * v)]))
  const model = new nn.Sequential(new nn.Linear(1, 16), new nn.Tanh(), new nn.Linear(16, 1))
  const adam = new optim.Adam(model.parameters(), { lr: 0.02 })
  const step = compile((input: Lampas.Tensor, target: Lampas.Tensor) => {
    adam.zeroGrad()
    const loss = nn.functional.mseLoss(model.forward(input), target)
    loss.backward()
    adam.step()
    return loss
  })
  const losses: number[] = []
  for (let i = 0; i < 200; i++) losses.push(await step(x, y).item())
  return { device: device.name, threads: device.threads, why: device.why, losses }
}
