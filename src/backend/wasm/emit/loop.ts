// One loop for a scalar program: every vector is loaded, taken through all steps in registers, and stored. The frame that it is given
// (assembly/map-run.ts) says where its views lie; how each is walked is part of the loop.
import { Op } from '../../../../assembly/map-ops.ts'
import type { Program, Step } from '../../../ir/scalar.ts'
import { opcode } from '../opcodes.ts'
import { I32, leb, V128 } from './bytes.ts'
import type { Make } from './functions.ts'

/** How a view lies along the loop: one element behind the other, one for all (inputs only), or a stride apart. */
export type Form = 'run' | 'same' | 'strided'

const FRAME = 0
const COUNT = 1
const FIRST = 2

const get = (i: number): number[] => [0x20, ...leb(i)]
const set = (i: number): number[] => [0x21, ...leb(i)]
const int = (n: number): number[] => [0x41, ...(n < 64 ? [n] : [(n & 127) | 128, n >> 7])]
const add = [0x6a]
const load = (offset: number): number[] => [0x28, 2, ...leb(offset)]
const vector = (op: number, ...rest: number[]): number[] => [0xfd, ...leb(op), ...rest]
const loadVector = vector(0x00, 2, 0)
const loadSplat = (offset: number): number[] => vector(0x09, 2, ...leb(offset))
const loadZero = vector(0x5c, 2, 0)
const loadLane = (lane: number): number[] => vector(0x56, 2, 0, lane)
const storeVector = vector(0x0b, 2, 0)
const storeLane = (lane: number, offset: number): number[] => vector(0x5a, 2, ...leb(offset), lane)
const splat = vector(0x11)
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

/** Loads nothing behind the last element but within the vector that it lies in; the memory must reach as far. */
export function makeLoop(program: Program, forms: readonly Form[]): Make {
  return (library, host) => {
    const { steps, outputs } = program
    const inputs = program.inputs.length
    const common = commonSteps(program)
    const ops = opcodesOf(program)
    const code: number[] = []
    const emit = (...parts: readonly (readonly number[])[]): void => parts.forEach(p => p.forEach(b => code.push(b)))

    // The frame.
    const fromFrame = (offset: number): number => {
      const at = host.local(I32)
      emit(get(FRAME), load(offset), set(at))
      return at
    }
    const words = common.length > 0 ? fromFrame(0) : 0
    const address = forms.map((_, i) => fromFrame(4 + 8 * i))
    const stride = forms.map((f, i) => (f === 'strided' ? fromFrame(8 + 8 * i) : 0))

    // What is the same for all elements.
    const same: boolean[] = []
    for (const s of steps) same.push(s.op === 'input' ? forms[s.index!] === 'same' : s.op !== 'index' && s.args.every(a => same[a]))
    const value: number[] = []
    const position = steps.some(s => s.op === 'index') ? host.local(V128) : 0
    if (position) emit(get(FIRST), splat, iota, addInts, set(position))
    const compute = (i: number): void => {
      const s = steps[i]
      const op = ops[i]
      if (s.op === 'index') value[i] = position
      else if (op === undefined && s.args.length > 0) value[i] = value[s.args[0]]
      else {
        value[i] = host.local(V128)
        if (op !== undefined) {
          const [name, args] = callOf(steps, s, op, same)
          emit(library.apply(library.named(name), args.map(a => value[a]), host))
        } else if (s.op === 'input') emit(loadInput(s.index!))
        else emit(get(words), loadSplat(4 * common.indexOf(s)))
        emit(set(value[i]))
      }
    }
    /** Distances of lanes 1 to 3 of a strided view; lanes behind the end read the first element again. */
    const distances = (view: number): number[][] =>
      [1, 2, 3].map(lane => [...get(stride[view]), ...int(lane), 0x6c, ...int(0), ...get(COUNT), ...int(lane), 0x4a, 0x1b])
    const loadInput = (view: number): number[] => {
      if (forms[view] === 'run') return [...get(address[view]), ...loadVector]
      if (forms[view] === 'same') return [...get(address[view]), ...loadSplat(0)]
      // A lane is loaded into the vector of those before it.
      const lanes = host.local(V128)
      const next = distances(view).flatMap((d, k) => [...set(lanes), ...get(address[view]), ...d, ...add, ...get(lanes), ...loadLane(k + 1)])
      return [...get(address[view]), ...loadZero, ...next]
    }
    const storeOutput = (k: number, lanes: number): number[] => {
      const view = inputs + k
      const result = get(value[outputs[k]])
      if (forms[view] === 'run' && lanes === 4) return [...get(address[view]), ...result, ...storeVector]
      if (forms[view] === 'run') return [0, 1, 2].slice(0, lanes).flatMap(i => [...get(address[view]), ...result, ...storeLane(i, 4 * i)])
      return [0, 1, 2, 3].slice(0, lanes).flatMap(i => [...get(address[view]), ...get(stride[view]), ...int(i), 0x6c, ...add, ...result, ...storeLane(i, 0)])
    }
    const store = (lanes: number): void => outputs.forEach((_, k) => emit(storeOutput(k, lanes)))
    steps.forEach((_, i) => same[i] && compute(i))

    emit([0x02, 0x40, 0x03, 0x40])
    steps.forEach((_, i) => same[i] || compute(i))
    emit(get(COUNT), int(4), [0x48, 0x0d, 1])
    store(4)
    forms.forEach((f, i) => {
      if (f === 'run') emit(get(address[i]), int(16), add, set(address[i]))
      else if (f === 'strided') emit(get(address[i]), get(stride[i]), int(2), [0x74], add, set(address[i]))
    })
    if (position) emit(get(position), int(4), splat, addInts, set(position))
    emit(get(COUNT), int(4), [0x6b, 0x22, COUNT, 0x0d, 0, 0x0f, 0x0b, 0x0b])
    // The last one to three elements.
    for (const lanes of [1, 2]) {
      emit([0x02, 0x40], get(COUNT), int(lanes), [0x4a, 0x0d, 0])
      store(lanes)
      emit([0x0f, 0x0b])
    }
    store(3)
    return code
  }
}
