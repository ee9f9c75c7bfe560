// The golden matrix on webgpu, eager.
import { matrix } from './matrix.ts'

matrix('webgpu', 'eager')
