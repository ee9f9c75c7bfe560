// nn.functional: layers and losses as functions, without state.
export * from './common.ts'
export * from './rare.ts'
