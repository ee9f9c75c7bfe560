// nn.init: initial values.
export * from './init.ts'
export * from './init-more.ts'
