// Dropout layers (Srivastava et al. 2014): in training values fall with probability p, in evaluation nothing happens.
import { fail } from '../../core/errors.ts'
import { withDefaults } from '../../core/options.ts'
import type { Tensor } from '../../ops/index.ts'
import { dropout, dropout1d, dropout2d, dropout3d, type Dropout as DropoutFunction } from '../functional/dropout.ts'
import { Module } from '../module.ts'

export interface DropoutLayerOptions {
  /** Change the input itself. */
  inplace?: boolean
}
export abstract class DropoutBase extends Module {
  private readonly inplace: boolean

  constructor(
    readonly p = 0.5,
    options: DropoutLayerOptions = {},
  ) {
    super()
    if (!(p >= 0 && p <= 1)) fail(this.constructor.name, `p is ${p}`, 'give a probability between 0 and 1')
    this.inplace = withDefaults<Required<DropoutLayerOptions>>(this.constructor.name, options, { inplace: false }).inplace
  }

  protected run(drop: DropoutFunction, x: Tensor): Tensor {
    return drop(x, this.p, { training: this.training, inplace: this.inplace })
  }

  override extraRepr(): string {
    return `p=${this.p}${this.inplace ? ', inplace=true' : ''}`
  }
}
/** In training sets values to 0 with probability p and divides the others by 1 − p; does nothing in evaluation. As `torch.nn.Dropout`. */
export class Dropout extends DropoutBase {
  override forward(x: Tensor): Tensor {
    return this.run(dropout, x)
  }
}
/** As `Dropout`, for whole channels of [N, C, L] or [C, L]. As `torch.nn.Dropout1d`. */
export class Dropout1d extends DropoutBase {
  override forward(x: Tensor): Tensor {
    return this.run(dropout1d, x)
  }
}
/** As `Dropout`, for whole channels of [N, C, H, W]. As `torch.nn.Dropout2d`. */
export class Dropout2d extends DropoutBase {
  override forward(x: Tensor): Tensor {
    return this.run(dropout2d, x)
  }
}
/** As `Dropout`, for whole channels of [N, C, D, H, W] or [C, D, H, W]. As `torch.nn.Dropout3d`. */
export class Dropout3d extends DropoutBase {
  override forward(x: Tensor): Tensor {
    return this.run(dropout3d, x)
  }
}
