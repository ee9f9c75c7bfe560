// Copying a checkpoint into a model. Everything is checked before anything is changed.
import { fail } from '../core/errors.ts'
import { formatShape, sameShape } from '../core/shape.ts'
import { noGrad } from '../autograd/mode.ts'
import { toDevice } from '../eager/transfer.ts'
import { copy_ } from '../ops/inplace.ts'
import type { Tensor } from '../ops/index.ts'

/** Tensors by name. */
export type StateDict = Record<string, Tensor>

export interface LoadOptions {
  /** Whether both sides must have the same names. Default true. */
  strict?: boolean
}

export interface LoadResult {
  /** Names of the model that the checkpoint does not have. */
  readonly missingKeys: readonly string[]
  /** Names of the checkpoint that the model does not have. */
  readonly unexpectedKeys: readonly string[]
}

interface Problem {
  readonly name: string
  readonly model: string
  readonly checkpoint: string
}

function table(problems: readonly Problem[]): string {
  const rows = [{ name: 'name', model: 'model', checkpoint: 'checkpoint' }, ...problems]
  const width = (pick: (p: Problem) => string) => Math.max(...rows.map(r => pick(r).length))
  const [a, b] = [width(r => r.name), width(r => r.model)]
  return rows.map(r => `\n  ${r.name.padEnd(a)}  ${r.model.padEnd(b)}  ${r.checkpoint}`).join('')
}

export async function loadInto(own: ReadonlyMap<string, Tensor>, state: StateDict, { strict = true }: LoadOptions): Promise<LoadResult> {
  const given = new Map(Object.entries(state))
  const missingKeys = [...own.keys()].filter(n => !given.has(n))
  const unexpectedKeys = [...given.keys()].filter(n => !own.has(n))
  const matched = [...own].flatMap(([name, to]) => (given.has(name) ? [{ name, to, from: given.get(name)! }] : []))
  const problems: Problem[] = matched
    .filter(({ to, from }) => !sameShape(to.shape, from.shape))
    .map(({ name, to, from }) => ({ name, model: formatShape(to.shape), checkpoint: formatShape(from.shape) }))
  if (strict) {
    problems.push(...missingKeys.map(name => ({ name, model: formatShape(own.get(name)!.shape), checkpoint: 'missing' })))
    problems.push(...unexpectedKeys.map(name => ({ name, model: 'missing', checkpoint: formatShape(given.get(name)!.shape) })))
  }
  if (problems.length > 0)
    fail('loadStateDict', `${problems.length} ${problems.length === 1 ? 'entry does' : 'entries do'} not fit:${table(problems)}\n`, strict && problems.length === missingKeys.length + unexpectedKeys.length ? '{strict: false} loads what fits by name' : 'build the model with the sizes of the checkpoint')
  const sources = await Promise.all(matched.map(({ to, from }) => toDevice(from.detach(), to.device)))
  noGrad(() => matched.forEach(({ to }, i) => copy_(to, sources[i])))
  return { missingKeys, unexpectedKeys }
}

/** The module `to` with the parameters' values of another one of the same structure. */
export function withValuesOf<M extends { parameters(): Tensor[] }>(from: M, to: M): M {
  const values = from.parameters()
  noGrad(() => to.parameters().forEach((p, i) => copy_(p, values[i])))
  return to
}
