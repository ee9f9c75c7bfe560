// Random programs over the table of pointwise ops, with reductions and views between them: what the passes leave computes the same values and
// gradients, infinities and NaN included. Rewrites that may round differently, or are better where a formula overflows, are left out here;
// stable.shared.test.ts has them.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { compile, grad, LampasError, rewrites, tensor, where, type Tensor } from '../../../src/index.ts'
import { deviceNames, eachDevice, inBrowser } from '../../each-device.ts'
import { apply1 } from '../../../src/ops/define.ts'
import type { Op } from '../../../src/ops/op.ts'
import { pointwiseOps } from '../../../src/ops/pointwise-record.ts'

/** One step: from the values so far to one more. */
interface Step {
  readonly text: string
  readonly run: (xs: readonly Tensor[]) => Tensor
}

/** These refuse a derivative by their first operand. */
const refusing = new Set(['igamma', 'igammac', 'zeta'])
const takesFloats = (op: Op<null>, arity: number): boolean => {
  try {
    return op.infer(Array.from({ length: arity }, () => ({ dtype: 'float32' as const, shape: [] })), null)[0].dtype !== 'complex64'
  } catch (error) {
    if (error instanceof LampasError) return false
    throw error
  }
}
const floats = [...pointwiseOps].filter(([name, op]) => !refusing.has(name) && takesFloats(op, op.samples![0].shapes.length)).map(([name, op]) => ({ name, op, arity: op.samples![0].shapes.length }))
const pick = (xs: readonly Tensor[], i: number): Tensor => xs[i % xs.length]
const index = fc.nat(20)
const number = fc.constantFrom(0, 1, -1, 2, 0.5, -2, 3)

const ops: fc.Arbitrary<Step> = fc.tuple(fc.constantFrom(...floats), index, index, index, fc.option(number, { nil: null })).map(([{ name, op, arity }, i, j, k, c]) => ({
  text: `${name}(${[i, j, k].slice(0, arity)}${c === null || arity < 2 ? '' : `, with ${c}`})`,
  run: xs => {
    const operands = [pick(xs, i), pick(xs, j), pick(xs, k)].slice(0, arity)
    const number = tensorOf(c)
    return tidy(apply1(op, number && arity > 1 ? operands.with(1, number) : operands, null))
  },
}))
const tensorOf = (c: number | null): Tensor | null => (c === null ? null : tensor(c).expand([3, 4]))
const algebra: fc.Arbitrary<Step> = fc.tuple(fc.constantFrom('add', 'sub', 'mul', 'div', 'neg', 'exp', 'abs', 'square', 'relu'), index, index, fc.option(number, { nil: null })).map(([name, i, j, c]) => ({
  text: `${name}(${i}, ${c ?? `#${j}`})`,
  run: xs => {
    const x = pick(xs, i)
    return name === 'add' || name === 'sub' || name === 'mul' || name === 'div' ? x[name](c ?? pick(xs, j)) : x[name as 'neg']()
  },
}))
const shapes: Readonly<Record<string, (x: Tensor) => Tensor>> = {
  'permute twice': x => x.t().exp().t(),
  'reshape twice': x => x.reshape(12).reshape(2, 6).reshape(3, 4),
  'flip twice': x => x.flip(1).neg().flip(1),
  'rows put together': x => x.at('0:1').add(x.at('1:3').at('1:2')).expand(3, 4),
  'sum spread': x => x.neg().sum(1, true).expand(3, 4),
  'largest spread': x => x.amax(1).amax(0).expand(3, 4),
  'one column': x => x.mul(2).at(':', 1).unsqueeze(1).expand(3, 4),
  'chosen': x => where(x.gt(0).logicalNot(), x.mul(1), x.add(0)),
  'as integers': x => x.clamp(-5, 5).to('int32').mul(1).to('float32'),
}
const shaping: fc.Arbitrary<Step> = fc.tuple(fc.constantFrom(...Object.keys(shapes)), index).map(([text, i]) => ({ text: `${text} of ${i}`, run: xs => shapes[text](pick(xs, i)) }))
const programs = fc.array(fc.oneof(ops, { weight: 2, arbitrary: algebra }, shaping), { minLength: 2, maxLength: 10 })

const tidy = (x: Tensor): Tensor => (x.dtype === 'float32' ? x : x.to('float32'))

/** Everything that the program makes, and the gradient of the last value. */
function results(steps: readonly Step[], a: Tensor, b: Tensor): Tensor[] {
  const xs = [a, b]
  for (const s of steps) xs.push(s.run(xs))
  const last = xs.at(-1)!
  if (!last.requiresGrad) return xs
  return [...xs, ...grad(last.sum(), [a, b], { allowUnused: true }).filter(g => g !== null)]
}

/** Equal bits; zeros of either sign are equal, and so are NaNs. */
const equal = (a: ArrayLike<number>, b: ArrayLike<number>): boolean => a.length === b.length && Array.from(a).every((x, i) => x === b[i] || Object.is(x, b[i]))

