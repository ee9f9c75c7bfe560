// docs/api.md lists every public function with its first sentence. It is made from the doc comments: `npx vitest run --project node
// test/docs/api-page.test.ts -u` writes it anew.
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { functions, summary, type PublicFunction } from './api.ts'
import { root } from './blocks.ts'

/** Sections in the order of the page: a title, and which functions belong there by path and by the file that holds them. */
const sections: readonly (readonly [string, (f: PublicFunction) => boolean])[] = [
  ['Linear algebra: `linalg`', f => f.path.startsWith('linalg.')],
  ['Fourier transforms: `fft`', f => f.path.startsWith('fft.')],
  ['Special functions: `special`', f => f.path.startsWith('special.')],
  ['Neural networks: `nn.functional`', f => f.path.startsWith('nn.functional.')],
  ['Functions of functions: `lampas/func`', f => f.path.startsWith('func.')],
  ['Autograd, devices, memory, compilation', f => !f.doc?.file.startsWith('src/ops/')],
  ['Tensor operations', () => true],
]

/** `sum(input, dim, keepdim, {dtype})`: options that only an object can give stand in braces. */
function signature({ path, fn }: PublicFunction): string {
  const names = fn.paramNames
  if (!names) return `${path}()`
  const star = names.indexOf('*')
  const [positional, options] = star < 0 ? [names, []] : [names.slice(0, star), names.slice(star + 1)]
  return `${path}(${[...positional, ...(options.length ? [`{${options.join(', ')}}`] : [])].join(', ')})`
}

const cell = (text: string): string => text.replaceAll('|', '\\|')

test('docs/api.md is up to date', async () => {
  const left = new Set(functions)
  const parts = sections.map(([title, holds]) => {
    const rows = [...left].filter(holds).sort((a, b) => (a.path.toLowerCase() < b.path.toLowerCase() ? -1 : 1))
    rows.forEach(f => left.delete(f))
    return `## ${title}\n\n| function | |\n| --- | --- |\n${rows.map(f => `| \`${cell(signature(f))}\` | ${f.doc ? cell(summary(f.doc)) : ''} |`).join('\n')}\n`
  })
  const page = `# All functions

${functions.length} functions, under PyTorch's names in camelCase. Parameters come in PyTorch's order, by position or in a trailing options object; those in
braces only there. A function whose first parameter is \`input\` is also a method of tensors. Examples are in the doc comments, which
editors show on hover; they run in the tests. This page is made from those comments.

${[...parts.slice(6), ...parts.slice(0, 6)].join('\n')}`
  await expect(page).toMatchFileSnapshot(join(root, 'docs/api.md'))
})
