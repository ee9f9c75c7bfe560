// What the user's code prints, and how it failed. Lines are added in animation frames; old ones go.
import type { Failure, LogLine } from '../shared/protocol.ts'
import { make, throttled } from './dom.ts'

const MAX_LINES = 400
const PER_FRAME = 100

export class ConsolePanel {
  private pending: HTMLElement[] = []
  private skipped = 0
  private readonly redraw = throttled(() => this.draw(), 60)

  constructor(
    private readonly list: HTMLElement,
    private readonly goTo: (line: number, column: number) => void,
  ) {}

  print(lines: readonly LogLine[], dropped = 0): void {
    this.skipped += dropped + Math.max(0, this.pending.length + lines.length - PER_FRAME)
    this.pending.push(...lines.slice(-PER_FRAME).map(l => make('div', { class: `log ${l.level}` }, l.text)))
    this.pending = this.pending.slice(-PER_FRAME)
    this.redraw()
  }

  say(text: string): void {
    this.pending.push(make('div', { class: 'log page' }, text))
    this.redraw()
  }

  fail(failure: Failure): void {
    const line = make('div', { class: 'log error' }, failure.name === 'Thrown' ? failure.message : `${failure.name}: ${failure.message}`)
    if (failure.line > 0) {
      const link = make('button', { type: 'button', class: 'link' }, `line ${failure.line}`)
      link.addEventListener('click', () => this.goTo(failure.line, failure.column))
      line.append(' ', link)
    }
    this.pending.push(line)
    this.redraw()
  }

  clear(): void {
    this.pending = []
    this.skipped = 0
    this.list.replaceChildren()
  }

  private draw(): void {
    const atEnd = this.list.scrollTop + this.list.clientHeight >= this.list.scrollHeight - 8
    if (this.skipped > 0) this.pending.unshift(make('div', { class: 'log page' }, `… ${this.skipped} lines left out`))
    this.list.append(...this.pending)
    this.pending = []
    this.skipped = 0
    while (this.list.children.length > MAX_LINES) this.list.firstElementChild?.remove()
    if (atEnd) this.list.scrollTop = this.list.scrollHeight
  }
}
