// Importing this module brings the `attention` kernel to the backends that do not carry it by themselves.
import { attention } from './late.ts'
import { attend } from './reference/attention.ts'

attention.provide({ reference: attend, webgpu: async () => (await import('./webgpu/attention.ts')).lowerAttention })
