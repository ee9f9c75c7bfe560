// Averages of weights. Expected numbers are those of torch 1.13.
import { expect, test } from 'vitest'
import { compile, load, nn, noGrad, optim, save, tensor, type Tensor } from '../../src/index.ts'
import { AveragedModel, getEmaAvgFn, type AveragedModelOptions } from '../../src/swa/index.ts'
import { eachDevice } from '../each-device.ts'

const x = (): Tensor => tensor([[1, 2], [3, -1]])

/** A line that learns four steps, and its averages after each. */
async function averaged(options: AveragedModelOptions, wrap: (step: () => void) => () => void) {
  const line = new nn.Linear(2, 1)
  noGrad(() => {
    line.weight.copy_(tensor([[0.5, -0.25]]))
    line.bias!.fill_(0.125)
  })
  const average = new AveragedModel(line, options)
  const sgd = new optim.SGD(line.parameters(), { lr: 0.1 })
  const [inputs, targets] = [x(), tensor([[1], [0]])]
  const step = wrap(() => {
    sgd.zeroGrad()
    nn.functional.mseLoss(line.forward(inputs), targets).backward()
    sgd.step()
    average.updateParameters()
  })
  const found: number[] = []
  for (let i = 0; i < 4; i++) {
    step()
    for (const v of Object.values(average.averages)) found.push(...(await v.data()))
  }
  return { average, line, found }
}

const expected: [string, AveragedModelOptions, number[], number[]][] = [
  ['all alike', {}, [0.025, 0.1125, 0.025, 0.063125, 0.184375, 0.061875, 0.0707917, 0.232375, 0.078875, 0.0750156, 0.2646594, 0.0899094], [0.6942437, 0.0502969]],
  ['exponential', { avgFn: getEmaAvgFn(0.9) }, [0.025, 0.1125, 0.025, 0.032625, 0.126875, 0.032375, 0.037975, 0.147025, 0.040425, 0.0429462, 0.1684738, 0.0486838], [0.4285775, 0.0090487]],
]

eachDevice(() => {
  for (const [name, options, averages, outputs] of expected)
    test.each<[string, (step: () => void) => () => void]>([['eager', step => step], ['compiled', step => compile(step)]])(`${name}, %s`, async (_, wrap) => {
      const { average, found } = await averaged(options, wrap)
      expect(found.length).toBe(averages.length)
      found.forEach((v, i) => expect(v).toBeCloseTo(averages[i], 5))
      const y = await average.forward(x()).data()
      outputs.forEach((v, i) => expect(y[i]).toBeCloseTo(v, 5))
    })

  test('are saved and loaded, and given to a model', async () => {
    const { average, line, found } = await averaged({}, step => step)
    const other = new AveragedModel(new nn.Linear(2, 1))
    await other.loadStateDict(load<nn.StateDict>(await save(average.stateDict())))
    expect(await other.nAveraged.item()).toBe(4)
    expect([...(await other.averages.weight.data())]).toEqual(found.slice(9, 11))
    expect([...(await line.weight.data())]).not.toEqual(found.slice(9, 11))
    await line.loadStateDict(average.averages)
    expect([...(await line.weight.data())]).toEqual(found.slice(9, 11))
  })

  test('buffers only where asked for', async () => {
    const norm = new nn.BatchNorm1d(2)
    const [plain, whole] = [new AveragedModel(norm), new AveragedModel(norm, { useBuffers: true })]
    norm.forward(tensor([[1, 10], [3, 30]]))
    for (const average of [plain, whole]) average.updateParameters()
    norm.forward(tensor([[1, 10], [3, 30]]))
    for (const average of [plain, whole]) average.updateParameters()
    expect(Object.keys(plain.averages)).toEqual(['weight', 'bias'])
    expect([...(await whole.averages.running_mean.data())].map(v => Number(v.toFixed(5)))).toEqual([0.29, 2.9])
    expect(await whole.averages.num_batches_tracked.item()).toBe(2)
  })
})

test('say what is wrong', () => {
  const average = new AveragedModel(new nn.Linear(2, 1))
  expect(() => average.updateParameters(new nn.ReLU())).toThrow("[updateParameters] the model has no 'weight'")
  expect(() => getEmaAvgFn(2)).toThrow('[getEmaAvgFn] decay is 2')
  expect(() => new AveragedModel(new nn.Linear(2, 1), { avgfn: 1 } as never)).toThrow("did you mean 'avgFn'")
})
