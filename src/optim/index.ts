// optim: optimisers and learning-rate schedules.
import { nameClasses } from '../core/names.ts'
import * as schedules from './lr-scheduler.ts'
import * as optimizers from './optimizers.ts'

export { Optimizer, ParamGroup, type GroupOptions, type OptimizerState } from './optimizer.ts'
export * from './optimizers.ts'
export * as lrScheduler from './lr-scheduler.ts'

nameClasses(optimizers)
nameClasses(schedules)
