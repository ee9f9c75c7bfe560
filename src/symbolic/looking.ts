// Looking at values on their way: expressions and tensors pass through unchanged, in eager code at once, in compiled code in each run.
import { LampasError, fail, needFunction } from '../core/errors.ts'
import { noGrad } from '../autograd/mode.ts'
import { currentBackend } from '../eager/device.ts'
import { readAfter, Storage } from '../eager/storage.ts'
import { eager } from '../eager/world.ts'
import { describe, type Described } from '../ops/define.ts'
import { all, ne, Tensor, zeros } from '../ops/index.ts'
import { copy_ } from '../ops/inplace.ts'
import { format, formatAsync } from '../ops/print.ts'
import { lasting, world } from '../ops/world.ts'

type See = (values: Tensor) => void | Promise<void>

/** Lets `see` look at the values of x. In compiled code they are copied to memory of their own, which each run fills. */
function noted(x: Tensor, see: See, readers: readonly Tensor[]): void {
  if (x.device === 'meta') return
  if (world() !== eager) {
    const kept = lasting(() => zeros(x.shape, { dtype: x.dtype }))
    noGrad(() => copy_(kept, x.detach()))
    world().afterwards(() => see(kept))
    return
  }
  const kept = noGrad(() => x.detach().clone())
  const late = see(kept)
  if (late) readAfter(readers.flatMap(r => (r.source instanceof Storage ? [r.source] : [])), late.finally(() => kept.dispose()))
  else kept.dispose()
}

/** Whether values can be read at once. */
const atOnce = (): boolean => currentBackend().readSync !== undefined

/**
 * x itself; `see` gets a copy of its values whenever they are computed: in eager code now, in compiled code in each run. Inside of a loop it
 * sees every step.
 *
 * @example
 * const seen = []
 * const f = compile(x => symbolic.tap(x.mul(2), v => { seen.push(v.sum().itemSync()) }).exp())
 * f(tensor([1, 2]))
 * f(tensor([3, 4]))
 * seen // → [ 6, 14 ]
 */
export const tap: ((x: Tensor, see: See) => Tensor) & Described = describe((x: Tensor, see: See) => {
  needFunction('tap', see)
  noted(x, see, [])
  return x
}, 'tap', ['x', 'see'])

/**
 * x itself; its values are printed whenever they are computed, with a message in front. On `webgpu` they come when they are read, in the order of
 * the runs. As `theano.printing.Print`.
 *
 * @example
 * const x = symbolic.vector('x')
 * const f = symbolic.func({ inputs: [x], outputs: symbolic.print(x.mul(2), 'twice').sum() })
 * f([1, 2]) // → tensor(6.)
 */
export const print: ((x: Tensor, message?: string) => Tensor) & Described = describe((x: Tensor, message = '') => {
  const say = (text: string): void => console.log(message === '' ? text : `${message}: ${text}`)
  noted(x, v => (atOnce() ? say(format(v)) : formatAsync(v).then(say)), [])
  return x
}, 'print', ['x', 'message'])

/**
 * x itself, if conditions hold for all their elements; else the call throws an error with the message. In compiled code they are checked after each
 * run, when updates are made already. On `webgpu`, where nothing can be read at once, reading the results throws. As `theano.tensor.opt.Assert`.
 *
 * @throws LampasError when a condition does not hold.
 * @example
 * const x = symbolic.vector('x')
 * const f = symbolic.func({ inputs: [x], outputs: symbolic.assert(x, x.ge(0), 'no negative numbers').sqrt() })
 * f([4, 9]) // → tensor([2., 3.])
 */
export const assert: ((x: Tensor, condition: Tensor | boolean | readonly Tensor[], message?: string) => Tensor) & Described = describe(
  (x: Tensor, condition: Tensor | boolean | readonly Tensor[], message = 'a condition does not hold') => {
    const found = (on: number): LampasError | null => (on === 0 ? new LampasError('assert', message) : null)
    for (const c of Array.isArray(condition) ? (condition as readonly Tensor[]) : [condition as Tensor | boolean]) {
      if (!(c instanceof Tensor)) {
        if (!c) fail('assert', message)
        continue
      }
      noted(noGrad(() => all(ne(c, 0))), v => {
        if (!atOnce()) return v.item().then(on => told(found(on)))
        const error = found(v.itemSync())
        if (error) throw error
      }, [x])
    }
    return x
  }, 'assert', ['x', 'condition', 'message'])

/** An error that may come when nobody waits for it. */
function told(error: LampasError | null): void {
  if (!error) return
  console.error(error.message)
  throw error
}
