// The right half of the page: the loss chart and whatever else the code shows. Each example names the views that it will fill,
// so that they stand ready before the run; code that shows something else brings that view up.
import type { FromWorker } from '../shared/protocol.ts'
import { LineChart } from './chart.ts'
import { byId } from './dom.ts'
import { Drawing } from './drawing.ts'
import { BoundaryView, FitView, PredictionsView, TextView } from './views.ts'

const CHART_HEIGHT = 190

export type ViewName = 'predictions' | 'drawing' | 'boundary' | 'fit' | 'text'

export class Results {
  private readonly charts = byId('charts', HTMLElement)
  private readonly loss = new LineChart('Loss', CHART_HEIGHT)
  private readonly extra = new Map<string, LineChart>()
  private readonly predictions = new PredictionsView()
  private readonly boundary = new BoundaryView()
  private readonly fit = new FitView()
  private readonly text = new TextView()
  private readonly drawing: Drawing
  private readonly cards: Record<ViewName, HTMLElement>

  constructor(onDraw: (pixels: Float32Array) => void) {
    this.drawing = new Drawing(onDraw)
    this.cards = {
      predictions: this.predictions.element,
      drawing: this.drawing.element,
      boundary: this.boundary.element,
      fit: this.fit.element,
      text: this.text.element,
    }
    this.charts.append(this.loss.element)
    byId('views', HTMLElement).append(...Object.values(this.cards))
  }

  /** An empty stage for a program that will show `views`. */
  reset(views: readonly ViewName[]): void {
    this.loss.clear()
    this.extra.forEach(chart => chart.element.remove())
    this.extra.clear()
    for (const view of [this.predictions, this.boundary, this.fit, this.text]) view.show(null)
    this.drawing.setEnabled(false)
    for (const name of Object.keys(this.cards) as ViewName[]) this.cards[name].hidden = !views.includes(name)
  }

  /** The network that answered drawings is gone. */
  endDrawing(): void {
    this.drawing.setEnabled(false)
  }

  receive(message: FromWorker): void {
    switch (message.type) {
      case 'progress':
        return this.loss.add(message.progress.step, [message.progress.loss])
      case 'plot':
        return this.chart(message.name, message.lines).add(message.step, message.values)
      case 'predictions':
        this.cards.predictions.hidden = false
        return this.predictions.show(message.pictures)
      case 'boundary':
        this.cards.boundary.hidden = false
        return this.boundary.show(message.boundary)
      case 'fit':
        this.cards.fit.hidden = false
        return this.fit.show(message.fit)
      case 'text':
        this.cards.text.hidden = false
        return this.text.show(message.lines)
      case 'drawable':
        this.cards.drawing.hidden = false
        return this.drawing.setEnabled(true)
      case 'guess':
        return this.drawing.showGuess(message.probs)
    }
  }

  private chart(name: string, lines: readonly string[]): LineChart {
    let chart = this.extra.get(name)
    if (!chart) {
      chart = new LineChart(name, CHART_HEIGHT, lines)
      this.extra.set(name, chart)
      this.charts.append(chart.element)
    }
    return chart
  }
}
