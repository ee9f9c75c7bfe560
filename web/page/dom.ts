// Small helpers to find and make elements.

/** The element of that id, which must be in the page and of that class. */
export function byId<T extends HTMLElement>(id: string, type: new () => T): T {
  const found = document.getElementById(id)
  if (!(found instanceof type)) throw new Error(`The page has no ${type.name} with id ${id}`)
  return found
}

type Child = Node | string | null
type Attributes = Readonly<Record<string, string | number | boolean>>

export function make<K extends keyof HTMLElementTagNameMap>(tag: K, attributes: Attributes = {}, ...children: Child[]): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag)
  for (const [name, value] of Object.entries(attributes)) if (value !== false) element.setAttribute(name, value === true ? '' : String(value))
  element.append(...children.filter(c => c !== null))
  return element
}

export function context2d(canvas: HTMLCanvasElement, options?: CanvasRenderingContext2DSettings): CanvasRenderingContext2D {
  const context = canvas.getContext('2d', options)
  if (!context) throw new Error('This browser has no 2d canvas')
  return context
}

/** Milliseconds of drawing in one animation frame; what is left over waits for the next, so that the page always answers. */
const FRAME_BUDGET = 5

const waiting = new Map<() => void, number>()

function frame(now: number): void {
  const end = performance.now() + FRAME_BUDGET
  for (const [draw, due] of waiting) {
    if (due > now) continue
    waiting.delete(draw)
    draw()
    if (performance.now() > end) break
  }
  if (waiting.size > 0) requestAnimationFrame(frame)
}

/** Calls `draw` in a coming animation frame, at most once in `interval` milliseconds however often it is asked. */
export function throttled(draw: () => void, interval: number): () => void {
  let last = -Infinity
  const timed = () => {
    last = performance.now()
    draw()
  }
  return () => {
    if (waiting.has(timed)) return
    if (waiting.size === 0) requestAnimationFrame(frame)
    waiting.set(timed, last + interval)
  }
}
