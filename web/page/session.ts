// The life of the worker: one for each run, kept after the run so that the trained model can answer drawings. Whatever happens to
// it (end, Stop, endless loop, crash, lost device), the page hears of it once through `finished` and can run again.
import type { FromWorker, Outcome, RunRequest } from '../shared/protocol.ts'

/** How long the code may take to notice Stop before its worker is ended. */
const STOP_GRACE = 1500
/** How long a crashed worker's own error message may take to arrive before the crash is reported without one. */
const CRASH_GRACE = 50

export type Ending = Outcome | 'ended' | 'crashed'

export interface SessionEvents {
  message(message: FromWorker): void
  /** The run is over, or what it left behind. `alive` tells whether the worker still answers drawings. */
  finished(ending: Ending, reason: string, alive: boolean): void
  /** The worker cannot even start. */
  broken(reason: string): void
}

const types = ['ready', 'devices', 'device', 'progress', 'plot', 'memory', 'predictions', 'boundary', 'fit', 'text', 'drawable', 'guess', 'functions', 'insight', 'rewriting', 'console', 'failure', 'finished'] as const satisfies readonly FromWorker['type'][]

const isOurs = (data: unknown): data is FromWorker => typeof data === 'object' && data !== null && 'type' in data && types.some(t => t === data.type)

export class Session {
  private worker: Worker | undefined
  private ready = false
  private fresh = false
  private waiting: RunRequest | undefined
  private stopTimer: ReturnType<typeof setTimeout> | undefined
  running = false

  constructor(private readonly events: SessionEvents) {}

  /** Loads the runtime, before anything is run. */
  start(): void {
    this.spawn()
  }

  run(request: RunRequest): void {
    this.endGrace()
    if (!this.fresh) this.spawn()
    this.fresh = false
    this.running = true
    if (this.ready) this.worker?.postMessage(request)
    else this.waiting = request
  }

  stop(): void {
    if (!this.running || this.stopTimer !== undefined) return
    this.worker?.postMessage({ type: 'stop' })
    this.stopTimer = setTimeout(() => {
      this.discard()
      this.finish('ended', `The code did not pause within ${STOP_GRACE / 1000} seconds of Stop, so its worker was ended. \`await pause()\` in a loop lets Stop through.`)
    }, STOP_GRACE)
  }

  /** Ends a run at once, its worker with it. */
  abort(): void {
    if (!this.running) return
    this.discard()
    this.finish('stopped', '')
  }

  /** Asks which devices there are; before the first run. */
  probe(): void {
    this.worker?.postMessage({ type: 'probe' })
  }

  draw(pixels: Float32Array): void {
    this.worker?.postMessage({ type: 'draw', pixels })
  }

  /** What the running or ended program has compiled; the answers come as messages, when the program pauses. */
  askFunctions(): void {
    if (this.ready) this.worker?.postMessage({ type: 'functions' })
  }

  askInsight(id: number): void {
    if (this.ready) this.worker?.postMessage({ type: 'inspect', id })
  }

  askRewriting(id: number, from: number, to: number): void {
    if (this.ready) this.worker?.postMessage({ type: 'rewriting', id, from, to })
  }

  private spawn(): void {
    this.discard()
    const name = `lampas-${Date.now()}-${Math.random()}`
    const worker = new Worker(new URL('../worker/worker.ts', import.meta.url), { type: 'module', name })
    worker.addEventListener('message', (event: MessageEvent<unknown>) => {
      // The code may post messages of its own; they are none of ours.
      if (worker === this.worker && isOurs(event.data)) this.receive(event.data, name)
    })
    worker.addEventListener('error', event => {
      event.preventDefault()
      if (worker === this.worker) this.crash(event.message || 'its script could not be loaded')
    })
    this.worker = worker
    this.fresh = true
  }

  private receive(message: FromWorker, name: string): void {
    if (message.type === 'ready') {
      this.ready = true
      this.watch(name)
      if (this.waiting) this.worker?.postMessage(this.waiting)
      this.waiting = undefined
    }
    if (message.type === 'finished') {
      if (message.outcome === 'lost') this.discard()
      this.finish(message.outcome, message.reason)
    } else this.events.message(message)
  }

  /** The worker holds a lock of its name; we get it when the worker is gone. */
  private watch(name: string): void {
    const { worker } = this
    void navigator.locks?.request(name, () => {
      setTimeout(() => {
        if (worker === this.worker) this.crash('it closed itself or ran out of memory')
      }, CRASH_GRACE)
    })
  }

  private crash(reason: string): void {
    const broken = !this.ready && !this.running
    this.discard()
    if (broken) this.events.broken(reason)
    else this.finish('crashed', reason)
  }

  private finish(ending: Ending, reason: string): void {
    this.endGrace()
    this.running = false
    this.events.finished(ending, reason, this.worker !== undefined)
  }

  private endGrace(): void {
    clearTimeout(this.stopTimer)
    this.stopTimer = undefined
  }

  private discard(): void {
    this.worker?.terminate()
    this.worker = undefined
    this.ready = false
    this.fresh = false
    this.waiting = undefined
  }
}
