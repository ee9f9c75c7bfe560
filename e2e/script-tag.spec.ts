// lampas.min.js wherever a classic script may run: from a file, from another origin, under a strict policy, in a worker.
import { readFileSync } from 'node:fs'
import { pathToFileURL } from 'node:url'
import { gzipSync } from 'node:zlib'
import { expect, test } from '@playwright/test'
import type { Page } from '@playwright/test'
import { blocksOf } from '../test/docs/blocks.ts'
import { isolation } from '../vite.config.ts'
import { root } from './support/pack.ts'
import { serve } from './support/serve.ts'
import type { Site } from './support/serve.ts'
import { train } from './support/train.ts'
import type { Run } from './support/train.ts'

const example = `${root}examples/script-tag.html`
/** Bytes, gzip. */
const budgets = { 'lampas.min.js': 342 * 1024, 'lampas.lite.min.js': 208 * 1024 }

function expectLearned({ device, losses }: Run, expected = 'wasm'): void {
  expect(device).toBe(expected)
  expect(losses.every(Number.isFinite)).toBe(true)
  expect(losses.at(-1)).toBeLessThan(losses[0] / 20)
}

async function expectCurve(page: Page): Promise<void> {
  const errors: string[] = []
  page.on('pageerror', error => errors.push(error.message))
  const again = page.getByRole('button', { name: 'Train again' })
  await expect(again).toBeEnabled({ timeout: 60_000 })
  const said = await page.getByRole('status').textContent()
  expect(said).toMatch(/^Step 800 of 800, loss 0\.0\d+, on \w+$/)
  for (const curve of ['#loss', '#fit']) expect((await page.locator(curve).getAttribute('d'))?.split('L').length).toBeGreaterThan(90)
  const { width, height } = (await page.locator('#loss').boundingBox()) ?? { width: 0, height: 0 }
  expect(Math.min(width, height)).toBeGreaterThan(20)
  expect(errors).toEqual([])
}

let sites: Site[] = []

async function site(...args: Parameters<typeof serve>): Promise<string> {
  const opened = await serve(...args)
  sites.push(opened)
  return opened.url
}

test.afterEach(async () => {
  await Promise.all(sites.map(opened => opened.close()))
  sites = []
})

for (const [file, budget] of Object.entries(budgets))
  test(`${file} keeps to its budget`, () => {
    expect(gzipSync(readFileSync(`${root}dist/${file}`), { level: 9 }).length).toBeLessThanOrEqual(budget)
  })

test('the small script trains, and says what only the whole one has', async ({ page }) => {
  await page.goto(`${await site(`${root}dist`, {}, { '/index.html': '<!doctype html><script src="lampas.lite.min.js"></script>' })}/`)
  expectLearned(await page.evaluate(train))
  const problem = await page.evaluate(() => {
    try {
      return String((globalThis as unknown as { lampas: { linalg: { svd: unknown } } }).lampas.linalg.svd)
    } catch (error) {
      return (error as Error).message
    }
  })
  expect(problem).toBe('[linalg.svd] it is not in lampas.lite.min.js. help: use lampas.min.js, which has everything')
})

test('the example trains when opened from a file', async ({ page }) => {
  await page.goto(pathToFileURL(example).href)
  await expectCurve(page)
})

test('the example trains with the bundle of another origin, without any header', async ({ page }) => {
  const scripts = await site(`${root}dist`)
  const html = readFileSync(example, 'utf8').replace('../dist/lampas.min.js', `${scripts}/lampas.min.js`)
  expect(html).toContain(scripts)
  await page.goto(`${await site(root, {}, { '/index.html': html })}/`)
  await expectCurve(page)
})

const bare = { '/index.html': '<!doctype html><script src="lampas.min.js"></script>' }
const policy = { 'Content-Security-Policy': "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'" }

test('uses threads on an isolated page', async ({ page }) => {
  await page.goto(`${await site(`${root}dist`, isolation, bare)}/`)
  const run = await page.evaluate(train)
  expectLearned(run)
  expect(run.threads).toBe(await page.evaluate(() => navigator.hardwareConcurrency))
})

test('trains on one thread under a strict content security policy and says why', async ({ page }) => {
  await page.goto(`${await site(`${root}dist`, { ...isolation, ...policy }, bare)}/`)
  const run = await page.evaluate(train)
  expectLearned(run)
  expect(run.threads).toBe(1)
  expect(run.why).toMatch(/worker/)
})

test('trains on the reference where a policy forbids WebAssembly and says why', async ({ page }) => {
  await page.goto(`${await site(`${root}dist`, { 'Content-Security-Policy': "default-src 'none'; script-src 'self'" }, bare)}/`)
  const run = await page.evaluate(train)
  expectLearned(run, 'reference')
  expect(run.why).toMatch(/^wasm: .*Content Security Policy/)
})

test('trains in a worker through importScripts', async ({ page }) => {
  await page.goto(`${await site(root)}/examples/worker/`)
  await expect(page.getByRole('status')).toHaveText('Learned y = 2.00 x − 1.00')
})

test('the page of README works as printed', async ({ page }) => {
  const block = blocksOf('README.md').find(({ language }) => language === 'html')
  expect(block).toBeDefined()
  await page.goto(`${await site(`${root}dist`, {}, { '/index.html': block?.code ?? '' })}/`)
  await expect(page.locator('#answer')).toHaveText('2,4,6')
})

test('asks the network for nothing', async ({ page }) => {
  const url = await site(`${root}dist`, isolation, bare)
  const asked: string[] = []
  page.on('request', request => asked.push(request.url()))
  await page.goto(`${url}/`)
  expectLearned(await page.evaluate(train))
  expect(asked.filter(address => !address.startsWith('blob:'))).toEqual([`${url}/`, `${url}/lampas.min.js`])
})
