// The states of models as one, for ensembles.
import { fail } from '../core/errors.ts'
import { sameShape } from '../core/shape.ts'
import type { Module } from '../nn/module.ts'
import { stack } from '../ops/index.ts'
import type { Tensor } from '../ops/tensor.ts'

type State = Record<string, Tensor>

/**
 * Parameters and buffers of models of one kind, each of all models stacked along a new first axis: what `vmap` maps over to run them side by
 * side. Parameters are leaves that require a gradient where those of the models do. As `torch.func.stack_module_state`.
 *
 * @example
 * const models = [1, 2, 3].map(() => new nn.Linear(2, 4))
 * const [params, buffers] = func.stackModuleState(models)
 * params.weight.shape // → [ 3, 4, 2 ]
 * const run = func.vmap((p, b, x) => models[0].functionalCall({ ...p, ...b }, x), { inDims: [0, 0, null] })
 * run(params, buffers, ones(5, 2)).shape // → [ 3, 5, 4 ]
 */
export function stackModuleState(models: readonly Module[]): [params: State, buffers: State] {
  if (models.length === 0) fail('stackModuleState', 'there is no model', 'give a list of one or more')
  return [stacked(models.map(m => [...m.namedParameters()])), stacked(models.map(m => [...m.namedBuffers()]))]
}

function stacked(states: readonly (readonly (readonly [string, Tensor])[])[]): State {
  const [first] = states
  return Object.fromEntries(first.map(([name, x], i) => {
    const all = states.map((s, k) => {
      const y = s.length === first.length && s[i][0] === name ? s[i][1] : fail('stackModuleState', `model ${k} is of another kind: '${name}' is not at its place`, 'all models must be made in the same way')
      return sameShape(y.shape, x.shape) ? y.detach() : fail('stackModuleState', `'${name}' is ${x} in the first model, ${y} in model ${k}`, 'all must have the same sizes')
    })
    const y = stack(all)
    return [name, x.requiresGrad ? y.requiresGrad_() : y]
  }))
}
