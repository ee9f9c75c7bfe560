// Misuse: calls that PyTorch refuses. Each must throw an error of ours that names what is wrong.
import { LampasError, Tensor, compile } from '../../src/index.ts'
import { Missing, argument, build, callTorch, describeError, runEach, type GoldenOptions, type Result } from './adapter.ts'
import { floatOf, type ErrorCase, type ErrorManifest, type Inline } from './format.ts'

const arrays = { float32: Float32Array, int32: Int32Array, bool: Uint8Array, complex64: Float32Array }

function made(s: Inline): Tensor {
  const size = s.shape.reduce((n, d) => n * d, 1) * (s.dtype === 'complex64' ? 2 : 1)
  const values = s.values?.flat().map(v => (typeof v === 'boolean' ? Number(v) : floatOf(v))) ?? new Array<number>(size).fill(s.fill ?? 0)
  return build(s, arrays[s.dtype as keyof typeof arrays].from(values))
}

/** The case's answer: a message when it did not throw as it should. */
async function verdict(c: ErrorCase, compiled: boolean): Promise<string | null> {
  const inputs = c.inputs.map(made)
  const pytorch = c.error.message.split('\n')[0].slice(0, 160)
  const call = (xs: readonly Tensor[]): unknown => {
    const at = (i: number | string): Tensor => xs[i as number]
    return callTorch(c.op, c.call, c.args.map(v => argument(v, at, c.op)), Object.fromEntries(Object.entries(c.kwargs).map(([k, v]) => [k, argument(v, at, c.op)])))
  }
  try {
    const y = await (compiled ? compile((xs: readonly Tensor[]) => call(xs))(inputs) : call(inputs))
    // A wrong value is found where the values are: on the device, which says so with the next read.
    for (const x of y instanceof Tensor ? [y] : typeof y === 'object' && y !== null ? Object.values(y) : []) if (x instanceof Tensor) await x.data()
    return `does not throw, gives ${y instanceof Tensor ? String(y) : typeof y}; PyTorch: ${pytorch}`
  } catch (error) {
    if (error instanceof Missing) return error.message
    return error instanceof LampasError ? null : `throws ${describeError(error)}; PyTorch: ${pytorch}`
  }
}

export const runErrors = (manifest: ErrorManifest, options: GoldenOptions<ErrorCase>): Promise<Result[]> =>
  runEach(manifest.cases, options, async c => {
    const message = await verdict(c, options.world === 'compiled')
    return [message, message === null ? 0 : Infinity]
  })
