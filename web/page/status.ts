// The status line: step, loss, accuracy, steps per second, with a progress bar; below it the device, its threads and memory.
import type { Memory, OpenDevice, Progress } from '../shared/protocol.ts'
import { readable } from './chart.ts'
import { byId, throttled } from './dom.ts'

export type Phase = 'loading' | 'ready' | 'running' | 'stopping' | 'done' | 'stopped' | 'failed'

const words: Record<Phase, string> = { loading: 'Loading', ready: 'Ready', running: 'Running', stopping: 'Stopping', done: 'Done', stopped: 'Stopped', failed: 'Failed' }

export class StatusLine {
  private readonly root = byId('status', HTMLElement)
  private readonly cells = {
    phase: byId('status-phase', HTMLElement),
    step: byId('status-step', HTMLElement),
    loss: byId('status-loss', HTMLElement),
    accuracy: byId('status-accuracy', HTMLElement),
    rate: byId('status-rate', HTMLElement),
  }
  private readonly bar = byId('progress', HTMLElement)
  private readonly device = byId('device-line', HTMLElement)
  private phase: Phase = 'loading'
  private step = NaN
  private loss = NaN
  private last: Progress | null = null
  private open: OpenDevice | null = null
  private memory: Memory | null = null
  private readonly redraw = throttled(() => this.draw(), 250)

  setPhase(phase: Phase): void {
    this.phase = phase
    this.root.dataset.phase = phase
    this.draw()
  }

  progress(progress: Progress): void {
    this.last = progress
    this.step = progress.step[progress.step.length - 1]
    this.loss = progress.loss[progress.loss.length - 1]
    this.redraw()
  }

  showDevice(device: OpenDevice | null): void {
    this.open = device
    if (!device) this.memory = null
    this.draw()
  }

  showMemory(memory: Memory): void {
    this.memory = memory
    this.redraw()
  }

  clear(): void {
    this.last = null
    this.step = this.loss = NaN
    this.showDevice(null)
  }

  private draw(): void {
    const { cells, last } = this
    const total = last?.steps ?? NaN
    cells.phase.textContent = words[this.phase]
    cells.step.textContent = Number.isNaN(this.step) ? '–' : Number.isNaN(total) ? `${this.step}` : `${this.step} / ${total}`
    cells.loss.textContent = last ? readable(this.loss) : '–'
    cells.accuracy.textContent = last && !Number.isNaN(last.accuracy) ? `${(last.accuracy * 100).toFixed(1)} %` : '–'
    cells.rate.textContent = last && !Number.isNaN(last.rate) ? readableRate(last.rate) : '–'
    this.drawBar(last && !Number.isNaN(total) ? Math.min(1, this.step / total) : this.phase === 'running' ? null : 0)
    this.device.textContent = this.open ? describeDevice(this.open, this.memory) : 'The program opens a device when it runs'
  }

  /** null: how far it is, nobody knows. */
  private drawBar(share: number | null): void {
    this.bar.classList.toggle('unknown', share === null)
    this.bar.style.setProperty('--share', String(share ?? 0))
    if (share === null) this.bar.removeAttribute('aria-valuenow')
    else this.bar.setAttribute('aria-valuenow', String(Math.round(share * 100)))
  }
}

const readableRate = (v: number): string => (v < 10 ? v.toFixed(1) : v.toFixed(0))

function describeDevice({ name, detail, threads, why }: OpenDevice, memory: Memory | null): string {
  const parts = [detail ? `${name}: ${detail}` : name]
  if (name === 'wasm' && !/thread/.test(detail)) parts.push(threads === 1 ? '1 thread' : `${threads} threads`)
  if (memory) parts.push(`${readableBytes(memory.held)} in use of ${readableBytes(memory.reserved)}`)
  return parts.join(' · ') + (why ? `. ${why}` : '')
}

const readableBytes = (bytes: number): string => (bytes < 1e6 ? `${(bytes / 1e3).toFixed(0)} KB` : `${(bytes / 1e6).toFixed(1)} MB`)
