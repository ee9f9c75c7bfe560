// The letters of WebAssembly's binary format, read and written.

/** An unsigned number in LEB128. */
export function leb(n: number): number[] {
  const out: number[] = []
  for (; n > 127; n >>>= 7) out.push((n & 127) | 128)
  return [...out, n]
}

/** A list with its length before it. */
export const counted = (items: readonly (readonly number[])[]): number[] => [...leb(items.length), ...items.flat()]

export const text = (s: string): number[] => [...leb(s.length), ...Array.from(s, c => c.charCodeAt(0))]

export const section = (id: number, items: readonly (readonly number[])[]): number[] => {
  const body = counted(items)
  return [id, ...leb(body.length), ...body]
}

export class Reader {
  constructor(
    readonly bytes: Uint8Array,
    public at: number,
  ) {}

  byte(): number {
    return this.bytes[this.at++]
  }

  leb(): number {
    let value = 0
    for (let shift = 0; ; shift += 7) {
      const byte = this.byte()
      value |= (byte & 127) << shift
      if (byte < 128) return value
    }
  }

  /** `count` times what `item` reads. */
  list<T>(item: (i: number) => T, count = this.leb()): T[] {
    return Array.from({ length: count }, (_, i) => item(i))
  }

  slice(length: number): number[] {
    return Array.from(this.bytes.subarray(this.at, (this.at += length)))
  }
}

export const V128 = 0x7b
export const I32 = 0x7f
