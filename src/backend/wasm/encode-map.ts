// Lowers a scalar program to the block interpreter of assembly/map.ts: which operands are used in place, which need a slot, and in
// what order instructions run so that outputs may overwrite inputs. The payload is described there.
import { Access, Op } from '../../../assembly/map-ops.ts'
import { WORD, type DType } from '../../core/dtype.ts'
import { internal } from '../../core/errors.ts'
import { contiguousStrides, numel } from '../../core/shape.ts'
import { collapse, type View } from '../../core/view.ts'
import type { MapKernel } from '../../ir/kernel.ts'
import type { Intrinsic, Program, Step } from '../../ir/scalar.ts'
import type { Writer } from './encode.ts'
import { tasksFor } from './work.ts'

/** Opcode by the dtype of the operands. */
type Opcodes = { readonly [T in DType]?: Op }

const same = (op: Op): Opcodes => ({ float32: op, int32: op, bool: op })
const float = (float32: Op): Opcodes => ({ float32 })
const int = (int32: Op): Opcodes => ({ int32 })
const number = (float32: Op, int32: Op): Opcodes => ({ float32, int32 })
const bits = (int32: Op, bool = int32): Opcodes => ({ int32, bool })
const any = (float32: Op, int32: Op): Opcodes => ({ float32, int32, bool: int32 })

const opcodes: Record<Intrinsic, Opcodes> = {
  neg: number(Op.negF, Op.negI), abs: number(Op.absF, Op.absI), sign: number(Op.signF, Op.signI),
  floor: float(Op.floor), ceil: float(Op.ceil), trunc: float(Op.trunc), round: float(Op.round),
  sqrt: float(Op.sqrt), exp: float(Op.exp), expm1: float(Op.expm1),
  log: float(Op.log), log1p: float(Op.log1p), log2: float(Op.log2),
  sin: float(Op.sin), cos: float(Op.cos), tan: float(Op.tan),
  asin: float(Op.asin), acos: float(Op.acos), atan: float(Op.atan),
  sinh: float(Op.sinh), cosh: float(Op.cosh), tanh: float(Op.tanh),
  asinh: float(Op.asinh), acosh: float(Op.acosh), atanh: float(Op.atanh),
  sigmoid: float(Op.sigmoid), erf: float(Op.erf),
  not: bits(Op.notI, Op.notB),
  add: number(Op.addF, Op.addI), sub: number(Op.subF, Op.subI), mul: number(Op.mulF, Op.mulI), div: float(Op.div),
  floorDiv: number(Op.floorDivF, Op.floorDivI), mod: number(Op.modF, Op.modI), rem: number(Op.remF, Op.remI),
  pow: float(Op.pow), atan2: float(Op.atan2),
  min: number(Op.minF, Op.minI), max: number(Op.maxF, Op.maxI),
  and: bits(Op.and), or: bits(Op.or), xor: bits(Op.xor),
  shl: int(Op.shl), shr: int(Op.shr), shru: int(Op.shru),
  eq: any(Op.eqF, Op.eqI), ne: any(Op.neF, Op.neI), lt: any(Op.ltF, Op.ltI),
  le: any(Op.leF, Op.leI), gt: any(Op.gtF, Op.gtI), ge: any(Op.geF, Op.geI),
  select: same(Op.select), randomBits: int(Op.randomBits),
}

/** From, to. A bool is already 0 or 1, so it needs no conversion to int32. */
const casts: Record<DType, Opcodes> = {
  float32: { int32: Op.floatToInt, bool: Op.floatToBool },
  int32: { float32: Op.intToFloat, bool: Op.intToBool },
  bool: { float32: Op.intToFloat },
}

/** Time per element in tenths of a nanosecond, of opcodes that take more than one. */
const costs: { readonly [op: number]: number } = Object.fromEntries(
  ([
    [3, [Op.sqrt, Op.div, Op.minF, Op.maxF]],
    [15, [Op.exp, Op.expm1, Op.log, Op.log1p, Op.log2, Op.tanh, Op.sigmoid]],
    [25, [Op.erf, Op.sin, Op.cos, Op.tan, Op.asin, Op.acos, Op.atan, Op.atan2, Op.sinh, Op.cosh, Op.asinh, Op.acosh, Op.atanh,
      Op.randomBits, Op.floorDivI, Op.modI, Op.remI, Op.shl, Op.shr, Op.shru]],
    [80, [Op.pow, Op.floorDivF, Op.modF, Op.remF]],
  ] as const).flatMap(([cost, ops]) => ops.map(op => [op, cost])),
)
const GATHER_COST = 8

