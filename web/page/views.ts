// Pictures of what a model does: predictions, decision boundary, fitted curve, written text. Each view owns one card of the page.
import type { Boundary, Fit, Pictures } from '../shared/protocol.ts'
import { context2d, make, throttled } from './dom.ts'
import { color, onThemeChange } from './theme.ts'

const card = (title: string, hint: string, ...content: HTMLElement[]): HTMLElement =>
  make('section', { class: 'card', 'aria-label': title }, make('div', { class: 'card-head' }, make('h2', {}, title), make('p', { class: 'hint' }, hint)), ...content)

/** A view draws its newest value in an animation frame. */
abstract class View<T> {
  abstract readonly element: HTMLElement
  protected value: T | null = null
  private readonly redraw = throttled(() => this.draw(), 100)

  constructor() {
    onThemeChange(() => this.redraw())
  }

  show(value: T | null): void {
    this.value = value
    this.redraw()
  }

  protected abstract draw(): void
}

const MAX_PICTURES = 24

export class PredictionsView extends View<Pictures> {
  private readonly list = make('ul', { class: 'pictures', 'data-empty': 'Run the program to see them' })
  readonly element = card('Predictions', 'Test pictures and what the network takes them for', this.list)

  protected draw(): void {
    const { value } = this
    const count = Math.min(value?.labels.length ?? 0, MAX_PICTURES)
    while (this.list.children.length > count) this.list.lastElementChild?.remove()
    while (this.list.children.length < count) this.list.append(make('li', {}, make('canvas', { role: 'img' }), make('span', { 'aria-hidden': 'true' })))
    if (!value) return
    const { size, pixels, labels, guesses, confidence } = value
    Array.from(this.list.children).slice(0, count).forEach((item, i) => {
      const [canvas, caption] = item.children
      if (!(canvas instanceof HTMLCanvasElement)) return
      drawPicture(canvas, pixels.subarray(i * size * size, (i + 1) * size * size), size)
      const right = guesses[i] === labels[i]
      item.classList.toggle('wrong', !right)
      const percent = `${Math.round(confidence[i] * 100)} %`
      canvas.setAttribute('aria-label', right ? `${labels[i]}, recognised with ${percent}` : `${labels[i]}, taken for ${guesses[i]} with ${percent}`)
      caption.textContent = right ? `${guesses[i]}` : `${guesses[i]} ✗ ${labels[i]}`
    })
  }
}

/** Bright strokes on dark, in both themes. */
export function drawPicture(canvas: HTMLCanvasElement, pixels: ArrayLike<number>, size: number): void {
  if (canvas.width !== size) canvas.width = canvas.height = size
  const context = context2d(canvas)
  const image = context.createImageData(size, size)
  for (let i = 0; i < size * size; i++) {
    const v = Math.min(1, Math.max(0, pixels[i]))
    image.data.set([34 + v * 221, 27 + v * 205, 22 + v * 178, 255], i * 4)
  }
  context.putImageData(image, 0, 0)
}

/** Apart in hue and in brightness, so that they differ without colour vision too. */
const classColors = [
  [232, 119, 34],
  [28, 126, 148],
  [142, 68, 140],
  [122, 140, 40],
] as const

/** A view that is one picture; until it is drawn it says what will be there. */
abstract class CanvasView<T> extends View<T> {
  protected readonly canvas: HTMLCanvasElement
  readonly element: HTMLElement
  private readonly frame: HTMLElement

  constructor(private readonly title: string, hint: string, kind: 'square' | 'wide') {
    super()
    this.canvas = make('canvas', { role: 'img', width: kind === 'square' ? 560 : 960, height: kind === 'square' ? 560 : 480 })
    this.frame = make('div', { class: `frame ${kind}`, 'data-empty': 'Run the program to see it' }, this.canvas)
    this.element = card(title, hint, this.frame)
    this.draw()
  }

  protected draw(): void {
    const context = context2d(this.canvas)
    context.clearRect(0, 0, this.canvas.width, this.canvas.height)
    this.frame.classList.toggle('empty', !this.value)
    this.canvas.setAttribute('aria-label', this.value ? this.paint(context, this.value) : `${this.title}, not drawn yet`)
  }

  /** Draws the value, and says in words what is there. */
  protected abstract paint(context: CanvasRenderingContext2D, value: T): string
}

export class BoundaryView extends CanvasView<Boundary> {
  constructor() {
    super('Decision boundary', 'The colour of each place is the class that the network sees there', 'square')
  }

  protected paint(context: CanvasRenderingContext2D, { side, extent, classes, probs, points, labels }: Boundary): string {
    const { width } = this.canvas
    const cells = new ImageData(side, side)
    for (let i = 0; i < side * side; i++) {
      const rgb = [0, 0, 0]
      for (let c = 0; c < classes; c++) for (let k = 0; k < 3; k++) rgb[k] += probs[i * classes + c] * classColors[c % classColors.length][k]
      cells.data.set([...rgb, 150], i * 4)
    }
    const small = new OffscreenCanvas(side, side)
    small.getContext('2d')?.putImageData(cells, 0, 0)
    context.imageSmoothingQuality = 'high'
    context.drawImage(small, 0, 0, width, width)
    const place = (v: number) => ((v + extent) / (2 * extent)) * width
    context.lineWidth = 1.5
    context.strokeStyle = color('--surface')
    labels.forEach((label, i) => {
      context.fillStyle = `rgb(${classColors[label % classColors.length].join(' ')})`
      context.beginPath()
      context.arc(place(points[2 * i]), place(-points[2 * i + 1]), 6, 0, 2 * Math.PI)
      context.fill()
      context.stroke()
    })
    return `Decision boundary between ${classes} classes with ${labels.length} points`
  }
}

export class FitView extends CanvasView<Fit> {
  constructor() {
    super('Fit', 'The points and the curve of the model', 'wide')
  }

  protected paint(context: CanvasRenderingContext2D, { x, y, lineX, lineY }: Fit): string {
    const { width, height } = this.canvas
    const margin = 24
    const scale = (values: Float32Array, from: number, to: number) => {
      const lo = values.reduce((m, v) => Math.min(m, v), Infinity)
      const hi = values.reduce((m, v) => Math.max(m, v), -Infinity)
      return (v: number) => from + ((v - lo) / (hi - lo || 1)) * (to - from)
    }
    const px = scale(x, margin, width - margin)
    const py = scale(y, height - margin, margin)
    context.fillStyle = color('--cool')
    x.forEach((v, i) => {
      context.beginPath()
      context.arc(px(v), py(y[i]), 6, 0, 2 * Math.PI)
      context.fill()
    })
    context.strokeStyle = color('--flame')
    context.lineWidth = 5
    context.lineCap = 'round'
    context.beginPath()
    lineX.forEach((v, i) => context.lineTo(px(v), py(lineY[i])))
    context.stroke()
    return `${x.length} points and a fitted curve from ${lineY[0].toFixed(2)} to ${lineY[lineY.length - 1].toFixed(2)}`
  }
}

export class TextView extends View<readonly string[]> {
  private readonly list = make('ul', { class: 'written', 'data-empty': 'Run the program to see it write' })
  readonly element = card('Written', 'What the model writes at this point of its training', this.list)

  protected draw(): void {
    this.list.replaceChildren(...(this.value ?? []).slice(0, 60).map(line => make('li', {}, line)))
  }
}
