// The graph as a picture: boxes that can be pointed at, walked through by keys, coloured by what they are or cost, and lit up from elsewhere.
import { svg } from './svg.ts'
import type { Layout, LayoutRequest, Point } from './layout-worker.ts'
import { PanZoom, type Area } from './pan-zoom.ts'
import type { Box, Scene } from './scene.ts'
import { kinds } from './kinds.ts'
import { bytesText, msText } from './text.ts'

export type ColorBy = 'kind' | 'bytes' | 'time'

export interface PictureEvents {
  /** The box that is pointed at or stepped to; null: none. `chosen`: by a click or a key. */
  looked(box: Box | null, chosen: boolean): void
  /** Opens a closed group. */
  opened(box: Box): void
  drawn(milliseconds: number): void
}

const HEIGHT = 42
const CHARACTER = 7.3
const LONGEST = 30
/** Below this scale letters cannot be read. */
const LEGIBLE = 0.4

const short = (text: string): string => (text.length > LONGEST ? `${text.slice(0, LONGEST - 1)}…` : text)
const widthOf = (b: Box): number => Math.max(76, Math.max(short(b.label).length * CHARACTER, short(b.detail).length * 6.1) + 28)

export class Picture {
  readonly element: SVGSVGElement
  private readonly content = svg('g', { role: 'presentation' })
  private readonly panZoom: PanZoom
  private readonly worker = new Worker(new URL('./layout-worker.ts', import.meta.url), { type: 'module' })
  private scene: Scene = { boxes: [], arrows: [] }
  private areas: readonly Area[] = []
  private shapes: readonly SVGGElement[] = []
  private paths: readonly SVGPathElement[] = []
  private turn = 0
  private asked = 0
  private current = -1
  private settle: (() => void) | undefined
  /** What to light up when the picture stands. */
  private waiting: ((box: Box) => boolean) | null = null
  private colorBy: ColorBy = 'kind'
  private keep: { readonly id: string } | null = null

  constructor(private readonly events: PictureEvents) {
    this.element = svg('svg', { class: 'graph-picture', role: 'listbox', 'aria-label': 'Graph', tabindex: 0, 'aria-describedby': 'graph-keys' }, this.content)
    this.panZoom = new PanZoom(this.element, this.content, scale => this.element.classList.toggle('small', scale < LEGIBLE))
    this.worker.addEventListener('message', (event: MessageEvent<Layout>) => {
      if (event.data.turn === this.turn) this.draw(event.data)
    })
    this.element.addEventListener('pointerover', e => this.look(this.indexAt(e.target), false))
    this.element.addEventListener('pointerleave', () => this.look(this.current, false))
    this.element.addEventListener('click', e => this.choose(this.indexAt(e.target)))
    this.element.addEventListener('dblclick', () => this.open(this.current))
    this.element.addEventListener('keydown', e => this.key(e))
    this.element.addEventListener('focus', () => {
      if (this.current < 0 && this.shapes.length > 0) this.choose(0)
    })
  }

  /** Draws a scene; resolves when it stands. `keep` is the box to have in sight, else the beginning is. */
  show(scene: Scene, keep: string | null): Promise<void> {
    this.settle?.()
    this.scene = scene
    this.keep = keep === null ? null : { id: keep }
    this.asked = performance.now()
    this.turn++
    // What still stands there is the picture of another scene.
    this.shapes = []
    this.paths = []
    this.content.classList.add('old')
    const request: LayoutRequest = { turn: this.turn, sizes: scene.boxes.map(b => [widthOf(b), HEIGHT] as const), arrows: scene.arrows }
    this.worker.postMessage(request)
    return new Promise(resolve => (this.settle = resolve))
  }

  color(by: ColorBy): void {
    this.colorBy = by
    this.element.dataset.color = by
    const share = shares(this.scene.boxes, by)
    this.shapes.forEach((shape, i) => shape.style.setProperty('--share', share[i].toFixed(3)))
  }

  /** Lights up boxes and brings them into sight; all others step back. */
  light(test: ((box: Box) => boolean) | null): number {
    this.waiting = this.settle ? test : null
    const lit = test ? this.scene.boxes.map(test) : []
    const any = lit.includes(true)
    this.content.classList.toggle('dimmed', any)
    this.shapes.forEach((shape, i) => shape.classList.toggle('lit', lit[i] === true))
    if (this.settle) return lit.filter(Boolean).length
    const areas = this.areas.filter((_, i) => lit[i])
    if (any) this.panZoom.reveal(fits(areas, this.element) ? around(areas) : areas[0])
    return areas.length
  }

