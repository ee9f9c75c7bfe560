// Recurrent layers over whole sequences, with PyTorch's parameters and their order: Elman 1990 (RNN), Hochreiter & Schmidhuber 1997 (LSTM), Cho et
// al. 2014 (GRU). The inputs of all steps go through one product; what is left for each step is the product with the state and the gates.
import { fail } from '../../core/errors.ts'
import { needWhole, withDefaults } from '../../core/options.ts'
import { sameShape, type Shape } from '../../core/shape.ts'
import { filledBeside } from '../../ops/creation.ts'
import { cat, empty, linear, stack, type Tensor } from '../../ops/index.ts'
import { dropout } from '../functional/dropout.ts'
import { uniform_ } from '../init.ts'
import { Module } from '../module.ts'
import { Parameter } from '../parameter.ts'
import { gruStep, lstmStep, rnnStep, type Nonlinearity } from './recurrent-steps.ts'

export interface RecurrentOptions {
  /** Layers on top of each other. Default 1. */
  numLayers?: number
  bias?: boolean
  /** Sequences are [N, L, E]; false (the default): [L, N, E]. */
  batchFirst?: boolean
  /** Share of values dropped between layers in training. */
  dropout?: number
  /** A second row of layers reads the sequence from its end; both results stand side by side. */
  bidirectional?: boolean
}
export interface RnnOptions extends RecurrentOptions {
  nonlinearity?: Nonlinearity
}
export interface LstmOptions extends RecurrentOptions {
  /** Size that the state is projected to (Sak et al. 2014); 0: none. */
  projSize?: number
}
const defaults: Required<RecurrentOptions> = { numLayers: 1, bias: true, batchFirst: false, dropout: 0, bidirectional: false }

/** A state is one tensor or several, each [N, …] within a layer and [layers · directions, N, …] for the caller. */
type State = readonly Tensor[]
/** The next state from the input's part of the gates, the state's part of them, and the state. */
type Step = (fromInput: Tensor, fromState: Tensor, state: State) => State

interface Weights {
  readonly weightIh: Tensor
  readonly weightHh: Tensor
  readonly biasIh: Tensor | null
  readonly biasHh: Tensor | null
  /** Of the projection. */
  readonly weightHr: Tensor | null
}

abstract class Recurrent extends Module {
  readonly numLayers: number
  readonly batchFirst: boolean
  readonly dropout: number
  readonly bidirectional: boolean
  readonly bias: boolean

  /** `widths` are the sizes of the parts of a state; the first is that of the output. */
  constructor(
    readonly inputSize: number,
    readonly hiddenSize: number,
    gates: number,
    options: Required<RecurrentOptions>,
    private readonly widths: readonly number[],
  ) {
    super()
    const { numLayers, bias, batchFirst, dropout: drop, bidirectional } = options
    needWhole(this.constructor.name, { inputSize, hiddenSize, numLayers })
    if (!(drop >= 0 && drop <= 1)) fail(this.constructor.name, `dropout is ${drop}`, 'give a probability between 0 and 1')
    this.numLayers = numLayers
    this.bias = bias
    this.batchFirst = batchFirst
    this.dropout = drop
    this.bidirectional = bidirectional
    const bound = 1 / Math.sqrt(hiddenSize)
    const out = widths[0]
    const add = (name: string, suffix: string, ...shape: number[]): void => {
      const p = new Parameter(empty(shape))
      uniform_(p, -bound, bound)
      Object.assign(this, { [name + suffix]: p })
    }
    for (let layer = 0; layer < numLayers; layer++)
      for (const suffix of this.suffixes(layer)) {
        add('weightIh', suffix, gates * hiddenSize, layer === 0 ? inputSize : out * this.directions)
        add('weightHh', suffix, gates * hiddenSize, out)
        if (bias) for (const name of ['biasIh', 'biasHh']) add(name, suffix, gates * hiddenSize)
        if (out !== hiddenSize) add('weightHr', suffix, out, hiddenSize)
      }
  }

  private get directions(): number {
    return this.bidirectional ? 2 : 1
  }

  private suffixes(layer: number): string[] {
    return this.bidirectional ? [`L${layer}`, `L${layer}Reverse`] : [`L${layer}`]
  }

  private weights(suffix: string): Weights {
    const get = (name: string): Tensor | null => (Reflect.get(this, name + suffix) as Tensor | undefined) ?? null
    return { weightIh: get('weightIh')!, weightHh: get('weightHh')!, biasIh: get('biasIh'), biasHh: get('biasHh'), weightHr: get('weightHr') }
  }

  protected abstract step: Step

  /** The last layer's outputs of all steps, and the last state of each layer and direction. */
  protected run(x: Tensor, given: State | null): { output: Tensor; state: State } {
    const op = this.constructor.name
    if ((x.ndim !== 2 && x.ndim !== 3) || x.shape[x.ndim - 1] !== this.inputSize) fail(op, `expected ${this.batchFirst ? '[N, L, E]' : '[L, N, E]'} or [L, E] with E = ${this.inputSize}, got ${x}`, 'the last size is inputSize')
    const single = x.ndim === 2
    const steps = single ? x.unsqueeze(1) : this.batchFirst ? x.transpose(0, 1) : x
    const [length, batch] = steps.shape
    if (length === 0) fail(op, `${x} has no steps`, 'give at least one')
    const rows = this.numLayers * this.directions
    const start = this.widths.map((width, i): Tensor => {
      const s = given?.[i]
      if (!s) return filledBeside(op, x, [rows, batch, width], 0)
      const want: Shape = single ? [rows, width] : [rows, batch, width]
      if (!sameShape(s.shape, want)) fail(op, `the state ${s} is not [${want}]`, '[layers · directions, batch, size]')
      return single ? s.unsqueeze(1) : s
    })
    const last: State[] = []
    let y = steps
    for (let layer = 0; layer < this.numLayers; layer++) {
      if (layer > 0) y = dropout(y, this.dropout, { training: this.dropout > 0 && this.training })
      const sides = this.suffixes(layer).map((suffix, side) => {
        const { outputs, state } = this.sweep(y, this.weights(suffix), start.map(s => s.select(0, layer * this.directions + side)), side === 1)
        last.push(state)
        return outputs
      })
      y = sides.length > 1 ? cat(sides, 2) : sides[0]
    }
    const state = this.widths.map((_, i) => stack(last.map(s => s[i]), 0))
    return {
      output: single ? y.squeeze(1) : this.batchFirst ? y.transpose(0, 1) : y,
      state: single ? state.map(s => s.squeeze(1)) : state,
    }
  }

