// What runs the `attention` kernel on the backends that do not carry it by themselves.
import { attention } from './late.ts'
import { attend } from './reference/attention.ts'

export const provideAttention = (): void => attention.provide({ reference: attend, webgpu: async () => (await import('./webgpu/attention.ts')).lowerAttention })

/** Hands on a record that makes such kernels. Pages that have the record have what runs them; the others are rid of both. */
/* @__NO_SIDE_EFFECTS__ */
export function attending<T>(op: T): T {
  provideAttention()
  return op
}
