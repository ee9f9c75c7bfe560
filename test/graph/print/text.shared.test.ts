// Graphs as text: trees, formulas and Graphviz.
import { describe, expect, test } from 'vitest'
import { compile, debugprint, nn, pp, symbolic, tensor, toDot, type Tensor } from '../../../src/index.ts'
import { eachDevice } from '../../each-device.ts'

const { named, scalar, scalars, shared, vectors, matrix } = symbolic

eachDevice(() => {
  const parts = (): { w: Tensor; x: Tensor; b: Tensor; y: Tensor; cost: Tensor } => {
    const [w, x, b] = vectors('w', 'x', 'b')
    const y = named(w.dot(x).add(b).sigmoid(), 'y')
    return { w, x, b, y, cost: y.log().neg().sum() }
  }

  describe('pp', () => {
    test('brackets only where they are needed', () => {
      const [a, b, c] = scalars('a', 'b', 'c')
      const texts: [Tensor, string][] = [
        [a.add(b).mul(c), '(a + b) * c'],
        [a.mul(b).add(c), 'a * b + c'],
        [a.sub(b.sub(c)), 'a - (b - c)'],
        [a.sub(b).sub(c), 'a - b - c'],
        [a.div(b.mul(c)), 'a / (b * c)'],
        [a.add(b).square(), '(a + b)²'],
        [a.neg().exp().reciprocal(), '1 / exp(-a)'],
        [a.pow(b).neg(), '-a^b'],
        [a.abs().sqrt(), '√(|a|)'],
        [a.le(b).logicalAnd(b.ne(c)), 'a ≤ b ∧ b ≠ c'],
      ]
      for (const [e, text] of texts) expect(pp(e)).toBe(text)
    })

    test('names, gradients, pieces that are used twice', () => {
      const { w, b, y, cost } = parts()
      expect(pp(y)).toBe('y = σ(w · x + b)')
      expect(pp(cost)).toBe('y = σ(w · x + b)\nΣ(-log(y))')
      const [gw, gb] = symbolic.grad(cost, [w, b])
      expect(pp(gb.mul(gw))).toBe('y = σ(w · x + b)\n∇[b] Σ(-log(y)) * ∇[w] Σ(-log(y))')
      const [p, q] = scalars('p', 'q')
      const long = p.add(q).exp().mul(2)
      expect(pp(long.sin().add(long))).toBe('t1 = exp(p + q) * 2\nsin(t1) + t1')
    })

    test('functions, before and after their first call, with updates', () => {
      const x = scalar('x')
      const total = shared(1, { name: 'total' })
      const f = symbolic.func({ inputs: [x], outputs: { y: x.exp().log1p() }, updates: [[total, total.add(x)]] })
      expect(pp(f)).toBe('y = log1p(exp(x))\ntotal ← total + x')
      f(1)
      expect(pp(f)).toBe('y = softplus(x)\ntotal ← total + x')
      const layer = new nn.Linear(3, 2)
      layer.parameters()
      const g = compile((input: Tensor) => layer.forward(input).relu())
      g(tensor([[1, 2, 3]]))
      expect(pp(g)).toBe('relu(input · weightᵀ + bias)')
    })
  })

  describe('debugprint', () => {
    test('depth, ids, types, stopOn; values that are read again', () => {
      const { cost } = parts()
      expect(debugprint(cost, { types: false }).split('\n')).toEqual([
        'sum [A]', '└─ neg [B]', '   └─ log [C]', "      └─ sigmoid [D] 'y'", '         └─ add [E]', '            ├─ dot [F]', '            │  ├─ w', '            │  └─ x', '            └─ b',
      ])
      expect(debugprint(cost, { types: false, ids: false, depth: 2 }).split('\n')).toEqual(['sum', '└─ neg', '   └─ log …'])
      expect(debugprint(cost, { types: false, stopOn: ['y'] })).toContain("sigmoid [D] 'y' …")
      const x = matrix('x', { like: [2, 3] })
      expect(debugprint(x.exp().mul(x.exp()), { ids: false })).toBe('mul f32[2, 3]\n├─ exp f32[2, 3]\n│  └─ x f32[2, 3]\n└─ exp f32[2, 3]\n   └─ x f32[2, 3]')
      const e = x.exp()
      expect(debugprint(e.mul(e), { types: false })).toBe('mul [A]\n├─ exp [B]\n│  └─ x\n└─ exp [B] …')
    })

    test('results and updates of functions; lines; steps of loops', () => {
      const [x] = vectors('x')
      const total = shared([0, 0], { name: 'total' })
      const f = symbolic.func({ inputs: [x], outputs: { y: x.mul(2) }, updates: [[total, total.add(x)]] })
      f([1, 2])
      expect(debugprint(f)).toBe("y = mul [A] f32[2] 'y'\n├─ x f32[2]\n└─ 2\ntotal ← add [B] f32[2]\n├─ total f32[2]\n└─ x f32[2]")
      expect(debugprint(f, { sites: true })).toMatch(/\(text\.shared\.test\.ts(\?\S*)?:\d+\)/)
      expect(debugprint(f, { stage: 'expression', types: false, ids: false })).toContain('y = mul\n├─ x\n└─ 2')
      const sums = compile((v: Tensor) => symbolic.foldl((a: Tensor, s: Tensor) => s.mul(3).add(a), v))
      sums(tensor([1, 2, 3]))
      expect(debugprint(sums)).toMatch(/scan.*\n(.*\n)+the step of \[A\]:\n {2}add/)
    })

    test('several results of one op', () => {
      const x = matrix('x', { like: [2, 3] })
      const { values, indices } = x.topk(2)
      expect(debugprint(values, { ids: false, types: false })).toMatch(/^topk\.values/)
      expect(pp(indices)).toMatch(/\.indices$/)
    })

    test('what it refuses', () => {
      expect(() => debugprint({})).toThrow(/no graph/)
      expect(() => debugprint(compile((x: Tensor) => x))).toThrow(/not called yet/)
      expect(() => debugprint(scalar('x'), { dept: 1 } as never)).toThrow(/dept/)
    })
  })

  test('toDot: every arrow joins nodes that are declared; names are escaped', () => {
    const x = symbolic.vector('a "quoted" name')
    const s = shared([1, 2], { name: 's' })
    const f = symbolic.func({ inputs: [x], outputs: { y: x.mul(s).exp().sum() }, updates: [[s, s.add(x)]] })
    f([1, 2])
    for (const stage of ['expression', 'traced', 'optimized', 'plan'] as const) {
      const text = toDot(f, { stage })
      expect(text.startsWith('digraph "func" {')).toBe(true)
      expect(text).toContain('a \\"quoted\\" name')
      const declared = new Set([...text.matchAll(/^ +(\w+) \[label=/gm)].map(m => m[1]))
      const arrows = [...text.matchAll(/^ +(\w+) -> (\w+)/gm)]
      expect(arrows.length).toBeGreaterThan(4)
      for (const [, a, b] of arrows) {
        expect(declared).toContain(a)
        expect(declared).toContain(b)
      }
      expect(text.split('{').length).toBe(text.split('}').length)
    }
    expect(toDot(f, { types: false })).not.toContain('-> n1 [label')
  })
})