  /** One layer in one direction. */
  private sweep(x: Tensor, w: Weights, start: State, backwards: boolean): { outputs: Tensor; state: State } {
    const inputs = linear(x, w.weightIh, w.biasIh)
    const outputs: Tensor[] = []
    let state = start
    for (let i = 0; i < x.shape[0]; i++) {
      const t = backwards ? x.shape[0] - 1 - i : i
      const [h, ...rest] = this.step(inputs.select(0, t), linear(state[0], w.weightHh, w.biasHh), state)
      state = [w.weightHr ? linear(h, w.weightHr) : h, ...rest]
      outputs.push(state[0])
    }
    return { outputs: stack(backwards ? outputs.reverse() : outputs, 0), state }
  }

  override extraRepr(): string {
    const { numLayers, bias, batchFirst, dropout: drop, bidirectional } = this
    const shown = Object.entries({ numLayers, bias, batchFirst, dropout: drop, bidirectional }).filter(([k, v]) => v !== defaults[k as keyof RecurrentOptions])
    return [this.inputSize, this.hiddenSize, ...shown.map(([k, v]) => `${k}=${String(v)}`)].join(', ')
  }
}

/**
 * hₜ = tanh(W_ih·xₜ + b_ih + W_hh·hₜ₋₁ + b_hh), or relu: sequences [L, N, E] (or [N, L, E] with `batchFirst`, or [L, E]) → [outputs of the last layer,
 * last states [layers · directions, N, H]]. As `torch.nn.RNN`.
 */
export class RNN extends Recurrent {
  protected override step: Step

  constructor(inputSize: number, hiddenSize: number, options: RnnOptions = {}) {
    const { nonlinearity, ...rest } = withDefaults<Required<RnnOptions>>('RNN', options, { ...defaults, nonlinearity: 'tanh' })
    if (nonlinearity !== 'tanh' && nonlinearity !== 'relu') fail('RNN', `there is no nonlinearity '${String(nonlinearity)}'`, "'tanh' or 'relu'")
    super(inputSize, hiddenSize, 1, rest, [hiddenSize])
    this.step = (x, h) => [rnnStep(x, h, nonlinearity)]
  }

  override forward(x: Tensor, h0?: Tensor | null): [output: Tensor, h: Tensor] {
    const { output, state } = this.run(x, h0 ? [h0] : null)
    return [output, state[0]]
  }
}

/**
 * Gated recurrent units (Cho et al. 2014): sequences [L, N, E] → [outputs, last states]. As `torch.nn.GRU`.
 *
 * @example
 * const gru = new nn.GRU(4, 8, { batchFirst: true, bidirectional: true })
 * const [y, h] = gru.forward(randn(2, 5, 4))
 * y.shape // → [ 2, 5, 16 ]
 * h.shape // → [ 2, 2, 8 ]
 */
export class GRU extends Recurrent {
  protected override step: Step = (x, h, state) => [gruStep(x, h, state[0])]

  constructor(inputSize: number, hiddenSize: number, options: RecurrentOptions = {}) {
    super(inputSize, hiddenSize, 3, withDefaults('GRU', options, defaults), [hiddenSize])
  }

  override forward(x: Tensor, h0?: Tensor | null): [output: Tensor, h: Tensor] {
    const { output, state } = this.run(x, h0 ? [h0] : null)
    return [output, state[0]]
  }
}

/**
 * Long short-term memory (Hochreiter & Schmidhuber 1997): sequences [L, N, E] → [outputs, [last states h, last cells c]]. As `torch.nn.LSTM`.
 *
 * @example
 * const lstm = new nn.LSTM(4, 8, { numLayers: 2, batchFirst: true })
 * const [y, [h, c]] = lstm.forward(randn(3, 5, 4))
 * y.shape // → [ 3, 5, 8 ]
 * c.shape // → [ 2, 3, 8 ]
 */
export class LSTM extends Recurrent {
  protected override step: Step = (x, h, [, c]) => lstmStep(x, h, c)

  constructor(inputSize: number, hiddenSize: number, options: LstmOptions = {}) {
    const { projSize, ...rest } = withDefaults<Required<LstmOptions>>('LSTM', options, { ...defaults, projSize: 0 })
    needWhole('LSTM', { projSize }, 0)
    if (projSize >= hiddenSize) fail('LSTM', `projSize ${projSize} is not below hiddenSize ${hiddenSize}`, 'a projection makes the state smaller')
    super(inputSize, hiddenSize, 4, rest, [projSize || hiddenSize, hiddenSize])
  }

  override forward(x: Tensor, state0?: readonly [h0: Tensor, c0: Tensor] | null): [output: Tensor, state: [h: Tensor, c: Tensor]] {
    const { output, state } = this.run(x, state0 ?? null)
    return [output, [state[0], state[1]]]
  }
}
