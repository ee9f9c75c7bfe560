// The two tabs beside the program: results, and the graph of what was compiled. The graph is loaded when its tab is first opened.
import type { GraphPanel } from '../graph/panel.ts'
import type { FromWorker } from '../shared/protocol.ts'
import { byId } from './dom.ts'
import type { Editor } from './editor.ts'
import type { Session } from './session.ts'

/** How often a running program is asked what it has compiled, while somebody looks. */
const INTERVAL = 1000

export class GraphTab {
  private readonly tabs = [byId('tab-results', HTMLButtonElement), byId('tab-graph', HTMLButtonElement)]
  private readonly panels = [byId('results', HTMLElement), byId('graph', HTMLElement)]
  private panel: GraphPanel | undefined
  private loading: Promise<void> | undefined
  private code = ''
  private timer: ReturnType<typeof setInterval> | undefined

  constructor(
    private readonly editor: Editor,
    private readonly session: Session,
    private readonly events: { failed(problem: string): void; run(): void },
  ) {
    this.tabs.forEach((tab, i) => {
      tab.addEventListener('click', () => this.open(i))
      tab.addEventListener('keydown', e => {
        if (e.key !== 'ArrowLeft' && e.key !== 'ArrowRight') return
        this.tabs[1 - i].focus()
        this.open(1 - i)
      })
    })
  }

  /** Whether the next run should time its kernels. */
  get wantsTimes(): boolean {
    return this.panel?.wantsTimes ?? false
  }

  /** Another example; nothing of it has run. */
  leave(): void {
    this.code = ''
    this.panel?.clear('')
  }

  /** A run of that code begins. */
  begin(code: string): void {
    this.code = code
    this.panel?.clear(code, 'Nothing is compiled yet.')
    this.watch(true)
  }

  /** The run is over; what it compiled can be asked about as long as its worker lives. */
  end(alive: boolean): void {
    this.watch(false)
    if (alive) this.ask()
    else this.panel?.clear(this.code, 'The worker of the program is gone, and its graphs with it. Run again.')
  }

  receive(message: FromWorker): void {
    if (message.type === 'functions') {
      if (message.functions.length > 0) this.panel?.showFunctions(message.functions)
      else if (this.code && this.timer === undefined) this.panel?.clear(this.code, 'The program called no compiled function. Is Compile ticked?')
    }
    if (message.type === 'insight') this.panel?.showInsight(message.insight)
    if (message.type === 'rewriting') this.panel?.showRewriting(message.rewriting)
  }

  private open(index: number): void {
    this.tabs.forEach((tab, i) => {
      tab.setAttribute('aria-selected', String(i === index))
      tab.tabIndex = i === index ? 0 : -1
    })
    this.panels.forEach((panel, i) => (panel.hidden = i !== index))
    if (index === 1) this.loading ??= this.load()
    this.ask()
  }

  private async load(): Promise<void> {
    try {
      const { GraphPanel } = await import('../graph/panel.ts')
      this.panel = new GraphPanel(this.editor, this.session, () => this.events.run())
      this.panels[1].append(this.panel.element)
      if (this.code) this.panel.clear(this.code, 'Nothing was compiled yet.')
      this.ask()
    } catch (error) {
      this.loading = undefined
      this.events.failed(`The graph view could not be loaded: ${error instanceof Error ? error.message : String(error)}`)
    }
  }

  private ask(): void {
    if (this.panel && !this.panels[1].hidden) this.session.askFunctions()
  }

  private watch(on: boolean): void {
    clearInterval(this.timer)
    this.timer = undefined
    if (on) this.timer = setInterval(() => this.ask(), INTERVAL)
  }
}
