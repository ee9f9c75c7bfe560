// nn: modules, layers, losses, initial values.
export { Module, type Layer } from './module.ts'
export { Parameter } from './parameter.ts'
export type { LoadOptions, LoadResult, StateDict } from './state.ts'
export * from './layers/index.ts'
export * as functional from './functional/index.ts'
export * as init from './inits.ts'
export * as utils from './utils.ts'
