// nn without the layers and functions that few models use.
export { Module, type Layer } from './module.ts'
export { Parameter } from './parameter.ts'
export type { LoadOptions, LoadResult, StateDict } from './state.ts'
export * from './layers/common.ts'
export * as functional from './functional/common.ts'
export * as init from './init.ts'
export * as utils from './utils.ts'
