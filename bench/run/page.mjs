// The measured part of docs/performance.md: everything between its two marks is written here from a run's numbers, the rest is by hand.
import { growth } from './growth.mjs'
import { keyOf, libraries, verdicts } from './verdict.mjs'

const marks = ['<!-- measured: written by `npm run bench` -->', '<!-- end of what was measured -->']
const number = x => (x >= 1000 ? Math.round(x).toLocaleString('en-US') : String(Number(x.toPrecision(3))))
const percent = x => (x === undefined ? '' : `${Math.round(100 * x)} %`)
const table = (heads, lines) => [`| ${heads.join(' | ')} |`, `| ${heads.map(() => '---').join(' | ')} |`, ...lines.map(cells => `| ${cells.join(' | ')} |`)].join('\n')
const mark = met => (met === undefined ? '' : met ? '✓ ' : '✗ ')

function cell(r, unit) {
  if (!r) return ''
  if (r.error) return 'cannot'
  if (r.ms !== undefined) return r.library === 'lampas' ? `${number(r.ms)} (${number(r.best)})` : number(r.ms)
  const size = `${number(r.bytes / (unit === 'MiB' ? 2 ** 20 : 1024))} ${unit}`
  return r.steps ? `${size} (${r.steps})` : size
}

function ratio({ ratio, rival, rivals }) {
  if (ratio !== undefined) return `${number(ratio)}× ${libraries[rival]}`
  return rivals > 0 ? 'no rival can' : ''
}

