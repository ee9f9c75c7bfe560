// Datasets and loaders: orders, batches, splits, prefetching.
import { beforeAll, describe, expect, test } from 'vitest'
import { arange, data, init, manualSeed, memory, rand, tensor, type Tensor } from '../../src/index.ts'

beforeAll(async () => {
  await init({ device: 'wasm' })
})

const { BatchSampler, ConcatDataset, DataLoader, Dataset, RandomSampler, SequentialSampler, StackDataset, SubsetRandomSampler, TensorDataset, WeightedRandomSampler, randomSplit } = data
const numbers = (n: number) => new TensorDataset(arange(n), arange(2 * n).reshape(n, 2))

async function firsts(loader: AsyncIterable<Tensor[]>): Promise<number[][]> {
  const out: number[][] = []
  for await (const [x] of loader) out.push([...(await x.data())])
  return out
}

describe('batches', () => {
  test('in order, the last one smaller', async () => {
    const loader = new DataLoader(numbers(7), { batchSize: 3 })
    expect(loader.length).toBe(3)
    expect(await firsts(loader)).toEqual([[0, 1, 2], [3, 4, 5], [6]])
    for await (const [x, y] of loader) expect(await y.toArray()).toEqual([...(await x.data())].map(i => [2 * i, 2 * i + 1]))
  })

  test('dropLast', async () => {
    const loader = new DataLoader(numbers(7), { batchSize: 3, dropLast: true })
    expect(loader.length).toBe(2)
    expect(await firsts(loader)).toEqual([[0, 1, 2], [3, 4, 5]])
  })

  test('batches in order are views', async () => {
    const set = numbers(1000)
    const before = memory().tensors
    for await (const [x] of new DataLoader(set, { batchSize: 100 })) expect(x.shape).toEqual([100])
    expect(memory().tensors).toBeLessThanOrEqual(before)
  })
})

describe('shuffling', () => {
  test('a seed fixes the orders, which differ from epoch to epoch', async () => {
    const make = () => new DataLoader(numbers(50), { batchSize: 8, shuffle: true, seed: 4 })
    const loader = make()
    const [one, two] = [await firsts(loader), await firsts(loader)]
    expect(one.flat().sort((a, b) => a - b)).toEqual(Array.from({ length: 50 }, (_, i) => i))
    expect(two).not.toEqual(one)
    const again = make()
    expect([await firsts(again), await firsts(again)]).toEqual([one, two])
    expect(await firsts(new DataLoader(numbers(50), { batchSize: 8, shuffle: true, seed: 5 }))).not.toEqual(one)
  })

  test('a seeded loader leaves the default generator alone', async () => {
    manualSeed(1)
    const want = await rand(4).data()
    manualSeed(1)
    await firsts(new DataLoader(numbers(20), { shuffle: true, seed: 0 }))
    randomSplit(numbers(20), [10, 10], { seed: 0 })
    expect(await rand(4).data()).toEqual(want)
  })

  test('without a seed the order follows manualSeed', async () => {
    const epoch = () => {
      manualSeed(3)
      return firsts(new DataLoader(numbers(30), { batchSize: 30, shuffle: true }))
    }
    const one = await epoch()
    expect(await epoch()).toEqual(one)
    expect(one[0]).not.toEqual(Array.from({ length: 30 }, (_, i) => i))
  })

  test('every position gets every sample about equally often', async () => {
    const loader = new DataLoader(numbers(5), { batchSize: 5, shuffle: true, seed: 9 })
    const counts = Array.from({ length: 5 }, () => [0, 0, 0, 0, 0])
    for (let e = 0; e < 500; e++) (await firsts(loader))[0].forEach((v, i) => counts[i][v]++)
    // 100 expected, standard deviation 9.
    expect(counts.flat().every(c => c > 60 && c < 140)).toBe(true)
  })
})

