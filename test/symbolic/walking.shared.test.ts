// Walking through expressions, comparing them, and derivatives of pieces; the kinds of errors.
import { expect, test } from 'vitest'
import { DisconnectedInputError, LampasError, NoGradientError, symbolic, tensor, type Tensor } from '../../src/index.ts'
import { eachDevice } from '../each-device.ts'

const { ancestors, grad, inputsOf, isSameGraph, matrix, scalars, scan, shared, subgraphGrad, vectors, evaluate } = symbolic
const list = async (x: Tensor): Promise<number[]> => Array.from(await x.data())

eachDevice(() => {
  test('ancestors and inputs, in the order of the computation', () => {
    const [x, y] = scalars('x', 'y')
    const s = shared(1, { name: 's' })
    const e = x.mul(s)
    const z = e.add(y).exp()
    expect(inputsOf(z).map(String)).toEqual(['x', 's', 'y'])
    const all = ancestors(z)
    expect([all.length, all.indexOf(e as never) < all.indexOf(z as never), all.at(-1) === z]).toEqual([6, true, true])
    expect(inputsOf([x, y]).map(String)).toEqual(['x', 'y'])
  })

  test('isSameGraph', () => {
    const [x, y, z] = scalars('x', 'y', 'z')
    const same: [Tensor, Tensor][] = [
      [x, x],
      [x.mul(y).add(1), x.mul(y).add(1)],
      [x.reshape(-1).sum(0, true), x.reshape(-1).sum(0, true)],
      [grad(x.square(), x), grad(x.square(), x)],
    ]
    for (const [a, b] of same) expect(isSameGraph(a, b)).toBe(true)
    const m = matrix('m')
    const loop = (k: number): Tensor => scan(v => v.mul(k), { sequences: m })
    const other: [Tensor, Tensor][] = [
      [x, y],
      [x.mul(y), y.mul(x)],
      [x.add(1), x.add(2)],
      [x.exp(), x.exp().exp()],
      [x.sub(y), x.add(y)],
      [m.sum(0), m.sum(1)],
      [grad(x.square().mul(y), x), grad(x.square().mul(y), y)],
      [loop(2), loop(3)],
      [x.exp().add(x.exp()), x.exp().add(y.exp())],
    ]
    for (const [a, b] of other) expect(isSameGraph(a, b)).toBe(false)
    expect(isSameGraph(x.mul(y), z.mul(y), [[x, z]])).toBe(true)
    expect(isSameGraph(x.mul(x), z.mul(y), [[x, z]])).toBe(false)
  })

  test('subgraphGrad: layer by layer is the whole, and a cost of a layer adds to it', async () => {
    const [x, w1, w2] = vectors('x', 'w1', 'w2')
    const h = x.mul(w1).tanh()
    const cost = h.mul(w2).square().sum()
    const values = { x: [1, 2], w1: [0.3, -0.2], w2: [2, 5] }
    const upper = subgraphGrad({ cost, wrt: [w2], end: [h] })
    const lower = subgraphGrad({ wrt: [w1], end: [x], start: [[h, upper.end[0]]] })
    const [whole] = [grad(cost, [w1, w2, x])]
    for (const [piece, want] of [[lower.wrt[0], whole[0]], [upper.wrt[0], whole[1]], [lower.end[0], whole[2]]]) {
      const [got, expected] = [await list(evaluate(piece, values)), await list(evaluate(want, values))]
      got.forEach((v, i) => expect(v).toBeCloseTo(expected[i], 5))
    }
    const more = subgraphGrad({ wrt: [w1], end: [x], start: [[h, upper.end[0]]], cost: w1.square().sum() })
    const [a, b] = [await list(evaluate(more.wrt[0], values)), await list(evaluate(whole[0], values))]
    a.forEach((v, i) => expect(v).toBeCloseTo(b[i] + 2 * values.w1[i], 5))
  })

  test('the kinds of errors', () => {
    const [x, y] = vectors('x', 'y')
    const thrown = (body: () => unknown): unknown => {
      try {
        return body()
      } catch (error) {
        return error
      }
    }
    const loose = thrown(() => evaluate(grad(x.sum(), y), { x: [1], y: [1] }))
    expect(loose).toBeInstanceOf(DisconnectedInputError)
    expect(loose).toBeInstanceOf(LampasError)
    const whole = thrown(() => grad((v: Tensor) => v.to('float32').sum(), tensor([1, 2], { dtype: 'int32' })))
    expect(whole).toBeInstanceOf(NoGradientError)
    expect((whole as Error).message).toMatch(/input 0 .* has no derivative/)
  })
})
