// The log of rewrites, one step after the other: which rule fired, on what, and where, and which of the two graphs around it is shown.
import type { LoggedRewrite } from 'lampas'
import { make } from '../page/dom.ts'
import { plural } from './text.ts'

/** Neighbours in the log with the same rule and place are one step. */
export interface Step extends LoggedRewrite {
  readonly line: number | null
  /** Its places in the log. */
  readonly from: number
  readonly to: number
}
export type Side = 'before' | 'after'
const sides: readonly (readonly [Side, string])[] = [['before', 'Before'], ['after', 'After']]

export class Stepper {
  private readonly range = make('input', { type: 'range', min: 0, value: 0, 'aria-label': 'Rewrite' })
  private readonly back = make('button', { type: 'button' }, 'Previous')
  private readonly next = make('button', { type: 'button' }, 'Next')
  private readonly place = make('p', { class: 'hint step-place' })
  private readonly rule = make('div', { class: 'rule', 'aria-live': 'polite' })
  private readonly sideInputs = sides.map(([value]) => make('input', { type: 'radio', name: 'rewrite-side', value, checked: value === 'after' }))
  private readonly sums = make('ul', { class: 'phases', 'aria-label': 'Rewrites by phase' })
  readonly element = make(
    'section',
    { class: 'card rewrites', 'aria-label': 'Rewrites' },
    make('div', { class: 'card-head' }, make('h2', {}, 'Rewrites'), this.place),
    this.sums,
    make('div', { class: 'stepper' }, this.back, this.range, this.next),
    make('fieldset', { class: 'segments sides' }, make('legend', { class: 'hidden' }, 'Graph around the rewrite'), ...sides.map(([, label], i) => make('label', {}, this.sideInputs[i], make('span', {}, label)))),
    this.rule,
  )
  private steps: readonly Step[] = []
  private at = -1

  constructor(
    /** Null: it stands before the first. */
    private readonly stepped: (step: Step | null, side: Side) => void,
    private readonly goTo: (line: number) => void,
  ) {
    this.back.addEventListener('click', () => this.go(this.at - 1))
    this.next.addEventListener('click', () => this.go(this.at + 1))
    this.range.addEventListener('input', () => this.go(Number(this.range.value) - 1))
    for (const input of this.sideInputs) input.addEventListener('change', () => this.go(this.at))
  }

  show(log: readonly LoggedRewrite[], file: string): void {
    const steps: Step[] = []
    log.forEach((entry, at) => {
      const line = entry.site && entry.site.file === file ? entry.site.line : null
      const last = steps[steps.length - 1]
      if (last?.name === entry.name && last.op === entry.op && last.line === line) steps[steps.length - 1] = { ...last, count: last.count + entry.count, to: at + 1 }
      else steps.push({ ...entry, line, from: at, to: at + 1 })
    })
    this.steps = steps
    const phases = new Map<string, number>()
    for (const { phase, count } of log) phases.set(phase, (phases.get(phase) ?? 0) + count)
    this.sums.replaceChildren(...[...phases].map(([phase, n]) => make('li', {}, make('b', {}, String(n)), ` ${phase}`)))
    this.range.max = String(steps.length)
    this.at = -1
    this.draw()
  }

  private go(at: number): void {
    this.at = Math.min(this.steps.length - 1, Math.max(-1, at))
    this.draw()
    this.stepped(this.steps[this.at] ?? null, sides[this.sideInputs.findIndex(i => i.checked)][0])
  }

  private draw(): void {
    const { steps, at } = this
    const step = steps[at]
    this.range.value = String(at + 1)
    this.range.disabled = steps.length === 0
    this.range.setAttribute('aria-valuetext', step ? `${at + 1} of ${steps.length}: ${step.name}` : 'before the first')
    this.back.disabled = at < 0
    this.next.disabled = at >= steps.length - 1
    // Merging and fusion are seen in what they leave alone.
    for (const input of this.sideInputs) input.disabled = !step || ['merge', 'fuse', 'plan'].includes(step.phase)
    this.place.textContent = steps.length === 0 ? 'None fired' : step ? `${at + 1} of ${steps.length}` : `${plural(steps.reduce((n, s) => n + s.count, 0), 'rewrite')} in ${plural(steps.length, 'step')}, in the order in which they fired`
    if (!step) return this.rule.replaceChildren(make('p', { class: 'hint' }, steps.length === 0 ? 'The graph is planned as it was written.' : 'Step through them: the picture shows the graph before and after each, and lights up what it changed.'))
    const line = step.line === null ? null : make('button', { type: 'button', class: 'link' }, `line ${step.line}`)
    line?.addEventListener('click', () => this.goTo(step.line ?? 0))
    const where = make('p', { class: 'hint' }, `on ${step.op}${step.count > 1 ? `, ${step.count} times` : ''}`, line ? ', ' : null, line, step.rounds ? ' · may round differently' : ' · to the bit')
    this.rule.replaceChildren(make('p', { class: 'rule-name' }, make('b', {}, step.name), make('span', { class: 'phase-name' }, step.phase)), make('code', {}, step.rule), where)
  }
}
