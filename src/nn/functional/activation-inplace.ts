// Activations that write into their input.
import { elu, hardtanh, leakyRelu, relu, selu } from '../../ops/index.ts'
import { inplace } from '../../ops/inplace.ts'
import { celu, rrelu, threshold } from './activation.ts'

/**
 * `celu` in the memory of its input. As `torch.nn.functional.celu_`.
 *
 * @example
 * F.celu_(tensor([-2, 0, 2])) // → tensor([-0.8647,  0.0000,  2.0000])
 */
export const celu_: typeof celu = inplace(celu)
/**
 * `elu` in the memory of its input. As `torch.nn.functional.elu_`.
 *
 * @example
 * F.elu_(tensor([-2, 0, 2])) // → tensor([-0.8647,  0.0000,  2.0000])
 */
export const elu_: typeof elu = inplace(elu)
/**
 * `hardtanh` in the memory of its input. As `torch.nn.functional.hardtanh_`.
 *
 * @example
 * F.hardtanh_(tensor([-2, 0, 2])) // → tensor([-1.,  0.,  1.])
 */
export const hardtanh_: typeof hardtanh = inplace(hardtanh)
/**
 * `leakyRelu` in the memory of its input. As `torch.nn.functional.leaky_relu_`.
 *
 * @example
 * F.leakyRelu_(tensor([-2, 0, 2])) // → tensor([-0.0200,  0.0000,  2.0000])
 */
export const leakyRelu_: typeof leakyRelu = inplace(leakyRelu)
/**
 * `relu` in the memory of its input. As `torch.nn.functional.relu_`.
 *
 * @example
 * F.relu_(tensor([-2, 0, 2])) // → tensor([0., 0., 2.])
 */
export const relu_: typeof relu = inplace(relu)
/**
 * `rrelu` in the memory of its input. As `torch.nn.functional.rrelu_`.
 *
 * @example
 * F.rrelu_(tensor([-2, 0, 2])) // → tensor([-0.4583,  0.0000,  2.0000])
 */
export const rrelu_: typeof rrelu = inplace(rrelu)
/**
 * `selu` in the memory of its input. As `torch.nn.functional.selu_`.
 *
 * @example
 * F.selu_(tensor([-2, 0, 2])) // → tensor([-1.5202,  0.0000,  2.1014])
 */
export const selu_: typeof selu = inplace(selu)
/**
 * `threshold` in the memory of its input. As `torch.nn.functional.threshold_`.
 *
 * @example
 * F.threshold_(tensor([-2, 0.25, 2]), 0.5, -1) // → tensor([-1., -1.,  2.])
 */
export const threshold_: typeof threshold = inplace(threshold)
