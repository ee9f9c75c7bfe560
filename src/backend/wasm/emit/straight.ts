// Functions of vectors without branches and calls, as instructions that name what they take. So several turns of a loop are written in
// step, instruction by instruction: the chain of an exponential is so long that a processor does not look ahead to the next turn by itself.
import { leb, Reader } from './bytes.ts'

/** Computes one vector. `args` are numbers of values: first the params, then what instructions gave. */
interface Instruction {
  readonly code: readonly number[]
  readonly args: readonly number[]
}

export interface Straight {
  readonly params: number
  readonly instructions: readonly Instruction[]
  readonly result: number
}

const numbers = (...list: readonly (number | readonly [number, number])[]): ReadonlySet<number> =>
  new Set(list.flatMap(x => (typeof x === 'number' ? [x] : Array.from({ length: x[1] - x[0] + 1 }, (_, i) => x[0] + i))))
// Vector instructions of assembly/ by how much they take.
const LOADS = numbers(0, 9, 10, 92)
const CONST = 12
const SHUFFLE = 13
const takeOne = numbers(...LOADS, 77, 94, 95, [103, 106], 160, 161, [224, 225], 227, [236, 237], 239, [248, 255])
const takeTwo = numbers(SHUFFLE, [55, 76], [78, 81], [171, 174], 177, 181, [182, 185], [203, 206], 209, [228, 235], [240, 247])
const takeThree = numbers(82, 261, 262)
const takes = (simd: number): number => (simd === CONST ? 0 : takeOne.has(simd) ? 1 : takeTwo.has(simd) ? 2 : takeThree.has(simd) ? 3 : -1)

/** The function whose code is `bytes` from … to, or null where it is more than that. */
export function straighten(bytes: Uint8Array, params: number, from: number, to: number): Straight | null {
  const instructions: Instruction[] = []
  const locals = Array.from({ length: params }, (_, i) => i)
  const stack: number[] = []
  const r = new Reader(bytes, from)
  /** An address or distance, which belongs to the instruction behind it. */
  let constant: number[] = []
  while (r.at < to - 1) {
    const start = r.at
    const op = r.byte()
    if (op === 0x20) stack.push(locals[r.leb()] ?? NaN)
    else if (op === 0x21) locals[r.leb()] = stack.pop()!
    else if (op === 0x22) locals[r.leb()] = stack[stack.length - 1]
    else if (op === 0x41) {
      r.leb()
      constant = Array.from(bytes.subarray(start, r.at))
    } else {
      const simd = op === 0xfd ? r.leb() : -1
      if (LOADS.has(simd)) r.list(() => r.leb(), 2)
      else if (simd === CONST || simd === SHUFFLE) r.at += 16
      const count = takes(simd) - Number(constant.length > 0)
      if (count < 0) return null
      const args = stack.splice(stack.length - count, count)
      stack.push(params + instructions.push({ code: [...constant, ...bytes.subarray(start, r.at)], args }) - 1)
      constant = []
    }
  }
  return ordered({ params, instructions, result: stack[0] })
}

/** Each instruction as late as it can be, of two operands the one with the longer chain first, so that few values wait in registers. */
function ordered({ params, instructions, result }: Straight): Straight {
  const length: number[] = new Array<number>(params).fill(0)
  for (const { args } of instructions) length.push(1 + Math.max(0, ...args.map(a => length[a])))
  const place = new Map<number, number>(Array.from({ length: params }, (_, i) => [i, i]))
  const made: Instruction[] = []
  const visit = (value: number): void => {
    if (place.has(value)) return
    const { code, args } = instructions[value - params]
    for (const a of [...args].sort((a, b) => length[b] - length[a])) visit(a)
    place.set(value, params + made.push({ code, args: args.map(a => place.get(a)!) }) - 1)
  }
  visit(result)
  return { params, instructions: made, result: place.get(result)! }
}

/** Locals, taken and given back. */
export interface Locals {
  take(): number
  give(local: number): void
}

/** Code of one application for each list of arguments, in step, and the locals of the results. What is the same for all is there once. */
export function inStep({ params, instructions, result }: Straight, lists: readonly (readonly number[])[], locals: Locals): { code: number[]; results: number[] } {
  const code: number[] = []
  const lastUse: number[] = []
  instructions.forEach(({ args }, i) => args.forEach(a => (lastUse[a] = i)))
  const shared: boolean[] = new Array<boolean>(params).fill(false)
  const values = lists.map(list => [...list])
  instructions.forEach((instruction, i) => {
    const { args } = instruction
    shared.push(args.every(a => shared[a]))
    const turns = shared[params + i] ? values.slice(0, 1) : values
    for (const v of turns) {
      for (const a of args) code.push(0x20, ...leb(v[a]))
      for (const a of new Set(args)) if (a >= params && lastUse[a] === i && (!shared[a] || v === turns[turns.length - 1])) locals.give(v[a])
      v.push(locals.take())
      code.push(...instruction.code, 0x21, ...leb(v[v.length - 1]))
    }
    for (const v of values.slice(turns.length)) v.push(values[0][params + i])
  })
  return { code, results: values.map(v => v[result]) }
}
