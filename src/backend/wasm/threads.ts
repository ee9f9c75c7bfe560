// Starts the workers of assembly/pool.ts and keeps its count of threads true when one of them dies.
import { builtin } from './binary.ts'

// Words of the control area of assembly/pool.ts.
const GENERATION = 64 / 4
const THREADS = 384 / 4
const TABLE = 388 / 4
export const FAULT_CODE = 448 / 4
export const FAULT_VALUE = 452 / 4
export const FAULT_SIZE = 456 / 4
export const SCRATCH = 512 / 4

/** The error codes of assembly/pool.ts that are the user's; the others are faults of our own. */
export const INDEX_OUT_OF_RANGE = 1
export const FACTOR_FAILED = 5

export const MAX_THREADS = 64

/** Rounds that a worker looks for the next job before it sleeps, about 50 µs: where others are busy too it may be the caller's core that it holds. */
const SPIN = 60_000
const START_TIMEOUT_MS = 10_000

// Knows nothing but how to enter the pool, and to fill the function table when the pool sends it out for that; so it needs no file
// of its own and no bundler.
const source = `
let env, id, spin, table
const enter = () => { try { env.enterPool(id, spin, table.length) } catch (e) { env.taskTrapped(); throw e } }
const receive = (m, post) => {
  if (m.modules) {
    for (const module of m.modules) for (const f of Object.values(new WebAssembly.Instance(module, { env }).exports)) table.grow(1, f)
    return enter()
  }
  ({ id, spin } = m)
  return WebAssembly.instantiate(m.module, { env: { memory: m.memory } }).then(({ exports }) => {
    table = exports.table
    env = { ...exports, memory: m.memory }
    post('ready')
    enter()
  })
}
if (typeof importScripts === 'function') onmessage = e => receive(e.data, postMessage.bind(globalThis))
else { const { parentPort } = require('node:worker_threads'); parentPort.on('message', m => receive(m, x => parentPort.postMessage(x))) }
`

interface Started {
  post(message: object): void
  terminate(): void
}

/** Starts one worker; `ready` or `died` is called, `died` perhaps long after `ready`. */
function startWorker(ready: () => void, died: (why: string) => void): Started {
  if (builtin) {
    const worker = new (builtin('node:worker_threads').Worker)(source, { eval: true })
    worker.unref()
    worker.once('message', ready)
    worker.on('error', e => died(String(e)))
    worker.on('exit', () => died('the worker ended'))
    return { post: m => worker.postMessage(m), terminate: () => void worker.terminate() }
  }
  const url = URL.createObjectURL(new Blob([source], { type: 'text/javascript' }))
  const worker = new Worker(url)
  worker.onmessage = () => {
    URL.revokeObjectURL(url)
    ready()
  }
  worker.onerror = e => died(e.message || 'the page does not allow workers from blob: URLs (content security policy, worker-src)')
  return { post: m => worker.postMessage(m), terminate: () => worker.terminate() }
}

export class Pool {
  private workers: Started[] = []
  private alive = new Set<number>()
  /** Why there are fewer threads than asked for; empty when there are not. */
  why = ''

  private constructor(private readonly memory: WebAssembly.Memory) {
    this.count()
  }

  get threads(): number {
    return 1 + this.alive.size
  }

  /** Tells the wasm side. A view is made each time, since memory that is not shared loses its views when it grows. */
  private count(): void {
    new Int32Array(this.memory.buffer)[THREADS] = this.threads
  }

  /** Workers come up while the module does. Resolves when every one has started or failed; rejects only as `coming` does. */
  static async start(memory: WebAssembly.Memory, coming: Promise<WebAssembly.Module>, threads: number): Promise<Pool> {
    const pool = new Pool(memory)
    const starting = Array.from({ length: threads - 1 }, (_, i) => pool.add(coming, i + 1))
    try {
      await coming
    } catch (e) {
      pool.dispose()
      throw e
    }
    await Promise.all(starting)
    pool.count()
    return pool
  }

  private add(coming: Promise<WebAssembly.Module>, id: number): Promise<void> {
    return new Promise(resolve => {
      let up = false
      let timer: ReturnType<typeof setTimeout> | undefined
      const failed = (why: string) => {
        clearTimeout(timer)
        if (up) this.lose(id, why)
        else this.why ||= `a thread could not be started: ${why}`
        resolve()
      }
      try {
        const worker = startWorker(() => {
          clearTimeout(timer)
          up = true
          this.alive.add(id)
          resolve()
        }, failed)
        this.workers.push(worker)
        void coming.then(module => {
          timer = setTimeout(() => failed('a worker did not start in time'), START_TIMEOUT_MS)
          worker.post({ module, memory: this.memory, id, spin: SPIN })
        }, () => undefined)
      } catch (e) {
        failed(String(e))
      }
    })
  }

  /** A worker died. A job never waits for a worker that holds no task, so those that remain simply go on. */
  private lose(id: number, why: string): void {
    if (!this.alive.delete(id)) return
    this.count()
    console.warn(`lampas: a thread ended (${why}); ${this.threads} of ${this.workers.length + 1} go on`)
  }

  /** Hands modules to the workers, whose functions come next in every thread's table and make it `size` places long. */
  share(modules: readonly WebAssembly.Module[], size: number): void {
    if (this.alive.size === 0) return
    for (const w of this.workers) w.post({ modules })
    const words = new Int32Array(this.memory.buffer)
    Atomics.store(words, TABLE, size)
    Atomics.add(words, GENERATION, 1)
    Atomics.notify(words, GENERATION)
  }

  dispose(): void {
    this.alive.clear()
    this.count()
    for (const w of this.workers) w.terminate()
  }
}
