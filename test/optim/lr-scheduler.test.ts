// Schedules against their recursive or tabulated definitions.
import { beforeAll, expect, test } from 'vitest'
import { init, nn, ones, optim } from '../../src/index.ts'

const { StepLR, MultiStepLR, ExponentialLR, CosineAnnealingLR, LambdaLR, LinearLR, OneCycleLR } = optim.lrScheduler

beforeAll(async () => {
  await init({ device: 'wasm' })
})

const sgd = (lr = 1) => new optim.SGD([new nn.Parameter(ones([1]))], { lr })

function rates(optimizer: optim.SGD, schedule: { step(): void }, steps: number): number[] {
  const out = [optimizer.lr]
  for (let i = 1; i < steps; i++) {
    schedule.step()
    out.push(optimizer.lr)
  }
  return out
}
const expectRates = (got: number[], want: number[]): void => got.forEach((v, i) => expect(v, `step ${i}`).toBeCloseTo(want[i], 12))

test('StepLR, both ways to call it', () => {
  for (const make of [(o: optim.SGD) => new StepLR(o, 2, { gamma: 0.5 }), (o: optim.SGD) => new StepLR(o, { stepSize: 2, gamma: 0.5 })]) {
    const o = sgd()
    expectRates(rates(o, make(o), 6), [1, 1, 0.5, 0.5, 0.25, 0.25])
  }
})

test('MultiStepLR', () => {
  const o = sgd()
  expectRates(rates(o, new MultiStepLR(o, [1, 3]), 5), [1, 0.1, 0.1, 0.01, 0.01])
})

test('ExponentialLR', () => {
  const o = sgd(2)
  expectRates(rates(o, new ExponentialLR(o, 0.5), 4), [2, 1, 0.5, 0.25])
})

test('CosineAnnealingLR follows the recursion of its definition', () => {
  const o = sgd(0.5)
  const want = [0.5]
  for (let t = 1; t <= 10; t++) want.push(0.1 + ((want[t - 1] - 0.1) * (1 + Math.cos((Math.PI * t) / 10))) / (1 + Math.cos((Math.PI * (t - 1)) / 10)))
  expectRates(rates(o, new CosineAnnealingLR(o, 10, { etaMin: 0.1 }), 11), want)
})

test('LambdaLR', () => {
  const o = sgd(3)
  expectRates(rates(o, new LambdaLR(o, t => 1 / (1 + t)), 3), [3, 1.5, 1])
})

test('LinearLR warms up', () => {
  const o = sgd(4)
  expectRates(rates(o, new LinearLR(o, { startFactor: 0.25, totalIters: 3 }), 5), [1, 2, 3, 4, 4])
})

test('OneCycleLR: start, peak, end as documented by PyTorch', () => {
  for (const annealStrategy of ['cos', 'linear'] as const) {
    const o = sgd()
    const got = rates(o, new OneCycleLR(o, { maxLr: 1, totalSteps: 10, pctStart: 0.3, annealStrategy }), 10)
    expect(got[0]).toBeCloseTo(1 / 25, 12)
    expect(got[2]).toBeCloseTo(1, 12)
    expect(got[9]).toBeCloseTo(1 / 25 / 1e4, 12)
    expect(got[1]).toBeCloseTo((1 + 1 / 25) / 2, 12)
  }
})

test('groups keep their proportions, and state is restored', () => {
  const o = new optim.SGD([{ params: [new nn.Parameter(ones([1]))] }, { params: [new nn.Parameter(ones([1]))], lr: 10 }], { lr: 1 })
  const schedule = new ExponentialLR(o, 0.5)
  schedule.step()
  expect(schedule.lastLr).toEqual([0.5, 5])
  schedule.loadStateDict({ lastEpoch: 3 })
  expect(o.paramGroups.map(g => g.lr)).toEqual([0.125, 1.25])
})

test('mistakes', () => {
  expect(() => new StepLR(sgd(), 0)).toThrow(/stepSize is 0/)
  expect(() => new CosineAnnealingLR(sgd(), { tmax: 3 } as object)).toThrow(/unknown option 'tmax'.*did you mean 'tMax'/)
  const o = sgd()
  const cycle = new OneCycleLR(o, { maxLr: 1, totalSteps: 2 })
  cycle.step()
  cycle.step() // the one behind the last step of the training, as every loop takes it
  expect(() => cycle.step()).toThrow(/step 3 of 2/)
})
