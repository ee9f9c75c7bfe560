// The classic script `lampas.min.js`: the whole library in one file.
import './embedded.ts'

export * from './index.ts'
export * as debug from './debug/index.ts'
