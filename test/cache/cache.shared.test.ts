// Plans that come back: the same work finds its plan in a cache opened anew, with the same bits; other work does not; what is damaged is made again.
import { afterEach, describe, expect, test } from 'vitest'
import packaged from '../../package.json' with { type: 'json' }
import { edition, openCompileCache, type CacheOptions, type CompileCache } from '../../src/cache/index.ts'
import { compile, grad, manualSeed, nn, optim, randn, symbolic, tensor, type CompileOptions, type Tensor } from '../../src/index.ts'
import { eachDevice, inBrowser } from '../each-device.ts'
import { cases } from '../ops/cases.ts'
import { derivatives, differences, results } from '../ops/derivatives.ts'
import { inputsOf, nameOf } from '../ops/inputs.ts'

/** A name that nobody has used. */
const fresh = (): string => (inBrowser ? crypto.randomUUID() : process.getBuiltinModule('node:fs').mkdtempSync(`${process.getBuiltinModule('node:os').tmpdir()}/lampas-cache-`))

let open: CompileCache | null = null
afterEach(() => open?.close())
/** What a later visit finds. */
async function visit(name: string, options?: CacheOptions): Promise<CompileCache> {
  await open?.settled()
  open?.close()
  return (open = await openCompileCache(name, options))
}

const settled = <T>(request: IDBRequest<T>): Promise<T> => new Promise((resolve, reject) => {
  request.onsuccess = () => resolve(request.result)
  request.onerror = () => reject(request.error ?? new Error('the request failed'))
})
/** Puts other bytes in the place of all entries. */
async function spoil(name: string, change: (bytes: Uint8Array) => Uint8Array): Promise<void> {
  if (!inBrowser) {
    const { readdirSync, readFileSync, writeFileSync } = process.getBuiltinModule('node:fs')
    for (const file of readdirSync(name)) writeFileSync(`${name}/${file}`, change(new Uint8Array(readFileSync(`${name}/${file}`))))
    return
  }
  const db = await settled(indexedDB.open(`lampas cache: ${name}`))
  const table = (): IDBObjectStore => db.transaction('plans', 'readwrite').objectStore('plans')
  for (const key of await settled(table().getAllKeys())) {
    const { bytes, at } = (await settled(table().get(key))) as { bytes: Uint8Array; at: number }
    await settled(table().put({ bytes: change(bytes), at }, key))
  }
  db.close()
}

const list = async (x: Tensor): Promise<number[]> => Array.from(await x.data())

/** Losses of some steps of a small net with an optimiser, dropout and a constant table, and how the plan came about. */
async function train(options: CompileOptions = {}, width = 16): Promise<{ losses: number[]; cached: boolean; text: string }> {
  manualSeed(3)
  const net = new nn.Sequential(new nn.Linear(8, width), new nn.LayerNorm(width), new nn.GELU(), new nn.Dropout(0.25), new nn.Linear(width, 4))
  const adam = new optim.AdamW(net.parameters(), { lr: 0.01 })
  const [x, y] = [randn(12, 8), tensor(new Int32Array([0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3]))]
  const step = compile((a: Tensor, b: Tensor) => {
    adam.zeroGrad()
    const weights = tensor([1, 2, 3, 4]).sqrt().cumsum(0)
    const loss = nn.functional.crossEntropy(net.forward(a).mul(weights), b)
    loss.backward()
    adam.step()
    return loss
  }, { name: 'train', ...options })
  const losses: number[] = []
  for (let i = 0; i < 4; i++) losses.push(await step(x, y).item())
  const { cached } = step.explain()
  for (let i = 0; i < 2; i++) losses.push(await step(x, y).item())
  const text = String(step.explain())
  step.dispose()
  return { losses, cached, text }
}

test('plans are of this version', () => {
  expect(edition).toBe(packaged.version)
})

