// End-to-end tests: the built playground, the packed package, the script-tag bundle, each in a real Chromium.
import { defineConfig } from '@playwright/test'
import { chromiumArgs, findBrowser } from './scripts/browser.mjs'

const port = process.env.LAMPAS_E2E_PORT ?? '4173'
const playground = `http://localhost:${port}`

export default defineConfig({
  testDir: 'e2e',
  outputDir: 'build/e2e',
  globalSetup: './e2e/support/pack.ts',
  workers: 1,
  timeout: 90_000,
  expect: { timeout: 15_000 },
  forbidOnly: true,
  reporter: 'list',
  use: {
    baseURL: playground,
    browserName: 'chromium',
    launchOptions: { executablePath: findBrowser(), args: chromiumArgs },
    viewport: { width: 1280, height: 900 },
  },
  webServer: {
    command: `node scripts/build-wasm.mjs && npx vite build --logLevel warn && npx vite preview --port ${port} --strictPort --logLevel warn`,
    url: playground,
    reuseExistingServer: !process.env.CI,
    timeout: 120_000,
  },
})
