// First and second derivatives of an op case, contracted with fixed random directions so that one number list says it all.
import { grad } from '../../src/autograd/engine.ts'
import { manualSeed } from '../../src/ops/random.ts'
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
  manualSeed(0)
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
