// ONNX models made in code: the few messages of onnx.proto3 that a graph with weights needs, written as protocol buffers.
import type { Values } from './data.ts'

/** Bytes of a message: each field is its number and how it lies (0 a number, 2 bytes with their length, 5 four bytes). */
class Message {
  private readonly parts: Uint8Array[] = []
  private varint(value: number): void {
    const bytes: number[] = []
    // Negative numbers are 64 bits in two's complement.
    let rest = BigInt.asUintN(64, BigInt(value))
    for (; rest > 127n; rest >>= 7n) bytes.push(Number(rest & 127n) | 128)
    bytes.push(Number(rest))
    this.parts.push(Uint8Array.from(bytes))
  }
  int(field: number, ...values: readonly number[]): this {
    for (const value of values) {
      this.varint(field << 3)
      this.varint(value)
    }
    return this
  }
  float(field: number, value: number): this {
    this.varint((field << 3) | 5)
    this.parts.push(new Uint8Array(Float32Array.of(value).buffer))
    return this
  }
  bytes(field: number, ...values: readonly (Uint8Array | Message | string)[]): this {
    for (const value of values) {
      const body = value instanceof Message ? value.join() : typeof value === 'string' ? new TextEncoder().encode(value) : value
      this.varint((field << 3) | 2)
      this.varint(body.length)
      this.parts.push(body)
    }
    return this
  }
  join(): Uint8Array<ArrayBuffer> {
    const all = new Uint8Array(this.parts.reduce((n, part) => n + part.length, 0))
    let at = 0
    for (const part of this.parts) {
      all.set(part, at)
      at += part.length
    }
    return all
  }
}

const FLOAT = 1
const INT32 = 6
const INT64 = 7

export type Attributes = Readonly<Record<string, number | string | readonly number[] | { readonly float: number }>>

function attribute([name, value]: [string, Attributes[string]]): Message {
  const message = new Message().bytes(1, name)
  if (typeof value === 'number') return message.int(3, value).int(20, 2)
  if (typeof value === 'string') return message.bytes(4, value).int(20, 3)
  if ('float' in value) return message.float(2, value.float).int(20, 1)
  return message.int(8, ...value).int(20, 7)
}

/** The type of an input or output: elements of a kind, and a shape where it is known. */
function described(name: string, kind: number, shape?: readonly number[]): Message {
  const type = new Message().int(1, kind)
  if (shape) type.bytes(2, new Message().bytes(1, ...shape.map(length => new Message().int(1, length))))
  return new Message().bytes(1, name).bytes(2, new Message().bytes(1, type))
}

export class Graph {
  private readonly graph = new Message()
  private names = 0
  private fresh(): string {
    return `v${this.names++}`
  }
  input(name: string, shape: readonly number[], whole = false): string {
    this.graph.bytes(11, described(name, whole ? INT32 : FLOAT, shape))
    return name
  }
  constant({ data, shape }: Values): string {
    return this.initializer(FLOAT, shape, new Uint8Array(data.buffer))
  }
  /** A list of whole numbers, as shapes and sizes are given. */
  list(...values: readonly number[]): string {
    return this.initializer(INT64, [values.length], new Uint8Array(BigInt64Array.from(values, BigInt).buffer))
  }
  private initializer(kind: number, shape: readonly number[], raw: Uint8Array): string {
    const name = this.fresh()
    this.graph.bytes(5, new Message().int(1, ...shape).int(2, kind).bytes(8, name).bytes(9, raw))
    return name
  }
  /** Adds a node with several outputs and gives their names. */
  nodes(op: string, inputs: readonly string[], outputs: number, attributes: Attributes = {}): string[] {
    const names = Array.from({ length: outputs }, () => this.fresh())
    this.graph.bytes(1, new Message().bytes(1, ...inputs).bytes(2, ...names).bytes(4, op).bytes(5, ...Object.entries(attributes).map(attribute)))
    return names
  }
  node(op: string, inputs: readonly string[], attributes?: Attributes): string {
    return this.nodes(op, inputs, 1, attributes)[0]
  }
  /** The model's file, of operator set 20. */
  model(output: string): Uint8Array<ArrayBuffer> {
    this.graph.bytes(2, 'graph').bytes(12, described(output, FLOAT))
    return new Message().int(1, 9).bytes(7, this.graph).bytes(8, new Message().bytes(1, '').int(2, 20)).join()
  }
}
