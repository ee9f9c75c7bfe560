// The golden matrix on wasm, compiled, as a page has it.
import { matrix } from '../golden/matrix.ts'

matrix('wasm', 'compiled')
