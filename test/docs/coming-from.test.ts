// What docs/coming-from.md names in the columns of Lampas is there: functions, classes, and methods of what the variables stand for.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import * as func from '../../src/func/index.ts'
import * as lampas from '../../src/index.ts'
import { root } from './blocks.ts'

const page = readFileSync(join(root, 'docs/coming-from.md'), 'utf8')
const { nn, optim, Tensor } = lampas

/** What the variables of the page stand for. */
const variables: Readonly<Record<string, object>> = { func, model: nn.Sequential.prototype, opt: optim.Adam.prototype, a: Tensor.prototype, x: Tensor.prototype, loss: Tensor.prototype }

const spans = page.split('\n').filter(line => line.startsWith('| ') && !/^\| (---|PyTorch|TensorFlow\.js|Theano)/.test(line)).flatMap(line => {
  const cell = line.split(' | ').at(-1)!
  return [...cell.matchAll(/`([^`]+)`/g)].map(m => m[1])
})

/** Names that are called or made, and names with dots that stand alone. */
const names = (span: string): string[] => (/^[A-Za-z]\w*(\.\w+)+$/.test(span) ? [span] : [...span.replaceAll(/'[^']*'/g, "''").matchAll(/(?<![.\w])([A-Za-z]\w*(?:\.\w+)*)\(/g)].map(m => m[1]))

const cases = [...new Set(spans.flatMap(names))]

test('there are names to look up', () => {
  expect(cases.length).toBeGreaterThan(60)
  expect(cases).toContain('nn.utils.clipGradNorm_')
})

test.each(cases)('%s', path => {
  const [first, ...rest] = path.split('.')
  const from = variables[first] ?? (lampas as unknown as Record<string, unknown>)[first]
  expect(rest.reduce<unknown>((o, key) => (o as Record<string, unknown> | undefined)?.[key], from)).toBeTypeOf('function')
})
