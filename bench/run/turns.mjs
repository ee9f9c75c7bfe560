// One row with many contenders, or many rows that are to be compared: each makes ready and warms up, then they take turns, so that a busy
// minute of the machine falls on all.
import { cpus } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { soon } from './contenders.mjs'

/** How much is measured: milliseconds of a round, turns, cold starts, seconds for the many steps of `holding`. A contender that takes seconds has fewer. */
export const efforts = {
  quick: { round: 40, turns: 3, cold: 1, patience: 4 },
  usual: { round: 120, turns: 7, cold: 5, patience: 8 },
  full: { round: 200, turns: 15, cold: 7, patience: 120 },
}
const SLOW = 700
const VERY_SLOW = 4000

export const median = values => values.toSorted((a, b) => a - b)[values.length >> 1]
export const reason = error => String(error?.message ?? error).split('\n')[0].replace(/^page\.evaluate: (Error: )?/, '').slice(0, 160)

const seconds = 120
/** Waits until the processors are idle, half a second at most: the threads of whoever had the turn before may still wait busily for more work. */
async function settled() {
  const idle = () => cpus().reduce((sum, { times }) => sum + times.idle, 0)
  for (let i = 0; i < 12; i++) {
    const [before, began] = [idle(), performance.now()]
    await sleep(40)
    if (idle() - before > 0.9 * cpus().length * (performance.now() - began)) return
  }
}
const once = async (c, count, row) => soon(c.round(count), seconds, row)

/** Opens a contender and runs the row until it is warm. Its first value is of fresh weights, so that all can be compared. */
async function warmUp(c, row, effort) {
  const { detail } = await soon(c.open(), 60, 'opening')
  await soon(c.prepare(row), 60, 'making the data')
  const first = await once(c, 1, row)
  let { ms } = await once(c, 1, row)
  const warm = { contender: c, row, detail, value: first.value }
  // Who takes this long is warm after one call, and the second counts as a turn.
  if (ms > SLOW) return { ...warm, count: 1, turns: ms > VERY_SLOW ? 0 : 2, times: [ms] }
  // A clock that steps by a tenth of a millisecond may show nothing of the shortest.
  const fitting = () => Math.max(1, Math.round(effort.round / Math.max(ms, 0.01)))
  // Engines compile again what has run for a while: warm is what gets no faster.
  let count = 0
  for (let round = 0; round < 5 && fitting() > 1.2 * count; round++) {
    count = fitting()
    ms = (await once(c, count, row)).ms / count
  }
  return { ...warm, count: fitting(), turns: effort.turns, times: [] }
}

/** What is wrong when the first values do not agree: same weights, same data, same arithmetic. */
export function disagreement(row, results) {
  const [first, ...others] = results.filter(r => !r.error)
  const far = others.find(r => !(Math.abs(r.value - first.value) <= 1e-3 * Math.max(Math.abs(r.value), Math.abs(first.value)) + 1e-5))
  return far && `${row}: ${first.library} gives ${first.value}, ${far.library} ${far.value}: they do not compute the same`
}

/** Measures rows of contenders, each with a contender of its own; one that fails gives its reason instead of a time, and is not asked again. */
export async function measure(entries, effort) {
  const results = []
  const running = []
  const fail = ({ contender, row }, error) => {
    contender.end()
    results.push({ row, library: contender.library, ...contender.setting, error: reason(error) })
  }
  try {
    for (const e of entries) {
      const r = await warmUp(e.contender, e.row, effort).catch(error => fail(e, error))
      if (r) running.push(r)
      // What has had its one turn leaves: engines clear up after such work for long, on the cores of the others.
      if (r?.turns === 0) await r.contender.close()
    }
    for (let turn = 0; turn < effort.turns; turn++)
      for (const r of running) {
        if (turn >= r.turns || r.error) continue
        await settled()
        try {
          // A whole round after a rest does not count: caches are cold then and threads asleep, and for some 50 to 100 ms the kernel may keep them on one core.
          if (r.turns > 2) await once(r.contender, r.count, r.row)
          r.times.push((await once(r.contender, r.count, r.row)).ms / r.count)
        } catch (error) {
          r.error = error
        }
      }
  } finally {
    await Promise.all(entries.map(e => e.contender.close()))
  }
  for (const { contender, row, detail, value, count, times, error } of running) {
    if (error) fail({ contender, row }, error)
    else results.push({ row, library: contender.library, ...contender.setting, detail, value, ms: median(times), best: Math.min(...times), count, turns: times.length })
  }
  return results
}
