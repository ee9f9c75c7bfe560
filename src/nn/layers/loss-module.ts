// What loss modules share: the options are fixed when they are made.
import { fail, nearest } from '../../core/errors.ts'
import type { Described } from '../../ops/define.ts'
import { Tensor } from '../../ops/index.ts'
import { Module } from '../module.ts'

/** A module that calls a loss of the inputs `I` with options given once. Tensors among them are buffers, as in PyTorch. */
export abstract class LossModule<O extends object, I extends readonly unknown[] = [input: Tensor, target: Tensor]> extends Module {
  private readonly plain: Partial<O>
  private readonly tensors: readonly string[]

  constructor(
    private readonly loss: ((...args: [...I, O?]) => Tensor) & Described,
    options: O,
    inputs = 2,
  ) {
    super()
    const known = loss.paramNames.slice(inputs).filter(n => n !== '*')
    for (const key of Object.keys(options))
      if (!known.includes(key)) {
        const guess = nearest(key, known)
        fail(this.constructor.name, `unknown option '${key}'`, `${guess ? `did you mean '${guess}'? ` : ''}Options: ${known.join(', ')}`)
      }
    const entries = Object.entries(options)
    this.plain = Object.fromEntries(entries.filter(([, v]) => !(v instanceof Tensor))) as Partial<O>
    this.tensors = entries.filter(([, v]) => v instanceof Tensor).map(([key, v]) => (this.registerBuffer(key, v as Tensor), key))
  }

  override forward(...inputs: I): Tensor {
    const buffers = Object.fromEntries(this.tensors.map(key => [key, Reflect.get(this, key) as Tensor]))
    return this.loss(...inputs, { ...this.plain, ...buffers } as O)
  }
}
