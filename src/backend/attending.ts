// Importing this module brings the `attention` kernel to the backends that do not carry it by themselves.
import { provideAttending } from './late.ts'
import { attend } from './reference/attention.ts'
import { lowerAttention } from './webgpu/attention.ts'

provideAttending({ reference: attend, webgpu: lowerAttention })
