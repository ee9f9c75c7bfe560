// Random orders from a seed, on the JavaScript side: they touch no generator of a device.

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
