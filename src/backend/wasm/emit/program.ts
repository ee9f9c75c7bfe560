// A program as a loop in the function table, and the words that it is given.
import type { Body } from '../../../ir/kernel.ts'
import type { Program, Step } from '../../../ir/scalar.ts'
import type { Writer } from '../encode.ts'
import { costs } from '../opcodes.ts'
import type { Functions } from './functions.ts'
import { commonSteps, makeLines, opcodesOf, type Form } from './loop.ts'

const keyOf = (program: Program, forms: readonly Form[]): string => `${forms.map(f => f[1]).join('')}${program.key}`

/** The place in the function table of the loop for a program whose views lie so. */
export const placeLoop = (program: Program, forms: readonly Form[], functions: Functions): number =>
  functions.place(keyOf(program, forms), makeLines(program, forms))

/** Whether that loop is there already. */
export const hasLoop = (program: Program, forms: readonly Form[], functions: Functions): boolean => functions.has(keyOf(program, forms))

/** Tenths of a nanosecond for an element. */
export const loopCost = (program: Program, forms: readonly Form[]): number =>
  opcodesOf(program).reduce<number>((sum, op) => sum + (op === undefined ? 0 : costs[op] ?? 0.5), 0) +
  forms.reduce((sum, f) => sum + (f === 'strided' ? 5 : 0.5), 0)

/** A param or constant as a word. */
export function writeCommonStep(s: Step, params: readonly number[], w: Writer): void {
  const value = s.op === 'param' ? params[s.index!] : s.value!
  if (s.dtype === 'float32') w.f32(value)
  else w.i32(s.dtype === 'bool' ? Number(value !== 0) : value)
}

/** The words of a program that the frame of its loop points to. */
export function writeCommon({ program, params }: Body, w: Writer): void {
  for (const s of commonSteps(program)) writeCommonStep(s, params, w)
}
