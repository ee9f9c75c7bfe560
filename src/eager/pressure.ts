// The collector cannot see device memory: a loop that makes small JavaScript objects for large blocks would never make it run. So
// after every so many bytes we allocate and drop one large, untouched ArrayBuffer. It costs address space but no memory, and V8 answers
// growth of external memory by that much with a full collection, of which the callbacks run in the next turn of the event loop.
import type { Backend } from '../backend/backend.ts'

const MIB = 2 ** 20
/** Bytes of new device memory that are worth a collection, at the least. */
const ENOUGH = 32 * MIB
/** V8 begins to mark when external memory grows by 64 MiB between collections. */
const BALLAST = 128 * MIB

/** Bytes that may be made until the next collection: more where more is held, so that it stays a small part of the work. */
let untilCollection = ENOUGH
/** Bytes made since callbacks last had a chance to run. */
let sinceTurn = 0
let warned = false

export function relieve(backend: Backend, bytes: number): void {
  if (backend.info.name === 'meta') return
  sinceTurn += bytes
  untilCollection -= bytes
  if (untilCollection > 0) return
  const { held } = backend.memory()
  untilCollection = Math.max(ENOUGH, held / 4)
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
  try {
    for (let i = 0; i < 2; i++) new ArrayBuffer(BALLAST)
  } catch {
    // The host is short of address space; it will collect without our asking.
  }
}

/** True when enough was made since the last turn that callbacks should run now. */
export const turnDue = (): boolean => sinceTurn > ENOUGH / 2

/** One turn of the event loop, so that finalisers run. */
export async function turn(): Promise<void> {
  sinceTurn = 0
  await new Promise<void>(resolve => {
    const channel = new MessageChannel()
    channel.port1.onmessage = () => {
      channel.port1.close()
      resolve()
    }
    channel.port2.postMessage(null)
  })
}
