// One error class. A message names the op, what was given, what was expected, and the likely fix.

export class LampasError extends Error {
  override readonly name: string = 'LampasError'
  constructor(
    readonly op: string,
    readonly problem: string,
    readonly help?: string,
  ) {
    // A problem of several lines is a table.
    const [end, gap] = problem.includes('\n') ? ['', '\n'] : ['.', ' ']
    super(`[${op}] ${problem}${end}${help ? `${gap}help: ${help}` : ''}`)
  }
}

/** The graphics device went away; every tensor on it is gone with it. */
export class DeviceLostError extends LampasError {
  override readonly name = 'DeviceLostError'
}

/** The cost does not depend on what it is to be differentiated by. As `theano.gradient.DisconnectedInputError`. */
export class DisconnectedInputError extends LampasError {
  override readonly name = 'DisconnectedInputError'
}

/** Something on the way has no derivative: whole numbers, an op without one. As `theano.gradient.NullTypeGradError`. */
export class NoGradientError extends LampasError {
  override readonly name = 'NoGradientError'
}

/** An index points outside of its axis. Kernels find it out, and know no more than that they gather or scatter. */
export class IndexError extends LampasError {}

/** The same fault, named after the function that was called. */
export const asFaultOf = (op: string, error: unknown): unknown => (error instanceof IndexError ? new IndexError(op, error.problem, error.help) : error)

export function fail(op: string, problem: string, help?: string): never {
  throw new LampasError(op, problem, help)
}

/** Throws unless `body` is a function. */
export function needFunction(op: string, body: unknown): void {
  if (typeof body !== 'function') fail(op, `expected a function, got ${body instanceof Promise ? 'a Promise' : typeof body}`, `${op}(() => …)`)
}

/** A fault of Lampas itself, never of its user. */
export function internal(message: string): never {
  throw new Error(`internal: ${message}. Please report this.`)
}

/** The known name nearest to a misspelt one, for "did you mean". */
export function nearest(name: string, known: readonly string[]): string | undefined {
  let best: string | undefined
  let bestDistance = Math.max(2, Math.floor(name.length / 3)) + 1
  for (const k of known) {
    const d = editDistance(name.toLowerCase(), k.toLowerCase())
    if (d < bestDistance) [best, bestDistance] = [k, d]
  }
  return best
}

function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) next[j] = Math.min(row[j] + 1, next[j - 1] + 1, row[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1))
    row = next
  }
  return row[b.length]
}
