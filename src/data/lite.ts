// data without the datasets and samplers that few programs use.
export { Dataset, Subset, TensorDataset, randomSplit } from './dataset.ts'
export { DataLoader, defaultCollate, type DataLoaderOptions, type Sampler, type Samples } from './loader.ts'
