// The golden matrix on webgpu, compiled.
import { matrix } from './matrix.ts'

matrix('webgpu', 'compiled')
