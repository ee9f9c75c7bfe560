// What a run's numbers say: how Lampas stands to the fastest rival, to native PyTorch, to the machine's limit and to its goals.
import { leastTime } from './limits.mjs'
import { pages, rows } from './rows.mjs'

export const libraries = { lampas: 'Lampas', tfjs: 'TensorFlow.js', jax: 'jax-js', ort: 'ONNX Runtime Web', torch: 'PyTorch, native' }
export const keyOf = ({ device, threads }) => (device === 'webgpu' ? 'webgpu' : `wasm, ${threads} thread${threads > 1 ? 's' : ''}`)
const measure = r => r.ms ?? r.bytes

/** All rows of all settings that Lampas ran, in the order of the table. */
export function verdicts({ results, limits }) {
  const keys = [...new Set(results.map(keyOf))]
  return keys.flatMap(key =>
    Object.entries({ ...rows, ...pages }).flatMap(([row, about]) => {
      const found = results.filter(r => keyOf(r) === key && r.row === row)
      const lampas = found.find(r => r.library === 'lampas')
      if (!lampas || lampas.error) return lampas ? [{ key, row, about, found, goals: [] }] : []
      const others = found.filter(r => r.library !== 'lampas' && r.library !== 'torch')
      const able = others.filter(r => !r.error).sort((a, b) => measure(a) - measure(b))
      const torch = found.find(r => r.library === 'torch' && !r.error)
      const limit = lampas.device === 'wasm' && (about.flops || about.bytes) ? limits?.[lampas.threads] : undefined
      const alone = lampas.device === 'wasm' && lampas.threads > 1 && results.find(r => r.row === row && r.library === 'lampas' && r.device === 'wasm' && r.threads === 1 && r.ms)
      const facts = {
        ms: lampas.ms,
        rivals: others.length,
        rival: able[0]?.library,
        ratio: able[0] && measure(able[0]) / measure(lampas),
        native: torch && lampas.ms / torch.ms,
        threaded: alone && alone.ms / lampas.ms,
        share: limit && leastTime(about, limit) / lampas.ms,
      }
      const goals = (about.goals?.(lampas) ?? []).map(({ text, met }) => ({ text, met: met(facts) }))
      return [{ key, row, about, found, lampas, ...facts, goals }]
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
