// The collector cannot see device memory: a loop that makes small JavaScript objects for large blocks would never make it run. So
// after every so many bytes we allocate and drop a large, untouched ArrayBuffer. It costs address space but no memory, and V8 answers
// growth of external memory by that much with a full collection, of which the callbacks run in the next turn of the event loop.
import type { Backend, Block } from '../backend/backend.ts'
import type { Tensor } from '../ops/tensor.ts'

const MIB = 2 ** 20
/** Bytes of new device memory that are worth a collection, at the least. */
const ENOUGH = 32 * MIB
/** V8 begins to mark when external memory grows by 64 MiB between collections, and halts for a collection when it grows by some GiB. */
const [LEAST_BALLAST, MOST_BALLAST] = [128 * MIB, 4096 * MIB]

/** Bytes that were made and not freed yet, on all devices. */
let made = 0
/** The least of them since a collection was asked for, and since callbacks last had a chance to run. What came on top may be garbage. */
let sinceAsked = 0
let sinceTurn = 0
let warned = false
/** Bytes of the buffers that ask for a collection: more, turn by turn, until one was carried through. */
let ballast = LEAST_BALLAST
let asked = false

/** Objects old enough that only a full collection finds them. One is dropped with each request: when it is found, the request was answered. */
const canaries = Array.from({ length: 16 }, () => ({}))
let waiting = false
const answer = new FinalizationRegistry(() => {
  waiting = false
  ballast = LEAST_BALLAST
})

/** Devices that were lost or closed: their memory is gone already. */
export const closed = new WeakSet<Backend>()

/** Scopes that are open, each with the tensors made in it. They hold these, so that the collector would look for them in vain. */
export const scopes: Tensor[][] = []

/** Takes a block, and asks for a collection when so much more is held than before that it is worth one. */
export function take(backend: Backend, bytes: number): Block {
  const block = backend.alloc(bytes)
  if (backend.info.name === 'meta') return block
  made += bytes
  if (scopes.length === 0 && made - sinceAsked > Math.max(ENOUGH, sinceAsked / 4)) {
    sinceAsked = made
    collect()
  }
  return block
}

/** Gives a block back, by hand or for the collector. */
export function giveBack(backend: Backend, block: Block): void {
  if (!closed.has(backend)) backend.free(block)
  if (backend.info.name === 'meta') return
  made -= block.bytes
  sinceAsked = Math.min(sinceAsked, made)
  sinceTurn = Math.min(sinceTurn, made)
}

/** The first buffer makes the collector begin to mark, the second makes it go on. */
function collect(): void {
  asked = true
  if (made - sinceTurn > 2048 * MIB && !warned) {
    warned = true
    console.warn(
      `[memory] ${Math.round(made / MIB)} MiB are held and this loop has not let the garbage collector work. ` +
        'help: `await` something in each round (loss.item()), wrap the round in scope(() => …), or compile the step',
    )
  }
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

/** True when so much was made since the last turn, and not freed, that callbacks should run now. */
export const turnDue = (): boolean => made - sinceTurn > ENOUGH / 2

/** One turn of the event loop, so that finalisers run. */
export async function turn(): Promise<void> {
  sinceTurn = made
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
