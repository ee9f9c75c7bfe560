// PyTorch's own numbers against ours, from the command line.
import { existsSync } from 'node:fs'
import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { parseArgs } from 'node:util'
import { rolldown } from 'rolldown'
import { buildWasm } from './build-wasm.mjs'
import { root } from './setup.mjs'

const usage = `node scripts/golden.mjs: PyTorch's own numbers against ours
  --group linalg,reduction  --op linalg.qr,sum  --id linalg/matmul/3   which cases (default: all)
  --device reference|wasm|webgpu  --threads 1  --world eager|compiled   where (default: wasm, one thread, eager)
  --errors  --programs                                                  the misuses, the programs
  --coverage                                                            writes docs/coverage.md
  --verbose                                                             every failing case, not one line a reason`
const list = { type: 'string', multiple: true, default: [] }
const { values: asked } = parseArgs({
  options: {
    group: list, op: list, id: list,
    device: { type: 'string', default: 'wasm' }, threads: { type: 'string', default: '1' }, world: { type: 'string', default: 'eager' },
    errors: { type: 'boolean' }, programs: { type: 'boolean' }, coverage: { type: 'boolean' }, verbose: { type: 'boolean' }, help: { type: 'boolean' },
  },
})
if (asked.help) {
  console.log(usage)
  process.exit()
}
const split = texts => texts.flatMap(text => text.split(','))
const [groups, ops, ids] = [split(asked.group), split(asked.op), split(asked.id)]

// The sources find the wasm files three folders up, so the bundle lies as deep as they do.
const folder = join(root, `build/golden/${process.pid}`)
async function load() {
  const build = await rolldown({
    cwd: root,
    input: { golden: 'test/golden/node.ts' },
    platform: 'node',
    external: ['webgpu'],
    resolve: { alias: { lampas: join(root, 'src/index.ts') } },
    logLevel: 'silent',
  })
  await build.write({ dir: folder, format: 'esm', entryFileNames: '[name].mjs', chunkFileNames: '[name].mjs' })
  await build.close()
  return import(pathToFileURL(join(folder, 'golden.mjs')).href)
}

const file = name => join(root, 'test/golden', name)
const json = async name => JSON.parse(await readFile(file(name), 'utf8'))
const bytes = async name => new Uint8Array(await readFile(file(name))).buffer

/** Reasons that differ in numbers and places alone are one. */
const reason = message => message.replace(/-?\d+(\.\d+)?(e[-+]?\d+)?/g, 'N').replace(/(N, ?)+N/g, 'N').replace(/\[(N)?\]/g, '[…]')

function print(golden, title, results) {
  const table = new Map()
  for (const r of results) {
    const row = table.get(r.op) ?? table.set(r.op, { pass: 0, all: 0, worst: 0, ms: 0 }).get(r.op)
    row.all++
    row.ms += r.ms
    if (r.ok || golden.exceptionFor(r, asked.device, asked.world) !== null) {
      row.pass++
      row.worst = Math.max(row.worst, r.worst)
    }
  }
  const passed = results.filter(r => r.ok || golden.exceptionFor(r, asked.device, asked.world) !== null).length
  console.log(`\n${title}: ${passed}/${results.length}`)
  const whole = [...table].filter(([, row]) => row.pass === row.all)
  if (whole.length > 0) console.log(`  right: ${whole.map(([op, row]) => `${op} ${row.all}`).join(', ')}`)
  for (const [op, row] of table) if (row.pass < row.all) console.log(`  ${`${row.pass}/${row.all}`.padStart(7)}  ${op}`)
  const explained = results.filter(r => golden.exceptionFor(r, asked.device, asked.world) !== null)
  if (explained.length > 0) console.log(`  ${explained.length} explained in test/golden/exceptions.ts: ${[...new Set(explained.map(r => r.op))].join(', ')}`)
  const failed = results.filter(r => !r.ok && !explained.includes(r))
  const missing = failed.filter(r => r.message.startsWith('missing: '))
  if (missing.length > 0) console.log(`  ${[...new Set(missing.map(r => r.message))].map(m => m.slice('missing: '.length)).join(', ')}: missing (${missing.length} cases)`)
  const reasons = Map.groupBy?.(failed, r => reason(r.message)) ?? failed.reduce((m, r) => m.set(reason(r.message), [...(m.get(reason(r.message)) ?? []), r]), new Map())
  for (const [why, of] of reasons) {
    if (why.startsWith('missing: ')) continue
    if (asked.verbose) for (const r of of) console.log(`  ✗ ${r.id}: ${r.message}`)
    else {
      const shown = of.slice(0, 6).map(r => r.id.slice(r.id.indexOf('/') + 1)).join(' ')
      console.log(`  ✗ ${of[0].message.slice(0, 260)}\n      ${of.length}: ${shown}${of.length > 6 ? ' …' : ''}`)
    }
  }
  return passed
}

if (!existsSync(join(root, 'build/lampas.simd.wasm'))) await buildWasm()

try {
  const golden = await load()
  await golden.open(asked.device, Number(asked.threads))
  const options = { device: asked.device, world: asked.world, filter: c => (ops.length === 0 || ops.includes(c.op ?? 'programs')) && (ids.length === 0 || ids.includes(c.id)) }
  const started = performance.now()
  let [pass, all, explained] = [0, 0, 0]
  const show = (title, results) => {
    if (results.length === 0) return
    pass += print(golden, title, results)
    all += results.length
    explained += results.filter(r => golden.exceptionFor(r, asked.device, asked.world) !== null).length
  }
  const only = ids.length > 0 && groups.length === 0 ? [...new Set(ids.map(id => id.split('/')[0]))] : groups
  const loaded = async group => {
    if (!existsSync(file(`${group}.json`))) throw new Error(`there is no group ${group}; groups: ${golden.groups.join(' ')}`)
    const manifest = await json(`${group}.json`)
    return { manifest, buffer: await bytes(manifest.bin) }
  }
  if (asked.coverage) await writeFile(join(root, 'docs/coverage.md'), await golden.coverage(await Promise.all(golden.groups.map(loaded)), asked.device))
  else if (asked.errors) show('errors', await golden.runErrors(await json('errors.json'), options))
  else if (asked.programs) show('programs', await golden.runPrograms(await json('programs.json'), await bytes('programs.bin'), options))
  else
    for (const group of only.length > 0 ? only : golden.groups) {
      const { manifest, buffer } = await loaded(group)
      show(group, await golden.runGolden(manifest, buffer, options))
    }
  const took = `${((performance.now() - started) / 1000).toFixed(1)} s`
  if (asked.coverage) console.log(`docs/coverage.md is written, ${took}`)
  else console.log(`\n${pass}/${all} on ${asked.device}, ${asked.world}${explained > 0 ? `, of which ${explained} are explained` : ''}, ${took}`)
  process.exitCode = pass === all ? 0 : 1
} finally {
  await rm(folder, { recursive: true, force: true })
}
process.exit()
