// The canvas on which the visitor draws a digit, by pointer or by keys, and the network's guess beside it. What is drawn is made
// into 8×8 grey values as the data set was: fitted to a 32×32 bitmap, of which each 4×4 block is counted.
import { context2d, make, throttled } from './dom.ts'
import { drawPicture } from './views.ts'

const SIZE = 256
const PEN = 26
const BITMAP = 32
const CELLS = 8
const KEY_STEP = 10

export class Drawing {
  private readonly canvas = make('canvas', { class: 'paper', width: SIZE, height: SIZE, tabindex: 0, role: 'img', 'aria-label': 'Drawing canvas', 'aria-describedby': 'drawing-help' })
  private readonly seen = make('canvas', { class: 'seen', width: CELLS, height: CELLS, role: 'img', 'aria-label': 'The drawing as the network sees it, 8 by 8 pixels' })
  private readonly guess = make('div', { class: 'guess', role: 'group', 'aria-label': 'Guess' })
  private readonly bars = make('ol', { class: 'bars', start: 0 })
  private readonly clearButton = make('button', { type: 'button', class: 'quiet' }, 'Clear')
  private readonly help = make('p', { class: 'hint', id: 'drawing-help' })
  readonly element: HTMLElement
  private enabled = false
  private empty = true
  private pen: { x: number; y: number } | null = null
  private key = { x: SIZE / 2, y: SIZE / 4, down: false }
  private readonly send = throttled(() => this.ask(), 60)

  constructor(private readonly onDraw: (pixels: Float32Array) => void) {
    this.element = make(
      'section',
      { class: 'card drawing', 'aria-label': 'Draw a digit' },
      make('div', { class: 'card-head' }, make('h2', {}, 'Draw a digit'), this.help),
      make('div', { class: 'drawing-body' }, make('div', { class: 'paper-side' }, this.canvas, this.clearButton), make('div', { class: 'guess-side' }, make('div', { class: 'guess-head' }, this.seen, this.guess), this.bars)),
    )
    this.clearButton.addEventListener('click', () => this.clear())
    this.listen()
    this.setEnabled(false)
    this.clear()
  }

  /** Whether there is a network that answers. */
  setEnabled(enabled: boolean): void {
    this.enabled = enabled
    this.element.classList.toggle('waiting', !enabled)
    this.help.textContent = enabled ? 'With the pointer, or with the arrow keys: Space lowers and lifts the pen' : 'Press Run first: the network answers while it learns, and afterwards'
    if (enabled && !this.empty) this.send()
    if (!enabled) this.showGuess([])
  }

  clear(): void {
    const context = context2d(this.canvas, { willReadFrequently: true })
    context.fillStyle = 'rgb(34 27 22)'
    context.fillRect(0, 0, SIZE, SIZE)
    this.empty = true
    this.pen = null
    this.key = { x: SIZE / 2, y: SIZE / 4, down: false }
    drawPicture(this.seen, new Float32Array(CELLS * CELLS), CELLS)
    this.showGuess([])
  }

  showGuess(probs: readonly number[]): void {
    const best = probs.reduce((b, p, i) => (p > probs[b] ? i : b), 0)
    const shown = this.empty || probs.length === 0 ? [] : probs
    this.guess.textContent = shown.length > 0 ? `${best}` : '?'
    if (this.bars.children.length !== 10) this.bars.replaceChildren(...Array.from({ length: 10 }, (_, i) => make('li', {}, make('span', {}, `${i}`), make('i', {}), make('b', {}))))
    Array.from(this.bars.children).forEach((bar, i) => {
      const p = shown[i] ?? 0
      const [, fill, text] = bar.children
      if (fill instanceof HTMLElement) fill.style.setProperty('--share', String(p))
      text.textContent = shown.length > 0 ? `${Math.round(p * 100)} %` : ''
      bar.classList.toggle('best', shown.length > 0 && i === best)
    })
  }

  private listen(): void {
    const { canvas } = this
    const place = (e: PointerEvent) => {
      const box = canvas.getBoundingClientRect()
      return { x: ((e.clientX - box.left) / box.width) * SIZE, y: ((e.clientY - box.top) / box.height) * SIZE }
    }
    canvas.addEventListener('pointerdown', e => {
      canvas.setPointerCapture(e.pointerId)
      this.pen = place(e)
      this.line(this.pen, this.pen)
    })
    canvas.addEventListener('pointermove', e => {
      if (!this.pen) return
      const to = place(e)
      this.line(this.pen, to)
      this.pen = to
    })
    for (const end of ['pointerup', 'pointercancel'] as const) canvas.addEventListener(end, () => (this.pen = null))
    canvas.addEventListener('keydown', e => this.typed(e))
  }

  private typed(e: KeyboardEvent): void {
    const moves: Readonly<Record<string, readonly [number, number]>> = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }
    const from = { ...this.key }
    const move = moves[e.key]
    if (move) {
      this.key.x = Math.min(SIZE, Math.max(0, from.x + move[0] * KEY_STEP))
      this.key.y = Math.min(SIZE, Math.max(0, from.y + move[1] * KEY_STEP))
    } else if (e.key === ' ') this.key.down = !from.down
    else if (e.key === 'Delete' || e.key === 'Backspace') this.clear()
    else return
    e.preventDefault()
    if (this.key.down) this.line(from, this.key)
  }

  private line(from: { x: number; y: number }, to: { x: number; y: number }): void {
    const context = context2d(this.canvas)
    context.strokeStyle = 'rgb(255 232 200)'
    context.lineWidth = PEN
    context.lineCap = 'round'
    context.beginPath()
    context.moveTo(from.x, from.y)
    context.lineTo(to.x, to.y)
    context.stroke()
    this.empty = false
    this.send()
  }

  private ask(): void {
    if (this.empty) return
    const pixels = this.cells()
    drawPicture(this.seen, pixels, CELLS)
    if (this.enabled) this.onDraw(pixels)
  }

  private cells(): Float32Array {
    const { data } = context2d(this.canvas).getImageData(0, 0, SIZE, SIZE)
    const inked = (i: number) => data[i * 4] > 128
    let [left, top, right, bottom] = [SIZE, SIZE, 0, 0]
    for (let i = 0; i < SIZE * SIZE; i++) {
      if (!inked(i)) continue
      const [x, y] = [i % SIZE, Math.floor(i / SIZE)]
      ;[left, top, right, bottom] = [Math.min(left, x), Math.min(top, y), Math.max(right, x + 1), Math.max(bottom, y + 1)]
    }
    const cells = new Float32Array(CELLS * CELLS)
    // The digit fills the height of the bitmap and keeps its proportions.
    const span = Math.max(right - left, bottom - top, 1)
    const block = BITMAP / CELLS
    for (let y = 0; y < BITMAP; y++)
      for (let x = 0; x < BITMAP; x++) {
        const sx = Math.floor((left + right) / 2 + ((x + 0.5) / BITMAP - 0.5) * span)
        const sy = Math.floor((top + bottom) / 2 + ((y + 0.5) / BITMAP - 0.5) * span)
        if (sx >= 0 && sy >= 0 && sx < SIZE && sy < SIZE && inked(sy * SIZE + sx)) cells[Math.floor(y / block) * CELLS + Math.floor(x / block)] += 1 / (block * block)
      }
    return cells
  }
}
