// The golden matrix on wasm, eager.
import { matrix } from './matrix.ts'

matrix('wasm', 'eager', 1)
matrix('wasm', 'eager', 2)
