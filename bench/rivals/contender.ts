// What every library brings to the benchmark: rows that it can run, from the same weights and data.
export interface Options {
  readonly device: 'wasm' | 'webgpu'
  readonly threads: number
}

/** Runs a row `count` times and gives its last value: the loss of a training step, else the first element of the result. */
export type Run = (count: number) => Promise<number>

export interface Contender {
  /** Which rows it can run; each makes its data when it is called. */
  readonly rows: Readonly<Record<string, () => Run | Promise<Run>>>
  /** What runs underneath. */
  readonly detail: string
}

/**
 * The rule of the clock, the same for all: a call counts when its result is there, and the next one begins only then. Libraries that are
 * lazy or work elsewhere (on the GPU, in workers) hand out results that nobody has computed yet. So `read` waits for each result by
 * reading its first element; a library that has a cheaper way to wait brings it as `wait`, and reads the last result alone.
 */
export const finished = <R>(call: () => R, read: (result: R) => Promise<number>, wait?: (result: R) => Promise<void>): Run => async count => {
  for (let i = 1; i < count; i++) await (wait ?? read)(call())
  return read(call())
}

interface Page {
  prepare(row: string): Promise<void>
  round(count: number): Promise<{ ms: number; value: number }>
}

/** Makes a page of the contender: the driver calls `start` with options, then rows and rounds; or, in an empty page, `cold`. */
export function enter(open: (options: Options) => Promise<Contender>): void {
  const start = async (options: Options): Promise<{ rows: string[]; detail: string }> => {
    const contender = await open(options)
    let run: Run | undefined
    const page: Page = {
      prepare: async row => {
        run = await contender.rows[row]()
      },
      round: async count => {
        const begin = performance.now()
        const value = await run!(count)
        return { ms: performance.now() - begin, value }
      },
    }
    Object.assign(globalThis, { bench: page })
    return { rows: Object.keys(contender.rows), detail: contender.detail }
  }
  /** From an empty page to the first finished training step. */
  const cold = async (options: Options): Promise<number> => {
    const { rows } = await open(options)
    await (await rows['MLP step']())(1)
    return performance.now()
  }
  Object.assign(globalThis, { start, cold })
}
