// Lowers a scalar program to the block interpreter of assembly/map.ts: which operands are used in place, which need a slot, and in
// what order instructions run so that outputs may overwrite inputs. The payload is described there.
import { Access, Op, Way } from '../../../assembly/map-ops.ts'
import { dtypes, WORD, type DType } from '../../core/dtype.ts'
import { contiguousStrides, numel } from '../../core/shape.ts'
import { collapse, type View } from '../../core/view.ts'
import type { Kernel, MapKernel } from '../../ir/kernel.ts'
import type { Intrinsic, Program, Step } from '../../ir/scalar.ts'
import { hasLoop, loopCost, placeLoop, writeCommon, writeCommonStep } from './emit/program.ts'
import type { Form } from './emit/loop.ts'
import { align, type Writer } from './encode.ts'
import { costs, opcode, type Coded } from './opcodes.ts'
import { tasksFor } from './work.ts'

const GATHER_COST = 8
/** In tenths of a nanosecond. */
const LONG_WORK = 1e7
const SOME_WORK = 2e4

/** Places are counted on their own in each of the four groups until all are known. */
type Place = { readonly in: 'view' | 'splat' | 'uniform' | 'slot'; readonly at: number }

/** Opcode, destination, three operands. */
type Instruction = readonly [Op, Place, Place, Place, Place]

interface Lowered {
  /** Those whose operands are the same for all elements run once. */
  readonly uniform: readonly Instruction[]
  readonly instructions: readonly Instruction[]
  /** Steps that are consts or params. */
  readonly splats: readonly Step[]
  readonly slots: number
  /** Of views that live in slots. */
  readonly slotOf: readonly number[]
  readonly cost: number
}

/** By dtype: to float32 and from it. */
const halves: { readonly [T in DType]?: readonly [from: Op, to: Op] } = {
  float16: [Op.halfToFloat, Op.floatToHalf],
  bfloat16: [Op.bfloatToFloat, Op.floatToBfloat],
}

/** The program with its conversions of 16-bit floats, but for those that are moved as they are. */
function withHalves(program: Program, views: readonly DType[]): { steps: readonly Coded[]; outputs: readonly number[]; inputs: Program['inputs'] } {
  if (!views.some(t => halves[t])) return program
  const steps: Coded[] = []
  const at: number[] = []
  const typeAt = (i: number): DType | null => (program.steps[i].op === 'input' ? views[program.steps[i].index!] : null)
  for (const s of program.steps) {
    const code = s.op === 'input' ? halves[views[s.index!]]?.[0] : undefined
    if (code === undefined) at.push(steps.push({ ...s, args: s.args.map(a => at[a]) }) - 1)
    else at.push(steps.push({ ...s, dtype: 'int32' }, { op: 'cast', dtype: 'float32', args: [steps.length], code }) - 1)
  }
  const outputs = program.outputs.map((o, k) => {
    const type = views[program.inputs.length + k]
    const code = halves[type]?.[1]
    if (code === undefined) return at[o]
    return typeAt(o) === type ? at[o] - 1 : steps.push({ op: 'cast', dtype: 'int32', args: [at[o]], code }) - 1
  })
  return { steps, outputs, inputs: program.inputs }
}

/** Pairs of steps that one pass computes: the opcode by outer step and place of the inner one among its operands. */
const pairs: { readonly [inner in Intrinsic]?: { readonly [outer in Intrinsic]?: readonly [left: Op, right: Op] } } = {
  mul: { add: [Op.mulAdd, Op.mulAdd], sub: [Op.mulSub, Op.subMul], mul: [Op.mulMul, Op.mulMul] },
  add: { mul: [Op.addMul, Op.addMul], add: [Op.addAdd, Op.addAdd] },
  sub: { mul: [Op.diffMul, Op.diffMul] },
}

/** A step with arguments; a step has none when it is part of another one, stands for its operand, or computes nothing. */
interface Operation {
  readonly op: Op
  readonly args: readonly number[]
}

