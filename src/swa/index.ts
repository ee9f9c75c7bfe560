// Averages of a model's weights over the steps of its training, which are often better than the last ones: stochastic weight averaging
// (Izmailov et al. 2018) and exponential moving averages. As `torch.optim.swa_utils`.
import { noGrad } from '../autograd/mode.ts'
import { isFloat } from '../core/dtype.ts'
import { fail, needFunction } from '../core/errors.ts'
import { withDefaults } from '../core/options.ts'
import type { InputsOf, LoadResult, Module, OutputOf, StateDict } from '../nn/index.ts'
import { loadInto } from '../nn/state.ts'
import { where, zeros, type Tensor } from '../ops/index.ts'
import { addOp, assign, copy_ } from '../ops/inplace.ts'
import { lasting, world } from '../ops/world.ts'

/** The new average, from the old one, the current value, and how many values are in the average already (0-dim). */
export type AvgFn = (averaged: Tensor, current: Tensor, numAveraged: Tensor) => Tensor

/**
 * All steps count alike. As `torch.optim.swa_utils.get_swa_avg_fn`.
 * @example swa.getSwaAvgFn()(tensor([1]), tensor([4]), tensor(2)) // → tensor([2.])
 */
export const getSwaAvgFn = (): AvgFn => (averaged, current, n) => averaged.add(current.sub(averaged).div(n.add(1)))

/**
 * With each step what was there before counts `decay` times as much. As `torch.optim.swa_utils.get_ema_avg_fn`.
 * @example swa.getEmaAvgFn(0.75)(tensor([1]), tensor([5]), tensor(2)) // → tensor([2.])
 */
export function getEmaAvgFn(decay = 0.999): AvgFn {
  if (!(decay >= 0 && decay <= 1)) fail('getEmaAvgFn', `decay is ${decay}`, 'give a number from 0 to 1')
  return (averaged, current) => averaged.mul(decay).add(current.mul(1 - decay))
}

export interface AveragedModelOptions {
  /** How a value comes into the average. Default `getSwaAvgFn()`. */
  avgFn?: AvgFn
  /** Average buffers too, such as running statistics; otherwise those of the model serve. Default false. */
  useBuffers?: boolean
}

/**
 * A model with averages of its weights. `updateParameters()` after each step takes the current ones in, in a compiled step too; `forward` computes with
 * the averages. As `torch.optim.swa_utils.AveragedModel`.
 *
 * @example
 * const model = new nn.Linear(2, 1)
 * const ema = new swa.AveragedModel(model, { avgFn: swa.getEmaAvgFn(0.9) })
 * const sgd = new optim.SGD(model.parameters(), { lr: 0.1 })
 * for (let i = 0; i < 3; i++) {
 *   sgd.zeroGrad()
 *   model.forward(ones(4, 2)).square().mean().backward()
 *   sgd.step()
 *   ema.updateParameters()
 * }
 * ema.forward(ones(4, 2)).shape // → [ 4, 1 ]
 * Object.keys(ema.stateDict()) // → [ 'n_averaged', 'module.weight', 'module.bias' ]
 */
export class AveragedModel<M extends Module> {
  /** How many steps are in the averages: 0-dim, not read. */
  readonly nAveraged = lasting(() => zeros([]))
  /** By the names of the model's `stateDict()`: `model.loadStateDict(ema.averages, { strict: false })` leaves the model with them. */
  readonly averages: StateDict = {}
  private readonly avgFn: AvgFn
  private readonly useBuffers: boolean

  constructor(
    readonly module: M,
    options: AveragedModelOptions = {},
  ) {
    const { avgFn, useBuffers } = withDefaults<Required<AveragedModelOptions>>('AveragedModel', options, { avgFn: getSwaAvgFn(), useBuffers: false })
    needFunction('AveragedModel', avgFn)
    this.avgFn = avgFn
    this.useBuffers = useBuffers
    for (const [name, x] of this.current(module)) this.averages[name] = lasting(() => noGrad(() => x.clone()))
  }

  private current(model: Module): Map<string, Tensor> {
    model.parameters()
    return new Map<string, Tensor>([...model.namedParameters(), ...(this.useBuffers ? model.namedBuffers() : [])])
  }

  /** Takes the weights of the model (or of another of the same make) into the averages. As `torch.optim.swa_utils.AveragedModel.update_parameters`. */
  updateParameters(model: Module = this.module): void {
    const current = this.current(model)
    noGrad(() => world().tidy(() => {
      const isFirst = this.nAveraged.eq(0)
      for (const [name, average] of Object.entries(this.averages)) {
        const x = current.get(name) ?? fail('updateParameters', `the model has no '${name}'`, 'give the model that is averaged, or one of the same make')
        copy_(average, isFloat(x.dtype) ? where(isFirst, x, this.avgFn(average, x, this.nAveraged)) : x)
      }
      assign(addOp, this.nAveraged, 1)
      return []
    }))
  }

  /** What the model gives with the averages in place of its weights. */
  forward(...inputs: InputsOf<M>): OutputOf<M> {
    return (this.module as unknown as Module & { forward(...inputs: InputsOf<M>): OutputOf<M> }).functionalCall(this.averages, ...inputs)
  }

  /** The averages and how many steps are in them, under PyTorch's names. They share memory with this object. */
  stateDict(): StateDict {
    return { n_averaged: this.nAveraged, ...Object.fromEntries(Object.entries(this.averages).map(([name, x]) => [`module.${name}`, x])) }
  }

  /** Takes over what `stateDict()` gave. @throws LampasError when names or shapes do not fit. */
  loadStateDict(state: StateDict): Promise<LoadResult> {
    return loadInto(new Map(Object.entries(this.stateDict())), state, {})
  }
}
