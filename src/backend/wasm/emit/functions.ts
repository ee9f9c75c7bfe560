// Functions made at run time. Each has a place in the function table of every thread, so the kernels call them like their own. They are
// compiled a few at a time, at once, since modules of less than 4 KB may be compiled without waiting everywhere.
import { internal } from '../../../core/errors.ts'
import type { WasmExports } from '../module.ts'
import { counted, I32, leb, section, text, V128 } from './bytes.ts'
import { Library, type Host, type LibraryFunction } from './library.ts'

/** Parameters of every function made here: three int32. */
const PARAMS = 3
const MODULE_BYTES = 3600

/** Writes a body. */
export type Make = (library: Library, host: Host) => readonly number[]

/** One module at work. */
class Draft {
  readonly imports: LibraryFunction[] = []
  readonly bodies: number[][] = []
  bytes = 0

  add(make: Make, library: Library): void {
    const locals: number[] = []
    const zeros = new Map<number, number>()
    const spare: number[] = []
    const local = (type: number): number => PARAMS + locals.push(type) - 1
    const code = make(library, {
      local,
      vectors: { take: () => spare.pop() ?? local(V128), give: at => spare.push(at) },
      zero(type) {
        if (!zeros.has(type)) zeros.set(type, local(type))
        return zeros.get(type)!
      },
      imported: f => {
        const known = this.imports.indexOf(f)
        return known >= 0 ? known : this.imports.push(f) - 1
      },
    })
    const body = [...counted(locals.map(t => [1, t])), ...code, 0x0b]
    this.bodies.push([...leb(body.length), ...body])
    this.bytes += body.length
  }

  module(shared: boolean): Uint8Array<ArrayBuffer> {
    const own = [0x60, PARAMS, I32, I32, I32, 0]
    const memory = shared ? [3, 0, ...leb(65536)] : [0, 0]
    return new Uint8Array([
      0, 97, 115, 109, 1, 0, 0, 0,
      ...section(1, [own, ...this.imports.map(f => f.type)]),
      ...section(2, [[...text('env'), ...text('memory'), 2, ...memory], ...this.imports.map((f, i) => [...text('env'), ...text(f.name!), 0, ...leb(i + 1)])]),
      ...section(3, this.bodies.map(() => [0])),
      ...section(7, this.bodies.map((_, i) => [...text(`f${i}`), 0, ...leb(this.imports.length + i)])),
      ...section(10, this.bodies),
    ])
  }
}

/** What the functions are linked to. */
export interface Linkage {
  readonly exports: WasmExports
  readonly memory: WebAssembly.Memory
  readonly shared: boolean
  /** Gives the other threads the modules whose functions this thread has put into its table. */
  share(modules: readonly WebAssembly.Module[], size: number): void
}

export class Functions {
  private readonly known = new Map<string, number>()
  private pending: { key: string; make: Make }[] = []
  private library: Library | null = null

  /** `bytes` are the main module's. */
  constructor(private readonly bytes: Uint8Array, private readonly link: Linkage) {}

  has(key: string): boolean {
    return this.known.has(key)
  }

  /** The place in the table of the function `key`, which there will be after the next `finish`. */
  place(key: string, make: Make): number {
    let at = this.known.get(key)
    if (at === undefined) {
      at = this.link.exports.table.length + this.pending.length
      this.known.set(key, at)
      this.pending.push({ key, make })
    }
    return at
  }

  /** Compiles all that was asked for. */
  finish(): void {
    if (this.pending.length === 0) return
    const { exports, memory, shared } = this.link
    const { table } = exports
    const asked = this.pending
    this.pending = []
    const library = (this.library ??= new Library(this.bytes))
    try {
      const drafts = [new Draft()]
      for (const { make } of asked) {
        if (drafts[drafts.length - 1].bytes > MODULE_BYTES) drafts.push(new Draft())
        drafts[drafts.length - 1].add(make, library)
      }
      const modules = drafts.map(d => new WebAssembly.Module(d.module(shared)))
      const instances = modules.map(m => new WebAssembly.Instance(m, { env: { ...exports, memory } as unknown as WebAssembly.ModuleImports }))
      for (const i of instances) for (const f of Object.values(i.exports)) table.grow(1, f)
      this.link.share(modules, table.length)
    } catch (e) {
      for (const { key } of asked) this.known.delete(key)
      internal(`a loop made for a program does not compile: ${String(e)}`)
    }
  }
}
