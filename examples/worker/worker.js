// Learns y = 2x − 1 off the page's thread and tells the page about it.
importScripts('../../dist/lampas.min.js')
const { init, nn, optim, tensor } = lampas

async function train() {
  const device = await init()
  const [x, y] = [tensor([[-1], [0], [1], [2]]), tensor([[-3], [-1], [1], [3]])]
  const model = new nn.Linear(1, 1)
  const sgd = new optim.SGD(model.parameters(), { lr: 0.1 })
  for (let step = 1; step <= 100; step++) {
    const loss = nn.functional.mseLoss(model.forward(x), y)
    sgd.zeroGrad()
    loss.backward()
    sgd.step()
    postMessage({ step, loss: await loss.item(), device: device.name })
  }
  const [weight, bias] = await Promise.all(model.parameters().map(p => p.item()))
  postMessage({ weight, bias })
}

train()
