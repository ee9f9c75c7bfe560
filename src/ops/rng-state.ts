// The state of the default random stream, to keep and to put back.
import { fail } from '../core/errors.ts'
import { copy_ } from './inplace.ts'
import { defaultGenerator } from './random.ts'
import type { Tensor } from './tensor.ts'

/**
 * A copy of the state of the default generator, int32 [2]: the seed and the number of draws. As `torch.get_rng_state`.
 * @example
 * manualSeed(3)
 * getRngState() // → tensor([3, 0])
 */
export const getRngState = (): Tensor => defaultGenerator().state.clone()

/**
 * Puts the default generator back into a state that `getRngState` gave. As `torch.set_rng_state`.
 * @example
 * const state = getRngState()
 * const first = rand(3)
 * setRngState(state)
 * equal(rand(3), first) // → true
 */
export function setRngState(state: Tensor): void {
  const { state: own } = defaultGenerator()
  if (state.dtype !== 'int32' || state.numel !== own.numel) fail('setRngState', `${state} is not the state of a generator`, 'give what getRngState() returned')
  copy_(own, state)
}

/**
 * Runs `body`, which may be async, and puts the default generator back to where it was. As `torch.random.fork_rng`.
 * @example
 * manualSeed(1)
 * forkRng(() => rand(100))
 * getRngState() // → tensor([1, 0])
 */
export function forkRng<T>(body: () => T): T {
  const state = getRngState()
  const restore = (): void => {
    setRngState(state)
    state.dispose()
  }
  let result: T
  try {
    result = body()
  } catch (error) {
    restore()
    throw error
  }
  if (!(result instanceof Promise)) {
    restore()
    return result
  }
  return result.finally(restore) as T
}

/**
 * The seed from which the default generator started. As `torch.initial_seed`.
 * @example
 * manualSeed(42)
 * await initialSeed() // → 42
 */
export const initialSeed = (): Promise<number> => defaultGenerator().state.select(0, 0).item()
