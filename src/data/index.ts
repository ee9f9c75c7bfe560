// data: datasets, samplers and batches.
export * from './lite.ts'
export { ConcatDataset, StackDataset } from './joined.ts'
export { ChainDataset, IterableDataset } from './iterable.ts'
export { BatchSampler, RandomSampler, SequentialSampler, SubsetRandomSampler, WeightedRandomSampler, type RandomSamplerOptions } from './samplers.ts'