  fit(): void {
    this.panZoom.fit(around(this.areas))
  }

  zoomIn(): void {
    this.panZoom.zoomIn()
  }

  zoomOut(): void {
    this.panZoom.zoomOut()
  }

  private indexAt(target: EventTarget | null): number {
    const shape = target instanceof Element ? target.closest('[role=option]') : null
    return shape ? Number(shape.getAttribute('data-index')) : -1
  }

  private look(index: number, chosen: boolean): void {
    this.paths.forEach((path, i) => path.classList.toggle('near', this.scene.arrows[i].includes(index)))
    this.events.looked(this.scene.boxes[index] ?? null, chosen)
  }

  private choose(index: number): void {
    this.shapes[this.current]?.setAttribute('aria-selected', 'false')
    this.current = index
    const shape = this.shapes[index]
    shape?.setAttribute('aria-selected', 'true')
    if (shape) this.element.setAttribute('aria-activedescendant', shape.id)
    else this.element.removeAttribute('aria-activedescendant')
    this.look(index, true)
  }

  private open(index: number): void {
    const box = this.scene.boxes[index]
    if (box?.run) this.events.opened(box)
  }

  private key(event: KeyboardEvent): void {
    const { key, shiftKey } = event
    const move = 60
    const actions: Record<string, () => void> = {
      ArrowDown: () => (shiftKey ? this.panZoom.pan(0, -move) : this.step(([from, to]) => (from === this.current ? to : -1))),
      ArrowUp: () => (shiftKey ? this.panZoom.pan(0, move) : this.step(([from, to]) => (to === this.current ? from : -1))),
      ArrowRight: () => (shiftKey ? this.panZoom.pan(-move, 0) : this.go(this.current + 1)),
      ArrowLeft: () => (shiftKey ? this.panZoom.pan(move, 0) : this.go(this.current - 1)),
      Home: () => this.go(0),
      End: () => this.go(this.shapes.length - 1),
      Enter: () => this.open(this.current),
      ' ': () => this.open(this.current),
      '+': () => this.zoomIn(),
      '=': () => this.zoomIn(),
      '-': () => this.zoomOut(),
      0: () => this.fit(),
    }
    if (!Object.hasOwn(actions, key) || event.ctrlKey || event.metaKey || event.altKey) return
    event.preventDefault()
    actions[key]()
  }

  /** Along an arrow: the nearest of the boxes that `end` gives; where there is none, to the neighbour. */
  private step(end: (arrow: readonly [from: number, to: number]) => number): void {
    const here = this.areas[this.current]
    const ends = this.scene.arrows.map(end).filter(i => i >= 0)
    const distance = (i: number) => Math.hypot(this.areas[i].x - here.x, this.areas[i].y - here.y)
    if (ends.length > 0) this.go(ends.reduce((a, b) => (distance(b) < distance(a) ? b : a)))
  }

  private go(index: number): void {
    if (index < 0 || index >= this.shapes.length) return
    this.choose(index)
    this.panZoom.reveal(this.areas[index])
  }

  private draw({ places, ways }: Layout): void {
    const { boxes, arrows } = this.scene
    this.areas = boxes.map((b, i): Area => ({ x: places[i][0] - widthOf(b) / 2, y: places[i][1] - HEIGHT / 2, width: widthOf(b), height: HEIGHT }))
    this.paths = arrows.map(([from, to], i) => {
      const way = ways[i]
      return svg('path', { class: way ? 'arrow' : 'arrow far', d: way ? smooth(way) : across(this.areas[from], this.areas[to]) })
    })
    this.shapes = boxes.map((b, i) => shapeOf(b, this.areas[i], i))
    const far = this.paths.filter(p => p.classList.contains('far'))
    const close = this.paths.filter(p => !p.classList.contains('far'))
    this.content.classList.remove('old', 'dimmed')
    this.content.replaceChildren(svg('g', { 'aria-hidden': true }, ...far, ...close), ...this.shapes)
    this.color(this.colorBy)
    const kept = this.keep ? boxes.findIndex(b => b.id === this.keep?.id || b.run === this.keep?.id) : -1
    this.current = -1
    const first = boxes.findIndex(b => b.kind !== 'external')
    this.panZoom.fit(around(this.areas), this.areas[Math.max(0, first)])
    if (kept >= 0) this.go(kept)
    else this.element.removeAttribute('aria-activedescendant')
    this.events.drawn(performance.now() - this.asked)
    this.settle?.()
    this.settle = undefined
    if (this.waiting) this.light(this.waiting)
  }
}

