// Saved functions: state, kinds of arguments, names, other devices, and files that are at fault.
import { describe, expect, test } from 'vitest'
import { device, init } from '../../../src/eager/device.ts'
import { compile, debugprint, loadFunction, manualSeed, memory, nn, optim, pp, randn, saveFunction, symbolic, tensor, type LoadedFunction, type Tensor } from '../../../src/index.ts'
import { eachDevice, inBrowser } from '../../each-device.ts'

const list = async (x: Tensor): Promise<number[]> => Array.from(await x.data())

/** The file with its header changed. */
function edited(bytes: Uint8Array, change: (header: Record<string, unknown>) => void): Uint8Array {
  const length = Number(new DataView(bytes.buffer).getBigUint64(8, true))
  const header = JSON.parse(new TextDecoder().decode(bytes.subarray(16, 16 + length)))
  change(header)
  const text = new TextEncoder().encode(JSON.stringify(header))
  const from = Math.ceil((16 + text.length) / 8) * 8
  const data = bytes.subarray(Math.ceil((16 + length) / 8) * 8)
  const out = new Uint8Array(from + data.length).fill(32)
  out.set(bytes.subarray(0, 8))
  new DataView(out.buffer).setBigUint64(8, BigInt(text.length), true)
  out.set(text, 16)
  out.set(data, from)
  return out
}

