// Random programs of views and in-place changes against finite differences, in float64 on the reference: either the gradient is right, or
// backward says which change spoilt a value that it needs.
import fc from 'fast-check'
import { beforeAll, expect, test } from 'vitest'
import { gradcheck } from '../../src/debug/index.ts'
import { init, tensor, type Tensor } from '../../src/index.ts'
import { flipView } from '../../src/ops/movement.ts'

const ranked = (rank: number, view: (x: Tensor) => Tensor) => (x: Tensor): Tensor => (x.ndim >= rank ? view(x) : x)

const views: Readonly<Record<string, (x: Tensor) => Tensor>> = {
  turned: ranked(2, x => x.transpose(0, -1)),
  flat: x => x.reshape(-1),
  first: ranked(1, x => x.at(0)),
  rest: ranked(1, x => x.at('1:')),
  flipped: ranked(1, x => flipView(x, 0)),
  everySecond: ranked(1, x => x.at('::2')),
  expanded: x => (x.ndim < 3 ? x.unsqueeze(0).expand(2, ...x.shape) : x),
  windows: ranked(1, x => (x.ndim < 4 && x.shape[x.ndim - 1] >= 2 ? x.unfold(-1, 2, 1) : x)),
  diagonal: ranked(2, x => x.diagonal()),
  cycled: ranked(2, x => x.permute([...x.shape.keys()].map(i => (i + 1) % x.ndim))),
  copied: x => x.clone(),
  sine: x => x.sin(),
  sorted: ranked(1, x => x.sort(0).values),
  summed: ranked(1, x => x.cumsum(0)),
}

const changes: Readonly<Record<string, (x: Tensor, y: Tensor) => void>> = {
  mul_: (x, y) => void x.mul_(y.mean()),
  add_: (x, y) => void x.add_(y.sin().sum()),
  sigmoid_: x => void x.sigmoid_(),
  copy_: (x, y) => void x.copy_(y.mean()),
  fill_: x => void x.fill_(0.5),
  square: x => void x.mul_(x),
}

const action = fc.oneof(
  fc.record({ view: fc.constantFrom(...Object.keys(views)), i: fc.nat(9) }),
  fc.record({ change: fc.constantFrom(...Object.keys(changes)), i: fc.nat(9), j: fc.nat(9) }),
)

beforeAll(async () => {
  await init({ device: 'reference' })
})

test('gradients through views of what changes in place', { timeout: 60_000 }, async () => {
  let right = 0
  await fc.assert(
    fc.asyncProperty(fc.array(action, { minLength: 2, maxLength: 9 }), async actions => {
      const program = (x: Tensor, w: Tensor): Tensor => {
        const xs = [x.mul(1), w.mul(1)]
        for (const a of actions) {
          const target = xs[a.i % xs.length]
          if ('view' in a) xs.push(views[a.view](target))
          else changes[a.change](target, xs[a.j % xs.length])
        }
        return xs.map((y, k) => y.mul(k + 1).sum()).reduce((p, q) => p.add(q))
      }
      const inputs = [tensor([[0.3, -0.7, 1.1], [0.9, 0.2, -0.4]], { requiresGrad: true }), tensor([[1.3, 0.6], [-0.8, 0.45]], { requiresGrad: true })]
      try {
        await gradcheck(program, inputs, { atol: 2e-3, rtol: 2e-3 })
        right++
      } catch (error) {
        expect(String(error)).toMatch(/was changed in place after|shows some elements more than once/)
      }
    }),
    { numRuns: 200, seed: 5 },
  )
  expect(right).toBeGreaterThan(100)
})
