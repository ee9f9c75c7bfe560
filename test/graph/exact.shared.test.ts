// Where explain().rounds is false, the numbers are those of eager code to the bit: random programs of sums, products and movements, whose
// values lie in memory in every way, with loops and branches between them.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { compile, grad, randn, rewrites, symbolic, tensor, zeros, type Tensor } from '../../src/index.ts'
import { deviceNames, eachDevice, inBrowser } from '../each-device.ts'

const { ifelse, scan } = symbolic

/** Each keeps 6 × 6; what it sums or multiplies may be a view. */
const steps: Readonly<Record<string, (x: Tensor, y: Tensor) => Tensor>> = {
  transpose: x => x.t(),
  flip: x => x.flip(1),
  copy: x => x.clone(),
  once: x => x.mul(1),
  negative: x => x.neg(),
  twice: x => x.neg().neg(),
  half: x => x.mul(0.5),
  quotient: (x, y) => x.div(y.square().add(1)),
  'sums of rows': x => x.add(x.sum(1, true)),
  'sums of columns': (x, y) => x.sub(y.neg().sum(0)),
  'sum of a row repeated': x => x.add(x.at(0).expand(6, 6).neg().sum(0).tanh()),
  'sum of all': (x, y) => x.add(y.sum().tanh()),
  product: (x, y) => x.tanh().matmul(y.t().tanh()),
  'product with a row': (x, y) => x.add(x.tanh().matmul(y.at(1).tanh())),
  softplus: x => x.clamp(-9, 9).exp().add(1).log(),
  joined: (x, y) => x.add(y.at('0:3').add(x.at('3:6')).repeat(2, 1)),
  written: (x, y) => x.t().clone().t().add_(y),
  loop: (x, y) => scan((a: Tensor, s: Tensor) => s.mul(0.5).add(a.exp().clamp(0, 9).add(1).log()), { sequences: x, outputsInfo: y.at(0) }) as Tensor,
  branch: (x, y) => ifelse(x.sum().gt(y.sum()), () => x.neg().sum(0).add(y), () => y.mul(1).t().sum(0).add(x)) as Tensor,
}
const names = Object.keys(steps)
const place = fc.nat(20)
const programs = fc.array(fc.tuple(fc.constantFrom(...names), place, place), { minLength: 2, maxLength: 8 })
type Program = readonly (readonly [string, number, number])[]

function results(program: Program, inputs: readonly Tensor[], derived: boolean): Tensor[] {
  const xs = [...inputs]
  for (const [name, i, j] of program) xs.push(steps[name](xs.at(-1 - (i % Math.min(3, xs.length)))!, xs[j % xs.length]))
  const last = xs.at(-1)!
  return derived && last.requiresGrad ? [last, ...grad(last.tanh().sum(), [...inputs], { allowUnused: true }).filter(g => g !== null)] : [last]
}

const values = async (list: readonly Tensor[]): Promise<number[][]> => Promise.all(list.map(async x => [...(await x.data())].map(Number)))
/** Zeros of either sign are equal. */
const equal = (a: readonly number[][], b: readonly number[][]): boolean => a.every((x, i) => x.every((v, k) => v === b[i][k] || Object.is(v, b[i][k])))
const rounding = rewrites().filter(r => r.rounds && !r.optional).map(r => r.name)

eachDevice(() => {
  test('the bits of eager code where rounds is false', { timeout: 120_000 }, async () => {
    const counts = { exact: 0, rounded: 0, other: 0 }
    await fc.assert(
      fc.asyncProperty(programs, fc.boolean(), fc.boolean(), async (program, derived, all) => {
        const inputs = [0, 1].map(k => tensor(Array.from({ length: 36 }, (_, i) => Math.sin(1.7 * i + 2.3 * k + 0.4))).reshape(6, 6).requiresGrad_())
        const f = compile((x: Tensor, y: Tensor) => results(program, [x, y], derived), { exclude: all ? [] : rounding })
        const got = await values(f(inputs[0], inputs[1]))
        const same = equal(got, await values(results(program, inputs, derived)))
        const { rounds } = f.explain()
        expect(rounds || same, `${program.map(p => p.join(' ')).join(', ')}\n${f.explain()}`).toBe(true)
        counts[!rounds ? 'exact' : same ? 'rounded' : 'other']++
        f.dispose()
      }),
      { numRuns: inBrowser ? 25 : 60, seed: 11 },
    )
    // Both kinds come up often enough for the test to mean something.
    expect(Math.min(counts.exact, counts.rounded + counts.other)).toBeGreaterThan(5)
  })

  test('a view as argument gives what eager code gives for a copy of it that lies in order', async () => {
    const x = randn(33, 65).t()
    const f = compile((x: Tensor) => [x.sum(0), x.matmul(x.t()), x.mean()], { exclude: rounding })
    const got = await values(f(x))
    expect(f.explain().rounds).toBe(false)
    const plain = x.contiguous()
    expect(got).toEqual(await values([plain.sum(0), plain.matmul(plain.t()), plain.mean()]))
  })

  test('what is excluded is excluded in steps of loops and sides of branches too, and what fires there is told', () => {
    const x = randn(4, 3)
    const naive = (a: Tensor): Tensor => a.exp().add(1).log()
    const loop = (x: Tensor): unknown => scan((a: Tensor, s: Tensor) => naive(a).add(s), { sequences: x, outputsInfo: zeros(3) })
    const branch = (x: Tensor): unknown => ifelse(x.at(0, 0).gt(0), () => naive(x), () => x)
    for (const f of [loop, branch])
      for (const exclude of [[], ['softplus']]) {
        const g = compile(f, { exclude })
        g(x)
        expect(g.explain().rewrites.some(r => r.name === 'softplus')).toBe(exclude.length === 0)
        expect(g.explain().rounds).toBe(exclude.length === 0)
      }
  })

  test('sums of what lies otherwise, and gradients of loops, may be rounded otherwise', () => {
    const spared = compile((x: Tensor) => x.expand(6, 4).mul(1).sum(0), { exclude: rounding })
    spared(randn(4))
    expect(spared.explain().rounds).toBe(true)
    const kept = compile((x: Tensor) => x.mul(1).sum(0), { exclude: rounding })
    kept(randn(6, 4))
    expect(kept.explain().rewrites.map(r => r.name)).toContain('mul-one')
    expect(kept.explain().rounds).toBe(false)
    const derived = compile((x: Tensor) => grad((scan((a: Tensor, s: Tensor) => s.add(a).tanh(), { sequences: x, outputsInfo: zeros(3) }) as Tensor).sum(), [x])[0], { exclude: rounding })
    derived(randn(4, 3).requiresGrad_())
    expect(derived.explain().rounds).toBe(true)
  })
}, deviceNames.filter(name => name === 'wasm'))
