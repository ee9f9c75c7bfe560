// What all shaders share: how a dispatch is described, and how its parameters, bindings and addresses are printed. Sizes, strides
// and offsets are parameters, so the text depends on structure alone (ranks, dtypes, which operands share a block).
import { dtypes as dtypeTable, wordType, type DType, type WordType } from '../../core/dtype.ts'
import type { Extents, Tiling } from './tiles.ts'
import { isNarrow, loadFour, loadOne, storeFour, storeOne, type NarrowType } from './narrow.ts'

/** A parameter of a shader: one word, or a row of words `name_0, name_1 …`; a `table` is an array of words by fours. */
export type Field = readonly [name: string, value: number | readonly number[], type?: 'u32' | 'i32' | 'f32' | 'table']

/** One dispatch. Equal keys mean equal sources. */
export interface Job {
  readonly key: string
  readonly source: () => string
  readonly fields: readonly Field[]
  /** What is bound, in binding order: the kernel's distinct blocks are 0, 1 …, then its scratch blocks; `FAULTS` is the fault record. */
  readonly slots: readonly number[]
  /** Binds the buffers in which its blocks lie as a whole. */
  readonly whole?: boolean
  readonly groups: readonly [number, number, number]
}

/** Where a block lies: in which buffer, and from which byte on. */
export interface Place {
  readonly buffer: number
  readonly offset: number
}

/** What a kernel becomes: dispatches in order, and the bytes of the scratch blocks that they pass data through. */
export interface Work {
  readonly jobs: readonly Job[]
  readonly scratch: readonly number[]
}

export const NOTHING: Work = { jobs: [], scratch: [] }

export const single = (job: Job): Work => ({ jobs: [job], scratch: [] })

/** What the lowering must know of the device. */
export interface Target {
  /** `shared` tiles in workgroup memory, for graphics hardware; `register` uses no barriers, for adapters that run on a CPU. */
  readonly family: 'shared' | 'register'
  /** Subgroups are four threads side by side, which can hand each other what they read. */
  readonly quads: boolean
  /** Threads of a subgroup can hand each other values, and know which subgroup they are of. */
  readonly subgroups?: boolean
  /** Shaders know 16-bit floats. */
  readonly halves?: boolean
  /** Chooses among the tiles that suit a product; the first, when left out. */
  readonly pick?: PickTile
}
export type PickTile = (kind: 'matmul' | 'conv', extents: Extents, tiles: readonly Tiling[]) => Tiling

export const FAULTS = -1

/** Workgroups that one axis of a dispatch may have. */
const MAX_GROUPS = 65535

/** Every struct begins with these: shader compilers may assume that constants are finite, values of a buffer they cannot see. */
const common: readonly Field[] = [['inf', 0x7f800000], ['nan', 0x7fc00000], ['zero', 0]]

const beginning = (at: number, type: Field[2]): number => (type === 'table' ? Math.ceil(at / 4) * 4 : at)

/** Words that the fields take. */
export function wordCount(fields: readonly Field[]): number {
  let n = common.length
  for (const [, value, type] of fields) n = beginning(n, type) + (typeof value === 'number' ? 1 : value.length)
  return n
}

/** Writes the fields in order; integers modulo 2³², so a negative stride comes out as its two's complement. */
export function packFields(fields: readonly Field[], words: Uint32Array, floats: Float32Array, at: number): void {
  for (const list of [common, fields])
    for (const [, value, type] of list) {
      const into = type === 'f32' ? floats : words
      at = beginning(at, type)
      if (typeof value === 'number') into[at++] = value
      else for (const v of value) into[at++] = v
    }
}

const declareFields = (fields: readonly Field[]): string =>
  [...common, ...fields]
    .flatMap(([name, value, type = 'u32']) =>
      typeof value === 'number' ? `${name}: ${type}` : type === 'table' ? `${name}: array<vec4u, ${value.length / 4}>` : value.map((_, i) => `${name}_${i}: ${type}`))
    .join(', ')

const natural: Record<WordType, string> = { float32: 'f32', int32: 'i32', bool: 'u32' }

/** `F I U B` are scalars, or vectors of four; the text of expressions is the same for both. */
const aliases = (lanes: 1 | 4): string =>
  lanes === 1
    ? 'alias F = f32; alias I = i32; alias U = u32; alias B = bool;'
    : 'alias F = vec4f; alias I = vec4i; alias U = vec4u; alias B = vec4<bool>;'

/**
 * The operands of a dispatch as storage bindings. A block is bound once, however many operands lie in it, since WebGPU forbids to
 * bind writable memory twice; where operands of several dtypes share one, it is bound as plain words. Words are also what holds elements that
 * are shorter, but for 16-bit floats where shaders know them and have a block to themselves.
 */