eachDevice(name => {
  /** To the bit, where state is kept in the dtype that it has; the reference computes on in float64. */
  const same = (got: number[], want: number[]): void => (name === 'reference' ? got.forEach((v, i) => expect(v).toBeCloseTo(want[i], 4)) : expect(got).toEqual(want))
  const training = (): { step: (x: Tensor, y: Tensor) => Tensor; model: nn.Sequential } => {
    manualSeed(3)
    const model = new nn.Sequential(new nn.Linear(4, 8), new nn.Dropout(0.3), new nn.BatchNorm1d(8), new nn.Tanh(), new nn.Linear(8, 3))
    const adam = new optim.Adam(model.parameters(), { lr: 0.05 })
    const step = compile((x: Tensor, y: Tensor) => {
      adam.zeroGrad()
      const loss = nn.functional.crossEntropy(model.forward(x), y)
      loss.backward()
      adam.step()
      return loss
    }, { name: 'step' })
    return { step, model }
  }

  test('a training step goes on as the original, to the bit; its state is read and set by name', async () => {
    const { step, model } = training()
    const [x, y] = [randn(6, 4), tensor(new Int32Array([0, 1, 2, 0, 1, 2]))]
    for (let i = 0; i < 3; i++) step(x, y)
    const loaded = loadFunction(await saveFunction(step))
    for (let i = 0; i < 4; i++) same(await list(loaded(x, y)), await list(step(x, y)))
    same(await list(loaded.get('4.weight')), await list(model.getParameter('4.weight')))
    expect(loaded.state).toEqual(expect.arrayContaining(['0.weight', '0.weight.exp_avg', 'lr', 'step', '0.weight.grad']))
    // Its state is its own.
    const kept = await list(model.getParameter('4.bias'))
    loaded.set('4.bias', [7, 8, 9])
    expect(await list(loaded.get('4.bias'))).toEqual([7, 8, 9])
    expect(await list(model.getParameter('4.bias'))).toEqual(kept)
    loaded.set('lr', 0)
    const before = await list(loaded.get('0.weight'))
    loaded(x, y)
    expect(await list(loaded.get('0.weight'))).toEqual(before)
    expect(() => loaded.set('4.bias', [1])).toThrow(/4\.bias.*shape|shape/)
    expect(() => loaded.get('nothing')).toThrow(/no state 'nothing'.*|state: /)
  })

  test('functions of expressions: inputs by name, defaults, updates, several results, random streams', async () => {
    const [x, y] = [symbolic.vector('x'), symbolic.scalar('y')]
    const total = symbolic.shared([0, 0], { name: 'total' })
    const noise = new symbolic.RandomStreams(5).normal([2])
    const f = symbolic.func({ inputs: [x, { variable: y, default: 2 }], outputs: { scaled: x.mul(y), noisy: x.add(noise) }, updates: [[total, total.add(x)]] })
    f([1, 2])
    const g = loadFunction<{ scaled: Tensor; noisy: Tensor }>(await saveFunction(f))
    const calls: Parameters<typeof f>[] = [[[3, 4]], [[3, 4], 5], [{ x: [5, 6], y: 3 }], [[1, 1], { y: 4 }]]
    for (const args of calls) {
      const [want, got] = [f(...args), g(...args)]
      expect(await list(got.scaled)).toEqual(await list(want.scaled))
      expect(await list(got.noisy)).toEqual(await list(want.noisy))
    }
    expect(await list(g.get('total'))).toEqual(await list(total.get()))
    expect(() => g({ z: 1 })).toThrow(/no input 'z'/)
    expect(() => g([1, 2], 3, 4)).toThrow(/3 inputs/)
    expect(() => g([1, 2, 3])).toThrow(/without a plan for.*f32\[2\]|it takes/)
  })

  test('a plan for each kind of arguments; nested and plain ones; arguments that are views or change', async () => {
    const f = compile((o: { a: Tensor; k: number }, b?: Tensor[]) => ({ y: o.a.mul(o.k), parts: b ? [b[0].add(1), 'x', null] : [] }))
    f({ a: tensor([1, 2]), k: 3 })
    f({ a: tensor([[1, 2]]), k: 3 }, [tensor(1)])
    const g = loadFunction<{ y: Tensor; parts: [Tensor, string, null] }>(await saveFunction(f))
    expect(await list(g({ a: tensor([5, 6]), k: 3 }).y)).toEqual([15, 18])
    const two = g({ a: tensor([[1, 9], [2, 9]]).at(':', '0:1').t(), k: 3 }, [tensor(4)])
    expect([await list(two.y), await list(two.parts[0]), two.parts.slice(1)]).toEqual([[3, 6], [5], ['x', null]])
    expect(() => g({ a: tensor([5, 6]), k: 4 })).toThrow(/without a plan/)
    const add = compile((v: Tensor) => { v.add_(1) })
    const v = tensor([1, 2])
    add(v)
    const again = loadFunction<undefined>(await saveFunction(add))
    const grid = tensor([[1, 2], [3, 4]])
    expect(again(v)).toBeUndefined()
    again(grid.t().at(0))
    expect([await list(v), await list(grid)]).toEqual([[3, 4], [2, 2, 4, 4]])
  })

  test('loops, ops of one\'s own, special numbers', async () => {
    const cube = symbolic.customOp({ name: 'cube', value: v => v.pow(3), vjp: (g, { inputs: [v] }) => [g.mul(v.square()).mul(3)] })
    const w = tensor([0.5], { requiresGrad: true })
    const f = compile((x: Tensor) => {
      w.grad = null
      const last = symbolic.foldl((a: Tensor, s: Tensor) => s.mul(w).add(cube(a)), x, tensor([0]))
      last.sum().backward()
      return [last, w.grad!, x.div(-0), x.mul(NaN).add(Infinity)]
    })
    const x = tensor([[1], [2], [3]])
    f(x)
    const g = loadFunction<Tensor[]>(await saveFunction(f))
    const [got, want] = [g(x), f(x)]
    for (const i of got.keys()) expect(await list(got[i])).toEqual(await list(want[i]))
  })

  test('a loaded function shows its graph and can be saved again', async () => {
    const { step } = training()
    const [x, y] = [randn(6, 4), tensor(new Int32Array([0, 1, 2, 0, 1, 2]))]
    step(x, y)
    const once = loadFunction(await saveFunction(step))
    const shown = once.graph()
    expect(shown.nodes.map(n => n.op)).toEqual((step as unknown as LoadedFunction).graph().nodes.map(n => n.op))
    expect(shown.nodes.some(n => n.site?.file.includes('save.shared.test'))).toBe(true)
    expect(pp(once)).toBe(pp(step))
    expect(debugprint(once)).toBe(debugprint(step))
    expect(once.graph('plan').plan!.kernels.length).toBe((step as unknown as LoadedFunction).graph('plan').plan!.kernels.length)
    const twice = loadFunction(await saveFunction(once))
    same(await list(twice(x, y)), await list(once(x, y)))
  })

  test('memory goes back on dispose', async () => {
    const w = randn(100, 100)
    const f = compile((x: Tensor) => x.matmul(w).exp().matmul(w))
    const x = randn(10, 100)
    f(x).dispose()
    const bytes = await saveFunction(f)
    const held = memory()
    const g = loadFunction(bytes)
    g(x).dispose()
    g.dispose()
    expect(memory().tensors).toBe(held.tensors)
    expect(() => g(x)).toThrow(/disposed/)
  })

  test('bytes may come as an ArrayBuffer, or lie in the middle of another one', async () => {
    const w = tensor([3])
    const f = compile((x: Tensor) => x.mul(w))
    f(tensor([2])).dispose()
    const bytes = await saveFunction(f)
    /** Some kinds of byte arrays, such as Node's Buffer, do not copy when they are sliced. */
    class Lazy extends Uint8Array<ArrayBuffer> {
      override slice(from?: number, to?: number): Lazy {
        return super.subarray(from, to) as Lazy
      }
    }
    const large = new Lazy(new ArrayBuffer(bytes.length + 24)).fill(7)
    large.set(bytes, 3)
    for (const file of [bytes.slice().buffer, large.subarray(3, 3 + bytes.length)]) expect(await list(loadFunction(file)(tensor([2])))).toEqual([6])
  })

  if (!inBrowser || name === 'webgpu')
    test('saved on one device, loaded on another', async () => {
      const f = compile((x: Tensor) => nn.functional.softmax(x.mul(2), 1).sum(0))
      f(tensor([[1, 2], [3, 4]]))
      const bytes = await saveFunction(f)
      const want = await list(f(tensor([[1, 2], [3, 5]])))
      const other = name === 'wasm' ? 'reference' : 'wasm'
      await init({ device: other })
      device(other)
      const got = await list(loadFunction(bytes)(tensor([[1, 2], [3, 5]])))
      got.forEach((v, i) => expect(v).toBeCloseTo(want[i], 5))
    })

  describe('what is refused', () => {
    test('functions', async () => {
      await expect(saveFunction(compile((x: Tensor) => x))).rejects.toThrow(/not called yet/)
      await expect(saveFunction(() => 1)).rejects.toThrow(/no compiled function/)
      const x = tensor([1, 2, 3])
      const writes = compile((a: Tensor, b: Tensor) => a.mul_(2).add(b))
      writes(x.narrow(0, 0, 2), x.narrow(0, 1, 2))
      await expect(saveFunction(writes)).rejects.toThrow(/share memory/)
    })

    test('files', async () => {
      const f = compile((x: Tensor) => x.mul(2).add(tensor([1, 2])))
      f(tensor([1, 2]))
      const bytes = await saveFunction(f)
      expect(() => loadFunction(new Uint8Array(3))).toThrow(/no saved function/)
      expect(() => loadFunction(new Uint8Array(100))).toThrow(/no saved function/)
      expect(() => loadFunction(bytes.subarray(0, 60))).toThrow(/damaged/)
      expect(() => loadFunction(bytes.subarray(0, bytes.length - 8))).toThrow(/damaged: it ends/)
      expect(() => loadFunction(edited(bytes, h => (h.version = 2)))).toThrow(/version 2.*reads version 1/)
      expect(() => loadFunction(edited(bytes, h => ((h.kernels as { kind: string }[])[0].kind = 'magic')))).toThrow(/kind 'magic'/)
      expect(() => loadFunction(edited(bytes, h => ((h.views as unknown[][])[0][0] = 'float8')))).toThrow(/no dtype 'float8'/)
      expect(await list(loadFunction(edited(bytes, h => (h.name = 'f')))(tensor([1, 1])))).toEqual([3, 4])
    })
  })
})
