// A live line chart (uPlot) of one curve or of a few over the same steps. However many points come, it keeps at most a thousand: when it is
// full, neighbours are averaged in pairs. A single noisy curve is drawn thin, with its moving average over it.
import uPlot from 'uplot'
import { make, throttled } from './dom.ts'
import { color, onThemeChange } from './theme.ts'

const MAX_POINTS = 1000
const SMOOTHING_FROM = 40
const FRAME = 80
/** Of several curves the first is broad and the next are thin and dashed, so that equal ones show both. */
const strokes = [
  { color: '--flame-soft', width: 6, dash: [] },
  { color: '--cool', width: 2, dash: [6, 4] },
  { color: '--code-number', width: 2, dash: [2, 4] },
] as const
const strokeOf = (i: number): (typeof strokes)[number] => strokes[i % strokes.length]

export class LineChart {
  readonly element: HTMLElement
  private readonly plot: uPlot
  private readonly latest: HTMLElement
  private readonly frame: HTMLElement
  private steps: number[] = []
  private values: number[][]
  private perPoint = 1
  /** Of the last point: how many values it holds, and their sums. */
  private open: { readonly count: number; readonly sums: readonly number[] } = { count: 0, sums: [] }
  private readonly redraw = throttled(() => this.draw(), FRAME)

  constructor(
    private readonly name: string,
    height: number,
    private readonly lines: readonly string[] = [''],
  ) {
    this.values = lines.map(() => [])
    this.latest = make('span', { class: 'chart-value' })
    this.frame = make('div', { class: 'chart-frame', role: 'img', 'data-empty': 'Nothing to draw before the first step', style: `height:${height}px` })
    const legend = this.single ? null : make('ul', { class: 'chart-lines' }, ...lines.map((line, i) => make('li', { style: `--line-color:var(${strokeOf(i).color})`, class: i > 0 && 'dashed' }, line)))
    this.element = make('figure', { class: 'card chart' }, make('figcaption', { class: 'card-head' }, make('h2', {}, name), legend, this.latest), this.frame)
    const axis = (extra: uPlot.Axis): uPlot.Axis => ({
      stroke: () => color('--muted'),
      grid: { stroke: () => color('--line'), width: 1 },
      ticks: { show: false },
      font: '12px ui-sans-serif, system-ui, sans-serif',
      ...extra,
    })
    const one: uPlot.Series[] = [
      { stroke: () => color(this.noisy ? '--flame-soft' : '--flame'), width: 1.5, points: { show: false } },
      { stroke: () => color('--flame'), width: 2, points: { show: false } },
    ]
    const several = lines.map((_, i): uPlot.Series => ({ stroke: () => color(strokeOf(i).color), width: strokeOf(i).width, dash: [...strokeOf(i).dash], points: { show: false } }))
    this.plot = new uPlot(
      {
        width: 300,
        height,
        scales: { x: { time: false } },
        legend: { show: false },
        cursor: { x: true, y: false, drag: { x: false, y: false }, points: { size: 7 } },
        axes: [axis({ size: 26, space: 70 }), axis({ size: 46, space: 34 })],
        series: [{}, ...(this.single ? one : several)],
        hooks: { setCursor: [u => this.showValue(u.cursor.idx ?? null)] },
      },
      this.single ? [[], [], []] : [[], ...lines.map(() => [])],
      this.frame,
    )
    new ResizeObserver(([entry]) => this.plot.setSize({ width: Math.max(120, Math.floor(entry.contentRect.width)), height })).observe(this.frame)
    onThemeChange(() => this.plot.redraw())
    this.describe()
  }

  /** `values` has a list for each curve. */
  add(steps: readonly number[], values: readonly (readonly number[])[]): void {
    for (let i = 0; i < steps.length; i++) {
      if (this.steps.length > 0 && steps[i] < this.steps[this.steps.length - 1]) this.clear()
      this.push(steps[i], values.map(list => list[i]))
    }
    this.redraw()
  }

  clear(): void {
    this.steps = []
    this.values = this.lines.map(() => [])
    this.perPoint = 1
    this.open = { count: 0, sums: [] }
    this.redraw()
  }

  private get single(): boolean {
    return this.lines.length === 1
  }

  private get noisy(): boolean {
    return this.steps.length >= SMOOTHING_FROM
  }

  /** The last point stays open until it holds `perPoint` values. */
  private push(step: number, values: readonly number[]): void {
    const last = this.steps.length - 1
    if (this.open.count > 0 && this.open.count < this.perPoint) {
      const { sums } = this.open
      this.open = { count: this.open.count + 1, sums: values.map((v, i) => sums[i] + v) }
      this.steps[last] = step
      this.values.forEach((list, i) => (list[last] = this.open.sums[i] / this.open.count))
      return
    }
    if (this.steps.length >= MAX_POINTS) this.halve()
    this.open = { count: 1, sums: values }
    this.steps.push(step)
    this.values.forEach((list, i) => list.push(values[i]))
  }

  private halve(): void {
    const n = this.steps.length >> 1
    this.values = this.values.map(list => Array.from({ length: n }, (_, i) => (list[2 * i] + list[2 * i + 1]) / 2))
    this.steps = Array.from({ length: n }, (_, i) => this.steps[2 * i + 1])
    this.perPoint *= 2
  }

  private draw(): void {
    // uPlot leaves gaps at null, which is how numbers that are not finite are shown.
    const finite = (list: readonly number[]) => list.map(v => (Number.isFinite(v) ? v : null))
    const curves = this.values.map(finite)
    if (this.single) curves.push(this.noisy ? finite(smoothed(this.values[0])) : this.steps.map(() => null))
    this.plot.setData([this.steps, ...curves])
    this.showValue(null)
    this.describe()
  }

  private showValue(index: number | null): void {
    const at = index ?? this.steps.length - 1
    if (at >= this.steps.length || at < 0) this.latest.textContent = ''
    else this.latest.textContent = this.textAt(at) + (index === null ? '' : ` at step ${this.steps[at]}`)
  }

  private textAt(at: number): string {
    return this.values.map(list => readable(list[at])).join(' · ')
  }

  private describe(): void {
    const n = this.steps.length
    this.frame.classList.toggle('empty', n === 0)
    const what = this.single ? this.name : `${this.name} (${this.lines.join(', ')})`
    this.frame.setAttribute(
      'aria-label',
      n === 0 ? `Chart of ${this.name}, empty` : `Chart of ${what}: ${this.textAt(0)} at step ${this.steps[0]}, ${this.textAt(n - 1)} at step ${this.steps[n - 1]}`,
    )
  }
}

/** The mean of each value's neighbours, as many before it as after it, so that the average does not lag behind. */
function smoothed(values: readonly number[]): number[] {
  const reach = Math.max(2, Math.round(values.length / 60))
  const sums = [0]
  const counts = [0]
  values.forEach((v, i) => {
    sums.push(sums[i] + (Number.isFinite(v) ? v : 0))
    counts.push(counts[i] + Number(Number.isFinite(v)))
  })
  return values.map((_, i) => {
    const r = Math.min(reach, i, values.length - 1 - i)
    return (sums[i + r + 1] - sums[i - r]) / (counts[i + r + 1] - counts[i - r])
  })
}

export function readable(v: number): string {
  if (!Number.isFinite(v)) return String(v)
  const size = Math.abs(v)
  return size !== 0 && (size < 0.001 || size >= 100000) ? v.toExponential(2) : v.toFixed(size < 10 ? 4 : size < 1000 ? 2 : 0)
}
