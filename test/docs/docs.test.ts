// Every ts and js block of README.md and docs/ is a program of its own: it compiles, runs to its end, and prints what it says.
import { spawnSync } from 'node:child_process'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { blocksOf, listening, pages, root } from './blocks.ts'

const programs = pages.flatMap(page => blocksOf(page)).filter(block => /^(ts|js|mjs)$/.test(block.language))
const folder = join(root, 'build/docs')
const fileOf = (page: string, line: number) => join(folder, `${page.replace(/\W/g, '-')}-${line}.ts`)

rmSync(folder, { recursive: true, force: true })
mkdirSync(folder, { recursive: true })
for (const { page, line, code } of programs) writeFileSync(fileOf(page, line), `${code}\nexport {}\n`)

afterEach(() => {
  vi.unstubAllGlobals()
})

describe('the pages', () => {
  it('have programs to run', () => {
    expect(programs.filter(block => block.page === 'README.md').length).toBeGreaterThanOrEqual(3)
  })

  it('finds blocks and their promises', () => {
    const [block] = blocksOf('x.md', 'text\n\n```ts\nconsole.log(1 + 1) // → 2\n```\n')
    expect(block).toEqual({ page: 'x.md', line: 4, language: 'ts', code: 'console.log(1 + 1) // → 2\n' })
    expect(listening(block.code)).toBe('globalThis.say([1 + 1], "2")\n')
  })

  it('type-check', () => {
    const config = { extends: '../../tsconfig.json', include: ['*.ts'], exclude: [] }
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(config))
    const { stdout } = spawnSync(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', folder], { encoding: 'utf8' })
    expect(stdout).toBe('')
  })

  it.each(programs)('$page line $line', { timeout: 60_000 }, async ({ page, line, code }) => {
    const promised = code.match(/\/\/ → /g)?.length ?? 0
    const kept: string[] = []
    vi.stubGlobal('say', (values: unknown[], text: string) => {
      expect(values.map(value => (typeof value === 'string' ? value : inspect(value))).join(' ')).toBe(text)
      kept.push(text)
    })
    const file = fileOf(page, line).replace('.ts', '.run.ts')
    writeFileSync(file, `${listening(code)}\nexport {}\n`)
    await import(file)
    expect(kept.length).toBeGreaterThanOrEqual(promised)
  })
})
