// Ops and their gradients against PyTorch's own numbers (test/golden/ops.json), conventions at kinks, ties and infinities included.
import { describe, expect, test } from 'vitest'
import * as lampas from '../../src/index.ts'
import { eachDevice } from '../each-device.ts'
import { camel, goldenCheck, type Callable, type GoldenCase } from '../golden-cases.ts'
import { goldenBytes } from '../golden-files.ts'

/** PyTorch's other names of the same thing. */
const aliases: Readonly<Record<string, string>> = { clip: 'clamp', absolute: 'abs', subtract: 'sub', multiply: 'mul', divide: 'div' }

/** Without a dim PyTorch's max and min are the extremes over all elements. */
const whole: Readonly<Record<string, Callable>> = {
  max: (x, ...rest) => (rest.length > 0 ? (lampas.max as Callable)(x, ...rest) : lampas.amax(x as lampas.Tensor)),
  min: (x, ...rest) => (rest.length > 0 ? (lampas.min as Callable)(x, ...rest) : lampas.amin(x as lampas.Tensor)),
}

/** Functions of the package, then methods of tensors. */
function resolve(op: string): Callable {
  const name = camel(op.replace('nn.functional.', ''))
  if (name in whole) return whole[name]
  const fn: unknown = Reflect.get(lampas, aliases[name] ?? name)
  if (typeof fn === 'function') return fn as Callable
  return (x, ...rest) => (Reflect.get(x as lampas.Tensor, name) as Callable).apply(x, rest)
}

const { cases } = JSON.parse(new TextDecoder().decode(await goldenBytes('ops.json'))) as { cases: readonly GoldenCase[] }
const check = goldenCheck(await goldenBytes('ops.bin'), resolve)

/** Their results have as many elements as their values say, so they must read, which webgpu cannot do at once. */
const reading = new Set(['masked_select', 'nonzero'])

eachDevice(name => {
  for (const op of new Set(cases.map(c => c.op)))
    describe(op, () => {
      for (const c of cases.filter(x => x.op === op))
        if (name === 'webgpu' && reading.has(op)) test(`${c.id}: cannot read at once`, () => expect(check(c)).rejects.toThrow(/cannot read at once/))
        else test(c.id, () => check(c))
    })
})
