// How a kernel's work is shared out: by its size alone, never by the number of threads.

/** Tenths of nanoseconds. Two threads pay from about twice this much (6.5 µs) on. */
const WORK_PER_TASK = 32768

/** How many threads may take part in `work` tenths of nanoseconds that falls into `units` parts. */
export const tasksFor = (work: number, units: number): number =>
  Math.max(1, Math.min(units, work < 2 * WORK_PER_TASK ? 1 : Math.floor(work / WORK_PER_TASK)))
