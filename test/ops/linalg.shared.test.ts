// What the op cases cannot say: matrices that cannot be factorised, conventions of signs and order, identities that hold together.
import { describe, expect, test } from 'vitest'
import { compile, einsum, eye, linalg, logdet, manualSeed, pcaLowrank, randn, svdLowrank, tensor, type Tensor } from '../../src/index.ts'
import { eachDevice } from '../each-device.ts'

const numbers = async (x: Tensor): Promise<number[]> => Array.from(await x.data())
/** Works on every device: where results come late, so do failures. */
const value = async (make: () => Tensor): Promise<number[]> => numbers(make())
const far = async (a: Tensor, b: Tensor): Promise<number> => (await a.sub(b).abs().amax().data())[0]

const singular = [[1, 2], [2, 4]]
const indefinite = [[[1, 0], [0, 1]], [[1, 2], [2, 1]]]

eachDevice(() => {
  describe('matrices that cannot be factorised', () => {
    const failures: readonly (readonly [string, () => Tensor, RegExp])[] = [
      ['cholesky', () => linalg.cholesky(tensor(indefinite)), /\[linalg\.cholesky\] matrix 1 of the batch is not positive definite: its leading minor of order 2/],
      ['inv', () => linalg.inv(tensor(singular)), /\[linalg\.inv\] matrix 0 of the batch is singular: pivot 2/],
      ['solve', () => linalg.solve(tensor(singular), tensor([1, 2])), /\[linalg\.solve\] .*singular/],
      ['compiled', () => compile((x: Tensor) => linalg.inv(x).mul(2))(tensor(singular)), /\[linalg\.inv\] .*singular/],
    ]
    test.each(failures)('%s fails and the device goes on', async (_, make, message) => {
      await expect(value(make)).rejects.toThrow(message)
      expect(await value(() => linalg.inv(tensor([[2, 0], [0, 4]])))).toEqual([0.5, 0, 0, 0.25])
    })
    test('the forms with info tell, and do not fail', async () => {
      expect(await numbers(linalg.choleskyEx(tensor(indefinite)).info)).toEqual([0, 2])
      expect(await numbers(linalg.invEx(tensor(singular)).info)).toEqual([2])
      expect(await numbers(linalg.luFactorEx(tensor(singular)).info)).toEqual([2])
      await expect((async () => numbers(linalg.invEx(tensor(singular), { checkErrors: true }).inverse))()).rejects.toThrow(/linalg\.invEx/)
    })
    test('determinants of singular matrices are 0, with their gradient', async () => {
      const x = tensor(singular).requiresGrad_()
      const d = linalg.det(x)
      d.backward()
      expect(await d.item()).toBeCloseTo(0, 10)
      const g = await numbers(x.grad!)
      ;[4, -2, -2, 1].forEach((want, i) => expect(g[i]).toBeCloseTo(want, 4))
      expect(await linalg.slogdet(tensor(singular)).logabsdet.item()).toBe(-Infinity)
      expect(await logdet(tensor([[0, 1], [1, 0]])).item()).toBeNaN()
    })
  })

  test('factors multiply back to what they were made of', async () => {
    manualSeed(3)
    const a = randn([3, 20, 12])
    const { Q, R } = linalg.qr(a)
    const { U, S, Vh } = linalg.svd(a)
    const { P, L, U: upper } = linalg.lu(a)
    const gram = a.mT().matmul(a)
    const { eigenvalues, eigenvectors } = linalg.eigh(gram)
    expect(U.shape).toEqual([3, 20, 20])
    expect(await far(Q.matmul(R), a)).toBeLessThan(1e-5)
    expect(await far(U.narrow(-1, 0, 12).mul(S.unsqueeze(-2)).matmul(Vh), a)).toBeLessThan(1e-5)
    expect(await far(U.mT().matmul(U), eye(20))).toBeLessThan(1e-5)
    expect(await far(P.matmul(L).matmul(upper), a)).toBeLessThan(1e-5)
    expect(await far(eigenvectors.mul(eigenvalues.unsqueeze(-2)).matmul(eigenvectors.mT()), gram)).toBeLessThan(1e-4)
    expect(await far(S.square().flip(-1), eigenvalues)).toBeLessThan(1e-4)
    expect(await far(linalg.lstsq(a, a.matmul(tensor(Float32Array.from({ length: 12 }, (_, i) => i)).reshape(12, 1))).solution.squeeze(-1), tensor(Float32Array.from({ length: 12 }, (_, i) => i)))).toBeLessThan(1e-4)
  })

  test('of rank-deficient matrices the basis is complete', async () => {
    const a = tensor([[1, 2, 3], [2, 4, 6], [3, 6, 9], [0, 0, 0]])
    const { U, S } = linalg.svd(a)
    expect(await far(U.mT().matmul(U), eye(4))).toBeLessThan(1e-6)
    expect((await numbers(S)).map(s => Math.round(s * 1e4) / 1e4)).toEqual([14, 0, 0])
    expect(await linalg.matrixRank(a).item()).toBe(1)
    expect(await far(a.matmul(linalg.pinv(a)).matmul(a), a)).toBeLessThan(1e-5)
  })

  test('the leading part of a decomposition', async () => {
    manualSeed(5)
    const a = randn([40, 4]).matmul(randn([4, 30]))
    const [U, S, V] = svdLowrank(a, 6)
    expect([U.shape, S.shape, V.shape]).toEqual([[40, 6], [6], [30, 6]])
    expect(await far(U.mul(S).matmul(V.mT()), a)).toBeLessThan(1e-4)
    const [, spread] = pcaLowrank(a.add(100), { q: 4 })
    expect(await far(spread, linalg.svdvals(a.sub(a.mean(0, true))).narrow(0, 0, 4))).toBeLessThan(1e-2)
    expect(() => svdLowrank(a, 31)).toThrow(/q is 31/)
  })

  test('einsum takes numbers in the place of letters', async () => {
    const [x, y] = [randn([2, 3]), randn([3, 4])]
    const sublists = einsum as (...args: unknown[]) => Tensor
    expect(await far(sublists(x, [0, 1], y, [1, 2], [2, 0]), x.matmul(y).t())).toBe(0)
  })
})

describe('einsum', () => {
  const bad: readonly (readonly [string, string, RegExp])[] = [
    ['ij->', 'a matrix and one more', /2 operands|for 1 operands, got 2/],
    ['ij,jk->iz', 'a label that no operand has', /'z'/],
    ['ij,jk->ii', 'a label twice in the result', /twice/],
    ['ijk,jk', 'too many letters', /names 3 dimensions/],
    ['i1,jk', 'a digit', /no list of labels/],
    ['ij,kl->ij->kl', 'two arrows', /'->' twice/],
    ['ij,kj', 'sizes that differ', /sizes 3 and 2/],
  ]
  test.each(bad)("'%s': %s", (equation, _, message) => expect(() => einsum(equation, eye(2, 3), eye(3, 2))).toThrow(message))
})
