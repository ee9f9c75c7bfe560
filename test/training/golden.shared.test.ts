// Whole training runs against PyTorch's own (test/golden/training): losses, first gradients, weights after one step and after all, the trained
// model's answers; eager and compiled.
import { beforeAll, describe, expect, test } from 'vitest'
import { compile, nn, noGrad, rewrites, type DeviceName, type Tensor } from '../../src/index.ts'
import { eachDevice } from '../each-device.ts'
import { readSafetensors } from '../golden-files.ts'
import { runs, type Recorded, type Run } from './models.ts'

const files = async (name: string, parts: readonly string[]) =>
  Object.fromEntries(await Promise.all(parts.map(async part => [part, await readSafetensors(`training/${name}.${part}.safetensors`)] as const)))

/** The largest excess of |got − want| over the tolerance, in words; '' when there is none. */
async function difference(name: string, got: Tensor, want: Tensor, atol: number, rtol = 0): Promise<string> {
  const [a, b] = [await got.data(), await want.data()]
  if (a.length !== b.length) return `${name}: ${got} instead of ${want}`
  let worst = -1
  let excess = 0
  b.forEach((v, i) => {
    const over = Math.abs(a[i] - v) - atol - rtol * Math.abs(v)
    if (!(over <= excess)) [worst, excess] = [i, over]
  })
  return worst < 0 ? '' : `${name}[${worst}]: ${a[worst]} instead of ${b[worst]}`
}

const allEqual = async (pairs: readonly (readonly [string, Tensor, Tensor, number])[]): Promise<void> =>
  expect((await Promise.all(pairs.map(([name, got, want, atol]) => difference(name, got, want, atol)))).filter(Boolean)).toEqual([])

/** One step as everybody writes it; gives the loss and the norm of the gradients. */
const stepOf = ({ optimizer, model, loss, clip }: Run) => (x: Tensor, y: Tensor): [Tensor, Tensor] => {
  optimizer.zeroGrad()
  const value = loss(x, y)
  value.backward()
  const norm = clip === undefined ? value : nn.utils.clipGradNorm_(model.parameters(), clip)
  optimizer.step()
  return [value, norm]
}

async function train(run: Run, recorded: Recorded, data: Record<string, Tensor>, step: (x: Tensor, y: Tensor) => [Tensor, Tensor]) {
  const [losses, norms, rates]: number[][] = [[], [], []]
  for (let s = 0; s < recorded.steps; s++) {
    rates.push(run.optimizer.lr)
    const [loss, norm] = step(...run.batch(data, s))
    losses.push(await loss.item())
    norms.push(await norm.item())
    run.schedule?.step()
  }
  return { losses, norms, rates }
}

function suite(device: DeviceName): void {
  for (const { recorded, make } of runs)
    describe(recorded.name, () => {
      const { tol } = recorded
      let golden: Record<string, Record<string, Tensor>>
      beforeAll(async () => {
        golden = await files(recorded.name, ['data', 'init', 'grads0', 'step1', 'final', 'eval'])
      })
      const fresh = async (): Promise<Run> => {
        const run = make()
        await run.model.loadStateDict(golden.init)
        return run
      }

      test('first gradients and first step', async () => {
        const run = await fresh()
        const loss = run.loss(...run.batch(golden.data, 0))
        loss.backward()
        expect(await loss.item()).toBeCloseTo(recorded.losses[0], 4)
        await allEqual([...run.model.namedParameters()].map(([name, p]) => [name, p.grad!, golden.grads0[name], tol.grads0Atol]))
        if (run.clip !== undefined) nn.utils.clipGradNorm_(run.model.parameters(), run.clip)
        run.optimizer.step()
        await allEqual(Object.entries(run.model.stateDict()).map(([name, p]) => [name, p, golden.step1[name], tol.step1Atol[name] ?? 0]))
      })

      // One step of the slow reference says what there is to say.
      if (device === 'reference') return
      test('all steps, eager and compiled', { timeout: 120_000 }, async () => {
        const run = await fresh()
        const { losses, norms, rates } = await train(run, recorded, golden.data, stepOf(run))
        losses.forEach((l, i) => expect(Math.abs(l / recorded.losses[i] - 1), `loss ${i}: ${l}`).toBeLessThan(tol.lossRtol))
        rates.forEach((r, i) => expect(r).toBeCloseTo(recorded.lrs[i], 12))
        recorded.gradNorms?.forEach((n, i) => expect(Math.abs(norms[i] / n - 1)).toBeLessThan(tol.lossRtol))
        const trained = run.model.stateDict()
        await allEqual(Object.entries(trained).map(([name, p]) => [name, p, golden.final[name], tol.finalAtol[name] ?? 0]))
        run.model.eval()
        expect(await difference('output', noGrad(() => run.evaluate(golden.data)), golden.eval.output, 1e-4, 1e-4)).toBe('')

        // The compiled step gives the same, to the bit where no rewrite rounds otherwise.
        for (const exclude of [rewrites().filter(r => r.rounds).map(r => r.name), []]) {
          const again = await fresh()
          const step = compile(stepOf(again), { exclude })
          const compiled = await train(again, recorded, golden.data, step)
          expect(step.info().traces).toBeLessThanOrEqual(2)
          const [near, size] = exclude.length > 0 ? [0, 0] : [1e-6, 1e-5]
          for (const [series, of] of Object.entries({ losses, norms, rates }))
            compiled[series as keyof typeof compiled].forEach((v, i) => expect(Math.abs(v - of[i]), `${series} ${i}`).toBeLessThanOrEqual(size * Math.abs(of[i])))
          for (const [name, p] of Object.entries(again.model.stateDict())) expect(await difference(name, p, trained[name], near, size)).toBe('')
        }
      })
    })
}

eachDevice(suite)
