// The public functions and their doc comments: what docs/api.md lists, and the examples that the tests run.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import * as func from '../../src/func/index.ts'
import * as lampas from '../../src/index.ts'
import { root } from './blocks.ts'

export interface Documented {
  readonly name: string
  /** The comment without its stars. */
  readonly text: string
  readonly file: string
  readonly line: number
}

export interface Example {
  readonly of: Documented
  readonly code: string
}

const filesUnder = (folder: string): string[] => readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }).filter(f => f.endsWith('.ts')).map(f => `${folder}/${f}`).sort()

const comment = /\/\*\*((?:(?!\*\/)[^])*)\*\/\s*(export\s+)?(?:(?:declare|abstract|override|static|readonly|async|get|default)\s+)*(?:(?:const|function\*?|class|interface|type)\s+)?([A-Za-z_$][\w$]*)/g

/** Names that JavaScript keeps for itself have another one inside their module. */
const renamed: Readonly<Record<string, string>> = { var_: 'var', linalgCross: 'cross' }

/** Doc comments of exported names, in the order of the files. */
export const documented: readonly Documented[] = filesUnder('src').flatMap(file => {
  const source = readFileSync(join(root, file), 'utf8')
  return [...source.matchAll(comment)].filter(m => m[2]).map(({ 1: text, 3: name, index }) => ({
    name: renamed[name] ?? name,
    text: text.split('\n').map(line => line.replace(/^\s*\*? ?/, '').trimEnd()).join('\n').trim(),
    file,
    line: source.slice(0, index).split('\n').length,
  }))
})

export const examples: readonly Example[] = documented.flatMap(of => of.text.split('@example').slice(1).map(code => ({ of, code: code.trim() })))

/** `text` up to its first example, as one paragraph. */
export const summary = ({ text }: Documented): string => text.split(/\n@/)[0].replace(/\s+/g, ' ').trim()

type Callable = ((...args: unknown[]) => unknown) & { readonly paramNames?: readonly string[] }

export interface PublicFunction {
  /** As it is called: `linalg.qr`, `nn.functional.relu`. */
  readonly path: string
  readonly fn: Callable
  readonly doc: Documented | undefined
}

const namespaces: readonly (readonly [string, object, (file: string) => boolean])[] = [
  ['', lampas, file => !/^src\/(nn|optim|data|debug|func|symbolic)\//.test(file)],
  ['func.', func, file => file.startsWith('src/func/')],
  ...['linalg', 'fft', 'special'].map(name => [`${name}.`, (lampas as unknown as Record<string, object>)[name] ?? {}, (file: string) => file.startsWith('src/ops')] as const),
  ['nn.functional.', lampas.nn.functional, file => /^src\/(nn\/functional|ops)\//.test(file)],
]

const isFunction = (v: unknown): v is Callable => typeof v === 'function' && !/^class\b/.test(Function.prototype.toString.call(v))

/** The functions of the library and of its namespaces, each once in each namespace. */
export const functions: readonly PublicFunction[] = namespaces.flatMap(([prefix, table, here]) =>
  Object.entries(table)
    .filter((entry): entry is [string, Callable] => isFunction(entry[1]))
    .map(([name, fn]) => {
      const called = (fn as { opName?: string }).opName
      // Of equal names the one that belongs to the namespace: `matmul` and `linalg.matmul`.
      const of = (n: string | undefined): Documented | undefined => {
        const found = documented.filter(d => d.name === n && here(d.file))
        const foreign = /`torch\.(linalg|fft|special)\./
        return found.find(d => (prefix ? d.text.includes(`\`torch.${prefix}`) : d.text.includes('`torch.') && !foreign.test(d.text))) ?? found.find(d => !foreign.test(d.text)) ?? found[0]
      }
      return { path: prefix + name, fn, doc: of(name) ?? of(called) }
    }),
)
