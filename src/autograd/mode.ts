// Whether ops are recorded. One flag for both worlds.

let enabled = true

/** Whether ops on tensors that require a gradient are recorded. As `torch.is_grad_enabled`. */
export const isGradEnabled = (): boolean => enabled

function withGrad<T>(on: boolean, body: () => T): T {
  const before = enabled
  enabled = on
  let later = false
  try {
    const result = body()
    if (result instanceof Promise) {
      later = true
      return result.finally(() => (enabled = before)) as T
    }
    return result
  } finally {
    if (!later) enabled = before
  }
}

/**
 * Runs `body` (which may be async) without recording. As `torch.no_grad`.
 * An async body holds the switch until it settles: do not run training beside it.
 */
export const noGrad = <T>(body: () => T): T => withGrad(false, body)
/** Runs `body` with recording on, inside `noGrad`. As `torch.enable_grad`. */
export const enableGrad = <T>(body: () => T): T => withGrad(true, body)
