// Random formulas of exponentials, logarithms, quotients, sums and softmaxes, at inputs where they lose no digits: here the stabilised
// forms have the same values and gradients as the naive ones, nearly.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { compile, grad, tensor, type Tensor } from '../../../src/index.ts'
import { eachDevice, inBrowser } from '../../each-device.ts'

interface Step {
  readonly text: string
  readonly run: (xs: readonly Tensor[]) => Tensor
}

const pick = (xs: readonly Tensor[], i: number): Tensor => xs[i % xs.length]
const forms: Readonly<Record<string, (x: Tensor, y: Tensor) => Tensor>> = {
  'exp(x)': x => x.exp(),
  'x / y': (x, y) => x.div(y),
  'x * y': (x, y) => x.mul(y),
  'x + y': (x, y) => x.add(y),
  'x - y': (x, y) => x.sub(y),
  '-x': x => x.neg(),
  '1 + x': x => x.add(1),
  '1 - x': x => x.neg().add(1),
  '1 / x': x => x.reciprocal(),
  'x²': x => x.square(),
  'log(1 + exp(x))': x => x.exp().add(1).log(),
  'log(softmax(x))': x => x.softmax(1).log(),
  'log(sigmoid(x) sigmoid(y))': (x, y) => x.sigmoid().mul(y.sigmoid()).log(),
  'log(x²)': x => x.square().log(),
  'sigmoid(x)': x => x.sigmoid(),
  'x * sigmoid(y)': (x, y) => x.mul(y.sigmoid()),
  'softmax(x)': x => x.softmax(1),
  'softmax(xᵀ)': x => x.softmax(0),
  'exp(x) / sum(exp(x))': x => x.exp().div(x.exp().sum(1, true)),
  'exp(x) / sum(exp(x)) of columns': x => x.exp().div(x.exp().sum(0, true)),
  'exp(x) / (exp(x) + exp(y))': (x, y) => x.exp().div(x.exp().add(y.exp())),
  'x / sum(y)': (x, y) => x.div(y.sum(1, true)),
  'sum(x / sum(y))': (x, y) => x.div(y.exp().sum(1, true)).sum(1, true).expand(3, 4),
  'log(sum(exp(x)))': x => x.exp().sum(1, true).log().expand(3, 4),
  'mean(x)': x => x.mean(0, true).expand(3, 4),
}
const step: fc.Arbitrary<Step> = fc.tuple(fc.constantFrom(...Object.keys(forms)), fc.nat(20), fc.nat(20)).map(([text, i, j]) => ({ text: `${text} with ${i}, ${j}`, run: xs => forms[text](pick(xs, i), pick(xs, j)) }))
const programs = fc.array(step, { minLength: 1, maxLength: 5 })

/** The last value and its gradients, where each element weighs something else or all weigh the same, which the compiler knows. */
function results(steps: readonly Step[], same: boolean, a: Tensor, b: Tensor): Tensor[] {
  const xs = [a, b]
  for (const s of steps) xs.push(s.run(xs))
  const last = xs.at(-1)!
  const weights = tensor([[1, 2, -1, 0.5], [3, 1, 1, -2], [0.25, 1, 2, 1]])
  return [...xs.slice(2), ...grad(same ? last.neg().mean() : last.mul(weights).sum(), [a, b], { allowUnused: true }).filter(g => g !== null)]
}
const inputs = (): Tensor[] => [[0.5, -1.25, 1.5, 0.75, 1.1, -0.4, 0.9, -1.6, 0.3, 1.7, -0.8, 0.6], [1.3, 0.4, -0.7, 1.9, 0.8, 1.2, -1.1, 0.55, 1.45, -0.35, 0.65, 1.05]].map(v => tensor(v).reshape(3, 4).requiresGrad_())

eachDevice(() => {
  test('values and gradients stay, nearly', { timeout: 120_000 }, async () => {
    const seen = new Set<string>()
    await fc.assert(
      fc.asyncProperty(programs, fc.boolean(), async (steps, same) => {
        const f = compile((a: Tensor, b: Tensor) => results(steps, same, a, b))
        const [a, b] = inputs()
        const want = await Promise.all(results(steps, same, a, b).map(async x => [...(await x.data())]))
        const got = await Promise.all(f(...(inputs() as [Tensor, Tensor])).map(async x => [...(await x.data())]))
        for (const r of f.explain().rewrites) seen.add(r.name)
        // Large numbers on the way magnify roundings, and what they end in proves nothing.
        if (want.every(list => list.every(x => Math.abs(x) < 1e3)))
          want.forEach((list, i) => {
            const slack = 2e-4 * Math.max(1, ...list.map(Math.abs))
            expect(list.every((w, k) => Math.abs(w - got[i][k]) <= slack), `value ${i}: ${got[i]}, want ${list}\n${steps.map(s => s.text).join('\n')}\n${f.explain()}`).toBe(true)
          })
        f.dispose()
      }),
      { numRuns: inBrowser ? 40 : 200, seed: 5 },
    )
    for (const name of ['cancel', 'log-softmax', 'softplus', 'log-sum-exp']) expect(seen).toContain(name)
  })
})
