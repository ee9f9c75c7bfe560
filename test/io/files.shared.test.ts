// save and load: every dtype, files of PyTorch, nesting, a training that goes on as if it had not been cut, and files that are at fault.
import { describe, expect, test } from 'vitest'
import { compile, defaultGenerator, load, manualSeed, nn, optim, randn, save, tensor, type DType, type Tensor } from '../../src/index.ts'
import { eachDevice } from '../each-device.ts'
import { goldenBytes } from '../golden-files.ts'

const header = (bytes: Uint8Array): Record<string, { dtype: string; shape: number[]; data_offsets: [number, number] }> =>
  JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + Number(new DataView(bytes.buffer).getBigUint64(0, true)))))

/** A file of one tensor, written by hand. */
function fileOf(dtype: string, shape: number[], data: ArrayBufferView<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const text = new TextEncoder().encode(JSON.stringify({ x: { dtype, shape, data_offsets: [0, data.byteLength] } }))
  const out = new Uint8Array(8 + text.length + data.byteLength)
  new DataView(out.buffer).setBigUint64(0, BigInt(text.length), true)
  out.set(text, 8)
  out.set(new Uint8Array(data.buffer), 8 + text.length)
  return out
}

eachDevice(name => {
  const dtypes: DType[] = ['float32', 'int32', 'bool', 'uint8', 'uint32', 'float16', 'bfloat16', 'complex64', ...(name === 'webgpu' ? [] : ['float64' as const])]

  test.each(dtypes)('%s comes back as it was', async dtype => {
    const x = tensor([[0, 1, 2.5], [3, 250, 7]]).to(dtype)
    const y = load(await save({ x })).x
    expect([y.dtype, y.shape]).toEqual([dtype, [2, 3]])
    expect(await y.data()).toEqual(await x.data())
  })

  test('special values, views, empty and 0-dim tensors', async () => {
    const state = { special: tensor([NaN, -Infinity, Infinity, -0]), view: tensor([[1, 2], [3, 4]]).mT(), empty: tensor([]), one: tensor(3) }
    const again = load(await save(state))
    expect(Object.keys(again).sort()).toEqual(['empty', 'one', 'special', 'view'])
    for (const [key, x] of Object.entries(state)) {
      expect(again[key].shape).toEqual(x.shape)
      expect(await again[key].data()).toEqual(await x.data())
    }
  })

  test('a file of PyTorch: names, shapes, values; written again it holds the same bytes', async () => {
    const file = new Uint8Array(await goldenBytes('training/a_mlp_sgd.init.safetensors'))
    const state = load(file)
    const again = await save(state)
    const [before, after] = [header(file), header(again)]
    delete before.__metadata__
    delete after.__metadata__
    expect(Object.keys(after).sort()).toEqual(Object.keys(before).sort())
    const part = (bytes: Uint8Array, [from, to]: [number, number]): Uint8Array => {
      const start = 8 + Number(new DataView(bytes.buffer).getBigUint64(0, true))
      return bytes.subarray(start + from, start + to)
    }
    for (const [key, { dtype, shape, data_offsets }] of Object.entries(before)) {
      expect(after[key]).toMatchObject({ dtype, shape })
      expect(part(again, after[key].data_offsets)).toEqual(part(file, data_offsets))
    }
  })

  test('whole numbers of other widths become int32', async () => {
    for (const [dtype, data] of [['I64', BigInt64Array.of(-5n, 7n)], ['I16', Int16Array.of(-5, 7)], ['I8', Int8Array.of(-5, 7)]] as const) {
      const { x } = load(fileOf(dtype, [2], data))
      expect(x.dtype).toBe('int32')
      expect(await x.toArray()).toEqual([-5, 7])
    }
    expect(() => load(fileOf('I64', [1], BigInt64Array.of(5_000_000_000n)))).toThrow(/5000000000/)
  })

  test('nesting, lists, numbers and words come back too', async () => {
    const value = { list: [tensor([1]), { deep: tensor([2]), gap: undefined }], words: 'größer', nothing: null, yes: true, best: Infinity, 'a.b': tensor([3]) }
    const again = load<typeof value>(await save(value))
    expect(await (again.list[1] as { deep: Tensor }).deep.toArray()).toEqual([2])
    expect(await again['a.b'].toArray()).toEqual([3])
    expect({ ...again, list: again.list.length, 'a.b': 0 }).toEqual({ list: 2, words: 'größer', nothing: null, yes: true, best: Infinity, 'a.b': 0 })
    expect(await load<Tensor>(await save(tensor([4, 5]))).toArray()).toEqual([4, 5])
  })

  test('a training goes on from a file as if it had not been cut', async () => {
    manualSeed(5)
    const x = randn(16, 4)
    const y = x.sum(1, { keepdim: true })
    const make = () => {
      const model = new nn.Sequential(new nn.Linear(4, 8), new nn.Dropout(0.2), new nn.BatchNorm1d(8), new nn.Linear(8, 1))
      const adam = new optim.Adam(model.parameters(), { lr: 0.01 })
      const schedule = new optim.lrScheduler.ExponentialLR(adam, 0.9)
      const step = compile(() => {
        adam.zeroGrad()
        const loss = nn.functional.mseLoss(model.forward(x), y)
        loss.backward()
        adam.step()
        return loss
      })
      const run = async (steps: number) => {
        const losses: number[] = []
        for (let i = 0; i < steps; i++) {
          losses.push(await step().item())
          schedule.step()
        }
        return losses
      }
      return { model, adam, schedule, run }
    }
    const one = make()
    await one.run(4)
    const file = await save({ model: one.model.stateDict(), adam: one.adam.stateDict(), schedule: one.schedule.stateDict(), random: defaultGenerator().state })
    const want = await one.run(4)

    const other = make()
    const saved = load<{ model: nn.StateDict; adam: optim.OptimizerState; schedule: { lastEpoch: number }; random: Tensor }>(file)
    await other.model.loadStateDict(saved.model)
    await other.adam.loadStateDict(saved.adam)
    other.schedule.loadStateDict(saved.schedule)
    defaultGenerator().state.copy_(saved.random)
    expect(await other.run(4)).toEqual(want)
  })

  describe('what is refused', () => {
    const cases: [string, () => unknown, RegExp][] = [
      ['a model', () => save(new nn.Linear(1, 1)), /\[save\] the value is a Linear\. help: .*stateDict\(\)/],
      ['a function inside', () => save({ a: [() => 0] }), /'a\.0' is function/],
      ['names that meet', () => save({ a: { b: tensor([1]) }, 'a.b': tensor([2]) }), /two tensors would be called 'a\.b'/],
      ['too few bytes', () => load(new Uint8Array(3)), /\[load\] this is no whole safetensors file: it has 3 bytes/],
      ['another file', () => load(new TextEncoder().encode('PK these are other bytes').buffer), /no whole safetensors file/],
      ['a header that is none', () => load(Uint8Array.of(2, 0, 0, 0, 0, 0, 0, 0, 91, 91)), /its header is no JSON/],
      ['a file that was cut', async () => load((await save({ x: tensor([1, 2]) })).slice(0, -4)), /8 bytes, from 0 to 8 of 4, are not 'x', F32\[2\]/],
      ['a dtype of tomorrow', () => load(fileOf('F4', [2], new Uint8Array(1))), /'x' has the dtype F4/],
    ]
    test.each(cases)('%s', async (_, body, message) => {
      await expect((async () => body())()).rejects.toThrow(message)
    })
  })
})
