// Who takes part: a library in a page of Chromium, PyTorch in a process of its own, and Lampas in this process. All are driven alike: `open`
// gives the rows that it can run, `prepare` makes one ready, `round` runs it a number of times, `close` gives its memory
// back after a row, `end` makes sure that nothing of it is left.
import { execFileSync, spawn } from 'node:child_process'
import { readFile, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { platform } from 'node:os'
import { extname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { gzipSync } from 'node:zlib'
import { root } from '../../scripts/setup.mjs'

export const folder = join(root, 'bench/rivals')
const isolation = { 'Cross-Origin-Opener-Policy': 'same-origin', 'Cross-Origin-Embedder-Policy': 'require-corp' }
const types = { '.html': 'text/html', '.js': 'text/javascript', '.mjs': 'text/javascript', '.wasm': 'application/wasm' }

/** A promise that fails when it takes longer. */
export async function soon(promise, seconds, what) {
  let timer
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} took more than ${seconds} s`)), seconds * 1000)
  })
  return Promise.race([promise, late]).finally(() => clearTimeout(timer))
}

/**
 * TensorFlow.js sends the text of this module's function to its workers. A minifier renames what the function finds outside itself, so that the
 * workers fail; as a global of the page, which no minifier touches, it is what their code expects to be missing.
 */
const workersOfTensorFlow = {
  name: 'tfjs-workers',
  transform: (code, id) => (id.endsWith('tfjs-backend-wasm-threaded-simd.js') ? code.replace(/^ +var _scriptDir = .*$/m, '').replace(/^ +if \(typeof __filename .*$/m, '') : null),
}

/** Bundles a library's page as its users would. */
export async function bundle(name) {
  const { build } = await import('vite')
  const outDir = join(root, 'build/rivals', name)
  await build({
    configFile: false,
    root: folder,
    base: './',
    logLevel: 'error',
    resolve: { alias: [{ find: /^lampas\/lite$/, replacement: join(root, 'src/lite.ts') }] },
    plugins: [workersOfTensorFlow],
    worker: { format: 'es' },
    build: { outDir, emptyOutDir: true, target: 'es2022', assetsInlineLimit: 0, chunkSizeWarningLimit: 10_000, rolldownOptions: { input: join(folder, `${name}.ts`), output: { entryFileNames: 'main.js' } } },
  })
  await writeFile(join(outDir, 'index.html'), '<!doctype html><script type="module" src="main.js"></script>')
  return outDir
}

/** Serves a folder and adds up what was fetched, as gzip. Without isolation a page has no shared memory, and so each library one thread. */
export async function serve(outDir, isolated) {
  const fetched = new Map()
  const server = createServer(async (request, response) => {
    const path = new URL(request.url, 'http://host').pathname
    const file = path === '/' ? '/index.html' : path
    const body = await readFile(join(outDir, file)).catch(() => null)
    if (body && !fetched.has(file)) fetched.set(file, gzipSync(body, { level: 9 }).length)
    response.writeHead(body ? 200 : 404, { ...(isolated ? isolation : {}), 'Content-Type': types[extname(file)] ?? 'application/octet-stream' })
    response.end(body ?? '')
  })
  await new Promise(resolve => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${server.address().port}/`,
    bytes: () => [...fetched.values()].reduce((a, b) => a + b, 0),
    close: () => void (server.close(), server.closeAllConnections()),
  }
}

/** A library in a page, which is a fresh one each time it is opened. */
export class InPage {
  constructor(library, browser, site, setting) {
    Object.assign(this, { library, browser, site, setting })
  }
  /** The same library, for a row that is measured at the same time. */
  another() {
    return new InPage(this.library, this.browser, this.site, this.setting)
  }
  /** An empty page with the library loaded; `script` runs before anything else in it. */
  async load(script) {
    this.context = await this.browser.newContext()
    const page = await this.context.newPage()
    // Errors of the page's own tell more than the call that waits in vain.
    this.broken = new Promise((_, reject) => page.once('crash', () => reject(new Error('the page crashed'))))
    this.broken.catch(() => undefined)
    if (script) await page.addInitScript(script)
    await page.goto(this.site.url)
    await page.waitForFunction('globalThis.start')
    return page
  }
  async open(script) {
    this.page = await this.load(script)
    return this.guarded(this.page.evaluate(s => globalThis.start(s), this.setting))
  }
  guarded(promise) {
    return Promise.race([promise, this.broken])
  }
  prepare(row) {
    return this.guarded(this.page.evaluate(r => globalThis.bench.prepare(r), row))
  }
  round(count) {
    return this.guarded(this.page.evaluate(n => globalThis.bench.round(n), count))
  }
  async cold() {
    const page = await this.load()
    return this.guarded(page.evaluate(s => globalThis.cold(s), this.setting))
  }
  async close() {
    await this.context?.close().catch(() => undefined)
  }
  end() {
    return this.close()
  }
}

/** A Python that has torch, or undefined. */
export function findTorch() {
  for (const python of ['/usr/bin/python3', 'python3'])
    try {
      const version = execFileSync(python, ['-c', 'import torch; print(torch.__version__)'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'], timeout: 60_000 })
      return { python, version: version.trim() }
    } catch {
      continue
    }
  return undefined
}

/** PyTorch: a process that answers lines of JSON. */
export class InPython {
  constructor(python, setting) {
    Object.assign(this, { library: 'torch', python, setting })
  }
  /** The process stays for all rows: it takes a second to start. */
  async open() {
    if (!this.process) this.start()
    return this.ask({ threads: this.setting.threads })
  }
  start() {
    const env = { ...process.env, OMP_NUM_THREADS: String(this.setting.threads), OPENBLAS_NUM_THREADS: String(this.setting.threads), PYTHONIOENCODING: 'utf-8' }
    this.process = spawn(this.python, [join(folder, 'torch_rows.py')], { env, stdio: ['pipe', 'pipe', 'inherit'] })
    // A process that is gone says so by the end of its lines.
    this.process.stdin.on('error', () => undefined)
    this.lines = createInterface({ input: this.process.stdout })[Symbol.asyncIterator]()
  }
  signal(name) {
    if (platform() !== 'win32') this.process.kill(name)
  }
  /** Halted while nobody asks: its threads wait busily for their next work. */
  async ask(request) {
    this.signal('SIGCONT')
    this.process.stdin.write(`${JSON.stringify(request)}\n`)
    const { value, done } = await this.lines.next()
    this.signal('SIGSTOP')
    if (done) throw new Error('the Python process ended')
    return JSON.parse(value)
  }
  prepare(row) {
    return this.ask({ row })
  }
  round(count) {
    return this.ask({ count })
  }
  async close() {}
  end() {
    this.process?.kill('SIGKILL')
    this.process = undefined
  }
}

/** Lampas in Node itself. */
export class InNode {
  constructor(server, setting) {
    Object.assign(this, { library: 'lampas', server, setting })
  }
  async open() {
    await this.server.ssrLoadModule('/bench/rivals/lampas.ts')
    const started = await globalThis.start(this.setting)
    this.bench = globalThis.bench
    return started
  }
  another() {
    return new InNode(this.server, this.setting)
  }
  prepare(row) {
    return this.bench.prepare(row)
  }
  round(count) {
    return this.bench.round(count)
  }
  async close() {
    const { closeDevice } = await this.server.ssrLoadModule('/src/index.ts')
    closeDevice(this.setting.device)
  }
  end() {}
}
