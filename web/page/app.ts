// The page as a whole: controls, editor, results and worker, and what follows when something happens to one of them.
import { examples, type Example } from '../examples/index.ts'
import type { ApiName, DeviceChoice, DeviceName, Failure, FromWorker } from '../shared/protocol.ts'
import { ConsolePanel } from './console.ts'
import { docsLoaded, sentenceOn } from './docs.ts'
import { byId, make } from './dom.ts'
import { Editor } from './editor.ts'
import { GraphTab } from './graph-tab.ts'
import { readLink, writeLink, type LinkState } from './link.ts'
import { Notice } from './notice.ts'
import { Results } from './results.ts'
import { Session, type Ending } from './session.ts'
import { StatusLine } from './status.ts'
import { currentTheme, nextTheme, restoreTheme, setTheme } from './theme.ts'

const LINK_DELAY = 400
const deviceNames: readonly DeviceName[] = ['wasm', 'webgpu']
const isDeviceName = (name: string | null): name is DeviceName => deviceNames.some(d => d === name)

/** Reasons come with and without their full stop. */
const sentence = (text: string): string => (/[.!?]$/.test(text) ? text : `${text}.`)

export class App {
  private readonly example = byId('example', HTMLSelectElement)
  private readonly device = byId('device', HTMLSelectElement)
  private readonly compile = byId('compile', HTMLInputElement)
  private readonly runButton = byId('run', HTMLButtonElement)
  private readonly stopButton = byId('stop', HTMLButtonElement)
  private readonly resetButton = byId('reset', HTMLButtonElement)
  private readonly themeButton = byId('theme', HTMLButtonElement)
  private readonly shareButton = byId('share', HTMLButtonElement)
  private readonly notice = new Notice()
  private readonly status = new StatusLine()
  private readonly editor: Editor
  private readonly console: ConsolePanel
  private readonly results: Results
  private readonly session: Session
  private readonly graph: GraphTab
  /** Code that the visitor has changed, by example. */
  private readonly edits = new Map<string, string>()
  private devices: readonly DeviceChoice[] = []
  private wantedDevice: DeviceName = 'wasm'
  private linkTimer: ReturnType<typeof setTimeout> | undefined

  constructor() {
    restoreTheme()
    this.editor = new Editor(byId('editor', HTMLElement), { changed: () => this.edited(), run: () => this.run() })
    this.console = new ConsolePanel(byId('console', HTMLElement), (line, column) => this.editor.goTo(line, column))
    this.results = new Results(pixels => this.session.draw(pixels))
    this.session = new Session({
      message: message => this.receive(message),
      finished: (ending, reason, alive) => this.finished(ending, reason, alive),
      broken: reason => {
        this.status.setPhase('failed')
        this.notice.show(`The runtime could not be started: ${sentence(reason)} Reload the page to try again.`)
      },
    })
    this.graph = new GraphTab(this.editor, this.session, { failed: problem => this.notice.show(problem), run: () => this.run() })
  }

  start(): void {
    this.example.append(...examples.map(e => make('option', { value: e.id }, e.title)))
    this.open()
    this.listen()
    this.session.start()
  }

  private listen(): void {
    this.runButton.addEventListener('click', () => this.run())
    this.stopButton.addEventListener('click', () => this.stop())
    this.example.addEventListener('change', () => this.choose(this.current))
    this.compile.addEventListener('change', () => this.remember())
    this.device.addEventListener('change', () => {
      if (isDeviceName(this.device.value)) this.wantedDevice = this.device.value
      this.remember()
    })
    this.resetButton.addEventListener('click', () => {
      this.edits.delete(this.current.id)
      this.editor.code = this.current.code
    })
    this.shareButton.addEventListener('click', () => void this.share())
    this.themeButton.addEventListener('click', () => {
      setTheme(nextTheme())
      this.labelTheme()
    })
    this.labelTheme()
    addEventListener('hashchange', () => {
      if (location.hash !== this.link()) this.open()
    })
  }

  private get current(): Example {
    return examples.find(e => e.id === this.example.value) ?? examples[0]
  }

  /** Takes the state from the address. */
  private open(): void {
    let state: LinkState
    try {
      state = readLink(location.hash)
    } catch {
      state = readLink(location.hash.replace(/&?code=[^&]*/, ''))
      this.notice.show('The code in this link is damaged and could not be read; this is the example as it ships.')
    }
    const example = examples.find(e => e.id === state.example) ?? examples[0]
    if (state.example && example.id !== state.example) this.notice.show(`This link names an example that does not exist: ${state.example}.`)
    if (state.code === null) this.edits.delete(example.id)
    else this.edits.set(example.id, state.code)
    if (isDeviceName(state.device)) this.wantedDevice = state.device
    this.compile.checked = state.compile
    this.example.value = example.id
    this.offerDevices()
    this.choose(example)
  }

  private choose(example: Example): void {
    this.session.abort()
    this.editor.code = this.edits.get(example.id) ?? example.code
    this.editor.showFailure(null)
    byId('about', HTMLElement).textContent = example.about
    byId('file', HTMLElement).textContent = `${example.id}.js`
    this.clear()
    this.graph.leave()
    this.edited()
  }

  private clear(): void {
    this.results.reset(this.current.views)
    this.status.clear()
    this.console.clear()
  }

  private edited(): void {
    const { code } = this.editor
    if (code === this.current.code) this.edits.delete(this.current.id)
    else this.edits.set(this.current.id, code)
    this.resetButton.disabled = !this.edits.has(this.current.id)
    clearTimeout(this.linkTimer)
    this.linkTimer = setTimeout(() => this.remember(), LINK_DELAY)
  }

