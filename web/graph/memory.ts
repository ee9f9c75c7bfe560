// The memory of a plan over time: above how many bytes are in use while each kernel runs, below the blocks, and in each the values that lie
// there from the kernel that writes them to the last that reads them.
import type { GraphDescription, KernelDescription } from 'lampas'
import { make } from '../page/dom.ts'
import { svg } from './svg.ts'
import { bytesText, plural } from './text.ts'

interface Span {
  readonly block: number
  readonly bytes: number
  readonly first: number
  readonly last: number
  readonly returned: boolean
}

const LEFT = 54
const RIGHT = 8
const TOP = 10
const CURVE = 84
const GAP = 26
const BLOCKS = 150

export class MemoryTimeline {
  private readonly frame = make('div', { class: 'memory-frame' })
  private readonly say = make('p', { class: 'hint memory-says', 'aria-live': 'polite' })
  private readonly sum = make('p', { class: 'hint' })
  readonly element = make(
    'section',
    { class: 'card memory', 'aria-label': 'Memory plan' },
    make('div', { class: 'card-head' }, make('h2', {}, 'Memory plan'), this.sum),
    this.frame,
    this.say,
  )
  private spans: readonly Span[] = []
  private kernels: readonly KernelDescription[] = []
  private shapes: readonly SVGElement[] = []
  private current = -1
  private redraw = (): void => {}

  constructor(private readonly looked: (kernels: readonly string[]) => void) {
    let width = 0
    new ResizeObserver(() => {
      if (width === this.frame.clientWidth) return
      width = this.frame.clientWidth
      this.redraw()
    }).observe(this.frame)
  }

  show({ plan }: GraphDescription): void {
    const { kernels = [], memory = [] } = plan ?? {}
    this.kernels = kernels
    const own = memory.filter(m => m.kind !== 'external' && m.bytes > 0)
    this.spans = own.flatMap((m, block) => lives(m.id, kernels).map(life => ({ ...life, block, bytes: m.bytes, returned: m.kind === 'output' })))
    this.current = -1
    const live = kernels.map((_, i) => this.spans.reduce((n, s) => (s.first <= i && i <= s.last ? n + s.bytes : n), 0))
    const peak = live.reduce((a, b) => Math.max(a, b), 0)
    const all = own.reduce((n, m) => n + m.bytes, 0)
    this.sum.textContent = kernels.length === 0 ? '' : `${plural(kernels.length, 'kernel')}, ${plural(own.length, 'block')}, at most ${bytesText(peak)} of ${bytesText(all)} in use`
    this.say.textContent = this.spans.length === 0 ? 'The plan needs no memory of its own.' : 'Point at a value, or walk by the arrow keys, to see who writes and reads it.'
    if (this.spans.length === 0) {
      this.redraw = () => this.frame.replaceChildren()
      return this.redraw()
    }
    this.redraw = () => this.frame.replaceChildren(this.picture(own.map(m => m.bytes), live, peak))
    this.redraw()
  }

