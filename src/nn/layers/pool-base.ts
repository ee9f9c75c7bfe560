// What pooling layers share.
import { withDefaults } from '../../core/options.ts'
import { formatShape } from '../../core/shape.ts'
import type { Size } from '../../ops/spatial.ts'
import { Module } from '../module.ts'

export const sizeRepr = (v: Size | null): string => (v === null || typeof v === 'number' ? String(v) : formatShape(v))

export abstract class Pool<O extends object> extends Module {
  protected readonly options: O & { stride: Size }

  constructor(
    readonly kernelSize: Size,
    options: object,
    defaults: O,
  ) {
    super()
    const { stride, ...rest } = withDefaults<O & { stride: Size | null }>(this.constructor.name, options, { ...defaults, stride: null })
    this.options = { ...(rest as unknown as O), stride: stride ?? kernelSize }
  }

  override extraRepr(): string {
    return `${sizeRepr(this.kernelSize)}${sizeRepr(this.options.stride) === sizeRepr(this.kernelSize) ? '' : `, stride=${sizeRepr(this.options.stride)}`}`
  }
}
