// What users see of the passes: the list, the switches, the explanation, and the line in messages.
import { expect, test } from 'vitest'
import { compile, log, ones, rewrites, softmax, tensor, type CompileOptions, type Tensor } from '../../../src/index.ts'
import { fail } from '../../../src/core/errors.ts'
import { apply1 } from '../../../src/ops/define.ts'
import type { Op } from '../../../src/ops/op.ts'
import { eachDevice } from '../../each-device.ts'

const naive = (x: Tensor): Tensor => log(softmax(x.mul(ones(3)), 0)).add(x.sin()).add(x.sin())

/** Lowers onto nothing, as while it is traced, and not a second time. */
function stubborn(): Op<null> {
  let asked = 0
  return { name: 'stubborn', infer: ([x]) => [{ dtype: x.dtype, shape: x.shape }], lower: (k, [x]) => (asked++ ? fail('stubborn', 'it does not want to', 'ask again') : [k.alloc(x.view.dtype, x.view.shape)]), saves: 'nothing' }
}

test('every rewrite has a name of its own, a rule and a condition', () => {
  const all = rewrites()
  expect(new Set(all.map(r => r.name)).size).toBe(all.length)
  for (const r of all) {
    expect(r.name).toMatch(/^[a-z0-9]+(-[a-z0-9]+)*$/)
    expect(`${r.rule} ${r.when}`).toMatch(/.+ (→|one) .+/)
  }
})

eachDevice(() => {
  test('explain() tells what fired, where and what came of it', () => {
    const f = compile(naive, { name: 'naive' })
    expect(() => f.explain()).toThrow(/naive was not called yet/)
    f(tensor([1, 2, 3]))
    const e = f.explain()
    expect(e.name).toBe('naive')
    expect(e.rewrites.find(r => r.name === 'log-softmax')).toMatchObject({ phase: 'stabilise', count: 1, rounds: true, where: [expect.stringMatching(/^log at naive \(.*explain\.shared\.test\.ts.*:\d+:\d+\)$/)] })
    expect(e.rounds).toBe(true)
    expect(e.nodes[1]).toBeLessThan(e.nodes[0])
    expect(e.kernels).toEqual([compiledWithout(), f.info().kernels])
    // Merging is no rewrite that looks at nodes: the table of the graph does it.
    for (const r of e.rewrites) if (r.name !== 'merge') expect(e.msOf[r.name], r.name).toBeGreaterThanOrEqual(0)
    expect(Object.keys(e.msOf)).toEqual(expect.arrayContaining(['sigmoid-complement', 'constant-folding', 'map-into-map', 'batch']))
    expect(Object.values(e.msOf).reduce((a, b) => a + b)).toBeLessThanOrEqual(Object.values(e.ms).reduce((a, b) => a + b))
    expect(Object.keys(e.ms)).toEqual(['trace', 'merge', 'canonicalise', 'stabilise', 'specialise', 'fuse', 'plan'])
    expect(String(e)).toMatch(/^naive: \d+ nodes → \d+, \d+ kernels → \d+\n[^]*stabilise +log-softmax ×1 +log\(softmax\(x\)\) → logSoftmax\(x\)\n[^]*trace [\d.]+ ms/)
  })

  /** Kernels of the graph as it was traced. */
  function compiledWithout(): number {
    const f = compile(naive, { exclude: rewrites().map(r => r.name) })
    f(tensor([1, 2, 3]))
    expect(f.explain().rewrites).toEqual([])
    return f.info().kernels
  }

  test('exclude and mode', async () => {
    const extreme = tensor([1000, 0, -1000])
    const lost = async (options: CompileOptions): Promise<number[]> => [...(await compile((x: Tensor) => log(softmax(x, 0)), options)(extreme).data())]
    expect(await lost({})).toEqual([0, -1000, -2000])
    expect(await lost({ exclude: ['log-softmax'] })).toEqual([0, -Infinity, -Infinity])
    expect(await lost({ mode: 'fastCompile' })).toEqual([0, -Infinity, -Infinity])
    expect(await lost({ mode: 'fastCompile', include: ['log-softmax'] })).toEqual([0, -1000, -2000])
    expect(await lost({ mode: 'fastCompile', include: ['log-softmax'], exclude: ['log-softmax'] })).toEqual([0, -Infinity, -Infinity])
    const fused = compile(naive, { mode: 'fastCompile', include: ['fusion'] })
    fused(tensor([1, 2, 3]))
    expect(new Set(fused.explain().rewrites.map(r => r.phase))).toEqual(new Set(['merge', 'fuse']))
    const one = compile(naive, { mode: 'fastCompile', include: ['map-into-map'] })
    one(tensor([1, 2, 3]))
    expect(one.explain().rewrites.map(r => r.name).sort()).toEqual(['map-into-map', 'merge'])
    const f = compile(naive, { mode: 'fastCompile' })
    f(tensor([1, 2, 3]))
    expect(f.explain().rewrites.map(r => r.name)).toEqual(['merge'])
  })

  test('what is misspelt is refused', () => {
    expect(() => compile(naive, { exclude: ['log-sofmax'] })).toThrow(/no rewrite 'log-sofmax'.*did you mean 'log-softmax'/)
    expect(() => compile(naive, { mode: 'fastCompile', include: ['log-sofmax'] })).toThrow(/no rewrite 'log-sofmax' to include.*did you mean 'log-softmax'/)
    expect(() => compile(naive, { include: ['log-softmax'] })).toThrow(/include: \[log-softmax\] with mode 'fastRun', which applies all rewrites.*leave it out/)
    expect(() => compile(naive, { mode: 'fast' as 'fastRun' })).toThrow(/no mode 'fast'.*fastRun, fastCompile/)
  })

  test('a fault in lowering names the line that built the node', () => {
    expect(() => compile((x: Tensor) => apply1(stubborn(), [x], null))(tensor([1]))).toThrow(/\[stubborn\] it does not want to \(at .*explain\.shared\.test\.ts.*:\d+:\d+\)/)
  })
})