/** What to do at each step, and for each step the one whose value it has. Pairs are joined where the inner step has no other use. */
function operations({ steps, outputs }: Pick<Program, 'steps' | 'outputs'>, ops: readonly (Op | undefined)[], isUniform: readonly boolean[]) {
  // A conversion that changes nothing stands for its operand.
  const root: number[] = []
  steps.forEach((s, i) => root.push(s.op === 'cast' && ops[i] === undefined ? root[s.args[0]] : i))
  const uses = new Array<number>(steps.length).fill(0)
  steps.forEach((s, i) => root[i] === i && s.args.forEach(a => uses[root[a]]++))
  for (const o of outputs) uses[root[o]] += 2
  const list = steps.map((s, i): Operation | null => {
    const op = ops[i]
    return op === undefined ? null : { op, args: s.args.map(a => root[a]) }
  })
  steps.forEach((outer, i) => {
    if (outer.dtype !== 'float32' || isUniform[i]) return
    for (const side of [1, 0]) {
      const j = root[outer.args[side]]
      if (list[j] === null || uses[j] !== 1 || isUniform[j] || list[j].args.length !== 2) continue
      const op = pairs[steps[j].op as Intrinsic]?.[outer.op as Intrinsic]?.[side]
      if (op === undefined) continue
      list[i] = { op, args: [...list[j].args, root[outer.args[1 - side]]] }
      list[j] = null
      return
    }
  })
  return { root, list }
}

/** Instructions and slots of a program, given how its views are reached. */
function lower(program: Program, access: readonly Access[], types: readonly DType[]): Lowered {
  const { steps, outputs, inputs } = withHalves(program, types)
  const inSlot = (view: number) => access[view] >= Access.slot
  const isUniform: boolean[] = []
  for (const s of steps)
    isUniform.push(s.op === 'input' ? access[s.index!] === Access.scalar : s.op !== 'index' && s.args.every(a => isUniform[a]))
  const { root, list } = operations({ steps, outputs }, steps.map(s => opcode(steps, s)), isUniform)
  const end = steps.length
  const lastUse = new Array<number>(end).fill(-1)
  list.forEach((o, i) => o?.args.forEach(a => (lastUse[a] = i)))
  for (const o of outputs) lastUse[root[o]] = end
  const isDirectInput = (i: number) => steps[i].op === 'input' && access[steps[i].index!] === Access.direct
  /** The last moment at which memory of an input is read that an output may lie on. */
  const lastRead = steps.reduce((last, _, i) => (isDirectInput(i) ? Math.max(last, lastUse[i] === end ? i : lastUse[i]) : last), -1)

  const uniform: Instruction[] = []
  const instructions: Instruction[] = []
  const splats: Step[] = []
  const free: number[] = []
  let slots = 0
  const newSlot = () => free.pop() ?? slots++
  const slotOf = access.map((_, view) => (inSlot(view) ? newSlot() : 0))
  const placeOf: Place[] = []
  const none: Place = { in: 'view', at: 0 }
  const instruction = (op: Op, to: Place, args: readonly Place[]): Instruction => [op, to, args[0] ?? none, args[1] ?? none, args[2] ?? none]
  const release = (value: number, at: number) => {
    const place = placeOf[value]
    if (lastUse[value] !== at) return
    if (place.in === 'slot') free.push(place.at)
    else if (place.in === 'view' && place.at < inputs.length && isMoved(access[place.at])) free.push(slotOf[place.at])
  }

  /** Outputs whose value was computed where it belongs. */
  const done = new Set<number>()
  const homeOf = (value: number): Place | undefined => {
    const k = outputs.findIndex(o => root[o] === value)
    if (k < 0) return undefined
    const view = inputs.length + k
    if (!inSlot(view) && value < lastRead) return undefined
    done.add(k)
    return { in: 'view', at: view }
  }

  const placeOfStep = (s: Step, i: number): Place => {
    const o = list[i]
    if (o) {
      const args = o.args.map(a => placeOf[a])
      if (isUniform[i]) {
        const to: Place = { in: 'uniform', at: uniform.length }
        uniform.push(instruction(o.op, to, args))
        return to
      }
      for (const a of new Set(o.args)) release(a, i)
      const to = homeOf(i) ?? { in: 'slot', at: newSlot() }
      instructions.push(instruction(o.op, to, args))
      return to
    }
    if (s.op === 'input') {
      const view: Place = { in: 'view', at: s.index! }
      // Outputs that exchange inputs must not overwrite what the other still wants.
      if (lastUse[i] !== end || outputs.length === 1 || !isDirectInput(i)) return view
      const to: Place = { in: 'slot', at: newSlot() }
      instructions.push(instruction(Op.copy, to, [view]))
      return to
    }
    if (s.op !== 'param' && s.op !== 'const') return placeOf[root[i]] ?? none
    splats.push(s)
    return { in: 'splat', at: splats.length - 1 }
  }
  steps.forEach((s, i) => placeOf.push(placeOfStep(s, i)))
  outputs.forEach((o, k) => {
    if (!done.has(k)) instructions.push(instruction(Op.copy, { in: 'view', at: inputs.length + k }, [placeOf[root[o]]]))
  })
  const gathers = access.filter(isMoved).length
  const cost = instructions.reduce((sum, [op]) => sum + (costs[op] ?? 1), gathers * GATHER_COST)
  return { uniform, instructions, splats, slots, slotOf, cost }
}

