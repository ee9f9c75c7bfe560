// The collector cannot see device memory: a loop that makes small JavaScript objects for large blocks would never make it run. So
// each large allocation also asks for an untouched ArrayBuffer of that size, which costs no real memory but counts as garbage,
// and reads of values give the collector's callbacks a turn of the event loop when much may be waiting.
import type { Backend } from '../backend/backend.ts'

const MIB = 2 ** 20
/** Bytes made since callbacks last had a chance to run. */
let sinceTurn = 0
let warned = false

export function relieve(backend: Backend, bytes: number): void {
  sinceTurn += bytes
  if (bytes >= MIB / 4) ballast(bytes)
  else if ((small += bytes) >= MIB / 4) {
    ballast(small)
    small = 0
  }
  if (sinceTurn > 2048 * MIB && !warned && backend.memory().held > 1024 * MIB) {
    warned = true
    console.warn(
      `[memory] ${Math.round(backend.memory().held / MIB)} MiB are held and this loop has not let the garbage collector work: ` +
        'help: `await` something in each round (loss.item()), wrap the round in scope(() => …), or compile the step',
    )
  }
}

let small = 0
/** Garbage of a size that the collector counts. Pages are never touched, so no memory is used. */
function ballast(bytes: number): void {
  try {
    new ArrayBuffer(Math.min(bytes, 256 * MIB))
  } catch {
    // The host is short of address space; it will collect without our asking.
  }
}

/** True when enough was made since the last turn that callbacks should run now. */
export const turnDue = (): boolean => sinceTurn > 64 * MIB

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
