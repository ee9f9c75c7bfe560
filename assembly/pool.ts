// The thread pool. Every thread runs this module on one shared memory; thread 0 is the caller and only ever spins, so it may be
// a page's main thread. Tasks are claimed out of one word, LEFT, which says what is left: a worker that comes late, or sleeps, or died
// while idle, or lacks a function that the host has made, gets no valid claim and reads nothing of the job, hence nobody ever waits for it.

// The control area: below the first static data, one cache line for each word that several threads write.
// Mirrored in src/backend/wasm/threads.ts.
const GENERATION: usize = 64 // counts jobs; workers wait for it to change
const LEFT: usize = 128 // tasks not yet claimed: the first, the end, and the last place of the table that they need
const DONE: usize = 192 // tasks finished by claim
const SLEEPING: usize = 256 // workers in atomic.wait
const JOB_FN: usize = 320
const JOB_DESC: usize = 324
const JOB_TASKS: usize = 328
const THREADS: usize = 384 // threads that may take part, the caller included
const TABLE: usize = 388 // places of the function table that the host has filled; workers leave the pool to fill theirs
const FAULT_CODE: usize = 448
const FAULT_VALUE: usize = 452
const FAULT_SIZE: usize = 456
const SCRATCH: usize = 512 // for each thread two words: where its scratch memory begins and ends

/** Codes that a kernel may give back; the host turns them into messages. */
export const INDEX_OUT_OF_RANGE: i32 = 1
export const UNKNOWN_KIND: i32 = 2
export const WORKER_TRAPPED: i32 = 3
export const SCRATCH_EXHAUSTED: i32 = 4
export const FACTOR_FAILED: i32 = 5

// How the word at LEFT is made up, from its low end.
const TASK_BITS: i64 = 22
const TASK_MASK: i64 = (1 << TASK_BITS) - 1

// Globals belong to one thread each.
let me: usize = 0
let busy = false
let scratchTop: usize = 0
/** Places that this thread's function table has. */
let table = i32.MAX_VALUE
/** The last place of the table that the running kernel needs, 0 when it calls no function that was made for it. */
let needed = 0

/** Threads that share the work of `parallel`. */
@inline
export function threads(): i32 {
  return load<i32>(THREADS)
}

/** How many tasks to make of work that may be cut into `most`: if possible two for each thread, so that who is done takes over from who was held up. */
export function shares(most: i32): i32 {
  const all = threads()
  return most < 2 * all ? min(most, all) : 2 * all
}

/** Notes an error of the running kernel, from any thread, and gives its code back. The first one stays. */
export function fault(code: i32, value: i32, size: i32): i32 {
  if (atomic.cmpxchg<i32>(FAULT_CODE, 0, code) == 0) {
    atomic.store<i32>(FAULT_VALUE, value)
    atomic.store<i32>(FAULT_SIZE, size)
  }
  return code
}

/**
 * Memory of the calling thread, aligned to 64 bytes: valid until the task ends that asked for it, or outside of tasks until the
 * kernel ends. The kernel's encoder must have announced the bytes with `Writer.scratch`.
 */
export function scratch(bytes: usize): usize {
  const own = SCRATCH + (me << 3)
  if (scratchTop == 0) scratchTop = load<u32>(own)
  const at = scratchTop
  scratchTop = at + ((bytes + 63) & ~63)
  if (scratchTop > load<u32>(own, 4)) {
    fault(SCRATCH_EXHAUSTED, <i32>bytes, <i32>(load<u32>(own, 4) - load<u32>(own)))
    unreachable()
  }
  return at
}

/** Where the calling thread's scratch memory is used up to, and back to there. */
@inline
export function scratchMark(): usize {
  return scratchTop
}
@inline
export function scratchBack(mark: usize): void {
  scratchTop = mark
}

/** Says before `parallel` that its tasks call function `fn` of the table, which was made at run time: threads that lack it stay away. */
export function needs(fn: i32): void {
  needed = max(needed, fn)
}

