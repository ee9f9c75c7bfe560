// The page that checks this device: PyTorch's calls with PyTorch's answers, run here.
import { byId, make, throttled } from '../page/dom.ts'
import { currentTheme, nextTheme, restoreTheme, setTheme } from '../page/theme.ts'
import type { DeviceName } from '../shared/protocol.ts'
import { families, titles } from './families.ts'
import type { Checked, FromWorker, Pass, ToWorker } from './protocol.ts'
import { Tally, faults, nameOf, percent, report, seconds, type Column, type Fault } from './tally.ts'

/** Faults listed for a family; the text for a report has all. */
const LISTED = 40

const count = (n: number): string => n.toLocaleString('en')

class Page {
  private readonly start = byId('start', HTMLButtonElement)
  private readonly stop = byId('stop', HTMLButtonElement)
  private readonly copy = byId('copy', HTMLButtonElement)
  private readonly theme = byId('theme', HTMLButtonElement)
  private readonly status = byId('status', HTMLElement)
  private readonly progress = byId('progress', HTMLElement)
  private readonly table = byId('table', HTMLTableElement)
  private readonly notice = byId('notice', HTMLElement)
  private worker: Worker | null = null
  private columns: Column[] = []
  private counts: readonly number[] = families.map(() => 0)
  private now = ''
  private started = 0
  private readonly draw = throttled(() => this.show(), 150)
  /** The families and ops that the address asks for: `#family=linalg,special&op=add`. */
  private readonly asked = new URLSearchParams(location.hash.slice(1))
  private readonly chosen = families.filter(f => this.list('family').length === 0 || this.list('family').includes(f.name))
  /** Rows of the table by family, with the row of its failures below. */
  private rows: { readonly cells: HTMLElement[]; readonly more: HTMLTableRowElement; readonly list: HTMLElement; readonly summary: HTMLElement }[] = []

  constructor() {
    restoreTheme()
    this.nameTheme()
    this.theme.addEventListener('click', () => {
      setTheme(nextTheme())
      this.nameTheme()
    })
    this.start.addEventListener('click', () => this.check())
    this.stop.addEventListener('click', () => this.end('stopped'))
    this.copy.addEventListener('click', () => void this.copyText())
    for (const name of ['wasm', 'webgpu', 'eager', 'compiled']) {
      const wanted = this.list(name === 'wasm' || name === 'webgpu' ? 'device' : 'world')
      const box = byId(name, HTMLInputElement)
      if (wanted.length > 0) box.checked = wanted.includes(name)
      box.addEventListener('change', () => this.layOut())
    }
    this.layOut()
    this.ask({ type: 'probe' })
  }

  private list(key: string): string[] {
    return (this.asked.get(key) ?? '').split(',').filter(Boolean)
  }

  private nameTheme(): void {
    this.theme.setAttribute('aria-label', `Theme: ${currentTheme()}. Switch to ${nextTheme()}`)
    this.theme.title = `Theme: ${currentTheme()}`
  }

  private get passes(): Pass[] {
    const ticked = <T extends string>(names: readonly T[]): T[] => names.filter(n => byId(n, HTMLInputElement).checked && !byId(n, HTMLInputElement).disabled)
    return ticked<DeviceName>(['wasm', 'webgpu']).flatMap(device => ticked(['eager', 'compiled']).map(world => ({ device, world }) as Pass))
  }