function setting(key, all, failed) {
  const columns = Object.keys(libraries).filter(library => all.some(v => v.found.some(r => r.library === library)))
  const wasm = key !== 'webgpu'
  const threaded = all.some(v => v.threaded)
  const lines = all.map(v => [
    v.row,
    ...columns.map(library => cell(v.found.find(r => r.library === library), v.about.unit)),
    ratio(v),
    ...(wasm ? [percent(v.share)] : []),
    ...(threaded ? [v.threaded ? `${number(v.threaded)}×` : ''] : []),
    v.goals.map(g => `${mark(g.met)}${g.text}`).join('<br>'),
  ])
  const reasons = failed.map(r => `- ${r.row}, ${libraries[r.library]}: \`${r.error.replaceAll('`', "'")}\``)
  return [
    `### ${key}`,
    table(['Row', ...columns.map(c => libraries[c]), 'Fastest rival ÷ Lampas', ...(wasm ? ['Of the limit'] : []), ...(threaded ? ['Against one thread'] : []), 'Goals'], lines),
    ...(reasons.length > 0 ? ['Cannot:', reasons.join('\n')] : []),
  ].join('\n\n')
}

/** Steps with and without `compile`. */
function compiled(all) {
  const lines = all.flatMap(eager => {
    const plain = eager.row.endsWith(', eager') && all.find(v => v.key === eager.key && `${v.row}, eager` === eager.row)
    if (!plain || !plain.lampas || !eager.lampas) return []
    const times = eager.lampas.ms / plain.lampas.ms
    const goal = plain.row.startsWith('small') ? `${mark(times >= 2)}≥ 2×` : ''
    return [[eager.key, plain.row, number(eager.lampas.ms), number(plain.lampas.ms), `${number(times)}×`, goal]]
  })
  return lines.length > 0 ? ['### Compiled against eager', table(['Setting', 'Row', 'Eager', 'Compiled', 'Eager ÷ compiled', 'Goal'], lines)] : []
}

/** Points of each measure that grows: work and time as multiples of its smallest size. */
export function grown({ results }) {
  const points = growth.flatMap(g => {
    const found = results.find(r => r.row === g.row && !r.error)
    return found ? [{ ...g, ms: found.ms }] : []
  })
  return [...new Set(points.map(p => p.along))].map(along => {
    const [first, ...more] = points.filter(p => p.along === along)
    return { along, points: [first, ...more].map(p => ({ ...p, work: p.flops / first.flops, time: p.ms / first.ms })) }
  })
}

function costs(measured) {
  const lines = grown(measured).flatMap(({ along, points }) =>
    points.map((p, i) => {
      const [work, time] = i > 0 ? [p.work / points[i - 1].work, p.time / points[i - 1].time] : []
      // As the work doubles the time may grow to 2.1 times.
      const linear = i > 0 ? mark(time <= 1.05 * work) : ''
      return [along, p.value, number(p.flops / 1e6), number(p.ms), ...(i > 0 ? [`${number(work)}×`, `${linear}${number(time)}×`] : ['', ''])]
    }),
  )
  if (lines.length === 0) return []
  return [
    '### Cost as the work grows',
    'Steps of an MLP (batch 64, width 256, depth 4) on wasm with one thread, one measure doubled at a time. Linear, to 5 %, is ✓: the optimiser and ' +
      'what does not grow make it less.',
    table(['Doubled', 'Value', 'MFLOP', 'ms', 'Work', 'Time'], lines),
    '![Time of a step against its work, both as multiples of the smallest size](cost-growth.svg)',
  ]
}

function limitsOf({ limits }) {
  const names = Object.keys(Object.values(limits)[0])
  const lines = Object.entries(limits).map(([threads, limit]) => [threads, ...names.map(name => number(limit[name]))])
  return ['### Limits, measured in the same run', table(['Threads', ...names.map(name => (name === 'fma' ? 'Fused multiply–add, GFLOP/s' : `${name}, GB/s`))], lines)]
}

/** The measured part. */
function measuredPart(measured) {
  const all = verdicts(measured)
  const { machine, versions, date, minutes } = measured
  const judged = all.flatMap(v => v.goals).filter(g => g.met !== undefined)
  const keys = [...new Set(measured.results.map(keyOf))]
  return [
    marks[0],
    `Measured on ${date.slice(0, 10)} in ${Math.round(minutes)} minutes. Machine: ${machine.cores} cores of ${machine.cpu}, ${machine.gib} GiB, ${machine.system}. ` +
      `${Object.entries(versions).map(([name, version]) => `${name} ${version}`).join(', ')}.`,
    `Medians, in milliseconds where no unit stands; behind those of Lampas the best in parentheses. Every library starts from the same weights and data, and a run fails when first losses or results differ. ` +
      `A share of the limit takes a row's arithmetic at the peak or its bytes at the bandwidth, whichever is longer. Behind the bytes held stands the number of steps. ` +
      `Goals met: ${judged.filter(g => g.met).length} of ${judged.length}.`,
    ...keys.map(key => setting(key, all.filter(v => v.key === key), measured.results.filter(r => r.error && keyOf(r) === key))),
    ...compiled(all),
    ...costs(measured),
    ...limitsOf(measured),
    marks[1],
  ].join('\n\n')
}

/** The page with its measured part put in anew. */
export function renewed(page, measured) {
  const [from, to] = marks.map(m => page.indexOf(m))
  if (from < 0 || to < from) throw new Error('docs/performance.md has lost the marks of its measured part.')
  return page.slice(0, from) + measuredPart(measured) + page.slice(to + marks[1].length)
}

/** Time against work, both logarithmic, with the line of a cost that grows as the work does. */
export function plot(measured) {
  const [size, edge] = [360, 44]
  const lines = grown(measured)
  const most = Math.max(2, ...lines.flatMap(l => l.points.flatMap(p => [p.work, p.time])))
  const at = x => edge + (size - 2 * edge) * (Math.log2(x) / Math.log2(most))
  const [x, y] = [at, v => size - at(v)].map(f => v => f(v).toFixed(1))
  const colours = ['#d9622b', '#2b7bd9', '#2ba66a']
  const ticks = Array.from({ length: Math.floor(Math.log2(most)) + 1 }, (_, i) => 2 ** i)
  const text = (a, b, body, more = '') => `<text x="${a}" y="${b}"${more}>${body}</text>`
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${size} ${size}" width="${size}" height="${size}" font-family="sans-serif" font-size="11" fill="#888">`,
    `<path d="M${edge} ${edge}V${size - edge}H${size - edge}" fill="none" stroke="#888"/>`,
    `<path d="M${x(1)} ${y(1)}L${x(most)} ${y(most)}" stroke="#888" stroke-dasharray="4 4"/>`,
    ...ticks.map(t => text(x(t), size - edge + 16, `${t}×`, ' text-anchor="middle"') + text(edge - 6, y(t), `${t}×`, ' text-anchor="end"')),
    text(size / 2, size - 8, 'work', ' text-anchor="middle"'),
    text(8, edge - 16, 'time of a step; dashed: as the work'),
    ...lines.map(({ along, points }, i) => {
      const path = points.map((p, k) => `${k ? 'L' : 'M'}${x(p.work)} ${y(p.time)}`).join('')
      const dots = points.map(p => `<circle cx="${x(p.work)}" cy="${y(p.time)}" r="3" fill="${colours[i]}"/>`).join('')
      return `<path d="${path}" fill="none" stroke="${colours[i]}" stroke-width="2"/>${dots}${text(edge + 12, edge + 16 * (i + 1), along, ` style="fill:${colours[i]}"`)}`
    }),
    '</svg>\n',
  ].join('\n')
}