/** After these a zero may have the other sign, of which a quotient makes the other infinity. */
const signs = ['add-zero', 'sum-of-neg', 'reduce-size-one', 'scatter-of-zeros']
const excluded = [...rewrites().filter(r => r.rounds).map(r => r.name), ...signs]
const inputs = (values: readonly number[]): Tensor => tensor(values).reshape(3, 4).requiresGrad_()
const some = fc.array(fc.constantFrom(0.5, -1.5, 2, -0.25, 3, 1, 0, -1, 1e20, -1e-20, Infinity, -Infinity, NaN), { minLength: 12, maxLength: 12 })

/** Sums and products of x, y, z and numbers, with what has been made so far. */
const sums = fc.array(
  fc.tuple(fc.constantFrom('add', 'sub', 'mul', 'neg', 'div'), index, index, fc.option(fc.constantFrom(1, -1, 2, -3, 5), { nil: null })).map(([name, i, j, c]) => ({
    text: `${name}(${i}, ${c ?? `#${j}`})`,
    run: (xs: readonly Tensor[]) => {
      const [x, y] = [pick(xs, i), c ?? pick(xs, j)]
      if (name === 'neg') return x.neg()
      return name === 'div' && !x.dtype.startsWith('float') ? x : x[name as 'add'](y)
    },
  })),
  { minLength: 2, maxLength: 9 },
)
/** All values of a program; the middle ones only where others shall see them too. */
const made = (steps: readonly Step[], inputs: readonly Tensor[], all: boolean): Tensor[] => {
  const xs = [...inputs]
  for (const s of steps) xs.push(s.run(xs))
  return all ? xs.slice(inputs.length) : xs.slice(-1)
}

eachDevice(() => {
  test('sums and products in one form: whole numbers to the bit, floats nearly, and those only where it is asked for', { timeout: 120_000 }, async () => {
    const seen = new Set<string>()
    const floats = ['collect-terms-of-floats', 'collect-factors-of-floats']
    await fc.assert(
      fc.asyncProperty(sums, fc.boolean(), fc.constantFrom('int32', 'uint32', 'uint8', 'float32'), async (steps, all, dtype) => {
        const inputs = [tensor([[3], [7], [2]], { dtype }), tensor([[5, 11, 4, 6]], { dtype }), tensor([[1.25, 2, 3, 1.5], [2.5, 3.5, 1, 2], [7, 1, 2, 3]]).to(dtype)]
        // Far from where digits are lost, float64 tells what is right.
        const want = made(steps, dtype === 'float32' ? inputs.map(x => x.to('float64')) : inputs, all)
        const step = compile((...xs: Tensor[]) => made(steps, xs, all), { include: floats })
        const plain = compile((...xs: Tensor[]) => made(steps, xs, all))
        const got = step(...inputs)
        plain(...inputs)
        for (const [i, w] of want.entries()) {
          const [x, y] = [[...(await got[i].data())], [...(await w.data())]]
          const told = `value ${i}: ${x}, want ${y}\n${steps.map(s => s.text).join('\n')}\n${step.explain()}`
          expect([...got[i].shape], told).toEqual([...w.shape])
          if (dtype !== 'float32') expect(x, told).toEqual(y)
          else if (y.every(v => v === 0 || (Math.abs(v) > 1e-2 && Math.abs(v) < 1e6))) x.forEach((v, k) => expect(Math.abs(v - y[k]), told).toBeLessThan(1e-2 * Math.max(1, Math.abs(y[k]))))
        }
        for (const r of step.explain().rewrites) seen.add(r.name)
        for (const name of floats) expect(plain.explain().rewrites.map(r => r.name)).not.toContain(name)
        for (const f of [step, plain]) f.dispose()
      }),
      { numRuns: inBrowser ? 40 : 200, seed: 7 },
    )
    for (const name of ['collect-terms', 'collect-factors', ...floats]) expect(seen, name).toContain(name)
  })
}, deviceNames.filter(name => name !== 'webgpu'))

eachDevice(() => {
  // A shader need not keep infinities and NaN, so it is left out.
  test('values and gradients stay, to the bit', { timeout: 120_000 }, async () => {
    const seen = new Set<string>()
    await fc.assert(
      fc.asyncProperty(programs, some, some, async (steps, a, b) => {
        const step = compile((x: Tensor, y: Tensor) => results(steps, x, y), { exclude: excluded })
        const want = results(steps, inputs(a), inputs(b))
        const got = step(inputs(a), inputs(b))
        for (const [i, w] of want.entries()) {
          const [x, y] = [await got[i].data(), await w.data()]
          expect(equal(x, y), `value ${i}: ${[...x]}, want ${[...y]}\n${steps.map(s => s.text).join('\n')}\n${step.explain()}`).toBe(true)
        }
        for (const r of step.explain().rewrites) seen.add(r.name)
        step.dispose()
      }),
      { numRuns: inBrowser ? 30 : 120, seed: 4 },
    )
    // The programs would prove nothing if nothing fired on them.
    expect(seen.size).toBeGreaterThan(inBrowser ? 10 : 20)
  })
}, deviceNames.filter(name => name !== 'webgpu'))
