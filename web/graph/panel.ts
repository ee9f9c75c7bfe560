// The graph of a compiled function, beside the editor: picture, what is looked at, log of rewrites, memory. Loaded when it is first opened.
import './graph.css'
import { make } from '../page/dom.ts'
import type { Editor } from '../page/editor.ts'
import type { FunctionEntry, Insight, Rewriting } from '../shared/graph.ts'
import { kinds, type Kind } from './kinds.ts'
import { Lines } from './lines.ts'
import { MemoryTimeline } from './memory.ts'
import { Picture, type ColorBy } from './picture.ts'
import { sceneOf, sourceOf, type Box, type Scene, type StageName } from './scene.ts'
import { Stepper, type Side, type Step } from './stepper.ts'
import { bytesText, msText, plural } from './text.ts'

/** More boxes than this are shown in groups at first. */
const MANY_BOXES = 60
/** More than this take too long to lay out one by one. */
const MOST_BOXES = 700
const stages: readonly (readonly [StageName, string])[] = [['before', 'As written'], ['after', 'Optimised'], ['kernels', 'Kernels']]
const colorings: readonly (readonly [ColorBy, string])[] = [['kind', 'kind'], ['bytes', 'bytes'], ['time', 'time']]

export interface Asker {
  askFunctions(): void
  askInsight(id: number): void
  askRewriting(id: number, from: number, to: number): void
}

export class GraphPanel {
  private readonly which = make('select', {})
  private readonly size = make('p', { class: 'hint' })
  private readonly coloring = make('select', {}, ...colorings.map(([value, label]) => make('option', { value }, label)))
  private readonly grouping = make('input', { type: 'checkbox' })
  private readonly stageInputs = stages.map(([value], i) => make('input', { type: 'radio', name: 'graph-stage', value, checked: i === 1 }))
  private readonly legend = make('ul', { class: 'legend', 'aria-label': 'Colours' })
  private readonly facts = make('div', { class: 'facts', 'aria-live': 'polite' })
  private readonly empty = make('p', { class: 'graph-empty hint' })
  private readonly picture: Picture
  private readonly stepper: Stepper
  private readonly memory: MemoryTimeline
  private readonly lines: Lines
  private readonly body: HTMLElement
  readonly element: HTMLElement
  private functions: readonly FunctionEntry[] = []
  private insight: Insight | null = null
  private scene: Scene = { boxes: [], arrows: [] }
  private open = new Set<string>()
  private code: readonly string[] = []
  /** The rewrite that is looked at, and the graphs around it once they are there. */
  private step: Step | null = null
  private side: Side = 'after'
  private around: Rewriting | null = null

  constructor(
    private readonly editor: Editor,
    private readonly asker: Asker,
    private readonly run: () => void,
  ) {
    this.lines = new Lines(editor.view, line => this.find(b => b.line === line))
    this.picture = new Picture({
      looked: (box, chosen) => this.look(box, chosen),
      opened: box => this.toggle(box),
      drawn: ms => (this.picture.element.dataset.ms = ms.toFixed(0)),
    })
    this.stepper = new Stepper((step, side) => this.stepTo(step, side), line => this.editor.goTo(line, 1))
    this.memory = new MemoryTimeline(ids => this.showKernels(ids))
    const zoom = (label: string, text: string, act: () => void) => {
      const button = make('button', { type: 'button', class: 'quiet icon', 'aria-label': label, title: label }, text)
      button.addEventListener('click', act)
      return button
    }
    const graph = make(
      'section',
      { class: 'card graph', 'aria-label': 'Graph' },
      make('div', { class: 'card-head' }, make('h2', {}, 'Graph'), this.size, make('label', { class: 'graph-which' }, make('span', { class: 'hidden' }, 'Function'), this.which)),
      make(
        'div',
        { class: 'graph-tools' },
        make('fieldset', { class: 'segments' }, make('legend', { class: 'hidden' }, 'Stage'), ...stages.map(([, label], i) => make('label', {}, this.stageInputs[i], make('span', {}, label)))),
        make('label', { class: 'graph-color' }, 'Colour by', this.coloring),
        make('label', { class: 'graph-group' }, this.grouping, 'Group by line'),
        make('div', { class: 'zooms' }, zoom('Zoom out', '−', () => this.picture.zoomOut()), zoom('Zoom in', '+', () => this.picture.zoomIn()), zoom('Show all', '⤢', () => this.picture.fit())),
      ),
      make('div', { class: 'graph-frame' }, this.picture.element),
      this.legend,
      this.facts,
      make('p', { class: 'hint graph-keys', id: 'graph-keys' }, 'Drag to move. Click, then the wheel zooms. Arrow keys walk along the arrows, + and − zoom, Enter opens a group.'),
    )
    this.body = make('div', { class: 'graph-body', hidden: true }, graph, this.stepper.element, this.memory.element)
    this.element = make('div', {}, make('div', { class: 'card graph-none' }, this.empty), this.body)
    this.which.addEventListener('change', () => this.ask())
    this.coloring.addEventListener('change', () => {
      // Only kernels take time.
      if (this.wantsTimes && this.stage !== 'kernels') this.choose('kernels')
      else this.paint()
    })
    this.grouping.addEventListener('change', () => {
      this.open.clear()
      void this.draw(null)
    })
    for (const input of this.stageInputs) input.addEventListener('change', () => this.choose(this.stage))
    this.clear('')
  }

