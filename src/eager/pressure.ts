// The collector cannot see device memory: a loop that makes small JavaScript objects for large blocks would never make it run. So
// after every so many bytes we allocate and drop a large, untouched ArrayBuffer. It costs address space but no memory, and V8 answers
// growth of external memory by that much with a full collection, of which the callbacks run in the next turn of the event loop.
import type { Backend } from '../backend/backend.ts'

const MIB = 2 ** 20
/** Bytes of new device memory that are worth a collection, at the least. */
const ENOUGH = 32 * MIB
/** V8 begins to mark when external memory grows by 64 MiB between collections, and halts for a collection when it grows by some GiB. */
const [LEAST_BALLAST, MOST_BALLAST] = [128 * MIB, 4096 * MIB]

/** Bytes that may be made until the next collection: more where more is held, so that it stays a small part of the work. */
let untilCollection = ENOUGH
/** Bytes made since callbacks last had a chance to run. */
let sinceTurn = 0
let warned = false
/** Bytes of the buffers that ask for a collection: more, turn by turn, until one was carried through. */
let ballast = LEAST_BALLAST
let asked = false
/** Bytes held when the collector had just been through. */
let live = 0

/** Objects old enough that only a full collection finds them. One is dropped with each request: when it is found, the request was answered. */
const canaries = Array.from({ length: 16 }, () => ({}))
let waiting = false
const answer = new FinalizationRegistry(() => {
  waiting = false
  ballast = LEAST_BALLAST
  live = Infinity
})

export function relieve(backend: Backend, bytes: number): void {
  if (backend.info.name === 'meta') return
  sinceTurn += bytes
  untilCollection -= bytes
  if (untilCollection > 0) return
  const { held } = backend.memory()
  live = Math.min(live, held)
  untilCollection = Math.max(ENOUGH, live / 4)
  collect()
  if (sinceTurn > 2048 * MIB && !warned && held > 1024 * MIB) {
    warned = true
    console.warn(
      `[memory] ${Math.round(held / MIB)} MiB are held and this loop has not let the garbage collector work. ` +
        'help: `await` something in each round (loss.item()), wrap the round in scope(() => …), or compile the step',
    )
  }
}

/** Takes back the count of memory that was freed without the collector. */
export function relieved(backend: Backend, bytes: number): void {
  if (backend.info.name === 'meta') return
  sinceTurn -= bytes
  untilCollection += bytes
}

/** The first buffer makes the collector begin to mark, the second makes it go on. */
function collect(): void {
  asked = true
  if (!waiting) {
    waiting = true
    answer.register(canaries.shift()!, undefined)
    canaries.push({})
  }
  try {
    for (let i = 0; i < 2; i++) new ArrayBuffer(ballast)
  } catch {
    // The host is short of address space; it will collect without our asking.
  }
}

/** True when enough was made since the last turn that callbacks should run now. */
export const turnDue = (): boolean => sinceTurn > ENOUGH / 2

/** One turn of the event loop, so that finalisers run. */
export async function turn(): Promise<void> {
  sinceTurn = 0
  if (asked && waiting) ballast = Math.min(4 * ballast, MOST_BALLAST)
  asked = false
  await new Promise<void>(resolve => {
    const channel = new MessageChannel()
    channel.port1.onmessage = () => {
      channel.port1.close()
      resolve()
    }
    channel.port2.postMessage(null)
  })
}
