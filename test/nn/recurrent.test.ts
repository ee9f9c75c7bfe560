// Recurrent layers against their equations, written out in plain numbers, and against their own cells.
import { beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { cat, compile, init, manualSeed, nn, randn, zeros, type Tensor } from '../../src/index.ts'

beforeAll(async () => {
  expect((await init({ device: 'wasm' })).name).toBe('wasm')
})
beforeEach(() => manualSeed(3))

const close = async (a: Tensor, b: Tensor): Promise<void> => {
  expect(a.shape).toEqual(b.shape)
  expect(await a.sub(b).abs().amax().item()).toBeLessThan(1e-6)
}

type Matrix = number[][]
const sigma = (v: number): number => 1 / (1 + Math.exp(-v))
const times = (m: Matrix, v: readonly number[], b: readonly number[]): number[] => m.map((row, i) => row.reduce((s, w, j) => s + w * v[j], b[i]))

describe('one sequence, step by step', () => {
  const weights = async (m: nn.Module) => {
    const state = m.stateDict()
    const [wi, wh, bi, bh] = await Promise.all(['weight_ih_l0', 'weight_hh_l0', 'bias_ih_l0', 'bias_hh_l0'].map(n => state[n].toArray()))
    return { wi: wi as Matrix, wh: wh as Matrix, bi: bi as number[], bh: bh as number[] }
  }
  /** The states after each step, from what a step does with the two linear parts. */
  const unrolled = async (m: nn.Module, x: Tensor, hidden: number, step: (gx: number[], gh: number[], h: number[], c: number[]) => [number[], number[]]): Promise<number[]> => {
    const { wi, wh, bi, bh } = await weights(m)
    let [h, c] = [new Array<number>(hidden).fill(0), new Array<number>(hidden).fill(0)]
    const out: number[] = []
    for (const row of (await x.toArray()) as Matrix) {
      ;[h, c] = step(times(wi, row, bi), times(wh, h, bh), h, c)
      out.push(...h)
    }
    return out
  }
  const check = async (y: Tensor, want: readonly number[]): Promise<void> => {
    const got = await y.data()
    want.forEach((v, i) => expect(got[i]).toBeCloseTo(v, 5))
  }
  const part = (v: number[], k: number, n: number): number[] => v.slice(k * n, (k + 1) * n)

  test('RNN', async () => {
    const rnn = new nn.RNN(3, 2)
    const x = randn(5, 3)
    await check(rnn.forward(x)[0], await unrolled(rnn, x, 2, (gx, gh, _, c) => [gx.map((v, i) => Math.tanh(v + gh[i])), c]))
    const relu = new nn.RNN(3, 2, { nonlinearity: 'relu' })
    await check(relu.forward(x)[0], await unrolled(relu, x, 2, (gx, gh, _, c) => [gx.map((v, i) => Math.max(0, v + gh[i])), c]))
  })

  test('GRU', async () => {
    const gru = new nn.GRU(3, 2)
    const x = randn(5, 3)
    const want = await unrolled(gru, x, 2, (gx, gh, h, c) => {
      const [r, z] = [0, 1].map(k => part(gx, k, 2).map((v, i) => sigma(v + part(gh, k, 2)[i])))
      const n = part(gx, 2, 2).map((v, i) => Math.tanh(v + r[i] * part(gh, 2, 2)[i]))
      return [h.map((v, i) => (1 - z[i]) * n[i] + z[i] * v), c]
    })
    await check(gru.forward(x)[0], want)
  })

  test('LSTM', async () => {
    const lstm = new nn.LSTM(3, 2)
    const x = randn(5, 3)
    const want = await unrolled(lstm, x, 2, (gx, gh, _, c) => {
      const [i, f, g, o] = [0, 1, 2, 3].map(k => part(gx, k, 2).map((v, j) => v + part(gh, k, 2)[j]))
      const next = c.map((v, j) => sigma(f[j]) * v + sigma(i[j]) * Math.tanh(g[j]))
      return [next.map((v, j) => sigma(o[j]) * Math.tanh(v)), next]
    })
    await check(lstm.forward(x)[0], want)
  })
})

describe('layers, directions, states', () => {
  test('two layers in two directions are four single ones', async () => {
    const both = new nn.GRU(3, 4, { numLayers: 2, bidirectional: true, batchFirst: true })
    const names = Object.keys(both.stateDict())
    expect(names.slice(0, 8)).toEqual(['weight_ih_l0', 'weight_hh_l0', 'bias_ih_l0', 'bias_hh_l0', 'weight_ih_l0_reverse', 'weight_hh_l0_reverse', 'bias_ih_l0_reverse', 'bias_hh_l0_reverse'])
    expect(names).toHaveLength(16)
    const single = async (suffix: string, inputSize: number): Promise<nn.GRU> => {
      const one = new nn.GRU(inputSize, 4, { batchFirst: true })
      await one.loadStateDict(Object.fromEntries(['weight_ih', 'weight_hh', 'bias_ih', 'bias_hh'].map(n => [`${n}_l0`, both.stateDict()[`${n}_${suffix}`]])))
      return one
    }
    const h0 = randn(4, 2, 4)
    let x = randn(2, 5, 3)
    const [y, h] = both.forward(x, h0)
    for (const layer of [0, 1]) {
      const ahead = (await single(`l${layer}`, layer ? 8 : 3)).forward(x, h0.narrow(0, 2 * layer, 1))
      const back = (await single(`l${layer}_reverse`, layer ? 8 : 3)).forward(x.flip(1), h0.narrow(0, 2 * layer + 1, 1))
      await close(h.narrow(0, 2 * layer, 1), ahead[1])
      await close(h.narrow(0, 2 * layer + 1, 1), back[1])
      x = cat([ahead[0], back[0].flip(1)], 2)
    }
    await close(y, x)
  })

  test('cells make the same steps', async () => {
    const lstm = new nn.LSTM(3, 4)
    const cell = new nn.LSTMCell(3, 4)
    await cell.loadStateDict(Object.fromEntries(Object.entries(lstm.stateDict()).map(([name, x]) => [name.replace('_l0', ''), x])))
    const x = randn(5, 2, 3)
    const [y, [h, c]] = lstm.forward(x)
    let state: [Tensor, Tensor] | null = null
    for (const row of x.unbind(0)) state = cell.forward(row, state)
    await close(h.squeeze(0), state![0])
    await close(c.squeeze(0), state![1])
    await close(y.select(0, -1), state![0])
    expect(new nn.GRUCell(3, 4).forward(randn(3)).shape).toEqual([4])
    expect(new nn.RNNCell(3, 4, { nonlinearity: 'relu', bias: false }).forward(randn(2, 3)).shape).toEqual([2, 4])
  })

  test('a projection makes the state smaller', async () => {
    const lstm = new nn.LSTM(3, 6, { projSize: 2, numLayers: 2 })
    expect(lstm.stateDict().weight_hr_l1.shape).toEqual([2, 6])
    const [y, [h, c]] = lstm.forward(randn(4, 5, 3))
    expect([y.shape, h.shape, c.shape]).toEqual([[4, 5, 2], [2, 5, 2], [2, 5, 6]])
    await close(y.select(0, -1), h.select(0, 1))
  })

  test('a sequence without a batch; a state that is carried on', async () => {
    const gru = new nn.GRU(3, 4)
    const x = randn(6, 3)
    const [whole, last] = gru.forward(x)
    expect(whole.shape).toEqual([6, 4])
    const [, middle] = gru.forward(x.narrow(0, 0, 2))
    const [rest, end] = gru.forward(x.narrow(0, 2, 4), middle)
    await close(rest, whole.narrow(0, 2, 4))
    await close(end, last)
  })

  test('dropout between layers, in training alone', async () => {
    const rnn = new nn.RNN(3, 4, { numLayers: 2, dropout: 0.5 })
    const x = randn(5, 2, 3)
    expect(await rnn.forward(x)[0].data()).not.toEqual(await rnn.forward(x)[0].data())
    rnn.eval()
    expect(await rnn.forward(x)[0].data()).toEqual(await rnn.forward(x)[0].data())
  })

  test('compiled: the same bits', async () => {
    const lstm = new nn.LSTM(3, 4, { bidirectional: true })
    const x = randn(5, 2, 3)
    const step = compile((x: Tensor) => lstm.forward(x)[0])
    expect(await step(x).data()).toEqual(await lstm.forward(x)[0].data())
    step.dispose()
  })

  test('what they print, and what they refuse', () => {
    expect(String(new nn.LSTM(3, 4, { numLayers: 2, batchFirst: true })).split('  ')[0]).toBe('LSTM(3, 4, numLayers=2, batchFirst=true)')
    expect(() => new nn.GRU(3, 4).forward(zeros(5, 2, 2))).toThrow(/E = 3/)
    expect(() => new nn.GRU(3, 4).forward(zeros(5, 2, 3), zeros(1, 3, 4))).toThrow(/\[1,2,4\]/)
    expect(() => new nn.LSTM(3, 4, { projSize: 4 })).toThrow(/projSize/)
    expect(() => new nn.RNN(3, 4, { nonlinearity: 'gelu' as 'relu' })).toThrow(/nonlinearity/)
  })
})
