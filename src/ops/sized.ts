// Ops whose result's size depends on values. Each is written once, as a generator that yields the tensors that it must know (counts, as a
// rule) and is given their values. From it come two functions: one that reads at once, and a twin, `nonzeroAsync`, that awaits.
import type { TypedArray } from '../core/dtype.ts'
import { LampasError, fail } from '../core/errors.ts'
import { beside, define, type Described } from './define.ts'
import type { Tensor } from './tensor.ts'

/** Yields tensors to be read, is given their values, and returns a result. Steps compose with `yield*`. */
export type Reading<R> = Generator<Tensor, R, TypedArray>

type Fn = (...args: never[]) => unknown
export type Later<F extends Fn> = ((...args: Parameters<F>) => Promise<ReturnType<F>>) & Described

/**
 * The two forms of an op: `[nonzero, nonzeroAsync] = sized('nonzero', ['input'], function* ({ input }) { … })`. The first throws on a device
 * that cannot be read at once, both throw in a trace. Names and body are as for `define`.
 */
export function sized<F extends Fn, A extends object>(name: string, names: readonly string[], body: (args: A) => Reading<ReturnType<F>>): readonly [F & Described, Later<F>] {
  return [define<F, A>(name, names, args => readNow(name, body(args))), define<Later<F>, A>(`${name}Async`, names, args => readLater(body(args)))]
}

/** Runs a reading to its end at once. */
export function readNow<R>(name: string, reading: Reading<R>): R {
  let step = reading.next()
  while (!step.done) step = reading.next(valuesNow(name, step.value))
  return step.value
}

function valuesNow(name: string, x: Tensor): TypedArray {
  try {
    return x.dataSync()
  } catch (error) {
    if (error instanceof LampasError && error.op === 'dataSync') fail(name, `the size of its result depends on values, and ${error.problem}`, `use \`await ${name}Async(…)\`, which works on every device`)
    throw error
  }
}

/** Runs a reading to its end. Up to the first read it runs at once, so that a trace hears of it and inputs are those of this moment. */
export function readLater<R>(reading: Reading<R>): Promise<R> {
  const step = reading.next()
  return step.done ? Promise.resolve(step.value) : goOn(reading, step.value, step.value.data())
}

/** Whatever the current device is by then, the work goes on where it began. */
async function goOn<R>(reading: Reading<R>, asked: Tensor, first: Promise<TypedArray>): Promise<R> {
  let values = await first
  let step = beside(asked, () => reading.next(values))
  while (!step.done) {
    values = await step.value.data()
    step = beside(asked, () => reading.next(values))
  }
  return step.value
}
