// The packed package in an application of its own: installed, type-checked, developed, built, and run in Chromium and Node.
import { execFile, spawn } from 'node:child_process'
import { cpSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { gzipSync } from 'node:zlib'
import { expect, test } from '@playwright/test'
import type { Page } from '@playwright/test'
import { packed, root } from './support/pack.ts'
import { serve } from './support/serve.ts'

const execute = promisify(execFile)

let app = ''
const inApp = async (command: string, ...args: string[]): Promise<string> =>
  (await execute(command, args, { cwd: app, shell: process.platform === 'win32', timeout: 80_000 })).stdout

test.beforeAll(async () => {
  app = mkdtempSync(join(tmpdir(), 'lampas-app-'))
  cpSync(`${root}e2e/fixture-app`, app, { recursive: true })
  await inApp('npm', 'install', '--no-audit', '--no-fund', '--prefer-offline', packed)
})

test.afterAll(() => rmSync(app, { recursive: true, force: true }))

async function expectTraining(page: Page, url: string): Promise<{ model?: string }> {
  const errors: string[] = []
  page.on('pageerror', error => errors.push(error.message))
  page.on('response', response => response.ok() || errors.push(`${response.status()} ${response.url()}`))
  await page.goto(url)
  const status = page.getByRole('status')
  await expect(status).not.toHaveText('Starting …', { timeout: 60_000 })
  const run = JSON.parse((await status.textContent()) ?? '') as { device: string; first: number; last: number; model?: string }
  expect(run.device).toBe('wasm')
  expect(run.last).toBeLessThan(run.first / 10)
  expect(errors.filter(error => !error.endsWith('/favicon.ico'))).toEqual([])
  return run
}

test('the package holds what it should and nothing else', () => {
  const folder = join(app, 'node_modules/lampas')
  expect(readdirSync(folder).sort()).toEqual(['LICENSE', 'README.md', 'dist', 'package.json'])
  const { exports } = createRequire(join(app, 'main.ts'))('lampas/package.json') as { exports: Record<string, { types: string; default: string } | string> }
  const named = Object.values(exports).flatMap(target => (typeof target === 'string' ? [target] : [target.types, target.default]))
  const there = new Set(readdirSync(folder, { recursive: true, encoding: 'utf8' }).map(name => `./${name.replaceAll('\\', '/')}`))
  expect(named.filter(file => !there.has(file))).toEqual([])
  expect([...there].filter(file => /\.wasm$|\.min\.js$/.test(file)).sort()).toEqual(['./dist/build/lampas.relaxed.wasm', './dist/build/lampas.simd.wasm', './dist/lampas.lite.min.js', './dist/lampas.min.js'])
})

test('its declarations compile with TypeScript 5.9, library check included', async () => {
  expect(await inApp('npm', 'run', '--silent', 'types').catch((error: { stdout: string }) => error.stdout)).toBe('')
})

test('an application built with Vite trains on a server without headers', async ({ page }) => {
  await inApp('npm', 'run', '--silent', 'build')
  const site = await serve(join(app, 'dist'))
  try {
    await expectTraining(page, `${site.url}/`)
  } finally {
    await site.close()
  }
})

test('a page that imports lampas/lite fetches what it uses: on wasm, to the end of training, less than 155 KB gzip', async ({ page }) => {
  await inApp('npm', 'run', '--silent', 'build-lite')
  const site = await serve(join(app, 'dist-lite'))
  const fetched: Promise<number>[] = []
  page.on('response', response => void (response.ok() && fetched.push(response.body().then(body => gzipSync(body, { level: 9 }).length))))
  try {
    const { model } = await expectTraining(page, `${site.url}/`)
    expect(model).toContain('Linear(')
    expect((await Promise.all(fetched)).reduce((sum, bytes) => sum + bytes, 0)).toBeLessThan(155 * 1024)
  } finally {
    await site.close()
  }
})

test('the same application trains on the development server', async ({ page }) => {
  const server = spawn(process.execPath, [join(app, 'node_modules/vite/bin/vite.js')], { cwd: app, env: { ...process.env, NO_COLOR: '1' } })
  try {
    const url = await new Promise<string>((resolve, reject) => {
      let output = ''
      server.once('exit', code => reject(new Error(`vite ended with code ${code}`)))
      server.stdout.on('data', (text: Buffer) => {
        output += text.toString()
        const address = /Local:\s+(http\S+)/.exec(output)
        if (address) resolve(address[1])
      })
    })
    await expectTraining(page, url)
  } finally {
    server.kill()
  }
})

test('it trains in Node', async () => {
  const { first, last } = JSON.parse(await inApp(process.execPath, 'train.mjs')) as { first: number; last: number }
  expect(last).toBeLessThan(first / 1000)
})

test('the Node example learns the digits', async () => {
  const { stdout } = await execute(process.execPath, ['examples/node-digits.mjs'], { cwd: root, timeout: 80_000 })
  expect(Number(/Test accuracy: ([\d.]+) %/.exec(stdout)?.[1])).toBeGreaterThanOrEqual(97)
})
