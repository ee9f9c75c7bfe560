// Random numbers and orders: from a seed, on the JavaScript side, where they touch no generator of a device; or from that of the device.
import { rand, randperm } from '../ops/index.ts'

/** Whole numbers 0 … 2³²−1 of equal chance: a counter through the finaliser of MurmurHash3 (Appleby 2011). */
function randomWords(seed: number, stream = 0): () => number {
  const mix = (h: number): number => {
    h = Math.imul(h ^ (h >>> 16), 0x85ebca6b)
    h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
    return (h ^ (h >>> 16)) >>> 0
  }
  let state = mix(mix(seed | 0) ^ (stream + 0x9e3779b9))
  return () => mix((state = (state + 0x9e3779b9) | 0))
}

/** A random order of 0 … n−1 (Fisher & Yates). Equal seeds and streams give equal orders. */
export function permutation(n: number, seed: number, stream = 0): Int32Array {
  const next = randomWords(seed, stream)
  const order = Int32Array.from({ length: n }, (_, i) => i)
  for (let i = n - 1; i > 0; i--) {
    const j = Math.floor((next() / 2 ** 32) * (i + 1))
    ;[order[i], order[j]] = [order[j], order[i]]
  }
  return order
}

/** A random order of 0 … n−1: in each epoch another one of the seed's, or one of the device's generator. */
export const randomOrder = async (n: number, seed: number | undefined, epoch: number): Promise<Int32Array> =>
  seed === undefined ? ((await randperm(n).data()) as Int32Array) : permutation(n, seed, epoch)

/** Numbers in [0, 1), from the same two sources. */
export async function uniform(n: number, seed: number | undefined, epoch: number): Promise<ArrayLike<number>> {
  if (seed === undefined) return rand(n).data()
  const next = randomWords(seed, epoch)
  return Float64Array.from({ length: n }, () => next() / 2 ** 32)
}
