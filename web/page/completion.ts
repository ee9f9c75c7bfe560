// Completion and hover for the Lampas API. Names come from the running library, sentences from its doc comments.
import { completeFromList, ifNotIn, type Completion, type CompletionContext, type CompletionResult, type CompletionSource } from '@codemirror/autocomplete'
import { localCompletionSource } from '@codemirror/lang-javascript'
import { syntaxTree } from '@codemirror/language'
import { hoverTooltip, type EditorView } from '@codemirror/view'
import type { ApiName, ApiNames } from '../shared/protocol.ts'
import { sentenceOn } from './docs.ts'
import { make } from './dom.ts'

let api: ApiNames = { modules: {}, members: {} }

export const setApi = (names: ApiNames): void => void (api = names)

/** False only when the module is known and has no such export. */
export const isExported = (module: string, name: string): boolean => !(module in api.modules) || api.modules[module].some(e => e.name === name)

const types: Record<ApiName['kind'], string> = { function: 'function', class: 'class', namespace: 'namespace', method: 'method', property: 'property', constant: 'constant' }

const toCompletion = (entry: ApiName, more: Partial<Completion> = {}): Completion => ({
  label: entry.name,
  type: types[entry.kind],
  ...(entry.params && { detail: entry.params }),
  info: sentenceOn(entry.name),
  ...more,
})

const keywords = ifNotIn(
  ['String', 'TemplateString', 'LineComment', 'BlockComment', 'PropertyName', '.', '?.'],
  completeFromList(
    ['async', 'await', 'break', 'class', 'const', 'continue', 'else', 'export', 'extends', 'for', 'function', 'if', 'import', 'let', 'new', 'return', 'super', 'this', 'throw', 'try', 'typeof', 'using', 'while'].map(
      label => ({ label, type: 'keyword', boost: -1 }),
    ),
  ),
)

/** Names in the braces of an import, members after a dot, exported names elsewhere. */
const lampasCompletion: CompletionSource = context => {
  const inside = syntaxTree(context.state).resolveInner(context.pos, -1).name
  if (inside === 'LineComment' || inside === 'BlockComment' || inside === 'String' || inside === 'TemplateString') return null
  return importNames(context) ?? memberNames(context) ?? globalNames(context)
}

function importNames(context: CompletionContext): CompletionResult | null {
  const open = context.matchBefore(/import\s*\{[^}]*/)
  if (!open) return null
  const module = /^[^{]*\}\s*from\s*['"](\w+)['"]/.exec(context.state.sliceDoc(context.pos, context.pos + 400))?.[1] ?? 'lampas'
  const word = context.matchBefore(/[\w$]*/)
  return { from: word?.from ?? context.pos, options: (api.modules[module] ?? []).map(e => toCompletion(e)), validFor: /^[\w$]*$/ }
}

function memberNames(context: CompletionContext): CompletionResult | null {
  const path = context.matchBefore(/[\w$.)\]]*\.[\w$]*/)
  if (!path) return null
  const dot = path.text.lastIndexOf('.')
  const owner = path.text.slice(0, dot)
  const members = api.members[owner] ?? api.members[`${classOf(owner, context.state.doc.toString())}#`]
  if (!members || /^\d+$/.test(owner)) return null
  return { from: path.from + dot + 1, options: members.map(e => toCompletion(e)), validFor: /^[\w$]*$/ }
}

/** What a variable most likely is: the class it is made of where the code says so, else a tensor. */
function classOf(owner: string, code: string): string {
  const name = owner.replace(/^this\./, '')
  if (owner === 'this') return 'Module'
  const made = /^[\w$]+$/.test(name) ? new RegExp(`\\b${name.replaceAll('$', '\\$')}\\s*=\\s*new\\s+([\\w$.]+)`).exec(code)?.[1] : undefined
  if (!made) return 'Tensor'
  const type = made.slice(made.lastIndexOf('.') + 1)
  return `${type}#` in api.members ? type : 'Module'
}

function globalNames(context: CompletionContext): CompletionResult | null {
  const word = context.matchBefore(/[\w$]+/)
  if (!word && !context.explicit) return null
  const options = Object.entries(api.modules).flatMap(([module, names]) => names.map(e => toCompletion(e, { apply: applyWithImport(module, e.name) })))
  return { from: word?.from ?? context.pos, options, validFor: /^[\w$]*$/ }
}

/** Inserts the name and, when the code does not import it yet, adds it to the module's import. */
const applyWithImport = (module: string, name: string) => (view: EditorView, _: Completion, from: number, to: number): void => {
  const code = view.state.doc.toString()
  const found = new RegExp(`import\\s*\\{([^}]*)\\}\\s*from\\s*['"]${module}['"]`).exec(code)
  const changes = [{ from, to, insert: name }]
  if (!found) changes.unshift({ from: 0, to: 0, insert: `import { ${name} } from '${module}'\n` })
  else if (!new RegExp(`(^|[\\s,])${name.replaceAll('$', '\\$')}([\\s,]|$)`).test(found[1])) {
    const at = found.index + found[0].indexOf('{') + 1 + found[1].trimEnd().length
    changes.unshift({ from: at, to: at, insert: found[1].trim() ? `, ${name}` : ` ${name} ` })
  }
  const shift = changes.length > 1 && changes[0].from <= from ? changes[0].insert.length : 0
  view.dispatch({ changes, selection: { anchor: from + shift + name.length }, userEvent: 'input.complete' })
}

export const completionSources: CompletionSource[] = [lampasCompletion, localCompletionSource, keywords]

/** The sentence about the name under the pointer. */
export const apiHover = hoverTooltip((view, pos) => {
  const word = view.state.wordAt(pos)
  if (!word) return null
  const name = view.state.sliceDoc(word.from, word.to)
  const known = Object.values({ ...api.modules, ...api.members }).flat().find(e => e.name === name)
  const sentence = sentenceOn(name)
  if (!known || sentence === undefined) return null
  return { pos: word.from, end: word.to, above: true, create: () => ({ dom: make('div', { class: 'hover' }, make('code', {}, name + known.params), make('p', {}, sentence)) }) }
})
