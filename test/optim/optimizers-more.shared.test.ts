// The rarer optimisers on every device, eager and compiled, against runs of PyTorch in float64 (NAdam with μ taken once a step, as PyTorch 2
// does and the paper).
import { expect, test } from 'vitest'
import { compile, nn, optim, tensor, type Tensor } from '../../src/index.ts'
import { eachDevice } from '../each-device.ts'
import { expectValues, gradientAt, start, type Make } from './formulas.ts'

/** Name, optimiser, and the parameters after 8 steps. */
const runs: readonly (readonly [string, Make, readonly number[][]])[] = [
  ['Adadelta', p => new optim.Adadelta(p), [[0.49401025, -1.00496178, 1.99624079, 0.24219606], [1.49319007]]],
  ['Adadelta, all options', p => new optim.Adadelta(p, { lr: 0.5, rho: 0.7, eps: 1e-2, weightDecay: 0.1, maximize: true }), [[0.57669822, -0.74794349, 2.00933265, 0.42624332], [1.47725508]]],
  ['Adamax', p => new optim.Adamax(p), [[0.49418161, -1.00020247, 2.00040329, 0.24879849], [1.49867951]]],
  ['Adamax, all options', p => new optim.Adamax(p, { lr: 0.1, betas: [0.5, 0.6], eps: 0.01, weightDecay: 0.1, maximize: true }), [[0.68613102, -0.62341847, 1.92641923, 0.3099533], [1.50443675]]],
  ['NAdam', p => new optim.NAdam(p), [[0.49522008, -1.00180266, 1.99905748, 0.24742678], [1.49701458]]],
  ['NAdam, all options', p => new optim.NAdam(p, { lr: 0.1, betas: [0.8, 0.9], momentumDecay: 0.1, weightDecay: 0.1 }), [[0.2064343, -1.01517927, 1.83722269, 0.0906654], [1.17363181]]],
  ['RAdam', p => new optim.RAdam(p, { lr: 0.1 }), [[0.37983598, -0.99374376, 2.03375111, 0.18404212], [1.47518655]]],
  ['RAdam, all options', p => new optim.RAdam(p, { lr: 0.1, betas: [0.8, 0.9], weightDecay: 0.1 }), [[0.32943968, -0.96806551, 1.88734746, 0.14085358], [1.32697823]]],
  ['Rprop', p => new optim.Rprop(p), [[0.48125, -0.98525, 2.01875, 0.26875], [1.5059]]],
  ['Rprop, all options', p => new optim.Rprop(p, { lr: 0.1, etas: [0.7, 1.5], stepSizes: [0.08, 0.2] }), [[0.16, -0.94, 2.34, 0.59], [1.3]]],
]

eachDevice(() => {
  for (const [name, make, want] of runs)
    for (const world of ['eager', 'compiled'])
      test(`${name}, ${world}`, async () => {
        const params = start.map(v => new nn.Parameter(tensor(v)))
        const optimizer = make(params)
        const update = (...gradients: Tensor[]): void => {
          gradients.forEach((g, k) => (params[k].grad = g))
          optimizer.step()
        }
        const step = world === 'eager' ? update : compile(update)
        for (let t = 1; t <= 8; t++) step(...gradientAt(t).map(g => tensor(g)))
        await expectValues(params, want)
      })

  test('decay apart from the gradient shrinks the parameter alone', async () => {
    for (const make of [(p: Tensor[], o: object) => new optim.NAdam(p, { lr: 0.1, ...o }), (p: Tensor[], o: object) => new optim.RAdam(p, { lr: 0.1, ...o })]) {
      const [plain, decayed] = [{}, { weightDecay: 0.5, decoupledWeightDecay: true }].map(o => {
        const p = new nn.Parameter(tensor([2, -1]))
        p.grad = tensor([1, 3])
        make([p], o).step()
        return p
      })
      const [a, b] = [await plain.data(), await decayed.data()]
      expect(b[0] - a[0]).toBeCloseTo(-2 * 0.05, 5)
      expect(b[1] - a[1]).toBeCloseTo(0.05, 5)
    }
  })
})
