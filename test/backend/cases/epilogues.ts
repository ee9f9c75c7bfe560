// Products with epilogues: bias, activation, residual, several results, operands in every layout, slices of a long inner axis.
import type { DType } from '../../../src/core/dtype.ts'
import type { Shape } from '../../../src/core/shape.ts'
import type { Body } from '../../../src/ir/kernel.ts'
import { program, S, type Scalar } from '../../../src/ir/scalar.ts'
import { input, launch, layouts, output, outputLayouts, plain, type Operand, type Random, type Step } from '../data.ts'

const sum = S.input(0, 'float32')
const at = (k: number, dtype: DType = 'float32'): Scalar => S.input(k, dtype)
const body = (...outputs: Scalar[]): Body => ({ program: program(outputs, []), params: [] })

const biased = S.add(sum, at(1))
const gelu = S.mul(S.mul(biased, 0.5), S.add(S.erf(S.mul(biased, Math.SQRT1_2)), 1))

/** gelu(a·b + bias), with the sum before it. */
export const linear = (r: Random, m: number, k: number, n: number): Step =>
  launch({ kind: 'matmul', epilogue: body(gelu, biased) }, [input(r, 'float32', [m, k]), input(r, 'float32', [k, n]), input(r, 'float32', [m, n], 'rows')], [output('float32', [m, n]), output('float32', [m, n])])

/** A residual that lies where the result goes, scaled; and whether the sum is positive. */
export function residual(r: Random, [m, k, n]: Shape, batch: Shape = []): Step {
  const x = input(r, 'float32', [...batch, m, n])
  const epilogue: Body = { program: program([S.add(S.mul(sum, S.param(0, 'float32')), at(1)), S.gt(sum, at(2))], [], ['float32']), params: [0.25] }
  return launch({ kind: 'matmul', epilogue }, [input(r, 'float32', [...batch, m, k]), input(r, 'float32', [...batch, k, n]), x, input(r, 'float32', [...batch, m, n], 'columns')], [x, output('bool', [...batch, m, n])])
}

/** Random layouts of all operands; b is shared by the batch half of the time, so that rows join where strides allow. */
export function randomMatmul(r: Random): Step {
  const size = (): number => r.pick([1, 2, 3, 4, 5, 8, 13, 20, 33])
  const batch = r.pick([[], [2], [3, 2]])
  const [m, k, n] = [size(), size(), size()]
  const shape = [...batch, m, n]
  const b = input(r, 'float32', [k, n], r.pick(outputLayouts))
  const shared: Operand = { view: { ...b.view, shape: [...batch, k, n], strides: [...batch.map(() => 0), ...b.view.strides] }, words: b.words }
  const right = r.int(0, 2) ? shared : input(r, 'float32', [...batch, k, n], r.pick(outputLayouts))
  const type = r.pick(['float32', 'int32', 'bool'] as const)
  const more = [input(r, 'float32', shape, r.pick(layouts)), input(r, type, shape, r.pick(layouts))]
  const chosen = type === 'bool' ? S.select(at(2, 'bool'), sum, at(1)) : S.add(sum, S.mul(S.cast(at(2, type), 'float32'), at(1)))
  const outputs = [output('float32', shape, r.pick(outputLayouts)), ...(r.int(0, 2) ? [output('int32', shape, r.pick(outputLayouts))] : [])]
  // Conversion to integers of something exact, since sums differ in their last bits.
  return launch({ kind: 'matmul', epilogue: body(...[S.tanh(chosen), S.add(S.cast(S.mul(at(1), 8), 'int32'), 1)].slice(0, outputs.length)) }, [input(r, 'float32', [...batch, m, k], r.pick(outputLayouts)), right, ...more], outputs)
}

/** A convolution over one or two axes with a bias for each channel, a residual, and two results. */
export function convolved(r: Random, axes: 1 | 2, channels = 6, sizes = 7): Step {
  const fill = (v: number): number[] => Array.from({ length: axes }, () => v)
  const [groups, images, features] = [2, 3, r.pick([1, 5, 9])]
  const shape = [groups, images, features, ...fill(sizes)]
  const bias = plain('float32', [groups, features], Array.from({ length: groups * features }, () => r.uniform()))
  const over: Operand = { view: { ...bias.view, shape, strides: [features, 0, 1, ...fill(0)] }, words: bias.words }
  const z = S.add(sum, at(1))
  return launch(
    { kind: 'conv', stride: fill(1), dilation: fill(1), inputDilation: fill(1), padLow: fill(1), epilogue: body(S.add(S.max(z, 0), at(2)), z) },
    [input(r, 'float32', [groups, images, channels, ...fill(sizes)]), input(r, 'float32', [groups, features, channels, ...fill(3)]), over, input(r, 'float32', shape, r.pick(layouts))],
    [output('float32', shape), output('float32', shape, r.pick(outputLayouts))],
  )
}
