// Loops that keep the states before every so many steps alone: the same values and gradients in less memory, eagerly and compiled.
import { describe, expect, test } from 'vitest'
import { compile, enableGrad, grad, manualSeed, rand, randn, scope, symbolic, tensor, type Tensor } from '../../src/index.ts'
import { currentBackend } from '../../src/eager/device.ts'
import { eachDevice, inBrowser } from '../each-device.ts'

const { scan, foldl, until } = symbolic
type Checkpoints = number | 'sqrt' | undefined

/** The most bytes that were held while `body` ran, over those held before. */
function mostHeld<T>(body: () => T): { result: T; bytes: number } {
  const backend = currentBackend()
  const { alloc } = backend
  const { held } = backend.memory()
  let most = held
  backend.alloc = bytes => {
    const block = alloc.call(backend, bytes)
    most = Math.max(most, backend.memory().held)
    return block
  }
  try {
    return { result: body(), bytes: most - held }
  } finally {
    backend.alloc = alloc
  }
}

const cell = (x: Tensor, h: Tensor, w: Tensor): Tensor => h.matmul(w).add(x).tanh().mul(0.9).add(h.mul(0.1))
/** Gradients of a loss of the last state, for the entries, the first state and the weights. */
const last = (checkpoints: Checkpoints) => (xs: Tensor, h: Tensor, w: Tensor): Tensor[] => {
  const leaves = [xs, h, w].map(x => x.detach().requiresGrad_())
  const y = enableGrad(() => foldl(cell, leaves[0], leaves[1], leaves[2], checkpoints === undefined ? {} : { checkpoints }).square().sum())
  return [y.detach(), ...grad(y, leaves)]
}
/** The same of all states and of a result that no step asks for. */
const all = (checkpoints: Checkpoints) => (xs: Tensor, h: Tensor, w: Tensor): Tensor[] => {
  const leaves = [xs, h, w].map(x => x.detach().requiresGrad_())
  const [states, squares] = enableGrad(() => scan((a, s, v) => {
    const next = cell(a, s, v)
    return [next, next.square().sum(-1)]
  }, { sequences: leaves[0], outputsInfo: [leaves[1], null], nonSequences: leaves[2], ...(checkpoints === undefined ? {} : { checkpoints }) }))
  return [states.detach(), squares.detach(), ...grad(states.sum().add(squares.sum()), leaves)]
}

const values = (list: readonly Tensor[]): Promise<number[][]> => Promise.all(list.map(async x => Array.from(await x.data())))
async function alike(a: readonly Tensor[], b: readonly Tensor[]): Promise<void> {
  const [x, y] = [await values(a), await values(b)]
  expect(x.length).toBe(y.length)
  x.forEach((list, i) => list.forEach((v, k) => {
    if (!(Math.abs(v - y[i][k]) <= 1e-5 + 1e-4 * Math.abs(v))) expect(`${i}: ${v}`).toBe(`${i}: ${y[i][k]}`)
  }))
}

