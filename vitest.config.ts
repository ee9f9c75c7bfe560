// Where a test runs is said by its name:
//   test/**/*.test.ts          in Node
//   test/**/*.shared.test.ts   in Node and in Chromium (one file, both places)
//   test/browser/**/*.test.ts  in Chromium only
// Chromium's pages are cross-origin isolated (threads) and have WebGPU on the software adapter.
// One project alone: `npx vitest run --project node`, `… --project browser`; one file: add its path.
import { playwright } from '@vitest/browser-playwright'
import { defineConfig } from 'vitest/config'
import { chromiumArgs, findBrowser } from './scripts/browser.mjs'
import { isolation, shared } from './vite.config.ts'

const inPages = ['test/browser/**/*.test.ts', 'test/**/*.shared.test.ts']
/** Half of their work. A browser of its own has a software adapter of its own, so the two halves run side by side. */
const opsInPages = ['test/{backend,dtypes,ops}/**/*.shared.test.ts']

export default defineConfig({
  ...shared,
  server: { headers: isolation },
  test: {
    testTimeout: 60_000,
    hookTimeout: 60_000,
    maxWorkers: 2,
    // A test that looks at nothing fails.
    expect: { requireAssertions: true },
    projects: [
      {
        extends: true,
        test: { name: 'node', environment: 'node', include: ['test/**/*.test.ts'], exclude: ['test/browser/**'] },
      },
      {
        extends: true,
        optimizeDeps: { include: ['fast-check'] },
        test: {
          name: 'browser',
          include: inPages,
          fileParallelism: false,
          browser: {
            enabled: true,
            headless: true,
            screenshotFailures: false,
            provider: playwright({ launchOptions: { executablePath: findBrowser(), args: chromiumArgs } }),
            instances: [
              { browser: 'chromium', name: 'browser, ops', include: opsInPages },
              { browser: 'chromium', name: 'browser, other', include: inPages, exclude: opsInPages },
            ],
          },
        },
      },
    ],
  },
})
