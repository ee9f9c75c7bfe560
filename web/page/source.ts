// Reads the user's code without running it: where its imports are, which names they ask for, and the first syntax error.
import { parse, type ImportExpression, type ImportSpecifier, type Node, type Program } from 'acorn'
import type { ImportSite } from '../shared/protocol.ts'

export interface Problem {
  readonly from: number
  readonly to: number
  readonly message: string
}

export interface ImportedName {
  readonly from: number
  readonly to: number
  readonly specifier: string
  readonly name: string
}

export type Source =
  | { readonly ok: true; readonly imports: readonly ImportSite[]; readonly names: readonly ImportedName[] }
  | { readonly ok: false; readonly problem: Problem }

/** The modules that user code can import. */
const knownModules = ['lampas', 'playground'] as const

let last: { readonly code: string; readonly source: Source } | undefined

/** The same code, read again, is not parsed again. */
export function readSource(code: string): Source {
  if (last?.code !== code) last = { code, source: parseSource(code) }
  return last.source
}

function parseSource(code: string): Source {
  let program: Program
  try {
    program = parse(code, { ecmaVersion: 'latest', sourceType: 'module' })
  } catch (error) {
    if (!(error instanceof SyntaxError) || !('pos' in error) || typeof error.pos !== 'number') throw error
    const at = Math.min(error.pos, code.length)
    return { ok: false, problem: { from: at, to: Math.min(at + 1, code.length), message: error.message.replace(/ \(\d+:\d+\)$/, '') } }
  }
  const imports: ImportSite[] = []
  const names: ImportedName[] = []
  for (const site of dynamicImports(program)) imports.push(site)
  for (const node of program.body) {
    if ((node.type !== 'ImportDeclaration' && node.type !== 'ExportNamedDeclaration' && node.type !== 'ExportAllDeclaration') || !node.source) continue
    const specifier = String(node.source.value)
    imports.push({ start: node.source.start + 1, end: node.source.end - 1, specifier })
    if (node.type === 'ImportDeclaration')
      for (const s of node.specifiers) if (s.type === 'ImportSpecifier') names.push({ from: s.imported.start, to: s.imported.end, specifier, name: importedName(s) })
  }
  const unknown = imports.find(i => !knownModules.some(m => m === i.specifier) && !URL.canParse(i.specifier))
  if (unknown) {
    const message = `There is no module '${unknown.specifier}' here; import from ${knownModules.map(m => `'${m}'`).join(' or ')}`
    return { ok: false, problem: { from: unknown.start, to: unknown.end, message } }
  }
  return { ok: true, imports, names }
}

/** `import('…')` anywhere in the code, where the specifier is a plain string. */
function* dynamicImports(node: unknown): Generator<ImportSite> {
  if (Array.isArray(node)) for (const item of node) yield* dynamicImports(item)
  else if (isNode(node)) {
    if (node.type === 'ImportExpression') {
      const { source } = node as ImportExpression
      if (source.type === 'Literal' && typeof source.value === 'string') yield { start: source.start + 1, end: source.end - 1, specifier: source.value }
    }
    for (const child of Object.values(node)) if (typeof child === 'object') yield* dynamicImports(child)
  }
}

const isNode = (v: unknown): v is Node => typeof v === 'object' && v !== null && 'type' in v

const importedName = (s: ImportSpecifier): string => (s.imported.type === 'Identifier' ? s.imported.name : String(s.imported.value))

