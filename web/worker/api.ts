// Lists the names of the running library for the editor's completion: exports, members of its namespaces, methods of its classes.
import type { ApiName, ApiNames } from '../shared/protocol.ts'
import type { Namespace } from './modules.ts'

const isClass = (v: unknown): v is { prototype: object } => typeof v === 'function' && /^class\b/.test(Function.prototype.toString.call(v))
const isNamespace = (v: unknown): v is Namespace =>
  typeof v === 'object' && v !== null && (Object.getPrototypeOf(v) === null || Object.getPrototypeOf(v) === Object.prototype)

function kindOf(value: unknown): ApiName['kind'] {
  if (isClass(value)) return 'class'
  if (typeof value === 'function') return 'function'
  return isNamespace(value) ? 'namespace' : 'constant'
}

/** Ops carry the names of their parameters, keyword-only ones after a '*'. */
function paramsOf(value: unknown, skip = 0): string {
  if (typeof value !== 'function' || !('paramNames' in value) || !Array.isArray(value.paramNames)) return ''
  const names = value.paramNames.map(String).slice(skip)
  const star = names.indexOf('*')
  const options = star < 0 ? [] : names.slice(star + 1)
  return `(${[...(star < 0 ? names : names.slice(0, star)), ...(options.length > 0 ? [`{ ${options.join(', ')} }`] : [])].join(', ')})`
}

/** `functions` are the plain forms of methods: `sum(x, dim)` knows the parameters of `x.sum(dim)`. */
export function describe(modules: Readonly<Record<string, Namespace>>, functions: Namespace): ApiNames {
  const members: Record<string, ApiName[]> = {}
  const list = (owner: Namespace, path: string): ApiName[] =>
    Object.keys(owner).map(name => {
      const value = owner[name]
      const full = path ? `${path}.${name}` : name
      if (isClass(value)) members[`${name}#`] ??= instanceMembers(value.prototype, functions)
      else if (isNamespace(value) && !(full in members)) {
        members[full] = []
        members[full] = list(value, full)
      }
      return { name, kind: kindOf(value), params: paramsOf(value) }
    })
  return { modules: Object.fromEntries(Object.entries(modules).map(([name, module]) => [name, list(module, '')])), members }
}

function instanceMembers(prototype: object, functions: Namespace): ApiName[] {
  const found = new Map<string, ApiName>()
  for (let p: object | null = prototype; p && p !== Object.prototype; p = Object.getPrototypeOf(p) as object | null)
    for (const [name, d] of Object.entries(Object.getOwnPropertyDescriptors(p))) {
      if (name === 'constructor' || name.startsWith('_') || found.has(name)) continue
      const value: unknown = d.value
      found.set(name, typeof value === 'function' ? { name, kind: 'method', params: paramsOf(Object.hasOwn(functions, name) ? functions[name] : value, 1) } : { name, kind: 'property', params: '' })
    }
  return [...found.values()]
}
