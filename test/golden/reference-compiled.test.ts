// The golden matrix on reference, compiled.
import { matrix } from './matrix.ts'

matrix('reference', 'compiled')
