// The golden matrix on reference, eager.
import { matrix } from './matrix.ts'

matrix('reference', 'eager')
