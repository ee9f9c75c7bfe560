// The golden matrix on wasm, compiled.
import { matrix } from './matrix.ts'

matrix('wasm', 'compiled', 1)
matrix('wasm', 'compiled', 2)
