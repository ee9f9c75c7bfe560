// The golden matrix on webgpu, eager, as a page has it.
import { matrix } from '../golden/matrix.ts'

matrix('webgpu', 'eager')
