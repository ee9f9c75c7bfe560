// What the user's code reports is gathered and sent to the page a few times a second, so that a fast training loop
// does not drown the page in messages.
import type { FromWorker, LogLine, Memory } from '../shared/protocol.ts'

const INTERVAL = 40
const MEMORY_INTERVAL = 500
/** The rate is that of the last two seconds, or of the last few steps when they are slower. */
const RATE_WINDOW = 2000
const MIN_MARKS = 10
/** Lines of console output that one message carries; older ones are dropped and counted. */
const MAX_LINES = 200

interface Series {
  step: number[]
  lines: readonly string[]
  values: number[][]
}

export class Feed {
  private steps: number[] = []
  private losses: number[] = []
  private total = NaN
  private accuracy = NaN
  private marks: { time: number; step: number }[] = []
  private plots = new Map<string, Series>()
  private lines: LogLine[] = []
  private dropped = 0
  private lastSent = 0
  private lastMemory = 0
  private timer: ReturnType<typeof setTimeout> | undefined

  constructor(
    private readonly post: (message: FromWorker, transfer?: Transferable[]) => void,
    /** null before a device is open. */
    private readonly memory: () => Memory | null,
  ) {}

  report(step: number, loss: number, steps: number, accuracy: number): void {
    this.steps.push(step)
    this.losses.push(loss)
    if (!Number.isNaN(steps)) this.total = steps
    if (!Number.isNaN(accuracy)) this.accuracy = accuracy
    const now = performance.now()
    this.mark(now, step)
    this.due(now)
  }

  /** A step that is reported twice counts once, so that what is done between two reports of it does not count as slow. */
  private mark(time: number, step: number): void {
    const last = this.marks.at(-1)
    if (step === last?.step) return
    if (last && step < last.step) this.marks = []
    this.marks.push({ time, step })
    while (this.marks.length > MIN_MARKS && this.marks[1].time < time - RATE_WINDOW) this.marks.shift()
  }

  /** A point of each curve of a chart; the first call names the curves. */
  plot(name: string, step: number, values: Readonly<Record<string, number>>): void {
    let series = this.plots.get(name)
    if (!series) {
      const lines = Object.keys(values)
      this.plots.set(name, (series = { step: [], lines, values: lines.map(() => []) }))
    }
    const { lines } = series
    series.step.push(step)
    series.values.forEach((list, i) => list.push(values[lines[i]] ?? NaN))
    this.due(performance.now())
  }

  log(line: LogLine): void {
    this.lines.push(line)
    if (this.lines.length > MAX_LINES) {
      this.lines.shift()
      this.dropped++
    }
    this.due(performance.now())
  }

  /** Sends now when it is time, else soon, should the code give up the thread. */
  private due(now: number): void {
    if (now - this.lastSent >= INTERVAL) this.flush()
    else this.timer ??= setTimeout(() => this.flush(), INTERVAL)
  }

  flush(): void {
    clearTimeout(this.timer)
    this.timer = undefined
    this.lastSent = performance.now()
    if (this.steps.length > 0) {
      this.post({ type: 'progress', progress: { step: this.steps, loss: this.losses, steps: this.total, accuracy: this.accuracy, rate: this.rate() } })
      this.steps = []
      this.losses = []
    }
    for (const [name, series] of this.plots) this.post({ type: 'plot', name, ...series })
    this.plots.clear()
    if (this.lines.length > 0) {
      this.post({ type: 'console', lines: this.lines, dropped: this.dropped })
      this.lines = []
      this.dropped = 0
    }
    if (this.lastSent - this.lastMemory >= MEMORY_INTERVAL) this.sendMemory()
  }

  sendMemory(): void {
    this.lastMemory = performance.now()
    const memory = this.memory()
    if (memory) this.post({ type: 'memory', memory })
  }

  private rate(): number {
    const first = this.marks[0]
    const last = this.marks[this.marks.length - 1]
    return last.time > first.time ? ((last.step - first.step) * 1000) / (last.time - first.time) : NaN
  }
}
