import type { Result } from './adapter.ts'
export const runPrograms = (): Result[] => []
