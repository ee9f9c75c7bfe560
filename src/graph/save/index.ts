// Compiled functions as files.
export { dumpCall, loadCall, type LoadedCall } from './call.ts'
export { loadFunction, type LoadedArgument, type LoadedFunction } from './load.ts'
export { saveFunction } from './save.ts'
