// The compiled functions of the main module, and how the body of one is spliced into another function: its parameters and locals
// become locals there, a return leaves the block that the body is put in, and what it calls is imported.
import { internal } from '../../../core/errors.ts'
import { leb, Reader, V128 } from './bytes.ts'
import { inStep, straighten, type Locals, type Straight } from './straight.ts'

export interface LibraryFunction {
  /** Under which others can import it. */
  name?: string
  /** Its type as in the type section. */
  readonly type: readonly number[]
  readonly params: readonly number[]
  /** Value types of the locals, without the parameters. */
  readonly locals: readonly number[]
  readonly from: number
  readonly to: number
}

/** What the function that is written into gives. */
export interface Host {
  local(type: number): number
  /** Of vectors, to be given back. */
  readonly vectors: Locals
  /** A local of that type that is never written. */
  zero(type: number): number
  /** Index of an imported function. */
  imported(f: LibraryFunction): number
}

export class Library {
  private readonly functions: LibraryFunction[] = []
  private readonly byName = new Map<string, LibraryFunction>()
  private readonly straight = new Map<LibraryFunction, Straight | null>()

  constructor(private readonly bytes: Uint8Array) {
    const r = new Reader(bytes, 8)
    let types: { type: number[]; params: number[] }[] = []
    let typeOf: number[] = []
    let names: [string, number][] = []
    while (r.at < bytes.length) {
      const id = r.byte()
      const end = r.leb() + r.at
      if (id === 1)
        types = r.list(() => {
          const from = r.at++
          const params = r.list(() => r.byte())
          r.list(() => r.byte())
          return { type: Array.from(bytes.subarray(from, r.at)), params }
        })
      else if (id === 3) typeOf = r.list(() => r.leb())
      else if (id === 7)
        names = r
          .list((): [string, number, number] => [String.fromCharCode(...r.slice(r.leb())), r.byte(), r.leb()])
          .flatMap(([name, kind, index]): [string, number][] => (kind === 0 ? [[name, index]] : []))
      else if (id === 10)
        r.list(i => {
          const to = r.leb() + r.at
          const locals = r.list(() => new Array<number>(r.leb()).fill(r.byte())).flat()
          this.functions.push({ ...types[typeOf[i]], locals, from: r.at, to })
          r.at = to
        })
      r.at = end
    }
    // The only import is the memory, so the first function is number 0.
    for (const [name, index] of names) {
      this.functions[index].name ??= name
      this.byName.set(name, this.functions[index])
    }
  }

  named(name: string): LibraryFunction {
    return this.byName.get(name) ?? internal(`the wasm module has no function ${name}`)
  }

  /** Code that leaves f(args), args being locals, on the stack. */
  apply(f: LibraryFunction, args: readonly number[], host: Host): number[] {
    return this.splice(f, args, host) ?? [...args.flatMap(a => [0x20, ...leb(a)]), 0x10, ...leb(host.imported(f))]
  }

  /** The function as a list of vector instructions, or null where it is more than that. */
  private straightOf(f: LibraryFunction): Straight | null {
    let s = this.straight.get(f)
    if (s === undefined) this.straight.set(f, (s = straighten(this.bytes, f.params.length, f.from, f.to)))
    return s
  }

  /** The instructions of an application, without those that fetch constants; infinite where they are not all of vectors. */
  lengthOf(f: LibraryFunction): number {
    return this.straightOf(f)?.instructions.filter(i => i.args.length > 0).length ?? Infinity
  }

  /** The same for several lists of arguments, of functions of vectors: in step, where the function allows it. */
  applyAll(f: LibraryFunction, lists: readonly (readonly number[])[], host: Host): { code: number[]; results: number[] } {
    const straight = lists.length > 1 ? this.straightOf(f) : null
    if (straight) return inStep(straight, lists, host.vectors)
    const results = lists.map(() => host.local(V128))
    return { code: lists.flatMap((args, i) => [...this.apply(f, args, host), 0x21, ...leb(results[i])]), results }
  }

  /** The same without a call, or null where the body has something that cannot move. */
  private splice(f: LibraryFunction, args: readonly number[], host: Host): number[] | null {
    const types = [...f.params, ...f.locals]
    const own = types.map(t => host.local(t))
    const written = new Set(f.params.keys())
    /** Locals that might be read before they are written in this turn of a loop. */
    const cleared = new Set<number>()
    const r = new Reader(this.bytes, f.from)
    const body: number[] = []
    let depth = 0
    while (r.at < f.to - 1) {
      const start = r.at
      const op = r.byte()
      if (op >= 0x20 && op <= 0x22) {
        const i = r.leb()
        body.push(op, ...leb(own[i]))
        if (op !== 0x20 && depth === 0) written.add(i)
        else if (!written.has(i)) cleared.add(i)
      } else if (op === 0x0f) body.push(0x0c, ...leb(depth))
      else if (op === 0x10) {
        const callee = this.functions[r.leb()]
        if (callee.name === undefined) return null
        body.push(op, ...leb(host.imported(callee)))
      } else {
        if (op >= 0x02 && op <= 0x04) {
          depth++
          if (r.byte() < 0x40) return null
        } else if (op === 0x0b) depth--
        else if (!skipImmediates(op, r)) return null
        for (let i = start; i < r.at; i++) body.push(this.bytes[i])
      }
    }
    const set = (from: number, to: number): number[] => [0x20, ...leb(from), 0x21, ...leb(to)]
    const before = [...args.flatMap((a, i) => set(a, own[i])), ...[...cleared].flatMap(i => set(host.zero(types[i]), own[i]))]
    return [...before, 0x02, f.type[f.type.length - 1], ...body, 0x0b]
  }
}

/** False for instructions that mean something only in their own module. */
function skipImmediates(op: number, r: Reader): boolean {
  const lebs = (n: number): boolean => r.list(() => r.leb(), n).length === n
  const skip = (n: number): boolean => (r.at += n) > 0
  if (op <= 0x01 || op === 0x05 || op === 0x1a || op === 0x1b || (op >= 0x45 && op <= 0xc4)) return true
  if (op === 0x0c || op === 0x0d || op === 0x41 || op === 0x42) return lebs(1)
  if (op === 0x0e) return lebs(r.leb() + 1)
  if (op >= 0x28 && op <= 0x3e) return lebs(2)
  if (op === 0x43 || op === 0x44) return skip(op === 0x43 ? 4 : 8)
  if (op === 0xfc) return r.leb() < 8
  if (op !== 0xfd) return false
  const simd = r.leb()
  if (simd <= 11 || simd === 92 || simd === 93) return lebs(2)
  if (simd === 12 || simd === 13) return skip(16)
  if (simd >= 21 && simd <= 34) return skip(1)
  if (simd >= 84 && simd <= 91) return lebs(2) && skip(1)
  return true
}