export class Memory {
  readonly slots: readonly number[]
  readonly key: string
  /** What its declarations need. */
  readonly enable: string
  readonly #dtypes: readonly WordType[]
  readonly #at: readonly number[]
  readonly #types: readonly string[]
  readonly #wide: boolean[] = []
  readonly #narrow: readonly (NarrowType | null)[]
  readonly #vectors: readonly boolean[]

  constructor(
    dtypes: readonly DType[],
    slots: readonly number[],
    /** Whether each operand is read in vectors of four; operands that share a block must agree. */
    vectors: readonly boolean[] = [],
    /** Operands, shorter than a word, whose elements are stored one by one. */
    shared: readonly boolean[] = [],
    { halves = false }: Pick<Target, 'halves'> = {},
  ) {
    this.#vectors = vectors
    const half = slots.map(slot => halves && dtypes.every((t, k) => slots[k] !== slot || t === 'float16'))
    this.#narrow = dtypes.map((t, k) => (isNarrow(t) && !half[k] ? t : null))
    this.enable = half.includes(true) ? 'enable f16;\n' : ''
    this.#dtypes = dtypes.map(wordType)
    const distinct: number[] = []
    const types: string[] = []
    this.#at = slots.map((slot, k) => {
      let at = distinct.indexOf(slot)
      if (at < 0) at = distinct.push(slot) - 1
      const type = half[k] ? 'f16' : this.#narrow[k] ? 'u32' : natural[this.#dtypes[k]]
      if ((shared[k] && !half[k]) || types[at] === 'atomic<u32>') types[at] = 'atomic<u32>'
      else types[at] = (types[at] ?? type) === type ? type : 'u32'
      this.#wide[at] = (vectors[k] ?? false) && !this.#narrow[k]
      return at
    })
    this.slots = distinct
    this.#types = types
    this.key = `${dtypes.map((t, k) => dtypeTable[t].short + (vectors[k] ? 'x4' : shared[k] ? 'a' : '')).join()}:${this.#at.join()}`
  }

  declare(): string {
    return this.#types
      .map((t, i) => `@group(1) @binding(${i}) var<storage, read_write> b${i}: array<${this.#wide[i] ? `vec4<${t}>` : t}>;`)
      .join('\n')
  }

  load(k: number, address: string): string {
    const t = this.#narrow[k]
    if (t) return (this.#vectors[k] ? loadFour : loadOne)(t, at => this.raw(k, at), address)
    return this.#decode(k, this.raw(k, address), '')
  }

  /** In a shader of four lanes: the one element at a scalar address, in all lanes. */
  loadSplat(k: number, address: string): string {
    const t = this.#narrow[k]
    if (t) return loadOne(t, at => this.raw(k, at), address)
    return this.#decode(k, `b${this.#at[k]}[${address} >> 2u][${address} & 3u]`, 'splat')
  }

  store(k: number, address: string, value: string): string {
    const t = this.#narrow[k]
    const buffer = `b${this.#at[k]}`
    if (t) return (this.#vectors[k] ? storeFour : storeOne)(t, buffer, address, value)
    if (this.#types[this.#at[k]] === 'atomic<u32>') return `atomicStore(&${buffer}[${address}], ${this.encode(k, value)});`
    return `${buffer}[${address}] = ${this.encode(k, value)};`
  }

  /** The same in a shader of four lanes, of which only the first `left` have elements; what lies behind them is written back as it was. */
  storeFew(k: number, address: string, value: string, left: string): string {
    const t = this.#narrow[k]
    if (t) return storeFour(t, `b${this.#at[k]}`, address, value, left)
    const old = this.raw(k, address)
    return `${old} = select(${old}, ${this.encode(k, value)}, U(0u, 1u, 2u, 3u) < U(${left}));`
  }

  /** In a shader of four lanes: the elements at four scalar addresses. The block is bound as scalars. */
  gather(k: number, addresses: string): string {
    const type = this.#types[this.#at[k]]
    return this.#decode(k, `vec4<${type}>(${['x', 'y', 'z', 'w'].map(lane => this.raw(k, `${addresses}.${lane}`)).join(', ')})`, '')
  }

  /** In a shader of four lanes: stores one lane of a value at a scalar address. The block is bound as scalars. */
  storeLane(k: number, address: string, value: string, lane: string): string {
    return `b${this.#at[k]}[${address}] = ${this.encode(k, value)}.${lane};`
  }

  /** A value as the words that the binding of operand `k` holds. */
  encode(k: number, value: string): string {
    if (this.#types[this.#at[k]] === 'f16') return `${this.#vectors[k] ? 'to_halves' : 'to_half'}(${value})`
    if (this.#dtypes[k] === 'bool') return `U(${value})`
    return this.#types[this.#at[k]] === natural[this.#dtypes[k]] ? value : `bitcast<U>(${value})`
  }

  /** What the binding of operand `k` holds at an address, undecoded. */
  raw(k: number, address: string): string {
    const word = `b${this.#at[k]}[${address}]`
    return this.#types[this.#at[k]] === 'atomic<u32>' ? `atomicLoad(&${word})` : word
  }

  #decode(k: number, words: string, splat: '' | 'splat'): string {
    const dtype = this.#dtypes[k]
    if (this.#types[this.#at[k]] === 'f16') return splat ? `F(f32(${words}))` : `F(${words})`
    const same = this.#types[this.#at[k]] === natural[dtype]
    if (dtype === 'bool') return splat ? `B(${words} != 0u)` : `(${words} != U(0u))`
    const wide = dtype === 'float32' ? 'F' : 'I'
    if (splat) return same ? `${wide}(${words})` : `${wide}(bitcast<${natural[dtype]}>(${words}))`
    return same ? words : `bitcast<${wide}>(${words})`
  }
}

/** The number of the k-th scratch block of a kernel whose blocks are `slots`. */
export const scratchSlot = (slots: readonly number[], k = 0): number => Math.max(...slots) + 1 + k

export const WG = 64
/** Threads of a workgroup on adapters that run on a CPU: each workgroup runs on one core, so many small ones share the cores better. */
export const CPU_GROUP = 16

/** Workgroups for `groups` in a row, folded into two axes; `printShader` undoes it. */
export function gridOfGroups(groups: number): [number, number, number] {
  const y = Math.ceil(groups / MAX_GROUPS)
  return [Math.ceil(groups / Math.max(y, 1)), y, 1]
}

/** Workgroups for `threads` invocations, one after the other, `size` of them in each. */
export const gridOfThreads = (threads: number, size = WG): [number, number, number] => gridOfGroups(Math.ceil(threads / size))

/** What threads of a subgroup need to hand values round. They take part or rest as a whole, which the language cannot always see. */
export const SUBGROUPS = 'enable subgroups;\ndiagnostic(off, subgroup_uniformity);\n'

interface Shader {
  readonly fields: readonly Field[]
  readonly memory: Memory
  readonly lanes?: 1 | 4
  /** Threads of a workgroup. */
  readonly size?: number
  /** What the shader enables, before all declarations. */
  readonly enable?: string
  /** Further parameters of the entry point. */
  readonly builtins?: string
  /** Declarations before the entry point. */
  readonly head?: string
  readonly body: string
}

/**
 * A whole shader. In the body, `group` is the number of the workgroup, `lid` that of the thread in it and `i` of the thread in all. What it reads of the
 * parameters, but for tables, is read once, before its loops: software adapters do not find that out.
 */
export function printShader({ fields, memory, lanes = 1, size = WG, enable = '', builtins = '', head = '', body }: Shader): string {
  const used = new Set<string>()
  const tables = fields.flatMap(([name, , type]) => (type === 'table' ? [name] : []))
  const text = body.replace(/\bp\.(\w+)/g, (whole, name: string) => {
    if (tables.includes(name)) return whole
    used.add(name)
    return `p_${name}`
  })
  return `${memory.enable}${enable}${aliases(lanes)}
struct Params { ${declareFields(fields)} }
@group(0) @binding(0) var<uniform> p: Params;
${memory.declare()}
${head}@compute @workgroup_size(${size})
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) count: vec3u, @builtin(local_invocation_index) lid: u32${builtins}) {
  let group = wid.y * count.x + wid.x;
  let i = group * ${size}u + lid;
${indent([...used].map(name => `let p_${name} = p.${name};`).join('\n'))}
${indent(text)}
}
`
}

/** A scalar float of which compilers do not know how it came about, so that what its rounding took away is not 0 to them. */
export const opaque = (x: string): string => `bitcast<f32>(bitcast<u32>(${x}) ^ p.zero)`

export const indent = (text: string, by = 2): string =>
  text.trim().split('\n').map(line => (line ? ' '.repeat(by) + line : line)).join('\n')

/** Declares a quotient and a remainder by one division, which is dear everywhere. */
export const divided = (x: string, by: string, quotient: string, remainder: string): string[] =>
  [`let ${quotient} = ${x} / ${by};`, `let ${remainder} = ${x} - ${quotient} * ${by};`]

/** Declares the indices `c_0 …` of row-major position `linear` under the sizes `sizes_0 …` of a field. The first size is not needed. */
export function unravel(linear: string, rank: number, sizes: string, c: string): string {
  if (rank === 0) return ''
  const lines: string[] = []
  let rest = linear
  for (let d = rank - 1; d > 0; d--) {
    lines.push(...divided(rest, `p.${sizes}_${d}`, `${c}r_${d}`, `${c}_${d}`))
    rest = `${c}r_${d}`
  }
  lines.push(`let ${c}_0 = ${rest};`)
  return lines.join('\n')
}

/** Σ c_d · strides_d as an expression. */
export const dot = (rank: number, c: string, strides: string): string =>
  Array.from({ length: rank }, (_, d) => `${c}_${d} * p.${strides}_${d}`).join(' + ') || '0u'

export const range = (n: number): number[] => Array.from({ length: n }, (_, i) => i)
