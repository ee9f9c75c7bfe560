// optim: optimisers and learning-rate schedules.
export { Optimizer, ParamGroup, type GroupOptions, type OptimizerState } from './optimizer.ts'
export { Adagrad, Adam, AdamW, RMSprop, SGD, type AdagradOptions, type AdamOptions, type RMSpropOptions, type SGDOptions } from './optimizers.ts'
export * as lrScheduler from './lr-scheduler.ts'