/** Whether each block goes through a slot. */
const isMoved = (a: Access): boolean => a === Access.slot || a === Access.packed

const lowered = new WeakMap<Program, Map<string, Lowered>>()

function lowerOnce(program: Program, access: readonly Access[], types: readonly DType[]): Lowered {
  let known = lowered.get(program)
  if (!known) lowered.set(program, (known = new Map()))
  const key = access.join('') + types.map(t => (halves[t] ? t : '')).join()
  let result = known.get(key)
  if (!result) known.set(key, (result = lower(program, access, types)))
  return result
}

/**
 * Rows are worked on several at a time when they are short, or so short that the loose end of each, which costs as much as some
 * hundred elements, would show.
 */
const isShortRow = (length: number): boolean => length < 128 || (length < 512 && length % 8 !== 0)

/** Axes in the order in which the first output walks through memory, where the program does not ask for positions. */
function axisOrder(kernel: MapKernel): number[] | null {
  const { shape, strides } = kernel.outputs[0]
  const sorted = strides.every((s, i) => i === 0 || shape[i] === 1 || Math.abs(s) <= Math.abs(strides[i - 1]))
  if (sorted || kernel.program.steps.some(s => s.op === 'index')) return null
  return shape.map((_, i) => i).sort((i, j) => Math.abs(strides[j]) - Math.abs(strides[i]))
}

/** A copy that runs along one axis in the source and along another in the destination; both are collapsed. */
const isTranspose = ({ program, inputs, outputs }: MapKernel, [from, to]: Arranged['strides']): boolean =>
  [...inputs, ...outputs].every(v => dtypes[v.dtype].bytes === WORD) &&
  inputs.length === 1 && outputs.length === 1 && program.steps.length === 1 && program.steps[0].op === 'input' &&
  to[to.length - 1] === 1 && ![0, 1].includes(from[from.length - 1]) && from.includes(1)

/** The payload of assembly/transpose.ts. */
function encodeTranspose({ shape, strides: [from, to] }: Arranged, w: Writer): void {
  const alongOut = shape.length - 1
  const alongIn = from.lastIndexOf(1)
  const others = shape.map((_, i) => i).filter(i => i !== alongIn && i !== alongOut)
  const units = others.reduce((n, i) => n * shape[i], Math.ceil(shape[alongIn] / 16))
  w.i32(tasksFor(numel(shape) * 4, units))
  w.i32(Way.transpose)
  w.i32(units)
  w.i32(shape[alongIn])
  w.i32(shape[alongOut])
  w.i32(from[alongOut] * WORD)
  w.i32(to[alongIn] * WORD)
  w.i32(others.length)
  w.list(others.map(i => shape[i]))
  w.list(others.map(i => from[i] * WORD))
  w.list(others.map(i => to[i] * WORD))
  w.scratch(1024)
}

