// The parts of the playground that need no page: links, reading of programs, printing, places of errors, sentences of documentation.
import { describe, expect, test, vi } from 'vitest'
import { readLink, writeLink } from '../../web/page/link.ts'
import { readSource } from '../../web/page/source.ts'
import type { FromWorker } from '../../web/shared/protocol.ts'
import { readDocs } from '../../web/tooling/api-docs.ts'
import { failureOf } from '../../web/worker/failure.ts'
import { Feed } from '../../web/worker/feed.ts'
import { formatLine } from '../../web/worker/format.ts'

describe('links', () => {
  const state = { example: 'digits', device: 'webgpu', compile: false, code: null }

  test.each([null, '', 'const ü = "✦"\n'.repeat(300)])('code %# survives', code => {
    const link = writeLink({ ...state, code })
    expect(link).toMatch(/^#[\w=&-]*$/)
    expect(readLink(link)).toEqual({ ...state, code })
  })

  test('an empty address is the default', () => expect(readLink('')).toEqual({ example: null, device: null, compile: true, code: null }))
  test('damaged code throws', () => expect(() => readLink('#code=AAAA')).toThrow('unexpected EOF'))
})

describe('reading a program', () => {
  const imports = (code: string) => {
    const source = readSource(code)
    return source.ok ? source.imports.map(i => [code.slice(i.start, i.end), i.specifier]) : source.problem
  }

  test('finds every import at its place', () => {
    const code = `import { a, b as c } from 'lampas'\nimport "playground"\nexport * from "lampas"\nasync () => { await import('playground') }\nimport 'https://example.org/x.js'`
    expect(imports(code)).toEqual(expect.arrayContaining([['lampas', 'lampas'], ['playground', 'playground'], ['https://example.org/x.js', 'https://example.org/x.js']]))
    expect(imports(code)).toHaveLength(5)
  })

  test('names what is imported', () => {
    const source = readSource(`import x, { a, b as c } from 'lampas'`)
    expect(source.ok && source.names.map(n => n.name)).toEqual(['a', 'b'])
  })

  test('is not misled by strings and comments', () => expect(imports(`// import 'x'\nconst s = "import 'y'"`)).toEqual([]))
  test('points at a syntax error', () => expect(imports('const a = 1\nconst = 2')).toMatchObject({ from: 18, message: 'Unexpected token' }))
  test('points at an unknown module', () => expect(imports(`import 'lodash'`)).toMatchObject({ from: 8, to: 14 }))
})

test.each([
  [['a', 1, null, undefined], 'a 1 null undefined'],
  [[{ a: [1, 'x'], b: { c: { d: { e: 1 } } } }], '{ a: [1, "x"], b: { c: { d: {…} } } }'],
  [[new Float32Array([1, 0.5])], 'Float32Array(2) [1, 0.5]'],
  [[new Map([['k', new Set([1])]])], 'Map(1) {"k" => Set(1) {1}}'],
  [[new TypeError('no')], 'TypeError: no'],
  [[Array.from({ length: 60 }, () => 0)], `[${'0, '.repeat(50)}… 10 more]`],
])('console.log case %#', (args, text) => expect(formatLine(args)).toBe(text))

test('console.log of an object that holds itself', () => {
  const loop: Record<string, unknown> = {}
  loop.self = loop
  expect(formatLine([loop])).toBe('{ self: [circular] }')
})

describe('places of errors', () => {
  const url = 'blob:http://host/1234'

  test('the innermost line of the program', () => {
    const error = Object.assign(new RangeError('far'), { stack: `RangeError: far\n  at lib (http://host/lampas.js:9:9)\n  at f (${url}:12:5)\n  at ${url}:20:1` })
    expect(failureOf(error, url, '')).toEqual({ name: 'RangeError', message: 'far', line: 12, column: 5 })
  })

  test('an import that is not there', () => {
    const error = new SyntaxError(`The requested module 'blob:x' does not provide an export named 'foo'`)
    expect(failureOf(error, url, `import {\n  foo,\n} from 'lampas'`)).toMatchObject({ line: 2, column: 3 })
  })

  test('what is not an error', () => expect(failureOf('just text', url, '')).toEqual({ name: 'Thrown', message: 'just text', line: 0, column: 0 }))
})

test('reports are gathered, and the rate counts steps and not reports', () => {
  vi.useFakeTimers()
  try {
    const sent: FromWorker[] = []
    const feed = new Feed(message => sent.push(message), () => null)
    for (let step = 10; step <= 1000; step += 10) {
      vi.advanceTimersByTime(5)
      feed.report(step, 1 / step, 1000, NaN)
    }
    feed.report(1000, 0, 1000, 0.5)
    feed.flush()
    const progress = sent.flatMap(m => (m.type === 'progress' ? [m.progress] : []))
    expect(progress.length).toBeLessThan(16)
    expect(progress.flatMap(p => p.step)).toEqual([...Array.from({ length: 100 }, (_, i) => 10 * (i + 1)), 1000])
    expect(progress.at(-1)).toMatchObject({ steps: 1000, accuracy: 0.5 })
    expect(progress.at(-1)?.rate).toBeCloseTo(2000, 0)
  } finally {
    vi.useRealTimers()
  }
})

test('sentences of documentation', () => {
  const source = `
/** Adds two. And more. */
export const add: Binary = 1
/**
 * Sums \`x\`: all of it.
 *
 * @example
 */
export function sum() {}
class A {
  /** One thing. */
  step() {}
}
class B {
  /** Another thing. */
  step() {}
  /** Its own. */
  get own() {}
}`
  expect(readDocs([source])).toEqual({ add: 'Adds two.', sum: 'Sums x: all of it.', own: 'Its own.' })
})
