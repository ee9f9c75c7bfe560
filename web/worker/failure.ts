// Turns whatever the user's code threw into a message and a place in that code.
import type { Failure } from '../shared/protocol.ts'

/** `url` is the address under which the code was imported; engines write `url:line:column` into the stack. */
export function failureOf(error: unknown, url: string, code: string): Failure {
  if (!(error instanceof Error)) return { name: 'Thrown', message: String(error), line: 0, column: 0 }
  const { name } = error
  const missing = /does not provide an export named '([^']+)'|import not found: (\S+)|Importing binding name '([^']+)'/.exec(error.message)
  if (missing) {
    const wanted = missing[1] ?? missing[2] ?? missing[3]
    return { name, message: `There is nothing named '${wanted}' to import from that module`, ...placeOf(code, code.search(new RegExp(`\\b${wanted}\\b`))) }
  }
  const stack = error.stack ?? ''
  const at = stack.indexOf(`${url}:`)
  const place = at < 0 ? null : /^:(\d+):(\d+)/.exec(stack.slice(at + url.length))
  return { name, message: error.message, line: place ? Number(place[1]) : 0, column: place ? Number(place[2]) : 0 }
}

function placeOf(code: string, index: number): { line: number; column: number } {
  if (index < 0) return { line: 0, column: 0 }
  const before = code.slice(0, index).split('\n')
  return { line: before.length, column: before[before.length - 1].length + 1 }
}
