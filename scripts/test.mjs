// `npm test`: from a fresh clone to one closing line that adds up all tests. `npm test -- node e2e` runs those stages only.
import { install } from './setup.mjs'

await install()
const { ensureBrowser } = await import('./browser.mjs')
const { buildWasm } = await import('./build-wasm.mjs')
const { runStages } = await import('./stages.mjs')

const wanted = process.argv.slice(2)
const stages = wanted.length > 0 ? wanted : ['types', 'lint', 'node', 'browser', 'e2e']
if (stages.includes('browser') || stages.includes('e2e')) {
  process.env.LAMPAS_CHROMIUM = await ensureBrowser()
  console.log(`Testing in ${process.env.LAMPAS_CHROMIUM}`)
}
await buildWasm()
await runStages(stages)
