// `npm run check`: what a contributor runs before every commit. Types, lint and the order of the floors, in seconds.
import { install } from './setup.mjs'

await install()
const { runStages } = await import('./stages.mjs')
await runStages(['types', 'lint', 'floors'])