  get wantsTimes(): boolean {
    return this.coloring.value === 'time'
  }

  /** Another program, with that code. */
  clear(code: string, why = 'Run a program: every function that compile() or symbolic.func() makes appears here once it is called.'): void {
    this.code = code.split('\n')
    this.functions = []
    this.insight = null
    this.around = null
    this.body.hidden = true
    this.empty.parentElement?.toggleAttribute('hidden', false)
    this.empty.textContent = why
    this.lines.mark(null)
    this.lines.dot([])
  }

  showFunctions(functions: readonly FunctionEntry[]): void {
    const same = functions.length === this.functions.length && functions.every((f, i) => f.id === this.functions[i].id && f.traces === this.functions[i].traces)
    if (same) return
    const chosen = this.which.value
    this.functions = functions
    const names = functions.map((f, i) => (functions.some((g, k) => k !== i && g.name === f.name) ? `${f.name} (${i + 1})` : f.name))
    this.which.replaceChildren(...functions.map((f, i) => make('option', { value: f.id }, names[i])))
    if (this.insight && functions.some(f => String(f.id) === chosen)) this.which.value = chosen
    const now = functions.find(f => String(f.id) === this.which.value)
    if (now && (now.id !== this.insight?.id || now.traces !== this.insight.traces)) this.ask()
  }

  showInsight(insight: Insight): void {
    if (String(insight.id) !== this.which.value) return
    this.insight = insight
    this.empty.parentElement?.toggleAttribute('hidden', true)
    this.body.hidden = false
    this.stepper.show(insight.log, insight.file)
    this.memory.show(insight.after)
    const made = [insight.before, insight.after].flatMap(g => g.nodes).flatMap(n => (n.site && n.site.file === insight.file ? [n.site.line] : []))
    this.lines.dot([...new Set(made)].sort((a, b) => a - b))
    this.choose(this.wantsTimes ? 'kernels' : this.stage)
  }

  /** Shows a stage; a large one in groups. */
  private choose(stage: StageName): void {
    const { insight } = this
    this.around = null
    this.stageInputs[stages.findIndex(([name]) => name === stage)].checked = true
    const boxes = !insight ? 0 : stage === 'kernels' ? (insight.after.plan?.kernels.length ?? 0) : insight[stage].nodes.length
    this.grouping.checked = boxes > MANY_BOXES
    this.grouping.disabled = boxes > MOST_BOXES
    this.open.clear()
    void this.draw(null)
  }

  private ask(): void {
    this.asker.askInsight(Number(this.which.value))
  }

  private get stage(): StageName {
    return stages[this.stageInputs.findIndex(i => i.checked)][0]
  }

  private draw(keep: string | null): Promise<void> {
    const { insight, around, step } = this
    if (!insight) return Promise.resolve()
    const stage = around ? 'after' : this.stage
    const graph = around ? around[this.side] : stage === 'before' ? insight.before : insight.after
    this.scene = sceneOf(graph, { stage, file: insight.file, code: this.code, grouped: this.grouping.checked, open: this.open, ms: insight.ms })
    const kernels = insight.after.plan?.kernels.length ?? 0
    this.size.textContent = around && step ? `${this.side} ${step.name}: ${plural(graph.nodes.length, 'node')}` : `${plural(insight.before.nodes.length, 'node')} → ${insight.after.nodes.length}, ${plural(kernels, 'kernel')}`
    this.look(null, false)
    this.paint()
    return this.picture.show(this.scene, keep)
  }

