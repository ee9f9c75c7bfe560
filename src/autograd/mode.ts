// Whether ops are recorded. One flag for both worlds.
import { needFunction } from '../core/errors.ts'

let enabled = true
/** The open noGrad and enableGrad bodies; the last one rules. Async ones may end in any order. */
const open: { readonly on: boolean }[] = []

/**
 * Whether ops on tensors that require a gradient are recorded. As `torch.is_grad_enabled`.
 * @example noGrad(() => isGradEnabled()) // → false
 */
export const isGradEnabled = (): boolean => enabled

function withGrad<T>(name: string, on: boolean, body: () => T): T {
  needFunction(name, body)
  const mine = { on }
  open.push(mine)
  enabled = on
  const leave = (): void => {
    open.splice(open.lastIndexOf(mine), 1)
    enabled = open.at(-1)?.on ?? true
  }
  let later = false
  try {
    const result = body()
    if (result instanceof Promise) {
      later = true
      return result.finally(leave) as T
    }
    return result
  } finally {
    if (!later) leave()
  }
}

/**
 * Runs `body` (which may be async) without recording. As `torch.no_grad`.
 * An async body holds the switch until it settles: do not run training beside it.
 * @example noGrad(() => tensor([1], { requiresGrad: true }).mul(2)).requiresGrad // → false
 */
export const noGrad = <T>(body: () => T): T => withGrad('noGrad', false, body)
/**
 * Runs `body` with recording on, inside `noGrad`. As `torch.enable_grad`.
 * @example noGrad(() => enableGrad(() => tensor([1], { requiresGrad: true }).mul(2))).requiresGrad // → true
 */
export const enableGrad = <T>(body: () => T): T => withGrad('enableGrad', true, body)
