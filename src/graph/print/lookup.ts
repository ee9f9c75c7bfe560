// Finding one's way in a description.
import type { ConstantDescription, ExternalDescription, GraphDescription, NodeDescription, ValueDescription, ValueId } from './description.ts'

export type Found =
  | { readonly kind: 'external'; readonly value: ExternalDescription }
  | { readonly kind: 'constant'; readonly value: ConstantDescription }
  | { readonly kind: 'node'; readonly node: NodeDescription; readonly value: ValueDescription; readonly index: number }

export class Lookup {
  private readonly found = new Map<ValueId, Found>()
  /** How many operands and results each value stands for. */
  readonly readers = new Map<ValueId, number>()

  constructor(readonly graph: GraphDescription) {
    for (const value of graph.externals) this.found.set(value.id, { kind: 'external', value })
    for (const value of graph.constants) this.found.set(value.id, { kind: 'constant', value })
    for (const node of graph.nodes) {
      node.outputs.forEach((value, index) => this.found.set(value.id, { kind: 'node', node, value, index }))
      for (const id of node.inputs) this.readers.set(id, (this.readers.get(id) ?? 0) + 1)
    }
    for (const id of [...graph.outputs, ...graph.updates.map(u => u.value)]) this.readers.set(id, (this.readers.get(id) ?? 0) + 1)
  }

  get(id: ValueId): Found {
    return this.found.get(id)!
  }
  /** What stands for a value that no node makes. */
  nameOf(id: ValueId): string {
    const f = this.get(id)
    return f.kind === 'constant' ? String(f.value.value) : f.kind === 'external' ? (f.value.name ?? (f.value.kind === 'literal' ? literalText(f.value) : f.value.id)) : (f.node.name ?? f.node.id)
  }

  /** What comes out, by name, and what is updated, by the name of its memory. */
  roots(): { readonly label: string; readonly id: ValueId; readonly update: boolean }[] {
    const { outputs, outputNames, updates } = this.graph
    return [
      ...outputs.map((id, i) => ({ label: outputNames[i] ?? '', id, update: false })),
      ...updates.map(u => ({ label: this.nameOf(u.external), id: u.value, update: true })),
    ]
  }
}

const literalText = ({ values, shape, id }: ExternalDescription): string => (!values ? id : shape?.length ? `[${values.join(', ')}]` : String(values[0]))

const short: Readonly<Record<string, string>> = { float32: 'f32', float64: 'f64', float16: 'f16', bfloat16: 'bf16', int32: 'i32', uint32: 'u32', uint8: 'u8', bool: 'bool', complex64: 'c64' }
/** `f32[2, 3]`, as far as it is known. */
export const typeText = ({ dtype, shape }: Pick<ValueDescription, 'dtype' | 'shape'>): string => `${dtype === null ? '' : (short[dtype] ?? dtype)}${shape ? `[${shape.join(', ')}]` : ''}`
