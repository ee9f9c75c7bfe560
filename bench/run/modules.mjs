// Runs bench/*.bench.ts in Node and in headless Chromium. The default export of each is `async report => …`; it calls
// `report({ name, …numbers })` for each row of its table, and measures with best-of-N, since machines are noisy.
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { root } from '../../scripts/setup.mjs'

/** Those whose names have all the words; in the places asked for, or in both. */
export async function modules(words, asked) {
  const found = await readdir(join(root, 'bench'))
  const files = found.filter(name => name.endsWith('.bench.ts') && words.every(word => name.includes(word))).sort()
  if (files.length === 0) throw new Error(`No bench/*.bench.ts has ${words.join(' and ')} in its name.`)
  const { createServer } = await import('vite')
  const server = await createServer({ configFile: join(root, 'vite.config.ts'), root, publicDir: 'web/public', logLevel: 'warn', server: { port: 0, hmr: false, watch: null } })

  async function inNode(file, report) {
    const module = await server.ssrLoadModule(`/bench/${file}`)
    await module.default(report)
  }

  async function inChromium(file, report) {
    const { chromium } = await import('playwright')
    const { chromiumArgs, ensureBrowser } = await import('../../scripts/browser.mjs')
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

  const everywhere = !asked.node && !asked.chromium
  try {
    await server.listen()
    for (const file of files)
      for (const [place, wanted, run] of [
        ['Node', asked.node, inNode],
        ['Chromium', asked.chromium, inChromium],
      ]) {
        if (!everywhere && !wanted) continue
        const rows = []
        await run(file, row => void rows.push(row))
        console.log(`\n${file}, ${place}`)
        console.table(rows)
      }
  } finally {
    await server.close()
  }
}