describe('datasets of one’s own', () => {
  class Squares extends Dataset<[number, Tensor]> {
    override readonly length = 6
    readonly asked: number[] = []
    override async get(i: number): Promise<[number, Tensor]> {
      this.asked.push(i)
      return [i, tensor([i * i])]
    }
  }

  test('samples are stacked field by field', async () => {
    for await (const [i, squares] of new DataLoader(new Squares(), { batchSize: 6 })) {
      expect(`${i} ${squares}`).toBe('f32[6] f32[6,1]')
      expect([...(await squares.data())]).toEqual([0, 1, 4, 9, 16, 25])
    }
  })

  test('the next batch is under way while one is worked on', async () => {
    for (const [prefetch, asked] of [[0, 2], [1, 4], [2, 6]]) {
      const set = new Squares()
      const batches = new DataLoader(set, { batchSize: 2, prefetch })[Symbol.asyncIterator]()
      await batches.next()
      expect(set.asked.length).toBe(asked)
    }
  })

  test('collate joins in its own way', async () => {
    const loader = new DataLoader(new Squares(), { batchSize: 3, collate: samples => samples.map(([i]) => i) })
    const got: number[][] = []
    for await (const batch of loader) got.push(batch)
    expect(got).toEqual([[0, 1, 2], [3, 4, 5]])
  })

  test('an error comes out in its turn', async () => {
    class Bad extends Dataset<Tensor[]> {
      override readonly length = 4
      override get(i: number): Tensor[] {
        if (i === 2) throw new Error('sample 2 is broken')
        return [tensor([i])]
      }
    }
    const batches = new DataLoader(new Bad())[Symbol.asyncIterator]()
    await batches.next()
    await batches.next()
    await expect(batches.next()).rejects.toThrow('sample 2 is broken')
  })
})

describe('samplers', () => {
  const drawn = async (sampler: AsyncIterable<number>): Promise<number[]> => {
    const out: number[] = []
    for await (const i of sampler) out.push(i)
    return out
  }

  test('a list, and a sampler of one’s own', async () => {
    expect(await firsts(new DataLoader(numbers(9), { batchSize: 2, sampler: [8, 0, 3] }))).toEqual([[8, 0], [3]])
    const countdown = { length: 3, *[Symbol.iterator]() { for (let i = 2; i >= 0; i--) yield i } }
    const loader = new DataLoader(numbers(3), { batchSize: 2, sampler: countdown, dropLast: true })
    expect(loader.length).toBe(1)
    expect([await firsts(loader), await firsts(loader)]).toEqual([[[2, 1]], [[2, 1]]])
  })

  test('each epoch has an order of its own, which the seed fixes', async () => {
    const makes = [
      () => new RandomSampler(numbers(20), { seed: 1 }),
      () => new RandomSampler(numbers(20), { seed: 1, replacement: true, numSamples: 30 }),
      () => new SubsetRandomSampler([5, 6, 7, 8, 9, 11, 13], { seed: 1 }),
      () => new WeightedRandomSampler(Array.from({ length: 20 }, (_, i) => i), 12, { seed: 1 }),
      () => new WeightedRandomSampler(Array.from({ length: 20 }, (_, i) => i), 12, { seed: 1, replacement: false }),
    ]
    for (const make of makes) {
      const [one, two] = [make(), make()]
      const first = await drawn(one)
      expect(first).toHaveLength(one.length)
      expect(await drawn(two)).toEqual(first)
      expect(await drawn(one)).not.toEqual(first)
      expect(await drawn(two)).not.toEqual(first)
    }
    expect((await drawn(new SubsetRandomSampler([5, 9, 7]))).sort()).toEqual([5, 7, 9])
    expect(new Set(await drawn(new RandomSampler(numbers(20), { numSamples: 15 })))).toHaveLength(15)
  })

  test('without a seed draws follow manualSeed', async () => {
    for (const make of [() => new RandomSampler(numbers(30)), () => new WeightedRandomSampler(new Float32Array(30).fill(1), 30)]) {
      manualSeed(5)
      const first = await drawn(make())
      manualSeed(5)
      expect(await drawn(make())).toEqual(first)
    }
  })

  test('draws have their weights', async () => {
    const weights = [1, 0, 3, 6]
    const counts = [0, 0, 0, 0]
    for (const i of await drawn(new WeightedRandomSampler(weights, 10000, { seed: 3 }))) counts[i]++
    // Standard deviations are below 50.
    counts.forEach((n, i) => expect(Math.abs(n - weights[i] * 1000), `sample ${i}`).toBeLessThan(200))
    const firstOf = [0, 0, 0, 0]
    const one = new WeightedRandomSampler(weights, 3, { seed: 3, replacement: false })
    for (let k = 0; k < 2000; k++) {
      const order = await drawn(one)
      expect([...order].sort()).toEqual([0, 2, 3])
      firstOf[order[0]]++
    }
    firstOf.forEach((n, i) => expect(Math.abs(n - weights[i] * 200), `sample ${i}`).toBeLessThan(100))
  })

  test('lists of positions make batches', async () => {
    const batches = new BatchSampler(new SequentialSampler(numbers(5)), 2)
    expect([batches.length, new BatchSampler(new SequentialSampler(numbers(5)), 2, true).length]).toEqual([3, 2])
    expect(await firsts(new DataLoader(numbers(5), { batchSampler: batches }))).toEqual([[0, 1], [2, 3], [4]])
    expect(await firsts(new DataLoader(numbers(5), { batchSampler: [[4], [0, 1, 2]] }))).toEqual([[4], [0, 1, 2]])
  })

  test('mistakes', () => {
    expect(() => new RandomSampler(numbers(3), { numSamples: 4 })).toThrow(/4 of 3 samples.*replacement/)
    expect(() => new WeightedRandomSampler([0, 0], 1)).toThrow(/weights that are/)
    expect(() => new WeightedRandomSampler([1, 0], 2, { replacement: false })).toThrow(/2 of 1 samples that have a weight/)
    expect(() => new DataLoader(numbers(3), { sampler: [0], shuffle: true })).toThrow(/a sampler beside shuffle/)
    expect(() => new DataLoader(numbers(3), { batchSampler: [[0]], batchSize: 2 })).toThrow(/a batchSampler beside batchSize/)
  })
})

