// Memory over a long run: a training loop that frees nothing by hand must hold a flat line of bytes, eager and compiled.
import { describe, expect, test, vi } from 'vitest'
import { compile, manualSeed, memory, noGrad, randn, scope, tensor, type Tensor } from '../../src/index.ts'
import { deviceNames, eachDevice } from '../each-device.ts'

const STEPS = 2000
const ROWS = 64

/** A two-layer regression trained by plain gradient steps. */
class Toy {
  readonly x = randn(ROWS, 32)
  readonly y = randn(ROWS, 1)
  readonly params = [randn(32, 64), randn(64), randn(64, 1), randn(1)].map(p => p.mul(0.1).detach().requiresGrad_())

  readonly step = (x: Tensor, y: Tensor): Tensor => {
    const [w1, b1, w2, b2] = this.params
    const loss = x.matmul(w1).add(b1).tanh().matmul(w2).add(b2).sub(y).square().mean()
    for (const p of this.params) p.grad = null
    loss.backward()
    noGrad(() => {
      for (const p of this.params) p.sub_(p.grad!.mul(0.01))
    })
    return loss
  }

  dispose(): void {
    for (const t of [this.x, this.y, ...this.params, ...this.params.map(p => p.grad)]) t?.dispose()
  }
}

/** Held bytes after every hundredth step. */
async function run(toy: Toy, step: (x: Tensor, y: Tensor) => Tensor, readEvery: number): Promise<{ held: number[]; first: number; last: number }> {
  const held: number[] = []
  let [first, last] = [NaN, NaN]
  for (let i = 1; i <= STEPS; i++) {
    const loss = step(toy.x, toy.y)
    if (i % readEvery === 0) last = await loss.item()
    if (i === readEvery) first = last
    if (i % 100 === 0) held.push(memory().held)
  }
  return { held, first, last }
}

/** The second half of the run holds no more than the first did, give or take what one collection leaves. */
function expectFlat(held: readonly number[], slack: number): void {
  const half = held.length / 2
  const [early, late] = [Math.max(...held.slice(0, half)), Math.max(...held.slice(half))]
  expect(late, `held over the run: ${held.join(' ')}`).toBeLessThanOrEqual(early + slack)
}

const MIB = 2 ** 20

eachDevice(
  () => {
    test('steps that free what they make take nothing from the system after the first few', () => {
      manualSeed(0)
      const toy = new Toy()
      const after = (steps: number): { held: number; reserved: number } => {
        for (let i = 0; i < steps; i++) {
          scope(() => toy.step(toy.x, toy.y)).dispose()
          for (const p of toy.params) p.grad!.dispose()
        }
        const { held, reserved } = memory()
        return { held, reserved }
      }
      const early = after(10)
      expect(after(500)).toEqual(early)
      toy.dispose()
    })

    for (const readEvery of [1, 10])
      test(`an eager loop of ${STEPS} steps that reads the loss every ${readEvery === 1 ? 'step' : `${readEvery} steps`}`, { timeout: 120_000 }, async () => {
        manualSeed(0)
        const toy = new Toy()
        const { held, first, last } = await run(toy, toy.step, readEvery)
        expect(last).toBeLessThan(first)
        // A collection is asked for after 32 MiB, may need to be asked for again 32 MiB later, and callbacks run some 16 MiB after it. All steps
        // together make 130 MiB.
        expect(Math.max(...held), `held over the run: ${held.join(' ')}`).toBeLessThan(96 * MIB)
        toy.dispose()
      })

    describe('compiled', () => {
      test(`a loop of ${STEPS} steps`, { timeout: 120_000 }, async () => {
        manualSeed(0)
        const toy = new Toy()
        const step = compile(toy.step)
        const { held, first, last } = await run(toy, step, 1)
        expect(last).toBeLessThan(first)
        expectFlat(held, MIB)
        expect(step.info().traces).toBe(1)
        step.dispose()
        toy.dispose()
      })

      test('with results disposed, a call leaves nothing behind', () => {
        manualSeed(0)
        const toy = new Toy()
        const step = compile(toy.step)
        step(toy.x, toy.y).dispose()
        const before = memory()
        for (let i = 0; i < 50; i++) step(toy.x, toy.y).dispose()
        expect(memory()).toEqual(before)
        step.dispose()
        toy.dispose()
      })
    })

    // A large heap takes the collector long: it must be made to go through all of it.
    for (const objects of [0, 2e6])
      test(`compiled functions that are dropped give their plans back, beside ${objects} objects`, { timeout: 60_000 }, async () => {
        const heap = Array.from({ length: objects }, (_, i) => ({ i, next: { i } }))
        const x = tensor(new Float32Array(MIB))
        let most = 0
        for (let i = 0; i < 250; i++) {
          const f = compile((t: Tensor) => t.cumsum(0).mul(i).sum())
          await f(x).item()
          most = Math.max(most, memory().held)
        }
        expect(heap.length).toBe(objects)
        // All plans together would keep 1000 MiB or more.
        expect(most).toBeLessThan(600 * MIB)
        x.dispose()
      })

    test('memory that is freed by hand, or with a scope, does not call for the collector', () => {
      let large = 0
      vi.stubGlobal('ArrayBuffer', new Proxy(ArrayBuffer, { construct: (Buffer, [bytes]: [number]) => ((large += Number(bytes >= 128 * MIB)), new Buffer(bytes)) }))
      const x = tensor(new Float32Array(MIB))
      for (let i = 0; i < 64; i++) x.add(i).dispose()
      scope(() => {
        for (let i = 0; i < 64; i++) x.add(i)
      })
      vi.unstubAllGlobals()
      // What ran before may be worth one request, which makes two buffers.
      expect(large).toBeLessThanOrEqual(2)
      x.dispose()
    })

    test('large temporaries are given back before the device is full', { timeout: 60_000 }, async () => {
      const x = tensor(new Float32Array(2 * MIB))
      let most = 0
      for (let i = 0; i < 100; i++) {
        const y = x.add(i).mul(2)
        if (i % 10 === 0) await y.at(0).item()
        most = Math.max(most, memory().held)
      }
      // All rounds together make 1.6 GiB.
      expect(most).toBeLessThan(1000 * MIB)
      x.dispose()
    })
  },
  deviceNames.filter(name => name !== 'reference'),
)
