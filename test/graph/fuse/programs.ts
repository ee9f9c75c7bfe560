// Random programs of what fusion meets: arithmetic, views, broadcasts, reductions, softmax, products, copies, narrow numbers, gradients, and memory
// that is changed in place, also through views of it.
import fc from 'fast-check'
import { cat, grad, noGrad, where, type Tensor } from '../../../src/index.ts'

/** From the values so far to one more, all of [3, 4]. The state is what the program may change. */
export interface Step {
  readonly text: string
  readonly run: (xs: readonly Tensor[], state: readonly Tensor[]) => Tensor | null
}

const one: Readonly<Record<string, (x: Tensor) => Tensor>> = {
  exp: x => x.clamp(-3, 3).exp(),
  neg: x => x.neg(),
  relu: x => x.relu(),
  'a third more': x => x.add(1 / 3),
  'scaled': x => x.mul(0.7),
  'transposed and back': x => x.t().mul(2).t(),
  'as a list': x => x.reshape(12).abs().reshape(3, 4),
  'in parts': x => x.reshape(3, 2, 2).sub(x.reshape(3, 2, 2).amax(1, true)).reshape(3, 4),
  flipped: x => x.flip(1).add(x),
  'rows moved': x => cat([x.at('1:3').mul(2), x.at('0:1')], 0),
  'half of it': x => x.at(':', '0:2').sin().repeat(1, 2),
  'a column': x => x.at(':', '1:2').add(1).expand(3, 4),
  'first row': x => x.at(0).mul(0.5).expand(3, 4),
  softmax: x => x.softmax(1),
  'softmax down': x => x.softmax(0),
  logSoftmax: x => x.logSoftmax(1),
  centred: x => x.sub(x.mean(1, true)),
  'standard': x => x.sub(x.mean(1, true)).div(x.sub(x.mean(1, true)).square().mean(1, true).add(0.1).sqrt()),
  'sum of all': x => x.square().sum().expand(3, 4),
  'mean down': x => x.mean(0).expand(3, 4),
  'share of all': x => x.abs().div(x.abs().sum().add(1)),
  'largest': x => x.amax(1, true).mul(2).expand(3, 4),
  'sorted': x => x.sort(1).values,
  'running sum': x => x.cumsum(1),
  'rounded to 16 bits': x => x.to('float16').mul(3).to('float32'),
  'as bytes': x => x.clamp(0, 9).mul(20).to('uint8').add(7).to('float32'),
  'as whole numbers': x => x.clamp(-9, 9).mul(10).to('int32').mul(3).to('float32'),
  'a product with bias': x => x.matmul(x.t().matmul(x)).mul(0.01).add(x.at(0)).tanh(),
  'a product, twice used': x => {
    const y = x.matmul(x.t())
    return y.sigmoid().add(y).matmul(x).mul(0.1)
  },
}
const two: Readonly<Record<string, (x: Tensor, y: Tensor) => Tensor>> = {
  add: (x, y) => x.add(y),
  mul: (x, y) => x.mul(y),
  sub: (x, y) => x.sub(y.t().reshape(3, 4)),
  chosen: (x, y) => where(x.gt(y), x.mul(2), y),
  'sum of products': (x, y) => x.mul(y).sum(0).expand(3, 4),
  'rows scaled': (x, y) => x.mul(y.sum(1, true)),
  'product with epilogue': (x, y) => x.matmul(y.t()).add(y.sum(1)).relu().matmul(x).mul(0.1),
}
/** Changes to memory; `k` says of which state. */
const changes: Readonly<Record<string, (s: Tensor, x: Tensor) => void>> = {
  'add_': (s, x) => s.add_(x),
  'copy_': (s, x) => s.copy_(x),
  'mul_ by itself and more': (s, x) => s.mul_(0.5).add_(x.mul(s)),
  'add_ to a row': (s, x) => s.at(1).add_(x.at(0)),
  'copy_ of a view of itself': s => s.copy_(s.flip(1)),
  'add_ to the transposed': (s, x) => s.t().add_(x.t().mul(2)),
  'a column zeroed': s => s.at(':', 2).mul_(0),
}

const keys = <T>(of: Readonly<Record<string, T>>): fc.Arbitrary<string> => fc.constantFrom(...Object.keys(of))
const index = fc.nat(20)
const pick = (xs: readonly Tensor[], i: number): Tensor => xs[xs.length - 1 - (i % xs.length)]

const pure: fc.Arbitrary<Step> = fc.oneof(
  fc.tuple(keys(one), index).map(([name, i]): Step => ({ text: `${name} of −${i}`, run: xs => one[name](pick(xs, i)) })),
  fc.tuple(keys(two), index, index).map(([name, i, j]): Step => ({ text: `${name} of −${i}, −${j}`, run: xs => two[name](pick(xs, i), pick(xs, j)) })),
)
const changing: fc.Arbitrary<Step> = fc.oneof(
  fc.tuple(keys(changes), index, fc.nat(1)).map(([name, i, k]): Step => ({ text: `${name}: state ${k} by −${i}`, run: (xs, state) => (noGrad(() => changes[name](state[k], pick(xs, i).detach())), null) })),
  fc.nat(1).map((k): Step => ({ text: `read state ${k}`, run: (_, state) => state[k].mul(1.5) })),
  fc.constant<Step>({ text: 'exchange the states', run: (_, [p, q]) => (noGrad(() => {
    const old = p.clone()
    p.copy_(q)
    q.copy_(old)
  }), null) }),
)

export const formulas: fc.Arbitrary<Step[]> = fc.array(pure, { minLength: 2, maxLength: 9 })
export const mixed: fc.Arbitrary<Step[]> = fc.array(fc.oneof({ weight: 2, arbitrary: pure }, changing), { minLength: 3, maxLength: 12 })
/** How many of the last values a program gives back; the others may never be stored. */
export const kept: fc.Arbitrary<number> = fc.integer({ min: 1, max: 3 })

/** The last values, and the gradients of their sum. */
export function run(steps: readonly Step[], keep: number, a: Tensor, b: Tensor, state: readonly Tensor[]): Tensor[] {
  const xs = [a, b]
  for (const s of steps) {
    const made = s.run(xs, state)
    if (made) xs.push(made)
  }
  const last = xs.slice(-keep)
  const total = last.map(x => x.sum()).reduce((x, y) => x.add(y))
  return total.requiresGrad ? [...last, ...grad(total, [a, b], { allowUnused: true }).filter(g => g !== null)] : last
}
