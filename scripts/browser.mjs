// The Chromium that tests run in: one that is there already, else one that is fetched.
import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { delimiter, join } from 'node:path'
import { run, runBin } from './setup.mjs'

/** WebGPU runs on the software adapter, so that results do not depend on the graphics card. */
export const chromiumArgs = [
  '--no-sandbox',
  '--enable-unsafe-webgpu',
  '--use-webgpu-adapter=swiftshader',
  '--no-first-run',
  '--disable-quic',
  '--disable-sync',
  '--disable-background-networking',
  '--disable-component-update',
]

const names = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable', 'chrome']
const places = [
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
  join(process.env.PROGRAMFILES ?? 'C:\\Program Files', 'Google\\Chrome\\Application\\chrome.exe'),
]

/** The path of a Chromium that starts, or undefined. `LAMPAS_CHROMIUM` names one for certain. */
export function findBrowser() {
  const given = process.env.LAMPAS_CHROMIUM
  if (given) {
    if (!existsSync(given)) throw new Error(`LAMPAS_CHROMIUM names ${given}, which does not exist.`)
    return given
  }
  const onPath = (process.env.PATH ?? '').split(delimiter).flatMap(folder => names.map(name => join(folder, name)))
  return [...onPath, ...places, playwrightsOwn()].find(path => path && existsSync(path) && starts(path))
}

function playwrightsOwn() {
  return createRequire(import.meta.url)('playwright').chromium.executablePath()
}

function starts(path) {
  if (process.platform === 'win32') return true // there `--version` opens a window
  try {
    return /\d+\.\d+/.test(execFileSync(path, ['--version'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'], timeout: 30_000 }))
  } catch {
    return false
  }
}

/** As `findBrowser`, and fetches one where there is none: Playwright's own, else Debian's. */
export async function ensureBrowser() {
  const ways = [
    ["Playwright's Chromium", () => runBin('playwright/cli.js', ['install', 'chromium'])],
    ["Debian's Chromium", debian],
  ]
  for (const [what, fetch] of ways) {
    const found = findBrowser()
    if (found) return found
    console.log(`No Chromium found. Fetching ${what} …`)
    await fetch().catch(error => console.error(`${error.message}`))
  }
  const found = findBrowser()
  if (found) return found
  throw new Error('No Chromium to test in. Install Chrome or Chromium, or set LAMPAS_CHROMIUM to the path of one.')
}

async function debian() {
  const sudo = process.getuid?.() === 0 ? [] : ['sudo', '-n']
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  for (const args of [
    ['apt-get', 'update', '-q'],
    ['apt-get', 'install', '-q', '-y', '--no-install-recommends', 'chromium', 'libvulkan1'],
  ]) {
    const [command, ...rest] = [...sudo, ...args]
    if ((await run(command, rest, { env, stdio: ['ignore', 'inherit', 'inherit'] })) !== 0) return
  }
}