eachDevice(device => {
  describe('the cache of plans', () => {
    test('a later visit takes the plan, with the same bits, and says so', async () => {
      const name = fresh()
      const plain = await train()
      const cache = await visit(name)
      const first = await train()
      expect([first.cached, cache.hits, cache.misses]).toEqual([false, 0, 1])
      const later = await visit(name)
      expect([later.entries, later.bytes > 0]).toEqual([1, true])
      const second = await train()
      expect([second.cached, later.hits, later.misses]).toEqual([true, 1, 0])
      expect(second.text).toContain('plan from the cache')
      expect(first.losses).toEqual(plain.losses)
      expect(second.losses).toEqual(plain.losses)
    })

    test('other work, other options and another version of the page miss', async () => {
      const name = fresh()
      await visit(name)
      await train()
      const later = await visit(name)
      await train({}, 17)
      await train({ exclude: ['fusion'] })
      await train({ mode: 'fastCompile' })
      expect([later.hits, later.misses]).toEqual([0, 3])
      const other = await visit(name, { version: '2' })
      await train()
      expect([other.hits, other.misses]).toEqual([0, 1])
      await other.settled()
      expect(other.entries).toBe(5)
    })

    test('numbers in the code, and ops of the same name, belong to the work', async () => {
      const cache = await visit(fresh())
      const x = tensor([1, 2, 3])
      const scale = (k: number) => compile((a: Tensor) => a.mul(k).add(tensor([k, 0, 0]).exp()))
      const power = (n: number) => {
        const op = symbolic.customOp({ name: 'power', value: a => a.pow(n), vjp: (g, { inputs: [a] }) => [g.mul(a.pow(n - 1)).mul(n)] })
        return compile((a: Tensor) => op(a))
      }
      for (const f of [scale(2), scale(3), scale(-0), scale(0), power(2), power(3)]) f(x)
      await cache.settled()
      expect([cache.hits, cache.misses]).toEqual([0, 6])
      for (const [f, g] of [[scale(2), scale(3)], [power(2), power(3)]]) expect(await list(f(x))).not.toEqual(await list(g(x)))
      expect(cache.hits).toBe(4)
      expect(await list(scale(3)(x))).toEqual(await list(x.mul(3).add(tensor([3, 0, 0]).exp())))
      expect(await list(power(3)(x))).toEqual([1, 8, 27])
    })

    test('a fault names the line of the code that runs now', async () => {
      const name = fresh()
      const at = tensor(new Int32Array([0, 7]))
      const failing = async (): Promise<string> => {
        const pick = compile((i: Tensor) => tensor([1, 2, 3]).exp().gather(0, i).mul(2))
        return (async () => list(pick(at)))().then(() => 'no fault', (error: Error) => error.message)
      }
      await visit(name)
      const message = await failing()
      const later = await visit(name)
      expect(message).toMatch(/index 7.*cache\.shared/)
      expect(await failing()).toBe(message)
      expect(later.hits).toBe(1)
    })

    test('donated arguments, branches, loops with and without an end, and results that are arguments', async () => {
      const name = fresh()
      const functions = (): ((x: Tensor) => Tensor)[] => [
        compile((x: Tensor) => x.mul(2).add(1), { donate: [0] }),
        compile((x: Tensor) => symbolic.ifelse(x.sum().gt(0), () => x.exp().sum(), () => x.mul(3).max())),
        compile((x: Tensor) => symbolic.foldl((row: Tensor, s: Tensor) => s.mul(0.5).add(row), x.reshape(3, 2), x.narrow(0, 0, 2))),
        compile((x: Tensor) => {
          const w = x.detach().requiresGrad_()
          const last = symbolic.foldl((row, h) => [h.mul(row).tanh().add(row), symbolic.until(row.sum().gt(5))], w.reshape(3, 2), tensor([1, 1]))
          return grad(last.square().sum(), [w])[0]
        }),
        compile((x: Tensor) => x),
      ]
      const all = async (): Promise<number[][]> => Promise.all(functions().map(f => list(f(tensor([1, -2, 3, 4, 5, -6])))))
      await visit(name)
      const before = await all()
      const later = await visit(name)
      expect(await all()).toEqual(before)
      expect([later.hits, later.misses]).toEqual([5, 0])
    })

    test('what is asked of a function whose plan was kept', async () => {
      const name = fresh()
      const make = () => compile((x: Tensor) => x.mul(1).exp().sum(), { name: 'f' })
      await visit(name)
      const [a, b] = [make(), make]
      a(randn(64))
      await visit(name)
      const again = b()
      again(randn(64))
      expect(again.info().kernels).toBe(a.info().kernels)
      expect(String(again.memory())).toBe(String(a.memory()))
      expect(again.graph('plan').plan!.kernels.map(k => k.text)).toEqual(a.graph('plan').plan!.kernels.map(k => k.text))
      expect(again.memory({ budget: 1e6 }).peak).toBeLessThanOrEqual(1e6)
      expect(await again(tensor(new Float32Array(64))).item()).toBe(64)
    })

    test.each([
      ['cut off', (bytes: Uint8Array) => bytes.slice(0, bytes.length >> 1)],
      ['one bit changed', (bytes: Uint8Array) => bytes.map((b, i) => (i === bytes.length >> 1 ? b ^ 4 : b))],
      ['empty', () => new Uint8Array(0)],
      ['of somebody else', () => new TextEncoder().encode('LAMPASFN is how mine begins as well')],
    ])('an entry that is %s is made again', async (_, change) => {
      const name = fresh()
      await visit(name)
      const { losses } = await train()
      await open!.settled()
      await spoil(name, change)
      const later = await visit(name)
      expect((await train()).losses).toEqual(losses)
      expect([later.hits, later.misses]).toEqual([0, 1])
      const last = await visit(name)
      expect((await train()).losses).toEqual(losses)
      expect([last.hits, last.misses, last.entries]).toEqual([1, 0, 1])
    })

    test('of too much the oldest go', async () => {
      const name = fresh()
      const first = await visit(name)
      const run = (k: number): Tensor => compile((x: Tensor) => x.mul(k))(tensor([1]))
      run(2)
      await first.settled()
      const later = await visit(name, { limit: 2.5 * first.bytes })
      for (const k of [3, 4, 5]) run(k)
      await later.settled()
      const last = await visit(name)
      expect(last.entries).toBe(2)
      for (const k of [2, 4, 5]) run(k)
      expect([last.hits, last.misses]).toEqual([2, 1])
      await last.clear()
      expect([last.entries, last.bytes, (await visit(name)).entries]).toEqual([0, 0, 0])
    })

    test('ops and their derivatives, of all kinds', async () => {
      const cache = await visit(fresh())
      for (const c of cases.filter((c, i) => !c.reads && i % (device === 'webgpu' ? 300 : 40) === 0)) {
        const inputs = inputsOf(c)
        const make = () => compile((...xs: Tensor[]) => {
          const { outputs, first, second } = derivatives(c, xs)
          return { outputs, first, second }
        })
        manualSeed(5)
        const before = await results(make()(...inputs))
        await cache.settled()
        const { hits } = cache
        manualSeed(5)
        const faults = differences(await results(make()(...inputs)), before, 0)
        expect(faults, `${nameOf(c)}\n${faults.join('\n')}`).toEqual([])
        expect(cache.hits, nameOf(c)).toBe(hits + 1)
      }
    })
  })
}, inBrowser ? ['wasm', 'webgpu'] : ['wasm'])
