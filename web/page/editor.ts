// The code editor: CodeMirror with JavaScript, completion of the Lampas API, and errors shown at their line.
import { acceptCompletion, autocompletion, closeBrackets, closeBracketsKeymap, completionKeymap } from '@codemirror/autocomplete'
import { defaultKeymap, history, historyKeymap } from '@codemirror/commands'
import { javascript } from '@codemirror/lang-javascript'
import { bracketMatching, HighlightStyle, indentOnInput, indentUnit, syntaxHighlighting } from '@codemirror/language'
import { type Diagnostic, forceLinting, linter, lintGutter, lintKeymap } from '@codemirror/lint'
import { highlightSelectionMatches, search, searchKeymap } from '@codemirror/search'
import { EditorState, Prec, StateEffect } from '@codemirror/state'
import { drawSelection, EditorView, highlightActiveLine, highlightActiveLineGutter, keymap, lineNumbers } from '@codemirror/view'
import { tags as t } from '@lezer/highlight'
import type { ApiNames, Failure } from '../shared/protocol.ts'
import { apiHover, completionSources, isExported, setApi } from './completion.ts'
import { readSource, type Source } from './source.ts'

const highlighting = HighlightStyle.define([
  { tag: [t.keyword, t.operatorKeyword, t.modifier], color: 'var(--code-keyword)' },
  { tag: [t.string, t.special(t.string), t.regexp], color: 'var(--code-string)' },
  { tag: [t.number, t.bool, t.null], color: 'var(--code-number)' },
  { tag: t.comment, color: 'var(--code-comment)', fontStyle: 'italic' },
  { tag: [t.function(t.variableName), t.function(t.propertyName)], color: 'var(--code-function)' },
  { tag: [t.className, t.definition(t.className)], color: 'var(--code-class)' },
  { tag: t.invalid, color: 'var(--bad)' },
])

/** Asks for the problems anew although the code is the same. */
const recheck = StateEffect.define()

export interface EditorEvents {
  changed(): void
  run(): void
}

export class Editor {
  readonly view: EditorView
  private failure: Diagnostic | null = null

  constructor(parent: HTMLElement, events: EditorEvents) {
    const run = () => {
      events.run()
      return true
    }
    this.view = new EditorView({
      parent,
      extensions: [
        lineNumbers(),
        lintGutter(),
        highlightActiveLine(),
        highlightActiveLineGutter(),
        history(),
        drawSelection(),
        indentOnInput(),
        indentUnit.of('  '),
        EditorState.tabSize.of(2),
        bracketMatching(),
        closeBrackets(),
        autocompletion({ override: completionSources, icons: false }),
        highlightSelectionMatches(),
        search({ top: true }),
        javascript(),
        syntaxHighlighting(highlighting),
        linter(() => this.problems(), { delay: 400, needsRefresh: update => update.transactions.some(t => t.effects.some(e => e.is(recheck))) }),
        apiHover,
        Prec.highest(keymap.of([{ key: 'Mod-Enter', run }, { key: 'Tab', run: acceptCompletion }])),
        keymap.of([...closeBracketsKeymap, ...defaultKeymap, ...searchKeymap, ...historyKeymap, ...completionKeymap, ...lintKeymap]),
        EditorView.contentAttributes.of({ 'aria-label': 'Code', tabindex: '0' }),
        EditorView.updateListener.of(update => {
          if (!update.docChanged) return
          this.failure = null
          events.changed()
        }),
      ],
    })
  }

  get code(): string {
    return this.view.state.doc.toString()
  }

  set code(text: string) {
    if (text === this.code) return
    this.view.dispatch({ changes: { from: 0, to: this.view.state.doc.length, insert: text }, selection: { anchor: 0 } })
  }

  read(): Source {
    return readSource(this.code)
  }

  setApi(names: ApiNames): void {
    setApi(names)
    this.check()
  }

  /** Marks where the code failed, until the code is changed. */
  showFailure(failure: Failure | null): void {
    this.failure = failure && failure.line > 0 ? this.diagnosticAt(failure) : null
    this.check()
    if (this.failure) this.view.dispatch({ effects: EditorView.scrollIntoView(this.failure.from, { y: 'center' }) })
  }

  private check(): void {
    this.view.dispatch({ effects: recheck.of(null) })
    forceLinting(this.view)
  }

  goTo(line: number, column: number): void {
    const { doc } = this.view.state
    if (line < 1 || line > doc.lines) return
    const at = doc.line(line)
    this.view.dispatch({ selection: { anchor: Math.min(at.from + Math.max(column - 1, 0), at.to) }, effects: EditorView.scrollIntoView(at.from, { y: 'center' }) })
    this.view.focus()
  }

  lineOf(position: number): { line: number; column: number } {
    const line = this.view.state.doc.lineAt(position)
    return { line: line.number, column: position - line.from + 1 }
  }

  private diagnosticAt(failure: Failure): Diagnostic | null {
    const { doc } = this.view.state
    if (failure.line > doc.lines) return null
    const line = doc.line(failure.line)
    const indent = line.text.length - line.text.trimStart().length
    return { from: line.from + indent, to: line.to, severity: 'error', source: failure.name, message: failure.message }
  }

  private problems(): Diagnostic[] {
    const source = this.read()
    const found: Diagnostic[] = this.failure ? [this.failure] : []
    if (!source.ok) found.push({ ...source.problem, severity: 'error' })
    else
      for (const n of source.names)
        if (!isExported(n.specifier, n.name)) found.push({ from: n.from, to: n.to, severity: 'error', message: `The module '${n.specifier}' exports no '${n.name}'` })
    return found
  }
}
