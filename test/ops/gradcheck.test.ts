// Every derivative, first and second order, against central differences along random directions, in float64 on the reference.
import { beforeAll, describe, test } from 'vitest'
import { init } from '../../src/eager/device.ts'
import '../../src/eager/start.ts'
import { cases } from './cases.ts'
import { checkDifferences } from './differences.ts'
import { nameOf } from './inputs.ts'
import { pointwiseCases } from './pointwise-cases.ts'

beforeAll(async () => {
  await init({ device: 'reference' })
})

describe('derivatives against differences', () => {
  for (const c of [...pointwiseCases, ...cases])
    if (!c.kink && c.inputs.some(x => x.dtype === 'float32')) test(nameOf(c), () => checkDifferences(c))
})