/** A map's axes and each view's strides over them, as few as there can be, and how each view lies along the last axis. */
export interface Arranged {
  readonly shape: readonly number[]
  readonly strides: readonly (readonly number[])[]
  readonly forms: readonly Form[]
}

export function arrange(kernel: MapKernel): Arranged {
  const order = axisOrder(kernel)
  const ordered = (list: readonly number[]) => (order ? order.map(i => list[i]) : list)
  const views = [...kernel.inputs, ...kernel.outputs]
  const { shape, strides } = collapse(ordered(kernel.outputs[0].shape), views.map(v => ordered(v.strides)))
  return { shape, strides, forms: strides.map((s, k) => (s.at(-1) === 1 ? 'run' : k < kernel.inputs.length && s.at(-1) === 0 ? 'same' : 'strided')) }
}

/** Lines along one axis are run together: the longest of the outer axes comes next. */
function longestNext({ shape, strides, forms }: Arranged): Arranged {
  const order = shape.slice(0, -1).map((_, i) => i).sort((i, j) => shape[i] - shape[j])
  const ordered = (list: readonly number[]): number[] => [...order, shape.length - 1].map(i => list[i])
  return { shape: ordered(shape), strides: strides.map(ordered), forms }
}

/** An axis of two and the one before it as one, where each view walks along both, or an input along one of them or none. */
function inPairs({ program, inputs }: MapKernel, arranged: Arranged): Arranged {
  const { shape, strides } = arranged
  const n = shape.length - 2
  if (n < 0 || shape[n + 1] !== 2 || program.steps.some(s => s.op === 'pow' || s.op === 'index')) return arranged
  const forms = strides.map((s, k): Form => {
    const [outer, inner] = s.slice(n)
    if (outer === 2 && inner === 1) return 'run'
    if (k >= inputs.length) return 'strided'
    if (outer === 0) return inner === 0 ? 'same' : inner === 1 ? 'alternate' : 'strided'
    return outer === 1 && inner === 0 ? 'twice' : 'strided'
  })
  if (forms.includes('strided')) return arranged
  const along = { run: 1, twice: 0.5, same: 0, alternate: 0, strided: NaN }
  return longestNext({ shape: [...shape.slice(0, n), 2 * shape[n]], strides: strides.map((s, k) => [...s.slice(0, n), along[forms[k]]]), forms })
}

/** A way for programs of several steps over words. The payload of assembly/map-run.ts. */
export function writeEmitted(kernel: MapKernel, arranged: Arranged, w: Writer): void {
  const { program, params } = kernel
  const { shape, strides, forms } = arranged
  const size = numel(shape)
  w.i32(tasksFor(size * loopCost(program, forms), Math.ceil(size / 16)))
  w.i32(Way.emitted)
  w.i32(size)
  w.i32(shape[shape.length - 1])
  w.i32(placeLoop(program, forms, w.functions))
  w.i32(shape.length)
  w.i32(strides.length)
  w.list(shape)
  for (const s of strides) w.list(s.map(x => x * WORD))
  writeCommon({ program, params }, w)
  w.scratch(128 + strides.length * 12)
}

const workOf = ({ program, outputs }: MapKernel): number => numel(outputs[0].shape) * loopCost(program, [])

const mayLoop = ({ program, inputs, outputs }: MapKernel): boolean =>
  [...inputs, ...outputs].every(v => dtypes[v.dtype].bytes === WORD) && program.steps.filter(s => s.args.length > 0).length > 1

/** Whether a kernel that comes back often, such as an optimizer's, will have made up for its loop soon. */
export const gainsByLoop = (kernel: Kernel): boolean => kernel.kind === 'map' && mayLoop(kernel) && workOf(kernel) > SOME_WORK

/** Eager work runs a program a few times: a loop that is not there yet is made at once only for what takes about a millisecond each time. */
const deservesLoop = (kernel: MapKernel, { forms }: Arranged, w: Writer): boolean =>
  mayLoop(kernel) && (w.inPlan || workOf(kernel) > LONG_WORK || hasLoop(kernel.program, forms, w.functions))