  private picture(blocks: readonly number[], live: readonly number[], peak: number): SVGSVGElement {
    // One unit is one pixel, so that letters keep their size.
    const width = Math.max(280, this.frame.clientWidth)
    const all = blocks.reduce((a, b) => a + b, 0)
    const least = Math.min(3, Math.max(1, BLOCKS / blocks.length))
    const heights = blocks.map(bytes => Math.max(least, (bytes / all) * BLOCKS))
    const tops: number[] = []
    heights.reduce((y, h) => (tops.push(y), y + h + 1), TOP + CURVE + GAP)
    const bottom = TOP + CURVE + GAP + heights.reduce((a, h) => a + h + 1, 0)
    const step = (width - LEFT - RIGHT) / live.length
    const x = (kernel: number) => LEFT + kernel * step
    const level = (bytes: number) => TOP + CURVE * (1 - bytes / peak)
    const bars = live.map((bytes, i) => svg('rect', { class: bytes === peak ? 'bar peak' : 'bar', x: x(i) + step * 0.06, width: step * 0.88, y: level(bytes), height: Math.max(0, TOP + CURVE - level(bytes)) }))
    this.shapes = this.spans.map((s, i) =>
      svg('rect', {
        class: s.returned ? 'span returned' : 'span', role: 'option', id: `span-${i}`, 'data-index': i, 'aria-selected': false, 'aria-label': this.describe(s),
        x: x(s.first) + Math.min(0.5, step * 0.06), width: Math.max(0.8, (s.last - s.first + 1) * step - Math.min(1, step * 0.12)), y: tops[s.block], height: heights[s.block], rx: Math.min(3, heights[s.block] / 3, step / 3),
      }),
    )
    const label = (text: string, y: number, at = LEFT - 8, anchor = 'end') => svg('text', { x: at, y, 'text-anchor': anchor }, text)
    const picture = svg(
      'svg',
      { viewBox: `0 0 ${width} ${bottom + 22}`, role: 'listbox', 'aria-label': 'Values in memory', tabindex: 0 },
      svg('g', { 'aria-hidden': true },
        svg('line', { class: 'limit', x1: LEFT, x2: width - RIGHT, y1: TOP, y2: TOP }), label(bytesText(peak), TOP + 4), label('0', TOP + CURVE + 4), ...bars,
        svg('line', { class: 'axis', x1: LEFT, x2: width - RIGHT, y1: TOP + CURVE, y2: TOP + CURVE }),
        label('blocks', TOP + CURVE + GAP + 10), ...heights.map((h, i) => svg('rect', { class: 'block', x: LEFT, y: tops[i], width: width - LEFT - RIGHT, height: h })),
        label('kernel 1', bottom + 16, LEFT, 'start'), label(`kernel ${live.length}`, bottom + 16, width - RIGHT)),
      ...this.shapes,
    )
    picture.addEventListener('pointerover', e => this.look(this.indexAt(e.target)))
    picture.addEventListener('click', e => this.choose(picture, this.indexAt(e.target)))
    picture.addEventListener('keydown', e => {
      const to = { ArrowRight: this.current + 1, ArrowDown: this.current + 1, ArrowLeft: this.current - 1, ArrowUp: this.current - 1, Home: 0, End: this.spans.length - 1 }[e.key]
      if (to === undefined) return
      e.preventDefault()
      this.choose(picture, Math.min(this.spans.length - 1, Math.max(0, to)))
    })
    return picture
  }

  private indexAt(target: EventTarget | null): number {
    return target instanceof Element && target.hasAttribute('data-index') ? Number(target.getAttribute('data-index')) : -1
  }

  private choose(picture: SVGSVGElement, index: number): void {
    this.shapes[this.current]?.setAttribute('aria-selected', 'false')
    this.current = index
    this.shapes[index]?.setAttribute('aria-selected', 'true')
    if (this.shapes[index]) picture.setAttribute('aria-activedescendant', this.shapes[index].id)
    else picture.removeAttribute('aria-activedescendant')
    this.look(index)
    const span = this.spans[index]
    this.looked(span ? this.kernels.slice(span.first, span.last + 1).filter((_, i, l) => i === 0 || i === l.length - 1).map(k => k.id) : [])
  }

  private look(index: number): void {
    const span = this.spans[index] ?? this.spans[this.current]
    if (span) this.say.textContent = this.describe(span)
  }

  private describe({ bytes, first, last, returned }: Span): string {
    const at = (i: number) => `kernel ${i + 1}, ${this.kernels[i].text}`
    return `${bytesText(bytes)}${returned ? ', a result' : ''}: written by ${at(first)}; ${last > first ? `last read by ${at(last)}` : 'used there only'}`
  }
}

/** The values that lie in a block one after the other: each begins where a kernel writes without reading. */
function lives(id: string, kernels: readonly KernelDescription[]): { first: number; last: number }[] {
  const found: { first: number; last: number }[] = []
  kernels.forEach((kernel, i) => {
    const reads = kernel.reads.includes(id)
    const writes = kernel.writes.includes(id)
    if (!reads && !writes) return
    const last = found[found.length - 1]
    if (last && (reads || last.last === i)) last.last = i
    else found.push({ first: i, last: i })
  })
  return found
}
