// The examples in doc comments are programs: each runs to its end, and a line that ends in `// → text` has that value (lines of the
// text that follow stand in comments of their own).
import { inspect } from 'node:util'
import { afterEach, beforeAll, describe, expect, test } from 'vitest'
import * as cache from '../../src/cache/index.ts'
import * as debug from '../../src/debug/index.ts'
import * as func from '../../src/func/index.ts'
import * as lampas from '../../src/index.ts'
import * as swa from '../../src/swa/index.ts'
import { examples, functions } from './api.ts'

const { var: _, ...all } = lampas
const scope: Readonly<Record<string, unknown>> = { ...all, ...cache, ...debug, func, swa, lampas, F: lampas.nn.functional }

/** `value // → text` becomes `say(value, text)`. */
export const listening = (code: string): string =>
  code.replace(/^(?!\/\/)(.*?)\s*\/\/ → (.*(?:\n\/\/ {3}.*)*)/gm, (_, value: string, text: string) => {
    const lines = JSON.stringify(text.replace(/\n\/\/ {3}/g, '\n').trimEnd())
    const [, names] = /^const (.*?) = (.*)$/.exec(value) ?? []
    return names ? `${value}; say(${names}, ${lines})` : `say(${value}, ${lines})`
  })

const Program = Object.getPrototypeOf(async () => {}).constructor as new (...args: string[]) => (...values: unknown[]) => Promise<void>

beforeAll(async () => {
  await lampas.init({ device: 'wasm' })
})

afterEach(() => {
  lampas.setPrintoptions({ precision: 4 })
})

describe('examples', () => {
  test('are read', () => {
    expect(listening('f(x) // → [[1],\n//    [2]]\nconst y = g() // → 3')).toBe('say(f(x), "[[1],\\n [2]]")\nconst y = g(); say(y, "3")')
  })

  for (const { of, code } of examples)
    test(`${of.file}:${of.line} ${of.name}`, async () => {
      let said = 0
      const say = (value: unknown, text: string): void => {
        expect(typeof value === 'string' ? value : inspect(value, { breakLength: 120 })).toBe(text)
        said++
      }
      // A function of its own, so that examples may use the library's names for their variables.
      await new Program('say', ...Object.keys(scope), `await (async () => {\n${listening(code)}\n})()`)(say, ...Object.values(scope))
      expect(said).toBe(code.match(/\/\/ → /g)?.length ?? 0)
    })
})

describe('documentation', () => {
  test.each(functions)('$path says what it does, and shows it', ({ doc }) => {
    expect(doc?.text ?? '').toMatch(/\S{3}/)
    expect(doc?.text).toContain('@example')
  })
})
