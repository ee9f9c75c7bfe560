// The other activations as modules. Their numbers are given once and printed.
import { fail } from '../../core/errors.ts'
import { needWhole, withDefaults } from '../../core/options.ts'
import { full, glu, hardsigmoid, hardswish, hardtanh, logSigmoid, mish, relu6, selu, softmax, softmin, softsign, type Tensor } from '../../ops/index.ts'
import { celu, hardshrink, prelu, rrelu, softshrink, tanhshrink, threshold } from '../functional/activation.ts'
import { Module } from '../module.ts'
import { Parameter } from '../parameter.ts'

/** min(max(x, 0), 6). As `torch.nn.ReLU6`. */
export class ReLU6 extends Module {
  override forward(x: Tensor): Tensor {
    return relu6(x)
  }
}
/** Self-normalising ELU (Klambauer et al. 2017). As `torch.nn.SELU`. */
export class SELU extends Module {
  override forward(x: Tensor): Tensor {
    return selu(x)
  }
}
/** x·tanh(softplus(x)) (Misra 2019). As `torch.nn.Mish`. */
export class Mish extends Module {
  override forward(x: Tensor): Tensor {
    return mish(x)
  }
}
/** relu6(x + 3)/6. As `torch.nn.Hardsigmoid`. */
export class Hardsigmoid extends Module {
  override forward(x: Tensor): Tensor {
    return hardsigmoid(x)
  }
}
/** x·relu6(x + 3)/6. As `torch.nn.Hardswish`. */
export class Hardswish extends Module {
  override forward(x: Tensor): Tensor {
    return hardswish(x)
  }
}
/** log σ(x). As `torch.nn.LogSigmoid`. */
export class LogSigmoid extends Module {
  override forward(x: Tensor): Tensor {
    return logSigmoid(x)
  }
}
/** x/(1 + |x|). As `torch.nn.Softsign`. */
export class Softsign extends Module {
  override forward(x: Tensor): Tensor {
    return softsign(x)
  }
}
/** x − tanh(x). As `torch.nn.Tanhshrink`. */
export class Tanhshrink extends Module {
  override forward(x: Tensor): Tensor {
    return tanhshrink(x)
  }
}

/** max(x, 0) + min(0, α(e^(x/α) − 1)). As `torch.nn.CELU`. */
export class CELU extends Module {
  constructor(readonly alpha = 1) {
    super()
  }

  override forward(x: Tensor): Tensor {
    return celu(x, this.alpha)
  }

  override extraRepr(): string {
    return String(this.alpha)
  }
}
/** First half times the sigmoid of the second half of a dimension. As `torch.nn.GLU`. */
export class GLU extends Module {
  constructor(readonly dim = -1) {
    super()
  }

  override forward(x: Tensor): Tensor {
    return glu(x, this.dim)
  }

  override extraRepr(): string {
    return `dim=${this.dim}`
  }
}
/** x where |x| > lambd, else 0. As `torch.nn.Hardshrink`. */
export class Hardshrink extends Module {
  constructor(readonly lambd = 0.5) {
    super()
  }

  override forward(x: Tensor): Tensor {
    return hardshrink(x, this.lambd)
  }

  override extraRepr(): string {
    return String(this.lambd)
  }
}
/** x moved towards 0 by lambd. As `torch.nn.Softshrink`. */
export class Softshrink extends Module {
  constructor(readonly lambd = 0.5) {
    super()
  }

  override forward(x: Tensor): Tensor {
    return softshrink(x, this.lambd)
  }

  override extraRepr(): string {
    return String(this.lambd)
  }
}
/** x limited to minVal … maxVal. As `torch.nn.Hardtanh`. */
export class Hardtanh extends Module {
  constructor(
    readonly minVal = -1,
    readonly maxVal = 1,
  ) {
    super()
    if (!(minVal < maxVal)) fail('Hardtanh', `minVal ${minVal} is not below maxVal ${maxVal}`, 'swap them')
  }

  override forward(x: Tensor): Tensor {
    return hardtanh(x, this.minVal, this.maxVal)
  }

  override extraRepr(): string {
    return `${this.minVal}, ${this.maxVal}`
  }
}
/** x where x > threshold, else value. As `torch.nn.Threshold`. */
export class Threshold extends Module {
  constructor(
    readonly threshold: number,
    readonly value: number,
  ) {
    super()
  }

  override forward(x: Tensor): Tensor {
    return threshold(x, this.threshold, this.value)
  }

  override extraRepr(): string {
    return `${this.threshold}, ${this.value}`
  }
}

export interface PReLUOptions {
  /** Start value of the slopes. Default ¼. */
  init?: number
}
/** x where x > 0, else a·x with a trained slope: one, or one for each channel (He et al. 2015). As `torch.nn.PReLU`. */
export class PReLU extends Module {
  readonly weight: Parameter

  constructor(
    readonly numParameters = 1,
    options: PReLUOptions = {},
  ) {
    super()
    needWhole('PReLU', { numParameters })
    this.weight = new Parameter(full([numParameters], withDefaults('PReLU', options, { init: 0.25 }).init))
  }

  override forward(x: Tensor): Tensor {
    return prelu(x, this.weight)
  }

  override extraRepr(): string {
    return String(this.numParameters)
  }
}
/** Leaky ReLU with slopes drawn in training, their mean in evaluation (Xu et al. 2015). As `torch.nn.RReLU`. */
export class RReLU extends Module {
  constructor(
    readonly lower = 1 / 8,
    readonly upper = 1 / 3,
  ) {
    super()
  }

  override forward(x: Tensor): Tensor {
    return rrelu(x, this.lower, this.upper, this.training)
  }

  override extraRepr(): string {
    return `${this.lower}, ${this.upper}`
  }
}

/** softmax(−x) along a dimension (default the last). As `torch.nn.Softmin`. */
export class Softmin extends Module {
  constructor(readonly dim = -1) {
    super()
  }

  override forward(x: Tensor): Tensor {
    return softmin(x, this.dim)
  }

  override extraRepr(): string {
    return `dim=${this.dim}`
  }
}
/** softmax over the channels of [N, C, H, W] or [C, H, W]. As `torch.nn.Softmax2d`. */
export class Softmax2d extends Module {
  override forward(x: Tensor): Tensor {
    if (x.ndim !== 3 && x.ndim !== 4) fail('Softmax2d', `expected 3 or 4 dimensions, got ${x}`, '[batch, channels, height, width]')
    return softmax(x, -3)
  }
}
