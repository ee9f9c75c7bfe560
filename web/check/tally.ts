// Counts what came back, by family and pass, and writes it down as text.
import type { OpenDevice } from '../shared/protocol.ts'
import { titles } from './families.ts'
import type { Checked, Pass } from './protocol.ts'

export class Tally {
  passed = 0
  failures: Checked[] = []
  /** Those that differ for a reason that is known. */
  known: Checked[] = []
  worst = 0
  ms = 0

  add(results: readonly Checked[], ms: number): void {
    this.ms = ms
    for (const r of results) {
      if (r.ok) {
        this.passed++
        this.worst = Math.max(this.worst, r.worst)
      } else (r.known === null ? this.failures : this.known).push(r)
    }
  }

  get done(): number {
    return this.passed + this.failures.length + this.known.length
  }
}

export const nameOf = ({ device, world }: Pass): string => `${device}, ${world}`

/** A share of the tolerance as a percentage of two digits. */
export const percent = (share: number): string => (share === 0 ? '0 %' : `${share < 0.01 ? '< 1' : Math.round(share * 100)} %`)
export const seconds = (ms: number): string => `${(ms / 1000).toFixed(ms < 9950 ? 1 : 0)} s`

/** Calls of one op that differ in the same words. */
export interface Fault {
  readonly first: string
  readonly message: string
  readonly passes: Set<string>
  count: number
}

/** Ops with the most faults in common first; numbers and places do not tell two faults apart. */
export function faults(list: Iterable<readonly [Pass, Checked]>): Fault[] {
  const found = new Map<string, Fault>()
  for (const [pass, r] of list) {
    const message = r.known ?? r.message
    const key = `${r.op} ${message.replace(/-?\d[\d.e+-]*/g, '#')}`
    const fault = found.get(key) ?? found.set(key, { first: r.id, message, passes: new Set(), count: 0 }).get(key)!
    fault.count++
    fault.passes.add(nameOf(pass))
  }
  return [...found.values()].sort((a, b) => b.count - a.count)
}

export interface Column {
  readonly pass: Pass
  readonly tallies: readonly Tally[]
  device: OpenDevice | null
  refused: string | null
}

/** What of an error message tells one device's fault from another's, and no more. */
const SHOWN = 200

export function report(names: readonly string[], counts: readonly number[], columns: readonly Column[]): string {
  const lines = ['Lampas, check of this device', new Date().toISOString(), navigator.userAgent, `cores: ${navigator.hardwareConcurrency}; cross-origin isolated: ${String(crossOriginIsolated)}`]
  for (const { pass, tallies, device, refused } of columns) {
    const all = (f: (t: Tally) => number): number => tallies.reduce((n, t) => n + f(t), 0)
    lines.push('', `${nameOf(pass)}: ${refused === null ? `${all(t => t.passed)} of ${all(t => t.done)} right, ${seconds(all(t => t.ms))}` : `not available: ${refused}`}`)
    if (device) lines.push(`  ${device.detail}${device.why ? ` (${device.why})` : ''}`)
    tallies.forEach((t, i) => {
      if (t.done === 0) return
      lines.push(`  ${titles[names[i]]}: ${t.passed}/${counts[i]}${t.known.length > 0 ? `, ${t.known.length} explained` : ''}, worst ${percent(t.worst)} of the tolerance`)
      for (const f of t.failures) lines.push(`    ${f.id}: ${f.message.replace(/\s+/g, ' ').slice(0, SHOWN)}`)
    })
  }
  return lines.join('\n')
}
