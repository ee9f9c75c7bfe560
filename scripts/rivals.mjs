// `npm run bench -- rivals`: Lampas beside TensorFlow.js and jax-js, in Chromium, each in a page of its own. The pages take turns, so that a busy
// minute of the machine falls on all. `--only=<part of a row's name>`, `--backend=wasm|webgpu`, `--threads=1|2`, `--libraries=lampas,tfjs,jax`, `--quick`. Writes build/rivals.json.
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { cpus } from 'node:os'
import { extname, join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { root, run } from './setup.mjs'

const folder = join(root, 'bench/rivals')
const all = ['lampas', 'tfjs', 'jax']
const isolation = { 'Cross-Origin-Opener-Policy': 'same-origin', 'Cross-Origin-Embedder-Policy': 'require-corp' }
const types = { '.html': 'text/html', '.js': 'text/javascript', '.wasm': 'application/wasm' }

/** Milliseconds that a round should last. */
const ROUND = 150
const option = (args, name) => args.find(a => a.startsWith(`--${name}=`))?.slice(name.length + 3)

async function build(name) {
  const { build: bundle } = await import('vite')
  const outDir = join(root, 'build/rivals', name)
  await bundle({
    configFile: false,
    root: folder,
    base: './',
    logLevel: 'error',
    resolve: { alias: [{ find: /^lampas$/, replacement: join(root, 'src/index.ts') }] },
    build: { outDir, emptyOutDir: true, target: 'es2022', assetsInlineLimit: 0, rolldownOptions: { input: join(folder, `${name}.ts`), output: { entryFileNames: 'main.js' } } },
  })
  await writeFile(join(outDir, 'index.html'), '<!doctype html><script type="module" src="main.js"></script>')
  return outDir
}

/** Serves a folder and adds up what was fetched, as gzip. */
async function serve(outDir, headers) {
  const fetched = new Map()
  const server = createServer(async (request, response) => {
    const path = new URL(request.url, 'http://host').pathname
    const file = path === '/' ? '/index.html' : path
    const body = await readFile(join(outDir, file)).catch(() => null)
    if (body) fetched.set(file, gzipSync(body, { level: 9 }).length)
    response.writeHead(body ? 200 : 404, { ...headers, 'Content-Type': types[extname(file)] ?? 'application/octet-stream' })
    response.end(body ?? '')
  })
  await new Promise(resolve => server.listen(0, '127.0.0.1', resolve))
  return { url: `http://127.0.0.1:${server.address().port}/`, bytes: () => [...fetched.values()].reduce((a, b) => a + b, 0), close: () => server.close() }
}

const median = values => values.toSorted((a, b) => a - b)[values.length >> 1]

export async function rivals(args) {
  const { chromium } = await import('playwright')
  const { chromiumArgs, ensureBrowser } = await import('./browser.mjs')
  await run('npm', ['ci', '--no-audit', '--no-fund'], { cwd: folder })
  const quick = args.includes('--quick')
  const only = option(args, 'only')
  const threads = option(args, 'threads')
  const libraries = option(args, 'libraries')?.split(',') ?? all
  const settings = [{ device: 'wasm', threads: 1 }, { device: 'wasm', threads: cpus().length }, { device: 'webgpu', threads: 1 }].filter(
    s => (option(args, 'backend') ?? s.device) === s.device && Number(threads ?? s.threads) === s.threads,
  )
  const folders = Object.fromEntries(await Promise.all(libraries.map(async name => [name, await build(name)])))
  const browser = await chromium.launch({ executablePath: await ensureBrowser(), args: chromiumArgs })
  const results = []
  try {
    for (const setting of settings) {
      const open = []
      for (const library of libraries) {
        // Without isolation a page has no shared memory, and so each library one thread.
        const site = await serve(folders[library], setting.threads > 1 ? isolation : {})
        const cold = []
        for (let i = 0; i < (quick ? 1 : 5); i++) {
          const context = await browser.newContext()
          const page = await context.newPage()
          await page.goto(site.url)
          await page.waitForFunction('globalThis.cold')
          cold.push(await page.evaluate(s => globalThis.cold(s), setting).catch(() => NaN))
          await context.close()
        }
        results.push({ row: 'cold start to the first MLP step', library, ...setting, ms: median(cold), best: Math.min(...cold) })
        results.push({ row: 'bytes fetched, gzip', library, ...setting, bytes: site.bytes() })
        const page = await (await browser.newContext()).newPage()
        page.on('crash', () => console.error(`${library}: the page crashed`))
        await page.goto(site.url)
        await page.waitForFunction('globalThis.start')
        const { rows, detail } = await page.evaluate(s => globalThis.start(s), setting)
        open.push({ library, page, rows, detail, site })
      }
      const names = [...new Set(open.flatMap(o => o.rows))].filter(name => !only || name.includes(only))
      for (const row of names) {
        const contenders = []
        for (const c of open.filter(o => o.rows.includes(row))) {
          try {
            await c.page.evaluate(r => globalThis.bench.prepare(r), row)
            const { loss } = await c.page.evaluate(() => globalThis.bench.round(1))
            const once = (await c.page.evaluate(() => globalThis.bench.round(1))).ms
            contenders.push({ ...c, once, firstLoss: loss, count: Math.max(1, Math.round(ROUND / Math.max(once, 0.01))), times: [] })
          } catch (error) {
            const problem = String(error.message).split('\n')[0].slice(0, 200)
            results.push({ row, library: c.library, ...setting, error: problem })
            console.log(`${setting.device} ${setting.threads}  ${row}: ${c.library} cannot: ${problem}`)
          }
        }
        for (let i = 0; i < (quick ? 3 : 9); i++)
          for (const c of contenders) {
            // Who takes seconds has three turns.
            if (c.once > 2000 && c.times.length >= (quick ? 1 : 3)) continue
            const { ms } = await c.page.evaluate(n => globalThis.bench.round(n), c.count)
            c.times.push(ms / c.count)
          }
        for (const c of contenders) results.push({ row, library: c.library, ...setting, detail: c.detail, ms: median(c.times), best: Math.min(...c.times), firstLoss: c.firstLoss })
        const found = Object.fromEntries(contenders.map(c => [c.library, Number(median(c.times).toFixed(3))]))
        console.log(`${setting.device} ${setting.threads}  ${row}`.padEnd(44), JSON.stringify(found), contenders.map(c => c.firstLoss?.toFixed(4) ?? '').join(' '))
      }
      for (const { page, site } of open) {
        await page.context().close()
        site.close()
      }
    }
  } finally {
    await browser.close()
  }
  await mkdir(join(root, 'build'), { recursive: true })
  await writeFile(join(root, 'build/rivals.json'), JSON.stringify({ date: new Date().toISOString(), results }, null, 1))
  return results
}
