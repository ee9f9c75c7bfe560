// A page that counts its bytes: the small entry, and of it what is named here.
import { compile, init, manualSeed, nn, optim, tensor, type Tensor } from 'lampas/lite'

const status = document.querySelector('[role=status]') as HTMLElement

async function train(): Promise<void> {
  const device = await init({ device: 'wasm' })
  manualSeed(0)
  const x = tensor([[0, 0], [0, 1], [1, 0], [1, 1]])
  const y = tensor([[0], [1], [1], [0]])
  const model = new nn.Sequential(new nn.Linear(2, 8), new nn.Tanh(), new nn.Linear(8, 1))
  const adam = new optim.Adam(model.parameters(), { lr: 0.05 })
  const step = compile((input: Tensor, target: Tensor) => {
    const loss = nn.functional.binaryCrossEntropyWithLogits(model.forward(input), target)
    adam.zeroGrad()
    loss.backward()
    adam.step()
    return loss
  })
  const losses: number[] = []
  for (let i = 0; i < 200; i++) losses.push(await step(x, y).item())
  status.textContent = JSON.stringify({ device: device.name, first: losses[0], last: losses[losses.length - 1], model: String(model) })
}

train().catch((error: unknown) => {
  status.textContent = String(error)
})
