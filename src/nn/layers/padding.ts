// Padding layers: values around the spatial dimensions of [N, C, …] or [C, …].
import { fail } from '../../core/errors.ts'
import { pad, type Tensor } from '../../ops/index.ts'
import { Module } from '../module.ts'

type Mode = 'constant' | 'reflect' | 'replicate' | 'circular'

/** `padding` is one number for all sides, or (low, high) pairs, the last dimension first. */
abstract class Padding extends Module {
  readonly padding: readonly number[]

  constructor(
    private readonly spatial: number,
    private readonly mode: Mode,
    padding: number | readonly number[],
    readonly value = 0,
  ) {
    super()
    this.padding = typeof padding === 'number' ? new Array<number>(2 * spatial).fill(padding) : padding
    if (this.padding.length !== 2 * spatial) fail(this.constructor.name, `padding [${this.padding}] has ${this.padding.length} numbers`, `give one, or ${2 * spatial}: (low, high) of the last dimension first`)
  }

  override forward(x: Tensor): Tensor {
    if (x.ndim !== this.spatial + 1 && x.ndim !== this.spatial + 2) fail(this.constructor.name, `expected ${this.spatial + 1} or ${this.spatial + 2} dimensions, got ${x}`, `[batch, channels, …${this.spatial} spatial]`)
    return pad(x, this.padding, this.mode === 'constant' ? { value: this.value } : { mode: this.mode })
  }

  override extraRepr(): string {
    return `[${this.padding.join(', ')}]${this.mode === 'constant' && this.value !== 0 ? `, value=${this.value}` : ''}`
  }
}

type Sides = number | readonly number[]
/** Zeros around [N, C, L]. As `torch.nn.ZeroPad1d`. */
export class ZeroPad1d extends Padding {
  constructor(padding: Sides) {
    super(1, 'constant', padding)
  }
}
/** Zeros around [N, C, H, W]; `padding` is one number, or left, right, top, bottom. As `torch.nn.ZeroPad2d`. */
export class ZeroPad2d extends Padding {
  constructor(padding: Sides) {
    super(2, 'constant', padding)
  }
}
/** Zeros around [N, C, D, H, W]. As `torch.nn.ZeroPad3d`. */
export class ZeroPad3d extends Padding {
  constructor(padding: Sides) {
    super(3, 'constant', padding)
  }
}
/** One value around [N, C, L]. As `torch.nn.ConstantPad1d`. */
export class ConstantPad1d extends Padding {
  constructor(padding: Sides, value: number) {
    super(1, 'constant', padding, value)
  }
}
/** One value around [N, C, H, W]; `padding` is one number, or left, right, top, bottom. As `torch.nn.ConstantPad2d`. */
export class ConstantPad2d extends Padding {
  constructor(padding: Sides, value: number) {
    super(2, 'constant', padding, value)
  }
}
/** One value around [N, C, D, H, W]. As `torch.nn.ConstantPad3d`. */
export class ConstantPad3d extends Padding {
  constructor(padding: Sides, value: number) {
    super(3, 'constant', padding, value)
  }
}
/** The mirror image around [N, C, L], without the edge itself. As `torch.nn.ReflectionPad1d`. */
export class ReflectionPad1d extends Padding {
  constructor(padding: Sides) {
    super(1, 'reflect', padding)
  }
}
/** The mirror image around [N, C, H, W]; `padding` is one number, or left, right, top, bottom. As `torch.nn.ReflectionPad2d`. */
export class ReflectionPad2d extends Padding {
  constructor(padding: Sides) {
    super(2, 'reflect', padding)
  }
}
/** The mirror image around [N, C, D, H, W]. As `torch.nn.ReflectionPad3d`. */
export class ReflectionPad3d extends Padding {
  constructor(padding: Sides) {
    super(3, 'reflect', padding)
  }
}
/** The edge repeated around [N, C, L]. As `torch.nn.ReplicationPad1d`. */
export class ReplicationPad1d extends Padding {
  constructor(padding: Sides) {
    super(1, 'replicate', padding)
  }
}
/** The edge repeated around [N, C, H, W]; `padding` is one number, or left, right, top, bottom. As `torch.nn.ReplicationPad2d`. */
export class ReplicationPad2d extends Padding {
  constructor(padding: Sides) {
    super(2, 'replicate', padding)
  }
}
/** The edge repeated around [N, C, D, H, W]. As `torch.nn.ReplicationPad3d`. */
export class ReplicationPad3d extends Padding {
  constructor(padding: Sides) {
    super(3, 'replicate', padding)
  }
}
/** The other end around [N, C, L], as on a ring. As `torch.nn.CircularPad1d`. */
export class CircularPad1d extends Padding {
  constructor(padding: Sides) {
    super(1, 'circular', padding)
  }
}
/** The other end around [N, C, H, W], as on a torus; `padding` is one number, or left, right, top, bottom. As `torch.nn.CircularPad2d`. */
export class CircularPad2d extends Padding {
  constructor(padding: Sides) {
    super(2, 'circular', padding)
  }
}
/** The other end around [N, C, D, H, W]. As `torch.nn.CircularPad3d`. */
export class CircularPad3d extends Padding {
  constructor(padding: Sides) {
    super(3, 'circular', padding)
  }
}
