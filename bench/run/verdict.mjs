// What a run's numbers say: how Lampas stands to the fastest rival, to native PyTorch, to the machine's limit and to its goals.
import { pages, rows } from './rows.mjs'

export const libraries = { lampas: 'Lampas', tfjs: 'TensorFlow.js', jax: 'jax-js', ort: 'ONNX Runtime Web', torch: 'PyTorch, native' }
export const keyOf = ({ device, threads }) => (device === 'webgpu' ? 'webgpu' : `wasm, ${threads} thread${threads > 1 ? 's' : ''}`)
const measure = r => r.ms ?? r.bytes

/** The least milliseconds that a row can take: its arithmetic at the peak, or its bytes at the bandwidth of where they fit. */
function leastTime({ flops = 0, bytes = 0, reads = false }, limit) {
  const place = bytes <= 8 << 20 ? 'cache' : 'memory'
  return Math.max(flops / limit.fma, bytes / limit[`${reads ? 'read' : 'copy'}, ${place}`]) / 1e6
}

/**
 * What was measured of a row with a library: a time or bytes, or why it cannot run it.
 * @typedef {{ row: string, library: string, device: string, threads: number, ms?: number, bytes?: number, best?: number, error?: string }} Result
 */

/**
 * A row of a setting. `found` is what was measured of it; `ratio` is the time (or bytes) of the fastest rival through ours, `native` ours through
 * PyTorch's, `threaded` ours on one thread through ours, `share` the least possible time through ours.
 * @typedef {{
 *   key: string, row: string, about: { unit?: string }, found: Result[], lampas?: Result, ms?: number, rivals?: number, rival?: string,
 *   ratio?: number, native?: number, threaded?: number, share?: number, goals: { text: string, met: boolean | undefined }[],
 * }} Verdict
 */

/**
 * All rows of all settings that Lampas took part in, in the order of the table.
 * @returns {Verdict[]}
 */
export function verdicts({ results, limits }) {
  const keys = [...new Set(results.map(keyOf))]
  return keys.flatMap(key =>
    Object.entries({ ...rows, ...pages }).flatMap(([row, about]) => {
      const found = results.filter(r => keyOf(r) === key && r.row === row)
      const lampas = found.find(r => r.library === 'lampas')
      if (!lampas) return []
      const goals = about.goals?.(lampas) ?? []
      if (lampas.error) return [{ key, row, about, found, goals: goals.map(({ text }) => ({ text, met: false })) }]
      const others = found.filter(r => r.library !== 'lampas' && r.library !== 'torch')
      const able = others.filter(r => !r.error).sort((a, b) => measure(a) - measure(b))
      const torch = found.find(r => r.library === 'torch' && !r.error)
      const limit = lampas.device === 'wasm' && (about.flops || about.bytes) ? limits?.[lampas.threads] : undefined
      const alone = key.endsWith('threads') ? results.find(r => keyOf(r) === 'wasm, 1 thread' && r.row === row && r.library === 'lampas') : undefined
      const facts = {
        ms: lampas.ms,
        rivals: others.length,
        rival: able[0]?.library,
        ratio: able[0] && measure(able[0]) / measure(lampas),
        native: torch && lampas.ms / torch.ms,
        threaded: alone?.ms && alone.ms / lampas.ms,
        share: limit && leastTime(about, limit) / lampas.ms,
      }
      return [{ key, row, about, found, lampas, ...facts, goals: goals.map(({ text, met }) => ({ text, met: met(facts) })) }]
    }),
  )
}

/** What the guard compares later: by setting and row the fastest rival, and how many times its time is ours. */
export function ratios(measured) {
  const table = {}
  for (const { key, row, rival, ratio, lampas } of verdicts(measured)) if (lampas?.ms && rival && row in rows) (table[key] ??= {})[row] = { rival, ratio: Number(ratio.toPrecision(3)) }
  return table
}

/** A quarter lost is a failure. */
export const LEAST = 0.75

/** Compares a run with the committed ratios; gives a line for each row, and those that lost too much. */
export function compare(measured, committed) {
  const now = ratios(measured)
  const lines = []
  for (const [key, table] of Object.entries(now))
    for (const [row, { rival, ratio }] of Object.entries(table)) {
      const before = committed[key]?.[row]
      if (before?.rival === rival) lines.push({ setting: key, row, rival, before: before.ratio, now: ratio, kept: Number((ratio / before.ratio).toFixed(2)) })
    }
  return { lines, lost: lines.filter(l => l.kept < LEAST) }
}
