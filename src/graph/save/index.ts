// Compiled functions as files.
export { loadFunction, type LoadedArgument, type LoadedFunction } from './load.ts'
export { saveFunction } from './save.ts'
