// Bundled layers and optimisers keep the names of their classes when a minifier renames them.
import { readdirSync, readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { classNames } from '../scripts/class-names.mjs'
import { nn, optim } from '../src/index.ts'

const folders = ['src/nn/', 'src/nn/layers/', 'src/optim/'].map(folder => new URL(`../${folder}`, import.meta.url))
const files = folders.flatMap(folder => readdirSync(folder).filter(name => name.endsWith('.ts')).map(name => new URL(name, folder)))
const named = files.flatMap(({ pathname }) => [...(classNames.transform(readFileSync(pathname, 'utf8'), pathname)?.code ?? '').matchAll(/ static name = '(\w+)';/g)].map(found => found[1]))

it.each([['nn', nn], ['optim', optim], ['optim.lrScheduler', optim.lrScheduler]])('every class of %s says its name', (_, exports) => {
  const classes = Object.entries(exports).flatMap(([name, value]) => (typeof value === 'function' && String(value).startsWith('class') ? [name] : []))
  expect(classes.length).toBeGreaterThan(4)
  expect(classes.filter(name => !named.includes(name))).toEqual([])
})

it('leaves other code alone', () => {
  expect(classNames.transform('export class Tensor {', '/src/ops/tensor.ts')).toBeNull()
  expect(classNames.transform('export class A<T = {}> extends B<{ a: T }> {}\nconst b = 1', '/src/nn/a.ts')?.code)
    .toBe("export class A<T = {}> extends B<{ a: T }> { static name = 'A';}\nconst b = 1")
})
