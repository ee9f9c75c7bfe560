// A convolutional network learns handwritten digits in Node: `npm run build`, then `node examples/node-digits.mjs`.
import { readFile } from 'node:fs/promises'
import { compile, data, init, manualSeed, nn, noGrad, optim, randperm, tensor } from 'lampas'

const [count, trainCount, epochs] = [1797, 1437, 15]

class Net extends nn.Module {
  conv1 = new nn.Conv2d(1, 16, 3, { padding: 1 })
  conv2 = new nn.Conv2d(16, 32, 3, { padding: 1 })
  fc = new nn.Linear(32 * 2 * 2, 10)

  forward(x) {
    const small = this.conv1.forward(x).relu().maxPool2d(2)
    return this.fc.forward(this.conv2.forward(small).relu().maxPool2d(2).flatten(1))
  }
}

async function load() {
  const bytes = await readFile(new URL('../web/public/digits.bin', import.meta.url))
  const pixels = Float32Array.from(bytes.subarray(0, count * 64), v => v / 16)
  const labels = Int32Array.from(bytes.subarray(count * 64))
  const order = randperm(count)
  const images = tensor(pixels, { shape: [count, 1, 8, 8] }).indexSelect(0, order)
  const answers = tensor(labels).indexSelect(0, order)
  const part = range => [images.at(range), answers.at(range)]
  return { train: part(`:${trainCount}`), test: part(`${trainCount}:`) }
}

const device = await init()
manualSeed(0)
console.log(`Device: ${device.name} (${device.detail})`)
const { train, test } = await load()
const loader = new data.DataLoader(new data.TensorDataset(...train), { batchSize: 32, shuffle: true, seed: 0, dropLast: true })
const model = new Net()
console.log(String(model))

const adam = new optim.Adam(model.parameters(), { lr: 3e-3 })
const schedule = new optim.lrScheduler.CosineAnnealingLR(adam, epochs)
const step = compile((x, y) => {
  adam.zeroGrad()
  const loss = nn.functional.crossEntropy(model.forward(x), y)
  loss.backward()
  adam.step()
  return loss
})

const steps = epochs * loader.length
const began = performance.now()
let done = 0
const bar = loss => {
  const width = Math.round((30 * done) / steps)
  const rate = ((1000 * done) / (performance.now() - began)).toFixed(0)
  return `${'█'.repeat(width)}${'░'.repeat(30 - width)} ${done}/${steps}  loss ${loss.toFixed(4)}  ${rate} steps/s`
}

for (let epoch = 0; epoch < epochs; epoch++) {
  let loss = 0
  for await (const [x, y] of loader) {
    loss = await step(x, y).item()
    done++
    if (process.stdout.isTTY) process.stdout.write(`\r${bar(loss)}`)
  }
  schedule.step()
  if (!process.stdout.isTTY) console.log(bar(loss))
}

model.eval()
const right = noGrad(() => model.forward(test[0]).argmax(1).eq(test[1]).sum())
console.log(`\nTest accuracy: ${((100 * (await right.item())) / (count - trainCount)).toFixed(2)} %`)
