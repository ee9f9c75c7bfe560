// A convolutional network reads handwritten digits.
import { compile, data, init, manualSeed, nn, noGrad, optim } from 'lampas'
import { digits, onDraw, pause, plot, report } from 'playground'
import { settings, showPredictions } from 'playground'

await init({ device: settings.device })
manualSeed(1)

class Net extends nn.Module {
  conv1 = new nn.Conv2d(1, 16, 3, { padding: 1 })
  conv2 = new nn.Conv2d(16, 32, 3, { padding: 1 })
  fc = new nn.Linear(32 * 2 * 2, 10)

  forward(x) {
    x = this.conv1.forward(x).relu().maxPool2d(2) // 8×8 → 4×4
    x = this.conv2.forward(x).relu().maxPool2d(2) // 4×4 → 2×2
    return this.fc.forward(x.flatten(1))
  }
}

const model = new Net()
console.log(String(model))

const { train, test } = await digits()
const loader = new data.DataLoader(
  new data.TensorDataset(train.images, train.labels),
  { batchSize: 32, shuffle: true, seed: 1, dropLast: true },
)
const epochs = 15
const steps = epochs * loader.length
const optimizer = new optim.Adam(model.parameters(), { lr: 4e-3 })
const schedule = new optim.lrScheduler.CosineAnnealingLR(optimizer, steps)

const trainStep = (images, labels) => {
  optimizer.zeroGrad()
  const logits = model.forward(images)
  const loss = nn.functional.crossEntropy(logits, labels)
  loss.backward()
  optimizer.step()
  return loss
}
const step = settings.compile ? compile(trainStep) : trainStep

const classify = images => noGrad(() => model.forward(images).softmax(1))

async function testAccuracy() {
  const probs = classify(test.images)
  await showPredictions(test.images, test.labels, probs)
  return probs.argmax(1).eq(test.labels).to('float32').mean().item()
}

// The network answers what you draw, while it learns and afterwards.
onDraw(picture => classify(picture))

let n = 0
let loss = NaN
let accuracy = await testAccuracy()
for (let epoch = 1; epoch <= epochs; epoch++) {
  for await (const [images, labels] of loader) {
    loss = await step(images, labels).item()
    schedule.step()
    report({ step: ++n, steps, loss, accuracy })
    await pause() // lets Stop and your drawings through
  }
  accuracy = await testAccuracy()
  plot('Test accuracy', n, accuracy)
  report({ step: n, steps, loss, accuracy })
}
console.log(`Test accuracy ${(accuracy * 100).toFixed(1)} %`)