  private link(): string {
    return writeLink({ example: this.current.id, device: this.wantedDevice, compile: this.compile.checked, code: this.edits.get(this.current.id) ?? null })
  }

  private remember(): void {
    clearTimeout(this.linkTimer)
    history.replaceState(null, '', this.link())
  }

  private async share(): Promise<void> {
    this.remember()
    try {
      await navigator.clipboard.writeText(location.href)
      this.shareButton.textContent = 'Copied'
      setTimeout(() => (this.shareButton.textContent = 'Copy link'), 1500)
    } catch {
      this.notice.show('The browser did not allow copying; the address bar holds the link.')
    }
  }

  private labelTheme(): void {
    const theme = currentTheme()
    this.themeButton.setAttribute('aria-label', `Theme: ${theme}. Change to ${nextTheme()}`)
    this.themeButton.title = `Theme: ${theme}`
  }

  /** Fills the device list; a device that is not available stays in it, says why and cannot be chosen. */
  private offerDevices(): void {
    const choices = deviceNames.map(name => this.devices.find(d => d.name === name) ?? { name, available: this.devices.length === 0, why: '' })
    this.device.replaceChildren(...choices.map(d => make('option', { value: d.name, disabled: !d.available }, d.available ? d.name : `${d.name} (not available)`)))
    const known = choices.filter(d => d.why)
    byId('device-hint', HTMLElement).textContent = known.map(d => `${d.name}${d.available ? '' : ' is not available'}: ${d.why}`).join(' · ')
    const wanted = choices.find(d => d.name === this.wantedDevice)
    this.device.value = wanted?.available ? wanted.name : (choices.find(d => d.available)?.name ?? 'wasm')
    if (wanted && !wanted.available) this.notice.show(`This link asks for ${wanted.name}, which is not available here: ${sentence(wanted.why)} The code will run on ${this.device.value}.`)
  }

  private run(): void {
    if (this.runButton.disabled && !this.session.running) return
    const source = this.editor.read()
    this.notice.hide()
    this.clear()
    this.editor.showFailure(null)
    if (!source.ok) {
      const place = this.editor.lineOf(source.problem.from)
      this.fail({ name: 'SyntaxError', message: source.problem.message, ...place })
      this.status.setPhase('failed')
      return
    }
    this.remember()
    this.setRunning(true)
    this.graph.begin(this.editor.code)
    this.session.run({
      type: 'run',
      code: this.editor.code,
      imports: source.imports,
      settings: { device: isDeviceName(this.device.value) ? this.device.value : 'wasm', compile: this.compile.checked },
      base: new URL('.', document.baseURI).href,
      times: this.graph.wantsTimes,
    })
  }

  private stop(): void {
    this.status.setPhase('stopping')
    this.session.stop()
  }

  /** Focus stays on a button that works: from Run to Stop and back. */
  private setRunning(running: boolean): void {
    const [from, to] = running ? [this.runButton, this.stopButton] : [this.stopButton, this.runButton]
    to.disabled = false
    if (document.activeElement === from) to.focus()
    from.disabled = true
    if (running) this.status.setPhase('running')
  }

  private receive(message: FromWorker): void {
    switch (message.type) {
      case 'ready':
        this.editor.setApi(message.api)
        void this.explain(message.api.modules.playground)
        if (this.devices.length === 0) this.session.probe()
        return
      case 'devices':
        this.devices = message.devices
        this.offerDevices()
        this.runButton.disabled = false
        this.status.setPhase('ready')
        return
      case 'device':
        return this.status.showDevice(message.device)
      case 'memory':
        return this.status.showMemory(message.memory)
      case 'console':
        return this.console.print(message.lines, message.dropped)
      case 'failure':
        return this.fail(message.failure)
      case 'functions':
      case 'insight':
      case 'rewriting':
        return this.graph.receive(message)
      default:
        if (message.type === 'progress') this.status.progress(message.progress)
        this.results.receive(message)
    }
  }

  /** The names of the module `playground`, each with its sentence. */
  private async explain(names: readonly ApiName[]): Promise<void> {
    await docsLoaded
    byId('help', HTMLElement).replaceChildren(...names.flatMap(({ name }) => [make('dt', {}, make('code', {}, name)), make('dd', {}, sentenceOn(name) ?? '')]))
  }

  private fail(failure: Failure): void {
    this.console.fail(failure)
    this.editor.showFailure(failure)
  }

  private finished(ending: Ending, reason: string, alive: boolean): void {
    this.setRunning(false)
    if (!alive) this.results.endDrawing()
    this.graph.end(alive)
    const again = { label: 'Run again', run: () => this.run() }
    switch (ending) {
      case 'done':
        this.status.setPhase('done')
        return
      case 'stopped':
        this.status.setPhase('stopped')
        this.console.say('Stopped.')
        return
      case 'ended':
        this.status.setPhase('stopped')
        this.notice.show(reason)
        return
      case 'failed':
        this.status.setPhase('failed')
        return
      case 'crashed':
        this.status.setPhase('failed')
        this.notice.show(`The worker that ran the code died: ${sentence(reason)} What it had trained is gone; the page goes on.`, [again])
        return
      case 'lost':
        this.status.setPhase('failed')
        this.notice.show(`The device was lost: ${sentence(reason)} What was trained on it is gone. A new run opens a fresh device.`, [
          again,
          {
            label: 'Run on wasm',
            run: () => {
              this.device.value = this.wantedDevice = 'wasm'
              this.run()
            },
          },
        ])
    }
  }
}
