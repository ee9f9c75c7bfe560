// optim.lrScheduler: learning rates over time.
export * from './lr-scheduler.ts'
export * from './lr-scheduler-more.ts'