function shapeOf(b: Box, { x, y, width, height }: Area, index: number): SVGGElement {
  const middle = x + width / 2 + 2
  return svg(
    'g',
    { class: `box ${b.kind}${b.closed ? ' closed' : ''}${b.result ? ' result' : ''}`, role: 'option', id: `box-${index}`, 'data-index': index, 'aria-selected': false, 'aria-label': nameOf(b) },
    ...(b.closed ? [svg('rect', { class: 'under', x: x + 4, y: y + 4, width, height, rx: 8 })] : []),
    svg('rect', { class: 'body', x, y, width, height, rx: b.kind === 'external' ? height / 2 : 8 }),
    svg('rect', { class: 'stripe', x: x + (b.kind === 'external' ? 10 : 4), y: y + 8, width: 4, height: height - 16, rx: 2 }),
    svg('text', { class: 'label', x: middle, y: y + 18 }, short(b.label)),
    ' ',
    svg('text', { class: 'detail', x: middle, y: y + 33 }, short(b.detail)),
  )
}

/** Begins with what can be seen. */
function nameOf(b: Box): string {
  const cost = b.ms === null ? bytesText(b.bytes) : `${bytesText(b.bytes)}, ${msText(b.ms)}`
  return `${short(b.label)} ${short(b.detail)}${b.closed ? `, group of ${b.parts.length}` : ''}, ${kinds[b.kind]}, ${cost}${b.line === null ? '' : `, line ${b.line}`}${b.result ? ', result' : ''}`
}

/** 0 to 1: what share of the most expensive box each costs. */
export function shares(boxes: readonly Box[], by: ColorBy): number[] {
  const cost = boxes.map(b => (by === 'time' ? (b.ms ?? 0) : by === 'bytes' && b.kind !== 'external' ? b.bytes : 0))
  const most = cost.reduce((a, b) => Math.max(a, b), 0)
  return cost.map(v => (most > 0 ? v / most : 0))
}

const number = (v: number): string => v.toFixed(1)

/** Through the points, upright where it leaves and arrives. */
function smooth(points: readonly Point[]): string {
  let d = `M${number(points[0][0])} ${number(points[0][1])}`
  for (let i = 1; i < points.length; i++) {
    const [[x0, y0], [x1, y1]] = [points[i - 1], points[i]]
    const middle = number((y0 + y1) / 2)
    d += `C${number(x0)} ${middle} ${number(x1)} ${middle} ${number(x1)} ${number(y1)}`
  }
  return d
}

/** A long arrow bows out to the side, so that it passes what lies between. */
function across(a: Area, b: Area): string {
  const [x0, y0, x1, y1] = [a.x + a.width / 2, a.y + a.height, b.x + b.width / 2, b.y]
  const bow = Math.max(a.width, b.width) / 2 + Math.min(160, (y1 - y0) / 12)
  const side = Math.max(x0, x1) + bow
  return `M${number(x0)} ${number(y0)}C${number(side)} ${number(y0 + 60)} ${number(side)} ${number(y1 - 60)} ${number(x1)} ${number(y1)}`
}

function around(areas: readonly Area[]): Area {
  const margin = 16
  const x = areas.reduce((m, a) => Math.min(m, a.x), Infinity) - margin
  const y = areas.reduce((m, a) => Math.min(m, a.y), Infinity) - margin
  const right = areas.reduce((m, a) => Math.max(m, a.x + a.width), -Infinity) + margin
  const bottom = areas.reduce((m, a) => Math.max(m, a.y + a.height), -Infinity) + margin
  return areas.length === 0 ? { x: 0, y: 0, width: 0, height: 0 } : { x, y, width: right - x, height: bottom - y }
}

const fits = (areas: readonly Area[], { clientHeight }: SVGSVGElement): boolean => around(areas).height < clientHeight
