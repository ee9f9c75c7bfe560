// `npm run bench`: builds, measures Lampas beside its rivals (scripts/rivals.mjs) in Chromium, and writes docs/performance.md, its plot,
// bench/ratios.json and build/rivals.json. What narrows a run prints its table and writes build/rivals.json alone:
//   --only=<part of a row's name>,…   --backend=wasm|webgpu   --threads=<n>   --libraries=lampas,tfjs,jax,ort,torch
//   --quick | --full   fewer or more turns
//   --node             Lampas alone, in Node
//   --guard            Lampas against the fastest rival of each row of bench/ratios.json: exit code 1 where a quarter of the ratio is lost
//   --render           no measuring: writes the pages from build/rivals.json again
// A word instead, `npm run bench -- kernels`, runs the bench/*.bench.ts with that word in their names (`--node`, `--chromium`: there alone).
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { install, root } from './setup.mjs'

await install()
const { buildWasm } = await import('./build-wasm.mjs')
const { file, rivals } = await import('./rivals.mjs')
const { plot, renewed } = await import('../bench/run/page.mjs')
const { compare, keyOf, LEAST, libraries, ratios, verdicts } = await import('../bench/run/verdict.mjs')

const values = ['only', 'backend', 'threads', 'libraries']
const flags = ['quick', 'full', 'node', 'chromium', 'guard', 'render']
const options = Object.fromEntries([...values.map(v => [v, { type: 'string' }]), ...flags.map(f => [f, { type: 'boolean' }])])
const { values: asked, positionals: words } = parseArgs({ options, allowPositionals: true })

const page = join(root, 'docs/performance.md')
const committed = join(root, 'bench/ratios.json')

async function render(measured) {
  await writeFile(page, renewed(await readFile(page, 'utf8'), measured))
  await writeFile(join(root, 'docs/cost-growth.svg'), plot(measured))
  await writeFile(committed, `${JSON.stringify(ratios(measured), null, 1)}\n`)
  console.log('Written: docs/performance.md, docs/cost-growth.svg, bench/ratios.json.')
}

function show(measured) {
  console.table(
    verdicts(measured).map(v => ({
      setting: v.key,
      row: v.row,
      ...Object.fromEntries(v.found.map(r => [libraries[r.library], r.error ? 'cannot' : Number((r.ms ?? r.bytes / 1024).toPrecision(3))])),
      ratio: v.ratio ? Number(v.ratio.toPrecision(3)) : '',
      limit: v.share ? `${Math.round(100 * v.share)} %` : '',
      goals: v.goals.map(g => (g.met === undefined ? '·' : g.met ? '✓' : '✗')).join(' '),
    })),
  )
  for (const problem of measured.problems) console.error(problem)
  if (measured.problems.length > 0) process.exitCode = 1
}

/** What seems lost is measured once more, since a machine has busy moments; the better ratio counts. */
async function guard(settings) {
  const before = JSON.parse(await readFile(committed, 'utf8'))
  const measure = async table => {
    const of = (setting, row) => table[keyOf(setting)]?.[row]
    const measured = await rivals({ ...settings, effort: 'quick', pairs: (setting, row) => of(setting, row) && ['lampas', of(setting, row).rival] })
    return { ...measured, ...compare(measured, table) }
  }
  const { lines, lost, results, problems } = await measure(before)
  const again = {}
  for (const { setting, row } of lost) (again[setting] ??= {})[row] = before[setting][row]
  const second = lost.length > 0 ? (await measure(again)).lines : []
  const better = lines.map(l => second.find(s => s.setting === l.setting && s.row === l.row && s.kept > l.kept) ?? l)
  console.table(better)
  const complaints = [
    ...results.filter(r => r.error).map(r => `${keyOf(r)}, ${r.row}: ${r.library} cannot: ${r.error}`),
    ...better.filter(l => l.kept < LEAST).map(l => `${l.setting}, ${l.row}: ${l.before} times as fast as ${l.rival} before, now ${l.now}.`),
    ...problems,
    ...(lines.length === 0 ? ['There was nothing to compare.'] : []),
  ]
  complaints.forEach(c => console.error(c))
  if (complaints.length > 0) process.exitCode = 1
}

async function main() {
  await buildWasm()
  if (words.length > 0) return (await import('../bench/run/modules.mjs')).modules(words, asked)
  if (asked.render) return render(JSON.parse(await readFile(file, 'utf8')))
  const settings = { ...asked, effort: asked.quick ? 'quick' : asked.full ? 'full' : 'usual' }
  if (asked.guard) return guard(settings)
  const measured = await rivals(settings)
  show(measured)
  if (asked.node) return
  console.log(`${measured.minutes.toFixed(1)} minutes.`)
  const whole = !asked.quick && values.every(v => asked[v] === undefined)
  if (whole && measured.problems.length === 0) await render(measured)
}

await main()
// Idle workers and servers of a bench do not keep it alive.
process.exit()
