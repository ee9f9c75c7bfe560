// Loaders of samples that come one after another.
import { beforeAll, describe, expect, test } from 'vitest'
import { data, init, tensor, type Tensor } from '../../src/index.ts'

beforeAll(async () => {
  await init({ device: 'wasm' })
})

const { ChainDataset, ConcatDataset, DataLoader, IterableDataset, SequentialSampler, TensorDataset } = data

class Counting extends IterableDataset {
  made = 0
  open = 0

  constructor(readonly n: number) {
    super()
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Tensor[]> {
    this.open++
    try {
      for (let i = 0; i < this.n; i++) {
        this.made++
        yield [tensor(i), tensor([i, 2 * i])]
      }
    } finally {
      this.open--
    }
  }
}

async function firsts(loader: AsyncIterable<readonly Tensor[]>): Promise<number[][]> {
  const out: number[][] = []
  for await (const [x] of loader) out.push([...(await x.data())])
  return out
}

describe('batches', () => {
  test('in the order of coming, the last one smaller or left out, in each epoch', async () => {
    const loader = new DataLoader(new Counting(5), { batchSize: 2 })
    for (let epoch = 0; epoch < 2; epoch++) expect(await firsts(loader)).toEqual([[0, 1], [2, 3], [4]])
    expect(await firsts(new DataLoader(new Counting(5), { batchSize: 2, dropLast: true }))).toEqual([[0, 1], [2, 3]])
    expect(await firsts(new DataLoader(new Counting(4), { batchSize: 2 }))).toEqual([[0, 1], [2, 3]])
    expect(await firsts(new DataLoader(new Counting(2)))).toEqual([[0], [1]])
    expect(await firsts(new DataLoader(new Counting(0)))).toEqual([])
    for await (const [, y] of new DataLoader(new Counting(3), { batchSize: 3 })) expect(await y.toArray()).toEqual([[0, 0], [1, 2], [2, 4]])
  })

  test.each([[0, 4], [1, 6], [2, 8]])('with %i made ahead', async (prefetch, made) => {
    const samples = new Counting(100)
    let batches = 0
    for await (const _ of new DataLoader(samples, { batchSize: 2, prefetch })) {
      if (++batches < 2) continue
      await new Promise(resolve => setTimeout(resolve))
      expect(samples.made).toBe(made)
      break
    }
    await new Promise(resolve => setTimeout(resolve))
    expect(samples.open).toBe(0)
  })

  test('of whatever can be walked', async () => {
    expect(await firsts(new DataLoader([1, 2, 3], { batchSize: 2 }))).toEqual([[1, 2], [3]])
    const collate = (words: string[]) => words.join(' ')
    const said: string[] = []
    for await (const words of new DataLoader(new Set(['a', 'b', 'c']), { batchSize: 2, collate })) said.push(words)
    expect(said).toEqual(['a b', 'c'])
  })

  test('of a file that is being fetched', async () => {
    async function* rows(): AsyncGenerator<number[]> {
      const { body } = await fetch('data:text/csv,1,2%0A3,4%0A5,6')
      const reader = body!.pipeThrough(new TextDecoderStream()).getReader()
      let rest = ''
      for (let part = await reader.read(); !part.done; part = await reader.read()) {
        const lines = (rest + part.value).split('\n')
        rest = lines.pop()!
        for (const line of lines) yield line.split(',').map(Number)
      }
      yield rest.split(',').map(Number)
    }
    const sums: number[] = []
    for await (const [x, y] of new DataLoader(rows(), { batchSize: 2 })) sums.push(...(await x.add(y).data()))
    expect(sums).toEqual([3, 7, 11])
  })

  test('a failure shows in its turn', async () => {
    async function* failing(): AsyncGenerator<number> {
      yield 1
      yield 2
      throw new Error('the line is dead')
    }
    const seen: number[][] = []
    const walk = async (): Promise<void> => {
      for await (const [x] of new DataLoader(failing(), { prefetch: 5 })) seen.push([...(await x.data())])
    }
    await expect(walk()).rejects.toThrow('the line is dead')
    expect(seen).toEqual([[1], [2]])
    await expect(firsts(new DataLoader([[1, 2], [3]], { batchSize: 2 }))).rejects.toThrow('[DataLoader] samples of 2 and of 1 fields')
  })
})

test('ChainDataset', async () => {
  expect(await firsts(new DataLoader(new ChainDataset([new Counting(3), new ChainDataset<readonly Tensor[]>([[[tensor(7), tensor([7, 7])]], new Counting(1)])]), { batchSize: 2 }))).toEqual([[0, 1], [2, 7], [0]])
  expect(() => new ChainDataset([])).toThrow('[ChainDataset] there are no datasets')
})

describe('what has no positions', () => {
  test.each([[{ shuffle: true }], [{ seed: 1 }], [{ sampler: new SequentialSampler({ length: 3 }) }], [{ batchSampler: { length: 0, *[Symbol.iterator]() {} } }]])('refuses %o', options =>
    expect(() => new DataLoader(new Counting(3), options)).toThrow('[DataLoader] samples that come one after another have no positions to shuffle, and no known number. help: mix and count them'))

  test('has no length', () => expect(() => new DataLoader(new Counting(3)).length).toThrow('[DataLoader] samples that come one after another have no positions to shuffle, and no known number'))

  test('is no dataset with positions, which stay as they are', async () => {
    class Both extends ConcatDataset<Tensor[]> {
      *[Symbol.iterator](): Generator<number> {
        yield 0
      }
    }
    expect(await firsts(new DataLoader(new Both([new TensorDataset(tensor([5, 6]))]), { batchSize: 2 }))).toEqual([[5, 6]])
    expect(() => new DataLoader(5 as never)).toThrow('[DataLoader] the first argument is not a dataset')
  })
})