eachDevice(() => {
  describe('the same values and gradients', () => {
    for (const [name, of] of [['of the last state', last], ['of all states', all]] as const)
      test.each<[number, number | 'sqrt']>([[16, 'sqrt'], [13, 'sqrt'], [7, 3], [5, 9], [6, 1]])(`${name}: %i steps, checkpoints %s`, async (steps, checkpoints) => {
        manualSeed(steps)
        const args = [randn(steps, 2, 3), randn(2, 3), randn(3, 3).mul(0.5)] as const
        const plain = of(undefined)(...args)
        await alike(of(checkpoints)(...args), plain)
        await alike(compile(of(checkpoints))(...args), plain)
      })

    test('taps of sequences, backwards, whole numbers, values from outside', async () => {
      const [xs, w] = [randn(12, 3), rand(3).requiresGrad_()]
      const run = (checkpoints: Checkpoints) => (): Tensor[] => {
        const x = xs.detach().requiresGrad_()
        const before = w.grad
        w.grad = null
        const [y, n] = enableGrad(() => scan((now, next, s, count) => [now.mul(w).add(next).add(s.mul(0.5)), count.add(1)], {
          sequences: { input: x, taps: [0, 1] }, outputsInfo: [tensor([0, 0, 0]), tensor(new Int32Array([0]))], goBackwards: true, ...(checkpoints === undefined ? {} : { checkpoints }),
        }))
        y.square().sum().backward()
        const found = [y.detach(), n, x.grad!, w.grad!]
        w.grad = before
        return found
      }
      await alike(run(4)(), run(undefined)())
      await alike(compile(run('sqrt'))(), run(undefined)())
    })

    test('second derivatives', async () => {
      const of = (checkpoints: Checkpoints) => (x: Tensor): Tensor[] => {
        const leaf = x.detach().requiresGrad_()
        const y = enableGrad(() => foldl((a, s) => s.mul(a).sin(), leaf, tensor(1), [], checkpoints === undefined ? {} : { checkpoints }))
        const [first] = enableGrad(() => grad(y, [leaf], { createGraph: true }))
        return [first.detach(), ...grad(first.square().sum(), [leaf])]
      }
      const x = tensor([0.5, 1.5, -0.7, 1.1, 0.4, 0.8, 1.2])
      const plain = of(undefined)(x)
      await alike(of(3)(x), plain)
      await alike(compile(of(3))(x), plain)
    })

    test('random draws in eager steps are the same again', async () => {
      const of = (checkpoints: Checkpoints): Tensor[] => {
        manualSeed(3)
        const x = tensor([1, 2, 3, 4, 5, 6, 7, 8]).requiresGrad_()
        const y = foldl((a, s) => s.add(a.mul(rand([]))), x, tensor(0), [], checkpoints === undefined ? {} : { checkpoints })
        return [y.detach(), ...grad(y, [x]), rand(2)]
      }
      await alike(of('sqrt'), of(undefined))
    })
  })

  test('what does not go together is refused', () => {
    const x = tensor([1, 2, 3, 4])
    expect(() => scan((a, s) => s.add(a), { sequences: x, outputsInfo: 0, checkpoints: 0 })).toThrow(/\[scan\] checkpoints 0.*'sqrt'/)
    expect(() => scan((a, s) => s.add(a), { sequences: x, outputsInfo: 0, checkpoints: 2, truncateGradient: 1 })).toThrow(/do not go with truncateGradient/)
    expect(() => scan((a, s) => [s.add(a), until(s.gt(100))], { sequences: x, outputsInfo: 0, checkpoints: 2 })).toThrow(/do not go with until/)
    expect(() => compile((v: Tensor) => scan((a, s) => s.add(a.mul(rand([]))), { sequences: v, outputsInfo: 0, checkpoints: 2 }))(x)).toThrow(/its steps cannot stand alone.*draw random numbers before/)
  })

  test('the gradient of many steps takes a small part of the memory', { timeout: 240_000 }, async () => {
    const steps = inBrowser ? 400 : 1000
    manualSeed(1)
    const [xs, h, w] = [randn(steps, 8, 8).mul(0.1), randn(8, 8), randn(8, 8).mul(0.3)]
    const state = 4 * 64
    /** Without gradients of the entries, which are as large as the entries. */
    const train = (checkpoints: Checkpoints) => (x: Tensor, a: Tensor, b: Tensor): Tensor[] => {
      const leaves = [a, b].map(v => v.detach().requiresGrad_())
      const y = enableGrad(() => foldl(cell, x, leaves[0], leaves[1], checkpoints === undefined ? {} : { checkpoints }).square().sum())
      return [y.detach(), ...grad(y, leaves)]
    }
    const [full, small] = [undefined, 'sqrt' as const].map(c => mostHeld(() => scope(() => train(c)(xs, h, w))))
    await alike(small.result, full.result)
    expect(full.bytes).toBeGreaterThan(3 * steps * state)
    expect(small.bytes).toBeLessThan(full.bytes / 8)
    const compiled = [undefined, 'sqrt' as const].map(c => {
      const f = compile(train(c))
      const result = f(xs, h, w)
      const { bytes } = f.info()
      f.dispose()
      return { result, bytes }
    })
    await alike(compiled[1].result, full.result)
    expect(compiled[1].bytes).toBeLessThan(compiled[0].bytes / 4)
  })
})
