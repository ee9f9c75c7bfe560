// optim: optimisers and learning-rate schedules.
export { Optimizer, ParamGroup, type GroupOptions, type OptimizerState } from './optimizer.ts'
export * from './optimizers.ts'
export * from './optimizers-more.ts'
export * as lrScheduler from './lr-schedulers.ts'
