// Activations as modules.
import { withDefaults } from '../../core/options.ts'
import { elu, gelu, leakyRelu, logSoftmax, relu, sigmoid, silu, softmax, softplus, tanh, type Tensor } from '../../ops/index.ts'
import { Module } from '../module.ts'

/** max(x, 0). As `torch.nn.ReLU`. */
export class ReLU extends Module {
  override forward(x: Tensor): Tensor {
    return relu(x)
  }
}
/** x·σ(x). As `torch.nn.SiLU`. */
export class SiLU extends Module {
  override forward(x: Tensor): Tensor {
    return silu(x)
  }
}
/** Hyperbolic tangent. As `torch.nn.Tanh`. */
export class Tanh extends Module {
  override forward(x: Tensor): Tensor {
    return tanh(x)
  }
}
/** 1/(1 + e⁻ˣ). As `torch.nn.Sigmoid`. */
export class Sigmoid extends Module {
  override forward(x: Tensor): Tensor {
    return sigmoid(x)
  }
}
/** log(1 + e^(βx))/β, and x itself where βx > threshold. As `torch.nn.Softplus`. */
export class Softplus extends Module {
  constructor(
    readonly beta = 1,
    readonly threshold = 20,
  ) {
    super()
  }

  override forward(x: Tensor): Tensor {
    return softplus(x, this.beta, this.threshold)
  }

  override extraRepr(): string {
    return this.beta === 1 && this.threshold === 20 ? '' : `beta=${this.beta}, threshold=${this.threshold}`
  }
}

/** x where x > 0, else slope·x. As `torch.nn.LeakyReLU`. */
export class LeakyReLU extends Module {
  constructor(readonly negativeSlope = 0.01) {
    super()
  }

  override forward(x: Tensor): Tensor {
    return leakyRelu(x, this.negativeSlope)
  }

  override extraRepr(): string {
    return String(this.negativeSlope)
  }
}
/** x where x > 0, else α(eˣ − 1). As `torch.nn.ELU`. */
export class ELU extends Module {
  constructor(readonly alpha = 1) {
    super()
  }

  override forward(x: Tensor): Tensor {
    return elu(x, this.alpha)
  }

  override extraRepr(): string {
    return String(this.alpha)
  }
}

export interface GELUOptions {
  /** 'tanh': the approximation that GPT-2 uses. */
  approximate?: 'none' | 'tanh'
}
/** x·Φ(x), exact or by tanh. As `torch.nn.GELU`. */
export class GELU extends Module {
  readonly approximate: 'none' | 'tanh'

  constructor(options: GELUOptions = {}) {
    super()
    this.approximate = withDefaults<Required<GELUOptions>>('GELU', options, { approximate: 'none' }).approximate
  }

  override forward(x: Tensor): Tensor {
    return gelu(x, { approximate: this.approximate })
  }

  override extraRepr(): string {
    return this.approximate === 'tanh' ? "approximate='tanh'" : ''
  }
}

/** eˣ / Σ eˣ along a dimension (default the last). As `torch.nn.Softmax`. */
export class Softmax extends Module {
  constructor(readonly dim = -1) {
    super()
  }

  override forward(x: Tensor): Tensor {
    return softmax(x, this.dim)
  }

  override extraRepr(): string {
    return `dim=${this.dim}`
  }
}
/** log softmax along a dimension (default the last). As `torch.nn.LogSoftmax`. */
export class LogSoftmax extends Module {
  constructor(readonly dim = -1) {
    super()
  }

  override forward(x: Tensor): Tensor {
    return logSoftmax(x, this.dim)
  }

  override extraRepr(): string {
    return `dim=${this.dim}`
  }
}
