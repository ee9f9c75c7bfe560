// What the bench makes of its numbers: who is fastest, what is met, what the guard calls lost, and that a page keeps what was written by hand.
import { describe, expect, it } from 'vitest'
import { renewed } from '../bench/run/page.mjs'
import { disagreement } from '../bench/run/turns.mjs'
import { compare, ratios, verdicts } from '../bench/run/verdict.mjs'

const setting = { device: 'wasm', threads: 1 }
const result = (library: string, ms: number, row = 'MLP step') => ({ row, library, ...setting, ms, best: ms })
const failed = (library: string, row = 'MLP step') => ({ row, library, ...setting, error: 'no kernel' })
const limit = { 'fma': 50, 'read, cache': 60, 'copy, cache': 80, 'read, memory': 20, 'copy, memory': 25 }
const run = (results: readonly object[]) => ({
  date: '2026-01-02T03:04:05Z', minutes: 1, machine: { cpu: 'C', cores: 1, gib: 1, system: 'S' }, versions: {}, limits: { 1: limit }, results, problems: [],
})
const goalsOf = (results: readonly object[]) => Object.fromEntries(verdicts(run(results))[0].goals.map(g => [g.text, g.met]))

describe('the verdict', () => {
  it('compares with the fastest library in the page, and apart from it with native PyTorch', () => {
    const [v] = verdicts(run([result('tfjs', 160), result('lampas', 10), result('jax', 17), result('torch', 5)]))
    expect(v).toMatchObject({ key: 'wasm, 1 thread', row: 'MLP step', rival: 'jax', ratio: 1.7, native: 2 })
    expect(goalsOf([result('lampas', 10), result('jax', 17), result('torch', 5)])).toEqual({ '≥ 1.8× rival': false, '≤ 1.6× PyTorch': false })
    expect(goalsOf([result('lampas', 8), result('jax', 17), result('torch', 5)])).toEqual({ '≥ 1.8× rival': true, '≤ 1.6× PyTorch': true })
  })

  it('takes a row that no rival can run as won, and does not judge what was not measured', () => {
    expect(goalsOf([result('lampas', 8), failed('jax')])).toEqual({ '≥ 1.8× rival': true, '≤ 1.6× PyTorch': undefined })
    expect(goalsOf([result('lampas', 8)])).toEqual({ '≥ 1.8× rival': undefined, '≤ 1.6× PyTorch': undefined })
  })

  it('takes a row that Lampas itself cannot run as lost', () => {
    expect(goalsOf([failed('lampas'), result('jax', 17)])).toEqual({ '≥ 1.8× rival': false, '≤ 1.6× PyTorch': false })
  })

  it('tells the share of the limit by arithmetic or by bytes, whichever takes longer', () => {
    const share = (row: string, ms: number) => verdicts(run([result('lampas', ms, row)]))[0].share
    expect(share('matmul 1024', (2 * 1024 ** 3) / 50e6)).toBeCloseTo(1)
    expect(share('sum 4M', (2 * 4 * 2 ** 22) / 20e6)).toBeCloseTo(0.5)
  })
})

describe('the guard', () => {
  const before = ratios(run([result('lampas', 10), result('jax', 20)]))

  it('keeps the ratio to the fastest rival of each row', () => {
    expect(before).toEqual({ 'wasm, 1 thread': { 'MLP step': { rival: 'jax', ratio: 2 } } })
  })

  it.each([
    [13, 0],
    [14, 1],
  ])('with a step of %d ms instead of 10 finds %d lost', (ms, lost) => {
    const found = compare(run([result('lampas', ms), result('jax', 20)]), before)
    expect(found.lines).toHaveLength(1)
    expect(found.lost).toHaveLength(lost)
  })
})

describe('first values', () => {
  const of = (library: string, value: number) => ({ library, value })

  it.each([
    ['the same to a thousandth', [2.3, 2.3015], undefined],
    ['further apart', [2.3, 2.31], 'MLP step: a gives 2.3, b 2.31: they do not compute the same'],
    ['not a number', [2.3, NaN], 'MLP step: a gives 2.3, b NaN: they do not compute the same'],
  ])('%s', (_, [a, b], problem) => {
    expect(disagreement('MLP step', [of('a', a), of('b', b)])).toBe(problem)
  })
})

describe('the page', () => {
  const by = (measured: string) => `# Title\n\n<!-- measured: written by \`npm run bench\` -->${measured}<!-- end of what was measured -->\n\nBy hand.\n`

  it('has its measured part put in anew, and the rest as it was', () => {
    const page = renewed(by('\nold\n'), run([result('lampas', 10), result('jax', 20), failed('tfjs')]))
    expect(page).toMatch(/^# Title\n\n<!-- measured/)
    expect(page).toMatch(/<!-- end of what was measured -->\n\nBy hand\.\n$/)
    expect(page).not.toContain('old')
    expect(page).toContain('| MLP step | 10 (10) | cannot | 20 | 2× jax-js |')
    expect(page).toContain('- MLP step, TensorFlow.js: `no kernel`')
  })

  it('without its marks is an error', () => {
    expect(() => renewed('# Title\n', run([]))).toThrow('has lost the marks')
  })
})
