// Attention in one kernel: it gives what products and a softmax give, in both worlds, with derivatives of both orders, and keeps no matrix of weights.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { gradcheck, gradgradcheck } from '../../src/debug/index.ts'
import { compile, grad, manualSeed, memory, nn, ones, randn, scope, tensor, where, type Tensor } from '../../src/index.ts'
import { attention, attentionWeights, type AttentionParams } from '../../src/ops/attention.ts'
import { eachDevice } from '../each-device.ts'

const { scaledDotProductAttention } = nn.functional

interface Form {
  readonly heads: number
  readonly rows: number
  readonly keys: number
  readonly width: number
  readonly depth: number
  readonly mask: 'none' | 'bool' | 'added' | 'padding'
  readonly isCausal: boolean
  /** Parts of one tensor, with heads side by side, or tensors of their own. */
  readonly parts: boolean
  readonly seed: number
}

const forms = (lengths: number): fc.Arbitrary<Form> => {
  const length = fc.integer({ min: 1, max: lengths })
  return fc.record({
    heads: fc.integer({ min: 1, max: 3 }), rows: length, keys: length, width: fc.constantFrom(3, 8), depth: fc.constantFrom(6, 8),
    mask: fc.constantFrom('none', 'bool', 'added', 'padding'), isCausal: fc.boolean(), parts: fc.boolean(), seed: fc.nat(1000),
  })
}

function operands({ heads, rows, keys, width, depth, parts }: Form): Tensor[] {
  if (!parts) return [randn(2, heads, rows, width), randn(2, heads, keys, width), randn(2, heads, keys, depth)]
  const length = Math.max(rows, keys)
  const all = randn(2, length, 3, heads, 8)
  return all.unbind(2).map((x, i) => x.transpose(1, 2).narrow(2, 0, i === 0 ? rows : keys).narrow(3, 0, i === 2 ? depth : width))
}

function maskOf({ heads, rows, keys, mask }: Form): Tensor | null {
  if (mask === 'none') return null
  if (mask === 'padding') return randn(2, 1, 1, keys).gt(-1)
  return mask === 'bool' ? randn(rows, keys).gt(0) : randn(heads, rows, keys)
}

type Attend = (q: Tensor, k: Tensor, v: Tensor) => Tensor
const kernel = (mask: Tensor | null, params: AttentionParams): Attend => (q, k, v) => attention(q, k, v, mask && mask.expand(...q.shape.slice(0, -1), k.shape.at(-2)!), params)
const definition = (mask: Tensor | null, params: AttentionParams): Attend => (q, k, v) => attentionWeights(q, k, mask, params).matmul(v)
const paramsOf = ({ width, isCausal }: Form): AttentionParams => ({ scale: 1 / Math.sqrt(width), causal: isCausal })

const withGradients = (attend: Attend) => (...xs: Tensor[]): Tensor[] => {
  const leaves = xs.slice(0, 3).map(x => x.detach().requiresGrad_())
  const y = attend(leaves[0], leaves[1], leaves[2])
  return [y, ...grad(y, leaves, { gradOutputs: xs[3] })]
}

async function near(found: readonly Tensor[], wanted: readonly Tensor[], within = 3e-5): Promise<void> {
  expect(found.map(x => x.shape)).toEqual(wanted.map(x => x.shape))
  for (const [i, x] of found.entries()) expect(await x.sub(wanted[i]).abs().amax().item(), `result ${i}`).toBeLessThan(within)
}

