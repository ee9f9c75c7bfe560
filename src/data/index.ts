// data: datasets and batches.
export { Dataset, Subset, TensorDataset, randomSplit } from './dataset.ts'
export { DataLoader, defaultCollate, type DataLoaderOptions } from './loader.ts'
