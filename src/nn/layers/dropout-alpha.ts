// Dropout layers for networks of SELUs.
import type { Tensor } from '../../ops/index.ts'
import { alphaDropout, featureAlphaDropout } from '../functional/dropout-alpha.ts'
import { DropoutBase } from './dropout.ts'

/** Dropout for networks of SELUs: mean and variance stay (Klambauer et al. 2017). As `torch.nn.AlphaDropout`. */
export class AlphaDropout extends DropoutBase {
  override forward(x: Tensor): Tensor {
    return this.run(alphaDropout, x)
  }
}
/** As `AlphaDropout`, for whole channels of [N, C, …]. As `torch.nn.FeatureAlphaDropout`. */
export class FeatureAlphaDropout extends DropoutBase {
  override forward(x: Tensor): Tensor {
    return this.run(featureAlphaDropout, x)
  }
}