describe('datasets of others', () => {
  test('one behind the other', async () => {
    const joined = new ConcatDataset([numbers(2), numbers(0), numbers(3)])
    expect(await firsts(new DataLoader(joined, { batchSize: 5 }))).toEqual([[0, 1, 0, 1, 2]])
    expect(() => new ConcatDataset([])).toThrow(/there are no datasets/)
  })

  test('beside each other', async () => {
    class Double extends Dataset<number> {
      override readonly length = 4
      override get(i: number) {
        return 2 * i
      }
    }
    const both = new StackDataset(new Double(), new Double())
    expect(await both.get(3)).toEqual([6, 6])
    const sums: number[] = []
    for await (const [a, b] of new DataLoader(both, { batchSize: 4, collate: samples => samples })) sums.push(a[0] + b[1])
    expect(sums).toEqual([2])
    expect(() => new StackDataset(new Double(), numbers(3))).toThrow(/datasets of 4, 3 samples/)
  })
})

describe('splits', () => {
  test('by counts and by shares: disjoint, complete, fixed by the seed', async () => {
    const set = numbers(11)
    for (const lengths of [[8, 3], [0.75, 0.25]]) {
      const parts = randomSplit(set, lengths, { seed: 2 })
      expect(parts.map(p => p.length)).toEqual(lengths[0] === 8 ? [8, 3] : [9, 2])
      expect(parts.flatMap(p => [...p.indices]).sort((a, b) => a - b)).toEqual([...Array(11).keys()])
      expect(randomSplit(set, lengths, { seed: 2 }).map(p => [...p.indices])).toEqual(parts.map(p => [...p.indices]))
    }
    const [part] = randomSplit(set, [8, 3], { seed: 2 })
    expect((await firsts(new DataLoader(part, { batchSize: 8 })))[0]).toEqual([...part.indices])
    expect(await (part.get(1) as Tensor[])[0].item()).toBe(part.indices[1])
  })
})

test('mistakes', () => {
  expect(() => new TensorDataset(arange(3), arange(4))).toThrow(/i32\[3\] and i32\[4\] have different first sizes/)
  expect(() => new TensorDataset()).toThrow(/there are no tensors/)
  expect(() => new DataLoader(numbers(3), { batchsize: 2 } as object)).toThrow(/unknown option 'batchsize'.*did you mean 'batchSize'/)
  expect(() => new DataLoader(numbers(3), { batchSize: 0 })).toThrow(/batchSize is 0/)
  expect(() => new DataLoader(arange(3) as never)).toThrow(/not a dataset/)
  expect(() => randomSplit(numbers(3), [1, 1])).toThrow(/lengths 1, 1 do not add up to the 3 samples/)
})
