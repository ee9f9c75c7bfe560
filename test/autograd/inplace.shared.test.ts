// In-place changes: what the tape refuses, what it notices, and how they flow through views of one memory. Gradients are compared with
// those of the same formula without in-place ops.
import { describe, expect, test } from 'vitest'
import { grad, noGrad, sort, tensor, zeros, type Tensor } from '../../src/index.ts'
import { flipView } from '../../src/ops/movement.ts'
import { eachDevice } from '../each-device.ts'

const list = async (x: Tensor): Promise<number[]> => Array.from(await x.data())
const ramp = (n: number): number[] => Array.from({ length: n }, (_, i) => i + 1)

interface Row {
  readonly name: string
  readonly shape: readonly number[]
  /** With in-place ops on a fresh copy of x, which needs a gradient. */
  readonly changed: (x: Tensor, w: Tensor) => Tensor
  /** The same without. */
  readonly pure: (x: Tensor, w: Tensor) => Tensor
}

/** 1 where the mask says, as a float tensor. */
const mask = (shape: readonly number[], at: (i: number) => boolean): Tensor => {
  const n = shape.reduce((a, b) => a * b, 1)
  return tensor(Float32Array.from({ length: n }, (_, i) => Number(at(i))), { shape })
}
/** x where the mask is 0, f(x) where it is 1. */
const on = (x: Tensor, m: Tensor, f: (x: Tensor) => Tensor): Tensor => x.mul(m.mul(-1).add(1)).add(f(x).mul(m))

const rows: readonly Row[] = [
  { name: 'the whole tensor, twice', shape: [4], changed: (x, w) => x.mul_(w).add_(w), pure: (x, w) => x.mul(w).add(w) },
  { name: 'by itself', shape: [4], changed: x => x.mul_(x), pure: x => x.mul(x) },
  { name: 'a row, seen through the base', shape: [3, 4], changed: (x, w) => { x.at(1).mul_(w); return x }, pure: (x, w) => on(x, mask([3, 4], i => i >= 4 && i < 8), y => y.mul(w)) },
  { name: 'a column of the transposed', shape: [3, 4], changed: (x, w) => { x.t().at(2).mul_(w); return x }, pure: (x, w) => on(x, mask([3, 4], i => i % 4 === 2), y => y.mul(w)) },
  { name: 'every second element, reversed', shape: [6], changed: (x, w) => { flipView(x.at('::2'), 0).mul_(w); return x }, pure: (x, w) => on(x, mask([6], i => i % 2 === 0), y => y.mul(w)) },
  { name: 'the diagonal', shape: [3, 3], changed: (x, w) => { x.diagonal().add_(w).mul_(w); return x }, pure: (x, w) => on(x, mask([3, 3], i => i % 4 === 0), y => y.add(w).mul(w)) },
  { name: 'the base, seen through a view made before', shape: [2, 3], changed: (x, w) => { const v = x.reshape(6); x.mul_(w); return v.mul(v) }, pure: (x, w) => x.mul(w).square().reshape(6) },
  { name: 'the base, seen through an expanded view', shape: [3], changed: (x, w) => { const v = x.expand(4, 3); x.mul_(w); return v }, pure: (x, w) => x.mul(w).expand(4, 3) },
  { name: 'the base, seen through sliding windows', shape: [6], changed: (x, w) => { const v = x.unfold(0, 3, 1); x.mul_(w); return v.square() }, pure: (x, w) => x.mul(w).unfold(0, 3, 1).square() },
  { name: 'one view, seen through another that overlaps', shape: [5], changed: (x, w) => { const v = x.at('1:4'); x.at(':3').mul_(w); return v.mul(v) }, pure: (x, w) => on(x, mask([5], i => i < 3), y => y.mul(w)).at('1:4').square() },
  { name: 'a view of a view', shape: [4, 4], changed: (x, w) => { x.at('1:3').at(':', '1:3').mul_(w); return x }, pure: (x, w) => on(x, mask([4, 4], i => [5, 6, 9, 10].includes(i)), y => y.mul(w)) },
  { name: 'overwritten by a constant', shape: [4], changed: (x, w) => { x.at('1:3').fill_(7); return x.mul(w) }, pure: (x, w) => on(x, mask([4], i => i === 1 || i === 2), y => y.mul(0).add(7)).mul(w) },
  { name: 'overwritten by another tensor', shape: [4], changed: (x, w) => { x.at('1:3').copy_(w.mul(3)); return x.square() }, pure: (x, w) => on(x, mask([4], i => i === 1 || i === 2), () => w.mul(3)).square() },
  { name: 'by its own rows', shape: [2, 3], changed: x => { x.at(0).mul_(x.at(1)); return x }, pure: x => x.mul(mask([2, 3], i => i > 2)).add(x.at(0).mul(x.at(1)).expand(2, 3).mul(mask([2, 3], i => i < 3))) },
  { name: 'a view of a permuted result', shape: [3, 4], changed: (x, w) => { const s = sort(x, 0).values; s.at(0).mul_(w); return s }, pure: (x, w) => on(sort(x, 0).values, mask([3, 4], i => i < 4), y => y.mul(w)) },
  { name: 'activations in place', shape: [2, 3], changed: (x, w) => x.sub_(w).div_(w).sigmoid_(), pure: (x, w) => x.sub(w).div(w).sigmoid() },
]

