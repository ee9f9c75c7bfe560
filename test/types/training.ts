// What must and what must not compile: modules, optimisers, data, compiled steps.
import { compile, data, grad, nn, optim, tensor } from 'lampas'
import type { Tensor } from 'lampas'
import { same } from './same.ts'

class Net extends nn.Module {
  conv = new nn.Conv2d(1, 16, 3, { padding: 1 })
  fc = new nn.Linear(64, 10)

  override forward(x: Tensor): Tensor {
    return this.fc.forward(this.conv.forward(x).flatten(1))
  }
}

const x = tensor([[1, 2], [3, 4]])
const model = new Net()
const adam = new optim.Adam(model.parameters(), { lr: 1e-3 })
const step = compile((input: Tensor, target: Tensor) => nn.functional.crossEntropy(model.forward(input), target))

same<Tensor>()(step(x, x))
same<Tensor>()(model.forward(x))
new nn.Sequential(new nn.Linear(2, 16), new nn.Tanh(), new nn.Linear(16, 1))
new optim.SGD(model.parameters(), { lr: 0.1, momentum: 0.9, nesterov: true })
new optim.lrScheduler.StepLR(adam, { stepSize: 3, gamma: 0.5 })
new data.DataLoader(new data.TensorDataset(x, x), { batchSize: 2, shuffle: true, seed: 0, dropLast: false })
adam.lr = 0.1

// Batches have the fields of their data set.
const pairs = new data.TensorDataset(x, x)
for await (const batch of new data.DataLoader(pairs, { batchSize: 2 })) same<[Tensor, Tensor]>()(batch)
for (const part of data.randomSplit(pairs, [1, 1])) for await (const batch of new data.DataLoader(part)) same<[Tensor, Tensor]>()(batch)
class Numbers extends data.Dataset<number> {
  length = 3
  override get(i: number) {
    return i
  }
}
for await (const batch of new data.DataLoader(new Numbers())) same<Tensor[]>()(batch)
for await (const batch of new data.DataLoader(new Numbers(), { collate: samples => samples.join() })) same<string>()(batch)
// @ts-expect-error a pair has no third field
for await (const [, , third] of new data.DataLoader(pairs)) void third

// As many gradients as inputs.
same<[Tensor, Tensor]>()(grad(x, [x, x]))
same<Tensor[]>()(grad(x, model.parameters()))
same<Tensor[]>()(grad(x, x))

// @ts-expect-error a layer needs its sizes
new nn.Linear(10)
// @ts-expect-error sizes are numbers
new nn.Linear('10', 2)
// @ts-expect-error there is no such option
new nn.Conv2d(1, 8, 3, { pading: 1 })
// @ts-expect-error only modules can be put in a row
new nn.Sequential(new nn.Linear(2, 2), (input: Tensor) => input)
// @ts-expect-error an optimiser takes a list of tensors
new optim.Adam(model, { lr: 1e-3 })
// @ts-expect-error the option is spelt lr
new optim.Adam(model.parameters(), { learningRate: 1e-3 })
// @ts-expect-error there is no such loss
nn.functional.crossentropy(x, x)
// @ts-expect-error targets are a tensor
nn.functional.mseLoss(x, [1, 2])
// @ts-expect-error a compiled step keeps its parameters
step(x)
// @ts-expect-error a compiled step takes tensors where its function does
step(x, 3)
// @ts-expect-error a data set holds tensors
new data.TensorDataset([1, 2, 3])
// @ts-expect-error a batch has a size that is a number
new data.DataLoader(new data.TensorDataset(x), { batchSize: '32' })
// @ts-expect-error the class has to say what a forward pass is given
model.forward()
