// One binary told as the difference from another that is nearly the same. A patch is a row of steps, each three numbers in LEB128 and
// some bytes: the count of fresh bytes and the bytes, then how far to move in the base (zigzag: odd is back) and how many to copy.

export function patched(base: Uint8Array, patch: Uint8Array): Uint8Array<ArrayBuffer> {
  let at = 0
  const number = (): number => {
    let value = 0
    for (let shift = 0; ; shift += 7) {
      const byte = patch[at++]
      value |= (byte & 127) << shift
      if (byte < 128) return value
    }
  }
  const out = new Uint8Array(number())
  let written = 0
  let from = 0
  while (at < patch.length) {
    const fresh = number()
    out.set(patch.subarray(at, at + fresh), written)
    at += fresh
    written += fresh
    const move = number()
    from += (move >>> 1) ^ -(move & 1)
    const same = number()
    out.set(base.subarray(from, from + same), written)
    written += same
    from += same
  }
  return out
}