eachDevice(() => {
  describe('the same gradients as without in-place ops', () => {
    for (const { name, shape, changed, pure } of rows)
      test(name, async () => {
        const gradients = async (f: (x: Tensor, w: Tensor) => Tensor): Promise<number[][]> => {
          const n = shape.reduce((a, b) => a * b, 1)
          const x = tensor(Float32Array.from(ramp(n).map(v => v / 4)), { shape, requiresGrad: true })
          const w = tensor(1.5, { requiresGrad: true })
          const y = f(x.mul(1), w)
          const weights = tensor(Float32Array.from(ramp(y.numel)), { shape: y.shape })
          const [gx, gw] = grad(y.mul(weights).sum(), [x, w], { allowUnused: true, createGraph: true })
          const second = gx.requiresGrad ? grad(gx.square().sum(), [x, w], { allowUnused: true }) : []
          return Promise.all([y, gx, gw, ...second].map(t => (t ? list(t) : [])))
        }
        const [got, want] = [await gradients(changed), await gradients(pure)]
        got.slice(0, 3).forEach((values, i) => values.forEach((v, k) => expect(v, `result ${i}, element ${k}`).toBeCloseTo(want[i][k] ?? 0, 3)))
        // An in-place form may lack a second derivative only where the pure one is zero.
        got.slice(3).forEach((values, i) => (values.length ? values : (want[3 + i] ?? []).map(() => 0)).forEach((v, k) => expect(v, `second ${i}, element ${k}`).toBeCloseTo(want[3 + i]?.[k] ?? 0, 1)))
      })
  })

  describe('refused', () => {
    test('a leaf that requires a gradient, and a view of one', () => {
      const x = tensor([1, 2], { requiresGrad: true })
      expect(() => x.add_(1)).toThrow(/\[add_\] f32\[2\] is a leaf that requires a gradient.*noGrad/)
      expect(() => x.at(0).add_(1)).toThrow(/\[add_\] f32\[\] is a view of a leaf.*noGrad/)
      expect(() => x.zero_()).toThrow(/\[zero_\] f32\[2\] is a leaf/)
      expect(() => x.copy_(2)).toThrow(/\[copy_\] f32\[2\] is a leaf/)
    })

    test('under noGrad both are fine, and the leaf stays one', async () => {
      const x = tensor([1, 2], { requiresGrad: true })
      noGrad(() => x.add_(1).at(0).mul_(5))
      expect(await list(x)).toEqual([10, 3])
      expect([x.isLeaf, x.requiresGrad]).toEqual([true, true])
    })

    test('a result that is larger, or of a higher dtype', () => {
      expect(() => zeros([3]).add_(zeros([2, 3]))).toThrow(/\[add_\] the result has shape \[2,3\], which does not fit into f32\[3\].*without _/)
      expect(() => zeros([3], { dtype: 'int32' }).add_(0.5)).toThrow(/\[add_\] a float32 result cannot be stored in i32\[3\]/)
    })

    test('memory in which several elements lie on one place', () => {
      expect(() => zeros([1, 3]).expand(4, 3).add_(1)).toThrow(/\[add_\] f32\[4,3\] shows some elements more than once.*clone\(\)/)
      expect(() => zeros([6]).unfold(0, 3, 1).fill_(1)).toThrow(/\[fill_\] f32\[4,3\] shows some elements more than once/)
    })
  })

  describe('noticed by backward', () => {
    const x = (): Tensor => tensor([1, 2], { requiresGrad: true })
    test('a saved input that was changed: the message names the op and the versions', () => {
      const y = x().mul(1)
      const z = y.square()
      y.add_(1)
      y.add_(1)
      expect(() => z.sum().backward()).toThrow(/\[backward\] f32\[2\] was changed in place after square saved it for its derivative \(version 0 is now 2\)\. help: .*without _/)
    })

    test('a saved output that was changed', () => {
      const y = x().exp()
      y.mul_(2)
      expect(() => y.sum().backward()).toThrow(/changed in place after exp saved it/)
    })

    test('a change through a detached handle or a view', () => {
      const a = x().mul(1)
      const z = a.square()
      a.detach().add_(1)
      expect(() => z.sum().backward()).toThrow(/changed in place after square saved it/)
      const b = x().mul(1)
      const u = b.square()
      b.at(0).zero_()
      expect(() => u.sum().backward()).toThrow(/changed in place after square saved it/)
    })

    test('a parameter that an optimiser stepped between forward and backward', () => {
      const w = x()
      const loss = w.square().sum()
      noGrad(() => w.sub_(0.1))
      expect(() => loss.backward()).toThrow(/changed in place after square saved it/)
    })

    test('a change to what nobody saved is fine', async () => {
      const w = x()
      const y = w.mul(2)
      const z = y.add(1)
      y.zero_()
      z.sum().backward()
      expect(await list(w.grad!)).toEqual([2, 2])
    })

    test('the changed operand whose value is not needed is fine', async () => {
      const [a, b] = [x(), tensor([3, 4])]
      const y = a.mul(b)
      noGrad(() => a.add_(1))
      y.sum().backward()
      expect(await list(a.grad!)).toEqual([3, 4])
    })
  })

  describe('memory shared', () => {
    test('every view sees a change made through any other', async () => {
      const x = zeros([2, 3])
      const [flat, turned, part] = [x.reshape(6), x.t(), x.at(':', '1:')]
      part.add_(tensor([[1, 2], [3, 4]]))
      flat.mul_(10)
      expect(await list(turned)).toEqual([0, 0, 10, 30, 20, 40])
    })

    test('an input that overlaps the target in another order is read before it is overwritten', async () => {
      const x = tensor(ramp(6))
      x.copy_(x.flip(0))
      expect(await list(x)).toEqual([6, 5, 4, 3, 2, 1])
      x.at('1:').copy_(x.at(':-1'))
      expect(await list(x)).toEqual([6, 6, 5, 4, 3, 2])
      const square = tensor([[1, 2], [3, 4]])
      square.add_(square.t())
      expect(await list(square)).toEqual([2, 5, 5, 8])
    })
  })
})
