// backward() and grad(): what flows where, what is kept, what is refused.
import { describe, expect, test } from 'vitest'
import { cat, chunk, compile, enableGrad, fmax, fmin, grad, isGradEnabled, logit, maximum, memory, minimum, nn, noGrad, ones, sort, split, tensor, unbind, where, xlogy, zeros, type Tensor } from '../../src/index.ts'
import { eachDevice } from '../each-device.ts'

const leaf = (values: number[] | number[][] | number): Tensor => tensor(values, { requiresGrad: true })
const list = async (x: Tensor | null): Promise<number[]> => Array.from(await x!.data())

eachDevice(() => {
  describe('shapes of the graph', () => {
    test('a shared subexpression is differentiated once and counted for each use', async () => {
      const x = leaf([1, 2, 3])
      const s = x.square()
      s.mul(s).add(s).sum().backward()
      expect(await list(x.grad)).toEqual([1, 2, 3].map(v => 4 * v ** 3 + 2 * v))
    })

    test('a chain of diamonds grows by doubling, and takes one visit a node', async () => {
      const x = leaf(1)
      let y: Tensor = x
      for (let i = 0; i < 40; i++) y = y.add(y).mul(0.5)
      y.backward()
      expect(await list(x.grad)).toEqual([1])
    })

    test('a chain of ten thousand ops does not overflow the stack', async () => {
      const x = leaf(2)
      let y: Tensor = x
      for (let i = 0; i < 10_000; i++) y = y.add(1)
      y.backward()
      expect(await list(x.grad)).toEqual([1])
    })

    test('broadcasting sums back to the size that was stretched', async () => {
      const [x, row, column, scalar] = [leaf([[1, 2, 3], [4, 5, 6]]), leaf([1, 1, 1]), leaf([[2], [3]]), leaf(2)]
      x.add(row).mul(column).mul(scalar).sum().backward()
      expect([row.grad!.shape, column.grad!.shape, scalar.grad!.shape]).toEqual([[3], [2, 1], []])
      expect(await list(row.grad)).toEqual([10, 10, 10])
      expect(await list(column.grad)).toEqual([18, 36])
      expect(await list(scalar.grad)).toEqual([2 * 9 + 3 * 18])
    })

    test('only the used one of several outputs carries a gradient', async () => {
      const x = leaf([3, 1, 2])
      const { values, indices } = sort(x)
      expect([values.requiresGrad, indices.requiresGrad]).toEqual([true, false])
      values.mul(tensor([10, 20, 30])).sum().backward()
      expect(await list(x.grad)).toEqual([30, 10, 20])
    })

    test('all outputs of one op, each with a weight of its own', async () => {
      const x = leaf([[1, 2], [3, 4], [5, 6]])
      const [a, b, c] = unbind(x, 0)
      a.sum().add(b.sum().mul(2)).add(c.sum().mul(3)).backward()
      expect(await list(x.grad)).toEqual([1, 1, 2, 2, 3, 3])
    })

    test('parts that are split and joined again', async () => {
      const x = leaf([1, 2, 3, 4, 5])
      const [a, b] = split(x, 3)
      cat([b, a.mul(2), a]).sum().backward()
      expect(await list(x.grad)).toEqual([3, 3, 3, 1, 1])
    })

    test('a loss that is itself a leaf', async () => {
      const x = leaf(5)
      x.backward()
      x.backward()
      expect(await list(x.grad)).toEqual([2])
    })

    test('a branch that no gradient reaches stays untouched', async () => {
      const [x, y] = [leaf([1, 2]), leaf([3, 4])]
      where(tensor([true, false]), x, y.detach()).sum().backward()
      expect(await list(x.grad)).toEqual([1, 0])
      expect(y.grad).toBeNull()
    })
  })

  describe('grad', () => {
    test('of targets that are not leaves, leaves, and one the other’s ancestor', async () => {
      const x = leaf([1, 2])
      const y = x.mul(3)
      const z = y.square()
      const [gx, gy, gz] = grad(z.sum(), [x, y, z])
      expect(await list(gz)).toEqual([1, 1])
      expect(await list(gy)).toEqual([6, 12])
      expect(await list(gx)).toEqual([18, 36])
      expect(x.grad).toBeNull()
    })

    test('of the output itself is its cotangent', async () => {
      const y = leaf([1, 2]).mul(3).sum()
      expect(await list(grad(y, [y])[0])).toEqual([1])
    })

    test('of several outputs adds their parts', async () => {
      const x = leaf([1, 2])
      const [g] = grad([x.square(), x.mul(3).sum()], [x], { gradOutputs: [tensor([1, 10]), null] })
      expect(await list(g)).toEqual([2 + 3, 40 + 3])
    })

    test('of the same target twice gives it twice', async () => {
      const x = leaf([1, 2])
      const [a, b] = grad(x.square().sum(), [x, x])
      expect(await list(a)).toEqual([2, 4])
      expect(await list(b)).toEqual([2, 4])
    })

    test('of the second output of an op alone', async () => {
      const x = leaf([[1, 2], [3, 4]])
      const parts = unbind(x.mul(2), 0)
      const [g] = grad(parts[1].sum(), [parts[1]])
      expect(await list(g)).toEqual([1, 1])
      expect(grad(parts[0].sum().add(parts[1].sum().mul(0)), [parts[1]]).length).toBe(1)
    })

    test('null for what is unused, when that is allowed', () => {
      const [x, y] = [leaf(1), leaf(2)]
      expect(grad(x.mul(2), [y], { allowUnused: true })).toEqual([null])
      expect(() => grad(x.mul(2), [y])).toThrow(/\[grad\].*do not depend on input 0 \(f32\[\]\).*allowUnused/)
    })

    test('what it gives has no history unless createGraph asks for it', () => {
      const x = leaf(3)
      expect(grad(x.pow(3), [x])[0].requiresGrad).toBe(false)
      expect(grad(x.pow(3), [x], { createGraph: true })[0].requiresGrad).toBe(true)
    })

    test('a result that is a broadcast constant owns its memory', async () => {
      const x = leaf([1, 2, 3])
      const [g] = grad(x.sum(), [x])
      g.add_(1)
      expect(await list(g)).toEqual([2, 2, 2])
    })
  })

  describe('gathering in leaves', () => {
    test('adds up over backwards, in the same memory', async () => {
      const x = leaf([1, 2])
      x.mul(2).sum().backward()
      const first = x.grad
      x.mul(3).sum().backward()
      expect(x.grad).toBe(first)
      expect(await list(x.grad)).toEqual([5, 5])
    })

    test('two leaves that get the same cotangent do not share their gradients', async () => {
      const [x, y] = [leaf([1, 2]), leaf([3, 4])]
      x.add(y).sum().backward()
      x.grad!.mul_(10)
      expect(await list(y.grad)).toEqual([1, 1])
    })

    test('the given cotangent is not the gradient’s memory', async () => {
      const x = leaf([1, 2])
      const g = tensor([1, 1])
      x.mul(1).backward({ gradient: g })
      x.grad!.mul_(10)
      expect(await list(g)).toEqual([1, 1])
    })

    test('the cotangent may be given alone, as PyTorch does', async () => {
      const x = leaf([1, 2])
      x.mul(2).backward(tensor([1, 10]))
      expect(await list(x.grad)).toEqual([2, 20])
    })

    test('a leaf that gave up its gradient gets none', () => {
      const x = leaf([1, 2])
      const y = x.mul(2)
      x.requiresGrad_(false)
      y.sum().backward()
      expect(x.grad).toBeNull()
    })

    test('inputs limits the leaves', async () => {
      const [x, y] = [leaf([1, 2]), leaf([3, 4])]
      x.mul(y).sum().backward({ inputs: [x] })
      expect(await list(x.grad)).toEqual([3, 4])
      expect(y.grad).toBeNull()
    })

    test('inputs must be leaves', () => {
      const x = leaf([1, 2])
      const y = x.mul(2)
      expect(() => y.sum().backward({ inputs: [y] })).toThrow(/\[backward\].*inputs\[0\] \(f32\[2\]\).*leaf.*grad\(/)
    })

    test('a gradient that was set by hand is added to', async () => {
      const x = leaf([1, 2])
      x.grad = tensor([100, 200])
      x.sum().backward()
      expect(await list(x.grad)).toEqual([101, 201])
    })

    test('inside noGrad backward of a recorded loss works', async () => {
      const x = leaf([1, 2])
      const loss = x.square().sum()
      noGrad(() => loss.backward())
      expect(await list(x.grad)).toEqual([2, 4])
    })
  })

  describe('what backward keeps and frees', () => {
    test('a second backward is refused and names the op', () => {
      const loss = leaf([1, 2]).exp().sum()
      loss.backward()
      expect(() => loss.backward()).toThrow(/\[backward\] the values that exp saved were already freed.*retainGraph/)
    })

    test('ops that save nothing allow it', async () => {
      const x = leaf([1, 2])
      const loss = x.mul(2).sum()
      loss.backward({ retainGraph: true })
      loss.backward()
      expect(await list(x.grad)).toEqual([4, 4])
    })

    test('retainGraph keeps all for one more', async () => {
      const x = leaf([1, 2])
      const loss = x.exp().sum()
      loss.backward({ retainGraph: true })
      const once = await list(x.grad)
      loss.backward()
      expect(await list(x.grad)).toEqual(once.map(v => 2 * v))
      expect(() => loss.backward()).toThrow(/freed/)
    })

    test('two losses over one trunk: the first must keep it', async () => {
      const x = leaf([1, 2])
      const trunk = x.exp()
      const [a, b] = [trunk.sum(), trunk.square().sum()]
      a.backward({ retainGraph: true })
      b.backward()
      expect(await list(x.grad)).toHaveLength(2)
    })

    test('saved values are freed by backward, also when their tensors were disposed', () => {
      const x = leaf(new Array<number>(1000).fill(1))
      const before = memory().held
      const y = x.exp()
      const loss = y.sum()
      y.dispose()
      expect(memory().held).toBeGreaterThanOrEqual(before + 4000)
      loss.backward()
      loss.dispose()
      x.grad!.dispose()
      x.grad = null
      expect(memory().held).toBe(before)
    })

    test('a branch that backward never reached is freed too', () => {
      const before = memory().held
      const [x, y] = [leaf([1, 2]), leaf([3, 4])]
      const unused = y.exp()
      const all = cat([x, unused.detach()])
      const loss = all.sum()
      loss.backward()
      for (const t of [unused, all, loss, x.grad!, x, y]) t.dispose()
      expect(memory().held).toBeLessThanOrEqual(before + 8)
    })
  })

  describe('higher order', () => {
    test('three derivatives of x⁵', async () => {
      const x = leaf(2)
      const [d1] = grad(x.pow(5), [x], { createGraph: true })
      const [d2] = grad(d1, [x], { createGraph: true })
      const [d3] = grad(d2, [x])
      expect([await d1.item(), await d2.item(), await d3.item()]).toEqual([80, 160, 240])
    })

    test('four derivatives of sin give it back', async () => {
      const x = leaf([0.3, 1.1, -2])
      let y: Tensor = x.sin()
      for (let order = 0; order < 4; order++) [y] = grad(y.sum(), [x], { createGraph: true })
      const [got, want] = [await list(y), await list(x.sin())]
      got.forEach((v, i) => expect(v).toBeCloseTo(want[i], 5))
    })

    test('backward({createGraph}) leaves a gradient that can be differentiated', async () => {
      const x = leaf([1, 2])
      x.pow(3).sum().backward({ createGraph: true })
      const first = x.grad!
      expect(first.requiresGrad).toBe(true)
      const [second] = grad(first.sum(), [x])
      expect(await list(second)).toEqual([6, 12])
    })

    test('through a cotangent', async () => {
      const x = leaf([1, 2])
      const v = leaf([3, 4])
      const [g] = grad(x.square(), [x], { gradOutputs: v, createGraph: true })
      const [gv] = grad(g.sum(), [v])
      expect(await list(gv)).toEqual([2, 4])
    })

    test('a gradient penalty trains', async () => {
      const w = leaf([[1, 2], [3, 4]])
      const x = leaf([[0.5, -0.5]])
      const [g] = grad(x.matmul(w).tanh().sum(), [x], { createGraph: true })
      g.square().sum().backward()
      expect((await list(w.grad)).every(v => Number.isFinite(v) && v !== 0)).toBe(true)
    })

    test('an in-place product can be differentiated twice', async () => {
      const x = leaf([2, 3])
      const y = x.mul(1)
      y.mul_(x).mul_(x)
      const [g] = grad(y.sum(), [x], { createGraph: true })
      const [h] = grad(g.sum(), [x])
      expect(await list(g)).toEqual([12, 27])
      expect(await list(h)).toEqual([12, 18])
    })
  })

  describe('recording on and off', () => {
    test('noGrad and enableGrad nest', () => {
      const x = leaf(1)
      noGrad(() => {
        expect(x.mul(2).requiresGrad).toBe(false)
        enableGrad(() => expect(x.mul(2).requiresGrad).toBe(true))
        expect(isGradEnabled()).toBe(false)
      })
      expect(isGradEnabled()).toBe(true)
    })

    test('an error inside restores the switch', () => {
      expect(() => noGrad(() => { throw new Error('mine') })).toThrow('mine')
      expect(isGradEnabled()).toBe(true)
    })

    test('an async body holds it until it settles', async () => {
      const x = leaf(1)
      const recorded = await noGrad(async () => {
        await x.item()
        return x.mul(2).requiresGrad
      })
      expect(recorded).toBe(false)
      expect(isGradEnabled()).toBe(true)
      await expect(noGrad(async () => { await x.item(); throw new Error('late') })).rejects.toThrow('late')
      expect(isGradEnabled()).toBe(true)
    })

    test('async bodies that overlap leave it as it was', async () => {
      const x = leaf(1)
      const pause = async (turns: number): Promise<void> => {
        for (let i = 0; i < turns; i++) await x.item()
      }
      await Promise.all([noGrad(() => pause(1)), noGrad(() => pause(3)), noGrad(() => pause(2))])
      expect(isGradEnabled()).toBe(true)
    })

    test('detach shares memory and cuts history', async () => {
      const x = leaf([1, 2])
      const d = x.detach()
      noGrad(() => d.add_(1))
      expect(await list(x)).toEqual([2, 3])
      expect([d.requiresGrad, d.isLeaf]).toEqual([false, true])
    })
  })

  describe('what can have a gradient', () => {
    test('only float tensors, only leaves give it up', () => {
      expect(() => tensor([1, 2], { dtype: 'int32', requiresGrad: true })).toThrow(/\[requiresGrad_\] only float and complex tensors have gradients, this is i32\[2\].*to\('float32'\)/)
      expect(() => leaf(1).mul(2).requiresGrad_(false)).toThrow(/not a leaf.*detach/)
    })

    test('the gradient of a conversion to int stops there', async () => {
      const x = leaf([1.5, 2.5])
      const i = x.to('int32')
      expect(i.requiresGrad).toBe(false)
      const k = zeros([2], { dtype: 'int32' })
      k.copy_(x)
      expect(k.requiresGrad).toBe(false)
      x.mul(i).sum().backward()
      expect(await list(x.grad)).toEqual([1, 2])
    })

    test('an int index gathers, and the gradient goes to the float operand alone', async () => {
      const x = leaf([10, 20, 30])
      const index = tensor([2, 0, 2], { dtype: 'int32' })
      x.gather(0, index).sum().backward()
      expect(await list(x.grad)).toEqual([1, 0, 2])
    })

    test('a loss with several elements needs a cotangent of its shape', () => {
      const y = leaf([1, 2]).mul(2)
      expect(() => y.backward()).toThrow(/\[backward\] f32\[2\] has 2 elements.*\{gradient: …\} of shape \[2\]/)
      expect(() => y.backward({ gradient: ones(3) })).toThrow(/gradient f32\[3\] must have the shape of the output f32\[2\]/)
    })

    test('a chunk of nothing comes in as many pieces as were asked for', () => {
      expect(chunk(zeros(2, 0), 3, 1).map(String)).toEqual(['f32[2,0]', 'f32[2,0]', 'f32[2,0]'])
    })
  })

  // Beside each limit the slope is 0, whatever comes back from behind: here √ at 0, or 1/x, whose slopes are infinite.
  describe('where a function is flat, an infinite gradient becomes 0', () => {
    const F = nn.functional
    const flat: readonly (readonly [string, (x: Tensor) => Tensor, number])[] = [
      ['relu', x => x.relu(), -1],
      ['relu6', x => F.relu6(x), -1],
      ['hardtanh', x => F.hardtanh(x, 0, 1), -1],
      ['hardsigmoid', x => F.hardsigmoid(x), -4],
      ['clamp', x => x.clamp(0, 1), -1],
      ['clampMin', x => x.clampMin(0), -1],
      ['clampMax', x => x.clampMax(0), 1],
      ['maximum', x => maximum(x, tensor(0)), -1],
      ['minimum', x => minimum(x, tensor(0)), 1],
      ['fmax', x => fmax(x, tensor(0)), -1],
      ['fmin', x => fmin(x, tensor(0)), 1],
      ['floor', x => x.floor(), 0.5],
      ['round', x => x.round(), 0.25],
      ['sign', x => x.mul(0).detach().add(x.sign()).sub(1), 2],
    ]
    for (const [name, f, at] of flat)
      test(name, async () => {
        const slope = (x: Tensor): Tensor => grad(f(x).sqrt().sum(), [x])[0]
        expect(await list(slope(leaf([at])))).toEqual([0])
        expect(await list(compile(slope)(leaf([at])))).toEqual([0])
      })
  })

  test('slopes of xlogy at x = 0, of logit outside of 0 … 1, of a maximum with NaN', async () => {
    const slopes = async (f: (x: Tensor) => Tensor, values: number[]): Promise<number[]> => {
      const x = leaf(values)
      f(x).sum().backward()
      return list(x.grad)
    }
    expect(await slopes(x => xlogy(x, tensor([4, 0])).div(Math.LN2), [0, 0])).toEqual([2, 0])
    expect(await slopes(x => logit(x), [-1, 0.5, 2])).toEqual([NaN, 4, NaN])
    expect(await slopes(x => maximum(x, tensor(0)), [NaN, 0, 1])).toEqual([1, 0.5, 1])
  })
})
