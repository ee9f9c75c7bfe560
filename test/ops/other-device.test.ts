// Ops on tensors of a device that is not the current one: what an op or a derivative makes of its own is made there too.
import { beforeAll, expect, test } from 'vitest'
import { device, init } from '../../src/eager/device.ts'
import '../../src/eager/start.ts'
import '../../src/ops/extended.ts'
import { indexingCases } from './cases-indexing.ts'
import { movementCases } from './cases-movement.ts'
import { reductionCases } from './cases-reduction.ts'
import { inputsOf, nameOf } from './inputs.ts'

beforeAll(async () => {
  await init({ device: 'wasm' })
  await init({ device: 'reference' })
})

const cases = [...movementCases, ...indexingCases, ...reductionCases].filter(c => c.inputs.length > 0)

for (const c of cases)
  test(nameOf(c), () => {
    device('wasm')
    const inputs = inputsOf(c)
    device('reference')
    const y = c.run(...inputs)
    const results = 'device' in y ? [y] : y
    for (const r of results) {
      expect(r.device).toBe('wasm')
      if (r.requiresGrad) r.sum().backward({ retainGraph: true })
    }
    for (const x of inputs) if (x.peekGrad()) expect(x.peekGrad()!.device).toBe('wasm')
  })
