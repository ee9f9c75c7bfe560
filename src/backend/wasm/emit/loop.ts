// Loops for scalar programs: every vector is loaded, taken through all steps in registers, and stored. How each operand is walked is
// part of the loop; where it lies is known when it runs.
import { Op } from '../../../../assembly/map-ops.ts'
import type { Program, Step } from '../../../ir/scalar.ts'
import { opcode } from '../opcodes.ts'
import { I32, leb, V128 } from './bytes.ts'
import type { Make } from './functions.ts'
import type { Host, Library } from './library.ts'

/**
 * How a view lies along the loop: one element behind the other, or a stride apart. Inputs also: one element for all, two that alternate,
 * or each element twice.
 */
export type Form = 'run' | 'strided' | 'same' | 'alternate' | 'twice'
/** Whether all vectors are alike. */
const isConstant = (f: Form): boolean => f === 'same' || f === 'alternate'

const get = (i: number): number[] => [0x20, ...leb(i)]
const set = (i: number): number[] => [0x21, ...leb(i)]
const int = (n: number): number[] => [0x41, ...(n < 64 ? [n] : [(n & 127) | 128, n >> 7])]
const add = [0x6a]
const load = (offset: number): number[] => [0x28, 2, ...leb(offset)]
const vector = (op: number, ...rest: number[]): number[] => [0xfd, ...leb(op), ...rest]
const loadVector = (offset: number): number[] => vector(0x00, 2, ...leb(offset))
const loadSplat = (offset: number): number[] => vector(0x09, 2, ...leb(offset))
const loadPair = vector(0x0a, 2, 0)
const loadHalf = (offset: number): number[] => vector(0x5d, 2, ...leb(offset))
const loadZero = vector(0x5c, 2, 0)
const loadLane = (lane: number): number[] => vector(0x56, 2, 0, lane)
const storeVector = (offset: number): number[] => vector(0x0b, 2, ...leb(offset))
const storeLane = (lane: number, offset: number): number[] => vector(0x5a, 2, ...leb(offset), lane)
const splat = vector(0x11)
const doubled = vector(0x0d, 0, 1, 2, 3, 0, 1, 2, 3, 4, 5, 6, 7, 4, 5, 6, 7)
const addInts = vector(0xae)
const iota = vector(0x0c, 0, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0)

/** The steps whose words lie where the frame says, in that order: params and constants. */
export const commonSteps = (p: Program): Step[] => p.steps.filter(s => s.op === 'param' || s.op === 'const')

/** The opcode of each step; those that only stand for their operand have none. */
export const opcodesOf = (p: Program): (Op | undefined)[] => p.steps.map(s => opcode(p.steps, s))

/** The function of the library that computes a step, and its operands. A square is one product wherever the exponent is one for all. */
function callOf(steps: readonly Step[], step: Step, op: Op, same: readonly boolean[]): [name: string, args: readonly number[]] {
  if (op !== Op.pow || !same[step.args[1]]) return [Op[op], step.args]
  const exponent = steps[step.args[1]]
  if (exponent.op !== 'const') return ['power', step.args]
  return exponent.value === 2 ? [Op[Op.mulF], [step.args[0], step.args[0]]] : [Op[op], step.args]
}

/** What a step reads that lies in memory, or where a result goes. All numbers are locals. */
export interface Operand {
  readonly form: Form
  readonly address: number
  readonly stride: number
  /** A buffer, where whole vectors may be written behind the end. */
  readonly padded?: boolean
}

/** Instructions for a vector from which on a turn takes two vectors, not four: more would not find room in registers. */
const LONG = 100

/** Locals that hold four copies of one number. */
type Value = number

export class LoopWriter {
  readonly code: number[] = []

  constructor(readonly library: Library, readonly host: Host) {}

  emit(...parts: readonly (readonly number[])[]): void {
    for (const p of parts) for (const b of p) this.code.push(b)
  }

  /** A new local with what `code` leaves on the stack. */
  local(type: number, ...code: readonly (readonly number[])[]): number {
    const at = this.host.local(type)
    this.emit(...code, set(at))
    return at
  }

  word(pointer: number, offset: number): number {
    return this.local(I32, get(pointer), load(offset))
  }

  splatAt(pointer: number, offset = 0): Value {
    return this.local(V128, get(pointer), loadSplat(offset))
  }

  storeLane(address: number, value: Value): void {
    this.emit(get(address), get(value), storeLane(0, 0))
  }

  move(pointer: number, by: number): void {
    this.emit(get(pointer), get(by), add, set(pointer))
  }

