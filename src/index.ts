// Lampas: deep learning in the page. This is the public entry.
export * from './lite.ts'
export * from './ops/extended.ts'
export * from './graph/print/index.ts'
export * from './graph/save/index.ts'
import './graph/whole.ts'
export * as nn from './nn/index.ts'
export { load, save, type Savable } from './io/index.ts'
export * as symbolic from './symbolic/index.ts'