/** Ends a kernel: its scratch memory is free again. */
@inline
export function kernelEnd(): i32 {
  scratchTop = 0
  needed = 0
  return atomic.load<i32>(FAULT_CODE)
}

// A task's scratch memory lies above that of the kernel which started it, and goes when the task ends.
@inline
function runTask(fn: i32, desc: usize, task: i32, tasks: i32): void {
  const top = scratchTop
  call_indirect(fn, desc, task, tasks)
  scratchTop = top
}

// The caller takes the first task, the others the last: whatever is shared, the front of its memory then lies in the caller's caches.
function takeTasks(): void {
  while (true) {
    const left = atomic.load<i64>(LEFT)
    const first = left & TASK_MASK, end = left >> TASK_BITS & TASK_MASK
    if (first == end || <i32>(left >> 2 * TASK_BITS) >= table) return
    if (atomic.cmpxchg<i64>(LEFT, left, me == 0 ? left + 1 : left - (1 << TASK_BITS)) != left) continue
    runTask(load<i32>(JOB_FN), load<u32>(JOB_DESC), <i32>(me == 0 ? first : end - 1), load<i32>(JOB_TASKS))
    atomic.add<i32>(DONE, 1)
  }
}

/** The same as `parallel` on the calling thread alone; what the tasks do inside may still be shared. */
export function inTurn(fn: i32, desc: usize, tasks: i32): void {
  for (let task = 0; task < tasks; task++) runTask(fn, desc, task, tasks)
}

/**
 * Calls table function `fn(desc, task, tasks)` for task = 0 … tasks−1, on all threads, and returns when all are done. What a task
 * computes must not depend on the thread. Task 0 always falls to the caller, so equal splits meet warm caches. A task that
 * calls `parallel` itself runs the inner tasks alone.
 */
export function parallel(fn: i32, desc: usize, tasks: i32): void {
  if (busy || tasks < 2 || tasks > <i32>TASK_MASK || threads() < 2) {
    inTurn(fn, desc, tasks)
    return
  }
  busy = true
  store<i32>(JOB_FN, fn)
  store<u32>(JOB_DESC, <u32>desc)
  store<i32>(JOB_TASKS, tasks)
  atomic.store<i32>(DONE, 0)
  atomic.store<i64>(LEFT, <i64>needed << 2 * TASK_BITS | <i64>tasks << TASK_BITS | 1)
  atomic.add<i32>(GENERATION, 1)
  if (atomic.load<i32>(SLEEPING) > 0) atomic.notify(GENERATION, tasks - 1)
  runTask(fn, desc, 0, tasks)
  takeTasks()
  while (atomic.load<i32>(DONE) != tasks - 1) {}
  busy = false
}

/**
 * A worker's life: take tasks, look for the next job for `spin` rounds, then sleep. Returns when the host has filled more places of
 * the function table than the `size` of this thread's, and wants to be called again when they are as many.
 */
export function enterPool(id: i32, spin: i32, size: i32): void {
  me = id
  busy = true
  table = size
  let seen = atomic.load<i32>(GENERATION)
  while (true) {
    takeTasks()
    scratchTop = 0
    if (atomic.load<i32>(TABLE) > size) return
    let rounds = spin
    while (atomic.load<i32>(GENERATION) == seen && rounds > 0) rounds--
    if (rounds == 0) {
      atomic.add<i32>(SLEEPING, 1)
      atomic.wait<i32>(GENERATION, seen, -1)
      atomic.sub<i32>(SLEEPING, 1)
    }
    seen = atomic.load<i32>(GENERATION)
  }
}

/** The host calls this when a task of this worker trapped: the job ends with an error instead of never. */
export function taskTrapped(): void {
  fault(WORKER_TRAPPED, <i32>me, 0)
  atomic.add<i32>(DONE, 1)
}