  /** Code between the start of a loop and its end, which is left when `count` has gone down to 0 by `step`. */
  repeat(count: number, step: number, body: () => void): void {
    this.emit([0x03, 0x40])
    body()
    this.emit(get(count), int(step), [0x6b, 0x22, ...leb(count)], int(0), [0x4a, 0x0d, 0, 0x0b])
  }
}

/** A program at work in a writer: what of it is the same for all elements is computed first, what is not in a loop. */
export class ProgramLoop {
  private readonly ops: readonly (Op | undefined)[]
  private readonly same: boolean[] = []
  private readonly value: number[] = []

  /** `isSame` tells of each input whether it is one number for all. `words` points to the common words, from `from` bytes on. */
  constructor(private readonly w: LoopWriter, private readonly p: Program, private readonly isSame: readonly boolean[], words: number, from = 0) {
    this.ops = opcodesOf(p)
    for (const s of p.steps) this.same.push(s.op === 'input' ? isSame[s.index!] : s.op !== 'index' && s.args.every(a => this.same[a]))
    const constant: boolean[] = []
    let at = from
    p.steps.forEach((s, i) => {
      constant.push(s.op === 'param' || s.op === 'const' || (s.args.length > 0 && s.args.every(a => constant[a])))
      if (s.op === 'param' || s.op === 'const') {
        this.value[i] = w.splatAt(words, at)
        at += 4
      } else if (constant[i]) this.compute(i)
    })
  }

  /** Results, when all inputs are the same. */
  results(inputs: readonly (Value | null)[]): Value[] {
    this.enter(inputs)
    return this.p.outputs.map(o => this.value[o])
  }

  /** What is the same for all elements of this line. */
  private enter(inputs: readonly (Value | null)[]): void {
    this.p.steps.forEach((s, i) => {
      if (!this.same[i]) return
      if (s.op === 'input') this.value[i] = inputs[s.index!]!
      else if (s.op !== 'param' && s.op !== 'const' && !(s.args.length > 0 && this.isConstant(i))) this.compute(i)
    })
  }

  private isConstant(i: number): boolean {
    const s = this.p.steps[i]
    return s.op === 'param' || s.op === 'const' || (s.args.length > 0 && s.args.every(a => this.isConstant(a)))
  }

  private compute(i: number): void {
    this.value[i] = this.computeAll(i, [this.value])[0]
  }

  /** A step for each list of values. */
  private computeAll(i: number, lists: readonly (readonly number[])[]): number[] {
    const { w } = this
    const s = this.p.steps[i]
    const op = this.ops[i]
    if (op === undefined) return lists.map(value => value[s.args[0]])
    const [name, args] = callOf(this.p.steps, s, op, this.same)
    const { code, results } = w.library.applyAll(w.library.named(name), lists.map(value => args.map(a => value[a])), w.host)
    w.emit(code)
    return results
  }

  /**
   * The loop over `count` elements, the first of which has the row-major position `first`. The operands' addresses are moved, `count`
   * is used up. Loads reach to the end of the vector that the last element lies in.
   */
  line(values: readonly (Value | null)[], inputs: readonly Operand[], outputs: readonly Operand[], count: number, first: number): void {
    const { w } = this
    const { steps, outputs: results } = this.p
    this.enter(values)
    const position = steps.some(s => s.op === 'index') ? w.local(V128, get(first), splat, iota, addInts) : -1
    const walked = [...inputs.filter((_, i) => !this.isSame[i]), ...outputs]
    /** The results for the vectors at these offsets. */
    const body = (...offsets: readonly number[]): number[][] => {
      const lists = offsets.map(() => [...this.value])
      steps.forEach((s, i) => {
        if (this.same[i]) return
        const made =
          s.op === 'index' ? [position] : s.op === 'input' ? offsets.map(o => w.local(V128, this.loadInput(inputs[s.index!], count, o))) : this.computeAll(i, lists)
        made.forEach((at, k) => (lists[k][i] = at))
      })
      return lists.map(value => results.map(r => value[r]))
    }
    const store = (made: readonly number[], padded: boolean, lanes = 4, offset = 0): void =>
      outputs.forEach((o, k) => {
        if (Boolean(o.padded) === padded) w.emit(storeOutput(o, made[k], lanes, offset))
      })
    const next = (vectors: number): void => {
      for (const o of walked) {
        if (o.form !== 'strided') w.emit(get(o.address), int((o.form === 'twice' ? 8 : 16) * vectors), add, set(o.address))
        else w.emit(get(o.address), get(o.stride), int(2), [0x74], add, set(o.address))
      }
      if (position >= 0) w.emit(get(position), int(4), splat, addInts, set(position))
    }
    w.emit([0x02, 0x40])
    if (position < 0 && walked.every(o => o.form !== 'strided')) {
      const length = this.bodyLength()
      const vectors = length < LONG ? 4 : 2
      const offsets = Array.from({ length: vectors }, (_, i) => 16 * i)
      w.emit([0x02, 0x40], get(count), int(4 * vectors), [0x48, 0x0d, 0, 0x03, 0x40])
      const all = length < Infinity ? body(...offsets) : offsets.flatMap(o => body(o))
      all.forEach((made, i) => [true, false].forEach(padded => store(made, padded, 4, offsets[i])))
      next(vectors)
      w.emit(get(count), int(4 * vectors), [0x6b, 0x22, ...leb(count)], int(4 * vectors - 1), [0x4a, 0x0d, 0, 0x0b, 0x0b], get(count), [0x45, 0x0d, 0])
    }
    let made: number[] = []
    w.emit([0x02, 0x40])
    w.repeat(count, 4, () => {
      made = body(0)[0]
      store(made, true)
      if (!outputs.every(o => o.padded)) {
        w.emit(get(count), int(4), [0x48, 0x0d, 1])
        store(made, false)
      }
      next(1)
    })
    w.emit([0x0c, 1, 0x0b])
    // The last one to three elements.
    for (const lanes of [1, 2]) {
      w.emit([0x02, 0x40], get(count), int(lanes), [0x4a, 0x0d, 0])
      store(made, false, lanes)
      w.emit([0x0c, 1, 0x0b])
    }
    store(made, false, 3)
    w.emit([0x0b])
  }