  private paint(): void {
    const by = colorings.find(([value]) => value === this.coloring.value)?.[0] ?? 'kind'
    this.picture.color(by)
    if (by === 'kind') {
      const used = new Set(this.scene.boxes.map(b => b.kind))
      const names = (Object.keys(kinds) as Kind[]).filter(k => used.has(k))
      this.legend.replaceChildren(...names.map(k => make('li', { class: k }, kinds[k])))
    } else if (by === 'time' && this.insight?.ms === null) {
      const again = make('button', { type: 'button', class: 'link' }, 'Run again with times')
      again.addEventListener('click', () => this.run())
      this.legend.replaceChildren(make('li', { class: 'unknown' }, 'No kernel was timed in this run. ', again))
    } else {
      const inner = this.scene.boxes.filter(b => b.kind !== 'external')
      const most = inner.reduce((m, b) => Math.max(m, by === 'time' ? (b.ms ?? 0) : b.bytes), 0)
      if (by === 'time' && most === 0) return this.legend.replaceChildren(make('li', { class: 'unknown' }, 'The clock of this device is too coarse for these kernels.'))
      this.legend.replaceChildren(make('li', { class: 'scale' }, make('span', {}, '0'), make('i', {}), make('span', {}, by === 'time' ? msText(most) : bytesText(most))))
    }
  }

  private look(box: Box | null, chosen: boolean): void {
    if (!box) {
      this.facts.replaceChildren(make('p', { class: 'hint' }, 'Point at a box to see its op, shapes and the line that made it.'))
      return this.lines.mark(null)
    }
    this.lines.mark(box.line)
    const { line, run } = box
    const buttons: HTMLElement[] = []
    if (line !== null) {
      const go = make('button', { type: 'button', class: 'link' }, `line ${line}`)
      go.addEventListener('click', () => this.editor.goTo(line, 1))
      buttons.push(go)
    }
    if (run !== null) {
      const turn = make('button', { type: 'button', class: 'link' }, box.closed ? `open the ${box.parts.length} in it` : 'close its group')
      turn.addEventListener('click', () => this.toggle(box))
      buttons.push(turn)
    }
    const cost = `${bytesText(box.bytes)}${box.ms === null ? '' : `, ${msText(box.ms)}`}`
    const source = line === null ? null : make('code', { class: 'source' }, sourceOf(this.code, line))
    this.facts.replaceChildren(
      make('p', { class: 'fact-head' }, make('b', {}, box.label), make('span', {}, `${box.detail}, ${cost}${box.result ? ', a result' : ''}`), ...buttons),
      ...(source ? [source] : []),
      make('dl', {}, ...box.facts.flatMap(([name, value]) => [make('dt', {}, name), make('dd', {}, value)])),
    )
    if (chosen) this.picture.light(null)
  }

  private toggle({ run, closed, id }: Box): void {
    if (run === null) return
    if (closed) this.open.add(run)
    else this.open.delete(run)
    void this.draw(closed ? id : run)
  }

  private find(test: (box: Box) => boolean): void {
    if (this.picture.light(test) > 0) this.picture.element.scrollIntoView({ block: 'nearest' })
  }

  private stepTo(step: Step | null, side: Side): void {
    this.step = step
    this.side = side
    this.lines.mark(step?.line ?? null)
    if (!step || !this.insight) this.choose('before')
    else if (this.around?.from === step.from) this.showRewriting(this.around)
    else this.asker.askRewriting(this.insight.id, step.from, step.to)
  }

  /** Lights up what a rewrite replaced, or what it put there. What changes no node, such as fusion, is seen in the kernels. */
  showRewriting(around: Rewriting): void {
    const { step, side, insight } = this
    if (!step || around.id !== insight?.id || around.from !== step.from) return
    const others = new Set(around[side === 'before' ? 'after' : 'before'].nodes.map(n => n.id))
    const changed = new Set(around[side].nodes.map(n => n.id).filter(id => !others.has(id)))
    const here = (b: Box): boolean => b.parts.some(id => changed.has(id))
    if (around.before.nodes.length === around.after.nodes.length && around.before.nodes.every(n => around.after.nodes.some(m => m.id === n.id))) {
      this.choose(step.phase === 'fuse' || step.phase === 'plan' ? 'kernels' : 'after')
    } else {
      this.around = around
      this.grouping.checked = around[side].nodes.length > MANY_BOXES
      this.open.clear()
      void this.draw(null)
      const closed = this.scene.boxes.filter(b => b.closed && here(b)).flatMap(b => b.run ?? [])
      if (closed.length > 0) {
        for (const run of closed) this.open.add(run)
        void this.draw(null)
      }
    }
    this.lines.mark(step.line)
    const atLine = (b: Box): boolean => step.line !== null && b.line === step.line
    for (const test of [here, (b: Box) => b.ops.includes(step.op) && (step.line === null || atLine(b)), atLine]) if (this.picture.light(test) > 0) return
  }

  private showKernels(ids: readonly string[]): void {
    if (this.stage !== 'kernels') this.choose('kernels')
    this.picture.light(ids.length === 0 ? null : b => b.parts.some(id => ids.includes(id)))
  }
}
