// Moves and scales what lies in an SVG element: by dragging, two fingers, the wheel and keys.

export interface Area {
  readonly x: number
  readonly y: number
  readonly width: number
  readonly height: number
}

const MIN = 0.02
const MAX = 2.5
const STEP = 1.25
/** The least scale of a first view; where it does not show all, it shows a part in a better one. */
const LEAST = 0.6
const READABLE = 0.75
/** Pointers may tremble this much in a click. */
const STILL = 4

export class PanZoom {
  private x = 0
  private y = 0
  private scale = 1
  private readonly pointers = new Map<number, { x: number; y: number }>()
  private travelled = 0

  constructor(
    private readonly frame: SVGSVGElement,
    private readonly content: SVGGElement,
    private readonly changed: (scale: number) => void,
  ) {
    frame.addEventListener('pointerdown', e => this.down(e))
    frame.addEventListener('pointermove', e => this.move(e))
    for (const type of ['pointerup', 'pointercancel'] as const) frame.addEventListener(type, e => this.pointers.delete(e.pointerId))
    // A drag is no click.
    frame.addEventListener('click', e => this.travelled > STILL && e.stopImmediatePropagation(), { capture: true })
    // The page scrolls by the wheel until somebody turns to the picture.
    frame.addEventListener('wheel', e => {
      if (!e.ctrlKey && !e.metaKey && document.activeElement !== frame) return
      e.preventDefault()
      const { x, y } = this.local(e)
      this.zoomAt(Math.exp(-e.deltaY * (e.ctrlKey ? 0.01 : 0.0015)), x, y)
    }, { passive: false })
  }

  zoomIn(): void {
    this.zoomAt(STEP, ...this.middle())
  }

  zoomOut(): void {
    this.zoomAt(1 / STEP, ...this.middle())
  }

  pan(dx: number, dy: number): void {
    this.x += dx
    this.y += dy
    this.apply()
  }

  /** Shows an area whole, but no larger than life and, if `first` is given, no smaller than can be read: then around `first`, near the top. */
  fit({ x, y, width, height }: Area, first?: Area): void {
    const { clientWidth, clientHeight } = this.frame
    if (clientWidth === 0 || width === 0) return
    const whole = Math.min(1, clientWidth / width, clientHeight / height)
    this.scale = first && whole < LEAST ? READABLE : whole
    const { scale } = this
    const wide = first !== undefined && width * scale > clientWidth
    const high = first !== undefined && height * scale > clientHeight
    this.x = clientWidth / 2 - (wide ? first.x + first.width / 2 : x + width / 2) * scale
    this.y = high ? clientHeight * 0.12 - first.y * scale : clientHeight / 2 - (y + height / 2) * scale
    this.apply()
  }

  /** Brings an area into sight with as little motion as it takes. */
  reveal({ x, y, width, height }: Area): void {
    const { clientWidth, clientHeight } = this.frame
    const margin = 24
    const shift = (from: number, size: number, room: number): number => {
      if (size > room - 2 * margin) return (room - size) / 2 - from
      return from < margin ? margin - from : from + size > room - margin ? room - margin - size - from : 0
    }
    const { scale } = this
    this.pan(shift(x * scale + this.x, width * scale, clientWidth), shift(y * scale + this.y, height * scale, clientHeight))
  }

  private middle(): [x: number, y: number] {
    return [this.frame.clientWidth / 2, this.frame.clientHeight / 2]
  }

  private local({ clientX, clientY }: MouseEvent): { x: number; y: number } {
    const box = this.frame.getBoundingClientRect()
    return { x: clientX - box.left, y: clientY - box.top }
  }

  private zoomAt(factor: number, x: number, y: number): void {
    const scale = Math.min(MAX, Math.max(MIN, this.scale * factor))
    this.x = x - ((x - this.x) * scale) / this.scale
    this.y = y - ((y - this.y) * scale) / this.scale
    this.scale = scale
    this.apply()
  }

  private down(event: PointerEvent): void {
    if (event.button !== 0) return
    if (this.pointers.size === 0) this.travelled = 0
    this.pointers.set(event.pointerId, this.local(event))
  }

  private move(event: PointerEvent): void {
    const before = this.pointers.get(event.pointerId)
    if (!before) return
    const now = this.local(event)
    const [dx, dy] = [now.x - before.x, now.y - before.y]
    this.travelled += Math.abs(dx) + Math.abs(dy)
    // Captured only once it is a drag: a captured click would not reach the box under it.
    if (this.travelled > STILL) this.frame.setPointerCapture(event.pointerId)
    const other = [...this.pointers].find(([id]) => id !== event.pointerId)?.[1]
    if (other) {
      const distance = (p: { x: number; y: number }) => Math.hypot(p.x - other.x, p.y - other.y) || 1
      this.zoomAt(distance(now) / distance(before), (now.x + other.x) / 2, (now.y + other.y) / 2)
    }
    // Two fingers move the picture by half of what each moves.
    this.pan(other ? dx / 2 : dx, other ? dy / 2 : dy)
    this.pointers.set(event.pointerId, now)
  }

  private apply(): void {
    this.content.setAttribute('transform', `translate(${this.x.toFixed(2)} ${this.y.toFixed(2)}) scale(${this.scale.toFixed(4)})`)
    this.changed(this.scale)
  }
}
