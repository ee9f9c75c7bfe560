// What every library brings to the benchmark: rows that it can run, from the same weights and data.
export interface Options {
  readonly device: 'wasm' | 'webgpu'
  readonly threads: number
}

/** Runs a row `count` times, waits for the result and returns the last loss of a training step. */
export type Run = (count: number) => Promise<number | undefined>

export interface Contender {
  /** Which rows it can run; each makes its data when it is called. */
  readonly rows: Readonly<Record<string, () => Run | Promise<Run>>>
  /** What runs underneath. */
  readonly detail: string
}

/** A training row: `step` queues one step and gives its loss, `read` waits for it. */
export const training = <L>(step: () => L, read: (loss: L) => Promise<number>): Run => async count => {
  let loss = 0
  for (let i = 0; i < count; i++) loss = await read(step())
  return loss
}

interface Page {
  prepare(row: string): Promise<void>
  round(count: number): Promise<{ ms: number; loss: number | undefined }>
}

/** Makes a page of the contender: the driver calls `window.open…` with options, then rows and rounds. */
export function enter(open: (options: Options) => Promise<Contender>): void {
  let run: Run | undefined
  const start = async (options: Options): Promise<{ rows: string[]; detail: string }> => {
    const contender = await open(options)
    const page: Page = {
      prepare: async row => {
        run = undefined
        run = await contender.rows[row]()
      },
      round: async count => {
        const begin = performance.now()
        const loss = await run!(count)
        return { ms: performance.now() - begin, loss }
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