  /** Instructions for a vector; infinite where a step is more than instructions of vectors, and one vector follows the other. */
  private bodyLength(): number {
    const { library } = this.w
    return this.p.steps.reduce((sum, s, i) => {
      const op = this.ops[i]
      return sum + (this.same[i] || op === undefined ? 0 : library.lengthOf(library.named(callOf(this.p.steps, s, op, this.same)[0])))
    }, 0)
  }

  private loadInput(o: Operand, count: number, offset: number): number[] {
    if (o.form === 'run') return [...get(o.address), ...loadVector(offset)]
    if (o.form === 'twice') {
      const half = this.w.host.local(V128)
      return [...get(o.address), ...loadHalf(offset / 2), 0x22, ...leb(half), ...get(half), ...doubled]
    }
    // A lane is loaded into the vector of those before it; lanes behind the end read the first element again.
    const lanes = this.w.host.local(V128)
    const rest = [1, 2, 3].flatMap(lane => {
      const distance = [...get(o.stride), ...int(lane), 0x6c, ...int(0), ...get(count), ...int(lane), 0x4a, 0x1b]
      return [...set(lanes), ...get(o.address), ...distance, ...add, ...get(lanes), ...loadLane(lane)]
    })
    return [...get(o.address), ...loadZero, ...rest]
  }
}

function storeOutput(o: Operand, value: number, lanes: number, offset: number): number[] {
  if (o.form === 'run' && lanes === 4) return [...get(o.address), ...get(value), ...storeVector(offset)]
  if (o.form === 'run') return [0, 1, 2].slice(0, lanes).flatMap(i => [...get(o.address), ...get(value), ...storeLane(i, 4 * i)])
  return [0, 1, 2, 3].slice(0, lanes).flatMap(i => [...get(o.address), ...get(o.stride), ...int(i), 0x6c, ...add, ...get(value), ...storeLane(i, 0)])
}

/** A function of (frame, elements of a line, position of the first): lines of one program, as assembly/map-run.ts calls it. */
export function makeLines(program: Program, forms: readonly Form[]): Make {
  return (library, host) => {
    const w = new LoopWriter(library, host)
    const [frame, length, first] = [0, 1, 2]
    const inputs = program.inputs.length
    const isSame = forms.slice(0, inputs).map(isConstant)
    const views = forms.map((form, i) => ({ form, start: w.word(frame, 8 + 12 * i), stride: form === 'strided' ? w.word(frame, 12 + 12 * i) : 0, line: w.word(frame, 16 + 12 * i) }))
    const loop = new ProgramLoop(w, program, isSame, w.word(frame, 0))
    const lines = w.word(frame, 4)
    w.repeat(lines, 1, () => {
      const operands = views.map((v): Operand => ({ ...v, address: isConstant(v.form) ? v.start : w.local(I32, get(v.start)) }))
      const values = operands.map((o, i) => (!isSame[i] ? null : o.form === 'same' ? w.splatAt(o.address) : w.local(V128, get(o.address), loadPair)))
      loop.line(values, operands.slice(0, inputs), operands.slice(inputs), w.local(I32, get(length)), first)
      for (const v of views) w.move(v.start, v.line)
      w.move(first, length)
    })
    return w.code
  }
}