/** A copy of lines that lie otherwise: a loop needs no buffer between reading and writing. */
const isCopyOfLines = ({ program, inputs, outputs }: MapKernel, { shape, forms }: Arranged): boolean =>
  shape.length > 1 && program.steps.length === 1 && inputs.length === 1 && forms.every(f => f === 'run') && [...inputs, ...outputs].every(v => dtypes[v.dtype].bytes === WORD)

export function encodeMap(kernel: MapKernel, w: Writer): void {
  const { program, params } = kernel
  const views: readonly View[] = [...kernel.inputs, ...kernel.outputs]
  const arranged = arrange(kernel)
  const { shape, strides } = arranged
  const rank = shape.length
  const inner = rank - 1
  if (isTranspose(kernel, strides)) return encodeTranspose(arranged, w)
  if (deservesLoop(kernel, arranged, w)) return writeEmitted(kernel, inPairs(kernel, arranged), w)
  if (w.inPlan && isCopyOfLines(kernel, arranged)) return writeEmitted(kernel, longestNext(arranged), w)
  const length = shape[inner]
  const size = numel(shape)
  const byRows = rank > 1 && isShortRow(length)
  const flat = contiguousStrides(shape)

  const access = views.map((_, k): Access => {
    const s = strides[k]
    const input = k < kernel.inputs.length
    const direct = byRows ? s.every((x, i) => x === flat[i]) : s[inner] === 1 || size === 1
    if (input && s.every(x => x === 0)) return Access.scalar
    if (direct) return dtypes[views[k].dtype].bytes === WORD ? Access.direct : Access.packed
    if (!input) return Access.slot
    if (byRows) return s.every((x, i) => i === inner || x === 0) ? Access.fixedSlot : Access.slot
    return s[inner] === 0 ? Access.rowScalar : Access.slot
  })
  const { uniform, instructions, splats, slots, slotOf, cost } = lowerOnce(program, access, views.map(v => v.dtype))

  // A block of all slots and direct views should stay in the first-level cache; without slots there is nothing to keep.
  const arrays = slots + access.filter(a => a === Access.direct).length
  const budget = slots === 0 ? 4096 : arrays <= 8 ? 1024 : arrays <= 16 ? 512 : 256
  const rows = size === 0 ? 0 : size / length
  const rowsPerBlock = byRows ? Math.max(8, Math.min(Math.floor(budget / length) & ~7, align(rows, 8))) : 0
  const block = byRows ? rowsPerBlock * length : Math.min(length, budget)
  const pieces = byRows ? 1 : Math.ceil(length / block)
  const blocks = size === 0 ? 0 : byRows ? Math.ceil(rows / rowsPerBlock) : rows * pieces
  const slotBytes = (Math.ceil(block / 16) + 1) * 64

  w.i32(tasksFor(size * cost, blocks))
  w.i32(Way.interpret)
  w.i32(blocks)
  w.i32(length)
  w.i32(block)
  w.i32(rowsPerBlock)
  w.i32(pieces)
  w.i32(rows)
  w.i32(rank)
  w.i32(kernel.inputs.length)
  w.i32(kernel.outputs.length)
  w.i32(splats.length)
  w.i32(uniform.length)
  w.i32(slots)
  w.i32(slotBytes)
  w.i32(instructions.length)
  w.list(shape)
  views.forEach((view, k) => {
    const { bytes } = dtypes[view.dtype]
    w.i32(access[k])
    w.i32(slotOf[k])
    w.i32(bytes)
    w.list(strides[k].map(s => s * bytes))
  })
  for (const s of splats) writeCommonStep(s, params, w)
  const fixed = views.length + splats.length + uniform.length
  const base = { view: 0, splat: views.length, uniform: fixed - uniform.length, slot: fixed }
  for (const [op, ...places] of [...uniform, ...instructions]) {
    w.i32(op)
    for (const p of places) w.i32(base[p.in] + p.at)
  }
  w.scratch((fixed + slots) * 8 + fixed * 32 + 128 + slots * slotBytes)
}
