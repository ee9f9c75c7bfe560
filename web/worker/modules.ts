// Gives the user's code the modules that the worker has loaded: each specifier is replaced by the address of a small Blob module
// that re-exports them. One copy of the runtime, and the same way in development and in a build.
import type { ImportSite } from '../shared/protocol.ts'

const SHELF = Symbol.for('lampas.playground.modules')

export type Namespace = Readonly<Record<string, unknown>>

const scriptUrl = (code: string): string => URL.createObjectURL(new Blob([code], { type: 'text/javascript' }))

/** Makes `modules` importable and returns a function from user code to the address of a module with that code. */
export function moduleLinker(modules: Readonly<Record<string, Namespace>>): (code: string, imports: readonly ImportSite[]) => string {
  Object.defineProperty(globalThis, SHELF, { value: modules })
  const urls = new Map(Object.entries(modules).map(([name, namespace]) => [name, scriptUrl(shim(name, Object.keys(namespace)))]))
  return (code, imports) => {
    let out = ''
    let at = 0
    for (const site of [...imports].sort((a, b) => a.start - b.start)) {
      out += code.slice(at, site.start) + (urls.get(site.specifier) ?? site.specifier)
      at = site.end
    }
    return scriptUrl(out + code.slice(at))
  }
}

/** Exports go through local names because a module may export a reserved word, such as `var`. */
const shim = (name: string, exports: readonly string[]): string =>
  [
    `const from = globalThis[Symbol.for(${JSON.stringify(SHELF.description)})][${JSON.stringify(name)}]`,
    `const { ${exports.map((e, i) => `${e}: $${i}`).join(', ')} } = from`,
    `export { ${exports.map((e, i) => `$${i} as ${e}`).join(', ')} }`,
  ].join('\n')
