// One step of a recurrent network as a module, for loops of your own.
import { fail } from '../../core/errors.ts'
import { needWhole, withDefaults } from '../../core/options.ts'
import { empty, linear, type Tensor } from '../../ops/index.ts'
import { uniform_ } from '../init.ts'
import { Module } from '../module.ts'
import { Parameter } from '../parameter.ts'
import { gruStep, lstmStep, rnnStep, type Nonlinearity } from './recurrent-steps.ts'

export interface CellOptions {
  bias?: boolean
}
export interface RnnCellOptions extends CellOptions {
  nonlinearity?: Nonlinearity
}

abstract class Cell extends Module {
  readonly weightIh: Parameter
  readonly weightHh: Parameter
  readonly biasIh: Parameter | null
  readonly biasHh: Parameter | null

  constructor(
    readonly inputSize: number,
    readonly hiddenSize: number,
    gates: number,
    bias: boolean,
  ) {
    super()
    needWhole(this.constructor.name, { inputSize, hiddenSize })
    this.weightIh = new Parameter(empty(gates * hiddenSize, inputSize))
    this.weightHh = new Parameter(empty(gates * hiddenSize, hiddenSize))
    this.biasIh = bias ? new Parameter(empty(gates * hiddenSize)) : null
    this.biasHh = bias ? new Parameter(empty(gates * hiddenSize)) : null
    const bound = 1 / Math.sqrt(hiddenSize)
    for (const p of [this.weightIh, this.weightHh, this.biasIh, this.biasHh]) if (p) uniform_(p, -bound, bound)
  }

  /** A state of zeros where none is given. */
  protected start(x: Tensor, h?: Tensor | null): Tensor {
    if ((x.ndim !== 1 && x.ndim !== 2) || x.shape[x.ndim - 1] !== this.inputSize) fail(this.constructor.name, `expected [N, ${this.inputSize}] or [${this.inputSize}], got ${x}`, 'the last size is inputSize')
    return h ?? x.newZeros([...x.shape.slice(0, -1), this.hiddenSize])
  }

  protected gates(x: Tensor, h: Tensor): [fromInput: Tensor, fromState: Tensor] {
    return [linear(x, this.weightIh, this.biasIh), linear(h, this.weightHh, this.biasHh)]
  }

  override extraRepr(): string {
    return `${this.inputSize}, ${this.hiddenSize}${this.biasIh ? '' : ', bias=false'}`
  }
}

/** One step of `RNN`: [N, E] and a state [N, H] (default zeros) → the next state. As `torch.nn.RNNCell`. */
export class RNNCell extends Cell {
  readonly nonlinearity: Nonlinearity

  constructor(inputSize: number, hiddenSize: number, options: RnnCellOptions = {}) {
    const { bias, nonlinearity } = withDefaults<Required<RnnCellOptions>>('RNNCell', options, { bias: true, nonlinearity: 'tanh' })
    if (nonlinearity !== 'tanh' && nonlinearity !== 'relu') fail('RNNCell', `there is no nonlinearity '${String(nonlinearity)}'`, "'tanh' or 'relu'")
    super(inputSize, hiddenSize, 1, bias)
    this.nonlinearity = nonlinearity
  }

  override forward(x: Tensor, h?: Tensor | null): Tensor {
    return rnnStep(...this.gates(x, this.start(x, h)), this.nonlinearity)
  }
}
/** One step of `GRU`: [N, E] and a state [N, H] (default zeros) → the next state. As `torch.nn.GRUCell`. */
export class GRUCell extends Cell {
  constructor(inputSize: number, hiddenSize: number, options: CellOptions = {}) {
    super(inputSize, hiddenSize, 3, withDefaults('GRUCell', options, { bias: true }).bias)
  }

  override forward(x: Tensor, h?: Tensor | null): Tensor {
    const state = this.start(x, h)
    return gruStep(...this.gates(x, state), state)
  }
}
/** One step of `LSTM`: [N, E] and a state [h, c] (default zeros) → the next [h, c]. As `torch.nn.LSTMCell`. */
export class LSTMCell extends Cell {
  constructor(inputSize: number, hiddenSize: number, options: CellOptions = {}) {
    super(inputSize, hiddenSize, 4, withDefaults('LSTMCell', options, { bias: true }).bias)
  }

  override forward(x: Tensor, state?: readonly [h: Tensor, c: Tensor] | null): [h: Tensor, c: Tensor] {
    const [h, c] = state ?? [this.start(x), this.start(x)]
    return lstmStep(...this.gates(x, this.start(x, h)), c)
  }
}