  /** The empty table for what is chosen. */
  private layOut(): void {
    const { passes } = this
    this.start.disabled = passes.length === 0
    this.columns = passes.map(pass => ({ pass, tallies: this.chosen.map(() => new Tally()), device: null, refused: null }))
    const head = make('tr', {}, make('th', { scope: 'col' }, 'Family'), make('th', { scope: 'col', class: 'number' }, 'Calls'), ...passes.map(p => make('th', { scope: 'col' }, nameOf(p))))
    this.rows = this.chosen.map(() => {
      const summary = make('summary')
      const list = make('div', { class: 'failures' })
      const more = make('tr', { class: 'more', hidden: true }, make('td', { colspan: passes.length + 2 }, make('details', {}, summary, list)))
      return { cells: [make('td', { class: 'number' }, '–'), ...passes.map(() => make('td', {}, '–'))], more, list, summary }
    })
    const body = make('tbody', {}, ...this.rows.flatMap(({ cells, more }, i) => [make('tr', {}, make('th', { scope: 'row' }, titles[this.chosen[i].name]), ...cells), more]))
    this.table.replaceChildren(make('caption', { class: 'hidden' }, 'Calls that give what PyTorch gives, by family, device and world'), make('thead', {}, head), body)
  }

  private ask(message: ToWorker): void {
    this.worker?.terminate()
    const worker = new Worker(new URL('./worker.ts', import.meta.url), { type: 'module', name: 'check' })
    this.worker = worker
    worker.addEventListener('message', ({ data }: MessageEvent<FromWorker>) => this.worker === worker && this.receive(data))
    worker.addEventListener('error', event => this.worker === worker && this.fail(event.message || 'the worker could not be started'))
    worker.postMessage(message)
  }

  private check(): void {
    this.notice.hidden = true
    this.layOut()
    this.started = performance.now()
    this.now = 'Loading'
    this.setRunning(true)
    this.stop.focus()
    this.ask({ type: 'check', passes: this.columns.map(c => c.pass), families: this.chosen, ops: this.list('op') })
    this.draw()
  }

  private setRunning(running: boolean): void {
    this.start.disabled = running
    this.stop.disabled = !running
    for (const name of ['wasm', 'webgpu', 'eager', 'compiled']) {
      const box = byId(name, HTMLInputElement)
      box.disabled = running || box.dataset.missing === 'yes'
    }
    this.status.dataset.phase = running ? 'running' : this.status.dataset.phase
  }

  private receive(message: FromWorker): void {
    if (message.type === 'devices') return this.offer(message.devices)
    if (message.type === 'broken') return this.fail(message.why)
    if (message.type === 'plan') this.counts = message.counts
    else if (message.type === 'done') return this.end('done')
    else {
      const column = this.columns[message.pass]
      if (message.type === 'opened') column.device = message.device
      else if (message.type === 'refused') column.refused = message.why
      else {
        column.tallies[message.family].add(message.results, message.ms)
        this.now = `${nameOf(column.pass)}: ${titles[this.chosen[message.family].name]}`
      }
    }
    this.draw()
  }

  private offer(devices: Extract<FromWorker, { type: 'devices' }>['devices']): void {
    for (const { name, available, why } of devices) {
      const box = byId(name, HTMLInputElement)
      if (available) continue
      box.dataset.missing = 'yes'
      box.checked = false
      box.disabled = true
      byId('device-hint', HTMLElement).textContent = `${name} is not there: ${why}`
    }
    this.layOut()
    this.worker?.terminate()
    this.worker = null
    this.status.dataset.phase = 'ready'
    byId('status-phase', HTMLElement).textContent = 'Ready'
  }

  private fail(why: string): void {
    this.notice.replaceChildren(make('p', {}, `The check broke off: ${why}`))
    this.notice.hidden = false
    this.end('failed')
  }

  private end(phase: 'done' | 'stopped' | 'failed'): void {
    this.worker?.terminate()
    this.worker = null
    const wrong = this.columns.some(c => c.tallies.some(t => t.failures.length > 0))
    this.status.dataset.phase = phase === 'done' && wrong ? 'failed' : phase
    this.now = phase === 'done' ? (wrong ? 'Done, with failures' : 'All right') : phase === 'stopped' ? 'Stopped' : 'Broken off'
    this.setRunning(false)
    this.copy.disabled = false
    this.show()
    this.start.focus()
  }

