// The same package in Node.
import { init, nn, optim, tensor } from 'lampas'

await init({ device: 'wasm' })
const [x, y] = [tensor([[-1], [0], [1]]), tensor([[-3], [-1], [1]])]
const model = new nn.Linear(1, 1)
const sgd = new optim.SGD(model.parameters(), { lr: 0.1 })
const losses = []
for (let step = 0; step < 100; step++) {
  const loss = nn.functional.mseLoss(model.forward(x), y)
  sgd.zeroGrad()
  loss.backward()
  sgd.step()
  losses.push(loss.itemSync())
}
console.log(JSON.stringify({ first: losses[0], last: losses.at(-1) }))
