// Lampas beside TensorFlow.js, jax-js, ONNX Runtime Web and native PyTorch: every row of bench/run/rows.mjs, on wasm with one and with all
// threads and on webgpu, in one run. A contender that cannot run a row, crashes or takes too long is a cell that says why.
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { cpus, totalmem } from 'node:os'
import { join } from 'node:path'
import { bundle, findTorch, folder, InNode, InPage, InPython, serve, soon } from '../bench/run/contenders.mjs'
import { holding } from '../bench/run/holding.mjs'
import { limits } from '../bench/run/limits.mjs'
import { growth } from '../bench/run/growth.mjs'
import { coldStart, fetched, held, rows } from '../bench/run/rows.mjs'
import { keyOf } from '../bench/run/verdict.mjs'
import { disagreement, efforts, measure, median, reason } from '../bench/run/turns.mjs'
import { install, root } from './setup.mjs'

export const file = join(root, 'build/rivals.json')

const trains = ['lampas', 'tfjs', 'jax']
export const libraries = [...trains, 'ort', 'torch']
const settings = () => [...[...new Set([1, cpus().length])].map(threads => ({ device: 'wasm', threads })), { device: 'webgpu', threads: 1 }]

/** Minutes of a whole run on a quiet machine with two cores, by effort. */
const minutes = { quick: 8, usual: 19, full: 40 }

/** What is measured: the settings, rows and libraries that the options leave. `pairs` names for a setting and a row the only ones that take part. */
function chosen({ only, backend, threads, libraries: some, pairs, node }) {
  const words = only?.split(',')
  const all = Object.keys(rows)
  const wanted = name => !words || words.some(word => name.includes(word))
  const grows = ({ device, threads: n }) => device === 'wasm' && n === 1 && !pairs
  const fits = s =>
    (backend ?? s.device) === s.device && Number(threads ?? s.threads) === s.threads && !(node && s.device === 'webgpu') && (!pairs || all.some(row => pairs(s, row)))
  return {
    settings: settings().filter(fits),
    rowsOf: setting => all.filter(row => (rows[row].on ?? setting.device) === setting.device && wanted(row)),
    growthOf: setting => (grows(setting) ? [...new Set(growth.map(g => g.along))].map(along => growth.filter(g => g.along === along).map(g => g.row).filter(wanted)) : []),
    wanted,
    librariesOf: setting =>
      (setting.device === 'webgpu' ? trains : libraries)
        .filter(name => (some?.split(',') ?? libraries).includes(name))
        .filter(name => !pairs || all.some(row => pairs(setting, row)?.includes(name))),
  }
}

/** The contenders of a setting with the rows that each can run; the sites are to be closed. */
async function contendersOf(setting, names, { browser, folders, torch }, report) {
  const found = []
  for (const library of names) {
    if (library === 'torch' && !torch) continue
    const site = library === 'torch' ? undefined : await serve(folders[library], setting.threads > 1)
    const contender = site ? new InPage(library, browser, site, setting) : new InPython(torch.python, setting)
    try {
      found.push({ contender, site, rows: (await soon(contender.open(), 60, 'opening')).rows })
    } catch (error) {
      site?.close()
      report({ row: 'opening', library, ...setting, error: reason(error) })
    } finally {
      await contender.close()
    }
  }
  return found
}

/** Cold starts, the bytes that they fetch, and the bytes held after many steps. */
async function measurePages(open, setting, wanted, effort, report) {
  const taking = open.filter(o => o.site && o.rows.includes('MLP step'))
  if (wanted(coldStart) || wanted(fetched)) {
    const starts = taking.map(o => ({ ...o, times: [] }))
    for (let i = 0; i < effort.cold; i++)
      for (const s of starts) {
        if (s.error || s.times[0] > 4000) continue
        await soon(s.contender.cold(), 90, 'the cold start').then(ms => s.times.push(ms), error => (s.error = reason(error)))
        await s.contender.close()
      }
    for (const { contender: { library }, site, times, error } of starts) {
      report(error ? { row: coldStart, library, ...setting, error } : { row: coldStart, library, ...setting, ms: median(times), best: Math.min(...times) })
      report({ row: fetched, library, ...setting, bytes: site.bytes() })
    }
  }
  if (setting.device === 'wasm' && setting.threads === 1 && wanted(held))
    for (const { contender } of taking)
      await holding(contender, effort.patience).then(
        ({ bytes, steps }) => report({ row: held, library: contender.library, ...setting, bytes, steps }),
        error => report({ row: held, library: contender.library, ...setting, error: reason(error) }),
      )
}

