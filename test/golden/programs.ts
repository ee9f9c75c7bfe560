// Programs of several steps about the tape, views and in-place changes, with PyTorch's own answers.
import { LampasError, compile, enableGrad, grad, noGrad, type Tensor } from '../../src/index.ts'
import { argument, build, callTorch, compare, describeError, runEach, type GoldenOptions, type Result, type Verdict, type World } from './adapter.ts'
import { numbersOf, type Call, type Stored, type Tolerance } from './format.ts'

type Step =
  | (Call & { readonly set: string | readonly string[] | null })
  | { readonly backward: string; readonly grad?: string; readonly retainGraph?: boolean; readonly createGraph?: boolean }
  | { readonly gradOf: readonly string[]; readonly wrt: readonly string[]; readonly set: readonly string[]; readonly gradOutputs?: readonly string[]; readonly createGraph?: boolean; readonly allowUnused?: boolean }
  | { readonly noGrad: readonly Step[] }
  | { readonly zeroGrad: string; readonly setToNone: boolean }

export interface Program {
  readonly id: string
  readonly inputs: Readonly<Record<string, Stored>>
  readonly steps: readonly Step[]
  readonly checks?: readonly { readonly what: string; readonly var: string; readonly expect: Stored | boolean | null }[]
  readonly error?: { readonly type: string; readonly message: string }
  readonly tol?: Tolerance
}

export interface ProgramManifest {
  readonly bin: string
  readonly caseCount: number
  readonly cases: readonly Program[]
}

type Variables = Map<string, Tensor | null>

function need(vars: Variables, name: string | number): Tensor {
  const x = vars.get(String(name))
  if (!x) throw new Error(`the program has no tensor ${name}`)
  return x
}

function play(step: Step, vars: Variables): void {
  const at = (name: string | number): Tensor => need(vars, name)
  if ('op' in step) {
    const args = step.args.map(a => argument(a, at, step.op))
    const result = callTorch(step.op, step.call, args, Object.fromEntries(Object.entries(step.kwargs).map(([k, a]) => [k, argument(a, at, step.op)])))
    if (typeof step.set === 'string') vars.set(step.set, result as Tensor)
    else step.set?.forEach((name, i) => vars.set(name, Object.values(result as Readonly<Record<string, Tensor>>)[i]))
  } else if ('backward' in step) {
    const { grad: g, retainGraph, createGraph } = step
    at(step.backward).backward({ retainGraph, createGraph, gradient: g === undefined ? undefined : at(g) })
  } else if ('gradOf' in step) {
    const { createGraph, allowUnused, gradOutputs } = step
    const found: (Tensor | null)[] = grad(step.gradOf.map(at), step.wrt.map(at), { createGraph, allowUnused, gradOutputs: gradOutputs?.map(at) })
    step.set.forEach((name, i) => vars.set(name, found[i]))
  } else if ('noGrad' in step) {
    noGrad(() => step.noGrad.forEach(s => play(s, vars)))
  } else if (step.setToNone) {
    at(step.zeroGrad).grad = null
  } else {
    at(step.zeroGrad).grad?.zero_()
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

/** What is not a value can be asked while the program is being traced. */
const facts: Readonly<Record<string, (x: Tensor | null) => boolean>> = {
  requiresGrad: x => x!.requiresGrad,
  isLeaf: x => x!.isLeaf,
  isContiguous: x => x!.isContiguous(),
  isNone: x => x === null,
}

const right: Verdict = [null, 0]
const wrong = (message: string): Verdict => [message, Infinity]

async function verdict(p: Program, buffer: ArrayBuffer, world: World): Promise<Verdict> {
  const vars: Variables = new Map(Object.entries(p.inputs).map(([name, s]) => [name, build(s, numbersOf(buffer, s))]))
  const inputs = new Set(vars.values())
  const found: boolean[] = []
  const body = (): (Tensor | null)[] => {
    enableGrad(() => p.steps.forEach(s => play(s, vars)))
    for (const { what, var: name } of p.checks ?? []) if (what in facts) found.push(facts[what](vars.get(name)!))
    return (p.checks ?? []).map(({ what, var: name }) => (what === 'value' && !inputs.has(vars.get(name)!) ? need(vars, name) : null))
  }
  const run = world === 'compiled' ? compile(body, { name: 'program' }) : body
  let values: (Tensor | null)[]
  try {
    values = run()
  } catch (error) {
    if (p.error && error instanceof LampasError && messages[p.id].test(error.message)) return right
    return wrong(p.error ? `throws ${describeError(error)}` : describeError(error))
  }
  if (p.error) return wrong(`does not throw; PyTorch: ${p.error.message}`)
  let worst = 0
  for (const [i, { what, var: name, expect: want }] of p.checks!.entries()) {
    if (what in facts) {
      if (found.shift() !== want) return wrong(`${what} of ${name} is not ${String(want)}`)
      continue
    }
    const got = what === 'grad' ? need(vars, name).grad : (values[i] ?? need(vars, name))
    if (want === null) {
      if (got !== null) return wrong(`${name} has a gradient`)
      continue
    }
    const stored = want as Stored
    const [message, error] = await compare(`${what} of ${name}`, got, stored, numbersOf(buffer, stored), p.tol!)
    if (message !== null) return [message, error]
    worst = Math.max(worst, error)
  }
  return [null, worst]
}

export const runPrograms = (manifest: ProgramManifest, buffer: ArrayBuffer, options: GoldenOptions<Program>): Promise<Result[]> =>
  runEach(manifest.cases, options, p => verdict(p, buffer, options.world))
