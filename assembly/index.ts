// What the host may call. One source gives two binaries: ASC_FEATURE_RELAXED_SIMD chooses fused multiply-add where there is one.
// Several instances share one memory, so nothing here uses heap objects or static data that changes.
export * from './intrinsics'
export { execute, executePlan } from './plan'
export { enterPool, taskTrapped } from './pool'

/** The first byte that the host may hand out. */
export function heapBase(): usize {
  return __heap_base
}
