// A body that reduces, as stages of a `rows` kernel. A step belongs to the level of how many reductions stand before it; in each level come
// values of the row, then those of its elements that later levels read, then reductions.
import type { ScalarType } from '../../core/dtype.ts'
import type { ReduceOp } from '../../ir/kernel.ts'
import { program, type Program, type Scalar } from '../../ir/scalar.ts'
import { costOf, scalarOf, type Body } from './body.ts'

/** A value for each element that takes less is computed again where a later stage needs it, rather than kept. */
const CHEAP = 3

export interface Staged {
  /** `params` says which of the body's. */
  readonly stages: readonly { readonly program: Program; readonly params: readonly number[]; readonly reduce: readonly ReduceOp[] | null }[]
  readonly results: readonly number[]
  /** Of each result whether it is one value a row. */
  readonly ofRow: readonly boolean[]
}

const known = new WeakMap<Body, Map<string, Staged>>()

/** `same[i]` says that input i is the same along the row. */
export function stagesOf(body: Body, same: readonly boolean[]): Staged {
  const byInputs = known.get(body) ?? new Map<string, Staged>()
  known.set(body, byInputs)
  const key = same.map(Number).join('')
  let result = byInputs.get(key)
  if (!result) byInputs.set(key, (result = stage(body, same)))
  return result
}

function stage({ steps, outputs, inputs, params }: Body, same: readonly boolean[]): Staged {
  const level: number[] = []
  const ofRow: boolean[] = []
  const readers: number[][] = steps.map(() => [])
  steps.forEach(({ op, args, index = 0 }, i) => {
    level.push(Math.max(0, ...args.map(a => level[a])) + Number(op === 'reduce'))
    ofRow.push(op === 'reduce' || (op === 'input' ? same[index] : op !== 'index' && args.every(a => ofRow[a])))
    for (const a of args) readers[a].push(i)
  })
  const isResult = new Set(outputs)
  /** Numbers of the values that stages gave so far. */
  const value = new Map<number, number>()
  const types: ScalarType[] = [...inputs]
  const stages: Staged['stages'][number][] = []
  const emit = (roots: readonly number[], reduce: readonly ReduceOp[] | null, names: readonly number[]): void => {
    if (roots.length === 0) return
    const used: number[] = []
    const seen = new Map<number, Scalar>()
    const build = (at: number): Scalar => {
      let made = seen.get(at)
      if (made) return made
      const s = steps[at]
      const given = value.get(at)
      if (given !== undefined) made = { op: 'input', index: given, dtype: s.dtype }
      else if (s.op !== 'param') made = scalarOf(s, s.args.map(build))
      else made = { op: 'param', index: used.includes(s.index!) ? used.indexOf(s.index!) : used.push(s.index!) - 1, dtype: s.dtype }
      seen.set(at, made)
      return made
    }
    const results = roots.map(build)
    stages.push({ program: program(results, [...types], used.map(p => params[p])), params: used, reduce })
    for (const name of names) value.set(name, types.push(steps[name].dtype) - 1)
  }
  const weight = (at: number): number => (value.has(at) ? 0 : costOf(steps[at]) + steps[at].args.reduce((n, a) => n + weight(a), 0))
  const isLeaf = (i: number): boolean => steps[i].args.length === 0
  const ofElement = (i: number): boolean => !ofRow[i] && (isResult.has(i) || (!isLeaf(i) && readers[i].some(r => level[r] > level[i] && steps[r].op !== 'reduce') && weight(i) >= CHEAP))
  const once = (i: number): boolean => ofRow[i] && (isResult.has(i) || (!isLeaf(i) && readers[i].some(r => !ofRow[r] || level[r] > level[i])))
  for (let l = 0; l <= Math.max(...level); l++) {
    const here = [...steps.keys()].filter(i => level[i] === l && !value.has(i))
    const rows = here.filter(once)
    emit(rows, null, rows)
    const elements = here.filter(ofElement)
    emit(elements, null, elements)
    const reduced = [...steps.keys()].filter(i => steps[i].op === 'reduce' && level[i] === l + 1)
    emit(reduced.map(i => steps[i].args[0]), reduced.map(i => steps[i].reduce!), reduced)
  }
  return { stages, results: outputs.map(o => value.get(o)!), ofRow: outputs.map(o => ofRow[o]) }
}
