// Lines of the editor and boxes of the graph: the line of what is pointed at is marked, and lines that made something have a dot to click.
import { type Extension, RangeSet, StateEffect, StateField } from '@codemirror/state'
import { Decoration, EditorView, gutter, GutterMarker } from '@codemirror/view'

const setMarked = StateEffect.define<number | null>()
const setDotted = StateEffect.define<readonly number[]>()

const markedLine = Decoration.line({ class: 'cm-made' })

const marked = StateField.define({
  create: () => Decoration.none,
  update(lines, transaction) {
    let now = lines.map(transaction.changes)
    for (const effect of transaction.effects) {
      if (!effect.is(setMarked)) continue
      const { doc } = transaction.state
      const line = effect.value
      now = line === null || line > doc.lines ? Decoration.none : Decoration.set(markedLine.range(doc.line(line).from))
    }
    return now
  },
  provide: field => EditorView.decorations.from(field),
})

class Dot extends GutterMarker {
  override toDOM(): Node {
    const dot = document.createElement('span')
    dot.title = 'Show in the graph what this line makes'
    return dot
  }
}
const dot = new Dot()

const dotted = StateField.define<RangeSet<GutterMarker>>({
  create: () => RangeSet.empty,
  update(dots, transaction) {
    let now = dots.map(transaction.changes)
    for (const effect of transaction.effects) {
      if (!effect.is(setDotted)) continue
      const { doc } = transaction.state
      now = RangeSet.of(effect.value.filter(line => line <= doc.lines).map(line => dot.range(doc.line(line).from)), true)
    }
    return now
  },
})

export class Lines {
  constructor(
    private readonly view: EditorView,
    clicked: (line: number) => void,
  ) {
    const dots: Extension = gutter({
      class: 'cm-dots',
      markers: v => v.state.field(dotted),
      domEventHandlers: {
        click: (v, block) => {
          clicked(v.state.doc.lineAt(block.from).number)
          return true
        },
      },
    })
    view.dispatch({ effects: StateEffect.appendConfig.of([marked, dotted, dots]) })
  }

  /** Scrolls the editor, but never the page. */
  mark(line: number | null): void {
    const { view } = this
    view.dispatch({ effects: setMarked.of(line) })
    if (line === null || line > view.state.doc.lines) return
    const { top, bottom } = view.lineBlockAt(view.state.doc.line(line).from)
    const { scrollTop, clientHeight } = view.scrollDOM
    if (top < scrollTop || bottom > scrollTop + clientHeight) view.scrollDOM.scrollTop = (top + bottom - clientHeight) / 2
  }

  dot(lines: readonly number[]): void {
    this.view.dispatch({ effects: setDotted.of(lines) })
  }
}
