// A Vite plugin: `virtual:lampas-docs` maps the public names of the library and of the module `playground` to the first sentence of
// their doc comments, for completion and hover.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Plugin } from 'vite'

const ID = 'virtual:lampas-docs'
const RESOLVED = `\0${ID}`

/** A doc comment and the name that it stands on. */
const documented = /\/\*\*((?:(?!\*\/)[\s\S])*)\*\/\s*(export\s+)?(?:(?:declare|abstract|override|static|readonly|async|get)\s+)*(?:(?:const|function\*?|class|interface|type)\s+)?([A-Za-z_$][\w$]*)/g

export function readDocs(sources: readonly string[]): Record<string, string> {
  const exported = new Map<string, string>()
  const members = new Map<string, string | null>()
  for (const source of sources)
    for (const [, comment, isExported, name] of source.matchAll(documented)) {
      const sentence = firstSentence(comment)
      if (!sentence) continue
      if (isExported) exported.set(name, sentence)
      // A member name that two classes explain differently explains nothing.
      else members.set(name, members.has(name) && members.get(name) !== sentence ? null : sentence)
    }
  const docs: Record<string, string> = {}
  for (const [name, text] of members) if (text !== null) docs[name] = text
  return { ...docs, ...Object.fromEntries(exported) }
}

function firstSentence(comment: string): string {
  const text = comment
    .split('\n')
    .map(line => line.replace(/^\s*\*? ?/, '').trim())
    .join(' ')
    .replaceAll('`', '')
    .trim()
  return /^.*?\.(?=\s|$)/.exec(text)?.[0] ?? text
}

const filesUnder = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter(f => f.endsWith('.ts') && !f.endsWith('.d.ts'))
    .map(f => join(folder, f))

/** `folders` are where the public names live. */
export function apiDocs(folders: readonly string[]): Plugin {
  return {
    name: 'lampas-api-docs',
    resolveId: id => (id === ID ? RESOLVED : undefined),
    load(id) {
      if (id !== RESOLVED) return undefined
      const files = folders.filter(existsSync).flatMap(filesUnder)
      files.forEach(f => this.addWatchFile(f))
      return `export default ${JSON.stringify(readDocs(files.map(f => readFileSync(f, 'utf8'))))}`
    },
  }
}
