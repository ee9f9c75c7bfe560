// The golden matrix on webgpu, compiled, as a page has it.
import { matrix } from '../golden/matrix.ts'

matrix('webgpu', 'compiled')
