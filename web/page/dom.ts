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

/** Calls `draw` in a coming animation frame, at most once an `interval` in milliseconds however often it is asked. */
export function throttled(draw: () => void, interval = 0): () => void {
  let asked = false
  let last = -Infinity
  const frame = (now: number) => {
    if (now - last < interval) requestAnimationFrame(frame)
    else {
      asked = false
      last = now
      draw()
    }
  }
  return () => {
    if (asked) return
    asked = true
    requestAnimationFrame(frame)
  }
}
