// The activations that PyTorch lets write into their input by a last parameter, `inplace`.
import { describe, type Described } from '../../ops/define.ts'
import {
  elu as plainElu, hardsigmoid as plainHardsigmoid, hardswish as plainHardswish, hardtanh as plainHardtanh, leakyRelu as plainLeakyRelu, mish as plainMish,
  relu as plainRelu, relu6 as plainRelu6, selu as plainSelu, silu as plainSilu, type Tensor,
} from '../../ops/index.ts'
import { inplace } from '../../ops/inplace.ts'
import { celu as plainCelu, threshold as plainThreshold } from './activation.ts'

interface InplaceOption {
  /** Write the result into the input. Default false. */
  inplace?: boolean
}
type OrInplace<F> = F extends (x: Tensor, ...rest: infer R) => Tensor ? ((x: Tensor, ...rest: [...rest: R, inplace?: boolean]) => Tensor) & ((x: Tensor, options: InplaceOption) => Tensor) : never
type Activation = ((x: Tensor, ...rest: never[]) => Tensor) & Described

function orInplace<F extends Activation>(fn: F): OrInplace<F> & Described {
  type Any = (x: Tensor, ...rest: unknown[]) => Tensor
  const [fresh, over] = [fn, inplace(fn)] as unknown as [Any, Any]
  const others = fn.paramNames.length - 1
  const call: Any = (x, ...rest) => (rest[others] ? over : fresh)(x, ...rest.slice(0, others))
  return describe(call as never, fn.opName, [...fn.paramNames, 'inplace'])
}

/**
 * max(x, 0). As `torch.nn.functional.relu`.
 *
 * @example
 * F.relu(tensor([-2, 0.5, 2]), { inplace: true }) // → tensor([0.0000, 0.5000, 2.0000])
 */
export const relu: OrInplace<typeof plainRelu> & Described = orInplace(plainRelu)
/**
 * min(max(x, 0), 6). As `torch.nn.functional.relu6`.
 *
 * @example
 * F.relu6(tensor([-2, 0.5, 2]), { inplace: true }) // → tensor([0.0000, 0.5000, 2.0000])
 */
export const relu6: OrInplace<typeof plainRelu6> & Described = orInplace(plainRelu6)
/**
 * x where x > 0, else α(eˣ − 1). As `torch.nn.functional.elu`.
 *
 * @example
 * F.elu(tensor([-2, 0.5, 2]), { inplace: true }) // → tensor([-0.8647,  0.5000,  2.0000])
 */
export const elu: OrInplace<typeof plainElu> & Described = orInplace(plainElu)
/**
 * Self-normalising elu (Klambauer et al. 2017). As `torch.nn.functional.selu`.
 *
 * @example
 * F.selu(tensor([-2, 0.5, 2]), { inplace: true }) // → tensor([-1.5202,  0.5254,  2.1014])
 */
export const selu: OrInplace<typeof plainSelu> & Described = orInplace(plainSelu)
/**
 * max(x, 0) + min(0, α(e^(x/α) − 1)) (Barron 2017). As `torch.nn.functional.celu`.
 *
 * @example
 * F.celu(tensor([-2, 0.5, 2]), { inplace: true }) // → tensor([-0.8647,  0.5000,  2.0000])
 */
export const celu: OrInplace<typeof plainCelu> & Described = orInplace(plainCelu)
/**
 * x where x > 0, else slope·x. As `torch.nn.functional.leaky_relu`.
 *
 * @example
 * F.leakyRelu(tensor([-2, 0.5, 2]), { inplace: true }) // → tensor([-0.0200,  0.5000,  2.0000])
 */
export const leakyRelu: OrInplace<typeof plainLeakyRelu> & Described = orInplace(plainLeakyRelu)
/**
 * x limited to minVal … maxVal. As `torch.nn.functional.hardtanh`.
 *
 * @example
 * F.hardtanh(tensor([-2, 0.5, 2]), { inplace: true }) // → tensor([-1.0000,  0.5000,  1.0000])
 */
export const hardtanh: OrInplace<typeof plainHardtanh> & Described = orInplace(plainHardtanh)
/**
 * relu6(x + 3)/6. As `torch.nn.functional.hardsigmoid`.
 *
 * @example
 * F.hardsigmoid(tensor([-2, 0.5, 2]), { inplace: true }) // → tensor([0.1667, 0.5833, 0.8333])
 */
export const hardsigmoid: OrInplace<typeof plainHardsigmoid> & Described = orInplace(plainHardsigmoid)
/**
 * x·relu6(x + 3)/6 (Howard et al. 2019). As `torch.nn.functional.hardswish`.
 *
 * @example
 * F.hardswish(tensor([-2, 0.5, 2]), { inplace: true }) // → tensor([-0.3333,  0.2917,  1.6667])
 */
export const hardswish: OrInplace<typeof plainHardswish> & Described = orInplace(plainHardswish)
/**
 * x·σ(x). As `torch.nn.functional.silu`.
 *
 * @example
 * F.silu(tensor([-2, 0.5, 2]), { inplace: true }) // → tensor([-0.2384,  0.3112,  1.7616])
 */
export const silu: OrInplace<typeof plainSilu> & Described = orInplace(plainSilu)
/**
 * x·tanh(softplus(x)) (Misra 2019). As `torch.nn.functional.mish`.
 *
 * @example
 * F.mish(tensor([-2, 0.5, 2]), { inplace: true }) // → tensor([-0.2525,  0.3752,  1.9440])
 */
export const mish: OrInplace<typeof plainMish> & Described = orInplace(plainMish)
/**
 * x where x > threshold, else value. As `torch.nn.functional.threshold`.
 *
 * @example
 * F.threshold(tensor([-2, 0.25, 2]), 0.5, -1, true) // → tensor([-1., -1.,  2.])
 */
export const threshold: OrInplace<typeof plainThreshold> & Described = orInplace(plainThreshold)
