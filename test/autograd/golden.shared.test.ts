// Programs of several steps about the tape, views and in-place changes, with PyTorch's own answers (test/golden/programs.json).
import { describe, expect, test } from 'vitest'
import { enableGrad, grad, noGrad, tensor, type DType, type Tensor } from '../../src/index.ts'
import * as ops from '../../src/index.ts'
import { eachDevice } from '../each-device.ts'
import { camel } from '../golden-cases.ts'
import { goldenBytes } from '../golden-files.ts'
import manifest from '../golden/programs.json'

interface Stored {
  readonly dtype: string
  readonly shape: readonly number[]
  readonly offset: number
  readonly nbytes: number
  readonly requiresGrad?: boolean
}
type Slice = { readonly slice: readonly (number | null)[] }
type Value = number | boolean | null | { readonly var: string } | { readonly float: number | string } | Slice | readonly Value[]
type Step =
  | { readonly set: string | null; readonly op: string; readonly args: readonly Value[] }
  | { readonly backward: string; readonly grad?: string; readonly retainGraph?: boolean; readonly createGraph?: boolean }
  | { readonly gradOf: readonly string[]; readonly wrt: readonly string[]; readonly set: readonly string[]; readonly createGraph?: boolean }
  | { readonly noGrad: readonly Step[] }
  | { readonly zeroGrad: string; readonly setToNone: boolean }
interface Program {
  readonly id: string
  readonly inputs: Readonly<Record<string, Stored>>
  readonly steps: readonly Step[]
  readonly checks?: readonly { readonly what: string; readonly var: string; readonly expect: Stored | boolean | null }[]
  readonly error?: { readonly type: string; readonly message: string }
  readonly tol?: { readonly rtol: number; readonly atol: number }
}

const bin = await goldenBytes('programs.bin')
const programs = manifest.cases as unknown as readonly Program[]

const valuesOf = (s: Stored): Float32Array | Uint8Array => {
  const raw = bin.slice(s.offset, s.offset + s.nbytes)
  return s.dtype === 'bool' ? new Uint8Array(raw) : new Float32Array(raw)
}

const part = (n: number | null): string => (n === null ? '' : String(n))
const indexText = ({ slice }: Slice): string => slice.map(part).join(':')

type Variables = Map<string, Tensor>

function argument(v: Value, vars: Variables): unknown {
  if (Array.isArray(v)) return v.map(x => argument(x as Value, vars))
  if (typeof v !== 'object' || v === null) return v
  if ('var' in v) return variable(v.var, vars)
  if ('float' in v) return v.float === '-inf' ? -Infinity : Number(v.float)
  return indexText(v as Slice)
}

function variable(name: string, vars: Variables): Tensor {
  const x = vars.get(name)
  if (!x) throw new Error(`the program has no variable ${name}`)
  return x
}

/** keepdim is keyword-only here: `mean(x, -1, true)` is written `mean(x, -1, {keepdim: true})`. */
const keyword = (op: string, args: readonly unknown[]): readonly unknown[] => (op === 'mean' && args[2] === true ? [args[0], args[1], { keepdim: true }] : args)

function call(op: string, args: readonly unknown[]): Tensor {
  const [x, ...rest] = keyword(op, args)
  const name = op === '__getitem__' ? 'at' : camel(op)
  const method = (x as Record<string, unknown>)[name] ?? (ops as Record<string, unknown>)[name]
  if (typeof method !== 'function') throw new Error(`there is no ${name}`)
  return (method as (...a: unknown[]) => Tensor).apply(x, name === 'at' ? (rest[0] as unknown[]) : rest)
}

function run(step: Step, vars: Variables): void {
  if ('op' in step) {
    const result = call(step.op, step.args.map(a => argument(a, vars)))
    if (step.set !== null) vars.set(step.set, result)
  } else if ('backward' in step) {
    const { grad: g, retainGraph, createGraph } = step
    variable(step.backward, vars).backward({ retainGraph, createGraph, gradient: g === undefined ? undefined : variable(g, vars) })
  } else if ('gradOf' in step) {
    const found = grad(step.gradOf.map(n => variable(n, vars)), step.wrt.map(n => variable(n, vars)), { createGraph: step.createGraph })
    step.set.forEach((name, i) => vars.set(name, found[i]))
  } else if ('noGrad' in step) {
    noGrad(() => step.noGrad.forEach(s => run(s, vars)))
  } else {
    variable(step.zeroGrad, vars).grad = null
  }
}

function start(p: Program): Variables {
  const entries = Object.entries(p.inputs).map(([name, s]): [string, Tensor] => [
    name,
    tensor(valuesOf(s), { shape: s.shape, dtype: s.dtype as DType, requiresGrad: s.requiresGrad }),
  ])
  return new Map(entries)
}

async function close(x: Tensor, want: Stored, tol: { rtol: number; atol: number }): Promise<void> {
  expect([x.dtype, x.shape]).toEqual([want.dtype, want.shape])
  const got = await x.data()
  valuesOf(want).forEach((w, i) => expect(Math.abs(got[i] - w), `element ${i}: ${got[i]}, want ${w}`).toBeLessThanOrEqual(tol.atol + tol.rtol * Math.abs(w)))
}

async function check(p: Program, vars: Variables): Promise<void> {
  for (const { what, var: name, expect: want } of p.checks!) {
    const x = variable(name, vars)
    if (what === 'value') await close(x, want as Stored, p.tol!)
    else if (what === 'grad' && want === null) expect(x.grad).toBeNull()
    else if (what === 'grad') await close(x.grad!, want as Stored, p.tol!)
    else if (what === 'requiresGrad') expect(x.requiresGrad).toBe(want)
    else if (what === 'isLeaf') expect(x.isLeaf).toBe(want)
    else if (what === 'isContiguous') expect(x.contiguous() === x).toBe(want)
    else throw new Error(`unknown check ${what}`)
  }
}

/** What the error must say, for the programs that must fail. */
const messages: Readonly<Record<string, RegExp>> = {
  'programs/second-backward-without-retain-fails': /\[backward\].*pow.*freed.*retainGraph/,
  'programs/backward-of-no-grad-result-fails': /\[backward\] f32\[\] does not depend on anything that requires a gradient.*noGrad/,
  'programs/in-place-on-leaf-fails': /\[mul_\] f32\[3\] is a leaf that requires a gradient.*noGrad/,
  'programs/in-place-breaks-saved-tensor': /f32\[3\] was changed in place after mul saved it.*version 0 is now 1/,
  'programs/autograd-grad-unused-fails': /\[grad\].*do not depend on input 0.*allowUnused/,
}

test('all of PyTorch’s programs are here', () => expect(programs.length).toBe(manifest.caseCount))

eachDevice(() => {
  describe('PyTorch’s programs', () => {
    for (const p of programs)
      test(p.id.slice('programs/'.length), async () => {
        const vars = start(p)
        const play = (): void => enableGrad(() => p.steps.forEach(s => run(s, vars)))
        if (p.error) expect(play).toThrow(messages[p.id])
        else {
          play()
          await check(p, vars)
        }
      })
  })
})
