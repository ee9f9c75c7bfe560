// optim without the optimisers and schedules that few programs use.
export { Optimizer, ParamGroup, type GroupOptions, type OptimizerState } from './optimizer.ts'
export * from './optimizers.ts'
export * as lrScheduler from './lr-scheduler.ts'