/** A place is a view, a splat or a slot, each counted on its own until all are known. */
type Place = { readonly in: 'view' | 'splat' | 'slot'; readonly at: number }

interface Lowered {
  /** Opcode, destination, three operands. */
  readonly instructions: readonly (readonly [Op, Place, Place, Place, Place])[]
  /** Steps that are consts or params. */
  readonly splats: readonly Step[]
  readonly slots: number
  /** Of views that live in slots. */
  readonly slotOf: readonly number[]
  readonly cost: number
}

function opcode(program: Program, step: Step): Op | undefined {
  if (step.op === 'input' || step.op === 'param' || step.op === 'const') return undefined
  if (step.op === 'index') return Op.index
  const operand = program.steps[step.args[step.args.length - 1]].dtype
  if (step.op === 'cast') return casts[operand][step.dtype]
  return opcodes[step.op][operand] ?? internal(`the wasm backend has no ${step.op} for ${operand}`)
}

/** Instructions and slots of a program, given how its views are reached. */
function lower(program: Program, access: readonly Access[]): Lowered {
  const { steps, outputs, inputs } = program
  const inSlot = (view: number) => access[view] === Access.slot || access[view] === Access.fixedSlot
  const ops = steps.map(s => opcode(program, s))
  // A conversion that changes nothing stands for its operand.
  const root: number[] = []
  steps.forEach((s, i) => root.push(s.op === 'cast' && ops[i] === undefined ? root[s.args[0]] : i))
  const end = steps.length
  const lastUse = new Array<number>(end).fill(-1)
  steps.forEach((s, i) => {
    if (ops[i] !== undefined) for (const a of s.args) lastUse[root[a]] = i
  })
  for (const o of outputs) lastUse[root[o]] = end
  const isDirectInput = (i: number) => steps[i].op === 'input' && access[steps[i].index!] === Access.direct
  /** The last moment at which memory of an input is read that an output may lie on. */
  const lastRead = steps.reduce((last, _, i) => (isDirectInput(i) ? Math.max(last, lastUse[i] === end ? i : lastUse[i]) : last), -1)

  const instructions: (readonly [Op, Place, Place, Place, Place])[] = []
  const splats: Step[] = []
  const free: number[] = []
  let slots = 0
  const newSlot = () => free.pop() ?? slots++
  const slotOf = access.map((_, view) => (inSlot(view) ? newSlot() : 0))
  const placeOf: Place[] = []
  const none: Place = { in: 'view', at: 0 }
  const release = (value: number, at: number) => {
    const place = placeOf[value]
    if (lastUse[value] !== at) return
    if (place.in === 'slot') free.push(place.at)
    else if (place.in === 'view' && place.at < inputs.length && access[place.at] === Access.slot) free.push(slotOf[place.at])
  }
  const emit = (op: Op, to: Place, args: readonly Place[]) => instructions.push([op, to, args[0] ?? none, args[1] ?? none, args[2] ?? none])

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

  steps.forEach((s, i) => {
    const op = ops[i]
    if (root[i] !== i) placeOf.push(placeOf[root[i]])
    else if (op !== undefined) {
      const args = s.args.map(a => placeOf[root[a]])
      for (const a of new Set(s.args.map(x => root[x]))) release(a, i)
      const to = homeOf(i) ?? { in: 'slot', at: newSlot() }
      emit(op, to, args)
      placeOf.push(to)
    } else if (s.op === 'input') {
      // Outputs that exchange inputs must not overwrite what the other still wants.
      if (lastUse[i] === end && outputs.length > 1 && isDirectInput(i)) {
        const to: Place = { in: 'slot', at: newSlot() }
        emit(Op.copy, to, [{ in: 'view', at: s.index! }])
        placeOf.push(to)
      } else placeOf.push({ in: 'view', at: s.index! })
    } else {
      placeOf.push({ in: 'splat', at: splats.length })
      splats.push(s)
    }
  })
  outputs.forEach((o, k) => {
    if (!done.has(k)) emit(Op.copy, { in: 'view', at: inputs.length + k }, [placeOf[root[o]]])
  })
  const gathers = access.filter(a => a === Access.slot).length
  const cost = instructions.reduce((sum, [op]) => sum + (costs[op] ?? 1), gathers * GATHER_COST)
  return { instructions, splats, slots, slotOf, cost }
}

