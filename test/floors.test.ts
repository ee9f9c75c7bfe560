// The order of the house: imports go only downward, and no modules import each other in a circle.
import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'

const root = fileURLToPath(new URL('..', import.meta.url))

const floors: Readonly<Record<string, number>> = {
  core: 0,
  ir: 1,
  backend: 2,
  ops: 3,
  autograd: 4,
  eager: 5,
  graph: 6,
  cache: 7,
  nn: 7,
  optim: 7,
  data: 7,
  io: 7,
  debug: 7,
  func: 7,
  swa: 7,
  symbolic: 7,
}
/** The kernels' language shares tables of numbers with what calls it. */
const cellar = -1
/** Files that lie in src/ itself: the public entry and what is made of it. */
const roof = 8

interface Import {
  readonly target: string
  readonly typeOnly: boolean
}

const files = (folder: string) =>
  existsSync(join(root, folder))
    ? readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
        .filter(name => /\.(m?[jt]s|html)$/.test(name) && !name.includes('node_modules'))
        .map(name => join(root, folder, name))
    : []

const statement = /(?:^|[\n;])\s*(?:import|export)\s+(?:(type)\s)?(?:[^'";]*?\sfrom\s*)?(['"])([^'"\n]+)\2|\bimport\(\s*(['"])([^'"\n]+)\4/g

/** All imports of a module's text; `import type` and `export type` vanish when it is compiled. */
function importsOf(text: string): Import[] {
  const code = text.replace(/\/\*[^]*?\*\/|^\s*\/\/.*$/gm, '')
  return [...code.matchAll(statement)].map(found => ({ target: found[3] ?? found[5], typeOnly: found[1] === 'type' }))
}

const imports = (file: string) => importsOf(readFileSync(file, 'utf8'))
const name = (file: string) => relative(root, file).replaceAll('\\', '/')

function floorOf(file: string): number {
  if (name(file).startsWith('assembly/')) return cellar
  const [folder, rest] = relative(join(root, 'src'), file).split(/[\\/]/)
  if (rest === undefined) return roof
  if (!Object.hasOwn(floors, folder)) throw new Error(`src/${folder} has no floor yet: give it one in ${name(fileURLToPath(import.meta.url))}`)
  return floors[folder]
}

const sources = files('src')
const local = (file: string) => imports(file).filter(({ target }) => target.startsWith('.') && !target.includes('?'))
const targetOf = (file: string, { target }: Import) => resolve(dirname(file), target)

/** The modules of each circle found, in the order of their imports. */
function circles(graph: ReadonlyMap<string, readonly string[]>): string[][] {
  const found: string[][] = []
  const done = new Set<string>()
  const visit = (node: string, path: string[]) => {
    const at = path.indexOf(node)
    if (at >= 0) found.push([...path.slice(at), node])
    if (at >= 0 || done.has(node)) return
    for (const next of graph.get(node) ?? []) visit(next, [...path, node])
    done.add(node)
  }
  for (const node of graph.keys()) visit(node, [])
  return found
}

describe('the floors', () => {
  it('reads imports of every form', () => {
    const text = "import a from './a.ts'\nimport type { B } from './b.ts'\nexport * from './c.ts'\nimport {\n  d,\n} from './d.ts'\nimport './e.ts'\nawait import('./f.ts')\n// import './g.ts'"
    expect(importsOf(text).map(i => i.target)).toEqual(['./a.ts', './b.ts', './c.ts', './d.ts', './e.ts', './f.ts'])
    expect(importsOf(text).filter(i => i.typeOnly).map(i => i.target)).toEqual(['./b.ts'])
  })

  it('finds a circle', () => {
    expect(circles(new Map([['a', ['b']], ['b', ['c']], ['c', ['b']]]))).toEqual([['b', 'c', 'b']])
  })

  it('are all inhabited by modules that can be found', () => {
    expect(sources.length).toBeGreaterThan(20)
    const missing = sources.flatMap(file => local(file).map(i => targetOf(file, i)).filter(target => !existsSync(target)).map(target => `${name(file)} → ${name(target)}`))
    expect(missing).toEqual([])
  })

  it('are never climbed by an import', () => {
    const upward = sources.flatMap(file =>
      local(file)
        .map(i => targetOf(file, i))
        .filter(target => floorOf(target) > floorOf(file))
        .map(target => `${name(file)} → ${name(target)}`),
    )
    expect(upward).toEqual([])
  })

  it('have no circles', () => {
    const graph = new Map(sources.map(file => [name(file), local(file).filter(i => !i.typeOnly).map(i => name(targetOf(file, i)))]))
    expect(circles(graph).map(circle => circle.join(' → '))).toEqual([])
  })

  it('src imports no package', () => {
    const packages = sources.flatMap(file => imports(file).filter(i => !i.typeOnly && !i.target.startsWith('.')).map(i => `${name(file)} → ${i.target}`))
    expect(packages.filter(line => !line.includes('→ node:'))).toEqual([])
  })

  /** What a folder outside takes from inside src/. */
  const reachingIn = (folder: string) =>
    files(folder).flatMap(file =>
      imports(file)
        .filter(i => i.target.startsWith('.') || /^lampas\/(src|build)\b/.test(i.target))
        .map(i => (i.target.startsWith('.') ? targetOf(file, i) : join(root, i.target.slice('lampas/'.length))))
        .filter(target => /^(src|build)\//.test(name(target)))
        .map(target => ({ target, text: `${name(file)} → ${name(target)}` })),
    )

  it.each(['web', 'e2e', 'examples'])('%s/ imports the public entry only', folder => {
    expect(reachingIn(folder).map(({ text }) => text)).toEqual([])
  })

  it('bench/ imports the public entry, or the backends where it measures these alone', () => {
    expect(reachingIn('bench').filter(({ target }) => floorOf(target) > floors.backend).map(({ text }) => text)).toEqual([])
  })
})
