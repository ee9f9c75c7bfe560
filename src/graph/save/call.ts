// A call as a file: the compiled function, its state, and the arguments, to be run again elsewhere. As `theano.function`'s function_dump.
import { fail } from '../../core/errors.ts'
import { noGrad } from '../../autograd/mode.ts'
import { storageOf } from '../../eager/storage.ts'
import { Tensor } from '../../ops/tensor.ts'
import { lasting } from '../../ops/world.ts'
import { isPlain } from '../arguments.ts'
import { needInside } from '../insight.ts'
import { pack, padded, unpack, type Json } from './file.ts'
import { fill, loadFunction, tensorIn, withHoles, type Fields, type LoadedArgument, type LoadedFunction } from './load.ts'
import { saveFunction, State, template } from './save.ts'

/** A compiled function, or one of expressions. */
type Callable<A extends unknown[]> = ((...args: A) => unknown) & { memory(...args: A): unknown }

/**
 * A call of a compiled function as bytes: the function with its state as they are now, and the arguments. Nothing is run, so a call that fails can be
 * written down as well; `loadCall` gives it back elsewhere, for a report of a fault.
 *
 * @throws LampasError when the function cannot be saved, or the arguments do not get as far as a plan: then the error is that of the call.
 * @example
 * const table = tensor([1, 2, 3])
 * const pick = compile((i) => table.gather(0, i))
 * const bytes = await dumpCall(pick, tensor(new Int32Array([7])))
 * loadCall(bytes).args // → [ tensor([7]) ]
 */
export async function dumpCall<A extends unknown[]>(f: Callable<A>, ...args: A): Promise<Uint8Array> {
  if (typeof f !== 'function' || typeof f.memory !== 'function') needInside('dumpCall', f)
  f.memory(...args)
  const state = new State()
  const copies: Tensor[] = []
  const call = template(args.map(plain), x => {
    if (!(x instanceof Tensor)) return fail('dumpCall', `an argument is a ${x.constructor.name}`, 'pass tensors, numbers and lists of them')
    const copy = noGrad(() => x.detach().clone())
    copies.push(copy)
    state.put(storageOf('dumpCall', copy), null, x.requiresGrad ? 'parameter' : 'argument', x.dtype, x.shape)
    return { $tensor: null }
  })
  const [bytes, values] = [await saveFunction(f), await state.read()]
  for (const x of copies) x.dispose()
  return pack({ call, size: bytes.length, memory: state.list }, [bytes, ...values])
}

/** Typed arrays as lists. */
const plain = (v: unknown): unknown =>
  ArrayBuffer.isView(v) ? Array.from(v as Float32Array)
  : Array.isArray(v) ? v.map(plain)
  : isPlain(v) ? Object.fromEntries(Object.entries(v).map(([k, x]) => [k, plain(x)]))
  : v

export interface LoadedCall<R = unknown> {
  /** The function, with the state that it had. */
  readonly f: LoadedFunction<R>
  readonly args: readonly LoadedArgument[]
  /** Calls the function with the arguments. */
  run(): R
}

/**
 * The call that `dumpCall` wrote down, on the current device: `run()` makes it, `f` and `args` are its parts.
 *
 * @throws LampasError when the bytes are damaged, or are a function without arguments.
 * @example
 * const w = tensor(2)
 * const double = compile((x) => x.mul(w))
 * const call = loadCall(await dumpCall(double, tensor([1, 2])))
 * call.run() // → tensor([2., 4.])
 */
export function loadCall<R = Tensor>(bytes: Uint8Array | ArrayBuffer): LoadedCall<R> {
  const { header, data } = unpack(bytes)
  if (!('call' in header)) fail('loadCall', 'these bytes are a function without arguments', 'loadFunction(bytes) gives it')
  const { call, size, memory } = header as { call: Json; size: number; memory: readonly Fields[] }
  const f = loadFunction<R>(data.slice(0, size))
  const values = data.subarray(padded(size))
  const tensors = memory.map(m => lasting(() => tensorIn(m, values)))
  let at = 0
  const args = fill(withHoles(call), () => tensors[at++]) as LoadedArgument[]
  return { f, args, run: () => f(...args) }
}
