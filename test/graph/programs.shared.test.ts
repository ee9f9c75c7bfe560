// Random small programs of ops, views and in-place writes, on arguments and captured state: compiled they do what they do eagerly, in
// the call that traces and in those that replay.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { compile, grad, rewrites, tensor, type Tensor } from '../../src/index.ts'
import { flipView } from '../../src/ops/movement.ts'
import { eachDevice, inBrowser } from '../each-device.ts'

type Make = (xs: readonly Tensor[]) => Tensor
interface Action {
  readonly text: string
  readonly run: (xs: Tensor[]) => void
}

const pick = (xs: readonly Tensor[], i: number): Tensor => xs[i % xs.length]

/** Views and new values; every tensor has a shape that may be seen as [2, 3] or a part of it. */
const makes: Readonly<Record<string, (i: number, j: number) => Make>> = {
  turned: i => xs => pick(xs, i).permute([...pick(xs, i).shape.keys()].reverse()),
  flat: i => xs => pick(xs, i).reshape(-1),
  first: i => xs => (pick(xs, i).ndim > 0 ? pick(xs, i).at(0) : pick(xs, i)),
  last: i => xs => (pick(xs, i).ndim > 0 ? pick(xs, i).at('-1:') : pick(xs, i)),
  flipped: i => xs => (pick(xs, i).ndim > 0 ? flipView(pick(xs, i), 0) : pick(xs, i)),
  added: (i, j) => xs => pick(xs, i).add(pick(xs, j).sum()),
  scaled: i => xs => pick(xs, i).mul(0.5),
  copied: i => xs => pick(xs, i).clone(),
  detached: i => xs => pick(xs, i).detach(),
  summed: i => xs => pick(xs, i).cumsum(0),
  filled: i => xs => pick(xs, i).mul(0).add(3),
}

const makeAction = fc.record({ kind: fc.constantFrom(...Object.keys(makes)), i: fc.nat(7), j: fc.nat(7) }).map(
  ({ kind, i, j }): Action => ({ text: `push ${kind}(${i}, ${j})`, run: xs => void xs.push(makes[kind](i, j)(xs)) }),
)

/** In-place writes that fit any operands. */
const writes: Readonly<Record<string, (x: Tensor, y: Tensor) => void>> = {
  add_: (x, y) => void x.add_(y.sum()),
  mul_: (x, y) => void x.mul_(y.mean().mul(0.25)),
  fill_: x => void x.fill_(2),
  copyFlipped: x => void (x.ndim > 0 && x.copy_(x.flip(0))),
  copyMean: (x, y) => void x.copy_(y.mean()),
  addTurned: x => void (x.ndim === 2 && x.shape[0] === x.shape[1] && x.add_(x.t())),
  sub_: x => void x.sub_(1),
}

const writeAction = fc.record({ kind: fc.constantFrom(...Object.keys(writes)), i: fc.nat(7), j: fc.nat(7) }).map(
  ({ kind, i, j }): Action => ({ text: `${kind}(${i}, ${j})`, run: xs => writes[kind](pick(xs, i), pick(xs, j)) }),
)

const programs = fc.array(fc.oneof(makeAction, writeAction), { minLength: 2, maxLength: 12 })

/** Two pieces of state (one reached through a view), and two arguments. */
class Setting {
  readonly state = [tensor([[1, 2, 3], [4, 5, 6]]), tensor([[1, -1], [2, -2]]).t()]
  readonly step: (a: Tensor, b: Tensor) => Tensor[]
  constructor(actions: readonly Action[]) {
    this.step = (a, b) => {
      const xs = [a, ...this.state, b]
      for (const action of actions) action.run(xs)
      return xs
    }
  }
}

/** The same on values that depend on leaves: the result is the loss and its gradients. What in-place changes spoil is refused by both. */
class Differentiated {
  readonly leaf = tensor([[1, 2, 3], [4, 5, 6]], { requiresGrad: true })
  readonly step: (a: Tensor, b: Tensor) => Tensor[]
  constructor(actions: readonly Action[]) {
    this.step = (a, b) => {
      const xs = [a.mul(1), this.leaf.sin(), this.leaf.mul(0.5).t(), b.exp()]
      for (const action of actions) action.run(xs)
      const loss = xs.map((x, i) => x.mul(i + 1).sum()).reduce((p, q) => p.add(q))
      const gradients: (Tensor | null)[] = grad(loss, [this.leaf, a, b], { allowUnused: true })
      return [loss, ...gradients.filter(g => g !== null)]
    }
  }
}

/** The results, or what was refused. */
async function outcome(run: () => Tensor[]): Promise<string> {
  try {
    return await numbers(run())
  } catch (error) {
    return String(error)
  }
}

const numbers = async (xs: readonly Tensor[]): Promise<string> => JSON.stringify(await Promise.all(xs.map(async x => [String(x), ...(await x.data())])))

const argumentsOf = (call: number): [Tensor, Tensor] => {
  const wide = tensor([[0.5, 1, -1, 2], [3, -2, 4, call]])
  return [wide.at(':', '1:'), tensor([call, 2, 7])]
}

/** Fused sums may add in another order; fuse/properties.shared.test.ts has those. */
const exclude = rewrites().filter(r => r.rounds && !r.optional).map(r => r.name)

eachDevice(() => {
  test('the same results, arguments and state', { timeout: 120_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(programs, async actions => {
        const [plain, traced] = [new Setting(actions), new Setting(actions)]
        const step = compile(traced.step, { exclude })
        for (let call = 0; call < 3; call++) {
          const [a, b] = [argumentsOf(call), argumentsOf(call)]
          const want = await numbers([...plain.step(...a), ...a, ...plain.state])
          const got = await numbers([...step(...b), ...b, ...traced.state])
          expect(got, `call ${call} of\n${actions.map(x => x.text).join('\n')}`).toBe(want)
        }
        step.dispose()
      }),
      { numRuns: inBrowser ? 40 : 100, seed: 1 },
    )
  })

  test('the same gradients, or the same refusal', { timeout: 120_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(programs, async actions => {
        const [plain, traced] = [new Differentiated(actions), new Differentiated(actions)]
        const step = compile(traced.step, { exclude })
        for (let call = 0; call < 2; call++) {
          const [a, b] = argumentsOf(call).map(x => x.clone().requiresGrad_())
          const want = await outcome(() => plain.step(a, b))
          const got = await outcome(() => step(a, b))
          expect(got, `call ${call} of\n${actions.map(x => x.text).join('\n')}`).toBe(want)
        }
        step.dispose()
      }),
      { numRuns: inBrowser ? 40 : 100, seed: 2 },
    )
  })
})
