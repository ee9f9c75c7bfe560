// Every optimiser on every device against its formula.
import { test } from 'vitest'
import { nn, tensor } from '../../src/index.ts'
import { eachDevice } from '../each-device.ts'
import { expectValues, gradientAt, kinds, start } from './formulas.ts'

eachDevice(() => {
  for (const [name, make, formula] of kinds)
    test(name, async () => {
      const params = start.map(v => new nn.Parameter(tensor(v)))
      const want = start.map(v => [...v])
      const updates = start.map(formula)
      const optimizer = make(params)
      for (let t = 1; t <= 6; t++) {
        gradientAt(t).forEach((g, k) => (params[k].grad = tensor(g)))
        optimizer.step()
        gradientAt(t).forEach((g, k) => updates[k](want[k], g, t))
        await expectValues(params, want)
      }
    })
})
