// All layers, containers and losses.
export * from './common.ts'
export * from './rare.ts'
