// Fourier transforms of many lengths against the sum that defines them, in float64, and the laws that hold between them.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { abs, closeDevice, complex, fft, init, istft, randn, stft, tensor, type Tensor } from '../../src/index.ts'
import { radices } from '../../src/ops/fft-transform.ts'
import { Random } from '../backend/data.ts'
import { eachDevice } from '../each-device.ts'

/** Σ x_j e^(sign·2πi·jk/n) of pairs. */
function sum(x: ArrayLike<number>, n: number, sign: number): Float64Array {
  const out = new Float64Array(2 * n)
  for (let k = 0; k < n; k++)
    for (let j = 0; j < Math.min(n, x.length / 2); j++) {
      const turn = (2 * Math.PI * ((j * k) % n)) / n
      const [c, s] = [Math.cos(turn), sign * Math.sin(turn)]
      out[2 * k] += x[2 * j] * c - x[2 * j + 1] * s
      out[2 * k + 1] += x[2 * j] * s + x[2 * j + 1] * c
    }
  return out
}

const numbers = (name: string, count: number): Float32Array => {
  const r = new Random(name)
  return Float32Array.from({ length: count }, () => r.uniform(-1, 1))
}
const complexOf = (x: Float32Array): Tensor => complex(tensor(x.filter((_, i) => i % 2 === 0)), tensor(x.filter((_, i) => i % 2 === 1)))
/** The largest difference, in units of the length of the vector. */
async function off(got: Tensor, want: ArrayLike<number>): Promise<number> {
  const data = Array.from(await got.data())
  expect(data.length).toBe(want.length)
  const size = Math.sqrt(Array.from(want).reduce((total, v) => total + v * v, 0))
  return data.reduce((worst, v, i) => Math.max(worst, Math.abs(v - want[i])), 0) / Math.max(size, 1e-30)
}
const ACCURATE = 1e-6

const lengths = [...Array.from({ length: 24 }, (_, i) => i + 1), 31, 48, 64, 65, 67, 81, 97, 100, 127, 128, 131, 134, 210, 251, 256, 257, 262, 360, 512, 625, 1000, 1009]

function largestPrime(n: number): number {
  for (let p = 2; p * p <= n; p++) if (n % p === 0) return Math.max(p, largestPrime(n / p))
  return n
}

test('lengths have factors that one product takes, or take the way of the chirp', () => {
  for (let n = 1; n < 3000; n++) {
    const factors = radices(n)
    if (factors) expect([factors.reduce((a, b) => a * b), Math.max(...factors) <= 128]).toEqual([n, true])
    else expect(largestPrime(n)).toBeGreaterThan(64)
  }
})

eachDevice(name => {
  test.each(lengths)('a transform of %i points', async n => {
    const x = numbers(`fft ${n}`, 2 * n)
    const z = complexOf(x)
    expect(await off(fft.fft(z), sum(x, n, -1))).toBeLessThan(ACCURATE)
    expect(await off(fft.ifft(z, { norm: 'forward' }), sum(x, n, 1))).toBeLessThan(ACCURATE)
    expect(await off(fft.ifft(fft.fft(z)), x)).toBeLessThan(ACCURATE)
    // The half of a real spectrum, and the way back.
    const re = tensor(x.subarray(0, n))
    const paired = Float64Array.from({ length: 2 * n }, (_, i) => (i % 2 ? 0 : x[i / 2]))
    expect(await off(fft.rfft(re), sum(paired, n, -1).subarray(0, 2 * (Math.floor(n / 2) + 1)))).toBeLessThan(ACCURATE)
    expect(await off(fft.irfft(fft.rfft(re), n), x.subarray(0, n))).toBeLessThan(ACCURATE)
    expect(await off(fft.hfft(fft.ihfft(re), n), x.subarray(0, n))).toBeLessThan(ACCURATE)
  })

  test('lengths that cut and continue, along any dimension', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 200 }), fc.integer({ min: 1, max: 200 }), fc.integer({ min: 0, max: 2 }), fc.boolean(), async (length, n, axis, isReal) => {
        const shape = [2, 3].toSpliced(axis, 0, length)
        const x = numbers(`${length} ${n} ${axis}`, 12 * length)
        const [re, im] = [tensor(x.subarray(0, 6 * length), { shape }), isReal ? tensor(new Float32Array(6 * length), { shape }) : tensor(x.subarray(6 * length), { shape })]
        const y = fft.fft(isReal ? re : complex(re, im), n, axis)
        expect(y.shape).toEqual([2, 3].toSpliced(axis, 0, n))
        const rows = async (t: Tensor): Promise<ArrayLike<number>> => (await t.movedim(axis, -1).contiguous().data())
        const [want, all] = [await rows(complex(re, im)), await rows(y)]
        for (let row = 0; row < 6; row++) {
          const expected = sum(Array.from(want).slice(2 * row * length, 2 * (row + 1) * length), n, -1)
          const worst = expected.reduce((w, v, i) => Math.max(w, Math.abs(v - all[2 * row * n + i])), 0)
          expect(worst).toBeLessThan(ACCURATE * Math.sqrt(n) * Math.sqrt(length))
        }
      }),
      { numRuns: name === 'reference' ? 25 : 60, seed: 7 },
    )
  })

  test('a transform keeps the length of a vector', async () => {
    for (const n of [77, 129, 1024]) {
      const z = complexOf(numbers(`parseval ${n}`, 2 * n))
      const [a, b] = await Promise.all([abs(z).square().sum().item(), abs(fft.fft(z, { norm: 'ortho' })).square().sum().item()])
      expect(b / a).toBeCloseTo(1, 5)
    }
  })

  test('many dimensions are one after the other', async () => {
    const x = randn(3, 4, 5)
    const want = fft.fft(fft.fft(fft.fft(x, { dim: 0 }), { dim: 1 }), { dim: 2 })
    expect(await off(fft.fftn(x), await want.data())).toBeLessThan(ACCURATE)
    expect(await off(fft.irfftn(fft.rfftn(x), [3, 4, 5]), await x.data())).toBeLessThan(ACCURATE)
    expect(await off(fft.hfftn(fft.ihfftn(x), [3, 4, 5]), await x.data())).toBeLessThan(ACCURATE)
    expect(await off(fft.ifftshift(fft.fftshift(x)), await x.data())).toBe(0)
  })

  test('a signal comes back from its windows', async () => {
    const x = randn(2, 300)
    const window = tensor(Float32Array.from({ length: 32 }, (_, i) => 0.5 - 0.5 * Math.cos((2 * Math.PI * i) / 32)))
    for (const options of [{ nFft: 32, window }, { nFft: 40, winLength: 32, window, hopLength: 10 }, { nFft: 33, normalized: true }, { nFft: 32, window, onesided: false }])
      expect(await off(istft(stft(x, options), { ...options, length: 300 }), await x.data())).toBeLessThan(2e-6)
  })

  test('tables belong to the device that was open', async () => {
    if (name === 'wasm') {
      closeDevice('wasm')
      await init({ device: 'wasm' })
    }
    expect(await off(fft.fft(tensor([1, 0, 0, 0])), [1, 0, 1, 0, 1, 0, 1, 0])).toBe(0)
  })
})