const told = r => (r.error ? `cannot (${r.error})` : r.ms === undefined ? `${Math.round(r.bytes / 1024)} KiB` : `${Number(r.ms.toPrecision(3))} ms`)

/** Measures what the options choose and gives all results. */
export async function rivals(options) {
  const effort = efforts[options.effort]
  const { settings: places, rowsOf, growthOf, wanted, librariesOf } = chosen(options)
  const began = Date.now()
  const results = []
  const problems = []
  const say = (setting, row, found) => console.log(`${keyOf(setting)}: ${row}`.padEnd(48), found.map(r => `${r.library} ${told(r)}`).join('  '))

  const report = r => (results.push(r), say(r, r.row, [r]))

  async function measureAll(setting, open) {
    for (const row of rowsOf(setting)) {
      const names = options.pairs?.(setting, row)
      const taking = open.filter(o => o.rows.includes(row) && (!options.pairs || names?.includes(o.contender.library)))
      if (taking.length === 0) continue
      const found = await measure(taking.map(({ contender }) => ({ contender, row })), effort)
      results.push(...found)
      say(setting, row, found)
      const problem = disagreement(row, found)
      if (problem) {
        problems.push(`${keyOf(setting)}: ${problem}`)
        console.error(`  ${problem}`)
      }
    }
    // What is to be compared takes turns.
    for (const group of growthOf(setting))
      for (const { contender, rows: can } of open) {
        const found = await measure(group.filter(row => can.includes(row)).map(row => ({ contender: contender.another(), row })), effort)
        results.push(...found)
        for (const r of found) say(setting, r.row, [r])
      }
  }

  if (options.node) {
    const { createServer } = await import('vite')
    const server = await createServer({ configFile: join(root, 'vite.config.ts'), root, logLevel: 'warn', server: { middlewareMode: true, hmr: false, watch: null } })
    try {
      for (const setting of places) {
        const contender = new InNode(server, setting)
        const { rows: can } = await contender.open()
        await measureAll(setting, [{ contender, rows: can }])
      }
    } finally {
      await server.close()
    }
    return { results, problems }
  }

  console.log(`This takes about ${minutes[options.effort]} minutes for all rows on a quiet machine with two cores.`)
  await install(folder)
  const { chromium } = await import('playwright')
  const { chromiumArgs, ensureBrowser } = await import('./browser.mjs')
  const names = [...new Set(places.flatMap(librariesOf))]
  const folders = Object.fromEntries(await Promise.all(names.filter(n => n !== 'torch').map(async name => [name, await bundle(name)])))
  const torch = names.includes('torch') ? findTorch() : undefined
  if (names.includes('torch') && !torch) console.log('No Python here has torch: the rows go without native PyTorch.')
  const browser = await chromium.launch({ executablePath: await ensureBrowser(), args: chromiumArgs })
  let limit
  // Before and after, since a neighbour may be busy at one of them.
  const measureLimits = async () => {
    const now = await limits(browser, cpus().length, 4)
    for (const n in now) for (const name in now[n]) now[n][name] = Math.max(now[n][name], limit?.[n][name] ?? 0)
    limit = now
  }
  const { dependencies } = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8'))
  const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'))
  const measured = () => ({
    date: new Date().toISOString(),
    minutes: (Date.now() - began) / 60_000,
    effort: options.effort,
    machine: { cpu: cpus()[0].model, cores: cpus().length, gib: Math.round(totalmem() / 2 ** 30), system: process.platform },
    versions: { Lampas: version, Chromium: browser.version(), ...dependencies, ...(torch && { PyTorch: torch.version }), Node: process.versions.node },
    limits: limit,
    results,
    problems,
  })
  try {
    await measureLimits()
    for (const setting of places) {
      const open = await contendersOf(setting, librariesOf(setting), { browser, folders, torch }, report)
      try {
        if (!options.pairs) await measurePages(open, setting, wanted, effort, report)
        await measureAll(setting, open)
      } finally {
        open.forEach(o => (o.contender.end(), o.site?.close()))
      }
      // A run that is cut off leaves what it has.
      if (!options.pairs) await keep(measured())
    }
    await measureLimits()
    if (!options.pairs) await keep(measured())
  } finally {
    await browser.close()
  }
  return measured()
}

/** Keeps a run for `--render` and for other programs. */
async function keep(measured) {
  await mkdir(join(root, 'build'), { recursive: true })
  await writeFile(file, JSON.stringify(measured, null, 1))
}