const lowered = new WeakMap<Program, Map<string, Lowered>>()

function lowerOnce(program: Program, access: readonly Access[]): Lowered {
  let known = lowered.get(program)
  if (!known) lowered.set(program, (known = new Map()))
  const key = access.join('')
  let result = known.get(key)
  if (!result) known.set(key, (result = lower(program, access)))
  return result
}

/** Rows shorter than this are worked on several at a time. */
const SHORT_ROW = 128

/** Axes in the order in which the first output walks through memory, where the program does not ask for positions. */
function axisOrder(kernel: MapKernel): number[] | null {
  const { shape, strides } = kernel.outputs[0]
  const sorted = strides.every((s, i) => i === 0 || shape[i] === 1 || Math.abs(s) <= Math.abs(strides[i - 1]))
  if (sorted || kernel.program.steps.some(s => s.op === 'index')) return null
  return shape.map((_, i) => i).sort((i, j) => Math.abs(strides[j]) - Math.abs(strides[i]))
}

export function encodeMap(kernel: MapKernel, w: Writer): void {
  const { program, params } = kernel
  const views: readonly View[] = [...kernel.inputs, ...kernel.outputs]
  const order = axisOrder(kernel)
  const ordered = (list: readonly number[]) => (order ? order.map(i => list[i]) : list)
  const { shape, strides } = collapse(ordered(views[0].shape), views.map(v => ordered(v.strides)))
  const rank = shape.length
  const inner = rank - 1
  const length = shape[inner]
  const size = numel(shape)
  const byRows = rank > 1 && length < SHORT_ROW
  const flat = contiguousStrides(shape)

  const access = views.map((_, k): Access => {
    const s = strides[k]
    const input = k < kernel.inputs.length
    const direct = byRows ? s.every((x, i) => x === flat[i]) : s[inner] === 1 || size === 1
    if (input && s.every(x => x === 0)) return Access.scalar
    if (direct) return Access.direct
    if (!input) return Access.slot
    if (byRows) return s.every((x, i) => i === inner || x === 0) ? Access.fixedSlot : Access.slot
    return s[inner] === 0 ? Access.rowScalar : Access.slot
  })
  const { instructions, splats, slots, slotOf, cost } = lowerOnce(program, access)

  // A block of all slots and direct views should stay in the first-level cache; without slots there is nothing to keep.
  const arrays = slots + access.filter(a => a === Access.direct).length
  const budget = slots === 0 ? 4096 : arrays <= 8 ? 1024 : arrays <= 16 ? 512 : 256
  const rowsPerBlock = byRows ? Math.max(8, Math.floor(budget / length) & ~7) : 0
  const block = byRows ? rowsPerBlock * length : Math.min(length, budget)
  const pieces = byRows ? 1 : Math.ceil(length / block)
  const rows = size === 0 ? 0 : size / length
  const blocks = size === 0 ? 0 : byRows ? Math.ceil(rows / rowsPerBlock) : rows * pieces
  const slotBytes = (Math.ceil(block / 16) + 1) * 64

  w.i32(tasksFor(size * cost, blocks))
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
  w.i32(slots)
  w.i32(slotBytes)
  w.i32(instructions.length)
  w.list(shape)
  views.forEach((_, k) => {
    w.i32(access[k])
    w.i32(slotOf[k])
    w.list(strides[k].map(s => s * WORD))
  })
  for (const s of splats) {
    const value = s.op === 'param' ? params[s.index!] : s.value!
    if (s.dtype === 'float32') w.f32(value)
    else w.i32(s.dtype === 'bool' ? Number(value !== 0) : value)
  }
  const base = { view: 0, splat: views.length, slot: views.length + splats.length }
  for (const [op, ...places] of instructions) {
    w.i32(op)
    for (const p of places) w.i32(base[p.in] + p.at)
  }
  const fixed = base.slot
  w.scratch((fixed + slots) * 8 + fixed * 32 + 128 + slots * slotBytes)
}
