// Importing this module brings the `factor` kernel to the backends that do not carry it by themselves.
import { factor } from './late.ts'
import { factorise } from './reference/factor.ts'

factor.provide({ reference: factorise, webgpu: async () => (await import('./webgpu/factor.ts')).lowerFactor })
