// Rewrites of users: they fire where their pattern stands and only there, keep values and gradients, and bad ones are refused.
import { afterEach, describe, expect, test } from 'vitest'
import { compile, grad, hypot, randn, rewrites, symbolic, tensor, zerosLike, type Compiled, type Tensor } from '../../src/index.ts'
import { eachDevice } from '../each-device.ts'

const { rewrite, scalar, scalars, matrix, matrices } = symbolic
const list = async (x: Tensor): Promise<number[]> => Array.from(await x.data())
const near = (a: readonly number[], b: readonly number[]): void => a.forEach((v, i) => expect(v).toBeCloseTo(b[i], 4))

const rules: symbolic.OwnRewrite[] = []
const rule = (spec: symbolic.RewriteSpec): symbolic.OwnRewrite => (rules.push(rewrite(spec)), rules.at(-1)!)
afterEach(() => rules.splice(0).forEach(r => r.remove()))

/** How often a rewrite fired when this was compiled and called. */
function fired<A extends unknown[]>(f: (...args: A) => unknown, name: string, ...args: A): number {
  const step: Compiled<A, unknown> = compile(f)
  step(...args)
  return step.explain().rewrites.find(r => r.name === name)?.count ?? 0
}

const [x, y] = scalars('x', 'y')
const length = { name: 'length', before: x.square().add(y.square()).sqrt(), after: hypot(x, y) }

