// tap, print and assert: in eager code, in compiled code in each run, in functions of expressions and in loops.
import { afterEach, expect, test, vi } from 'vitest'
import { compile, grad, symbolic, tensor, type Tensor } from '../../src/index.ts'
import { eachDevice } from '../each-device.ts'

const { assert, func, matrix, print, scan, shared, tap, vector } = symbolic
const list = async (x: Tensor): Promise<number[]> => Array.from(await x.data())
afterEach(() => void vi.restoreAllMocks())

eachDevice(name => {
  const settled = async (): Promise<void> => {
    if (name === 'webgpu') await new Promise(done => setTimeout(done, 100))
  }

  test('tap sees the values of each run, and gradients flow through', async () => {
    const seen: number[][] = []
    const see = async (v: Tensor): Promise<void> => void seen.push(await list(v))
    const f = compile((x: Tensor) => tap(x.mul(2), see).square())
    expect(await list(f(tensor([1, 2])))).toEqual([4, 16])
    expect(await list(f(tensor([3, 4])))).toEqual([36, 64])
    await settled()
    expect(seen).toEqual([[2, 4], [6, 8]])
    const x = tensor([5], { requiresGrad: true })
    expect(await list(grad(tap(x.mul(3), see).square().sum(), x)[0] ?? x)).toEqual([90])
    await settled()
    expect(seen[2]).toEqual([15])
    expect(f.info().traces).toBe(1)
  })

  test('print writes to the console, with its message', async () => {
    const log = vi.spyOn(console, 'log').mockImplementation(() => {})
    const x = vector('x')
    const total = shared([0, 0])
    const f = func({ inputs: [x], outputs: print(x.mul(2), 'twice').sum(), updates: [[total, total.add(print(x))]] })
    expect(await f([1, 2]).item()).toBe(6)
    expect(await f([3, 4]).item()).toBe(14)
    print(tensor([7]), 'now')
    await settled()
    const lines = log.mock.calls.map(([text]) => String(text).replace(/, device='\w+'/, ''))
    expect(lines.filter(l => l.startsWith('twice'))).toEqual(['twice: tensor([2., 4.])', 'twice: tensor([6., 8.])'])
    expect(lines.filter(l => l.startsWith('tensor'))).toEqual(['tensor([1., 2.])', 'tensor([3., 4.])'])
    expect(lines.at(-1)).toBe('now: tensor([7.])')
    expect(await list(total.get())).toEqual([4, 6])
  })

  test('in a loop every step is seen', async () => {
    const seen: number[] = []
    const x = matrix('x')
    const sums = scan((row: Tensor, s: Tensor) => tap(s.add(row.sum()), async v => void seen.push(await v.item())), { sequences: x, outputsInfo: 0 })
    const f = func({ inputs: [x], outputs: sums })
    expect(await list(f([[1, 2], [3, 4], [5, 6]]))).toEqual([3, 10, 21])
    await settled()
    expect(seen).toEqual([3, 10, 21])
  })

  test('assert lets pass or throws, at once or when results are read', async () => {
    const error = vi.spyOn(console, 'error').mockImplementation(() => {})
    const x = vector('x')
    const f = func({ inputs: [x], outputs: assert(x, [x.ge(0), x.lt(100)], 'numbers from 0 to 100').sqrt() })
    const refused = async (make: () => Tensor): Promise<void> => {
      const call = async (): Promise<unknown> => list(make())
      await expect(call()).rejects.toThrow(/numbers from 0 to 100/)
    }
    expect(await list(f([4, 9]))).toEqual([2, 3])
    await refused(() => f([4, -9]))
    await refused(() => f([400, 9]))
    expect(await list(f([1, 0]))).toEqual([1, 0])
    const good = tensor([1])
    expect(assert(good, good.gt(0))).toBe(good)
    await refused(() => assert(tensor([1]), tensor([false]), 'numbers from 0 to 100'))
    expect(() => assert(good, false, 'never')).toThrow(/never/)
    expect(error.mock.calls.length).toBe(name === 'webgpu' ? 3 : 0)
  })
})