eachDevice(name => {
  describe('attention', () => {
    const few = name === 'webgpu'
    test('is its definition, with gradients, eager and compiled', async () => {
      await fc.assert(fc.asyncProperty(forms(few ? 20 : 70), async form => {
        manualSeed(form.seed)
        const xs = operands(form)
        const mask = maskOf(form)
        const [found, wanted] = [kernel, definition].map(make => withGradients(make(mask, paramsOf(form))))
        const inputs = [...xs, randn(2, form.heads, form.rows, form.depth)]
        const want = wanted(...inputs)
        await near(found(...inputs), want)
        await near(compile(found)(...inputs), want)
      }), { seed: 7, numRuns: few ? 4 : 25 })
    })

    test('over several blocks of keys and queries', async () => {
      manualSeed(3)
      for (const [rows, keys, isCausal] of [[150, 300, false], [270, 270, true]] as const) {
        const form: Form = { heads: 1, rows, keys, width: 8, depth: 8, mask: 'none', isCausal, parts: false, seed: 0 }
        const [found, wanted] = [kernel, definition].map(make => withGradients(make(null, paramsOf(form))))
        const inputs = [...operands(form), randn(2, 1, rows, 8)]
        await near(found(...inputs), wanted(...inputs), 2e-4)
      }
    })

    test('rows that see nothing give zeros, and no gradients', async () => {
      const seen = tensor([[true, true, false], [false, false, false]])
      const params = { scale: 0.5, causal: false }
      for (const mask of [seen, where(seen, 0, -Infinity)])
        for (const attend of [kernel(mask, params), definition(mask, params), (q: Tensor, k: Tensor, v: Tensor) => scaledDotProductAttention(q, k, v, { attnMask: mask })]) {
          const [y, ...gradients] = withGradients(attend)(randn(2, 8), randn(3, 8), randn(3, 8), ones(2, 8))
          expect(Array.from(await y.select(0, 1).data())).toEqual(new Array(8).fill(0))
          expect(Array.from(await gradients[0].select(0, 1).data(), Math.abs)).toEqual(new Array(8).fill(0))
          for (const g of gradients) expect(await g.isfinite().all().item()).toBe(1)
          expect(await y.select(0, 0).abs().sum().item()).toBeGreaterThan(0)
        }
    })

    test('heads that share keys', async () => {
      manualSeed(2)
      const [q, k, v] = [randn(1, 4, 6, 8), randn(1, 2, 6, 8), randn(1, 2, 6, 8)]
      const y = scaledDotProductAttention(q, k, v, { enableGqa: true, isCausal: true })
      const want = scaledDotProductAttention(q, k.repeatInterleave(2, 1), v.repeatInterleave(2, 1), { isCausal: true })
      await near([y], [want], 1e-6)
    })

    test('float16 and bfloat16 are computed in float32', async () => {
      for (const dtype of ['float16', 'bfloat16'] as const) {
        const [q, k, v] = [randn(2, 5, 8), randn(2, 7, 8), randn(2, 7, 8)].map(x => x.to(dtype))
        const y = scaledDotProductAttention(q, k, v)
        expect(y.dtype).toBe(dtype)
        await near([y], [scaledDotProductAttention(q.float(), k.float(), v.float()).to(dtype)], 1e-6)
      }
    })

    test('no matrix of weights is stored', async () => {
      const length = 1024
      const steps = [true, false].map(isCausal => compile(withGradients((q, k, v) => scaledDotProductAttention(q, k, v, { isCausal }))))
      const xs = Array.from({ length: 4 }, () => randn(1, 1, length, 8))
      const eager = scope(() => {
        const before = memory().held
        const y = scaledDotProductAttention(xs[0].requiresGrad_(), xs[1], xs[2], { isCausal: true })
        return [y.detach(), memory().held - before] as const
      })
      await eager[0].data()
      expect(eager[1]).toBeLessThan(length * length)
      for (const step of steps) {
        const free = memory().held
        const results = step(...xs.map(x => x.detach()))
        await results[0].data()
        expect(memory().held - free).toBeLessThan(length * length)
        expect(step.memory().peak).toBeLessThan(length * length)
      }
    })

    // Differences ask for more digits than the software adapter's time allows.
    if (!few)
      test('derivatives of both orders agree with differences', async () => {
        manualSeed(5)
        const leaf = (...shape: number[]): Tensor => randn(...shape).requiresGrad_()
        const sharp = name === 'reference' ? { eps: 1e-3, atol: 1e-5, rtol: 1e-4 } : {}
        const xs = [leaf(2, 4, 3), leaf(2, 5, 3), leaf(2, 5, 2)]
        for (const [mask, causal] of [[null, false], [null, true], [randn(4, 5).gt(-0.5), false], [randn(5).gt(-0.5), true]] as const) {
          const attend = kernel(mask, { scale: 0.6, causal })
          expect(await gradcheck(attend, xs, sharp)).toBe(true)
          expect(await gradgradcheck(attend, xs, sharp)).toBe(true)
        }
        const withMask = (q: Tensor, k: Tensor, v: Tensor, mask: Tensor): Tensor => kernel(mask, { scale: 0.6, causal: false })(q, k, v)
        expect(await gradcheck(withMask, [...xs, leaf(4, 5)], sharp)).toBe(true)
        expect(await gradgradcheck(withMask, [...xs, leaf(4, 5)], sharp)).toBe(true)
      })
  })
})

describe('layers', () => {
  eachDevice(() => {
    test('a layer gives the same with and without its weights', async () => {
      manualSeed(1)
      const layer = new nn.MultiheadAttention(16, 2, { batchFirst: true, addZeroAttn: true })
      const plain = new nn.MultiheadAttention(16, 2, { batchFirst: true })
      const x = randn(2, 7, 16)
      const keyPaddingMask = tensor([[false, false, false, false, false, false, true], [false, false, false, false, false, true, true]])
      for (const m of [layer, plain])
        for (const inputs of [{}, { isCausal: true }, { keyPaddingMask }, { isCausal: true, keyPaddingMask }]) {
          const [y, weights] = m.forward(x, x, x, inputs)
          const [z, none] = m.forward(x, x, x, { ...inputs, needWeights: false })
          expect([weights?.shape[0], none]).toEqual([2, null])
          await near([z], [y], 1e-5)
        }
    })
  })
})
