// Writes what src/backend/wasm/patch.ts reads: `target` as its difference from `base`. Greedy: the longest run found through an index
// of short keys, those that go on where the last one ended before all others.
const keyLength = 4
const enough = 6

function number(value) {
  const bytes = []
  for (; value > 127; value >>>= 7) bytes.push((value & 127) | 128)
  return [...bytes, value]
}

const zigzag = value => (value < 0 ? -2 * value - 1 : 2 * value)

export function difference(base, target) {
  const key = (bytes, at) => bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24)
  const places = new Map()
  for (let i = 0; i + keyLength <= base.length; i++) {
    const known = places.get(key(base, i))
    if (known) known.push(i)
    else places.set(key(base, i), [i])
  }
  const run = (from, at) => {
    let length = 0
    while (from + length < base.length && at + length < target.length && base[from + length] === target[at + length]) length++
    return length
  }

  const out = number(target.length)
  const put = bytes => {
    for (const byte of bytes) out.push(byte)
  }
  let fresh = 0
  let from = 0
  for (let at = 0; at < target.length; ) {
    // A run that starts close to where the last one ended is cheap to tell; it wins over a longer one far away.
    const cost = place => (Math.abs(place - from - fresh) < 64 ? 0 : 3)
    let best = { place: 0, length: 0, gain: 0 }
    for (const place of places.get(key(target, at)) ?? []) {
      const length = run(place, at)
      const gain = length - cost(place)
      if (gain > best.gain) best = { place, length, gain }
    }
    if (best.gain < enough) {
      fresh++
      at++
      continue
    }
    put(number(fresh))
    put(target.subarray(at - fresh, at))
    put(number(zigzag(best.place - from)))
    put(number(best.length))
    from = best.place + best.length
    at += best.length
    fresh = 0
  }
  put(number(fresh))
  put(target.subarray(target.length - fresh))
  put([0, 0])
  return Uint8Array.from(out)
}
