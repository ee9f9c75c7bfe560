// `npm run bench`: runs every bench/*.bench.ts in Node and in headless Chromium. `npm run bench -- matmul` runs those whose name has
// that word; `--node` or `--chromium` chooses one place. A bench module's default export is `async report => …`; it calls
// `report({ name, …numbers })` for each row of its table, and measures with best-of-N, since machines are noisy.
// `npm run bench -- rivals` measures other libraries beside this one (scripts/rivals.mjs).
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { install, root } from './setup.mjs'

await install()
const { chromium } = await import('playwright')
const { createServer } = await import('vite')
const { chromiumArgs, ensureBrowser } = await import('./browser.mjs')
const { buildWasm } = await import('./build-wasm.mjs')

const args = process.argv.slice(2)
const words = args.filter(arg => !arg.startsWith('--'))
const everywhere = !args.includes('--node') && !args.includes('--chromium')

await buildWasm()
if (words.includes('rivals')) {
  const { rivals } = await import('./rivals.mjs')
  await rivals(args)
  process.exit()
}
const found = await readdir(join(root, 'bench'), { recursive: true })
const files = found.filter(name => name.endsWith('.bench.ts') && words.every(word => name.includes(word))).sort()
if (files.length === 0) throw new Error(`No bench/*.bench.ts has ${words.join(' and ')} in its name.`)

const server = await createServer({ configFile: join(root, 'vite.config.ts'), root, publicDir: 'web/public', logLevel: 'warn', server: { port: 0, hmr: false, watch: null } })

async function inNode(file, report) {
  const module = await server.ssrLoadModule(`/bench/${file}`)
  await module.default(report)
}

async function inChromium(file, report) {
  const browser = await chromium.launch({ executablePath: await ensureBrowser(), args: chromiumArgs })
  try {
    const page = await browser.newPage()
    page.on('pageerror', error => console.error(error))
    await page.exposeFunction('report', report)
    // An empty page of the server's, since only a page of its own may load its modules.
    await page.route('**/empty', route => route.fulfill({ contentType: 'text/html', body: '<!doctype html>', headers: server.config.server.headers }))
    await page.goto(`http://localhost:${server.httpServer.address().port}/empty`)
    await page.evaluate(async path => (await import(path)).default(globalThis.report), `/bench/${file}`)
  } finally {
    await browser.close()
  }
}

try {
  await server.listen()
  for (const file of files)
    for (const [place, flag, run] of [
      ['Node', '--node', inNode],
      ['Chromium', '--chromium', inChromium],
    ]) {
      if (!everywhere && !args.includes(flag)) continue
      const rows = []
      await run(file, row => void rows.push(row))
      console.log(`\n${file}, ${place}`)
      console.table(rows)
    }
} finally {
  await server.close()
}
