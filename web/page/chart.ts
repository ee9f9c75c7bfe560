// A live line chart of one series (uPlot). However many points come, it keeps at most a thousand: when it is full, neighbours are
// averaged in pairs. A noisy series is drawn thin, with its moving average over it.
import uPlot from 'uplot'
import { make, throttled } from './dom.ts'
import { color, onThemeChange } from './theme.ts'

const MAX_POINTS = 1000
const SMOOTHING_FROM = 40
const FRAME = 80

export class LineChart {
  readonly element: HTMLElement
  private readonly plot: uPlot
  private readonly latest: HTMLElement
  private readonly frame: HTMLElement
  private steps: number[] = []
  private values: number[] = []
  private perPoint = 1
  private open = { count: 0, sum: 0 }
  private readonly redraw = throttled(() => this.draw(), FRAME)

  constructor(
    private readonly name: string,
    height: number,
  ) {
    this.latest = make('span', { class: 'chart-value' })
    this.frame = make('div', { class: 'chart-frame', role: 'img', 'data-empty': 'Nothing to draw before the first step', style: `height:${height}px` })
    this.element = make('figure', { class: 'card chart' }, make('figcaption', { class: 'card-head' }, make('h2', {}, name), this.latest), this.frame)
    const axis = (extra: uPlot.Axis): uPlot.Axis => ({
      stroke: () => color('--muted'),
      grid: { stroke: () => color('--line'), width: 1 },
      ticks: { show: false },
      font: '12px ui-sans-serif, system-ui, sans-serif',
      ...extra,
    })
    this.plot = new uPlot(
      {
        width: 300,
        height,
        scales: { x: { time: false } },
        legend: { show: false },
        cursor: { x: true, y: false, drag: { x: false, y: false }, points: { size: 7 } },
        axes: [axis({ size: 26, space: 70 }), axis({ size: 46, space: 34 })],
        series: [
          {},
          { stroke: () => color(this.noisy ? '--flame-soft' : '--flame'), width: 1.5, points: { show: false } },
          { stroke: () => color('--flame'), width: 2, points: { show: false } },
        ],
        hooks: { setCursor: [u => this.showValue(u.cursor.idx ?? null)] },
      },
      [[], [], []],
      this.frame,
    )
    new ResizeObserver(([entry]) => this.plot.setSize({ width: Math.max(120, Math.floor(entry.contentRect.width)), height })).observe(this.frame)
    onThemeChange(() => this.plot.redraw())
    this.describe()
  }

  add(steps: readonly number[], values: readonly number[]): void {
    for (let i = 0; i < steps.length; i++) {
      if (this.steps.length > 0 && steps[i] < this.steps[this.steps.length - 1]) this.clear()
      this.push(steps[i], values[i])
    }
    this.redraw()
  }

  clear(): void {
    this.steps = []
    this.values = []
    this.perPoint = 1
    this.open = { count: 0, sum: 0 }
    this.redraw()
  }

  private get noisy(): boolean {
    return this.steps.length >= SMOOTHING_FROM
  }

  /** The last point stays open until it holds `perPoint` values. */
  private push(step: number, value: number): void {
    const last = this.steps.length - 1
    if (this.open.count > 0 && this.open.count < this.perPoint) {
      this.open = { count: this.open.count + 1, sum: this.open.sum + value }
      this.steps[last] = step
      this.values[last] = this.open.sum / this.open.count
      return
    }
    if (this.steps.length >= MAX_POINTS) this.halve()
    this.open = { count: 1, sum: value }
    this.steps.push(step)
    this.values.push(value)
  }

  private halve(): void {
    const n = this.steps.length >> 1
    this.values = Array.from({ length: n }, (_, i) => (this.values[2 * i] + this.values[2 * i + 1]) / 2)
    this.steps = Array.from({ length: n }, (_, i) => this.steps[2 * i + 1])
    this.perPoint *= 2
  }

  private draw(): void {
    const average = this.noisy ? smoothed(this.values) : []
    // uPlot leaves gaps at null, which is how numbers that are not finite are shown.
    const finite = (list: readonly number[]) => list.map(v => (Number.isFinite(v) ? v : null))
    this.plot.setData([this.steps, finite(this.values), average.length > 0 ? finite(average) : this.steps.map(() => null)])
    this.showValue(null)
    this.describe()
  }

  private showValue(index: number | null): void {
    const at = index ?? this.values.length - 1
    const value = this.values[at]
    this.latest.textContent = value === undefined ? '' : index === null ? readable(value) : `${readable(value)} at step ${this.steps[at]}`
  }

  private describe(): void {
    const n = this.values.length
    this.frame.classList.toggle('empty', n === 0)
    this.frame.setAttribute(
      'aria-label',
      n === 0 ? `Chart of ${this.name}, empty` : `Chart of ${this.name}: ${readable(this.values[0])} at step ${this.steps[0]}, ${readable(this.values[n - 1])} at step ${this.steps[n - 1]}`,
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
