// The golden matrix on wasm, eager, as a page has it.
import { matrix } from '../golden/matrix.ts'

matrix('wasm', 'eager')