eachDevice(() => {
  describe('rewrites of users', () => {
    test('are listed, fire in tensors of every shape, and can be excluded and removed', async () => {
      const own = rule(length)
      expect(own.rule).toBe('√(x² + y²) → hypot(x, y)')
      expect(rewrites().find(r => r.name === 'length')).toMatchObject({ phase: 'specialise', rule: own.rule, rounds: true })
      const f = (a: Tensor, b: Tensor): Tensor => a.square().add(b.square()).sqrt()
      const [a, b] = [tensor([[3e30, 3], [0, 6]]), tensor([4e30, 4])]
      const step = compile(f)
      near((await list(step(a, b))).map(v => v / 1e30), [5, 0, 4, 0])
      const found = step.explain().rewrites.find(r => r.name === 'length')!
      expect(found.count).toBe(1)
      expect(found.where[0]).toContain('rewrite.shared.test.ts')
      const without = compile(f, { exclude: ['length'] })
      without(a, b)
      expect(without.explain().rewrites.map(r => r.name)).not.toContain('length')
      expect(compile(f, { mode: 'fastCompile' })(a, b).shape).toEqual([2, 2])
      own.remove()
      own.remove()
      expect(fired(f, 'length', a, b)).toBe(0)
      expect(() => compile(f, { exclude: ['length'] })).toThrow(/no rewrite 'length'/)
    })

    test('sums and products match in either order, whatever other rewrites make of the formula', () => {
      rule(length)
      rule({ name: 'twice', before: x.mul(2).exp().mul(y), after: x.exp().square().mul(y) })
      const [a, b] = [randn(3), randn(3)]
      expect(fired((u: Tensor, v: Tensor) => v.mul(v).add(u.pow(2)).sqrt(), 'length', a, b)).toBe(1)
      expect(fired((u: Tensor, v: Tensor) => v.mul(u.mul(2).exp()), 'twice', a, b)).toBe(1)
      expect(fired((u: Tensor, v: Tensor) => v.mul(u.add(u).exp()), 'twice', a, b)).toBe(0)
    })

    test('do not fire on what looks alike: other variables, numbers, dtypes', () => {
      rule({ name: 'same', before: x.sin().mul(x.cos()), after: x.mul(2).sin().mul(0.5) })
      const [a, b] = [randn(3), randn(3)]
      expect(fired((u: Tensor) => u.sin().mul(u.cos()), 'same', a)).toBe(1)
      expect(fired((u: Tensor, v: Tensor) => u.sin().mul(v.cos()), 'same', a, b)).toBe(0)
      expect(fired((u: Tensor) => u.to('float16').sin().mul(u.to('float16').cos()), 'same', a)).toBe(0)
      rule({ name: 'third', before: x.mul(3).sin(), after: x.sin().mul(3).sub(x.sin().pow(3).mul(4)) })
      expect(fired((u: Tensor) => u.mul(3).sin(), 'third', a)).toBe(1)
      expect(fired((u: Tensor) => u.mul(2).sin(), 'third', a)).toBe(0)
    })

    test('axes and sizes are those of the case at hand', async () => {
      const [a, b] = matrices('a', 'b')
      rule({ name: 'trace-of-product', before: a.matmul(b).diagonal().sum(), after: a.mul(b.t()).sum() })
      const f = (u: Tensor, v: Tensor): Tensor => u.matmul(v).diagonal().sum()
      for (const [n, m] of [[3, 5], [4, 2]]) {
        const [u, v] = [randn(n, m), randn(m, n)]
        expect(fired(f, 'trace-of-product', u, v)).toBe(1)
        near(await list(compile(f)(u, v)), await list(f(u, v)))
      }
      rule({ name: 'mean-of-rows', before: a.mean(1).mean(), after: a.mean() })
      expect(fired((u: Tensor) => u.mean(1).mean(), 'mean-of-rows', randn(3, 7))).toBe(1)
      expect(fired((u: Tensor) => u.mean(0).mean(), 'mean-of-rows', randn(3, 7))).toBe(0)
      expect(fired((u: Tensor) => u.sum(1).div(3).sum().div(3), 'mean-of-rows', randn(3, 7))).toBe(0)
    })

    test('values and gradients stay, also where a gradient has the pattern', async () => {
      rule({ name: 'odd-sine', before: x.sin().neg(), after: x.neg().sin() })
      const f = (u: Tensor): Tensor[] => {
        const cost = u.cos().sum()
        return [cost, ...grad(cost, [u])]
      }
      const u = randn(5).requiresGrad_()
      const step = compile(f)
      const [got, want] = [step(u), f(u)]
      for (const [i, g] of got.entries()) near(await list(g), await list(want[i]))
      expect(step.explain().rewrites.find(r => r.name === 'odd-sine')!.count).toBe(1)
      expect(step.explain().rounds).toBe(true)
    })

    test('a condition of one\'s own sees dtypes and shapes', () => {
      const m = matrix('m')
      rule({ name: 'tall', before: m.t().matmul(m).diagonal(), after: m.square().sum(0), when: v => v.m.shape[0] > v.m.shape[1] && v.m.dtype === 'float32' })
      expect(fired((u: Tensor) => u.t().matmul(u).diagonal(), 'tall', randn(3, 2))).toBe(1)
      expect(fired((u: Tensor) => u.t().matmul(u).diagonal(), 'tall', randn(2, 3))).toBe(0)
    })

    test('debug finds one that changes values', async () => {
      rule({ name: 'wrong', before: x.exp().mul(y), after: x.mul(y) })
      const step = compile((u: Tensor, v: Tensor) => u.exp().mul(v), { mode: 'debug', name: 'judged' })
      await expect((async () => {
        step(tensor([1, 2]), tensor([3, 4]))
        await step.checked()
      })()).rejects.toThrow(/judged: the rewrite 'wrong' \(exp\(x\) \* y → x \* y\) changes/)
    })

    test('bad ones are refused', () => {
      const m = matrix('m')
      const refused = (spec: Partial<symbolic.RewriteSpec>): unknown => {
        try {
          rule({ name: 'bad', before: x.exp(), after: x, ...spec })
        } catch (error) {
          return (error as Error).message
        }
        return 'none'
      }
      expect(refused({ before: m.exp(), after: m.sum(0) })).toMatch(/sides of 'bad' differ: with m = float32\[4,4\] before is float32\[4,4\], after float32\[4\]/)
      expect(refused({ before: m.exp(), after: m.t() })).toMatch(/sides of 'bad' differ: with m = float32\[3,5\]/)
      expect(refused({ after: x.gt(0) })).toMatch(/after bool/)
      expect(refused({ after: y })).toMatch(/variable y, which is not in before/)
      expect(refused({ after: x.exp().mul(1.5).div(1.5) })).toMatch(/applied to its own result for ever/)
      expect(refused({ before: x.add(y), after: y.add(x) })).toMatch(/applied to its own result for ever/)
      // Other rewrites make of it what it began with.
      expect(refused({ before: m.t().matmul(m), after: m.t().matmul(m.mul(1.5)).div(1.5) })).toMatch(/applied to its own result for ever/)
      expect(refused({ before: x })).toMatch(/is x, which is everywhere/)
      expect(refused({ before: x.mul(tensor([1, 2, 3, 4])) })).toMatch(/cannot be computed|tensor of values/)
      expect(refused({ before: symbolic.shared(2, { name: 's' }).mul(x) })).toMatch(/shared variable s/)
      expect(refused({ name: 'merge' })).toMatch(/there is a rewrite 'merge' already/)
      expect(refused({ name: 'a b' })).toMatch(/the name is a b/)
      expect(refused({ before: m.reshape(7), after: m.sum(0) })).toMatch(/cannot be computed/)
      expect(refused({ before: x.mul(0), after: zerosLike(x) })).toBe('none')
    })

    test('a scalar beside matrices has no dimensions', () => {
      const [s, m] = [scalar('s'), matrix('m')]
      rule({ name: 'scaled', before: m.mul(s).tanh(), after: m.mul(s).mul(2).sigmoid().mul(2).sub(1) })
      expect(fired((u: Tensor, v: Tensor) => u.mul(v).tanh(), 'scaled', randn(2, 3), tensor(2))).toBe(1)
      expect(fired((u: Tensor, v: Tensor) => u.mul(v).tanh(), 'scaled', randn(2, 3), randn(3))).toBe(0)
    })
  })
})
