// Schedules against their recursive or tabulated definitions.
import { beforeAll, expect, test } from 'vitest'
import { init, nn, ones, optim } from '../../src/index.ts'

const { StepLR, MultiStepLR, ExponentialLR, CosineAnnealingLR, LambdaLR, LinearLR, OneCycleLR } = optim.lrScheduler
const { ConstantLR, PolynomialLR, MultiplicativeLR, CosineAnnealingWarmRestarts, CyclicLR, SequentialLR, ChainedScheduler, ReduceLROnPlateau } = optim.lrScheduler

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

// The rates that PyTorch gives in 12 steps from 1.
const tables: readonly (readonly [string, (o: optim.SGD) => { step(): void }, number[]])[] = [
  ['ConstantLR', o => new ConstantLR(o, { factor: 0.25, totalIters: 3 }), [0.25, 0.25, 0.25, 1, 1, 1, 1, 1, 1, 1, 1, 1]],
  ['PolynomialLR', o => new PolynomialLR(o, { totalIters: 6, power: 2 }), [1, 0.694444444444, 0.444444444444, 0.25, 0.111111111111, 0.0277777777778, 0, 0, 0, 0, 0, 0]],
  ['MultiplicativeLR', o => new MultiplicativeLR(o, t => (t % 2 ? 0.9 : 0.8)), [1, 0.9, 0.72, 0.648, 0.5184, 0.46656, 0.373248, 0.3359232, 0.26873856, 0.241864704, 0.1934917632, 0.17414258688]],
  ['warm restarts, longer each time', o => new CosineAnnealingWarmRestarts(o, 3, { tMult: 2, etaMin: 0.1 }), [1, 0.775, 0.325, 1, 0.939711431703, 0.775, 0.55, 0.325, 0.160288568297, 1, 0.98466662183, 0.939711431703]],
  ['warm restarts', o => new CosineAnnealingWarmRestarts(o, 4), [1, 0.853553390593, 0.5, 0.146446609407, 1, 0.853553390593, 0.5, 0.146446609407, 1, 0.853553390593, 0.5, 0.146446609407]],
  ['CyclicLR', o => new CyclicLR(o, 0.1, 1, { stepSizeUp: 2, stepSizeDown: 3 }), [0.1, 0.55, 1, 0.7, 0.4, 0.1, 0.55, 1, 0.7, 0.4, 0.1, 0.55]],
  ['CyclicLR, halved', o => new CyclicLR(o, 0.1, 1, { stepSizeUp: 2, mode: 'triangular2' }), [0.1, 0.55, 1, 0.55, 0.1, 0.325, 0.55, 0.325, 0.1, 0.2125, 0.325, 0.2125]],
  ['CyclicLR, fading', o => new CyclicLR(o, 0.1, 1, { stepSizeUp: 2, mode: 'exp_range', gamma: 0.9 }), [0.1, 0.505, 0.829, 0.42805, 0.1, 0.3657205, 0.5782969, 0.315233605, 0.1, 0.27433922005, 0.41381059609, 0.241214768241]],
  ['SequentialLR', o => new SequentialLR(o, [new LinearLR(o, { startFactor: 0.25, totalIters: 3 }), new ExponentialLR(o, 0.5), new ConstantLR(o, { factor: 0.1, totalIters: 2 })], [3, 7]), [0.25, 0.5, 0.75, 1, 0.5, 0.25, 0.125, 0.1, 0.1, 1, 1, 1]],
  ['warm-up, then a cosine', o => new SequentialLR(o, [new LinearLR(o, { startFactor: 0.01, totalIters: 4 }), new CosineAnnealingLR(o, 8)], [4]), [0.01, 0.2575, 0.505, 0.7525, 1, 0.961939766256, 0.853553390593, 0.691341716183, 0.5, 0.308658283817, 0.146446609407, 0.0380602337444]],
  ['ChainedScheduler', o => new ChainedScheduler([new ConstantLR(o, { factor: 0.1, totalIters: 2 }), new ExponentialLR(o, 0.9), new StepLR(o, 4)]), [0.1, 0.09, 0.81, 0.729, 0.06561, 0.059049, 0.0531441, 0.04782969, 0.0043046721, 0.00387420489, 0.003486784401, 0.0031381059609]],
]
test.each(tables)('%s: PyTorch’s table', (_, make, want) => {
  const o = sgd()
  const schedule = make(o)
  const got = rates(o, schedule, want.length)
  got.forEach((rate, i) => expect(rate, `step ${i}`).toBeCloseTo(want[i], 11))
})

