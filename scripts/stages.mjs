// The stages of a test run. Each runs one tool to its end and counts what passed, failed and was skipped; a stage that breaks, or
// that runs no test at all, counts as one failure.
import { mkdir, readdir, readFile, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { root, runBin } from './setup.mjs'

const reports = join(root, 'build/reports')
/** A stage that hangs is ended and counts as broken. */
const timeout = 20 * 60_000

async function report(name, start) {
  await mkdir(reports, { recursive: true })
  const file = join(reports, `${name}.json`)
  await rm(file, { force: true })
  const code = await start(file)
  const json = await readFile(file, 'utf8').catch(() => null)
  return { code, json: json && JSON.parse(json) }
}

async function types() {
  const code = await runBin('typescript/bin/tsc', ['--noEmit'])
  const folder = join(root, 'test/types')
  const files = (await readdir(folder)).filter(name => name.endsWith('.ts'))
  const texts = await Promise.all(files.map(name => readFile(join(folder, name), 'utf8')))
  // Each `@ts-expect-error` is a case of its own: the compiler fails when the line below it compiles.
  const cases = texts.join('\n').match(/^\s*\/\/ @ts-expect-error/gm)?.length ?? 0
  return code === 0 ? { passed: 1 + cases } : { failed: 1 }
}

async function lint() {
  return (await runBin('oxlint/bin/oxlint', ['--deny-warnings'])) === 0 ? { passed: 1 } : { failed: 1 }
}

const vitest = (name, ...args) => async () => {
  const { code, json } = await report(name, file =>
    runBin('vitest/vitest.mjs', ['run', '--reporter=default', '--reporter=json', `--outputFile.json=${file}`, ...args], { timeout }),
  )
  if (!json) return { failed: 1 }
  const broken = json.testResults.filter(file => file.status === 'failed' && !file.assertionResults.some(test => test.status === 'failed'))
  const failed = json.numFailedTests + broken.length
  return { passed: json.numPassedTests, failed: failed || Number(code !== 0), skipped: json.numPendingTests + json.numTodoTests }
}

async function endToEnd() {
  const port = process.env.LAMPAS_E2E_PORT ?? String(await freePort())
  const { code, json } = await report('e2e', file => {
    const env = { ...process.env, LAMPAS_E2E_PORT: port, PLAYWRIGHT_JSON_OUTPUT_NAME: file }
    return runBin('@playwright/test/cli.js', ['test', '--reporter=list,json'], { timeout, env })
  })
  if (!json) return { failed: 1 }
  const { expected, unexpected, flaky, skipped } = json.stats
  return { passed: expected, failed: unexpected + flaky || Number(code !== 0), skipped }
}

function freePort() {
  return new Promise(resolve => {
    const server = createServer().listen(0, 'localhost', () => {
      const { port } = server.address()
      server.close(() => resolve(port))
    })
  })
}

const all = {
  types,
  lint,
  floors: vitest('floors', '--project', 'node', 'test/floors.test.ts'),
  node: vitest('node', '--project', 'node'),
  browser: vitest('browser', '--project', 'browser'),
  e2e: endToEnd,
}

/** Runs stages by name, adds them up in one closing line, and sets the exit code. */
export async function runStages(names) {
  const unknown = names.find(name => !Object.hasOwn(all, name))
  if (unknown) throw new Error(`There is no stage '${unknown}'. Stages: ${Object.keys(all).join(' ')}`)
  const rows = []
  const total = { passed: 0, failed: 0, skipped: 0 }
  for (const name of names) {
    console.log(`\n── ${name}`)
    const began = Date.now()
    const { passed = 0, failed = 0, skipped = 0 } = await all[name]().catch(error => (console.error(error), { failed: 1 }))
    const counts = { passed, failed: failed || Number(passed === 0), skipped }
    for (const key of Object.keys(total)) total[key] += counts[key]
    rows.push({ stage: name, ...counts, seconds: Math.round((Date.now() - began) / 1000) })
  }
  console.log()
  console.table(rows)
  console.log(`${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`)
  process.exitCode = total.failed > 0 ? 1 : 0
}
