// Importing this module brings the `factor` kernel to the backends that do not carry it by themselves.
import { provideFactoring } from './late.ts'
import { factorise } from './reference/factor.ts'
import { lowerFactor } from './webgpu/factor.ts'

provideFactoring({ reference: factorise, webgpu: lowerFactor })
