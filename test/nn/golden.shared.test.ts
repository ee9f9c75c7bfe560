// Losses, normalisations, attention and the like, with their gradients, against PyTorch's own numbers (test/golden/nn.json).
import { describe, test } from 'vitest'
import { nn } from '../../src/index.ts'
import { eachDevice } from '../each-device.ts'
import { camel, goldenCheck, type Callable, type GoldenCase } from '../golden-cases.ts'
import { goldenBytes } from '../golden-files.ts'

const { cases } = JSON.parse(new TextDecoder().decode(await goldenBytes('nn.json'))) as { cases: readonly GoldenCase[] }
const check = goldenCheck(await goldenBytes('nn.bin'), op => Reflect.get(nn.functional, camel(op.replace('nn.functional.', ''))) as Callable)

eachDevice(() => {
  for (const op of new Set(cases.map(c => c.op)))
    describe(op, () => {
      for (const c of cases.filter(x => x.op === op)) test(c.id.replace(/.*\//, ''), () => check(c))
    })
})