const metrics = [1, 0.9, 0.95, 0.95, 0.95, 0.8, 0.81, 0.82, 0.83, 0.84, 0.85, 0.86, 0.87, 0.88, 0.5, 0.6]
test.each([
  [{ factor: 0.5, patience: 1 }, [1, 1, 1, 0.5, 0.5, 0.5, 0.5, 0.25, 0.25, 0.125, 0.125, 0.0625, 0.0625, 0.03125, 0.03125, 0.03125]],
  [{ mode: 'max', patience: 0, cooldown: 2, threshold: 0.01, thresholdMode: 'abs', minLr: 0.005 }, [1, 0.1, 0.1, 0.1, 0.01, 0.01, 0.01, 0.005, 0.005, 0.005, 0.005, 0.005, 0.005, 0.005, 0.005, 0.005]],
] as const)('ReduceLROnPlateau %j: PyTorch’s table, also after a stop', (options, want) => {
  const o = sgd()
  let schedule = new ReduceLROnPlateau(o, options)
  metrics.forEach((metric, i) => {
    schedule.step(metric)
    expect(schedule.lastLr[0], `step ${i}`).toBeCloseTo(want[i], 12)
    const resumed = new ReduceLROnPlateau(o, options)
    resumed.loadStateDict(schedule.stateDict())
    schedule = resumed
  })
})

test('a schedule of one’s own', () => {
  class Halving extends optim.lrScheduler.LRScheduler {
    override rate(base: number, t: number): number {
      return base / 2 ** t
    }
  }
  const o = sgd(4)
  expectRates(rates(o, new Halving(o), 3), [4, 2, 1])
})

test('what leads may come in the options, as keywords do in PyTorch', () => {
  const pairs: readonly (readonly [(o: ReturnType<typeof sgd>) => { step(): void }, (o: ReturnType<typeof sgd>) => { step(): void }])[] = [
    [o => new MultiStepLR(o, { milestones: [2], gamma: 0.5 }), o => new MultiStepLR(o, [2], { gamma: 0.5 })],
    [o => new ExponentialLR(o, { gamma: 0.5 }), o => new ExponentialLR(o, 0.5)],
    [o => new CosineAnnealingWarmRestarts(o, { t0: 3, tMult: 2 }), o => new CosineAnnealingWarmRestarts(o, 3, { tMult: 2 })],
  ]
  for (const [byName, byPlace] of pairs) {
    const [a, b] = [sgd(), sgd()]
    expect(rates(a, byName(a), 5)).toEqual(rates(b, byPlace(b), 5))
  }
})

test('mistakes', () => {
  expect(() => new MultiStepLR(sgd(), [])).toThrow(/\[MultiStepLR\] there are no milestones/)
  expect(() => new ExponentialLR(sgd(), {})).toThrow(/\[ExponentialLR\] gamma is NaN/)
  expect(() => new CyclicLR(sgd(), { baseLr: 1, maxLr: 2 } as never, undefined as never)).toThrow(/\[CyclicLR\] the two rates are missing/)
  expect(() => new StepLR({} as never, 3)).toThrow(/\[StepLR\] the first argument is no optimiser/)
  expect(() => new SequentialLR(sgd(), [new ExponentialLR(sgd(), 0.5)], [3])).toThrow(/1 milestones between 1 schedules/)
  expect(() => new ReduceLROnPlateau(sgd(), { factor: 2 })).toThrow(/factor is 2/)
  expect(() => (new ReduceLROnPlateau(sgd()) as { step(metric?: number): void }).step()).toThrow(/step\(\) got nothing.*pass the number to watch/)
  expect(() => new StepLR(sgd(), 0)).toThrow(/stepSize is 0/)
  expect(() => new CosineAnnealingLR(sgd(), { tmax: 3 } as object)).toThrow(/unknown option 'tmax'.*did you mean 'tMax'/)
  const o = sgd()
  const cycle = new OneCycleLR(o, { maxLr: 1, totalSteps: 2 })
  cycle.step()
  cycle.step() // the one behind the last step of the training, as every loop takes it
  expect(() => cycle.step()).toThrow(/step 3 of 2/)
})
