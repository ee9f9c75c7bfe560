// First and second derivatives of an op case, contracted with fixed random directions so that one number list says it all.
import { grad } from '../../src/autograd/engine.ts'
import type { Tensor } from '../../src/ops/tensor.ts'
import { nameOf, direction, inputsOf } from './inputs.ts'
import type { OpCase } from './cases.ts'

export interface Derivatives {
  readonly inputs: readonly Tensor[]
  readonly outputs: readonly Tensor[]
  /** What derivatives are taken by: the float inputs, and the cotangents of the outputs. */
  readonly variables: readonly Tensor[]
  /** d Σ outputs·cotangents / d inputs, one for each float input (null: it has none). */
  readonly first: readonly (Tensor | null)[]
  /** d Σ first·directions / d variables, in the order of `variables` (null: it has none). */
  readonly second: readonly (Tensor | null)[]
}

const list = (y: Tensor | readonly Tensor[]): readonly Tensor[] => (Array.isArray(y) ? y : [y as Tensor])

export const cotangentsOf = (c: OpCase, results: readonly Tensor[]): Tensor[] => results.map((y, i) => direction(`${nameOf(c)} cotangent ${i}`, y))
export const directionsOf = (c: OpCase, slopes: readonly Tensor[]): Tensor[] => slopes.map((g, i) => direction(`${nameOf(c)} direction ${i}`, g).detach())
/** The tensors through which a gradient can flow. */
export const recorded = (xs: readonly (Tensor | null)[]): Tensor[] => xs.filter(x => x !== null).filter(x => x.requiresGrad)

/** The outputs that a derivative could be asked of. */
export const floats = (xs: readonly Tensor[]): Tensor[] => xs.filter(x => x.dtype === 'float32')

export function derivatives(c: OpCase, inputs: readonly Tensor[] = inputsOf(c), given?: readonly Tensor[]): Derivatives {
  const outputs = list(c.run(...inputs))
  const cotangents = given ?? cotangentsOf(c, floats(outputs))
  const variables = [...recorded(inputs), ...cotangents]
  const first = gradients(floats(outputs), cotangents, recorded(inputs))
  const slopes = recorded(first)
  return { inputs, outputs, variables, first, second: gradients(slopes, directionsOf(c, slopes), variables) }
}

/** Gradients of those outputs that have a history. */
function gradients(outputs: readonly Tensor[], cotangents: readonly Tensor[], inputs: readonly Tensor[]): (Tensor | null)[] {
  const used = outputs.map((y, i) => [y, cotangents[i]] as const).filter(([y]) => y.requiresGrad)
  if (used.length === 0) return inputs.map(() => null)
  return grad(used.map(([y]) => y), inputs, { gradOutputs: used.map(([, g]) => g), createGraph: true, allowUnused: true })
}

/** A tensor as text and numbers. */
export interface Value {
  readonly what: string
  readonly numbers: ArrayLike<number>
}

const valueOf = async (x: Tensor | null): Promise<Value> => (x ? { what: String(x), numbers: await x.data() } : { what: 'none', numbers: [] })

/** All that was computed. */
export const results = ({ outputs, first, second }: Pick<Derivatives, 'outputs' | 'first' | 'second'>): Promise<Value[]> =>
  Promise.all([...outputs, ...first, ...second].map(valueOf))

/** The first numbers of each result that differ by more than the tolerance, which is relative to the largest number of a result. */
export function differences(got: readonly Value[], want: readonly Value[], tolerance: number): string[] {
  if (got.length !== want.length) return [`${got.length} results, want ${want.length}`]
  return want.flatMap(({ what, numbers }, i) => {
    const mine = got[i]
    if (mine.what !== what) return [`result ${i}: ${mine.what}, want ${what}`]
    const slack = what.startsWith('f32') ? tolerance * Math.max(1, ...Array.from(numbers, Math.abs).filter(Number.isFinite)) : 0
    const agree = (g: number, w: number): boolean => Object.is(g, w) || g === w || Math.abs(g - w) <= slack
    const wrong = Array.from(numbers, (_, k) => k).filter(k => !agree(mine.numbers[k], numbers[k]))
    return wrong.slice(0, 3).map(k => `result ${i}, ${what} at ${k}: ${mine.numbers[k]}, want ${numbers[k]}`)
  })
}