  private show(): void {
    const all = this.columns.flatMap(c => c.tallies)
    const sum = (f: (t: Tally) => number): number => all.reduce((n, t) => n + f(t), 0)
    const planned = this.counts.reduce((a, b) => a + b, 0) * this.columns.filter(c => c.refused === null).length
    const put = (id: string, text: string): void => void (byId(id, HTMLElement).textContent = text)
    put('status-phase', this.now)
    put('status-right', `${count(sum(t => t.passed))} / ${count(planned)}`)
    put('status-wrong', count(sum(t => t.failures.length)))
    put('status-known', count(sum(t => t.known.length)))
    put('status-worst', percent(Math.max(0, ...all.map(t => t.worst))))
    put('status-time', seconds(performance.now() - this.started))
    const share = planned > 0 ? sum(t => t.done) / planned : 0
    this.progress.style.setProperty('--share', String(share))
    this.progress.setAttribute('aria-valuenow', String(Math.round(share * 100)))
    put('device-line', this.columns.flatMap(({ pass, device, refused }) => (refused !== null ? [`${pass.device} could not be opened: ${refused}`] : device ? [`${device.name}: ${device.detail}${device.why ? ` (${device.why})` : ''}`] : [])).filter((line, i, lines) => lines.indexOf(line) === i).join('; '))
    this.rows.forEach((_, i) => this.showRow(i))
  }

  private showRow(i: number): void {
    const { cells, more, list, summary } = this.rows[i]
    cells[0].textContent = count(this.counts[i])
    this.columns.forEach(({ tallies, refused }, at) => {
      const t = tallies[i]
      const state = refused !== null ? 'none' : t.failures.length > 0 ? 'bad' : t.done > 0 && t.done === this.counts[i] ? 'good' : 'open'
      cells[at + 1].className = state
      if (refused !== null || t.done === 0) cells[at + 1].textContent = '–'
      else cells[at + 1].replaceChildren(make('strong', {}, state === 'good' ? `${count(t.passed)} right` : `${count(t.passed)} of ${count(this.counts[i])}`), make('small', {}, `${percent(t.worst)} · ${seconds(t.ms)}`))
    })
    const pairs = (pick: (t: Tally) => readonly Checked[]): [Pass, Checked][] => this.columns.flatMap(c => pick(c.tallies[i]).map((r): [Pass, Checked] => [c.pass, r]))
    const [failed, known] = [pairs(t => t.failures), pairs(t => t.known)]
    more.hidden = failed.length + known.length === 0
    const title = [failed.length > 0 ? `${count(failed.length)} wrong` : '', known.length > 0 ? `${count(known.length)} explained` : ''].filter(Boolean).join(', ')
    if (summary.textContent === title) return
    summary.textContent = title
    const all = [...faults(failed), ...faults(known)]
    const places = (f: Fault): string => (f.passes.size === this.columns.length && f.passes.size > 1 ? '' : ` on ${[...f.passes].join(' and ')}`)
    list.replaceChildren(make('ul', {}, ...all.slice(0, LISTED).map(f => make('li', {}, make('code', {}, f.first), `${f.count > 1 ? ` and ${count(f.count - 1)} more` : ''}${places(f)}: ${f.message}`))))
    if (all.length > LISTED) list.append(make('p', { class: 'hint' }, `${count(all.length - LISTED)} more kinds of fault are in the copied text.`))
  }

  private async copyText(): Promise<void> {
    const text = report(this.chosen.map(f => f.name), this.counts, this.columns)
    try {
      await navigator.clipboard.writeText(text)
      this.copy.textContent = 'Copied'
    } catch {
      // No right to the clipboard: the text can be copied by hand.
      const area = make('textarea', { readonly: true, rows: 12, 'aria-label': 'Results as text' })
      area.value = text
      this.notice.replaceChildren(make('p', {}, 'This browser does not let the page copy. Here is the text:'), area)
      this.notice.hidden = false
      area.select()
    }
    setTimeout(() => (this.copy.textContent = 'Copy results as text'), 2000)
  }
}

new Page()
