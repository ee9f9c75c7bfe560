// An application as its author writes it: the package by name, no configuration.
import { init, manualSeed, tensor } from 'lampas'
import type { Tensor } from 'lampas'
import * as nn from 'lampas/nn'
import { Adam } from 'lampas/optim'

class Xor extends nn.Module {
  hidden = new nn.Linear(2, 8)
  out = new nn.Linear(8, 1)

  override forward(x: Tensor): Tensor {
    return this.out.forward(this.hidden.forward(x).tanh())
  }
}

const status = document.querySelector('[role=status]') as HTMLElement

async function train(): Promise<void> {
  const device = await init({ device: 'wasm' })
  manualSeed(0)
  const x = tensor([[0, 0], [0, 1], [1, 0], [1, 1]])
  const y = tensor([[0], [1], [1], [0]])
  const model = new Xor()
  const adam = new Adam(model.parameters(), { lr: 0.05 })
  const losses: number[] = []
  for (let step = 0; step < 200; step++) {
    const loss = nn.functional.binaryCrossEntropyWithLogits(model.forward(x), y)
    adam.zeroGrad()
    loss.backward()
    adam.step()
    losses.push(await loss.item())
  }
  status.textContent = JSON.stringify({ device: device.name, first: losses[0], last: losses[losses.length - 1] })
}

train().catch((error: unknown) => {
  status.textContent = String(error)
})
