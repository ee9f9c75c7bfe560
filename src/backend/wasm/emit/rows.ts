// A whole rows kernel as one function, where a row is one run along one axis: for each row all stages one after the other, the values
// once a row in locals, those of every element in buffers. Folding is done by the function of the `reduce` kernel.
import type { Program } from '../../../ir/scalar.ts'
import { I32, leb, V128 } from './bytes.ts'
import type { Functions, Make } from './functions.ts'
import { commonSteps, LoopWriter, ProgramLoop, type Form, type Operand } from './loop.ts'

/** Where a value of every element lies: in a view, or in a buffer. */
export interface Held {
  readonly view?: number
  readonly buffer?: number
}

export interface RowStage {
  readonly program: Program
  /** Numbers of the values that the program's inputs are. */
  readonly reads: readonly number[]
  readonly kind: 'map' | 'once' | 'reduce'
  /** Numbers of the values that it makes. */
  readonly makes: readonly number[]
  /** Of a map where results go; of a reduction the buffers where what it folds is put, or values that need no loop. */
  readonly to: readonly Held[]
  readonly direct: boolean
  readonly folds: readonly { readonly code: number; readonly neutral: number }[]
}

export interface RowsProgram {
  readonly forms: readonly Form[]
  /** Where the values of every element lie, by number. */
  readonly held: readonly (Held | null)[]
  readonly stages: readonly RowStage[]
  /** Values once a row, and the views that take them. */
  readonly results: readonly (readonly [value: number, view: number])[]
}

const get = (i: number): number[] => [0x20, ...leb(i)]
/** Signed, as constants are. */
function constant(n: number): number[] {
  const out = [0x41]
  for (;;) {
    const low = n & 127
    n >>= 7
    if ((n === 0 && low < 64) || (n === -1 && low >= 64)) return [...out, low]
    out.push(low | 128)
  }
}
const add = [0x6a]
const multiply = [0x6c]

/** The place in the function table of the function for such rows. */
export const placeRows = (rows: RowsProgram, functions: Functions): number =>
  functions.place(JSON.stringify([rows.forms, rows.held, rows.results, rows.stages.map(s => ({ ...s, program: s.program.key }))]), makeRows(rows))

/** A function of (frame, rows, position of the first element), as assembly/rows.ts calls it. */
function makeRows({ forms, held, stages, results }: RowsProgram): Make {
  return (library, host) => {
    const w = new LoopWriter(library, host)
    const [frame, rows, first] = [0, 1, 2]
    const words = w.word(frame, 0)
    const count = w.word(frame, 4)
    const stack = w.word(frame, 8)
    const buffers = w.word(frame, 12)
    const bufferBytes = w.word(frame, 16)
    const views = forms.map((form, i) => ({ form, start: w.word(frame, 20 + 12 * i), stride: form === 'strided' ? w.word(frame, 24 + 12 * i) : 0, row: w.word(frame, 28 + 12 * i) }))
    let common = 0
    const loops = stages.map(s => {
      if (s.direct) return null
      const loop = new ProgramLoop(w, s.program, s.reads.map(v => held[v]?.buffer === undefined && (held[v]?.view === undefined || forms[held[v].view] === 'same')), words, common)
      common += 4 * commonSteps(s.program).length
      return loop
    })
    const address = ({ view, buffer }: Held): number =>
      view !== undefined ? w.local(I32, get(views[view].start)) : w.local(I32, get(buffers), get(bufferBytes), constant(buffer!), multiply, add)
    const operand = (h: Held): Operand =>
      h.view !== undefined ? { form: views[h.view].form, address: address(h), stride: views[h.view].stride } : { form: 'run', address: address(h), stride: 0, padded: true }

    w.repeat(rows, 1, () => {
      const value: (number | null)[] = held.map(h => (h?.view !== undefined && forms[h.view] === 'same' ? w.splatAt(views[h.view].start) : null))
      stages.forEach((s, i) => {
        const loop = loops[i]
        const inputs = s.reads.map(v => value[v])
        if (s.kind === 'once') {
          loop!.results(inputs).forEach((r, k) => (value[s.makes[k]] = r))
          return
        }
        if (loop) {
          const none: Operand = { form: 'same', address: 0, stride: 0 }
          const operands = s.reads.map((v, k) => (inputs[k] === null ? operand(held[v]!) : none))
          loop.line(inputs, operands, s.to.map(operand), w.local(I32, get(count)), first)
        }
        s.folds.forEach((f, k) => {
          const folded = library.apply(library.named('foldLine'), [w.local(I32, constant(f.code)), address(s.to[k]), count, w.local(I32, constant(f.neutral)), stack], host)
          value[s.makes[k]] = w.local(V128, folded, [0xfd, 0x11])
        })
      })
      for (const [v, view] of results) w.storeLane(views[view].start, value[v]!)
      for (const v of views) w.move(v.start, v.row)
      w.move(first, count)
    })
    return w.code
  }
}
