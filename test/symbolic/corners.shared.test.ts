// Corners of expressions: what draws inside of a step, cut gradients of loops that end, wrong uses and what their errors say.
import { describe, expect, test } from 'vitest'
import { cat, compile, tensor, zeros, type Tensor } from '../../src/index.ts'
import * as S from '../../src/symbolic/index.ts'
import { eachDevice } from '../each-device.ts'

const list = async (x: Tensor): Promise<number[]> => Array.from(await x.data())

eachDevice(device => {
  describe('random variables that a step makes', () => {
    test('are drawn anew in each step and each call', async () => {
      const x = S.vector('x')
      const streams = new S.RandomStreams(1)
      const drawn = S.map((e: Tensor) => e.add(streams.uniform()), x)
      const f = S.func({ inputs: [x], outputs: drawn })
      const values = [...(await list(f([0, 0, 0]))), ...(await list(f([0, 0, 0])))]
      expect(new Set(values).size).toBe(6)
      const still = S.func({ inputs: [x], outputs: drawn, noDefaultUpdates: true })
      expect(await list(still([0, 0, 0]))).toEqual(await list(still([0, 0, 0])))
    })

    test('those made outside are one value for all steps', async () => {
      const x = S.vector('x')
      const u = new S.RandomStreams(1).uniform()
      const found = await list(S.func({ inputs: [x], outputs: S.map((e: Tensor) => e.add(u), x) })([0, 0, 0]))
      expect(new Set(found).size).toBe(1)
    })
  })

  describe('how loops begin', () => {
    /** What eager code, a compiled function and one of expressions give. */
    const ways = (x: Tensor, v: Tensor, f: (x: Tensor) => Tensor): Tensor[] => [f(x), compile(f)(x), S.func({ inputs: [v], outputs: f(v) })(x)]
    const sum = (from: number) => (x: Tensor): Tensor => S.reduce((e: Tensor, s: Tensor) => s.add(e), x, from)

    test('a number takes its dtype from the arguments of the step', async () => {
      const whole = tensor([1, 2, 3], { dtype: 'int32' })
      for (const y of ways(whole, S.ivector('v'), sum(0))) expect([y.dtype, await list(y)]).toEqual(['int32', [6]])
      for (const y of ways(whole, S.ivector('v'), sum(0.5))) expect([y.dtype, await list(y)]).toEqual(['float32', [6.5]])
      const halves = (x: Tensor): Tensor => S.scan((e: Tensor, s: Tensor) => s.add(e.div(2)), { sequences: x, outputsInfo: 0 })
      for (const y of ways(whole, S.ivector('v'), halves)) expect([y.dtype, await list(y)]).toEqual(['float32', [0.5, 1.5, 3]])
      expect(S.scan((n: Tensor) => n.add(1), { outputsInfo: 0, nSteps: 2 }).dtype).toBe('float32')
      if (device === 'webgpu') return
      for (const y of ways(tensor([1, 2], { dtype: 'float64' }), S.dvector('v'), sum(0.1))) expect([y.dtype, await list(y)]).toEqual(['float64', [0.1 + 1 + 2]])
    })

    test('without steps folds give what they begin with, others stacks without entries', async () => {
      for (const y of ways(zeros(0), S.vector('v'), sum(3))) expect([y.shape, await list(y)]).toEqual([[], [3]])
      for (const y of ways(zeros(0, 4), S.matrix('v'), x => S.map((e: Tensor) => e.narrow(0, 0, 3).gt(1), x))) expect([y.dtype, y.shape]).toEqual(['bool', [0, 3]])
      const [x, n] = [S.vector('x'), S.iscalar('n')]
      const f = S.func({ inputs: [x, n], outputs: S.scan((h: Tensor) => h.mul(2), { outputsInfo: x, nSteps: n }) })
      expect([f([1, 2], 0).shape, f([1, 2], 2).shape]).toEqual([[0, 2], [2, 2]])
      const slope = (u: Tensor): Tensor => S.grad((v: Tensor) => S.foldl((e: Tensor, h: Tensor) => h.mul(e), zeros(0), v).sum(), u)
      for (const g of ways(tensor([1, 2]), x, slope)) expect(await list(g)).toEqual([1, 1])
      expect(() => S.scan((h: Tensor) => h, { outputsInfo: tensor(1), nSteps: -1 })).toThrow(/\[scan\] -1 steps/)
    })
  })

  test('truncateGradient counts from the step that ends the loop', async () => {
    const walk = (x: Tensor): Tensor => S.scan((e: Tensor, h: Tensor) => [h.mul(2).add(e), S.until(h.mul(2).add(e).gt(5))], { sequences: x, outputsInfo: tensor(0), truncateGradient: 2 }).at(-1)
    const slope = (x: Tensor): Tensor => S.grad((v: Tensor) => walk(v), x)
    // The sums are 1, 3, 7; the gradient reaches the last two of these steps.
    const x = tensor([1, 1, 1, 1, 1, 1])
    const v = S.vector('v')
    for (const g of [slope(x), compile(slope)(x), S.func({ inputs: [v], outputs: slope(v) })(x)]) expect(await list(g)).toEqual([0, 2, 1, 0, 0, 0])
  })

  describe('derivatives', () => {
    const x = S.vector('x')
    test('a known gradient may be a number; a Jacobian of nothing has no rows', async () => {
      const f = S.func({ inputs: [x], outputs: S.grad(null, x, { knownGrads: [[x.square(), 3]] }) })
      expect(await list(f([1, 2]))).toEqual([6, 12])
      const rows = S.func({ inputs: [x], outputs: S.jacobian(x.square(), x) })
      expect(rows(zeros(0)).shape).toEqual([0, 0])
      expect(S.jacobian(v => v.narrow(0, 0, 0).exp(), tensor([1, 2])).shape).toEqual([0, 2])
    })

    test('wrong uses', () => {
      expect(() => S.func({ inputs: [x], outputs: S.hessian(x.square(), x) })([1, 2])).toThrow(/\[hessian\] the cost f32\[2\] has 2 elements/)
      // @ts-expect-error there is no such choice
      expect(() => S.grad(x.sum(), x, { disconnectedInputs: 'pass' })).toThrow(/\[grad\] disconnectedInputs is 'pass'.*'raise', 'warn' or 'ignore'/)
      const product = S.opFromGraph([x, S.vector('y')], x.mul(2), { name: 'product' })
      expect(() => product(x)).toThrow(/\[product\] 1 arguments were given.*it takes 2: x, y/)
    })
  })

  test('wrong loops and branches', () => {
    const double = (h: Tensor): Tensor => cat([h, h])
    expect(() => S.scan(double, { outputsInfo: tensor([1]), nSteps: 2 })).toThrow(/\[scan\] result 0 of step 1 is f32\[4\], that of the first step f32\[2\]/)
    expect(() => compile((x: Tensor) => S.scan(double, { outputsInfo: x, nSteps: 2 }))(tensor([1]))).toThrow(/\[scan\] result 0 of step 1 is f32\[4\]/)
    const short = (x: Tensor): Tensor[] => S.whileLoop((h: Tensor) => h.lt(9), (h: Tensor) => [h.mul(2)], [x, x], { maxSteps: 3 })
    expect(() => short(tensor(1))).toThrow(/\[whileLoop\] the body gave 1 results for 2 states/)
    expect(() => compile(short)(tensor(1))).toThrow(/\[whileLoop\] the body gave 1 results for 2 states/)
    const nothing = (): Tensor => undefined as unknown as Tensor
    expect(() => S.ifelse(true, nothing, tensor(2))).toThrow(/\[ifelse\] a branch gives undefined/)
    const c = S.vector('c')
    const f = S.func({ inputs: [c], outputs: S.ifelse(c, tensor(1), tensor(2)) })
    expect(() => f([1, 0])).toThrow(/\[ifelse\] the condition .* has 2 elements/)
  })
})
